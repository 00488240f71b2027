"""What another policy loosens of the one in force, and what only keeps or tightens it."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any, cast

import manuals
import pytest
import two
import yaml

from hub.policy.decisions import Decision
from hub.policy.document import FOLDER
from hub.policy.loosening import loosened, loosened_kind
from hub.policy.profile import Profile, names, of_bytes
from hub.policy.provenance import Provenance

Change = Callable[[dict[str, Any]], object]
PURPOSES = "use.purposes"
SHUT = "changed to what may be looser: "
NUMBER = manuals.decided("wm-d1", "wm-server", "P13M")


@cache
def written(manual: str) -> dict[str, Any]:
    """What a manual says, which is nobody's to change."""
    return cast("dict[str, Any]", yaml.safe_load(FOLDER.joinpath(f"{manual}.yaml").read_text("utf-8")))


def changed(manual: str, change: Change | None = None, *signed: Decision) -> Profile:
    data = deepcopy(written(manual))
    if change is not None:
        change(data)
    return of_bytes(yaml.safe_dump(data).encode(), f"{manual}.yaml", signed)


def rule(number: int, **said: Any) -> Change:
    """Another text of one rule; None leaves the rule out."""

    def change(data: dict[str, Any]) -> None:
        data["retention"]["rules"][number] |= said

    return change


def field(name: str, value: Any, force: str = "shall") -> Change:
    group, _, key = name.partition(".")
    cited = {"v": value, "force": force, "ref": "ours 1" if value is not None else None}
    return lambda data: data[group].update({key: cited})


def more(name: str, item: str) -> Change:
    """A list of a field with one item more."""
    group, _, key = name.partition(".")
    return lambda data: data[group][key]["v"].append(item)


def with_purpose(purpose: str) -> Change:
    return more(PURPOSES, purpose)


def of(dur: str, clock: str = "captured_at") -> dict[str, Any]:
    return {"dur": dur, "clock": clock}


def extra(**said: Any) -> Change:
    """One rule more."""
    more = {
        "id": "ours", "match": {"origin": "any"}, "copy_at": "any", "max": None, "min": None,
        "on_expiry": {"action": "purge", "force": "shall"}, "ref": "ours 1",
    }  # fmt: skip
    return lambda data: data["retention"]["rules"].append({**more, **said})


def renamed(data: dict[str, Any]) -> None:
    for one in data["retention"]["rules"]:
        one["id"] = f"ours-{one['id']}"


def with_case(data: dict[str, Any]) -> None:
    manual = yaml.safe_load(FOLDER.joinpath("long-beach.yaml").read_text("utf-8"))
    data["retention"]["rules"].append(manual["retention"]["rules"][-1])


def left_to_nothing(data: dict[str, Any]) -> None:
    data["retention"]["rules"][2].pop("schedule_ref_required")


LOOSER: dict[str, tuple[str, Change, str]] = {
    "a longer ceiling": ("hermosa-beach", rule(1, max=of("P31D")), "hb-flock (429.5 ¶2 s4) keeps reads at most 30"),
    "a month for thirty days": ("hermosa-beach", rule(1, max=of("P1M")), "hb-flock"),
    "two years of which one has a leap day": ("long-beach", rule(0, max=of("P731D")), "lb-own"),
    "a ceiling from the arrival": ("hermosa-beach", rule(0, max=of("P1D", "received_at")), "hb-motorola"),
    "a rule that goes before a shorter one": (
        "hermosa-beach", extra(match={"origin": "own", "vendor": "axis"}, max=of("P60D")), "hb-other"
    ),
    "a shorter floor": ("westminster", rule(0, min=of("P11M", "received_at")), "wm-server"),
    "a floor from the capture": ("westminster", rule(0, min=of("P1Y")), "wm-server"),
    "no floor": ("westminster", rule(0, min=None, max=of("P13M")), "and then no time"),
    "no case": ("long-beach", lambda data: data["retention"]["rules"].pop(), "lb-case"),
    "a longer life without a link": ("palm-springs", rule(2, max=of("P60D")), "ps-unlinked"),
    "another office": ("hermosa-beach", field("administration.change_office", "Sergeant"), "the Sergeant does"),
    "a shorter grace": ("hermosa-beach", field("retention.change_grace", "P6D"), "waits 7 days, and then 6 days"),
    "a rule of an overlay": ("hermosa-beach", lambda data: data.update(overlays=["us-cjis"]), "sharing.sale"),
    "a requirement": ("hermosa-beach", field("training.initial_before_access", None, "not_stated"), "training.initial"),
    "a weaker force": ("hermosa-beach", field("training.initial_before_access", True, "should"), "training.initial"),
    "a schedule": ("hermosa-beach", left_to_nothing, "hb-other"),
    "a life without a link from the arrival": (
"palm-springs", rule(2, max=of("P30D", "received_at")), "ps-unlinked"),
    "a life with a case that others have not": ("hermosa-beach", with_case, "reads of a case live no longer"),
    "another end of a case": ("long-beach", rule(-1, until="litigation_resolved"), "as long as it needs them"),
    "no end without a link": ("palm-springs", lambda data: data["retention"]["rules"].pop(), "ps-unlinked"),
    "a purpose more": ("palm-springs", with_purpose("anything"), f"{SHUT}{PURPOSES}"),
    "other purposes": ("hermosa-beach", with_purpose("anything"), f"{SHUT}{PURPOSES}"),
    "a reason more for a hot list": (
        "long-beach", more("hotlist.allowed_reasons", "whoever"), f"{SHUT}hotlist.allowed_reasons"
    ),
    "a rarer audit": ("palm-springs", field("audit.audit_frequency", "P4M"), f"{SHUT}audit.audit_frequency"),
    "an audit whenever": ("palm-springs", field("audit.audit_frequency", "regular"), f"{SHUT}audit.audit_frequency"),
    "rarer training": ("long-beach", field("training.refresh_interval", "P2Y"), f"{SHUT}training.refresh_interval"),
    "a report of older reads only": (
        "palm-springs", field("retention.report_if_older_than", "P3Y"), f"{SHUT}retention.report_if_older_than"
    ),
    "sharing with whom it was prohibited": (
        "palm-springs", field("sharing.federal_immigration", "allowed"), f"{SHUT}sharing.federal_immigration"
    ),
    "no look at the database": (
        "palm-springs", field("hit.database_verification", "never"), f"{SHUT}hit.database_verification"
    ),
    "a prohibited use that is allowed": (
        "palm-springs", field("use.personal_use", "allowed"), f"{SHUT}use.personal_use"
    ),
    "a demand that is prohibited": (
        "palm-springs", field("hit.visual_verification", "prohibited"), f"{SHUT}hit.visual_verification"
    ),
    "a check that is prohibited": (
        "palm-springs", field("hit.database_verification", "prohibited"), f"{SHUT}hit.database_verification"
    ),
    "less in the log": ("long-beach", field("audit.log_fields", ["access"]), f"{SHUT}audit.log_fields"),
    "a wider circle": (
        "palm-springs", more("sharing.recipients", "anybody"), f"{SHUT}sharing.recipients"
    ),
    "another zone": ("hermosa-beach", lambda data: data["agency"].update(timezone="UTC"), "counted in"),
}  # fmt: skip
AS_TIGHT: dict[str, tuple[str, Change | None]] = {
    "the same": ("hermosa-beach", None),
    "other names": ("palm-springs", renamed),
    "a shorter ceiling": ("hermosa-beach", rule(0, max=of("P11M"))),
    "twelve months for a year": ("hermosa-beach", rule(0, max=of("P12M"))),
    "one more ceiling": ("long-beach", extra(max=of("P5D"))),
    "one more floor": ("long-beach", extra(match={"origin": "own"}, copy_at="hub", min=of("P30D", "received_at"))),
    "a longer floor": ("westminster", rule(0, min=of("P13M", "received_at"))),
    "a longer grace": ("hermosa-beach", field("retention.change_grace", "P14D")),
    "an end for all as soon as one without a link": ("palm-springs", rule(2, match={"origin": "any"})),
    "a purpose less": ("palm-springs", lambda data: data["use"]["purposes"]["v"].pop()),
    "purposes in another order": ("palm-springs", lambda data: data["use"]["purposes"]["v"].reverse()),
    "an audit more often": ("palm-springs", field("audit.audit_frequency", "P1M")),
    "as often in another unit": ("long-beach", field("training.refresh_interval", "P12M")),
    "more in the log": ("long-beach", more("audit.log_fields", "place")),
    "a smaller circle": ("palm-springs", lambda data: data["sharing"]["recipients"]["v"].pop()),
    "what was allowed sometimes is prohibited": ("long-beach", field("sharing.critical_infrastructure", "prohibited")),
    "an event's number always": ("palm-springs", field("query.event_number", "required")),
    "a schedule for one more rule": ("hermosa-beach", rule(1, schedule_ref_required=True)),
    "other words where nothing binds": ("palm-springs", field("administration.training_owner", "HR", "should")),
    "one more requirement": ("hermosa-beach", field("training.policy_acknowledgement", True)),
}


def both(manual: str, change: Change | None) -> tuple[Profile, Profile]:
    signed = (NUMBER,) if manual == "westminster" else ()
    return changed(manual, None, *signed), changed(manual, change, *signed)


@pytest.mark.parametrize("what", LOOSER)
def test_this_loosens_what_was_promised(what: str) -> None:
    manual, change, told = LOOSER[what]
    before, after = both(manual, change)
    assert told in "; ".join(loosened(before, after))


@pytest.mark.parametrize("what", AS_TIGHT)
def test_this_loosens_nothing(what: str) -> None:
    assert loosened(*both(*AS_TIGHT[what])) == ()


@pytest.mark.parametrize("manual", names())
def test_a_manual_loosens_nothing_of_itself(manual: str) -> None:
    signed = (manuals.decided(*manuals.SCHEDULED[manual]),) if manual in manuals.SCHEDULED else ()
    assert loosened(changed(manual, None, *signed), changed(manual, None, *signed)) == ()


def test_a_conflict_that_is_settled_otherwise_loosens_the_rule_that_gives_way() -> None:
    settled = {"prevails": "ceiling", "counsel": "opinion 1", "decided_at": NUMBER.decided_at}
    conflict = two.decision("conflict:wm-server:wm-server", **settled)
    before, after = changed("westminster", None, NUMBER), changed("westminster", None, NUMBER, conflict)
    assert "now the ceiling is kept" in loosened(before, after)[0]


def test_a_rule_under_another_name_does_not_give_way_as_one_that_promised_nothing() -> None:
    floor = {
        "id": "lb-floor", "match": {"origin": "own"}, "copy_at": "hub", "max": None,
        "min": {"dur": "P240M", "clock": "captured_at"}, "on_expiry": {"action": "purge", "force": "shall"},
        "ref": "6.3.4 x",
    }  # fmt: skip

    def renamed(data: dict[str, Any]) -> None:
        for each in data["retention"]["rules"]:
            each["id"] += "2"
        data["retention"]["rules"].append(floor)

    signed = {"prevails": "floor", "counsel": "opinion 1", "decided_at": NUMBER.decided_at}
    after = changed("long-beach", renamed, two.decision("conflict:lb-floor:lb-own2", **signed))
    assert loosened(changed("long-beach"), after) == (
        "conflict:lb-floor:lb-own2: now the floor is kept where both cannot be",
    )


@pytest.mark.parametrize("prevails", ["floor", "ceiling"])
def test_a_conflict_with_a_contract_that_is_settled_otherwise_loosens_what_gives_way(prevails: str) -> None:
    def under(which: str) -> Profile:
        said = {"prevails": which, "counsel": "opinion 1", "decided_at": NUMBER.decided_at}
        return changed("westminster", None, NUMBER, two.decision("conflict:wm-server:feed-ceiling", **said))

    before = under("floor" if prevails == "ceiling" else "ceiling")
    assert loosened(before, under(prevails)) == (
        f"conflict:wm-server:feed-ceiling: now the {prevails} is kept where both cannot be",
    )
    assert loosened(before, before) == ()


def test_a_rule_that_is_new_and_gives_way_at_once_was_no_promise() -> None:
    signed = {"prevails": "floor", "counsel": "opinion 1", "decided_at": NUMBER.decided_at}
    settled = two.decision("conflict:wm-server:ours", **signed)
    after = changed("westminster", extra(copy_at="hub", max=of("P13M")), NUMBER, settled)
    assert loosened(changed("westminster", None, NUMBER), after) == ()


def test_each_rule_is_told_once_with_all_that_comes_in_its_place() -> None:
    told = loosened(changed("hermosa-beach"), changed("hermosa-beach", rule(1, max=of("P31D"))))
    assert [said for said in told if said.startswith("hb-flock")] == [
        "hb-flock (429.5 ¶2 s4) keeps reads at most 30 days from the capture, and then"
        " 31 days from the capture (hb-flock)"
    ]


def test_that_what_is_kept_lives_longer_too_is_a_loosening() -> None:
    signed = two.decision("lengthening", decided_at=NUMBER.decided_at)
    assert "lengthening" in loosened(changed("long-beach"), changed("long-beach", None, signed))[0]


def test_a_kind_loosens_where_its_own_rules_do() -> None:
    profile = changed("hermosa-beach")
    own, bought = Provenance("own", "motorola"), Provenance("commercial", "motorola")
    assert "1 year" in cast(str, loosened_kind(profile, bought, own)[0])
    assert loosened_kind(profile, own, bought) == ()
