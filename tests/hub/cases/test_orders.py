"""Westminster and Hayward keep a read for a year at least: nobody deletes it before, but a court's order does."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import manuals
import pytest
import two
from plain import record, write_page
from registries import Having
from sqlalchemy import text

from hub.cases.holds import NewHold
from hub.cases.orders import NewOrder, Ordered
from hub.clock import SetClock
from hub.errors import Busy, Conflict, IntegrityBroken, Invalid, NotFound, PolicyRefused
from hub.people import Actor, Why
from hub.policy.decisions import Decision
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store.instant import from_micros, to_micros
from hub.wiring import Hub, open_hub

ACTOR = Actor("custodian")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CAPTURED = NOW - timedelta(hours=1)
DAY = timedelta(days=1)
FLOOR = NOW.replace(year=2027)
"""A year from the receipt."""
COURT = "Superior Court of California, County of Example"
FILE = b"%PDF-1.7 IT IS SO ORDERED"
ORDER = NewOrder("24-CV-0007", COURT, "destroy what was taken in error", FILE)
APPROVAL = 1
RULES = {"westminster": ("wm-d1", "wm-server"), "hayward": ("hw-d1", "hw-server")}
Opened = Callable[[str], Hub]


def signed(profile: str, months: int = 13) -> Decision:
    """The decision that the manual leaves to the department: how long its schedule keeps reads at most."""
    settles, rule = RULES[profile]
    ceilings: Any = {rule: {"dur": f"P{months}M", "clock": "captured_at", "ref": "Retention schedule item 12"}}
    return Decision(
        settles=settles, answer=f"{months} months", decided_by="R. Lee", title="Chief of Police", decided_at=NOW,
        why="the city's records retention schedule", ceilings=ceilings,
    )  # fmt: skip


@pytest.fixture
def under(settings: HubSettings, clock: SetClock, plain_vendor: Having, tmp_path: Path) -> Iterator[Opened]:
    """Opens a hub under a real profile, put in force with its decision, with three reads."""

    def open_(profile: str) -> Hub:
        first = {"profile": profile, "decisions": manuals.written(tmp_path, signed(profile))}
        hub = stack.enter_context(open_hub(settings.model_copy(update=first), clock, registry=plain_vendor))
        (tmp_path / "feed").mkdir()
        hub.connections.accounts.add(ACTOR, "feed", "plain", {"folder": str(tmp_path / "feed")})
        write_page(tmp_path / "feed", 1, [
            record(n, f"9SYN00{n}", CAPTURED.isoformat(), picture=f"PICTURE-{n}", candidates=[[f"9SYNX0{n}", 0.2]])
            for n in (1, 2, 3)
        ])  # fmt: skip
        assert hub.ingest.sync.run(ACTOR, "feed").stored == 3
        return hub

    with ExitStack() as stack:
        yield open_


@pytest.fixture(params=["westminster", "hayward"])
def floored(request: pytest.FixtureRequest, under: Opened) -> Hub:
    """A hub under each manual that has a floor."""
    return under(request.param)


def ids(hub: Hub) -> list[int]:
    with hub.store.read() as connection:
        return list(connection.scalars(text("SELECT id FROM reads ORDER BY id")))


def ends(hub: Hub) -> list[tuple[datetime, str]]:
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT expires_at, rule FROM reads ORDER BY id")).all()
    return [(from_micros(row.expires_at), row.rule) for row in rows]


def over_now(hub: Hub) -> None:
    """What no door of the hub does: an end before the floor."""
    with hub.store.write() as connection:
        connection.execute(text("UPDATE reads SET expires_at = :now"), {"now": to_micros(hub.clock.now())})


@pytest.mark.clause("westminster 462.4 ¶2 s1", "hayward 429.4 ¶2 s1")
def test_nobody_deletes_before_the_floor_whatever_the_end_says(floored: Hub, clock: SetClock) -> None:
    over_now(floored)
    assert floored.retention.expired.purge(ACTOR) == {"feed": 0}
    assert floored.audit.events(1)[0]["detail"]["floored"] == 3
    clock.advance(FLOOR - timedelta(seconds=1) - NOW)
    assert floored.retention.expired.purge(ACTOR) == {"feed": 0}
    clock.advance(timedelta(seconds=1))
    assert floored.retention.expired.purge(ACTOR) == {"feed": 3}


def test_the_removal_of_a_connection_waits_for_the_floor(floored: Hub, clock: SetClock) -> None:
    told = floored.connections.removals.remove(ACTOR, "feed", reads="purge", reason="the contract has ended")[
        "certificate"
    ]
    assert (told["reads"]["kept"], told["reads"]["purged"]) == (3, 0)
    assert {end for end, _ in ends(floored)} == {FLOOR}
    clock.advance(FLOOR - NOW)
    assert floored.retention.expired.purge(ACTOR) == {"feed": 3}


@pytest.mark.clause("westminster 462.4 ¶2 s1", "hayward 429.4 ¶2 s1")
def test_an_order_destroys_what_it_names_at_once_and_its_certificate_names_the_order(floored: Hub) -> None:
    first, *others = ids(floored)
    done = two.destroy(floored, ACTOR, ORDER, reads=[first])
    assert (done.number, done.court, done.reads) == (ORDER.number, COURT, 1)
    assert (done.proposed_by, done.approved_by, done.carried_out_by) == ("custodian", "second", "second")
    assert ids(floored) == others
    certificate = floored.retention.certificates.list()[0]
    assert (certificate["rule"], certificate["clause"]) == ("order:24-CV-0007", f"{COURT}, 24-CV-0007")
    told = {name: certificate[name] for name in ("reads", "payloads", "pictures")}
    assert told == {"reads": 1, "payloads": 1, "pictures": 1}
    assert floored.retention.certificates.verify() == 1
    assert len(list(floored.ingest.images.stored())) == 2
    with floored.store.read() as connection:
        for table in ("payloads", "candidates", "images", "ledger"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 2
    assert floored.proofs.reconciliation.run(ACTOR).differences == []
    assert floored.retention.expired.purge(ACTOR) == {"feed": 0}


def test_the_file_is_kept_as_it_was_attached_and_tells_when_it_was_changed(floored: Hub) -> None:
    two.destroy(floored, ACTOR, ORDER, reads=ids(floored)[:1])
    (order,) = floored.cases.orders.list()
    assert (floored.cases.orders.file(ORDER.number), order.sha256) == (FILE, sha256(FILE).hexdigest())
    with floored.store.write() as connection:
        connection.execute(text("UPDATE orders SET file = :other"), {"other": b"another"})
    with pytest.raises(IntegrityBroken, match="24-CV-0007"):
        floored.cases.orders.file(ORDER.number)
    with pytest.raises(NotFound):
        floored.cases.orders.file("another")


def test_who_what_and_why_is_on_record_with_every_change(floored: Hub) -> None:
    two.destroy(floored, ACTOR, ORDER, reads=ids(floored))
    told = [one for one in reversed(floored.audit.events()) if one["action"] == "orders.destroy"]
    assert [(one["outcome"], one["results"]) for one in told] == [("asked", None), ("done", 3)]
    assert {(one["actor"], one["target"], one["reason"], one["detail"]["approval"]) for one in told} == {
        ("second", ORDER.number, "destroy what was taken in error", APPROVAL)
    }
    assert told[0]["detail"]["sha256"] == sha256(FILE).hexdigest()
    assert (told[0]["detail"]["proposed_by"], told[0]["detail"]["approved_by"]) == ("custodian", "second")


def test_a_question_names_the_reads_too(floored: Hub) -> None:
    why = Why(floored.governing.profile.purposes[0], "what the order names", "24-CV-0007")
    done = two.destroy(floored, ACTOR, ORDER, Query(why, plates=("9SYN001", "9SYN003")))
    assert (done.reads, len(ids(floored))) == (2, 1)
    with pytest.raises(PolicyRefused, match="purpose"):
        two.destroy(floored, ACTOR, ORDER, Query(Why("", "x"), plates=("9SYN002",)))
    assert len(ids(floored)) == 1


def test_what_somebody_holds_is_refused_by_the_name_of_the_hold_and_nothing_is_changed(floored: Hub) -> None:
    reads = ids(floored)
    new = NewHold("litigation", "26-1", "a suit is pending", NOW + DAY)
    hold = two.place(floored, ACTOR, new, reads=[reads[1]])
    before = ends(floored)
    with pytest.raises(Conflict, match=rf"{reads[1]} is held by hold {hold.id} \(litigation, 26-1\)"):
        two.destroy(floored, ACTOR, ORDER, reads=reads)
    assert (ids(floored), ends(floored), floored.cases.orders.list()) == (reads, before, [])
    event = floored.audit.events(1)[0]
    assert (event["action"], event["outcome"]) == ("orders.destroy", "refused")
    assert f"hold {hold.id}" in event["detail"]["refusal"]
    floored.cases.holds.release(ACTOR, hold.id, "settled", resolved="settled")
    assert two.destroy(floored, ACTOR, ORDER, reads=reads).reads == 3
    assert ids(floored) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"number": " "}, "number"), ({"court": ""}, "court"), ({"reason": ""}, "reason"),
        ({"file": b""}, "order"),
    ],
)  # fmt: skip
def test_an_order_that_lacks_something_is_refused(under: Opened, wrong: dict[str, Any], field: str) -> None:
    hub = under("westminster")
    said = {name: getattr(ORDER, name) for name in ("number", "court", "reason", "file")}
    with pytest.raises(Invalid, match=field):
        two.destroy(hub, ACTOR, NewOrder(**{**said, **wrong}), reads=ids(hub))
    assert len(ids(hub)) == 3


def test_one_person_alone_destroys_nothing(under: Opened) -> None:
    hub = under("westminster")
    before = ids(hub), ends(hub)
    proposal = hub.cases.orders.destroy(ACTOR, ORDER, reads=ids(hub))
    with pytest.raises(PolicyRefused, match="another person"):
        hub.access.approvals.approve(Actor(" Custodian"), proposal.id)
    hub.retention.expired.purge(ACTOR)
    assert ((ids(hub), ends(hub)), hub.cases.orders.list(), hub.retention.certificates.list()) == (before, [], [])
    hub.access.approvals.refuse(two.SECOND, proposal.id, "the order is of another county")
    with pytest.raises(Conflict, match="refused"):
        hub.access.approvals.approve(Actor("third"), proposal.id)
    assert (ids(hub), ends(hub)) == before


def test_what_somebody_holds_meanwhile_is_not_destroyed_and_waits_on_for_its_approval(under: Opened) -> None:
    hub = under("westminster")
    reads = ids(hub)
    proposal = hub.cases.orders.destroy(ACTOR, ORDER, reads=reads)
    hold = hub.cases.holds.place(ACTOR, NewHold("litigation", "26-1", "a suit is pending", NOW + DAY), reads=[reads[1]])
    with pytest.raises(Conflict, match=f"held by hold {hold.id}"):
        hub.access.approvals.approve(two.SECOND, proposal.id)
    assert (hub.access.approvals.get(proposal.id).state, ids(hub), hub.cases.orders.list()) == ("waits", reads, [])
    hub.cases.holds.release(ACTOR, hold.id, "settled", resolved="settled")
    assert hub.access.approvals.approve(two.SECOND, proposal.id).outcome == {
        "order": ORDER.number,
        "reads": 3,
        "in_all": 3,
    }


def test_what_somebody_takes_under_a_hold_while_an_order_is_carried_out_is_not_destroyed(
    under: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = under("westminster")
    reads, begin, holds = ids(hub), hub.cases.orders._begin, []

    def begun(*args: Any) -> None:
        begin(*args)
        asked = NewHold("litigation", "26-1", "a suit is pending", NOW + DAY)
        holds.append(hub.cases.holds.place(ACTOR, asked, reads=[reads[1]]))

    proposal = hub.cases.orders.destroy(ACTOR, ORDER, reads=reads)
    before = ends(hub)
    with monkeypatch.context() as patch:
        patch.setattr(hub.cases.orders, "_begin", begun)
        with pytest.raises(Conflict, match="is held by hold"):
            hub.access.approvals.approve(two.SECOND, proposal.id)
    assert (hub.access.approvals.get(proposal.id).state, ends(hub)) == ("overtaken", before)
    hub.cases.holds.release(ACTOR, holds[0].id, "settled", resolved="settled")
    assert two.destroy(hub, ACTOR, ORDER, reads=reads).reads == 3
    assert ids(hub) == []


def test_one_order_is_carried_out_at_a_time(under: Opened) -> None:
    hub = under("westminster")
    reads = ids(hub)
    proposal = hub.cases.orders.destroy(ACTOR, ORDER, reads=reads)
    with hub.store.lease("order"), pytest.raises(Busy, match="a court's order is being carried out"):
        hub.access.approvals.approve(two.SECOND, proposal.id)
    assert (hub.access.approvals.get(proposal.id).state, ids(hub)) == ("approved", reads)
    assert hub.access.approvals.approve(two.SECOND, proposal.id).outcome == {
        "order": ORDER.number,
        "reads": 3,
        "in_all": 3,
    }


def test_what_went_meanwhile_by_itself_is_no_hindrance(opened: Hub, actor: Actor, feed: Path, clock: SetClock) -> None:
    late = (CAPTURED + 2 * DAY).isoformat()
    write_page(feed, 1, [record(1, "9SYN001", CAPTURED.isoformat())])
    opened.ingest.sync.run(actor, "feed")
    clock.advance(3 * DAY)
    write_page(feed, 2, [record(2, "9SYN002", late)])
    opened.ingest.sync.run(actor, "feed")
    clock.advance(26 * DAY)
    proposal = opened.cases.orders.destroy(actor, ORDER, reads=ids(opened))
    clock.advance(2 * DAY)
    assert opened.retention.expired.purge(actor) == {"feed": 1}
    assert opened.access.approvals.approve(two.SECOND, proposal.id).outcome == {
        "order": ORDER.number,
        "reads": 1,
        "in_all": 1,
    }
    assert ids(opened) == []


def test_an_order_names_reads_that_are_here(under: Opened) -> None:
    hub = under("westminster")
    with pytest.raises(NotFound, match="999 is not here"):
        two.destroy(hub, ACTOR, ORDER, reads=[*ids(hub), 999])
    for neither in ({}, {"reads": [1], "query": Query(Why("a", "b"), plates=("9SYN001",))}):
        with pytest.raises(Invalid, match="either a question or ids"):
            two.destroy(hub, ACTOR, ORDER, **neither)  # type: ignore[arg-type]
    why = Why(hub.governing.profile.purposes[0], "what the order names", "24-CV-0007")
    with pytest.raises(NotFound, match="nothing"):
        two.destroy(hub, ACTOR, ORDER, Query(why, plates=("9SYN009",)))
    assert (len(ids(hub)), hub.cases.orders.list()) == (3, [])


def test_a_number_stands_for_one_file(under: Opened) -> None:
    hub = under("westminster")
    first, second, _ = ids(hub)
    two.destroy(hub, ACTOR, ORDER, reads=[first])
    other = NewOrder(ORDER.number, COURT, ORDER.reason, b"another file")
    with pytest.raises(Conflict, match="another file"):
        two.destroy(hub, ACTOR, other, reads=[second])
    assert two.destroy(hub, ACTOR, ORDER, reads=[first, second]).reads == 2
    assert len(ids(hub)) == 1


def test_what_is_proposed_is_told_as_it_stands_now_and_by_what_question(under: Opened) -> None:
    hub = under("westminster")
    why = Why(hub.governing.profile.purposes[0], "what the order names", "24-CV-0007")
    proposal = hub.cases.orders.destroy(ACTOR, replace(ORDER, file_name="order.pdf"), Query(why, plates=("9SYN*",)))
    assert proposal.content["query"] == {"plates": ["9SYN*"], "mode": "pattern"}
    assert proposal.content["file"] == "order.pdf"
    effect = hub.cases.orders.effect_of(proposal)
    assert (effect.reads, sum(effect.connections.values())) == (3, 3)
    assert effect.first is not None
    assert effect.last is not None
    assert effect.first <= effect.last
    hub.access.approvals.approve(two.SECOND, proposal.id)
    assert hub.cases.orders.effect_of(proposal) == Ordered(0, None, None, {})


def test_each_approval_of_one_order_tells_how_many_reads_went_by_it_and_in_all(under: Opened) -> None:
    hub = under("westminster")
    first, *others = ids(hub)
    two.destroy(hub, ACTOR, ORDER, reads=[first])
    proposal = hub.cases.orders.destroy(ACTOR, ORDER, reads=[first, *others])
    outcome = hub.access.approvals.approve(two.SECOND, proposal.id).outcome
    assert outcome == {"order": ORDER.number, "reads": 2, "in_all": 3}


def test_an_approval_that_was_cut_short_counts_only_its_own_whoever_came_between(
    under: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = under("westminster")
    *most, last = ids(hub)
    short = hub.cases.orders.destroy(ACTOR, ORDER, reads=most)
    between = hub.cases.orders.destroy(ACTOR, ORDER, reads=[last])
    with monkeypatch.context() as broken:
        broken.setattr(hub.retention.expired, "purge", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            hub.access.approvals.approve(two.SECOND, short.id)
    approve = hub.access.approvals.approve
    assert approve(two.SECOND, between.id).outcome == {"order": ORDER.number, "reads": 1, "in_all": 3}
    assert approve(two.SECOND, short.id).outcome == {"order": ORDER.number, "reads": 2, "in_all": 3}


@pytest.mark.parametrize("step", ["_begin", "_end", "purge"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_that_is_cut_short_is_finished_by_the_next_try(
    under: Opened, step: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = under("westminster")
    whose = hub.retention.expired if step == "purge" else hub.cases.orders
    reads, whole = ids(hub), getattr(whose, step)

    def killed(*args: Any) -> Any:
        if when == "after":
            whole(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(whose, step, killed)
        with pytest.raises(KeyboardInterrupt):
            two.destroy(hub, ACTOR, ORDER, reads=reads[:2])
    (proposal,) = hub.access.approvals.list()
    assert proposal.state == "approved"
    assert hub.access.approvals.approve(two.SECOND, proposal.id).outcome == {
        "order": ORDER.number,
        "reads": 2,
        "in_all": 2,
    }
    assert ids(hub) == reads[2:]
    assert sum(one["reads"] for one in hub.retention.certificates.list()) == 2


def test_no_policy_that_follows_gives_what_an_order_has_ended_another_end(
    under: Opened, monkeypatch: pytest.MonkeyPatch, clock: SetClock
) -> None:
    hub = under("westminster")
    with monkeypatch.context() as waiting:
        waiting.setattr(hub.retention.expired, "purge", lambda actor: {})
        two.destroy(hub, ACTOR, ORDER, reads=ids(hub)[:1])
    longer = Decision(
        settles="lengthening", answer="what is kept too", decided_by="R. Lee", title="Chief", decided_at=NOW, why="long"
    )
    clock.advance(DAY)
    two.activate(hub, ACTOR, "westminster", "two years", [signed("westminster", 24), longer])
    hub.retention.recompute.run(ACTOR)
    ended, *others = ends(hub)
    assert ended == (NOW, "order:24-CV-0007")
    assert others == [(CAPTURED.replace(year=2028), "wm-server")] * 2
    assert hub.retention.expired.purge(ACTOR) == {"feed": 1}
    assert hub.retention.certificates.list()[0]["clause"] == f"{COURT}, 24-CV-0007"


def test_where_policy_has_no_floor_an_order_ends_reads_too(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [record(n, f"9SYN00{n}", CAPTURED.isoformat()) for n in (1, 2)])
    opened.ingest.sync.run(actor, "feed")
    assert two.destroy(opened, actor, ORDER, reads=ids(opened)).reads == 2
    assert (ids(opened), opened.retention.certificates.list()[0]["rule"]) == ([], "order:24-CV-0007")


def test_what_an_order_destroyed_does_not_come_back_by_a_camera_of_another_name(
    floored: Hub, tmp_path: Path, clock: SetClock
) -> None:
    two.destroy(floored, ACTOR, ORDER, reads=ids(floored)[:2])
    (page,) = (tmp_path / "feed").glob("page-*.json")
    write_page(tmp_path / "renamed", 1, [{**one, "camera": "gate-9"} for one in json.loads(page.read_bytes())])
    floored.connections.accounts.add(ACTOR, "again", "plain", {"folder": str(tmp_path / "renamed")})
    run = floored.ingest.sync.run(ACTOR, "again", CAPTURED, clock.now())
    assert (run.stored, run.born_expired) == (1, 2)


def test_what_an_order_destroyed_does_not_come_back_though_its_vendor_gives_it_again_under_any_name(
    floored: Hub, tmp_path: Path, clock: SetClock
) -> None:
    two.destroy(floored, ACTOR, ORDER, reads=ids(floored)[:2])
    floored.connections.accounts.add(ACTOR, "again", "plain", {"folder": str(tmp_path / "feed")})
    runs = [floored.ingest.sync.run(ACTOR, name, CAPTURED, clock.now()) for name in ("feed", "again")]
    assert [(run.stored, run.duplicates, run.born_expired) for run in runs] == [(0, 1, 2), (1, 0, 2)]
    assert len(list(floored.ingest.images.stored())) == 2
    assert floored.proofs.reconciliation.run(ACTOR).differences == []
    with floored.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM tombstones")) == 2
    clock.advance(timedelta(days=800))
    floored.retention.expired.purge(ACTOR)
    with floored.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM tombstones")) == 0
