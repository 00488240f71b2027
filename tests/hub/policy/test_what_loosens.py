"""What another policy loosens of the one in force, and what only keeps or tightens it."""

from collections.abc import Callable
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
NUMBER = manuals.decided("wm-d1", "wm-server", "P13M")


def changed(manual: str, change: Change | None = None, *signed: Decision) -> Profile:
    data = yaml.safe_load(FOLDER.joinpath(f"{manual}.yaml").read_text("utf-8"))
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


def test_that_what_is_kept_lives_longer_too_is_a_loosening() -> None:
    signed = two.decision("lengthening", decided_at=NUMBER.decided_at)
    assert "lengthening" in loosened(changed("long-beach"), changed("long-beach", None, signed))[0]


def test_a_kind_loosens_where_its_own_rules_do() -> None:
    profile = changed("hermosa-beach")
    own, bought = Provenance("own", "motorola"), Provenance("commercial", "motorola")
    assert "1 year" in cast(str, loosened_kind(profile, bought, own)[0])
    assert loosened_kind(profile, own, bought) == ()
