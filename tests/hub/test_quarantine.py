"""Quarantine: what was refused is grouped, shown to whoever is on record, and lands whole once it is understood."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import postgres
import pytest
from plain import PlainConnector, record, write_page
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import URL

from connectors.contract import Document, Record, Request
from hub.clock import SetClock
from hub.errors import NotFound
from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub, open_inbox
from normalize.fault import Unusable
from normalize.read import ImageKind, ImageRef, Read

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = "2026-06-01T11:{:02d}:00Z"
ACTOR = Actor("tester")
ROWS = {
    "reads": "SELECT r.vendor_read_id, c.name AS connection, p.plate, p.plate_key, m.vendor_id, m.name, m.latitude, "
    "m.longitude, {reads} FROM reads r JOIN plates p ON p.id = r.plate_id JOIN cameras m ON m.id = r.camera_id "
    "JOIN connections c ON c.id = r.connection_id ORDER BY 1",
    "candidates": "SELECT r.vendor_read_id, p.plate, {candidates} FROM candidates x JOIN reads r ON r.id = x.read_id "
    "JOIN plates p ON p.id = x.plate_id ORDER BY 1, x.rank",
    "payloads": "SELECT r.vendor_read_id, d.kind AS of_kind, d.names, {payloads} FROM payloads x "
    "JOIN reads r ON r.id = x.read_id JOIN dictionaries d ON d.id = x.dictionary_id ORDER BY 1",
    "images": "SELECT r.vendor_read_id, {images} FROM images x JOIN reads r ON r.id = x.read_id ORDER BY 1, x.key",
    "hits": "SELECT r.vendor_read_id, e.plate, {hits} FROM hits x JOIN reads r ON r.id = x.read_id "
    "JOIN hotlist_entries e ON e.id = x.entry_id ORDER BY 1, 2",
    "ledger": "SELECT vendor_read_id FROM ledger ORDER BY 1",
    "quarantine": "SELECT count(*) FROM quarantine",
}
NEVER_ALIKE = {
    *("id", "connection_id", "plate_id", "camera_id", "read_id", "dictionary_id", "entry_id"),
    *("ingested_at", "found_at"),
}


class Fuller(PlainConnector):
    """Pictures beside the record and behind an address, and a mistake that somebody mends."""

    mistaken = False

    def unpack(self, document: Document) -> list[Record]:
        pictures = {"frame": b"\xff\xd8\xff of " + document.body[:20], "plate": b"\xff\xd8\xff small"}
        return [Record(one.kind, one.payload, one.part, pictures) for one in super().unpack(document)]

    def read_of(self, record: Record) -> Read:
        if Fuller.mistaken:
            raise Unusable("at", "is written in a way nobody has seen before")
        read = super().read_of(record)
        until = read.captured_at + timedelta(days=2)
        images = (
            ImageRef(kind=ImageKind.FRAME, data=record.attachments["frame"]),
            ImageRef(kind=ImageKind.PLATE, data=record.attachments["plate"]),
            ImageRef(kind=ImageKind.VEHICLE, url="https://pictures.example/1?key=2", expires_at=until),
        )
        return read.model_copy(update={"images": images, "link": "https://vendor.example/1", "direction": 90.0})


def table_columns(hub: Hub, table: str) -> list[str]:
    from hub.store import tables

    return [one.name for one in tables.metadata.tables[table].columns if one.name not in NEVER_ALIKE]


def everything(hub: Hub) -> dict[str, list[dict[str, Any]]]:
    """Every row that reads have left, each with every column but ids and the moment of its keeping."""
    found = {}
    with hub.store.read() as connection:
        for what, sql in ROWS.items():
            alias = "r" if what == "reads" else "x"
            columns = ", ".join(f"{alias}.{name} AS {what}_{name}" for name in table_columns(hub, what))
            rows = connection.execute(text(sql.format(**{what: columns}))).mappings()
            found[what] = [dict(row) for row in rows]
    for row in found["images"]:
        if row["images_state"] == "stored":
            row["file"] = hub.images.get(row["images_key"])
    return found


@contextmanager
def a_hub(kind: str, folder: Path, request: pytest.FixtureRequest, clock: SetClock) -> Iterator[Hub]:
    if kind == "sqlite":
        with open_hub(HubSettings(data=folder / "data"), clock) as hub:
            yield hub
        return
    server: URL = request.getfixturevalue("pg_server")
    with (
        postgres.database(server, request.getfixturevalue("migrated_pg")) as url,
        open_hub(HubSettings(data=folder / "data", database_url=SecretStr(url)), clock) as hub,
    ):
        yield hub


RECORDS = [
    record(
        n, f"9SYN{n:03d}", AT.format(n), confidence=0.9, lat=34.9 + n % 3 / 100, lon=-120.6, make="toyota",
        colour="red",
        candidates=[[f"9SYN{n:03d}", 0.9], [f"8SYN{n:03d}", 0.4], [f"9SVN{n:03d}", 0.2]],
    )
    for n in range(6)
]  # fmt: skip


def lands(
    how: str, kind: str, folder: Path, request: pytest.FixtureRequest, *, quarantined: bool
) -> dict[str, list[dict[str, Any]]]:
    """The rows of a feed that was understood at once, or only two days later."""
    clock = SetClock(NOW)
    with a_hub(kind, folder, request, clock) as hub:
        feed = folder / "feed"
        feed.mkdir(parents=True)
        hub.connections.add(ACTOR, "feed", "plain", {"folder": str(feed)})
        hub.hotlists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1"), NewEntry("8SYN002", "x", "26-2")])
        Fuller.mistaken = quarantined
        if how == "pull":
            write_page(feed, 1, RECORDS[:3])
            write_page(feed, 2, RECORDS[3:])
            saved = hub.sync.run(ACTOR, "feed")
        else:
            with open_inbox(hub) as inbox:
                inbox.stop()
                push = Request({"x-key": "plain-secret-key"}, Document(msgspec.json.encode(RECORDS)))
                inbox.take("feed", push)
                saved = inbox.keep()
        assert (saved.quarantined, saved.stored) == ((6, 0) if quarantined else (0, 6))
        if quarantined:
            clock.advance(timedelta(hours=30))
            Fuller.mistaken = False
            again = hub.quarantine.replay(ACTOR)
            assert (again.stored, again.hits, again.quarantined) == (6, saved_hits(hub), 0)
        return everything(hub)


def saved_hits(hub: Hub) -> int:
    with hub.store.read() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM hits")) or 0)


@pytest.mark.parametrize("how", ["pull", "push"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_replayed_record_lands_as_if_it_had_come_right_the_first_time(
    how: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hub.connections.accounts as accounts

    monkeypatch.setattr(accounts, "connector", lambda *_: Fuller)
    at_once = lands(how, kind, tmp_path / "at-once", request, quarantined=False)
    later = lands(how, kind, tmp_path / "later", request, quarantined=True)
    assert {what: len(rows) for what, rows in at_once.items()} == {
        "reads": 6, "candidates": 12, "payloads": 6, "images": 18, "hits": len(at_once["hits"]), "ledger": 6,
        "quarantine": 1,
    }  # fmt: skip
    assert at_once["hits"]
    assert {"reads_received_at", "reads_obtained", "reads_expires_at", "reads_rule"} <= set(at_once["reads"][0])
    assert sum(row.get("file") is not None for row in at_once["images"]) == 12
    for what, rows in at_once.items():
        assert later[what] == rows, what


def refused(feed: Path) -> None:
    bad_time = [{**record(n, f"9SYN{n:03d}", ""), "at": "soon"} for n in range(3)]
    write_page(feed, 1, [*bad_time, {"id": "r7", "at": AT.format(7)}, record(8, "---", AT.format(8))])


def test_groups_are_counted_each_with_a_sample(opened: Hub, actor: Actor, feed: Path) -> None:
    refused(feed)
    opened.sync.run(actor, "feed")
    first, *others = opened.quarantine.groups(actor)
    assert (first.connection, first.field, first.count) == ("feed", "captured_at", 3)
    assert sorted(group.count for group in others) == [1, 1]
    with opened.store.read() as connection:
        alike = set(connection.scalars(text("SELECT id FROM quarantine WHERE field = 'captured_at'")))
    assert first.sample == max(alike)


def test_a_record_is_shown_as_it_arrived_and_whoever_looked_is_on_record(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    refused(feed)
    opened.sync.run(actor, "feed")
    group = opened.quarantine.groups(actor)[0]
    sample = opened.quarantine.show(actor, "feed", group.field, group.reason)
    assert msgspec.json.decode(sample.payload)["id"] == "r2"
    assert (sample.id, sample.obtained, sample.received_at) == (group.sample, "pull", clock.now())
    event = opened.audit.events(1)[0]
    assert (event["action"], event["actor"], event["target"], event["results"]) == (
        "quarantine.show", actor.name, "feed", 1,
    )  # fmt: skip
    assert event["detail"] == {"field": group.field, "refused_because": group.reason}
    with pytest.raises(NotFound):
        opened.quarantine.show(actor, "feed", group.field, "another reason")
    clock.advance(timedelta(days=31))
    with pytest.raises(NotFound):
        opened.quarantine.show(actor, "feed", group.field, group.reason)


def test_one_group_is_replayed_and_the_others_stay(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(feed)
    opened.sync.run(actor, "feed")
    group = next(group for group in opened.quarantine.groups(actor) if group.field == "captured_at")
    read_of = PlainConnector.read_of

    def mended(self: PlainConnector, record: Record) -> Read:
        return read_of(self, Record(record.kind, record.payload.replace(b"soon", AT.format(1).encode())))

    monkeypatch.setattr(PlainConnector, "read_of", mended)
    nothing = opened.quarantine.replay(actor, "feed", group.field, "another reason")
    assert (nothing.stored, nothing.quarantined) == (0, 0)
    done = opened.quarantine.replay(actor, "feed", group.field, group.reason)
    assert (done.stored, done.quarantined) == (3, 0)
    assert {one.field for one in opened.quarantine.groups(actor)} == {"plate", "plate_raw"}


def test_everything_is_replayed_and_a_connection_that_cannot_be_opened_holds_up_no_other(
    opened: Hub, actor: Actor, feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    for folder, name in ((other, "a-feed"), (feed, "feed")):
        refused(folder)
        if folder is other:
            opened.connections.add(actor, name, "plain", {"folder": str(folder)})
        opened.sync.run(actor, name)
    assert opened.quarantine.replay(actor).quarantined == 10
    opening = opened.quarantine._open

    def some(name: str) -> Any:
        if name == "a-feed":
            raise NotFound("its connector is gone")
        return opening(name)

    monkeypatch.setattr(opened.quarantine, "_open", some)
    before = len(opened.audit.events())
    with pytest.raises(NotFound, match="its connector is gone"):
        opened.quarantine.replay(actor)
    assert len(opened.audit.events()) == before + 1, "the other one was replayed"
