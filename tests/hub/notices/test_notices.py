"""Notices: once when something needs a person, once when it is over, kept before they are sent, and nobody's plate."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from plain import PlainConnector, record, write_page
from registries import Having
from sqlalchemy import text

from connectors.contract import Document, PushReport
from connectors.errors import AdminMustFix, TryAgain
from hub.clock import SetClock
from hub.errors import Conflict
from hub.hotlists.lists import NewEntry
from hub.notices.notice import Notice
from hub.notices.service import Notices
from hub.outgoing import NotSent
from hub.people import Actor
from hub.wiring import Hub

PLATE = "9SYN777"


@dataclass
class Told:
    """A way out that is a list, and breaks when it is told to."""

    name: str
    failure: Exception | None = None
    got: list[Notice] = field(default_factory=list)
    tried: int = 0

    def send(self, notice: Notice) -> str:
        self.tried += 1
        if self.failure is not None:
            raise self.failure
        self.got.append(notice)
        return "taken"

    @property
    def titles(self) -> list[str]:
        return [notice.title for notice in self.got]


def notices(hub: Hub, *ways: Told, audit: Any = None) -> Notices:
    return Notices(
        hub.store, audit or hub.audit, hub.clock, hub.connections.health, ways, hub.governing.in_force, "Pier PD"
    )


@pytest.fixture
def way() -> Told:
    return Told("list")


@pytest.fixture
def run(opened: Hub, actor: Actor, way: Told) -> Callable[[], dict[str, int]]:
    """One turn, by one way out."""
    made = notices(opened, way)
    return lambda: made.run(actor)


def counts(begun: int = 0, ended: int = 0, sent: int = 0, failed: int = 0, waiting: int = 0) -> dict[str, int]:
    return {"begun": begun, "ended": ended, "sent": sent, "failed": failed, "waiting": waiting}


def refuse(*_: Any, **__: Any) -> Any:
    raise AdminMustFix(f"the vendor answered 401: no right to plate {PLATE}")


class Revoking(PlainConnector):
    """A vendor whose subscriptions the hub revokes itself, and that has none."""

    def subscriptions(self) -> list[str]:
        return []

    def unsubscribe(self) -> int:
        return 0


@pytest.fixture
def quiet(opened: Hub, feed: Path, plain_vendor: Having) -> None:
    """`feed` is one that can revoke its own subscriptions: nobody must be told to stop pushing."""
    plain_vendor.kinds["plain"] = Revoking


def stop(hub: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the vendor refuse the key in a run."""
    with monkeypatch.context() as refused:
        refused.setattr(PlainConnector, "pull", refuse)
        with pytest.raises(AdminMustFix):
            hub.ingest.sync.run(actor, "feed")


def test_what_is_well_is_told_to_nobody(opened: Hub, feed: Path, run: Any, way: Told) -> None:
    assert run() == counts()
    assert way.got == []


def test_a_connection_that_stops_is_told_once_and_once_when_it_runs_again(
    opened: Hub, actor: Actor, feed: Path, run: Any, way: Told, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(opened, actor, monkeypatch)
    assert run() == counts(begun=1, sent=1)
    assert run() == counts()
    clock.advance(timedelta(hours=2, minutes=5))
    opened.connections.accounts.resume(actor, "feed")
    write_page(feed, 1, [record(1, PLATE, clock.now().isoformat())])
    opened.ingest.sync.run(actor, "feed")
    assert run() == counts(ended=1, sent=1)
    assert run() == counts()
    assert way.titles == [
        "feed is paused: the key or login was refused", "Over: feed is paused: the key or login was refused",
    ]  # fmt: skip
    first, last = way.got
    assert "    alprhub connections rotate feed" in first.body
    assert "2026-06-01 05:00 PDT, 2 h 5 min ago" in last.body
    assert first.subject == last.subject


def test_no_notice_holds_a_plate_or_what_a_vendor_wrote(
    opened: Hub, actor: Actor, feed: Path, run: Any, way: Told, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.hotlists.lists.load(actor, "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA")])

    def down(*_: Any) -> Any:
        raise TryAgain(f"vendor words about {PLATE}")

    account, connector = opened.connections.accounts.open("feed")
    bad = list(connector.unpack(Document(msgspec.json.encode([{"id": PLATE, "at": f"words of {PLATE}"}] * 3))))
    opened.ingest.intake.take(connector, account.id, bad, obtained="push")
    with monkeypatch.context() as broken:
        broken.setattr(PlainConnector, "push", down)
        broken.setattr(PlainConnector, "pull", down)
        opened.hotlists.publishing.publish(actor, "wanted", "feed")
        with pytest.raises(TryAgain):
            opened.ingest.sync.run(actor, "feed")
        clock.advance(timedelta(hours=2))
        with pytest.raises(TryAgain):
            opened.ingest.sync.run(actor, "feed")
    run()
    stop(opened, actor, monkeypatch)
    run()
    assert {notice.code for notice in way.got} >= {"vendor_down", "records_refused", "list_unproved", "key_refused"}
    for notice in way.got:
        assert PLATE not in notice.title + notice.body + notice.subject
        assert "words" not in notice.title + notice.body
        assert "answered 401" not in notice.body


def test_a_vendor_that_is_down_for_a_moment_is_told_to_nobody(
    opened: Hub, actor: Actor, feed: Path, run: Any, clock: SetClock
) -> None:
    (feed / "page-009.broken.json").touch()
    with pytest.raises(TryAgain):
        opened.ingest.sync.run(actor, "feed")
    assert run() == counts()
    clock.advance(timedelta(hours=1))
    assert run() == counts(begun=1, sent=1)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(TryAgain):
        opened.ingest.sync.run(actor, "feed")
    assert run() == counts()


def test_a_key_that_ends_soon_is_told_although_nothing_is_wrong_yet(
    opened: Hub, actor: Actor, feed: Path, run: Any, way: Told
) -> None:
    opened.connections.changes.change(actor, "feed", {"key_ends": "2026-06-20"}, check=False)
    assert run() == counts(begun=1, sent=1)
    assert way.got[0].code == "credentials_end"


def test_a_way_that_could_not_be_reached_is_left_alone_with_all_that_waits_for_it(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    bad = Told("bad", NotSent("nothing listens there"))
    clock.advance(timedelta(days=2))
    made = notices(opened, bad)
    assert made.run(actor) == counts(begun=2, failed=1, waiting=2)
    assert made.run(actor) == counts(waiting=2)
    assert bad.tried == 1


def test_a_way_that_fails_for_long_is_tried_every_hour_all_the_same(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Told("bad", NotSent("nothing listens there"))
    made = notices(opened, bad)
    stop(opened, actor, monkeypatch)
    made.look(actor)
    for _ in range(12):
        made.send()
        clock.advance(timedelta(hours=1))
    assert bad.tried == 12


def test_a_gap_a_list_and_a_removal_that_are_not_proved_are_told_and_when_they_are_over(
    opened: Hub, actor: Actor, feed: Path, run: Any, way: Told, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.hotlists.lists.load(actor, "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA")])
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    opened.hotlists.lists.withdraw(actor, "wanted", PLATE, None, "recovered")
    with monkeypatch.context() as broken:
        broken.setattr(PlainConnector, "push", lambda self, delta: PushReport(0, 1))
        opened.hotlists.publishing.publish(actor, "wanted", "feed")
    write_page(feed, 1, [])
    opened.ingest.sync.run(actor, "feed")
    clock.advance(timedelta(hours=4))
    opened.ingest.sync.run(actor, "feed", clock.now() - timedelta(hours=2), clock.now() - timedelta(minutes=1))
    clock.advance(timedelta(hours=2))
    opened.ingest.sync.run(actor, "feed", clock.now() - timedelta(minutes=30), clock.now())
    run()
    assert sorted(way.titles) == ["Hot list 'wanted' at feed is not proved", "Reads of feed may be missing"]
    opened.ingest.sync.backfill(actor, "feed")
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert run() == counts(ended=2, sent=2)


def test_while_a_connection_is_paused_nothing_of_it_is_called_over(
    opened: Hub, actor: Actor, feed: Path, run: Any, way: Told, clock: SetClock
) -> None:
    clock.advance(timedelta(days=2))
    run()
    assert {notice.code for notice in way.got} == {"silent", "not_run"}
    opened.connections.accounts.pause(actor, "feed", "the cameras are being moved")
    assert run() == counts()
    opened.connections.accounts.resume(actor, "feed")
    assert run() == counts()


def test_while_the_connector_is_missing_nothing_of_its_connection_is_called_over(
    opened: Hub, actor: Actor, feed: Path, run: Any, way: Told, clock: SetClock
) -> None:
    clock.advance(timedelta(days=2))
    run()
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET connector = 'somebody''s'"))
    assert run() == counts(begun=1, sent=1)
    assert [notice.code for notice in way.got[2:]] == ["no_connector"]
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET connector = 'plain'"))
    assert run() == counts(ended=1, sent=1)
    assert way.got[-1].code == "no_connector"


def test_of_a_connection_that_was_removed_nothing_is_told_any_more(
    opened: Hub, actor: Actor, feed: Path, run: Any, clock: SetClock, quiet: None
) -> None:
    clock.advance(timedelta(days=2))
    assert run()["begun"] == 2
    remove(opened, actor)
    assert run() == counts()
    assert [one.notice.kind for one in opened.notices.telling.list(2)] == ["dropped", "dropped"]


def remove(hub: Hub, actor: Actor, force: str | None = None) -> None:
    hub.connections.removals.remove(actor, "feed", reads="keep", reason="the contract has ended", force=force)


@pytest.fixture
def stuck(opened: Hub, actor: Actor, feed: Path) -> Iterator[pytest.MonkeyPatch]:
    """A list of `feed` that its vendor does not let go, until this is undone."""
    opened.hotlists.lists.load(actor, "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA")])
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    with pytest.MonkeyPatch.context() as refusing:
        refusing.setattr(PlainConnector, "push", refuse)
        yield refusing


def test_a_removal_that_stopped_is_told_and_that_it_is_over_once_it_ended_well(
    opened: Hub, actor: Actor, run: Any, way: Told, quiet: None, stuck: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Conflict, match="stopped"):
        remove(opened, actor)
    assert run() == counts(begun=1, sent=1)
    stuck.undo()
    remove(opened, actor)
    assert run() == counts(ended=1, sent=1)
    assert way.titles == ["feed is being removed", "Over: feed is being removed"]
    assert run() == counts()


def test_a_removal_without_proof_is_told_once_even_where_nobody_saw_it_stop(
    opened: Hub, actor: Actor, run: Any, way: Told, quiet: None, stuck: Any, clock: SetClock
) -> None:
    remove(opened, actor, force=f"the vendor is gone, {PLATE} with it")
    assert run() == counts(begun=1, sent=1)
    (told,) = way.got
    assert (told.connection, told.code) == ("feed", "removed_unproved")
    assert told.title == "feed was removed without proof: hot list wanted"
    assert "feed was removed 2026-06-01 05:00 PDT. Not proved: hot list wanted." in told.body
    assert "    alprhub connections certificate feed" in told.body
    assert PLATE not in told.body, "neither a vendor's words nor an admin's leave the hub"
    opened.retention.vacuum.run(actor)
    clock.advance(timedelta(days=400))
    assert run() == counts()


def test_a_removal_that_was_told_to_have_stopped_and_was_forced_is_over_and_what_it_does_not_prove_is_told(
    opened: Hub, actor: Actor, run: Any, way: Told, quiet: None, stuck: Any
) -> None:
    with pytest.raises(Conflict, match="stopped"):
        remove(opened, actor)
    run()
    remove(opened, actor, force="the vendor is gone")
    assert run() == counts(begun=1, ended=1, sent=2)
    assert way.titles[1:] == ["feed was removed without proof: hot list wanted", "Over: feed is being removed"]


def test_that_the_source_must_be_told_to_stop_pushing_is_told_once_it_is_removed(
    opened: Hub, actor: Actor, feed: Path, way: Told, run: Any
) -> None:
    remove(opened, actor)
    assert run() == counts(begun=1, sent=1)
    assert way.titles == ["feed was removed without proof: the end of its source's pushes"]


def test_the_hub_itself_tells_of_removals_without_proof(opened: Hub, actor: Actor, feed: Path) -> None:
    remove(opened, actor)
    opened.notices.telling.look(actor)
    assert [one.notice.code for one in opened.notices.telling.list()] == ["removed_unproved"]


def test_what_begins_again_between_two_looks_is_told_again(
    opened: Hub, actor: Actor, feed: Path, run: Any, clock: SetClock
) -> None:
    def fail() -> None:
        (feed / "page-009.broken.json").touch()
        with pytest.raises(TryAgain):
            opened.ingest.sync.run(actor, "feed")
        clock.advance(timedelta(hours=1))

    fail()
    assert run()["begun"] == 1
    (feed / "page-009.broken.json").unlink()
    write_page(feed, 1, [])
    opened.ingest.sync.run(actor, "feed")
    clock.advance(timedelta(minutes=1))
    fail()
    assert run() == counts(begun=1, sent=1)


def test_a_way_that_fails_holds_up_no_other_and_is_tried_again_later_and_later(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = Told("good"), Told("bad", NotSent("nothing listens there"))
    made = notices(opened, bad, good)
    stop(opened, actor, monkeypatch)
    assert made.run(actor) == counts(begun=1, sent=1, failed=1, waiting=1)
    assert made.run(actor) == counts(waiting=1)
    tries = []
    for _ in range(8):
        clock.advance(timedelta(minutes=30))
        made.run(actor)
        tries.append(bad.tried)
    assert tries[:2] == [2, 3]
    assert tries[-1] < 8
    (told,) = made.list()
    assert (told.sent["good"] is not None, told.sent["bad"], told.said["bad"]) == (True, None, "nothing listens there")
    bad.failure = None
    clock.advance(timedelta(hours=1))
    assert made.run(actor) == counts(sent=1)
    assert bad.titles == good.titles


def test_a_delivery_that_failed_while_the_clock_was_ahead_does_not_wait_for_that_time(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = Told("way", NotSent("nothing listens there"))
    made = notices(opened, way)
    stop(opened, actor, monkeypatch)
    clock.advance(timedelta(days=400))
    made.run(actor)
    clock.advance(timedelta(days=-400))
    tried = way.tried
    made.send()
    assert way.tried == tried + 1, "the time it waits for is farther away than any wait lasts"
    made.send()
    assert way.tried == tried + 1, "all that waited with it is left alone for a wait of the usual length"
    way.failure = None
    clock.advance(timedelta(hours=1))
    made.send()
    assert made.waiting() == 0


def test_a_notice_that_a_way_will_not_take_does_not_stop_the_next_one(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    picky = Told("picky", NotSent("it answered 400", answered=True))
    clock.advance(timedelta(days=2))
    assert notices(opened, picky).run(actor) == counts(begun=2, failed=2, waiting=2)


def test_notices_that_a_way_refuses_again_and_again_hold_up_no_newer_one(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.notices.outbox.AT_ONCE", 2)
    picky = Told("picky", NotSent("it answered 400", answered=True))
    clock.advance(timedelta(days=2))
    assert notices(opened, picky).run(actor) == counts(begun=2, failed=2, waiting=2)
    picky.failure = None
    stop(opened, actor, monkeypatch)
    assert notices(opened, picky).run(actor) == counts(begun=1, sent=1, waiting=2)
    assert picky.titles == ["feed is paused: the key or login was refused"]


def test_a_way_that_breaks_is_a_way_that_failed(opened: Hub, actor: Actor, feed: Path, clock: SetClock) -> None:
    broken, good = Told("broken", ValueError(PLATE)), Told("good")
    clock.advance(timedelta(days=2))
    made = notices(opened, broken, good)
    assert made.run(actor) == counts(begun=2, sent=2, failed=2, waiting=2)
    assert PLATE not in str(made.list())
    assert [(one.way, one.sent) for one in made.test(actor)] == [("broken", False), ("good", True)]


def test_a_notice_is_kept_before_it_is_sent_and_sent_again_where_nobody_noted_that_it_was(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = Told("list")
    made = notices(opened, way)
    stop(opened, actor, monkeypatch)
    with monkeypatch.context() as killed:
        killed.setattr(made._outbox, "sent", refuse)
        with pytest.raises(AdminMustFix):
            made.run(actor)
    assert made.waiting() == 1
    assert made.run(actor) == counts(sent=1)
    assert [notice.id for notice in way.got] == [1, 1]


def test_a_notice_that_cannot_be_put_on_record_is_not_kept(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(opened, actor, monkeypatch)
    made = notices(opened, Told("list"))
    with monkeypatch.context() as broken:
        broken.setattr(opened.audit, "record", refuse)
        with pytest.raises(AdminMustFix):
            made.look(actor)
    assert made.list() == []
    made.look(actor)
    told = opened.audit.events(1)[0]
    assert (told["action"], told["outcome"], told["target"]) == ("notices.tell", "begun", "feed/key_refused/")


def test_two_processes_that_look_at_once_tell_it_once(
    opened: Hub, actor: Actor, feed: Path, way: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(opened, actor, monkeypatch)
    one, two = notices(opened, way), notices(opened, way)
    seen = opened.connections.health.all()
    looking = SimpleNamespace(all=lambda: (one.look(actor), seen)[1], around=list, removed=list)
    monkeypatch.setattr(two, "_health", looking)
    assert two.look(actor) == (0, 0)
    with opened.store.lease("notices"):
        assert one.send() == (0, 0)
    assert one.send() == (1, 0)


def test_what_could_not_be_sent_for_a_while_is_shown_by_health_while_the_way_is_set(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(opened, actor, monkeypatch)
    notices(opened, Told("syslog", NotSent("nothing listens there"))).run(actor)
    clock.advance(timedelta(minutes=20))
    assert opened.connections.health.around() == []
    monkeypatch.setattr(opened.connections.health._surroundings, "_ways", ["syslog"])
    (card,) = opened.connections.health.around()
    assert (card.code, card.command) == ("notices_unsent", "alprhub notices test")
    assert "1 notice could not be sent by syslog, the oldest since 2026-06-01 05:00 PDT (20 min ago)" in card.happened


def test_what_concerns_the_hub_itself_is_told_too(opened: Hub, run: Any, way: Told) -> None:
    inbox = opened.settings.data / "inbox"
    inbox.mkdir()
    (inbox / "0000000000000001.broken").write_bytes(b"cut")
    assert run() == counts(begun=1, sent=1)
    (inbox / "0000000000000001.broken").unlink()
    assert run() == counts(ended=1, sent=1)
    assert way.got[0].connection is None


def test_without_a_way_out_what_would_have_been_told_is_still_listed(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(opened, actor, monkeypatch)
    assert opened.notices.telling.run(actor) == counts(begun=1)
    (told,) = opened.notices.telling.list()
    assert (told.notice.code, told.sent) == ("key_refused", {})
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM notice_deliveries")) == 0


def test_a_way_that_never_ends_holds_up_no_other(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_ever = threading.Event()

    @dataclass
    class Dripping(Told):
        """A server that answers a byte now and then."""

        def send(self, notice: Notice) -> str:
            assert for_ever.wait(30)
            return "late"

    monkeypatch.setattr("hub.notices.service.WHOLE", timedelta(milliseconds=50))
    stop(opened, actor, monkeypatch)
    drips, quick = Dripping("mail"), Told("syslog")
    done = notices(opened, drips, quick).run(actor)
    for_ever.set()
    assert (done["sent"], done["failed"]) == (1, 1)
    assert quick.titles
