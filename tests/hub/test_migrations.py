"""Migrations carry data: what was kept in the old form is kept, found and purged in the new one, and can go back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command
from alembic.runtime.migration import MigrationContext
from once import Once, once
from payloads import payload_of
from plain import record, write_page
from registries import PLAIN
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from hub.area import Circle, cell_of
from hub.clock import SetClock
from hub.errors import AdminMustAct
from hub.hotlists.lists import NewEntry
from hub.migrating import Step, opened
from hub.people import Actor, Why
from hub.search.query import Mode, Query
from hub.settings import HubSettings
from hub.store.codec import compress, field_names
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.partitions import make_months
from hub.store.schema import _config, upgrade
from hub.store.vacuum import Debt, owed
from hub.store.vault import Vault
from hub.wiring import Hub, open_hub
from normalize.plate import fold

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
FEED, GATE = 1, 2
PIER, ROAM, BARRIER = 11, 12, 13
PIER_STANDS = (33.8617, -118.4015)
CAMERAS = [(PIER, FEED, "pier", *PIER_STANDS), (ROAM, FEED, "c1", None, None), (BARRIER, GATE, "barrier", None, None)]
SEEN_AT = (33.8702, -118.3921)
PLATES = {21: "9SYN001", 22: "9SYN00O", 23: "ÖSYN77"}
COLUMNS = (
    *("id", "connection_id", "vendor_read_id", "plate_id", "plate_raw", "plate_state", "plate_confidence"),
    *("state_confidence", "camera_id", "captured_at", "zone", "received_at", "ingested_at", "latitude", "longitude"),
    *("make", "colour", "body", "obtained", "expires_at", "rule", "held"),
)


def read(ident: int, plate: int, days: float, **more: Any) -> dict[str, Any]:
    """A row of `reads` as it was at revision 0002: so many days before now, at the camera that stands nowhere."""
    captured = NOW - timedelta(days=days)
    return {
        "id": ident, "connection_id": FEED, "vendor_read_id": f"r{ident}", "plate_id": plate,
        "plate_raw": PLATES[plate], "plate_state": None, "plate_confidence": None, "state_confidence": None,
        "camera_id": ROAM, "captured_at": to_micros(captured), "zone": "in_data",
        "received_at": to_micros(captured) + 1_234_567, "ingested_at": to_micros(captured) + 2_345_678,
        "latitude": None, "longitude": None, "make": None, "colour": None, "body": None, "obtained": "pull",
        "expires_at": to_micros(NOW + timedelta(days=5)), "rule": "P30D", "held": False, **more,
    }  # fmt: skip


ALL_SAID = {
    "plate_state": "US-CA", "plate_confidence": 0.87654321, "state_confidence": 0.5, "zone": "guessed",
    "latitude": SEEN_AT[0], "longitude": SEEN_AT[1], "make": "TOYT", "colour": "SIL", "body": "4D",
    "obtained": "push", "rule": "P1Y",
}  # fmt: skip
READS = [
    read(31, 21, 1.000001, **ALL_SAID),  # seen at a place of its own
    read(32, 22, 2, camera_id=PIER),  # seen where its camera stands
    read(33, 22, 3, camera_id=PIER, latitude=SEEN_AT[0], longitude=SEEN_AT[1]),  # its own place counts
    read(34, 21, 4),  # seen nobody knows where
    read(35, 23, 700),  # older than every month that is made
    read(36, 21, 5, connection_id=GATE, vendor_read_id="r31", camera_id=BARRIER),  # the same vendor's id elsewhere
    read(40, 21, 40, held=True),
    read(41, 21, 31, expires_at=to_micros(NOW - timedelta(days=1))),  # not purged yet
]
PLACES = {31: SEEN_AT, 32: PIER_STANDS, 33: SEEN_AT, 34: None, 35: None, 36: None, 40: None, 41: None}
PAYLOAD = b'{"id": "r31", "plate": "9SYN001"}'


@pytest.fixture
def ready() -> bool:
    """Every database here begins empty."""
    return False


@pytest.fixture
def config() -> Any:
    return _config()


@pytest.fixture
def store(settings: HubSettings) -> Iterator[Store]:
    """A database of each kind, without a schema."""
    settings.data.mkdir()
    made = Store(settings.url())
    yield made
    made.close()


@pytest.fixture
def old(store: Store, settings: HubSettings, config: Any, tmp_path: Path) -> Store:
    """A database at revision 0002 that holds reads of two connections."""
    fill(store, settings, config)
    feed(store, tmp_path)
    return store


@pytest.fixture(scope="module")
def carried_over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Once]:
    """What `carried` begins with."""
    with once(tmp_path_factory.mktemp("carried")) as made:
        yield made


@pytest.fixture
def carried(
    store: Store, settings: HubSettings, config: Any, clock: SetClock, tmp_path: Path, carried_over: Once
) -> Iterator[Hub]:
    """The hub on it, once it was brought to the current schema."""

    def bring() -> None:
        fill(store, settings, config)
        store.close()
        brought_up(settings, SetClock(NOW))

    carried_over.bring(settings, bring)
    feed(store, tmp_path)
    store.close()
    with open_hub(settings, clock, registry=PLAIN) as hub:
        yield hub


def feed(store: Store, tmp_path: Path) -> None:
    """Let the connections read a folder of this test."""
    (tmp_path / "feed").mkdir()
    with store.write() as connection:
        told = msgspec.json.encode({"folder": str(tmp_path / "feed")}).decode()
        connection.execute(text("UPDATE connections SET settings = :told"), {"told": told})


def fill(store: Store, settings: HubSettings, config: Any) -> None:
    """Bring an empty database to revision 0002, and put reads of two connections there."""
    at_revision(store, config, "0002")
    vault = Vault.of_file(settings.data / "secret.key")
    with store.write() as connection:
        for ident, name, connector in ((FEED, "feed", "plain"), (GATE, "gate", "native")):
            put(connection, "connections", {
                "id": ident, "name": name, "connector": connector, "agency": "Agency", "added_at": 1,
                "settings": "{}", "sealed": vault.seal(b'{"api_key": "plain-secret-key"}', name), "state": "active",
                "checkpoint": '{"page":"page-001.json"}', "checkpoint_at": 2,
            })  # fmt: skip
        for ident, owner, name, latitude, longitude in CAMERAS:
            put(connection, "cameras", {
                "id": ident, "connection_id": owner, "vendor_id": name, "name": None,
                "latitude": latitude, "longitude": longitude,
            })  # fmt: skip
        for ident, plate in PLATES.items():
            put(connection, "plates", {"id": ident, "plate": plate, "plate_key": fold(plate)})
            if store.is_sqlite:
                put(connection, "plates_inside", {"rowid": ident, "text": f"{plate}$$"})
        for row in READS:
            put(connection, "reads", row)
        words = field_names(PAYLOAD)
        put(connection, "dictionaries", {"id": 1, "connection_id": FEED, "kind": "plain", "names": words})
        put(connection, "payloads", {
            "read_id": 31, "kind": "plain", "part": 0, "dictionary_id": 1, "sha256": sha256(PAYLOAD).digest(),
            "payload": compress(PAYLOAD, words), "details": b"{}",
        })  # fmt: skip
        connection.execute(text("UPDATE counters SET value = 50"))


def brought_up(settings: HubSettings, clock: SetClock) -> list[Step]:
    """Bring a hub's database up as `alprhub migrate` does."""
    with opened(settings, clock) as database:
        assert database is not None
        return database.migrate(Actor("tester"))


def put(connection: Connection, table: str, row: dict[str, Any]) -> None:
    names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)


def at_revision(store: Store, config: Any, revision: str) -> None:
    """Bring a database to a revision, up or down."""
    with store.write() as connection:
        config.attributes["connection"] = connection
        back = MigrationContext.configure(connection).get_current_revision() or ""
        (command.downgrade if back > revision else command.upgrade)(config, revision)


def reads_of(store: Store) -> list[dict[str, Any]]:
    """Every read with every column that the old form knew."""
    with store.read() as connection:
        rows = connection.execute(text(f"SELECT {', '.join(COLUMNS)} FROM reads ORDER BY id")).mappings()
        return [{**row, "held": bool(row["held"])} for row in rows]


def test_every_read_is_carried_over_with_every_column(carried: Hub) -> None:
    assert reads_of(carried.store) == READS


def test_a_read_has_the_cell_of_its_place_or_else_of_its_cameras(carried: Hub) -> None:
    with carried.store.read() as connection:
        cells = dict(connection.execute(text("SELECT id, cell FROM reads")).tuples().all())
    assert cells == {ident: cell_of(*place) if place else None for ident, place in PLACES.items()}


def test_every_read_is_in_the_ledger_and_nothing_else(carried: Hub) -> None:
    with carried.store.read() as connection:
        rows = connection.execute(text("SELECT connection_id, vendor_read_id, read_id FROM ledger")).tuples().all()
    assert sorted(rows) == sorted((row["connection_id"], row["vendor_read_id"], row["id"]) for row in READS)


def test_a_page_that_came_before_is_kept_once_when_it_comes_again(carried: Hub, actor: Actor, tmp_path: Path) -> None:
    known = [record(number, PLATES[21], "2026-05-31T11:00:00Z") for number in (31, 32, 33, 34)]
    write_page(tmp_path / "feed", 1, [*known, record(99, "9SYN099", "2026-05-31T11:00:00Z")])
    saved = carried.ingest.sync.run(actor, "feed", NOW - timedelta(days=10))
    assert (saved.pulled, saved.stored, saved.duplicates) == (5, 1, 4)
    rows = reads_of(carried.store)
    assert rows[:-1] == READS
    assert (rows[-1]["vendor_read_id"], rows[-1]["id"]) == ("r99", 51)  # no id is given twice


def found(hub: Hub, actor: Actor, **asked: Any) -> list[int]:
    return [row.id for row in hub.search.reads.find(actor, Query(WHY, **asked)).rows]


FINDS: list[tuple[dict[str, Any], list[int]]] = [
    ({"plates": ("9SYN001",)}, [31, 34, 36, 40]),
    ({"plates": ("9SYN*",)}, [31, 32, 33, 34, 36, 40]),
    ({"plates": ("*YN00*",)}, [31, 32, 33, 34, 36, 40]),
    ({"plates": ("*YN0?O",)}, [32, 33]),
    ({"plates": ("*0O",)}, [32, 33]),
    ({"plates": ("*SYN77",)}, [35]),
    ({"plates": ("*77",)}, [35]),
    ({"plates": ("*1",)}, [31, 34, 36, 40]),
    ({"plates": ("9SYN000",), "mode": Mode.LOOKALIKE}, [32, 33]),
    ({"plates": ("9SYN01",), "mode": Mode.ONE_EDIT}, [31, 34, 36, 40]),
    ({"plates": ("*SYN*",), "candidates": True}, [31, 32, 33, 34, 36, 40, 35]),
    ({"plates": ("9SYN*",), "since": NOW - timedelta(days=4), "until": NOW - timedelta(days=2)}, [33, 34]),
    ({"area": Circle(*SEEN_AT, 50)}, [31, 33]),
    ({"area": Circle(*PIER_STANDS, 50)}, [32]),
    ({"plates": ("9SYN*",), "kinds": ("native_reader",)}, [36]),
    ({"plates": ("9SYN*",), "kinds": ("own",)}, [31, 32, 33, 34, 40]),
    ({"cameras": ("pier",)}, [32, 33]),
    ({"plates": ("9SYN*",), "makes": ("TOYT",)}, [31]),
    ({"connections": ("feed",), "since": NOW - timedelta(days=3)}, [31, 32, 33]),
]
"""What is asked, and the reads that were there before and that it means."""


def test_every_search_finds_what_was_there_before(carried: Hub, actor: Actor) -> None:
    assert [(asked, found(carried, actor, **asked)) for asked, _ in FINDS] == FINDS


def test_a_native_connection_is_known_as_one_and_every_other_as_the_agencys_own(carried: Hub) -> None:
    with carried.store.read() as connection:
        kinds = dict(connection.execute(text("SELECT name, kind FROM connections")).tuples().all())
    assert kinds == {"feed": "own", "gate": "native_reader"}


def test_connections_open_payloads_open_and_nobody_has_a_site(carried: Hub) -> None:
    assert carried.connections.accounts.check("feed") == "the folder is there"
    assert carried.connections.accounts.list()[0].checkpoint == {"page": "page-001.json"}
    with carried.store.read() as connection:
        assert payload_of(carried, 31) == PAYLOAD
        assert set(connection.scalars(text("SELECT site FROM cameras"))) == {None}


def test_what_was_carried_over_is_purged_in_its_time(carried: Hub, actor: Actor, clock: SetClock) -> None:
    assert carried.retention.expired.purge(actor) == {"feed": 1, "gate": 0}
    clock.advance(timedelta(days=6))
    assert carried.retention.expired.purge(actor) == {"feed": 5, "gate": 1}
    assert [row["id"] for row in reads_of(carried.store)] == [40]
    with carried.store.read() as connection:
        assert connection.execute(text("SELECT vendor_read_id FROM ledger")).all() == [("r40",)]
        assert connection.scalars(text("SELECT plate FROM plates")).all() == ["9SYN001"]


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_reads_lie_in_their_months_and_what_is_older_lies_apart(carried: Hub) -> None:
    with carried.store.read() as connection:
        lying = dict(connection.execute(text("SELECT id, tableoid::regclass::text FROM reads")).tuples().all())
    assert lying == {
        **dict.fromkeys((31, 32, 33, 34, 36), "reads_2026_05"), 35: "reads_rest", 40: "reads_2026_04",
        41: "reads_2026_05",
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_going_back_gives_the_old_form_with_every_read(old: Store, config: Any) -> None:
    def shape() -> dict[str, list[tuple[str, str]]]:
        with old.read() as connection:
            seen = inspect(connection)
            return {
                table: sorted(
                    [(column["name"], str(column["type"])) for column in seen.get_columns(table)]
                    + [(str(index["name"]), str(index["column_names"])) for index in seen.get_indexes(table)]
                )
                for table in seen.get_table_names()
            }

    before = shape()
    upgrade(old)
    make_months(old, NOW)
    assert shape() != before
    at_revision(old, config, "0002")
    assert reads_of(old) == READS
    assert shape() == before
    with pytest.raises(IntegrityError), old.write() as connection:
        put(connection, "reads", {**READS[0], "id": 60})
    upgrade(old)
    make_months(old, NOW)
    assert reads_of(old) == READS


def test_what_was_kept_since_goes_back_too(carried: Hub, actor: Actor, config: Any, tmp_path: Path) -> None:
    new = record(99, "9SYN099", "2026-06-01T11:00:00Z", candidates=[["9SYN09Q", 0.4]])
    write_page(tmp_path / "feed", 1, [new])
    carried.ingest.sync.run(actor, "feed")
    kept = reads_of(carried.store)
    assert len(kept) == len(READS) + 1
    at_revision(carried.store, config, "0002")
    assert reads_of(carried.store) == kept


def test_a_migration_that_fails_leaves_the_old_form(old: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("h3.api.basic_int.latlng_to_cell", fails)
        with pytest.raises(OSError, match="no space"):
            upgrade(old)
    assert reads_of(old) == READS
    with old.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0002"
    upgrade(old)
    assert reads_of(old) == READS


@pytest.mark.slow
def test_more_reads_than_are_looked_at_at_once_all_get_their_cells(old: Store) -> None:
    many = 10_050
    row = {**read(0, 21, 1), "camera_id": PIER}
    with old.write() as connection:
        columns = ", ".join(f":{name}" for name in COLUMNS)
        connection.execute(
            text(f"INSERT INTO reads ({', '.join(COLUMNS)}) VALUES ({columns})"),
            [{**row, "id": 100 + 2 * n, "vendor_read_id": f"m{n}"} for n in range(many)],
        )
    upgrade(old)
    with old.read() as connection:
        sql = "SELECT cell, count(*) FROM reads WHERE id >= 100 GROUP BY cell"
        cells = connection.execute(text(sql)).tuples().all()
    assert cells == [(cell_of(*PIER_STANDS), many)]


def test_a_hub_with_connections_is_that_of_their_agency(settings: HubSettings) -> None:
    """What ran before hubs had an agency goes on without a question."""
    store = Store(settings.url())
    try:
        with store.write() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0007")
            connection.execute(
                text(
                    "INSERT INTO connections (name, connector, kind, agency, settings, sealed, state, added_at) "
                    "VALUES ('feed', 'plain', 'own', 'Marisol Beach PD', '{}', :nothing, 'active', 1)"
                ),
                {"nothing": b""},
            )
    finally:
        store.close()
    brought_up(settings, SetClock(NOW))
    with open_hub(settings, registry=PLAIN) as hub:
        assert hub.agency == "Marisol Beach PD"


def test_files_that_were_taken_go_from_the_checkpoint_into_rows_of_their_own(store: Store, config: Any) -> None:
    """As each connector had noted them: with an instant, with ns, or by their size alone."""
    at, ns = "2026-06-01T11:00:00.250000+00:00", 1_780_311_600_250_000_000
    kept = {
        "generic_csv": {"taken": {"ñ.csv": [7, at]}, "waiting": {"b.csv": [1, at]}},
        "native": {"until": at, "taken": {"a.png": [8, ns]}},
        "genetec": {"taken": {"a_lpr.xml": 9}},
        "theirs": {"taken": {"as": "they like"}},
        "flock": {"until": at},
    }
    at_revision(store, config, "0013")
    with store.write() as connection:
        for ident, (connector, told) in enumerate(kept.items(), 1):
            put(connection, "connections", {
                "id": ident, "name": connector, "connector": connector, "kind": "own", "agency": "Agency",
                "added_at": 1, "settings": "{}", "sealed": b"", "state": "active",
                "checkpoint": msgspec.json.encode(told).decode(),
            })  # fmt: skip
    at_revision(store, config, "0014")
    with store.read() as connection:
        files = connection.execute(text("SELECT * FROM taken_files ORDER BY connection_id")).all()
        left = connection.scalars(text("SELECT checkpoint FROM connections ORDER BY id")).all()
    assert [(one.connection_id, bytes(one.name), one.size, one.modified) for one in files] == [
        (1, "ñ.csv".encode(), 7, ns), (2, b"a.png", 8, ns), (3, b"a_lpr.xml", 9, None),
    ]  # fmt: skip
    assert [msgspec.json.decode(one) for one in left] == [
        {"waiting": {"b.csv": [1, at]}}, {"until": at}, {"waiting": {}}, kept["theirs"], kept["flock"],
    ]  # fmt: skip
    at_revision(store, config, "0013")


def test_a_database_of_a_newer_version_is_left_as_it_is_and_says_what_to_do(settings: HubSettings) -> None:
    with open_hub(settings, registry=PLAIN) as hub, hub.store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of-tomorrow'"))
    told = r"newer alprhub .* install the newer one again, or restore the backup"
    with pytest.raises(AdminMustAct, match=told), open_hub(settings, registry=PLAIN):
        pass
    store = Store(settings.url())
    with store.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "of-tomorrow"
    store.close()


def test_what_an_earlier_version_purged_is_written_over_in_the_next_night(
    store: Store, settings: HubSettings, config: Any
) -> None:
    at_revision(store, config, "0011")
    with store.write() as connection:
        for ident, closed in ((1, 40), (2, 50)):
            put(connection, "certificates", {
                "id": ident, "connection_id": 1, "connection": "feed", "rule": "a rule", "clause": "1", "opened_at": 30,
                "closed_at": closed,
            })  # fmt: skip
    store.close()
    brought_up(settings, SetClock(NOW))
    with open_hub(settings, registry=PLAIN) as hub, hub.store.read() as connection:
        assert owed(connection) == (Debt(since=50, written_at=None) if hub.store.is_sqlite else None)


def test_where_nothing_was_ever_purged_nothing_is_written_over(settings: HubSettings) -> None:
    with open_hub(settings, registry=PLAIN) as hub, hub.store.read() as connection:
        assert owed(connection) is None


def test_holds_and_orders_of_before_approvals_say_so_and_what_a_hold_kept_as_json_has_columns(
    store: Store, settings: HubSettings, config: Any, clock: SetClock
) -> None:
    at_revision(store, config, "0017")
    told = {
        1: {"asked": {"reads": 2}, "after": None, "whole": True, "booking": "E-26-7", "disposed": "burnt"},
        2: {"asked": {"query": {"plates": ["9SYN001"]}}, "after": "5-1", "whole": False},
        3: None,
    }  # fmt: skip
    with store.write() as connection:
        for ident, query in told.items():
            put(connection, "holds", {
                "id": ident, "kind": "evidence", "case_number": "26-1", "reason": "needed", "placed_by": "jlee",
                "approved_by": "rdiaz", "placed_at": 1, "review_at": 2,
                "query": None if query is None else msgspec.json.encode(query).decode(),
            })  # fmt: skip
        put(connection, "orders", {
            "id": 1, "number": "24-7", "court": "Superior Court", "reason": "in error", "carried_out_by": "jlee",
            "approved_by": "rdiaz", "at": 1, "file": b"ORDERED", "sha256": sha256(b"ORDERED").digest(), "reads": 3,
        })  # fmt: skip
    upgrade(store)
    with open_hub(settings, clock) as hub:
        whole, half, bare = hub.cases.holds.list()
        assert (whole.whole, whole.booking, whole.approved_by, whole.approval) == (True, "E-26-7", "rdiaz", None)
        assert (half.whole, half.booking, bare.whole) == (False, None, True)
        (order,) = hub.cases.orders.list()
        assert (order.proposed_by, order.carried_out_by, order.approved_by, order.approval) == (
            "jlee", "jlee", "rdiaz", None
        )  # fmt: skip
        assert (hub.access.approvals.list(), hub.access.approvals.lapse(Actor.service("jobs"))) == ([], 0)
    at_revision(store, config, "0017")
    with store.read() as connection:
        back = connection.scalars(text("SELECT query FROM holds ORDER BY id")).all()
    assert [msgspec.json.decode(one) for one in back[:2]] == [told[1], told[2]]


def test_what_was_withdrawn_before_is_as_final_and_what_came_back_since_is_not(
    store: Store, settings: HubSettings, config: Any, clock: SetClock, actor: Actor
) -> None:
    at_revision(store, config, "0020")
    rows = [
        ("9SYN001", "US-CA", 5, "recovered"), ("9SYN002", None, 5, "cancelled"), ("9SYN002", None, None, None),
        ("9SYN003", "US-CA", 5, "not in the complete list"), ("9SYN004", "US-CA", 5, "changed by an import"),
        ("9SYN005", "US-CA", None, None),
    ]  # fmt: skip
    with store.write() as connection:
        put(connection, "hotlists", {"id": 1, "name": "wanted", "owner": "jlee", "made_at": 1})
        for plate, state, removed_at, why in rows:
            put(connection, "hotlist_entries", {
                "hotlist_id": 1, "plate": plate, "plate_key": fold(plate), "plate_state": state,
                "reason": "stolen", "case_number": "26-1", "alert": "low", "added_at": 1, "added_by": "jlee",
                "removed_at": removed_at, "removed_by": "jlee" if why else None, "removed_reason": why,
            })  # fmt: skip
    upgrade(store)
    with open_hub(settings, clock) as hub:
        old = [NewEntry(plate, "stolen", "26-1", state, line=line) for line, (plate, state, *_) in enumerate(rows, 1)]
        done = hub.hotlists.lists.load(actor, "wanted", old)
        assert (done.added, done.withheld) == (2, (1,))
    at_revision(store, config, "0020")


def test_reads_and_entries_of_before_countries_are_found_by_the_country_of_their_state(
    store: Store, settings: HubSettings, config: Any, clock: SetClock, actor: Actor
) -> None:
    fill(store, settings, config)
    with store.write() as connection:
        connection.execute(text("UPDATE reads SET plate_state = 'CA-ON' WHERE id % 2 = 0"))
    at_revision(store, config, "0023")
    upgrade(store)
    with open_hub(settings, clock, registry=PLAIN) as hub:
        rows = hub.search.reads.find(actor, Query(WHY, since=NOW - timedelta(days=400))).rows
        told = {row.id: (row.plate_state, row.plate_country) for row in rows}
        assert set(told.values()) == {("CA-ON", "CA"), ("US-CA", "US"), (None, None)}
        asked = Query(WHY, since=NOW - timedelta(days=400), countries=("CA",))
        assert {row.id for row in hub.search.reads.find(actor, asked).rows} == {
            ident for ident, (state, _) in told.items() if state == "CA-ON"
        }
        entries = [NewEntry("9SYN001", "stolen", "26-1", country=country) for country in ("DE", "FR")]
        hub.hotlists.lists.load(actor, "wanted", [*entries, NewEntry("9SYN002", "stolen", "26-1", "US-CA")])
    at_revision(store, config, "0023")
    with store.read() as connection:
        left = connection.execute(text("SELECT plate FROM hotlist_entries WHERE removed_at IS NULL ORDER BY plate"))
        assert list(left.scalars()) == ["9SYN001", "9SYN002"], "without countries two entries would be one"
    upgrade(store)
