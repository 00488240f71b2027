"""Retention: invisible at the instant, then gone from every place."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from plain import record, write_page
from sqlalchemy import select, text

from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.search.query import Query
from hub.store.tables import metadata
from hub.wiring import Hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
CAPTURED = datetime.fromisoformat("2026-06-01T11:00:00Z")
LIFE = timedelta(days=30)
EVERYTHING = ("reads", "payloads", "plates", "images", "hits")


def kept(hub: Hub) -> dict[str, int]:
    with hub.store.read() as connection:
        return {table: int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0) for table in EVERYTHING}


@pytest.fixture
def one_read(opened: Hub, actor: Actor, feed: Path) -> Path:
    """One read with a picture and a hit, whose life ends thirty days after its capture."""
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("7ZZZ001", "stolen", "26-1", "US-CA")])
    write_page(feed, 1, [record(1, "7ZZZ001", CAPTURED.isoformat(), picture="PICTURE-BYTES")])
    opened.ingest.sync.run(actor, "feed")
    return feed


def test_an_expired_read_is_invisible_at_the_instant_even_when_no_purge_ran(
    opened: Hub, actor: Actor, clock: SetClock, one_read: Path
) -> None:
    by_plate = Query(WHY, plates=("7ZZZ001",))
    asked = (by_plate, Query(WHY, since=CAPTURED - LIFE))
    clock.advance(CAPTURED + LIFE - clock.now() - timedelta(microseconds=1))
    assert [len(opened.search.reads.find(actor, query).rows) for query in asked] == [1, 1]
    clock.advance(timedelta(microseconds=1))
    assert [opened.search.reads.find(actor, query).rows for query in asked] == [[], []]
    assert kept(opened)["reads"] == 1


def test_the_purge_reaches_rows_payloads_pictures_hits_and_plates(
    opened: Hub, actor: Actor, clock: SetClock, one_read: Path
) -> None:
    assert kept(opened) == dict.fromkeys(EVERYTHING, 1)
    assert len(list(opened.ingest.images.stored())) == 1
    clock.advance(LIFE)
    assert opened.retention.expired.purge(actor) == {"feed": 1}
    assert kept(opened) == dict.fromkeys(EVERYTHING, 0)
    assert list(opened.ingest.images.stored()) == []
    assert opened.retention.expired.purge(actor) == {"feed": 0}


def test_a_second_pull_cannot_raise_the_dead(opened: Hub, actor: Actor, clock: SetClock, one_read: Path) -> None:
    clock.advance(LIFE)
    opened.retention.expired.purge(actor)
    saved = opened.ingest.sync.run(actor, "feed", clock.now() - LIFE - timedelta(days=1))
    assert (saved.stored, saved.born_expired) == (0, 1)


def test_a_plate_stays_while_another_read_of_it_lives(
    opened: Hub, actor: Actor, clock: SetClock, one_read: Path
) -> None:
    write_page(one_read, 2, [record(2, "7ZZZ001", (CAPTURED + timedelta(minutes=30)).isoformat())])
    opened.ingest.sync.run(actor, "feed")
    clock.advance(CAPTURED + LIFE + timedelta(minutes=15) - clock.now())
    assert opened.retention.expired.purge(actor) == {"feed": 1}
    assert (kept(opened)["plates"], kept(opened)["reads"]) == (1, 1)


def test_a_held_read_outlives_its_time(opened: Hub, actor: Actor, clock: SetClock, one_read: Path) -> None:
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET held = true"))
    clock.advance(LIFE)
    assert opened.retention.expired.purge(actor) == {"feed": 0}
    assert kept(opened)["reads"] == 1
    assert opened.search.reads.find(actor, Query(WHY, plates=("7ZZZ001",))).rows == []


def test_quarantine_expires_too(opened: Hub, actor: Actor, feed: Path, clock: SetClock) -> None:
    write_page(feed, 1, [{"plate": "7ZZZ001"}])
    opened.ingest.sync.run(actor, "feed")
    assert len(opened.ingest.quarantine.groups(actor)) == 1
    clock.advance(LIFE)
    assert opened.ingest.quarantine.groups(actor) == []
    opened.retention.expired.purge(actor)
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM quarantine")) == 0


def test_a_picture_that_a_crash_left_without_a_read_is_swept_up(
    opened: Hub, actor: Actor, clock: SetClock, one_read: Path
) -> None:
    (known,) = opened.ingest.images.stored()
    opened.ingest.images.put(f"{clock.now():%Y/%m/%d}/1/left-behind.jpg", b"stray")
    clock.advance(timedelta(days=2))
    opened.retention.expired.purge(actor)
    assert list(opened.ingest.images.stored()) == [known]


def test_the_sweep_looks_into_no_folder_of_a_day_that_is_not_over(
    opened: Hub, actor: Actor, clock: SetClock, one_read: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in (-400, -3, -1, 0, 1, 29, 31, 400):
        opened.ingest.images.put(f"{clock.now() + timedelta(days=days):%Y/%m/%d}/1/left-behind.jpg", b"stray")
    root, looked, scandir = opened.settings.data / "images", list[str](), os.scandir

    def noted(at: Path) -> Any:
        looked.append(Path(at).relative_to(root).as_posix())
        return scandir(at)

    monkeypatch.setattr("hub.store.images.os.scandir", noted)
    opened.retention.expired.purge(actor)
    today = f"{clock.now():%Y/%m/%d}"
    assert max(one for one in looked if len(one) >= len(today)) == f"{clock.now() - timedelta(days=1):%Y/%m/%d}/1"
    assert f"{clock.now() + timedelta(days=400):%Y}" not in looked
    assert opened.audit.events(1)[0]["detail"]["stray_pictures"] == 3


def everything_kept(hub: Hub) -> bytes:
    """Every byte of the data folder, and every row of every table as text."""
    log = hub.store.log_file
    there = (path for path in hub.settings.data.rglob("*") if path.is_file())
    files = b"".join(path.read_bytes() for path in there if log is None or not path.name.startswith(log.name))
    with hub.store.read() as connection:
        rows = [repr(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    return files + "\n".join(rows).encode()


def test_what_was_purged_is_in_no_file_of_the_data_folder_and_in_no_row(
    opened: Hub, actor: Actor, clock: SetClock, one_read: Path
) -> None:
    with opened.store.write() as connection:  # lists and audit keep plates on purpose; they are not this test's
        if not opened.store.is_sqlite:
            connection.execute(text("DROP TRIGGER audit_append_only ON audit_events"))
        for table in ("hits", "hotlist_entries", "audit_waiting" if opened.store.is_sqlite else "audit_events"):
            connection.execute(text(f"DELETE FROM {table}"))
    assert b"7ZZZ001" in everything_kept(opened)
    assert b"PICTURE-BYTES" in everything_kept(opened)
    clock.advance(LIFE)
    opened.retention.expired.purge(actor)
    assert b"7ZZZ001" not in everything_kept(opened)
    assert b"PICTURE-BYTES" not in everything_kept(opened)


def test_the_index_on_the_inside_of_plates_forgets_them_too(
    opened: Hub, actor: Actor, clock: SetClock, one_read: Path
) -> None:
    if opened.store.is_sqlite:
        trigrams = "SELECT count(*) FROM plates_trigrams"
        with opened.store.read() as connection:
            assert connection.scalar(text(trigrams)) == 7  # as many as 7ZZZ001$$ has
        clock.advance(LIFE)
        opened.retention.expired.purge(actor)
        with opened.store.write() as connection:
            assert connection.scalar(text(trigrams)) == 0
            connection.execute(text("INSERT INTO plates_inside (plates_inside, rank) VALUES ('integrity-check', 1)"))
    else:
        with opened.store.read() as connection:
            names = connection.scalars(text("SELECT indexname FROM pg_indexes WHERE tablename = 'plates'")).all()
        assert {"ix_plates_inside", "ix_plates_prefix"} <= set(names)  # the server keeps these in step by itself
