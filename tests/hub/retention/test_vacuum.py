"""What was purged is in no byte of SQLite's file by the next night, and only SQLite has written there."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from once import Once, once
from plain import record, write_page
from registries import PLAIN, Having
from sqlalchemy import text

import hub.retention.vacuum as vacuuming
import hub.store.vacuum as vacuum_of_a_file
from hub.clock import SetClock
from hub.connections.card import Card
from hub.connections.surroundings import OWED
from hub.errors import AdminMustAct, Busy, Stopped
from hub.jobs.jobs import Jobs
from hub.people import Actor
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.vacuum import Debt, owe, owed
from hub.wiring import Hub, open_hub

CAPTURED = datetime(2026, 6, 1, 11, tzinfo=UTC)
LIFE = timedelta(days=31)
MANY = 2000
OVER, LIVING = b"QXZWK", b"LVNGM"
sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
processes = multiprocessing.get_context("fork")


def concerns(hub: Hub) -> list[Card]:
    """What health says of the hub, but that nobody has said here where certificates go."""
    return [card for card in hub.connections.health.around() if card.code != "certificates_nowhere"]


def bring(hub: Hub, feed: Path) -> None:
    """Reads that will be over, in no order, with their plates in their ids, so that every index has them."""
    _bring(hub, feed, OVER.decode(), CAPTURED)


def bring_living(hub: Hub, feed: Path, clock: SetClock) -> None:
    """Reads that live on and lie between those that are over in every index; then the time of those is up."""
    clock.advance(LIFE - timedelta(days=20))
    _bring(hub, feed, LIVING.decode(), clock.now() - timedelta(hours=1))
    clock.advance(timedelta(days=20))


def _bring(hub: Hub, feed: Path, end: str, at: datetime) -> None:
    for page in feed.iterdir():
        page.unlink()
    said = [record(n, f"{n:04}{end}", at.isoformat(), id=f"r{n}-{n:04}{end}") for n in range(MANY)]
    random.Random(end).shuffle(said)
    write_page(feed, 1, said)
    hub.ingest.sync.run(Actor("tester"), "feed")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Once]:
    """What `full` begins with."""
    with once(tmp_path_factory.mktemp("filled")) as made:
        yield made


@pytest.fixture
def full(
    settings: HubSettings, clock: SetClock, plain_vendor: Having, actor: Actor, tmp_path: Path, filled: Once
) -> Iterator[Hub]:
    """A hub in which the time of half of the reads is up."""

    def fill() -> None:
        then, folder = SetClock(clock.now()), tmp_path / "feed"
        folder.mkdir()
        with open_hub(settings, then, registry=plain_vendor) as hub:
            hub.connections.accounts.add(actor, "feed", "plain", {"folder": str(folder)})
            bring(hub, folder)
            bring_living(hub, folder, then)

    filled.bring(settings, fill)
    clock.advance(LIFE)
    with open_hub(settings, clock, registry=plain_vendor) as hub:
        yield hub


def debt(hub: Hub) -> Debt | None:
    with hub.store.read() as connection:
        return owed(connection)


def left(hub: Hub) -> list[str]:
    """The files that have a plate in them that is over; those that live must be there."""
    files = {str(path): path.read_bytes() for path in hub.settings.data.rglob("*") if path.is_file()}
    assert any(LIVING in content for content in files.values())
    return [name for name, content in files.items() if OVER in content]


def is_whole(hub: Hub) -> bool:
    with hub.store.read() as connection:
        reads = connection.scalar(text("SELECT count(*) FROM reads"))
        return (reads, connection.scalar(text("PRAGMA integrity_check"))) == (MANY, "ok")


def events(hub: Hub, action: str) -> list[dict[str, Any]]:
    return [event for event in hub.audit.events() if event["action"] == action]


@sqlite
def test_a_purge_leaves_bytes_in_the_file_and_says_so_and_writing_it_anew_leaves_none(full: Hub, actor: Actor) -> None:
    assert full.retention.expired.purge(actor) == {"feed": MANY}
    assert left(full), "else there is nothing to be written anew for"
    (certificate,) = full.retention.certificates.list()
    assert (certificate["traces"], certificate["rewritten_at"]) == ("vacuum", None)
    assert debt(full) == Debt(since=int(full.clock.now().timestamp() * 1e6), written_at=None)
    assert full.retention.vacuum.run(actor)["megabytes"] > 0
    assert left(full) == []
    assert is_whole(full)
    (certificate,) = full.retention.certificates.list()
    assert (certificate["traces"], certificate["rewritten_at"]) == ("vacuum", full.clock.now())
    assert full.retention.certificates.verify() == 1
    assert debt(full) is None
    assert len(events(full, "retention.vacuum")) == 1
    assert full.retention.vacuum.run(actor) == {"megabytes": 0}
    assert len(events(full, "retention.vacuum")) == 1, "nothing was purged since"


@sqlite
@pytest.mark.parametrize("kind", [pytest.param("FULL", marks=pytest.mark.slow), "INCREMENTAL"])
def test_a_file_that_its_administrator_lets_shrink_by_itself_stays_whole(
    settings: HubSettings, clock: SetClock, plain_vendor: Having, actor: Actor, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "feed"
    folder.mkdir()
    with open_hub(settings, clock, registry=plain_vendor) as hub:
        hub.connections.accounts.add(actor, "feed", "plain", {"folder": str(folder)})
        bring(hub, folder)
    plain = sqlite3.connect(settings.data / "alprhub.sqlite3", isolation_level=None)
    plain.execute(f"PRAGMA auto_vacuum = {kind}")
    # Beyond 13 MB such a file has a page that lists where pages belong, and begins like one that has rows.
    for name in "abcd":
        plain.execute(
            f"CREATE TABLE {name} AS WITH RECURSIVE number(n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT 2800) SELECT n, hex(zeroblob(1000)) AS note FROM number"
        )
    plain.execute("VACUUM")
    plain.close()
    with open_hub(settings, clock, registry=plain_vendor) as hub:
        bring_living(hub, folder, clock)
        hub.retention.expired.purge(actor)
        with hub.store.read() as connection:
            assert connection.scalar(text("PRAGMA auto_vacuum")) == {"FULL": 1, "INCREMENTAL": 2}[kind]
        assert is_whole(hub)
        hub.retention.vacuum.run(actor)
        assert is_whole(hub)
        assert left(hub) == []


@pytest.mark.slow
@sqlite
def test_a_file_behind_a_link_that_somebody_else_writes_to_stays_whole(
    settings: HubSettings, clock: SetClock, plain_vendor: Having, actor: Actor, tmp_path: Path
) -> None:
    file, target = settings.data / "alprhub.sqlite3", tmp_path / "elsewhere" / "kept.sqlite3"
    target.parent.mkdir()
    shutil.move(file, target)
    file.symlink_to(target)
    folder = tmp_path / "feed"
    folder.mkdir()
    stop, written = threading.Event(), list[int]()

    def write() -> None:
        """As a program does that asks the hub for nothing."""
        other = sqlite3.connect(target, isolation_level=None, timeout=60)
        other.execute("CREATE TABLE notes (note TEXT)")
        while not stop.is_set():
            other.execute("INSERT INTO notes VALUES (?)", ("x" * 3000,))
            written.append(1)
            stop.wait(0.001)
        other.close()

    with open_hub(settings, clock, registry=plain_vendor) as hub:
        hub.connections.accounts.add(actor, "feed", "plain", {"folder": str(folder)})
        bring(hub, folder)
        bring_living(hub, folder, clock)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            hub.retention.expired.purge(actor)
            for _ in range(5):
                with hub.store.write() as connection:
                    owe(connection, 1)
                hub.retention.vacuum.run(actor)
        finally:
            stop.set()
            writer.join()
        hub.store.squeeze()
        assert is_whole(hub)
        with hub.store.read() as connection:
            assert connection.scalar(text("SELECT count(*) FROM notes")) == len(written) > 0
        assert left(hub) == []
        assert OVER not in target.read_bytes()


def test_two_names_of_one_file_share_leases_and_turns(tmp_path: Path) -> None:
    (tmp_path / "link").mkdir()
    first = Store(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    (tmp_path / "link" / "b.sqlite3").symlink_to(tmp_path / "a.sqlite3")
    second = Store(f"sqlite:///{tmp_path / 'link' / 'b.sqlite3'}")
    with first.lease("purge"), pytest.raises(Busy), second.lease("purge"):
        pass
    assert not (tmp_path / "link" / "leases").exists()
    for store in (first, second):
        store.close()


@sqlite
def test_too_little_room_is_refused_in_words_and_concerns_the_hub(
    full: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.retention.expired.purge(actor)
    assert concerns(full) == [], "the night has it"
    needed, _ = full.store.room_to_vacuum()
    assert needed > 2 * full.store.size()
    monkeypatch.setattr(full.store, "room_to_vacuum", lambda: (needed, needed - 1))
    full.store.squeeze()
    before = (full.settings.data / "alprhub.sqlite3").read_bytes()
    with pytest.raises(AdminMustAct, match=r"alprhub\.sqlite3 was not written anew: its disk has 2\.0 GiB left"):
        full.retention.vacuum.run(actor)
    assert (full.settings.data / "alprhub.sqlite3").read_bytes() == before
    (card,) = concerns(full)
    assert (card.code, card.status, card.needs_person) == ("vacuum_lacks_room", "late", True)
    monkeypatch.undo()
    full.retention.vacuum.run(actor)
    assert concerns(full) == []


@sqlite
def test_what_no_night_has_written_anew_concerns_the_hub(full: Hub, actor: Actor, clock: SetClock) -> None:
    full.retention.expired.purge(actor)
    clock.advance(OWED - timedelta(seconds=1))
    assert concerns(full) == []
    clock.advance(timedelta(seconds=1))
    (card,) = concerns(full)
    assert (card.code, card.needs_person) == ("vacuum_overdue", True)


@sqlite
def test_where_the_disk_is_encrypted_nothing_is_written_anew_and_everything_says_so(
    full: Hub, settings: HubSettings, clock: SetClock, plain_vendor: Having, actor: Actor
) -> None:
    full.store.close()
    with open_hub(settings.model_copy(update={"disk_encrypted": True}), clock, registry=plain_vendor) as hub:
        hub.retention.expired.purge(actor)
        assert hub.retention.vacuum.run(actor) == {"megabytes": 0}
        assert left(hub)
        (event,) = events(hub, "retention.purge")
        assert event["detail"]["traces"] == "encrypted"
        (certificate,) = hub.retention.certificates.list()
        assert certificate["traces"] == "encrypted"
        (card,) = concerns(hub)
        assert (card.code, card.status, card.needs_person) == ("disk_encrypted", "ok", False)
        handed = json.loads(hub.proofs.handover.document(actor).body)
        assert handed["certificates"][0]["database_file"] == {"traces": "encrypted", "rewritten_at": None}
        removed = hub.connections.removals.remove(actor, "feed", reads="keep", reason="over")["certificate"]
        assert "its disk is encrypted" in removed["database_file"]
    with open_hub(settings, clock, registry=plain_vendor) as hub:  # somebody takes the setting away
        hub.retention.vacuum.run(actor)
        assert left(hub) == []
        assert hub.retention.certificates.list()[0]["rewritten_at"] == clock.now()


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_postgresqls_files_are_its_servers(opened: Hub, actor: Actor, feed: Path, clock: SetClock) -> None:
    bring(opened, feed)
    clock.advance(LIFE)
    opened.retention.expired.purge(actor)
    assert opened.retention.certificates.list()[0]["traces"] == "server"
    assert debt(opened) is None
    assert opened.retention.vacuum.run(actor) == {"megabytes": 0}
    assert concerns(opened) == []


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked often whether it shall go on."""
    monkeypatch.setattr(vacuum_of_a_file, "_STEPS", 500)


@sqlite
def test_ended_on_the_way_it_changes_nothing_and_is_due_again(full: Hub, actor: Actor, small_steps: None) -> None:
    full.retention.expired.purge(actor)
    full.store.squeeze()
    before = (full.settings.data / "alprhub.sqlite3").read_bytes()

    def end(*_: object) -> None:
        raise Stopped("somebody stopped it")

    with pytest.raises(Stopped):
        full.retention.vacuum.run(actor, end)
    assert (full.settings.data / "alprhub.sqlite3").read_bytes() == before
    assert debt(full) is not None
    full.retention.vacuum.run(actor)
    assert left(full) == []
    assert is_whole(full)


@pytest.mark.slow
@sqlite
def test_killed_on_the_way_it_leaves_a_whole_file_and_the_next_one_does_it(
    settings: HubSettings, full: Hub, actor: Actor, small_steps: None
) -> None:
    full.retention.expired.purge(actor)
    full.store.close()

    def killed(settings: HubSettings) -> None:
        with open_hub(settings, full.clock, registry=PLAIN) as hub:
            hub.retention.vacuum.run(actor, lambda *_: os.kill(os.getpid(), signal.SIGKILL))

    process = processes.Process(target=killed, args=(settings,), daemon=True)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert is_whole(full)
    assert left(full)
    assert debt(full) is not None
    full.retention.vacuum.run(actor)
    assert left(full) == []
    assert is_whole(full)


@sqlite
def test_meanwhile_readers_read_and_writers_wait_with_patience(full: Hub, actor: Actor, small_steps: None) -> None:
    full.retention.expired.purge(actor)
    seen, writers = list[int](), list[threading.Thread]()

    def write() -> None:
        with full.store.write() as connection:
            connection.execute(text("UPDATE counters SET value = value"))

    def look(*_: object) -> None:
        if not writers:
            writers.append(threading.Thread(target=write))
            writers[0].start()
        with full.store.read() as connection:
            seen.append(connection.scalar(text("SELECT count(*) FROM reads")) or 0)
        assert writers[0].is_alive()

    full.retention.vacuum.run(actor, look)
    writers[0].join(60)
    assert not writers[0].is_alive()
    assert set(seen) == {MANY}


@sqlite
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="which files a process has open is looked up in /proc")
def test_the_copy_lies_on_the_disk_of_the_database_and_not_in_memory(
    full: Hub, actor: Actor, small_steps: None
) -> None:
    with full.store.write() as connection:
        connection.exec_driver_sql("CREATE TABLE large (content BLOB)")
        connection.exec_driver_sql("INSERT INTO large VALUES (zeroblob(9000000))")
    full.retention.expired.purge(actor)
    found = set[str]()

    def look(*_: object) -> None:
        for one in Path("/proc/self/fd").iterdir():
            name = os.readlink(one) if one.is_symlink() else ""
            if "etilqs" in name:
                found.add(str(Path(name).parent))

    full.retention.vacuum.run(actor, look)
    assert found == {str(full.settings.data.resolve())}


@pytest.fixture
def reader(full: Hub) -> Iterator[sqlite3.Connection]:
    """Somebody who looks at an earlier moment for long."""
    earlier = sqlite3.connect(full.settings.data / "alprhub.sqlite3", isolation_level=None)
    earlier.execute("BEGIN")
    earlier.execute("SELECT count(*) FROM reads").fetchone()
    yield earlier
    earlier.close()


@sqlite
def test_a_reader_of_an_earlier_moment_puts_the_end_off_and_the_next_purge_comes_to_it(
    full: Hub, actor: Actor, reader: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vacuum_of_a_file, "PATIENCE_S", 0.01)
    monkeypatch.setattr(full.retention.vacuum, "_sleep", lambda _: None)
    full.retention.expired.purge(actor)
    with pytest.raises(Busy, match="its log still has what was there before"):
        full.retention.vacuum.run(actor)
    found = debt(full)
    assert found is not None
    assert found.written_at is not None
    assert full.retention.certificates.list()[0]["rewritten_at"] is None
    reader.execute("COMMIT")
    monkeypatch.setattr(full.store, "vacuum", None)  # it is written anew already
    full.retention.expired.purge(actor)
    assert left(full) == []
    assert debt(full) is None
    assert full.retention.certificates.list()[0]["rewritten_at"] == full.clock.now()


@sqlite
def test_a_purge_before_the_log_is_empty_has_the_file_written_anew_once_more(
    full: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.retention.expired.purge(actor)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(vacuuming, "ATTEMPTS", 0)
        with pytest.raises(Busy):
            full.retention.vacuum.run(actor)
    with full.store.write() as connection:
        owe(connection, 1)
    assert full.store.squeeze()
    assert debt(full) == Debt(since=1, written_at=None)


@sqlite
def test_it_is_due_in_the_agencys_night_and_within_a_day_of_every_purge(
    full: Hub, actor: Actor, clock: SetClock
) -> None:
    jobs = Jobs(full, "tests")
    zone = ZoneInfo("America/Los_Angeles")
    jobs.run_due(actor, "vacuum")  # at a first start, whenever that is
    full.retention.expired.purge(actor)
    purged, hours = clock.now(), list[datetime]()
    while not hours:
        clock.advance(timedelta(minutes=5))
        hours = [run.started_at for run in jobs.run_due(actor, "vacuum")]
    assert hours[0].astimezone(zone).strftime("%H:%M") == "03:05"
    assert hours[0] - purged <= timedelta(days=1)
    assert left(full) == []


@sqlite
def test_secrets_that_were_replaced_are_noted_like_rows_that_were_purged(opened: Hub, actor: Actor, feed: Path) -> None:
    for change in (
        lambda: opened.connections.changes.rotate(actor, "feed", {"api_key": "plain-secret-key"}),
        lambda: opened.connections.sealing.reseal(actor),
        lambda: opened.connections.removals.remove(actor, "feed", reads="keep", reason="over"),
    ):
        assert debt(opened) is None
        change()
        assert debt(opened) is not None
        opened.retention.vacuum.run(actor)
