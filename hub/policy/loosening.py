"""What another policy loosens of the one in force: a shorter floor, a longer ceiling, a rule dropped or changed.

Compared is what holds for each kind of copy, not what the rules are called: a rule of another name that says as much is
no loosening. Where two periods cannot be put in order for every day of the calendar, or what a field says now is not
plainly as strict, the change counts as one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from hub.errors import NotFound
from hub.policy.activation import kinds
from hub.policy.durations import outlasts
from hub.policy.effective import FORCES, Effective
from hub.policy.profile import CHANGE_GRACE, CHANGE_OFFICE, Profile
from hub.policy.provenance import Provenance
from hub.policy.resolution import Chosen, choose
from hub.policy.rules import Limit, Rule
from hub.policy.strictness import as_strict
from hub.words import count, named, periods

_COMPARED_APART: Final = (CHANGE_OFFICE, CHANGE_GRACE)
_CLOCKS: Final = {"captured_at": "the capture", "received_at": "the arrival"}


class _Looser(NamedTuple):
    """A rule that was in force, in words, and what there is in its place."""

    said: str
    then: str


def loosened(before: Profile, after: Profile) -> tuple[str, ...]:
    """What `after` loosens of `before`, a sentence each; none where it only keeps or tightens."""
    lives = (looser for old, new in _kinds(before, after) for looser in _chosen(old, new))
    others = (*_schedules(before, after), *_settled(before, after), *_fields(before, after), *_how(before, after))
    return (*_sentences(lives), *others)


def loosened_kind(profile: Profile, before: Provenance, after: Provenance) -> tuple[str, ...]:
    """What it loosens that reads are of another kind under one profile, a sentence each."""
    return _sentences(_chosen(profile.chosen(*before, "hub"), profile.chosen(*after, "hub")))


def _sentences(loosers: Iterable[_Looser]) -> tuple[str, ...]:
    """A sentence for each rule that was in force."""
    by_rule: dict[str, dict[str, None]] = {}
    for looser in loosers:
        by_rule.setdefault(looser.said, {})[looser.then] = None
    return tuple(f"{said}, and then {named(list(then))}" for said, then in by_rule.items())


def _kinds(before: Profile, after: Profile) -> Iterator[tuple[Chosen, Chosen]]:
    for origin, vendor, copy, _ in kinds((*before.rules, *after.rules)):
        yield choose(before.rules, origin, vendor, copy), choose(after.rules, origin, vendor, copy)


def _schedules(before: Profile, after: Profile) -> Iterator[str]:
    names = {rule.id: rule for rule in after.rules}
    for rule in before.rules:
        if rule.needs_schedule and rule.id in names and not names[rule.id].needs_schedule:
            yield f"{rule.id} ({rule.clause}) is left to a schedule, and then to none"


def _chosen(old: Chosen, new: Chosen) -> Iterator[_Looser]:
    """What one kind of copy gets that is looser."""
    for rule in old.floors:
        if not any(_at_least(other.min, rule.min) for other in new.floors):
            yield _Looser(_said(rule, rule.min, "keeps reads at least"), _told(new.floors, "min") or "no time")
    for rules, others in ((old.ceilings, new.ceilings), (old.unlinked, (*new.ceilings, *new.unlinked))):
        for rule in rules:
            if not any(_at_most(other.max, rule.max) for other in others):
                yield _Looser(_said(rule, rule.max, "keeps reads at most"), _told(others, "max") or "without end")
    case, other_case = old.case, new.case
    if case is not None and (other_case is None or other_case.until != case.until):
        yield _Looser(f"{case.id} ({case.clause}) keeps reads of a case as long as it needs them", "it does not")
    if case is None and other_case is not None:
        yield _Looser("reads of a case live no longer than others", f"they do ({other_case.id}, {other_case.clause})")


def _at_least(new: Limit | None, old: Limit | None) -> bool:
    """Whether a floor is never sooner than another."""
    if new is None or old is None:
        return False
    return not outlasts(old.dur, new.dur) and new.clock in (old.clock, "received_at")


def _at_most(new: Limit | None, old: Limit | None) -> bool:
    """Whether a ceiling is never later than another."""
    if new is None or old is None:
        return False
    return not outlasts(new.dur, old.dur) and new.clock in (old.clock, "captured_at")


def _said(rule: Rule, limit: Limit | None, how: str) -> str:
    lasting = "" if limit is None else f" {_period(limit)}"
    return f"{rule.id} ({rule.clause}) {how}{lasting}"


def _told(rules: Sequence[Rule], of: str) -> str:
    limits: dict[str, Limit | None] = {rule.id: getattr(rule, of) for rule in rules}
    return named([f"{_period(limit)} ({ident})" for ident, limit in limits.items() if limit])


def _period(limit: Limit) -> str:
    return f"{periods(limit.text)} from {_CLOCKS[limit.clock]}"


def _settled(before: Profile, after: Profile) -> Iterator[str]:
    """Conflicts of rules that were in force, and that are settled otherwise now.

    A rule that is added may lose, since it promised nothing yet: but only where all that was in force is there as it
    was. Else it may be one of those under another name.
    """
    in_force = {rule.id for rule in before.rules}
    as_it_was = all(rule in after.rules for rule in before.rules)
    new = {rule.id for rule in after.rules} - in_force if as_it_was else set[str]()
    for ident, prevails in after.prevailing.items():
        if before.prevailing.get(ident) == prevails:
            continue
        floor, _, ceiling = ident.removeprefix("conflict:").partition(":")
        # A rule of neither policy is one of a contract, which is in force whatever the policy is.
        if (floor if prevails == "ceiling" else ceiling) not in new:
            yield f"{ident}: now the {prevails} is kept where both cannot be"


def _fields(before: Profile, after: Profile) -> Iterator[str]:
    """Rules that say nothing any more or are weaker, and those that say something else, not plainly as strict."""
    dropped: list[str] = []
    changed: list[str] = []
    for old in map(before.effective, before.fields()):
        new = _now(after, old.field)
        if old.field in _COMPARED_APART or as_strict(old, new):
            continue
        gone = new is None or new.value is None or FORCES.index(new.force) < FORCES.index(old.force)
        (dropped if gone else changed).append(old.field)
    if dropped:
        yield f"{count(len(dropped), 'rule')} dropped: {named(dropped)}"
    if changed:
        yield f"{count(len(changed), 'rule')} changed to what may be looser: {named(changed)}"


def _now(profile: Profile, field: str) -> Effective | None:
    try:
        return profile.effective(field)
    except NotFound:
        return None


def _how(before: Profile, after: Profile) -> Iterator[str]:
    """What says how lives are counted, whose they are, and how a policy is changed."""
    if after.lengthens and not before.lengthens:
        yield "what is kept already lives longer too (settles: lengthening)"
    if before.zone != after.zone:
        yield f"days and months are counted in {before.zone}, and then in {after.zone}"
    if before.office.casefold() != after.office.casefold():
        yield f"the {before.office} signs what loosens it, and then the {after.office} does"
    if outlasts(before.grace, after.grace):
        yield f"what loosens it waits {before.grace.words()}, and then {after.grace.words()}"
