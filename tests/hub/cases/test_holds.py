"""Holds: what must not be purged, who sees it, and how it ends, on the real hub."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import manuals
import pytest
import two
from plain import PlainConnector, record, write_page
from registries import Having
from sqlalchemy import text

from hub.analysis.scenes import AtCamera, Scene
from hub.cases import held
from hub.cases.holds import Hold, NewHold
from hub.clock import SetClock
from hub.errors import Conflict, Invalid, NotFound, PolicyRefused
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.policy.profile import names
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store.instant import from_micros
from hub.wiring import Hub

CAPTURED = datetime.fromisoformat("2026-06-01T11:00:00Z")
LIFE = timedelta(days=30)
YEAR = timedelta(days=365)
PLATE = "9SYN001"
WHY = Why("stolen_vehicle", "report of a stolen car", "26-1", "none")
BOSS = "sergeant"


class Motorola(PlainConnector):
    """The agency's own reads, kept by Motorola."""

    info = replace(PlainConnector.info, retention_vendor="motorola")


@pytest.fixture
def department() -> str:
    """Whose manual is in force, where a test does not name others."""
    return "hermosa-beach"


@pytest.fixture
def hub(settings: HubSettings, clock: SetClock, department: str) -> Iterator[Hub]:
    """A hub of a department with Flock (`plain`, P30D at Hermosa Beach) and Motorola (P1Y there), and one auditor."""
    registry = Having(plain=PlainConnector, motorola=Motorola)
    settings = settings.model_copy(update={"auditors": ("auditor",)})
    with ExitStack() as open_:
        yield open_.enter_context(manuals.under(settings, clock, department, registry=registry))


def why(hub: Hub) -> Why:
    """A purpose of the department's."""
    return replace(WHY, purpose=hub.governing.profile.purposes[0])


def over(hub: Hub, clock: SetClock) -> None:
    """Go on to the end of the read that lives longest."""
    with hub.store.read() as connection:
        last = connection.scalar(text("SELECT max(expires_at) FROM reads"))
    clock.advance(from_micros(int(last or 0)) - clock.now())


def fed(hub: Hub, folder: Path, key: str, *records: Any) -> None:
    """A connection of that name whose first page has been saved."""
    hub.connections.accounts.add(Actor("tester"), key, key, {"folder": str(folder / key)}, check=False)
    write_page(folder / key, 1, list(records))
    assert hub.ingest.sync.run(Actor("tester"), key).stored == len(records)


@pytest.fixture
def one(hub: Hub, tmp_path: Path) -> int:
    """A read of Flock's, with a picture and a hit."""
    hub.hotlists.lists.load(Actor("tester"), "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA")])
    more = {"confidence": 0.8, "candidates": [["9SYN0O1", 0.1]], "picture": "PICTURE", "lat": 33.86, "lon": -118.4}
    fed(hub, tmp_path, "plain", record(1, PLATE, CAPTURED.isoformat(), **more))
    return hub.search.reads.find(Actor("tester"), Query(why(hub), plates=(PLATE,))).rows[0].id


def asked(clock: SetClock, kind: str = "evidence", **more: Any) -> NewHold:
    return replace(NewHold(kind, "26-1", "needed in court", clock.now() + timedelta(days=90)), **more)


def placed(hub: Hub, clock: SetClock, *reads: int, kind: str = "evidence", actor: str = "tester", **more: Any) -> Hold:
    return two.place(hub, Actor(actor), asked(clock, kind, **more), reads=reads, by=Actor(BOSS))


def kept(hub: Hub) -> dict[str, int]:
    places = ("reads", "payloads", "candidates", "images", "hits", "held_reads")
    with hub.store.read() as connection:
        rows = {one: int(connection.scalar(text(f"SELECT count(*) FROM {one}")) or 0) for one in places}
    return rows | {"pictures": len(list(hub.ingest.images.stored()))}


def flags(hub: Hub) -> dict[int, bool]:
    with hub.store.read() as connection:
        return {row.id: bool(row.held) for row in connection.execute(text("SELECT id, held FROM reads"))}


def shown(hub: Hub, folder: Path) -> set[int]:
    """How much every kind of ordinary question finds of the plate."""
    actor, day = Actor("tester"), timedelta(days=1)
    near = (CAPTURED - day, CAPTURED + day)
    query = Query(why(hub), plates=(PLATE,))
    out = folder / f"{hub.clock.now():%Y%m%dT%H%M%S.%f}.csv"
    companions = hub.analysis.co_travel(actor, why(hub), PLATE, *near)
    pattern = hub.analysis.pattern(actor, why(hub), PLATE, *near)
    camera = AtCamera("c1")
    scenes = hub.analysis.scenes(actor, why(hub), [Scene(camera, *near), Scene(camera, CAPTURED, near[1])])
    found = hub.search.reads.find(actor, query)
    return {
        len(found.rows),
        found.estimate,
        len(hub.search.reads.find(actor, Query(why(hub), plates=("9SYN0O1",), candidates=True)).rows),
        len(hub.search.reads.find(actor, Query(why(hub), since=near[0], until=near[1])).rows),
        len(hub.search.reads.find(actor, Query(why(hub), hits_only=True)).rows),
        len(hub.search.lookups.ask(actor, PLATE, why(hub), since=near[0], until=near[1]).rows),
        hub.search.export.run(actor, query, "csv", out).rows,
        len(hub.analysis.timeline(actor, why(hub), PLATE, *near).passes),
        companions.passes,
        pattern.passes,
        scenes.scenes[0].plates,
        len(scenes.plates),
    }


def events(hub: Hub, action: str) -> list[dict[str, Any]]:
    return [event for event in hub.audit.events(500) if event["action"] == action]


@pytest.mark.clause(
    "hermosa-beach 429.5 ¶2 s5", "palm-springs 430.8 ¶3 s2", "westminster 462.4 ¶2 s2", "hayward 429.4 ¶2 s2"
)
@pytest.mark.parametrize("department", names())
def test_with_a_live_hold_an_expired_read_is_kept_whole_and_only_the_holders_and_auditors_see_it(
    hub: Hub, one: int, clock: SetClock, tmp_path: Path
) -> None:
    hold = placed(hub, clock, one)
    whole = kept(hub)
    assert shown(hub, tmp_path) == {1}
    over(hub, clock)
    hub.retention.expired.purge(Actor("tester"))
    assert kept(hub) == whole
    assert shown(hub, tmp_path) == {0}
    for name in ("tester", BOSS, "auditor"):
        (row,) = hub.cases.holds.reads(Actor(name), hold.id, why(hub)).rows
        assert (row.id, row.plate, len(row.images)) == (one, PLATE, 1)
    with pytest.raises(PolicyRefused, match="only who placed or approved"):
        hub.cases.holds.reads(Actor("somebody"), hold.id, why(hub))
    told = [(event["actor"], event["outcome"], event["results"]) for event in events(hub, "holds.show")]
    assert told == [
        ("somebody", "refused", None), ("auditor", "done", 1), (BOSS, "done", 1), ("tester", "done", 1)
    ]  # fmt: skip


def test_without_a_purpose_or_a_reason_not_even_the_holder_sees_a_held_read(
    hub: Hub, one: int, clock: SetClock
) -> None:
    hold = placed(hub, clock, one)
    for why in (Why("", "report of a stolen car"), Why("stolen_vehicle", "n/a")):
        with pytest.raises(PolicyRefused):
            hub.cases.holds.reads(Actor("tester"), hold.id, why)


@pytest.mark.clause(
    "hermosa-beach 429.5 ¶2 s6", "westminster 462.4 ¶2 s3", "hayward 429.4 ¶2 s3",
    lacks="the package on portable media, which waits for its service (not yet: evidence)",
)  # fmt: skip
@pytest.mark.parametrize(
    ("department", "kind"), [*((one, "evidence") for one in names()), ("hermosa-beach", "expected_evidence")]
)
def test_evidence_is_released_with_its_booking_number_and_the_server_copy_goes_with_the_next_purge(
    hub: Hub, one: int, clock: SetClock, kind: str
) -> None:
    hold = placed(hub, clock, one, kind=kind)
    over(hub, clock)
    with pytest.raises(PolicyRefused, match="booking"):
        hub.cases.holds.release(Actor("tester"), hold.id, "the trial is over")
    assert flags(hub) == {one: True}
    done = hub.cases.holds.release(Actor("tester"), hold.id, "the trial is over", booking="E-26-7")
    assert done.released_because == "the trial is over; booked as E-26-7"
    assert flags(hub) == {one: False}
    with pytest.raises(PolicyRefused, match="has ended"):
        hub.cases.holds.reads(Actor("tester"), hold.id, why(hub))
    assert hub.retention.expired.purge(Actor("tester")) == {"plain": 1}
    assert not any(kept(hub).values())


def test_evidence_that_was_booked_before_needs_no_number_again_and_one_that_was_not_says_why(
    hub: Hub, one: int, clock: SetClock
) -> None:
    first, second = placed(hub, clock, one), placed(hub, clock, one, case_number="26-2")
    assert hub.cases.holds.book(Actor("tester"), first.id, "E-26-7").booking == "E-26-7"
    assert hub.cases.holds.bookings([first.id, second.id]) == {first.id: "E-26-7"}
    assert "booked as E-26-7" in str(hub.cases.holds.release(Actor("tester"), first.id, "over").released_because)
    done = hub.cases.holds.release(Actor("tester"), second.id, "over", unbooked="the charge was dropped")
    assert done.released_because == "over; not booked: the charge was dropped"


@pytest.mark.clause(
    "palm-springs 430.8 ¶3 s3", lacks="the package on portable media, which waits for its service (not yet: evidence)"
)
@pytest.mark.parametrize("department", names())
def test_a_litigation_hold_is_released_only_once_the_case_is_resolved(hub: Hub, one: int, clock: SetClock) -> None:
    hold = placed(hub, clock, one, kind="litigation")
    with pytest.raises(PolicyRefused, match="resolved"):
        hub.cases.holds.release(Actor("tester"), hold.id, "no longer wanted")
    assert events(hub, "holds.release")[0]["outcome"] == "refused"
    done = hub.cases.holds.release(Actor("tester"), hold.id, "no longer wanted", resolved="settled on 1 June")
    assert done.released_by == "tester"


@pytest.mark.clause(
    "palm-springs 430.8 ¶3 s3", lacks="the package on portable media, which waits for its service (not yet: evidence)"
)
@pytest.mark.parametrize("before", [True, False])
def test_when_litigation_is_resolved_what_was_booked_for_it_is_due_for_disposal_until_somebody_says_how(
    settings: HubSettings, clock: SetClock, plain_vendor: Having, tmp_path: Path, before: bool
) -> None:
    with manuals.under(settings, clock, "palm-springs") as hub:
        fed(hub, tmp_path, "plain", record(1, PLATE, CAPTURED.isoformat()))
        (ident,) = flags(hub)
        hold = placed(hub, clock, ident, kind="litigation")
        with pytest.raises(Conflict, match="no media"):
            hub.cases.reviews.disposed(Actor("custodian"), hold.id, "shredded")
        booking = {} if before else {"booking": "E-26-7"}
        if before:
            hub.cases.holds.book(Actor("tester"), hold.id, "E-26-7")
        clock.advance(LIFE)
        assert hub.cases.reviews.due() == []
        hub.cases.holds.release(Actor("tester"), hold.id, "over", resolved="settled on 30 June", **booking)
        (task,) = hub.cases.reviews.due()
        assert (task.hold, task.task, task.due_at) == (hold.id, "dispose_of_media", clock.now())
        assert (task.booking, task.clause) == ("E-26-7", "430.8 ¶3 s3")
        assert hub.retention.expired.purge(Actor("tester")) == {"plain": 1}
        assert hub.cases.reviews.expire(Actor("tester")).overdue == 1
        with pytest.raises(Invalid, match="how"):
            hub.cases.reviews.disposed(Actor("custodian"), hold.id, " ")
        hub.cases.reviews.disposed(Actor("custodian"), hold.id, "shredded in the evidence room")
        assert hub.cases.reviews.due() == []
        (event,) = events(hub, "holds.dispose")
        assert (event["actor"], event["reason"], event["detail"]["booking"]) == (
            "custodian", "shredded in the evidence room", "E-26-7"
        )  # fmt: skip
        with pytest.raises(Conflict, match="no media"):
            hub.cases.reviews.disposed(Actor("custodian"), hold.id, "again")


def test_litigation_without_media_and_evidence_that_stays_booked_ask_for_no_disposal(
    hub: Hub, one: int, clock: SetClock
) -> None:
    dry, evidence = placed(hub, clock, one, kind="litigation"), placed(hub, clock, one)
    hub.cases.holds.release(Actor("tester"), dry.id, "over", resolved="settled")
    hub.cases.holds.release(Actor("tester"), evidence.id, "over", booking="E-26-7")
    assert hub.cases.holds.get(evidence.id).booking == "E-26-7"
    assert hub.cases.reviews.due() == []


def test_a_read_with_two_holds_stays_until_the_last_of_them_ends(hub: Hub, one: int, clock: SetClock) -> None:
    first, second = placed(hub, clock, one, kind="discovery"), placed(hub, clock, one, kind="discovery")
    clock.advance(LIFE)
    hub.cases.holds.release(Actor("tester"), first.id, "over")
    assert (hub.retention.expired.purge(Actor("tester")), flags(hub)) == ({"plain": 0}, {one: True})
    hub.cases.holds.release(Actor("tester"), second.id, "over")
    assert hub.retention.expired.purge(Actor("tester")) == {"plain": 1}


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"kind": "because"}, "kind"),
        ({"case_number": " "}, "case_number"),
        ({"reason": ""}, "reason"),
        ({"review_at": CAPTURED}, "review_at"),
        ({"offence": "felony"}, "offence"),
    ],
)
def test_a_hold_needs_a_case_a_reason_and_a_review_to_come(
    hub: Hub, one: int, clock: SetClock, more: dict[str, Any], named: str
) -> None:
    with pytest.raises((Invalid, PolicyRefused), match=named):
        two.place(hub, Actor("tester"), replace(asked(clock), **more), reads=[one])
    assert (hub.cases.holds.list(), flags(hub)) == ([], {one: False})


def test_a_hold_by_question_takes_every_visible_read_that_it_means_in_steps_and_nothing_else(
    hub: Hub, tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "BATCH", 2)
    times = [(CAPTURED + timedelta(minutes=n)).isoformat() for n in range(5)]
    fed(
        hub,
        tmp_path,
        "plain",
        *(record(n, f"9SYN00{n}", at) for n, at in enumerate(times)),
        record(9, "7ZZZ9", times[0]),
    )
    hold = two.place(hub, Actor("tester"), asked(clock), Query(WHY, plates=("9SYN*",)))
    assert (hold.reads, hold.whole, sum(flags(hub).values())) == (5, True, 5)
    (done, *steps) = events(hub, "holds.place")
    assert (done["outcome"], done["results"]) == ("done", 5)
    assert [event["detail"]["reads"] for event in steps] == [1, 2, 2]
    page = hub.cases.holds.reads(Actor("tester"), hold.id, WHY, limit=3)
    rest = hub.cases.holds.reads(Actor("tester"), hold.id, WHY, limit=3, after=page.next)
    assert [row.plate for row in (*page.rows, *rest.rows)] == [f"9SYN00{n}" for n in (4, 3, 2, 1, 0)]
    assert rest.next is None
    with pytest.raises(NotFound):
        two.place(hub, Actor("tester"), asked(clock), Query(WHY, plates=("1NONE1",)))
    with pytest.raises(PolicyRefused, match="purpose"):
        two.place(hub, Actor("tester"), asked(clock), Query(Why("", "report"), plates=("9SYN*",)))
    assert [one.id for one in hub.cases.holds.list()] == [hold.id]


def test_a_placing_that_was_killed_goes_on_in_the_same_hold(
    hub: Hub, tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "BATCH", 2)
    times = [(CAPTURED + timedelta(minutes=n)).isoformat() for n in range(5)]
    fed(hub, tmp_path, "plain", *(record(n, f"9SYN00{n}", at) for n, at in enumerate(times)))
    take, calls = held.take, []

    def dies(*given: Any, **named: Any) -> int:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return take(*given, **named)

    new, query = asked(clock), Query(WHY, plates=("9SYN*",))
    monkeypatch.setattr(held, "take", dies)
    with pytest.raises(KeyboardInterrupt):
        two.place(hub, Actor("tester"), new, query)
    (half,) = hub.cases.holds.list()
    assert (half.reads, half.whole) == (2, False)
    assert half.approval is not None
    with pytest.raises(Conflict, match="tester repeats the command"):
        hub.access.approvals.approve(Actor(BOSS), half.approval)
    done = two.place(hub, Actor("tester"), new, query)
    assert (done.id, done.reads, done.whole) == (half.id, 5, True)


def test_a_release_that_was_killed_is_finished_by_the_next_run(
    hub: Hub, one: int, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = placed(hub, clock, one, kind="discovery")
    with monkeypatch.context() as patch:
        patch.setattr(held, "empty", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            hub.cases.holds.release(Actor("tester"), hold.id, "over")
    with pytest.raises(PolicyRefused, match="has ended"):
        hub.cases.holds.reads(Actor("tester"), hold.id, WHY)
    hub.cases.reviews.expire(Actor("tester"))
    assert flags(hub) == {one: False}


def test_a_read_whose_time_is_over_is_held_by_a_court_order_alone_and_by_its_id(
    hub: Hub, one: int, clock: SetClock
) -> None:
    clock.advance(LIFE)
    for kind in ("evidence", "litigation", "discovery"):
        with pytest.raises(PolicyRefused, match="court order"):
            placed(hub, clock, one, kind=kind)
    with pytest.raises(NotFound):
        two.place(hub, Actor("tester"), asked(clock, "court_order"), Query(WHY, plates=(PLATE,)))
    made = hub.cases.holds.place(Actor("tester"), asked(clock, "court_order"), reads=[one])
    assert made.approval is not None
    with hub.store.lease("purge"), pytest.raises(Conflict):
        hub.access.approvals.approve(Actor(BOSS), made.approval)
    assert hub.access.approvals.get(made.approval).state == "approved"
    hub.access.approvals.approve(Actor(BOSS), made.approval)
    hold = hub.cases.holds.get(made.id)
    assert hub.retention.expired.purge(Actor("tester")) == {"plain": 0}
    assert len(hub.cases.holds.reads(Actor("tester"), hold.id, WHY).rows) == 1
    with pytest.raises(NotFound, match="999"):
        placed(hub, clock, one, 999)


@pytest.mark.clause("RET-08")
def test_a_hold_of_one_vendors_copy_of_a_pass_lends_the_others_nothing(
    hub: Hub, one: int, clock: SetClock, tmp_path: Path
) -> None:
    fed(hub, tmp_path, "motorola", record(1, PLATE, CAPTURED.isoformat(), lat=33.86, lon=-118.4))
    rows = {row.connection: row for row in hub.search.reads.find(Actor("tester"), Query(WHY, plates=(PLATE,))).rows}
    hold = placed(hub, clock, rows["motorola"].id)
    hub.cases.links.link(Actor("tester"), [rows["motorola"].id], "26-1")
    after = {row.connection: row for row in hub.search.reads.find(Actor("tester"), Query(WHY, plates=(PLATE,))).rows}
    assert {name: row.expires_at for name, row in after.items()} == {n: row.expires_at for n, row in rows.items()}
    clock.advance(LIFE)
    assert hub.retention.expired.purge(Actor("tester")) == {"motorola": 0, "plain": 1}
    assert [row.connection for row in hub.cases.holds.reads(Actor("tester"), hold.id, WHY).rows] == ["motorola"]


def test_a_review_that_is_due_alarms_until_somebody_has_looked_and_said_when_again(
    hub: Hub, one: int, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    hold = placed(hub, clock, one)
    assert hub.cases.reviews.due() == []
    clock.advance(timedelta(days=90))
    (task,) = hub.cases.reviews.due()
    assert (task.hold, task.task, task.due_at) == (hold.id, "review", hold.review_at)
    assert [(line.levelname, getattr(line, "overdue", None)) for line in caplog.records] == [("WARNING", 1)]
    assert hub.cases.reviews.expire(Actor("tester")).overdue == 1
    for found, after in (("", YEAR), ("still needed", -YEAR)):
        with pytest.raises(Invalid):
            hub.cases.reviews.reviewed(Actor("captain"), hold.id, found, clock.now() + after)
    hub.cases.reviews.reviewed(Actor("captain"), hold.id, "still needed", clock.now() + YEAR)
    assert hub.cases.reviews.due() == []
    (event,) = events(hub, "holds.review")
    assert (event["actor"], event["reason"], event["detail"]["next"]) == (
        "captain", "still needed", "2027-08-30T12:00:00Z"
    )  # fmt: skip
