"""A department's policy as the hub executes it: what services ask, answered from one document and its overlays."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from connectors.file_words import refusal
from hub.absent import absent
from hub.errors import Invalid, NotFound, PolicyRefused
from hub.policy.activation import Activation, Open, conflicts, without_ceiling
from hub.policy.contract import SourceContract
from hub.policy.decisions import LENGTHENING, LOOSENING, Decision
from hub.policy.document import FOLDER, carried, read, schema
from hub.policy.durations import Duration
from hub.policy.effective import Effective, resolve
from hub.policy.limitations import CaseLife, case_life, load_limitations
from hub.policy.overlay import PREFIX, Operation, Overlay, built_in, load_overlay, of_document
from hub.policy.resolution import Bound, Bounds, Chosen, choose
from hub.policy.rules import AGENCY, Limit, Rule, of_list

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
CHIEF: Final = "Chief of Police"
"""Who signs what loosens a policy that names nobody for it."""
GRACE: Final = "P7D"
"""How long what loosens a policy waits where that does not say it."""
CHANGE_OFFICE: Final = "administration.change_office"
CHANGE_GRACE: Final = "retention.change_grace"
PARTNER: Final = "retention.destruction_partner"
"""The field of a policy that names who destroys with the agency: whom certificates are for."""
_PURPOSE: Final = "purpose"
_GROUPS: Final = (
    "administration", "access", "training", "use", "query", "hotlist", "hit", "retention", "audit", "sharing",
    "commercial_data", "device_checks", "breach", "public_posting",
)  # fmt: skip


class Expiry(NamedTuple):
    """When a read must be gone, and the rule and clause that say so."""

    at: datetime
    rule: str
    clause: str


class Profile:
    """One profile with its overlays and what was signed about it, ready to be asked."""

    def __init__(
        self, data: dict[str, Any], overlays: Iterable[Overlay], decisions: Sequence[Decision] = (), name: str = ""
    ) -> None:
        self.id: str = data["profile_id"]
        self.name = name or self.id
        """The name or file that it was loaded by."""
        self.agency: str = data["agency"]["name"]
        self.zone = _zone(data["agency"]["timezone"])
        self.document: dict[str, Any] = data["policy_doc"]
        self.overlays = tuple(sorted(overlays, key=lambda overlay: overlay.id))
        self.decisions = tuple(decisions)
        self._cited: dict[str, dict[str, Any]] = {
            f"{group}.{field}": value for group in _GROUPS for field, value in data[group].items() if field != "rules"
        }
        self._operations = tuple(operation for overlay in self.overlays for operation in overlay.operations)
        self._questions: tuple[Open, ...] = (
            *(
                Open(decision["id"], AGENCY, decision["question"], decision["safe_default"])
                for decision in data["decisions_needed"]
            ),
            *(_for_counsel(operation) for operation in self._operations if operation.op == "flag_for_counsel"),
        )
        own = of_list(data["retention"]["rules"], AGENCY, "retention.rules")
        self.rules = (*self._with_schedules(own), *(rule for overlay in self.overlays for rule in overlay.rules))
        self.prevailing: Mapping[str, str] = {
            decision.settles: decision.prevails for decision in self.decisions if decision.prevails is not None
        }
        """Which is kept of a floor and a ceiling that conflict, by the conflict's id, where that is signed."""
        self._chosen: dict[tuple[str, str, SourceContract | None, str], Chosen] = {}
        self._effective: dict[str, Effective] = {}

    @property
    def purposes(self) -> tuple[str, ...]:
        """The purposes for which anybody may ask: the policy's, without those that an overlay prohibits."""
        stated: list[str] = self._cited["use.purposes"]["v"]
        banned = {operation.field for operation in self._operations if operation.op == "prohibit"}
        return tuple(purpose for purpose in stated if f"{_PURPOSE}.{purpose}" not in banned)

    def effective(self, field: str) -> Effective:
        """A field in force (`query.reason`, `hit.database_verification`, `breach`, `purpose.stolen_vehicle`).

        What nobody says is a value of None, and `not_stated`; raises `NotFound` for a field that no policy has.
        """
        known = self._effective.get(field)
        if known is not None:
            return known
        group, _, rest = field.partition(".")
        on_it = [operation for operation in self._operations if operation.field in (field, group)]
        cited = self._cited.get(field)
        if group == _PURPOSE:
            use = self._cited["use.purposes"]
            cited = use | {"v": "permitted"} if rest in use["v"] else None
        elif cited is None and not on_it and field not in _vocabulary():
            raise NotFound(f"no policy has a field {field!r}")
        effective = self._effective[field] = resolve(field, cited, on_it)
        return effective

    def fields(self) -> tuple[str, ...]:
        """The fields that the policy or an overlay speaks of, silent ones among them, in the order of the document."""
        return tuple(dict.fromkeys((*self._cited, *(operation.field for operation in self._operations))))

    def rule_for(
        self,
        origin: str,
        vendor: str,
        contract: SourceContract | None = None,
        copy: str = "hub",
        linked: bool = False,
    ) -> Rule:
        """The rule that ends a copy of reads of an origin and vendor; an unknown vendor gets the strictest there is.

        `contract` is that of their source, `linked` whether a case, an event or a hit needs them. Raises
        `PolicyRefused` where no rule sets a number.
        """
        chosen = self.chosen(origin, vendor, contract, copy)
        rules = chosen.ceilings if linked else (*chosen.ceilings, *chosen.unlinked)
        if not rules:
            raise self._no_ceiling(origin, vendor, copy)
        return min(
            rules, key=lambda rule: (rule.keep.months * 30.4 + rule.keep.elapsed.total_seconds() / 86_400, rule.id)
        )

    def expiry(
        self,
        origin: str,
        vendor: str,
        contract: SourceContract | None,
        captured_at: datetime,
        *,
        received_at: datetime | None = None,
        copy: str = "hub",
        linked: bool = False,
    ) -> Expiry:
        """When a copy of a read must be gone, UTC; raises `PolicyRefused` where no rule sets a number.

        Without `received_at` every clock runs from the capture, which is never later. A `contract` brings its own
        connection's terms; `linked` as in `rule_for`.
        """
        chosen = self.chosen(origin, vendor, contract, copy)
        received = received_at or captured_at
        if self.prevailing:
            end = chosen.bounds(captured_at, received, self.zone, self.prevailing).end(linked)
        else:
            end = chosen.end(captured_at, received, self.zone, linked)
        if end is None:
            raise self._no_ceiling(origin, vendor, copy)
        return Expiry(end.at, end.rule, end.clause)

    def ends(
        self, origin: str, vendor: str, contract: SourceContract | None, received_at: datetime, *, linked: bool = False
    ) -> Callable[[datetime], Expiry]:
        """What `expiry` gives for the capture of each of many reads that arrive together: found out once what can be.

        Raises as `expiry` does, now or when it is called.
        """
        chosen = self.chosen(origin, vendor, contract, "hub")
        rules = chosen.ceilings if linked else (*chosen.ceilings, *chosen.unlinked)
        if self.prevailing or len(rules) != 1:
            return lambda captured_at: self.expiry(
                origin, vendor, contract, captured_at, received_at=received_at, linked=linked
            )
        (rule,), zone = rules, self.zone
        return lambda captured_at: Expiry(rule.ends(captured_at, received_at, zone), rule.id, rule.clause)

    def floor(
        self,
        origin: str,
        vendor: str,
        contract: SourceContract | None,
        captured_at: datetime,
        received_at: datetime,
        *,
        copy: str = "hub",
    ) -> Bound | None:
        """Until when nobody may delete a copy of a read, UTC, by which rule and clause; None where nobody says so."""
        return self.bounds(origin, vendor, contract, captured_at, received_at, copy=copy).floor

    def bounds(
        self,
        origin: str,
        vendor: str,
        contract: SourceContract | None,
        captured_at: datetime,
        received_at: datetime,
        *,
        copy: str = "hub",
    ) -> Bounds:
        """Everything that policy says of a copy's life; `conflict` of it is for a person to decide."""
        return self.chosen(origin, vendor, contract, copy).bounds(captured_at, received_at, self.zone, self.prevailing)

    def case_life(
        self,
        origin: str,
        vendor: str,
        contract: SourceContract | None,
        captured_at: datetime,
        *,
        received_at: datetime | None = None,
        offence: str | None = None,
        committed_on: date | None = None,
        copy: str = "hub",
    ) -> CaseLife:
        """How long a copy lives that a criminal case needs, or the task that must be done to know it.

        Where the policy has a rule for cases, it lifts the policy's own ceilings and nobody else's: never sooner than
        those, never later than a statute's or a contract's. Elsewhere the copy lives as linked ones do. `offence` is a
        class of `limitations.yaml`, and `committed_on` the day of the offence. Raises `PolicyRefused` where no rule
        sets an end, and `Invalid` for an unknown class.
        """
        chosen = self.chosen(origin, vendor, contract, copy)
        received = received_at or captured_at
        rule = chosen.case
        if rule is None:
            at = self.expiry(origin, vendor, contract, captured_at, received_at=received, copy=copy, linked=True)
            layer = next((bound.layer for bound in chosen.ceilings if bound.id == at.rule), AGENCY)
            return CaseLife(Bound(*at, layer), None, None, at.clause)
        life = case_life(load_limitations(), rule, captured_at, self.zone, offence, committed_on)
        ceilings = chosen.ceilings
        lifted = replace(chosen, ceilings=tuple(ceiling for ceiling in ceilings if ceiling.layer == rule.layer))
        others = replace(chosen, ceilings=tuple(ceiling for ceiling in ceilings if ceiling.layer != rule.layer))
        own = lifted.end(captured_at, received, self.zone, linked=True)
        cap = others.end(captured_at, received, self.zone, linked=True)
        until = life.until
        if until is not None and own is not None and own.at > until.at:
            until = own
        if cap is not None and (until is None or cap.at < until.at):
            return CaseLife(cap, life.task, life.review_at, cap.clause)
        return life._replace(until=until)

    def chosen(self, origin: str, vendor: str, contract: SourceContract | None, copy: str) -> Chosen:
        """The rules that decide about a kind of copy; raises `Invalid` for a contract of another agency."""
        known = self._chosen.get((origin, vendor, contract, copy))
        if known is None:
            if contract is not None and contract.agency not in (None, self.id):
                raise Invalid(f"agency: the contract is {contract.agency}'s, the profile {self.id}")
            rules = self.rules if contract is None else (*self.rules, *contract.rules())
            known = self._chosen[origin, vendor, contract, copy] = choose(rules, origin, vendor, copy)
        return known

    def activation(self, contracts: Iterable[SourceContract] = ()) -> Activation:
        """What stands in the way of putting the profile in force, and the safe defaults that hold meanwhile."""
        agreed = [contract.rules() for contract in contracts]  # of one source each: none conflicts with another's
        found = {one.id: one for rules in ((), *agreed) for one in conflicts((*self.rules, *rules))}
        open_conflicts = [conflict for conflict in found.values() if conflict.id not in self.prevailing]
        rules = (*self.rules, *(rule for rules in agreed for rule in rules))
        scheduled = {ident for decision in self.decisions for ident in decision.ceilings}
        left = tuple(rule.id for rule in self.rules if rule.needs_schedule and rule.id not in scheduled)
        return Activation(tuple(open_conflicts), without_ceiling(rules), self.open_decisions(), left)

    @property
    def lengthens(self) -> bool:
        """Whether it is signed that reads which are kept already live longer where the policy lets them."""
        return any(decision.settles == LENGTHENING for decision in self.decisions)

    @property
    def office(self) -> str:
        """The title of whoever signs what loosens this policy: the one named for that, else its administrator."""
        named = (self._cited.get(field, {}).get("v") for field in (CHANGE_OFFICE, "administration.alpr_administrator"))
        return str(next(filter(None, named), CHIEF))

    @property
    def grace_text(self) -> str:
        """`grace` as the policy writes it, ISO 8601."""
        return str(self._cited.get(CHANGE_GRACE, {}).get("v") or GRACE)

    @property
    def grace(self) -> Duration:
        """How long what loosens this policy waits, in which it is seen and can be stopped."""
        return Duration.parse(self.grace_text)

    def open_decisions(self) -> tuple[Open, ...]:
        """The choices that nobody has signed, each with the default that holds until then.

        What an overlay flags for counsel stays open until the decision names counsel's opinion.
        """
        signed = {decision.settles: decision for decision in self.decisions}
        return tuple(
            question
            for question in self._questions
            if question.id not in signed or (question.layer != AGENCY and signed[question.id].counsel is None)
        )

    def _with_schedules(self, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """The rules with the numbers that signed decisions give to those that leave it to a schedule."""
        known = {question.id for question in self._questions} | {LENGTHENING, LOOSENING}
        by_id = {rule.id: rule for rule in rules}
        for decision in self.decisions:
            if decision.settles not in known and not decision.settles.startswith("conflict:"):
                raise Invalid(f"decisions: {decision.settles} is nothing that {self.id} leaves open")
            for ident, term in decision.ceilings.items():
                rule = by_id.get(ident)
                field = f"decisions: {decision.settles}: ceilings.{ident}"
                if rule is None:
                    raise Invalid(f"{field}: is no rule; there are: {', '.join(by_id)}")
                if not rule.needs_schedule:
                    raise Invalid(f"{field}: the policy does not leave this to a schedule ({rule.clause})")
                limit = Limit.of({"dur": term.dur, "clock": term.clock}, field)
                by_id[ident] = replace(rule, max=limit, clause=f"{rule.clause}; {term.ref}")
        return tuple(by_id.values())

    def _no_ceiling(self, origin: str, vendor: str, copy: str) -> PolicyRefused:
        open_ = ", ".join(question.id for question in self.open_decisions())
        return PolicyRefused(
            f"{self.id} does not say how long {origin} reads of {vendor} may be kept at most ({copy} copy): a signed"
            f" decision must give a number ({open_})"
        )


class InForce(NamedTuple):
    """The policy in force, and the number under which the store keeps it."""

    id: int | None
    profile: Profile


def of_bytes(
    body: bytes,
    name: str,
    decisions: Sequence[Decision] = (),
    beside: Path | None = None,
    overlays: Mapping[str, str] = _NONE,
) -> Profile:
    """The profile of a YAML document; raises `Invalid` with the path of everything that is wrong.

    Overlays are the hub's, those that are given as text by their names, or `overlay-NAME.yaml` in the folder `beside`.
    """
    return _profile(read(body, name), name, decisions, beside, overlays)


def own_overlays(body: bytes, name: str, beside: Path) -> dict[str, str]:
    """The text of every overlay of a profile that is not the hub's, by its name: it lies beside the profile's file."""
    own = [overlay for overlay in read(body, name)["overlays"] if overlay not in built_in()]
    files = {overlay: beside / f"{PREFIX}{overlay}.yaml" for overlay in own}
    return {overlay: file.read_text("utf-8") for overlay, file in files.items() if file.is_file()}


def _profile(
    data: dict[str, Any],
    name: str,
    decisions: Sequence[Decision],
    beside: Path | None,
    given: Mapping[str, str] = _NONE,
) -> Profile:
    try:
        overlays = [_overlay(entry, place, beside, given) for place, entry in enumerate(data["overlays"])]
        return Profile(data, overlays, decisions, name)
    except Invalid as wrong:
        raise Invalid(f"{name}: {wrong}") from None


def of_file(file: Path, decisions: Sequence[Decision] = ()) -> Profile:
    """The profile in a file; raises `NotFound` where there is none, and `Invalid`."""
    try:
        body = file.read_bytes()
    except FileNotFoundError as failed:
        raise NotFound(refusal(failed, file)) from None
    except OSError as failed:
        raise Invalid(refusal(failed, file)) from None
    return of_bytes(body, str(file), decisions, file.parent)


def load(name: str, decisions: Sequence[Decision] = ()) -> Profile:
    """The built-in profile of a name (`hermosa-beach`), or the one in a file (`./ours.yaml`).

    Raises `NotFound`, naming those there are, and `Invalid` with the path of what is wrong in a file.
    """
    if "/" in name or name.endswith((".yaml", ".yml")):
        return of_file(Path(name), decisions)
    if name not in names():
        raise NotFound(absent("policy profile", name, names()))
    return _built_in(name, tuple(decision.model_dump_json() for decision in decisions))


@cache
def names() -> tuple[str, ...]:
    """The names of the built-in profiles."""
    files = (item.name for item in FOLDER.iterdir())
    return tuple(
        sorted(file.removesuffix(".yaml") for file in files if file.endswith(".yaml") and not file.startswith(PREFIX))
    )


@lru_cache(maxsize=32)  # each start asks for one several times
def _built_in(name: str, signed: tuple[str, ...]) -> Profile:
    decisions = [Decision.model_validate_json(decision) for decision in signed]
    return _profile(carried(f"{name}.yaml"), name, decisions, None)


def _overlay(name: str, place: int, beside: Path | None, given: Mapping[str, str]) -> Overlay:
    file = Path(f"{PREFIX}{name}.yaml") if beside is None else beside / f"{PREFIX}{name}.yaml"
    body = given[name].encode() if name in given else None
    if body is None and (name in built_in() or beside is None or not file.is_file()):
        try:
            return load_overlay(name)
        except Invalid as wrong:
            raise Invalid(f"overlays.{place}: {wrong}") from None
    overlay = of_document(file.read_bytes() if body is None else body, file.name)
    if overlay.id != name:
        raise Invalid(f"overlays.{place}: {file.name} calls itself {overlay.id}")
    return overlay


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(f"agency.timezone: {name!r} is no time zone such as America/Los_Angeles") from None


def _for_counsel(operation: Operation) -> Open:
    question = f"{operation.field}: does {', '.join(operation.values)} bind here? ({operation.clause})"
    return Open(
        operation.id,
        operation.layer,
        question,
        "the department's own policy holds; get counsel's opinion before go-live",
    )


@cache
def _vocabulary() -> frozenset[str]:
    """The fields that any policy of the schema, or any built-in overlay, may speak of."""
    groups = schema()["properties"]
    fields = {f"{group}.{field}" for group in _GROUPS for field in groups[group]["properties"] if field != "rules"}
    ours = {operation.field for name in built_in() for operation in load_overlay(name).operations}
    return frozenset(fields | ours | set(_GROUPS))
