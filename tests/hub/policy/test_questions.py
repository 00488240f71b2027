"""Questions about reads, asked of the real hub under each department's manual."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import manuals
import pytest
import yaml
from registries import PLAIN

from hub.analysis.scenes import AtCamera, Scene
from hub.cases.holds import NewHold
from hub.cases.orders import NewOrder
from hub.clock import SetClock
from hub.errors import NotFound, PolicyRefused
from hub.people import NO_EVENT, Actor, Why
from hub.policy.document import FOLDER
from hub.policy.profile import names
from hub.search.query import Query
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
PLATE = "9SYN001"
DAWN, NOON = datetime(2026, 6, 1, 5, tzinfo=UTC), datetime(2026, 6, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
SCENES = [Scene(AtCamera("c1"), DAWN, NOON), Scene(AtCamera("c1"), NOON, NOON + YEAR / 365)]


@pytest.fixture(params=names())
def ruled(request: pytest.FixtureRequest, settings: HubSettings, clock: SetClock) -> Iterator[Hub]:
    """A hub under each profile in turn."""
    with manuals.under(settings, clock, request.param) as hub:
        yield hub


def good(hub: Hub) -> Why:
    """A purpose of the department's, a reason, a case, and the word that no event has a number."""
    return Why(hub.governing.profile.purposes[0], "report of a stolen car", "26-1", "none")


DOORS: dict[str, Callable[[Hub, Why, Path], object]] = {
    "search": lambda hub, why, _: hub.search.reads.find(ACTOR, Query(why, plates=(PLATE,))),
    "lookup": lambda hub, why, _: hub.search.lookups.ask(ACTOR, PLATE, why),
    "export": lambda hub, why, to: hub.search.export.run(ACTOR, Query(why, plates=(PLATE,)), "csv", to / "reads.csv"),
    "one read": lambda hub, why, _: hub.search.one.show(ACTOR, why, 1),
    "picture": lambda hub, why, _: hub.search.one.picture(ACTOR, why, 1),
    "timeline": lambda hub, why, _: hub.analysis.timeline(ACTOR, why, PLATE),
    "co-travel": lambda hub, why, _: hub.analysis.co_travel(ACTOR, why, PLATE),
    "scenes": lambda hub, why, _: hub.analysis.scenes(ACTOR, why, SCENES),
    "pattern": lambda hub, why, _: hub.analysis.pattern(ACTOR, why, PLATE),
    "hold": lambda hub, why, _: hub.cases.holds.place(
        ACTOR, NewHold("evidence", "26-1", "the car at the scene", NOON + YEAR), Query(why, plates=(PLATE,))
    ),
    "held": lambda hub, why, _: hub.cases.holds.reads(ACTOR, 1, why),
    "order": lambda hub, why, _: hub.cases.orders.destroy(
        ACTOR, NewOrder("24-CV-7", "Superior Court", "taken in error", b"ordered"), Query(why, plates=(PLATE,))
    ),
}
"""Every way to ask for reads."""


@pytest.mark.clause("palm-springs 430.1 ¶2")
@pytest.mark.clause(
    "hermosa-beach 429.3 ¶1", "westminster 462.2 ¶1", "hayward 429.1 USE-01", lacks="purposes of hot-list entries"
)
def test_a_purpose_that_is_none_of_the_manuals_is_refused_and_on_record(ruled: Hub, actor: Actor) -> None:
    for purpose in ("immigration_enforcement", "curiosity", ruled.governing.profile.purposes[0].upper()):
        why = Why(purpose, good(ruled).reason)
        for ask in (
            lambda why=why: ruled.search.reads.find(actor, Query(why, plates=("9SYN001",))),
            lambda why=why: ruled.search.lookups.ask(actor, "9SYN001", why),
        ):
            with pytest.raises(PolicyRefused, match="purpose"):
                ask()
            event = ruled.audit.events(1)[0]
            assert (event["outcome"], event["purpose"], event["results"]) == ("refused", purpose, None)


@pytest.mark.clause(
    "hermosa-beach 429.4(a)", "westminster 462.3(a)", "hayward 429.3(a)", "palm-springs 430.6(a); 430.7(a)"
)
@pytest.mark.clause("palm-springs 430.7(g)")
def test_a_question_without_a_purpose_or_with_a_hollow_reason_is_refused(ruled: Hub, actor: Actor) -> None:
    for said in ("", " ", "test", "N/A", "x"):
        for why, missing in ((Why(said, good(ruled).reason), "purpose"), (Why(good(ruled).purpose, said), "reason")):
            with pytest.raises(PolicyRefused, match=missing):
                ruled.search.reads.find(actor, Query(why, plates=("9SYN001",)))


@pytest.mark.clause("hermosa-beach 429.4(b)", "westminster 462.3(b)", "hayward 429.3(b)", "palm-springs 430.6(b)")
def test_nobody_has_to_suspect_anything(ruled: Hub, actor: Actor) -> None:
    why = replace(good(ruled), reason="routine patrol", case_number=None)
    assert ruled.search.reads.find(actor, Query(why, plates=("9SYN001",))).rows == []


@pytest.mark.clause(
    "hermosa-beach 429.3.1(d)",
    "westminster 462.2.1(d)",
    "hayward 429.2.1(d)",
    "palm-springs 430.4[Admin](d)",
    "long-beach 6.3.6 s1",
    lacks="accounts of persons and their organisation",
)
@pytest.mark.clause("palm-springs 430.9 ¶2")
def test_the_record_of_a_question_says_who_when_what_and_why_even_if_nothing_was_found(
    ruled: Hub, actor: Actor, clock: SetClock
) -> None:
    ruled.search.reads.find(actor, Query(good(ruled), plates=("9SYN001",)))
    event = ruled.audit.events(1)[0]
    assert (event["at"], event["actor"], event["results"]) == (clock.now(), "tester", 0)
    assert event["detail"]["query"]["plates"] == ["9SYN001"]
    told = (event["purpose"], event["reason"], event["case_number"], event["detail"]["event_number"])
    assert Why(*told) == good(ruled)


@pytest.mark.clause("palm-springs 430.9 ¶2")
def test_the_record_of_a_question_names_the_sources_that_were_asked_though_they_had_nothing(
    ruled: Hub, tmp_path: Path
) -> None:
    for name in ("pier", "plaza"):
        ruled.connections.accounts.add(ACTOR, name, "plain", {"folder": str(tmp_path / name)}, check=False)
    ruled.connections.accounts.pause(ACTOR, "plaza", "no electricity")
    for door in ("search", "lookup", "export", "timeline", "co-travel", "pattern"):
        DOORS[door](ruled, good(ruled), tmp_path)
        event = ruled.audit.events(1)[0]
        assert (event["results"], set(event["detail"]["sources"])) == (0, {"pier", "plaza"}), door
        assert event["detail"]["sources"]["plaza"] == "paused", door
    ruled.search.reads.find(ACTOR, Query(good(ruled), plates=(PLATE,), connections=("pier",)))
    assert ruled.audit.events(1)[0]["detail"]["sources"] == {"pier": "never-synced"}


@pytest.mark.clause("palm-springs 430.7(g)")
@pytest.mark.parametrize("ruled", ["palm-springs"], indirect=True)
def test_palm_springs_answers_no_question_without_the_event_number_or_that_none_is_applicable(
    ruled: Hub, tmp_path: Path
) -> None:
    for door, ask in DOORS.items():
        for event in (None, " ", "test", "?" * 61, "26\x0712"):
            with pytest.raises(PolicyRefused, match=r"^event: "):
                ask(ruled, replace(good(ruled), event_number=event), tmp_path)
            told = ruled.audit.events(1)[0]
            assert (told["outcome"], told["detail"]["refusal"][:6]) == ("refused", "event:"), door
        for said, kept in (("26-001234", "26-001234"), ("N/A", NO_EVENT)):
            with suppress(NotFound):  # where there is no such read, hold or camera: the question was let in
                ask(ruled, replace(good(ruled), event_number=said), tmp_path)
            assert ruled.audit.events(1)[0]["detail"]["event_number"] == kept, door
            for file in tmp_path.glob("reads.csv*"):
                file.unlink()
    with pytest.raises(PolicyRefused, match=r"430\.7\(g\).*--event NUMBER, or none"):
        DOORS["search"](ruled, replace(good(ruled), event_number=None), tmp_path)


def test_only_where_the_manual_asks_for_it_a_question_needs_an_event_number(ruled: Hub) -> None:
    asked = ruled.governing.profile.name == "palm-springs"
    with pytest.raises(PolicyRefused) if asked else nullcontext():
        ruled.search.reads.find(ACTOR, Query(replace(good(ruled), event_number=None), plates=(PLATE,)))


def test_a_policy_that_requires_a_number_takes_no_none(settings: HubSettings, clock: SetClock, tmp_path: Path) -> None:
    with open_hub(with_query(settings, tmp_path, event_number="required"), clock, registry=PLAIN) as hub:
        with pytest.raises(PolicyRefused, match="takes no none"):
            hub.search.reads.find(ACTOR, Query(good(hub), plates=(PLATE,)))
        hub.search.reads.find(ACTOR, Query(replace(good(hub), event_number="26-12"), plates=(PLATE,)))


def test_which_words_are_no_reason_is_what_the_profile_and_its_overlays_say(
    settings: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    with open_hub(with_query(settings, tmp_path, rejected_terms=["Patrol  check"]), clock, registry=PLAIN) as hub:
        for said in ("patrol check", " PATROL CHECK ", "testing", "qwerty"):
            with pytest.raises(PolicyRefused, match="reason"):
                hub.search.reads.find(ACTOR, Query(replace(good(hub), reason=said), plates=(PLATE,)))
        hub.search.reads.find(ACTOR, Query(replace(good(hub), reason="patrol check of Pier Ave"), plates=(PLATE,)))


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_what_only_looks_like_a_reason_or_a_number_is_none(
    settings: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    hollow = ["test.", "T-E-S-T", "\uff34\uff25\uff33\uff34", "te\u200bst", "n. / a.", "look-up", "Qwerty!"]
    blank = ["\u200b" * 4, "....", "\u2800" * 4, "\u3164" * 4, "\u115f" * 4, "\u00a0" * 4, "DUI!", "(12)"]
    torn = ["burglary\x1b[2J", "burglary\nby night", "burglary\x00", "burglary\x85", "burglary\u2028by night"]
    with open_hub(with_query(settings, tmp_path, event_number="required_if_applicable"), clock, registry=PLAIN) as hub:
        ask = replace(good(hub), event_number="26-1")
        for said in (*hollow, *blank, *torn):
            with pytest.raises(PolicyRefused, match=r"^reason"):
                hub.search.reads.find(ACTOR, Query(replace(ask, reason=said), plates=(PLATE,)))
        for said in (*hollow, *blank[:5], *torn[:1], "None.", "n.a.", "not-applicable", "x", "-", "1" * 61):
            with pytest.raises(PolicyRefused, match=r"^event"):
                hub.search.reads.find(ACTOR, Query(replace(ask, event_number=said), plates=(PLATE,)))
        for reason, event in (("DUI 2", "-7-"), ("a b c d", "1" * 60), ("Prüfung: 26/1", "none")):
            hub.search.reads.find(ACTOR, Query(replace(ask, reason=reason, event_number=event), plates=(PLATE,)))


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_without_a_list_of_words_a_sign_alone_and_a_misspelt_none_are_no_number_either(
    settings: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    asks = with_query(settings, tmp_path, event_number="required_if_applicable")
    file = Path(asks.profile)
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text("utf-8")) | {"overlays": []}), "utf-8")
    with open_hub(asks, clock, registry=PLAIN) as hub:
        for said in ("-", "\u2800", "None.", "N.A."):
            with pytest.raises(PolicyRefused, match=r"^event"):
                hub.search.reads.find(ACTOR, Query(replace(good(hub), event_number=said), plates=(PLATE,)))
        test = replace(good(hub), reason="test", event_number="test")
        hub.search.reads.find(ACTOR, Query(test, plates=(PLATE,)))


def with_query(settings: HubSettings, folder: Path, **fields: object) -> HubSettings:
    """Settings whose policy is Hermosa Beach's but for some fields about questions."""
    data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text("utf-8"))
    data["query"] |= {name: {"v": value, "force": "shall", "ref": "General Order 7"} for name, value in fields.items()}
    file = folder / "ours.yaml"
    file.write_text(yaml.safe_dump(data), "utf-8")
    return settings.model_copy(update={"profile": str(file)})


@pytest.mark.clause(
    "hermosa-beach 429.6(a)",
    "westminster 462.5(a)",
    "hayward 429.5(a); 429.6(b)",
    "palm-springs 430.9(a)",
    lacks="accounts of persons, and the views that are not made yet",
)
def test_a_question_that_cannot_be_put_on_record_is_not_answered(
    ruled: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(ruled.audit, "record", full)
    with pytest.raises(OSError, match="no space"):
        ruled.search.reads.find(actor, Query(good(ruled), plates=("9SYN001",)))
    with pytest.raises(OSError, match="no space"):
        ruled.search.lookups.ask(actor, "9SYN001", good(ruled))
