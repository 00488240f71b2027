"""Being asked to stop: work ends between two pieces, what was done is kept, and the next run goes on."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import two
from plain import PlainConnector, record, write_page
from sqlalchemy import text

import hub.hotlists.lists as lists
import hub.retention.purge as purging
import hub.retention.recompute as recomputing
from connectors.contract import Delta, PushReport
from hub.clock import SetClock
from hub.errors import Stopped
from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.policy.document import FOLDER
from hub.wiring import Hub

AT = "2026-06-01T11:00:00Z"


def stop_at(number: int) -> Any:
    """A progress that is told so many times and then ends the work."""
    left = [number]

    def told(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Stopped("somebody stopped it")

    return told


def count(hub: Hub, table: str) -> int:
    with hub.store.read() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


@pytest.fixture
def pages(feed: Path) -> None:
    """Three pages of one read."""
    for number in (1, 2, 3):
        write_page(feed, number, [record(number, f"7ZZZ00{number}", AT)])


@pytest.mark.usefixtures("pages")
def test_a_run_that_was_stopped_says_so_and_fails_nothing(opened: Hub, actor: Actor) -> None:
    with pytest.raises(Stopped):
        opened.ingest.sync.run(actor, "feed", progress=stop_at(3))
    assert count(opened, "reads") == 2
    with opened.store.read() as connection:
        assert connection.execute(text("SELECT outcome, error, stored FROM runs")).all() == [
            ("stopped", "somebody stopped it", 2)
        ]
    report = opened.connections.health.of("feed")
    assert "stopped" not in f"{report.status} {report.reason}"
    done = opened.ingest.sync.run(actor, "feed")
    assert (done.stored, done.duplicates) == (1, 2)
    assert opened.ingest.gaps.find(actor, "feed") == []


@pytest.mark.usefixtures("pages")
def test_a_run_that_is_interrupted_at_once_is_stopped_too(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(PlainConnector, "pull", interrupted)
    with pytest.raises(KeyboardInterrupt):
        opened.ingest.sync.run(actor, "feed")
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT outcome FROM runs")) == "stopped"


@pytest.mark.usefixtures("pages")
def test_a_back_fill_that_was_stopped_keeps_its_pages_and_the_connection_is_free(opened: Hub, actor: Actor) -> None:
    opened.ingest.sync.run(actor, "feed")
    with pytest.raises(Stopped):
        opened.ingest.sync.backfill(actor, "feed", opened.clock.now() - timedelta(days=2), progress=stop_at(2))
    assert opened.ingest.sync.backfill(actor, "feed", opened.clock.now() - timedelta(days=2)).duplicates > 0


@pytest.mark.parametrize("told", [1, 3, 6], ids=["at the first row", "while checking", "while storing"])
def test_an_import_that_was_stopped_changed_nothing(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch, told: int
) -> None:
    monkeypatch.setattr(lists, "STEP", 10)
    entries = [NewEntry(f"7ZZZ{number:03d}", "stolen", "26-1") for number in range(40)]
    with pytest.raises(Stopped):
        opened.hotlists.lists.load(actor, "wanted", entries, progress=stop_at(told))
    assert opened.hotlists.lists.names() == []
    assert count(opened, "hotlist_entries") == 0
    assert opened.hotlists.lists.load(actor, "wanted", entries).added == 40


@pytest.mark.usefixtures("pages")
def test_a_purge_that_was_stopped_goes_on_and_certifies_each_read_once(
    opened: Hub, actor: Actor, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.ingest.sync.run(actor, "feed")
    clock.advance(timedelta(days=31))
    monkeypatch.setattr(purging, "BATCH", 1)
    monkeypatch.setattr(purging, "MOST", 1)
    with pytest.raises(Stopped):
        opened.retention.expired.purge(actor, stop_at(2))
    assert count(opened, "reads") == 1
    assert opened.retention.expired.purge(actor) == {"feed": 1}
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT sum(reads) FROM certificates")) == 3


@pytest.mark.usefixtures("pages")
def test_a_recompute_that_was_stopped_goes_on_behind_the_last_read(
    opened: Hub, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.ingest.sync.run(actor, "feed")
    monkeypatch.setattr("hub.store.postgresql.PASSES", 1)
    monkeypatch.setattr(recomputing, "BATCH", 1)
    monkeypatch.setattr(recomputing, "MOST", 1)
    file = tmp_path / "shorter.yaml"
    file.write_text(FOLDER.joinpath("hermosa-beach.yaml").read_text().replace("P30D", "P20D"))
    two.activate(opened, actor, str(file), "a shorter schedule")
    with pytest.raises(Stopped):
        opened.retention.recompute.run(actor, stop_at(2))
    with opened.store.read() as connection:
        after, last = connection.execute(text("SELECT after_id, last_id FROM recomputes")).one()
    assert 0 < after < last
    told: list[tuple[str, int, int | None]] = []
    opened.retention.recompute.run(actor, lambda *how: told.append(how))
    assert told == [("reads looked at", last, last)]


def test_a_push_that_was_stopped_is_unproved_and_the_next_sends_what_is_left(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def push(self: PlainConnector, delta: Delta) -> PushReport:
        file = self.settings.folder / "list.json"
        for entry in delta.add:
            held = msgspec.json.decode(file.read_bytes()) if file.exists() else []
            file.write_bytes(msgspec.json.encode([*held, {"plate": entry.plate, "state": entry.state}]))
            self.frame.sent(1)
        return PushReport(len(delta.add), 0)

    monkeypatch.setattr(PlainConnector, "push", push)
    opened.hotlists.lists.load(
        actor, "wanted", [NewEntry(f"7ZZZ{number:03d}", "stolen", "26-1") for number in range(4)]
    )
    told: list[tuple[str, int, int | None]] = []

    def twice(*how: Any) -> None:
        told.append(how)
        if how[1] == 2:
            raise Stopped("somebody stopped it")

    with pytest.raises(Stopped):
        opened.hotlists.publishing.publish(actor, "wanted", "feed", twice)
    assert told == [("entries sent to feed", done, 4) for done in range(3)]
    assert opened.audit.events(1)[0]["outcome"] == "unproved"
    sent = opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert (sent.added, sent.verified) == (2, True)
