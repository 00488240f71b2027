"""`alprhub policy`: what the agency's policy says, clause by clause, and when a read must be gone."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from alprhub.cli import files
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.plain import print_json
from hub.agency import checked, none_in, zone_of
from hub.clock import SystemClock
from hub.errors import Invalid, NoAgency, NotFound
from hub.moments import instant
from hub.policy.activation import DECISIONS_SHOWN
from hub.policy.contract import SourceContract, read_contract
from hub.policy.copying import own_text
from hub.policy.decisions import Decision, read_decisions
from hub.policy.durations import Duration
from hub.policy.profile import Profile, load, names, of_file
from hub.policy.resolution import Bound
from hub.policy.rules import Limit, Rule
from hub.proposals import Action, Proposal
from hub.settings import from_environment
from hub.wiring import open_hub
from hub.words import count, moment, periods, yes

app = typer.Typer(help="Show what policy says, check a profile, ask when a read must be gone.", no_args_is_help=True)

Named = Annotated[
    str | None, typer.Option("--profile", help="A built-in name or a file; without it, the one in force.")
]
SignedIn = Annotated[Path | None, typer.Option("--decisions", help="A YAML file of signed decisions.")]
_PROFILES = {
    "profile": "profile",
    "agency": "agency",
    "policy": "policy",
    "overlays": "law beside it",
    "ready": "can be put in force",
    "open": "decisions to sign",
    "in_force": "in force",
}
_RULES = {
    "rule": "rule",
    "layer": "of",
    "origin": "whose reads",
    "vendor": "vendor",
    "copy": "copy at",
    "linked": "linked",
    "most": "kept at most",
    "least": "kept at least",
    "until": "kept until",
    "force": "force",
    "clause": "clause",
}
_CLOCKS = {"captured_at": "the capture", "received_at": "its arrival"}
_KINDS = {"max": "must be gone by", "min": "must be kept until", "until": "is kept until"}
_BOUNDS = {"unlinked": "linked to no case", "floor": "before that", "case": "linked to a case"}
EXPLAINED = "retention.report_if_older_than"


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the built-in profiles, and the one in force: whose it is, and whether it could be put in force as it is."""
    with failures():
        policy = _in_force()
        in_force = policy.name if isinstance(policy, Profile) else None
        rows = []
        built_in = names()
        beside = [in_force] if in_force is not None and in_force not in built_in else []
        for name in [*built_in, *beside]:
            profile = policy if isinstance(policy, Profile) and name in beside else load(name)
            state = profile.activation()
            rows.append(
                {
                    "profile": name,
                    "agency": profile.agency,
                    "policy": profile.document["number"],
                    "overlays": [overlay.id for overlay in profile.overlays],
                    "ready": "yes" if state.ready else "no",
                    "open": len(state.open),
                    "in_force": "yes" if name == in_force else "",
                }
            )
        print_rows(rows, _PROFILES, as_json)


@app.command()
def show(profile: Named = None, decisions: SignedIn = None, as_json: AsJson = False) -> None:
    """Show every rule in force with its clauses: retention, fields after the overlays, and what nobody has decided."""
    with failures():
        policy = _named(profile, decisions)
        document = _document(policy)
        coming = [] if profile else _coming()
        if as_json:
            print_json({**document, "coming": [asdict(one) for one in coming]})
            return
        over = ", ".join(document["overlays"]) or "no overlay"
        console.print(f"{policy.agency}, policy {document['policy']['number']}, {over}, {policy.zone}")
        console.print("\nretention", style="bold")
        print_rows([_rule_row(rule) for rule in policy.rules], _RULES, False)
        console.print("\nfields in force", style="bold")
        stated = [field for field in document["fields"] if field["value"] is not None or field["clauses"]]
        columns = {"field": "field", "value": "value", "force": "force", "clauses": "clauses"}
        print_rows(
            [{**field, "value": _words(field), "force": _spaced(field["force"])} for field in stated], columns, False
        )
        console.print("\nsilent on", style="bold")
        console.print(", ".join(field["field"] for field in document["fields"] if field not in stated))
        _print_state(document)
        for proposal in coming:
            console.print(_when(proposal, policy), style="yellow")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A policy profile, YAML.")],
    decisions: SignedIn = None,
    as_json: AsJson = False,
) -> None:
    """Hold a profile to the schema, name every field that is wrong, and say whether it could be put in force.

    Exit code 65 for a profile that is wrong, 77 for one with two rules that cannot both be kept.
    """
    with failures():
        profile = of_file(file, _signed(decisions))
        state = _state(profile)
        if as_json:
            print_json({"profile": profile.id, "valid": True, **state})
        else:
            console.print(f"{profile.id}: well formed; {count(len(profile.rules), 'retention rule')}")
            _print_state(state)
        if state["conflicts"]:
            profile.activation().demand()


@app.command()
def boundary(
    source: Annotated[
        str, typer.Option(help="The vendor as policies name it (flock); one they do not name is unknown.")
    ],
    captured_at: Annotated[
        str, typer.Option(help="When it was captured: 11/28/2026 14:30 on the agency's clock, or ISO 8601.")
    ],
    received_at: Annotated[str | None, typer.Option(help="When the hub got it; without it, the capture.")] = None,
    profile: Named = None,
    copy: Annotated[Literal["hub", "vendor"], typer.Option(help="Where the copy lies.")] = "hub",
    origin: Annotated[
        Literal["own", "commercial", "native_reader"] | None, typer.Option(help="Whose reads; without it, own.")
    ] = None,
    held: Annotated[bool, typer.Option(help="Ask from when on a copy that is held must be explained.")] = False,
    contract: Annotated[
        Path | None, typer.Option(help="A YAML or JSON file with the source's contract: vendor, origin, terms.")
    ] = None,
    decisions: SignedIn = None,
    as_json: AsJson = False,
) -> None:
    """Say when a copy of a read must be gone, or until when nobody may delete it, and by which clause."""
    with failures():
        policy = _named(profile, decisions)
        captured = _instant(policy, captured_at, "captured-at")
        received = captured if received_at is None else _instant(policy, received_at, "received-at")
        if held:
            answer = _explained(policy, captured)
        else:
            term = _contract(contract, policy, source, origin, copy)
            answer = _boundary(policy, term, captured, received)
        if as_json:
            print_json(answer)
            return
        for name, bound in {
            "": answer,
            **{key: value for key, value in answer.items() if isinstance(value, dict)},
        }.items():
            lead = f"{_BOUNDS[name]}: " if name else ""
            end = bound["boundary"]
            when = moment(end, policy.zone) if isinstance(end, datetime) else f"the end of the {_spaced(str(end))}"
            console.print(f"{lead}{_KINDS[bound['kind']]} {when}, rule {bound['rule']} ({bound['clause']})")
        if answer.get("conflict"):
            console.print("conflict: it must be kept longer than it may be kept; a person must decide", style="yellow")


def _named(name: str | None, decisions: Path | None) -> Profile:
    """The profile of a name with the decisions of a file, or the one in force with those that it was signed with."""
    if name is not None:
        return load(name, _signed(decisions))
    policy = _in_force()
    if isinstance(policy, NoAgency):
        raise Invalid("profile: this hub has none yet (alprhub init); name one with --profile")
    return policy if decisions is None else load(policy.name, _signed(decisions))


def _in_force() -> Profile | NoAgency:
    """The profile in force, or why there is none."""
    settings = from_environment()
    is_set = {"agency", "profile"} <= settings.model_fields_set
    if settings.database_url is None and not (settings.data / "alprhub.sqlite3").exists():
        return load(settings.profile) if is_set else none_in(settings)
    try:
        with open_hub() as hub:
            return hub.governing.profile
    except NoAgency as none:
        return none


def _coming() -> list[Proposal]:
    """What is proposed, or approved and waits for its time, of what changes how long reads live."""
    settings = from_environment()
    if settings.database_url is None and not (settings.data / "alprhub.sqlite3").exists():
        return []
    try:
        with open_hub() as hub:
            return [one for one in hub.access.approvals.list() if one.action in (Action.POLICY, Action.KIND)]
    except NoAgency:
        return []


def _when(proposal: Proposal, policy: Profile) -> str:
    loosens = proposal.content.get("loosens", ())
    what = f"approval {proposal.id}, to {proposal.words}"
    more = f"; it loosens: {'; '.join(loosens)}" if loosens else ""
    if proposal.state == "in_grace" and proposal.due_at is not None:
        due = moment(proposal.due_at, policy.zone)
        stop = f"alprhub approvals refuse {proposal.id} --reason WHY stops it"
        return f"{what}, is carried out {due}: {stop}{more}"
    return f"{what}, waits: alprhub approvals show {proposal.id}{more}"


@app.command("copy")
def copy_(
    name: Annotated[str, typer.Argument(help="The profile to begin with, as `alprhub policy list` names it.")],
    file: Annotated[Path, typer.Argument(help="The file to write, which ends in .yaml and must not exist yet.")],
    agency: Annotated[str | None, typer.Option(help="The name of your agency.")] = None,
    zone: Annotated[str | None, typer.Option(help="Its time zone, as America/Chicago.")] = None,
) -> None:
    """Write a profile into a file, to make your agency's own of it."""
    with failures():
        if file.suffix not in (".yaml", ".yml"):
            raise Invalid(f"{file}: a profile's file ends in .yaml")
        text = own_text(name, checked(agency) if agency else None, zone_of(zone) if zone else None)
        files.put(file, text.encode())
        console.print(f"{file}: every clause in it is still that of {name}; alprhub policy check {file} looks at it")


def _boundary(profile: Profile, term: SourceContract, captured: datetime, received: datetime) -> dict[str, Any]:
    where = (term.origin, term.vendor, term)
    bounds = profile.bounds(*where, captured, received, copy=term.copy_at)
    case = profile.chosen(*where, term.copy_at).case
    if bounds.floor is not None and bounds.end(linked=True) is None:
        answer = _bound("min", bounds.floor)
    else:
        end = profile.expiry(
            *where, captured, received_at=received, copy=term.copy_at, linked=bounds.ceiling is not None
        )
        answer = {"kind": "max", "boundary": end.at, "rule": end.rule, "clause": end.clause}
    if bounds.unlinked is not None:
        answer["unlinked"] = _bound("max", bounds.unlinked)
    if bounds.ceiling and bounds.floor:
        answer["floor"] = _bound("min", bounds.floor)
        answer["conflict"] = bounds.conflict
    if case is not None:
        answer["case"] = {"kind": "until", "boundary": case.until, "rule": case.id, "clause": case.clause}
    return answer


def _explained(profile: Profile, captured: datetime) -> dict[str, Any]:
    """From when on a copy that a hold keeps must be listed and explained."""
    field = profile.effective(EXPLAINED)
    if field.value is None:
        raise NotFound(f"{profile.id} does not ask for an explanation of what is held ({EXPLAINED})")
    at = Duration.parse(field.value).ceiling(captured, profile.zone)
    clause = field.clauses
    return {"kind": "max", "boundary": at, "rule": EXPLAINED, "clause": clause}


def _bound(kind: str, bound: Bound) -> dict[str, Any]:
    return {"kind": kind, "boundary": bound.at, "rule": bound.rule, "clause": bound.clause}


def _contract(file: Path | None, profile: Profile, source: str, origin: Any, copy: Any) -> SourceContract:
    if file is None:
        return SourceContract(agency=profile.id, connection=source, vendor=source, origin=origin or "own", copy_at=copy)
    term = read_contract(files.content(file), str(file))
    asked = {"vendor": source, "copy_at": copy, "origin": origin or term.origin}
    for field, value in asked.items():
        if getattr(term, field) != value:
            raise Invalid(f"{file}: {field}: is {getattr(term, field)}, and {value} was asked for")
    return term


def _document(profile: Profile) -> dict[str, Any]:
    fields = [profile.effective(name) for name in profile.fields()]
    return {
        "profile": profile.id,
        "agency": profile.agency,
        "zone": str(profile.zone),
        "policy": profile.document,
        "overlays": [overlay.id for overlay in profile.overlays],
        "purposes": profile.purposes,
        "retention": [_rule(rule) for rule in profile.rules],
        "fields": [
            {
                "field": field.field,
                "value": field.value,
                "within": field.within,
                "force": field.force,
                "clauses": [reference.clause for reference in field.references],
                "references": [reference._asdict() for reference in field.references],
                "stated": field.stated,
                "note": field.note,
            }
            for field in fields
        ],
        **_state(profile),
    }


def _words(field: dict[str, Any]) -> str:
    """A field's value for people: who must be in several sets at once is told so."""
    within = ", and ".join(" or ".join(map(_spaced, codes)) for codes in field["within"])
    return within or _value(field["value"])


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{_spaced(key)}: {_value(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    return "" if value is None else yes(value) if isinstance(value, bool) else periods(_spaced(str(value)))


def _spaced(code: str) -> str:
    return code.replace("_", " ")


def _rule_row(rule: Rule) -> dict[str, Any]:
    """A rule for people: periods in words, and since when they run."""
    return {
        **_rule(rule),
        "most": _limit(rule.max),
        "least": _limit(rule.min),
        "until": _spaced(rule.until or ""),
        "force": _spaced(rule.force),
    }


def _limit(limit: Limit | None) -> str:
    return f"{periods(limit.text)} from {_CLOCKS[limit.clock]}" if limit else ""


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "layer": rule.layer,
        "origin": rule.origin or "any",
        "vendor": rule.vendor or "any",
        "copy": rule.copy or "any",
        "linked": {None: None, True: "case", False: "not linked"}[rule.linked],
        "max": f"{rule.max.text} from {rule.max.clock}" if rule.max else None,
        "min": f"{rule.min.text} from {rule.min.clock}" if rule.min else None,
        "until": rule.until,
        "on_expiry": rule.action,
        "force": rule.force,
        "clause": rule.clause,
        "note": rule.note,
    }


def _state(profile: Profile) -> dict[str, Any]:
    state = profile.activation()
    return {
        "ready": state.ready,
        "conflicts": [{**conflict._asdict(), "told": str(conflict)} for conflict in state.conflicts],
        "without_ceiling": state.without_ceiling,
        "without_schedule": state.without_schedule,
        "change_office": profile.office,
        "change_grace": profile.grace_text,
        "decisions_needed": [decision._asdict() for decision in state.open],
    }


def _print_state(state: dict[str, Any]) -> None:
    console.print("\ndecisions that nobody has signed, and what holds meanwhile", style="bold")
    columns = {"id": "decision", "question": "question", "safe_default": "until it is signed"}
    rows = [{name: periods(decision[name]) for name in columns} for decision in state["decisions_needed"]]
    print_rows(rows, columns, False, "none")
    console.print(
        f"\nwhat loosens this policy: signed by the {state['change_office']} (settles: loosening), approved by a second"
        f" person, and carried out {periods(state['change_grace'])} later"
    )
    console.print(f"can be put in force: {yes(state['ready'])}")
    if state["without_schedule"]:
        rules = ", ".join(state["without_schedule"])
        console.print(
            f"left to a retention schedule that nobody has signed yet: {rules}; a signed decision must give its number"
            f" (--decisions FILE, {DECISIONS_SHOWN} shows one)",
            style="yellow",
        )
    for kind in state["without_ceiling"]:
        console.print(
            f"nothing says how long {_spaced(kind)} may be kept at most: a signed decision must give a number",
            style="yellow",
        )
    for conflict in state["conflicts"]:
        console.print(conflict["told"], style="yellow")


def _signed(file: Path | None) -> tuple[Decision, ...]:
    return () if file is None else read_decisions(files.content(file), str(file))


def _instant(profile: Profile, text: str, field: str) -> datetime:
    return instant(text, SystemClock().now(), profile.zone, field)
