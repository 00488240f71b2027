"""Every question of analysis: on record, refused without a why, of visible reads only, by index."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import event
from town import PLATE, WHY, Town, at

from hub.analysis import sightings as sightings_step
from hub.analysis.scenes import AtCamera, Scene
from hub.analysis.service import Analysis
from hub.area import Circle
from hub.clock import SetClock
from hub.errors import Invalid, PolicyRefused
from hub.people import Actor, Why

TYPED: list[Callable[[Analysis, Actor, Why, str], Any]] = [
    lambda ask, actor, why, plate: ask.timeline(actor, why, plate),
    lambda ask, actor, why, plate: ask.co_travel(actor, why, plate, min_cameras=1),
    lambda ask, actor, why, plate: ask.pattern(actor, why, plate),
]
HERE = Scene(AtCamera("c1"), at(-10), at(10))
QUESTIONS: dict[str, Callable[[Analysis, Actor, Why], Any]] = {
    "reads.timeline": lambda ask, actor, why: ask.timeline(actor, why, PLATE),
    "reads.co_travel": lambda ask, actor, why: ask.co_travel(actor, why, PLATE, min_cameras=1),
    "reads.pattern": lambda ask, actor, why: ask.pattern(actor, why, PLATE),
    "reads.scenes": lambda ask, actor, why: ask.scenes(actor, why, [HERE, Scene(AtCamera("c2"), at(0), at(90))]),
}


@pytest.mark.parametrize("action", QUESTIONS)
def test_every_question_is_on_record_with_what_was_asked_and_how_much_left(
    seen: Town, actor: Actor, action: str
) -> None:
    QUESTIONS[action](seen.ask, actor, WHY)
    kept = seen.hub.audit.events(1)[0]
    counts = {"reads.timeline": 2, "reads.co_travel": 1, "reads.pattern": 2, "reads.scenes": 2}
    assert (kept["action"], kept["outcome"], kept["results"]) == (action, "done", counts[action])
    assert (kept["purpose"], kept["reason"], kept["case_number"]) == (WHY.purpose, WHY.reason, "26-1")
    query = kept["detail"]["query"]
    if action == "reads.scenes":
        assert [scene["place"] for scene in query["scenes"]] == [{"camera": "c1"}, {"camera": "c2"}]
    else:
        assert query["plate"] == PLATE


@pytest.mark.parametrize("why", [Why("", "a stolen car"), Why("stolen_vehicle", " "), Why("curiosity", "a stolen car")])
def test_without_purpose_or_reason_nothing_is_answered_and_the_refusal_is_on_record(
    seen: Town, actor: Actor, why: Why
) -> None:
    for action, ask in QUESTIONS.items():
        with pytest.raises(PolicyRefused):
            ask(seen.ask, actor, why)
        kept = seen.hub.audit.events(1)[0]
        assert (kept["action"], kept["outcome"], kept["results"]) == (action, "refused", None)


def test_no_record_no_answer(seen: Town, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(seen.hub.audit, "record", full)
    for ask in QUESTIONS.values():
        with pytest.raises(OSError, match="no space"):
            ask(seen.ask, actor, WHY)


def test_a_plate_must_be_whole(town: Town, actor: Actor) -> None:
    for ask, typed in product(TYPED, ["", " - ", "7SYN?23", "7SYN*", "7SYN？23"]):
        with pytest.raises(Invalid, match=r"^plate: "):
            ask(town.ask, actor, WHY, typed)


def test_a_plate_is_understood_as_people_type_it(seen: Town, actor: Actor) -> None:
    for ask, typed in product(TYPED, ["7syn-123", " 7SYN 123 ", "７ＳＹＮ１２３"]):
        answer = ask(seen.ask, actor, WHY, typed)
        assert answer.plate == PLATE
        assert answer == ask(seen.ask, actor, WHY, PLATE)


@pytest.mark.parametrize("ask", TYPED)
def test_a_plate_that_nobody_saw_is_an_empty_answer_that_names_every_connection(
    town: Town, actor: Actor, ask: Any
) -> None:
    town.hub.connections.pause(actor, "other", "contract ended")
    answer = ask(town.ask, actor, WHY, "8NOBODY")
    assert [(one.connection, one.state, one.reads, one.first_at) for one in answer.connections] == [
        ("feed", "active", 0, None),
        ("other", "paused", 0, None),
    ]


def test_a_window_must_have_a_beginning_before_its_end(town: Town, actor: Actor) -> None:
    for ask in (town.ask.timeline, town.ask.co_travel, town.ask.pattern):
        with pytest.raises(Invalid, match=r"^since: "):
            ask(actor, WHY, PLATE, at(1), at(1))


@pytest.mark.parametrize("ask", TYPED)
def test_a_plate_with_too_many_reads_is_asked_for_in_parts(
    seen: Town, actor: Actor, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sightings_step, "MOST_READS", 1)
    with pytest.raises(Invalid, match="more than 1 reads"):
        ask(seen.ask, actor, WHY, PLATE)
    assert len(seen.ask.timeline(actor, WHY, PLATE, at(0), at(30)).passes) == 1


def test_only_visible_reads_are_used_purged_or_not(seen: Town, actor: Actor, clock: SetClock) -> None:
    clock.advance(at(0) + timedelta(days=30) - clock.now() - timedelta(microseconds=1))
    assert len(seen.ask.timeline(actor, WHY, PLATE).passes) == 2
    assert seen.ask.co_travel(actor, WHY, PLATE, min_cameras=2).companions
    clock.advance(timedelta(microseconds=1))
    assert [one.cameras for one in seen.ask.timeline(actor, WHY, PLATE).passes] == [("c2",)]
    assert not seen.ask.co_travel(actor, WHY, PLATE, min_cameras=2).companions
    assert seen.ask.pattern(actor, WHY, PLATE).passes == 1
    clock.advance(timedelta(seconds=30))  # now the other car's read at c1 is over as well
    answer = seen.ask.scenes(actor, WHY, [HERE, Scene(AtCamera("c2"), at(0), at(90))])
    assert (answer.plates, [one.plates for one in answer.scenes]) == ((), [0, 2])
    assert [one.reads for one in answer.scenes[0].connections] == [0, 0]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)  # PostgreSQL scans what is as small as this
@pytest.mark.parametrize("action", QUESTIONS)
def test_reads_are_found_by_index_and_never_by_looking_at_all(seen: Town, actor: Actor, action: str) -> None:
    seen.place("c1", 0.0)
    asked: list[tuple[str, Any]] = []
    reader = seen.hub.store._reader

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(reader, "before_cursor_execute", note)
    QUESTIONS[action](seen.ask, actor, WHY)
    if action == "reads.scenes":
        seen.ask.scenes(actor, WHY, [HERE, Scene(Circle(33.86, -118.4, 500), at(0), at(90))])
    event.remove(reader, "before_cursor_execute", note)
    plans = []
    with seen.hub.store.read() as connection:
        for statement, parameters in asked:
            if "reads r" in statement:
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans += [row[3] for row in rows if row[3].split()[1] == "r"]
    assert plans
    indexes = ("plate (plate_id=?", "camera (camera_id=?", "cell (cell=?")
    assert all(plan.startswith(tuple(f"SEARCH r USING INDEX ix_reads_{one}" for one in indexes)) for plan in plans), (
        plans
    )
