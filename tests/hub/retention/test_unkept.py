"""What was pushed and is no read yet is under retention, removal and certificates, also where nobody can read it."""

import errno
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from hub.clock import SetClock
from hub.people import Actor
from hub.store.instant import to_micros
from hub.store.spool import Pushed, Spool
from hub.wiring import Hub, open_inbox

LIVES = timedelta(days=30)
"""How long reads of `feed` live."""


@pytest.fixture
def spooled(opened: Hub, feed: Path) -> Path:
    """The folder of the spool."""
    folder = opened.settings.data / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def lie(opened: Hub, spooled: Path) -> Callable[..., Path]:
    """Lets a batch lie there, received now: pairs of a connection and its row."""

    def lie(number: int, *owners: tuple[str, int], cut: bool = False) -> Path:
        now = opened.clock.now()
        pushes = [Pushed(name, ident, to_micros(now), "application/json", b"[]") for name, ident in owners]
        body = msgspec.msgpack.encode(pushes)
        path = spooled / f"{number:016d}.{'broken' if cut else 'batch'}"
        path.write_bytes(body[:-1] if cut else body)
        os.utime(path, (now.timestamp(), now.timestamp()))
        return path

    return lie


def feed_id(hub: Hub) -> int:
    return hub.connections.list()[0].id


def left(folder: Path) -> list[str]:
    decode = msgspec.msgpack.Decoder(list[Pushed]).decode
    return [one.connection for file in sorted(folder.glob("*.batch")) for one in decode(file.read_bytes())]


def certified(hub: Hub) -> list[tuple[str, int]]:
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT connection, quarantined FROM certificates ORDER BY id"))
        return [(row[0], row[1]) for row in rows]


def test_a_push_that_could_not_be_kept_in_its_time_is_destroyed_and_certified(
    opened: Hub, actor: Actor, clock: SetClock, lie: Callable[..., Path], spooled: Path
) -> None:
    lie(0, ("feed", feed_id(opened)))
    clock.advance(timedelta(days=10))
    lie(1, ("feed", feed_id(opened)))
    clock.advance(LIVES - timedelta(days=10) - timedelta(seconds=1))
    opened.retention.purge(actor)
    assert (left(spooled), certified(opened)) == (["feed", "feed"], [])
    clock.advance(timedelta(seconds=1))
    opened.retention.purge(actor)
    assert (left(spooled), certified(opened)) == (["feed"], [("feed", 1)])
    assert opened.certificates.verify() == 1
    (told,) = [event for event in opened.audit.events() if event["action"] == "retention.pushes"]
    assert (told["outcome"], told["target"], told["results"]) == ("destroyed", "feed", 1)


def test_of_a_batch_only_what_is_over_goes(
    opened: Hub, actor: Actor, clock: SetClock, lie: Callable[..., Path], spooled: Path
) -> None:
    batch = lie(0, ("feed", feed_id(opened)))
    (old,) = msgspec.msgpack.decode(batch.read_bytes(), type=list[Pushed])
    young = Pushed("feed", old.connection_id, old.received_at + 1_000_000, "", b"[]")
    batch.write_bytes(msgspec.msgpack.encode([old, young]))
    clock.advance(LIVES)
    opened.retention.purge(actor)
    assert msgspec.msgpack.decode(batch.read_bytes(), type=list[Pushed]) == [young]


def test_a_batch_that_was_set_aside_is_destroyed_when_its_time_is_over(
    opened: Hub, actor: Actor, clock: SetClock, lie: Callable[..., Path], spooled: Path
) -> None:
    marked, nobodys = lie(0, ("feed", feed_id(opened)), cut=True), lie(1, cut=True)
    clock.advance(LIVES - timedelta(seconds=1))
    opened.retention.purge(actor)
    assert marked.exists()
    assert nobodys.exists()
    clock.advance(timedelta(seconds=1))
    opened.retention.purge(actor)
    assert (list(spooled.iterdir()), certified(opened)) == ([], [("not known", 2)])


def test_nothing_is_destroyed_of_a_connection_of_which_nobody_knows_whose_reads_they_are(
    opened: Hub, actor: Actor, clock: SetClock, lie: Callable[..., Path], spooled: Path
) -> None:
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET retention_vendor = NULL"))
    lie(0, ("feed", feed_id(opened)))
    lie(1, ("feed", feed_id(opened)), cut=True)
    clock.advance(10 * LIVES)
    opened.retention.purge(actor)
    assert (left(spooled), len(list(spooled.iterdir()))) == (["feed"], 2)


def test_a_removal_with_its_reads_takes_what_waits_and_what_was_set_aside(
    opened: Hub, actor: Actor, lie: Callable[..., Path], spooled: Path, tmp_path: Path
) -> None:
    opened.connections.add(actor, "other", "plain", {"folder": str(tmp_path)})
    ident = feed_id(opened)
    lie(0, ("feed", ident), ("other", ident + 1))
    lie(1, ("feed", ident), cut=True)
    both = lie(2, ("feed", ident), ("other", ident + 1), cut=True)
    certificate = opened.removals.remove(actor, "feed", reads="purge", reason="over")["certificate"]
    assert left(spooled) == ["other"]
    assert list(spooled.glob("*.broken")) == [both]
    assert certificate["proof_missing"] == ["the end of its source's pushes", "pushes that were set aside"]
    assert certified(opened) == [("feed", 1), ("not known", 1)]


def test_after_a_removal_that_keeps_its_reads_what_was_set_aside_lives_as_long_as_they(
    opened: Hub, actor: Actor, clock: SetClock, lie: Callable[..., Path], spooled: Path
) -> None:
    lie(0, ("feed", feed_id(opened)), cut=True)
    opened.removals.remove(actor, "feed", reads="keep", reason="over")
    opened.retention.purge(actor)
    assert len(list(spooled.iterdir())) == 1
    clock.advance(LIVES)
    opened.retention.purge(actor)
    assert list(spooled.iterdir()) == []


def test_while_a_receiver_is_up_the_purge_leaves_its_spool_to_it(
    opened: Hub, actor: Actor, clock: SetClock, lie: Callable[..., Path], spooled: Path
) -> None:
    lie(0, cut=True)
    clock.advance(LIVES)
    receiver = Spool(spooled)
    opened.retention.purge(actor)
    assert len(list(spooled.iterdir())) == 1
    assert opened.unkept.destroy(actor, receiver) == 1
    receiver.close()
    assert list(spooled.iterdir()) == []


def test_a_receiver_looks_at_its_start_what_is_over(
    opened: Hub, clock: SetClock, lie: Callable[..., Path], spooled: Path
) -> None:
    lie(0, cut=True)
    clock.advance(LIVES)
    with open_inbox(opened):
        pass
    assert list(spooled.iterdir()) == []


def test_what_waits_and_what_was_set_aside_is_counted_beside_the_reads(
    opened: Hub, actor: Actor, lie: Callable[..., Path]
) -> None:
    lie(0, ("feed", feed_id(opened)), ("feed", feed_id(opened)))
    lie(1, cut=True)
    report = opened.ages.report(actor)
    assert (report.pushes_waiting, report.pushes_set_aside) == (2, 1)
    assert tuple(opened.reconciliation.run(actor).lying) == (2, 1)
    told = [event["detail"] for event in opened.audit.events() if event["action"].startswith("retention.")]
    assert all((detail["pushes_waiting"], detail["pushes_set_aside"]) == (2, 1) for detail in told)


def test_what_the_disk_does_not_let_go_of_is_said_not_certified_and_holds_up_nothing_else(
    opened: Hub,
    actor: Actor,
    clock: SetClock,
    lie: Callable[..., Path],
    spooled: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stuck = lie(0, cut=True)
    lie(1, cut=True)
    clock.advance(LIVES)
    done = Spool.done

    def refused(spool: Spool, file: Path) -> None:
        if file == stuck:
            raise OSError(errno.EROFS, "Read-only file system")
        done(spool, file)

    with monkeypatch.context() as patch:
        patch.setattr(Spool, "done", refused)
        opened.retention.purge(actor)
    assert (list(spooled.iterdir()), certified(opened)) == ([stuck], [("not known", 1)])
    assert f"{stuck} must be gone and cannot be deleted: Read-only file system" in caplog.messages
    opened.retention.purge(actor)
    assert sum(number for _, number in certified(opened)) == 2
