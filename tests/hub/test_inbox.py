"""What is pushed: on the disk before its sender hears so, kept once, and never lost."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from plain import PlainConnector, record, write_page
from sqlalchemy import text

from connectors.contract import Document, Record, Request
from hub.errors import Conflict, IntegrityBroken
from hub.ingest import intake
from hub.ingest.inbox import Inbox
from hub.ingest.keeping import Keeping
from hub.ingest.receivers import Paused, Refused
from hub.people import Actor
from hub.store.instant import to_micros
from hub.store.page import PageToSave
from hub.store.spool import RESERVE, Full, Pushed, Spool
from hub.wiring import Hub, open_inbox

AT = "2026-06-01T11:00:0{}Z"
KEY = {"x-key": "plain-secret-key"}


@pytest.fixture
def inbox(opened: Hub, feed: Path) -> Iterator[Inbox]:
    """The inbox of a hub with one connection, `feed`; what it takes waits until `keep` is called."""
    spool = Spool(opened.settings.data / "inbox")
    yield Inbox(spool, opened.audit, opened.clock, opened.intake, opened.pictures, opened.connections.open)
    spool.close()


def push(inbox: Inbox, *records: dict[str, Any], body: bytes | None = None, key: dict[str, str] | None = None) -> None:
    document = Document(msgspec.json.encode(records) if body is None else body)
    inbox.take("feed", Request(KEY if key is None else key, document))


def rows(hub: Hub, sql: str) -> list[Any]:
    with hub.store.read() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def plates(hub: Hub) -> list[str]:
    return [row[0] for row in rows(hub, "SELECT plate_raw FROM reads ORDER BY vendor_read_id")]


def test_what_was_taken_is_kept_and_then_gone_from_the_spool(inbox: Inbox, opened: Hub) -> None:
    push(inbox, record(1, "9SYN001", AT.format(1)), record(2, "9SYN002", AT.format(2)))
    assert plates(opened) == []
    assert inbox.keep().stored == 2
    assert plates(opened) == ["9SYN001", "9SYN002"]
    assert rows(opened, "SELECT DISTINCT obtained FROM reads") == [("push",)]
    assert list((opened.settings.data / "inbox").iterdir()) == []


def test_a_push_that_comes_again_is_kept_once(inbox: Inbox, opened: Hub) -> None:
    for _ in range(3):
        push(inbox, record(1, "9SYN001", AT.format(1)))
    assert inbox.keep().duplicates == 2
    push(inbox, record(1, "9SYN001", AT.format(1)))
    assert (inbox.keep().duplicates, plates(opened)) == (1, ["9SYN001"])


def test_who_does_not_prove_itself_leaves_nothing(inbox: Inbox, opened: Hub) -> None:
    for key in ({}, {"x-key": "wrong"}):
        with pytest.raises(Refused):
            push(inbox, record(1, "9SYN001", AT.format(1)), key=key)
    assert (inbox.keep().pulled, plates(opened)) == (0, [])


def test_who_knows_no_connection_hears_what_a_stranger_hears(inbox: Inbox, opened: Hub) -> None:
    with pytest.raises(Refused) as unknown:
        inbox.take("nobody", Request(KEY, Document(b"[]")))
    with pytest.raises(Refused) as stranger:
        inbox.take("feed", Request({}, Document(b"[]")))
    assert str(unknown.value) == str(stranger.value)


def test_a_paused_connection_asks_its_sender_to_come_again(inbox: Inbox, opened: Hub, actor: Actor) -> None:
    opened.connections.pause(actor, "feed", "moved house")
    with pytest.raises(Paused):
        push(inbox, record(1, "9SYN001", AT.format(1)))


def test_a_push_that_its_connector_cannot_read_is_quarantined_whole_and_can_be_replayed(
    inbox: Inbox, opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b'{"reads": %s}' % msgspec.json.encode([record(1, "9SYN001", AT.format(1)), record(2, "", AT.format(2))])
    push(inbox, body=body)
    assert inbox.keep().quarantined == 1
    assert [(group.field, group.reason) for group in opened.quarantine.groups(actor)] == [("document", "not a list")]
    assert opened.quarantine.replay(actor, "feed").quarantined == 1

    def mended(_self: Any, document: Document) -> list[Record]:
        wrapped = msgspec.json.decode(document.body, type=dict[str, list[msgspec.Raw]])
        return [Record("plain", bytes(one)) for one in wrapped["reads"]]

    monkeypatch.setattr(PlainConnector, "unpack", mended)
    replayed = opened.quarantine.replay(actor, "feed")
    assert (replayed.stored, replayed.quarantined) == (1, 1)
    assert plates(opened) == ["9SYN001"]
    assert [(group.field, group.count) for group in opened.quarantine.groups(actor)] == [("plate", 1)]


@pytest.mark.parametrize("broken", ["unpack", "read_of"])
def test_a_fault_of_a_connector_costs_no_push(
    inbox: Inbox, opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    push(inbox, record(1, "9SYN001", AT.format(1)))
    with monkeypatch.context() as patch:
        patch.setattr(PlainConnector, broken, lambda *_: 1 / 0)
        assert inbox.keep().quarantined == 1
    [group] = opened.quarantine.groups(actor)
    assert "its connector has a defect" in group.reason
    assert opened.quarantine.replay(actor, "feed").stored == 1


def test_a_batch_that_cannot_be_kept_waits_and_holds_up_no_other(
    inbox: Inbox, opened: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(inbox, record(1, "9SYN001", AT.format(1)))
    push(inbox, record(2, "9SYN002", AT.format(2)))
    take = opened.intake.take

    def no_room_for_the_first(connector: Any, ident: int, records: list[Record], **more: Any) -> Any:
        if any(b"9SYN001" in record.payload for record in records):
            raise OSError(errno.ENOSPC, "no space left")
        return take(connector, ident, records, **more)

    with monkeypatch.context() as patch:
        patch.setattr(opened.intake, "take", no_room_for_the_first)
        with pytest.raises(OSError, match="no space"):
            inbox.keep()
    assert plates(opened) == ["9SYN002"]
    inbox.keep()
    assert plates(opened) == ["9SYN001", "9SYN002"]


def test_the_pushes_of_a_removed_connection_are_on_record_as_dropped(inbox: Inbox, opened: Hub, actor: Actor) -> None:
    push(inbox, record(1, "9SYN001", AT.format(1)))
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET state = 'removed'"))
    assert inbox.keep().pulled == 0
    (event,) = [event for event in opened.audit.events() if event["action"] == "reads.receive"]
    assert (event["outcome"], event["target"], event["results"]) == ("dropped", "feed", 1)


def test_threads_keep_what_arrives(opened: Hub, feed: Path) -> None:
    with open_inbox(opened) as inbox:
        workers = [
            threading.Thread(target=push, args=(inbox, record(n, f"9SYN{n:03d}", AT.format(n % 10)))) for n in range(40)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    with open_inbox(opened) as again:  # what the end of the first came too early for
        again.keep()
    assert len(plates(opened)) == 40


def test_what_waits_from_before_is_kept_at_the_start_without_another_push(
    opened: Hub, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(opened.settings.data / "inbox")
    ident = opened.connections.list()[0].id
    body = msgspec.json.encode([record(1, "9SYN001", AT.format(1))])
    spool.put(Pushed("feed", ident, to_micros(opened.clock.now()), "application/json", body))
    spool.close()
    whole, kept = Keeping.keep, threading.Event()

    def keep(self: Keeping, **more: Any) -> Any:
        saved = whole(self, **more)
        kept.set()
        return saved

    monkeypatch.setattr(Keeping, "keep", keep)
    with open_inbox(opened):
        assert kept.wait(60)
    assert plates(opened) == ["9SYN001"]


def test_a_push_of_very_many_records_is_kept_in_turns(
    inbox: Inbox, opened: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "READS", 3)
    monkeypatch.setattr(intake, "REFUSED", 2)
    pages, whole = list[tuple[int, int]](), intake.save

    def save(store: Any, images: Any, page: PageToSave, now: Any) -> Any:
        pages.append((len(page.accepted), len(page.rejected)))
        return whole(store, images, page, now)

    monkeypatch.setattr(intake, "save", save)
    push(inbox, *[record(n, f"9SYN{n:03d}", AT.format(n)) for n in range(7)], *[{"id": f"bad {n}"} for n in range(7)])
    saved = inbox.keep()
    assert (saved.pulled, saved.stored, saved.quarantined) == (14, 7, 7)
    assert pages == [(3, 2), (3, 2), (1, 2), (0, 1)]
    assert len(plates(opened)) == 7


def test_the_checkpoint_of_a_page_that_is_kept_in_turns_moves_with_the_last(
    opened: Hub, feed: Path, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "READS", 2)
    whole, fails = intake.save, [False, True]
    write_page(feed, 1, [record(n, f"9SYN{n:03d}", AT.format(n)) for n in range(5)])

    def save(store: Any, images: Any, page: PageToSave, now: Any) -> Any:
        if fails and fails.pop(0):
            raise OSError(errno.EIO, "the disk")
        return whole(store, images, page, now)

    monkeypatch.setattr(intake, "save", save)
    with pytest.raises(OSError, match="the disk"):
        opened.sync.run(actor, "feed")
    assert (len(plates(opened)), rows(opened, "SELECT checkpoint FROM connections")) == (2, [(None,)])
    ran = opened.sync.run(actor, "feed")
    assert (ran.pulled, ran.stored, ran.duplicates) == (5, 3, 2)
    assert rows(opened, "SELECT checkpoint FROM connections") != [(None,)]


PUSHED = Pushed("feed", 1, 0, "application/json", b"x" * 100)


def test_two_processes_never_receive_into_one_folder(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    with pytest.raises(Conflict):
        Spool(tmp_path)
    first.close()
    Spool(tmp_path).close()


def test_a_spool_leaves_room_for_the_database(tmp_path: Path) -> None:
    free = disk_usage(tmp_path).free
    spool = Spool(tmp_path, reserve=2 * free)
    with pytest.raises(Full):
        spool.put(PUSHED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_disk_without_room_is_said_once_and_so_is_its_end(
    inbox: Inbox, opened: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("hub.store.spool.disk_usage", lambda _: SimpleNamespace(free=RESERVE - 1))
        patch.setattr("hub.wiring.disk_usage", lambda _: SimpleNamespace(free=RESERVE - 1))
        for _ in range(3):
            with pytest.raises(Full):
                push(inbox, record(1, "9SYN001", AT.format(1)))
        assert [card.code for card in opened.health.around()] == ["disk_full"]
    push(inbox, record(1, "9SYN001", AT.format(1)))
    assert caplog.messages == [
        "no push is taken now, and senders are told to come again: the disk of"
        f" {opened.settings.data / 'inbox'} has less than 2 GiB left, which the database needs to keep what waits;"
        " make room there",
        "pushes are taken again",
    ]


def test_batches_outlive_their_process_in_their_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(3):
        spool.put(Pushed("feed", number, 0, "", b""))
    spool.close()
    (tmp_path / "9.part").write_bytes(b"half a ba")
    again = Spool(tmp_path)
    again.put(Pushed("feed", 3, 0, "", b""))
    assert [pushed.connection_id for batch in again.batches() for pushed in again.read(batch)] == [0, 1, 2, 3]
    assert list(tmp_path.glob("*.part")) == []


def test_a_disk_that_takes_nothing_is_the_senders_to_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            spool.put(PUSHED)
    assert list(tmp_path.iterdir()) == []
    spool.put(PUSHED)
    assert len(spool.batches()) == 1


def test_a_batch_that_was_changed_is_said_and_kept_aside(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(PUSHED)
    spool.batches()[0].write_bytes(b"\xc1 something else")
    with pytest.raises(IntegrityBroken):
        spool.read(spool.batches()[0])
    assert spool.batches() == []
    assert len(list(tmp_path.glob("*.broken"))) == 1
