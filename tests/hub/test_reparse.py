"""Kept payloads read again with other settings: what a wrong time zone or column did is mended in place."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
import two
from plain import PlainConnector, PlainSettings, record, write_page
from registries import Having
from sqlalchemy import text

import hub.ingest.reparse as reparsing
from connectors import contract
from connectors.contract import Info, Record
from connectors.errors import RecordRejected
from connectors.identity import derived
from hub.cases.holds import NewHold
from hub.clock import SetClock
from hub.errors import Conflict, IntegrityBroken, Unsettled
from hub.hotlists.lists import NewEntry
from hub.ingest.reparse import Reparsed
from hub.people import Actor, Why
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store.instant import from_micros
from hub.wiring import Hub, open_hub
from normalize.read import Read
from normalize.times import from_iso

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
MONTH = timedelta(days=30)


class LocalSettings(PlainSettings):
    """Where the clock stands, which member holds the plate, and whether the vendor gives reads ids."""

    zone: ZoneInfo | None = None
    plate_name: str = "plate"
    gives_ids: bool = True


class LocalConnector(PlainConnector):
    """A vendor that writes local time without an offset."""

    info = Info("local", "Local", "Nobody", contract.Evidence.LIVE, retention_vendor="flock")
    Settings: ClassVar[type[contract.Settings]] = LocalSettings

    def read_of(self, record: Record) -> Read:
        told: Any = self.settings
        fields = record.fields()
        moment, plate = from_iso(fields.text("at"), told.zone), fields.text(told.plate_name)
        if plate == "REFUSED":
            raise RecordRejected("plate", "is none")
        ident = fields.text("id") if told.gives_ids else derived(fields.text("camera"), moment.at.isoformat(), plate)
        more = {"vendor_read_id": ident, "plate_raw": plate, "captured_at": moment.at, "zone": moment.zone}
        return Read.model_validate({**dict(super().read_of(record)), **more})


@pytest.fixture
def hub(settings: HubSettings, clock: SetClock) -> Iterator[Hub]:
    with open_hub(settings, clock, registry=Having(local=LocalConnector)) as hub:
        yield hub


@pytest.fixture
def folder(hub: Hub, actor: Actor, tmp_path: Path) -> Path:
    """The folder behind the connection `gate`, whose zone nobody has set: its local times are taken for UTC."""
    made = tmp_path / "gate"
    made.mkdir()
    hub.connections.accounts.add(actor, "gate", "local", {"folder": str(made)})
    return made


def synced(hub: Hub, actor: Actor, folder: Path, *records: dict[str, Any]) -> None:
    write_page(folder, 1, list(records))
    hub.ingest.sync.run(actor, "gate")


def here(hub: Hub, actor: Actor, zone: str = "America/New_York", **more: Any) -> None:
    """Somebody says where the camera's clock stands."""
    hub.connections.changes.change(actor, "gate", {"zone": zone, **more}, check=False)


def rows(hub: Hub, columns: str = "id, vendor_read_id, captured_at, expires_at", of: str = "reads") -> list[Any]:
    with hub.store.read() as connection:
        return list(connection.execute(text(f"SELECT {columns} FROM {of} ORDER BY 1, 2")).tuples())


def test_times_move_in_place_and_no_end_becomes_later(hub: Hub, actor: Actor, folder: Path) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T23:30:00"), record(2, "9SYN002", "2026-05-30T08:00:00"))
    before = rows(hub)
    here(hub, actor)
    told = hub.ingest.reparse.preview(actor, "gate")
    assert (told.looked_at, told.changed, dict(told.moved), told.plates) == (2, 2, {4 * 3600: 2}, 0)
    assert (told.later, told.kept, told.sooner, told.end_now, told.others) == (0, 2, 0, 0, 0)
    assert rows(hub) == before, "a preview changes nothing"
    assert hub.ingest.reparse.run(actor, "gate") == told
    four = 4 * 3600 * 1_000_000
    assert rows(hub) == [(ident, vendor, at + four, end) for ident, vendor, at, end in before]
    assert rows(hub, "read_id, captured_at", "payloads") == [(ident, at) for ident, _, at, _ in rows(hub)]
    assert {zone for (zone, _) in rows(hub, "zone, id")} == {"configured"}
    (row,) = hub.search.reads.find(
        actor, Query(WHY, plates=("9SYN001",), since=datetime(2026, 6, 1, 3, tzinfo=UTC))
    ).rows
    assert row.captured_at == datetime(2026, 6, 1, 3, 30, tzinfo=UTC), "it is found in the month that it is of"


def test_a_repeat_changes_nothing_and_both_are_on_record(hub: Hub, actor: Actor, folder: Path) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00"))
    here(hub, actor)
    assert hub.ingest.reparse.run(actor, "gate").changed == 1
    after = rows(hub)
    assert hub.ingest.reparse.run(actor, "gate") == Reparsed("gate", looked_at=1)
    assert rows(hub) == after
    outcomes = [event["outcome"] for event in hub.audit.events() if event["action"] == "reads.reparse"]
    assert sorted(outcomes) == ["asked", "asked", "changed", "done", "done"]


def test_who_only_looks_what_would_change_is_on_record_with_what_was_found(
    hub: Hub, actor: Actor, folder: Path
) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00"), record(2, "9SYN002", "2026-05-31T08:00:00"))
    here(hub, actor)
    for sample in (False, True):
        hub.ingest.reparse.preview(actor, "gate", sample=sample)
        told = hub.audit.events(1)[0]
        assert (told["action"], told["outcome"], told["target"], told["actor"]) == (
            "reads.reparse", "previewed", "gate", actor.name,
        )  # fmt: skip
        assert told["results"] == 2


def test_the_end_is_what_policy_gives_the_corrected_time(hub: Hub, actor: Actor, folder: Path) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00"))
    here(hub, actor, "Asia/Tokyo")
    told = hub.ingest.reparse.run(actor, "gate")
    assert (dict(told.moved), told.sooner, told.later) == ({-9 * 3600: 1}, 1, 0)
    ((_, _, captured, until),) = rows(hub)
    assert from_micros(until) == from_micros(captured) + MONTH


def test_nobody_lengthens_a_life_by_saying_that_reads_are_younger(hub: Hub, actor: Actor, folder: Path) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-20T08:00:00"), record(2, "9SYN002", "2026-05-31T08:00:00"))
    ends = rows(hub, "id, expires_at, rule")
    here(hub, actor)
    hub.ingest.reparse.run(actor, "gate")
    assert rows(hub, "id, expires_at, rule") == ends
    (done,) = [
        event for event in hub.audit.events() if (event["action"], event["outcome"]) == ("reads.reparse", "done")
    ]
    assert [done["detail"][what] for what in ("sooner", "later", "kept")] == [0, 0, 2]


def test_an_end_that_a_wrong_zone_made_sooner_stays_so(hub: Hub, actor: Actor, folder: Path) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00"))
    here(hub, actor, "Asia/Tokyo")
    hub.ingest.reparse.run(actor, "gate")
    sooner = rows(hub, "id, expires_at")
    here(hub, actor)
    assert hub.ingest.reparse.run(actor, "gate").kept == 1
    assert rows(hub, "id, expires_at") == sooner


def test_a_read_whose_corrected_time_is_over_ends_at_once_but_not_a_held_one(
    hub: Hub, actor: Actor, folder: Path, clock: SetClock
) -> None:
    at = (NOW - MONTH + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%S")
    synced(hub, actor, folder, record(1, "9SYN001", at), record(2, "9SYN002", at))
    ((held, _, _, _), _) = rows(hub)
    hold = NewHold("case", "26-1", "robbery", NOW + MONTH)
    two.place(hub, actor, hold, reads=[held])
    here(hub, actor, "Asia/Tokyo")
    told = hub.ingest.reparse.run(actor, "gate")
    assert (told.changed, told.end_now) == (2, 1)
    hub.retention.expired.purge(actor)
    assert [ident for ident, *_ in rows(hub)] == [held]


def test_an_end_that_was_made_sooner_stays_as_soon(hub: Hub, actor: Actor, folder: Path) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00"))
    early = int((NOW + timedelta(days=3)).timestamp()) * 1_000_000
    with hub.store.write() as connection:
        connection.execute(text("UPDATE reads SET expires_at = :early"), {"early": early})
    here(hub, actor)
    hub.ingest.reparse.run(actor, "gate")
    assert [until for *_, until in rows(hub)] == [early]


def test_another_column_changes_plates_their_hits_and_leaves_no_plate_behind(
    hub: Hub, actor: Actor, folder: Path
) -> None:
    entries = [NewEntry("9SYN001", "stolen", "26-1", "US-CA"), NewEntry("9SYN777", "stolen", "26-2", "US-CA")]
    hub.hotlists.lists.load(actor, "wanted", entries)
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00", real="9SYN777", candidates=[["9SYN0O1", 1]]))
    assert [plate for (plate, _) in rows(hub, "plate, id", "plates")] == ["9SYN001", "9SYN0O1"]
    hub.connections.changes.change(actor, "gate", {"plate_name": "real"}, check=False)
    told = hub.ingest.reparse.run(actor, "gate")
    assert (told.plates, told.hits_found, told.hits_gone, dict(told.moved)) == (1, 1, 1, {})
    assert [plate for (plate, _) in rows(hub, "plate, id", "plates")] == ["9SYN0O1", "9SYN777"]
    ((_, kind),) = rows(hub, "read_id, kind", "hits")
    assert kind == "exact"
    assert hub.search.reads.find(actor, Query(WHY, plates=("9SYN001",))).rows == []
    assert len(hub.search.reads.find(actor, Query(WHY, plates=("9SYN777",), hits_only=True)).rows) == 1


def test_a_hit_that_somebody_judged_stays(hub: Hub, actor: Actor, folder: Path) -> None:
    hub.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00", real="9SYN777"))
    with hub.store.write() as connection:
        connection.execute(text("UPDATE hits SET verdict = 'misread'"))
    hub.connections.changes.change(actor, "gate", {"plate_name": "real"}, check=False)
    assert hub.ingest.reparse.run(actor, "gate").hits_gone == 0
    assert [verdict for (verdict, _) in rows(hub, "verdict, id", "hits")] == ["misread"]


def test_what_makes_no_read_now_stays_as_it_is(hub: Hub, actor: Actor, folder: Path) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00", real="REFUSED"),
           record(2, "9SYN002", "2026-05-31T08:00:00", real="9SYN003"))  # fmt: skip
    hub.connections.changes.change(actor, "gate", {"plate_name": "real"}, check=False)
    told = hub.ingest.reparse.run(actor, "gate")
    assert (told.changed, dict(told.refused)) == (1, {"plate: is none": 1})
    assert [plate for (plate, _) in rows(hub, "plate, id", "plates")] == ["9SYN001", "9SYN003"]


def test_ids_that_follow_from_times_follow_them_and_a_pull_brings_nothing_twice(
    hub: Hub, actor: Actor, folder: Path
) -> None:
    hub.connections.changes.change(actor, "gate", {"gives_ids": "false"}, check=False)
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00"), record(2, "9SYN002", "2026-05-31T09:00:00"))
    ids = {vendor for _, vendor, *_ in rows(hub)}
    here(hub, actor)
    hub.ingest.reparse.run(actor, "gate")
    assert not ids & {vendor for _, vendor, *_ in rows(hub)}
    hub.ingest.sync.run(actor, "gate")
    assert len(rows(hub)) == 2
    assert rows(hub, "vendor_read_id, read_id", "ledger") == sorted((vendor, ident) for ident, vendor, *_ in rows(hub))


def test_a_read_that_was_pulled_again_rightly_is_not_made_twice(hub: Hub, actor: Actor, folder: Path) -> None:
    hub.connections.changes.change(actor, "gate", {"gives_ids": "false"}, check=False)
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00"))
    here(hub, actor)
    hub.ingest.sync.run(actor, "gate")
    before = rows(hub)
    told = hub.ingest.reparse.run(actor, "gate")
    assert (told.changed, told.doubles, rows(hub)) == (0, 1, before)


def test_only_what_was_captured_since_and_only_what_is_not_over(
    hub: Hub, actor: Actor, folder: Path, clock: SetClock
) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-20T08:00:00"), record(2, "9SYN002", "2026-05-31T08:00:00"))
    here(hub, actor)
    assert hub.ingest.reparse.preview(actor, "gate", datetime(2026, 5, 30, tzinfo=UTC)).looked_at == 1
    clock.advance(timedelta(days=20))
    assert hub.ingest.reparse.run(actor, "gate").looked_at == 1, "what is over stays over"


def test_a_run_that_is_killed_between_batches_is_ended_by_the_next(
    hub: Hub, actor: Actor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reparsing, "BATCH", 2)
    synced(hub, actor, folder, *(record(n, f"9SYN00{n}", "2026-05-31T08:00:00") for n in range(5)))
    here(hub, actor)
    real, calls = reparsing.rewrite, list[int]()

    def dying(*given: Any) -> None:
        calls.append(1)
        real(*given)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(reparsing, "rewrite", dying)
    with pytest.raises(KeyboardInterrupt):
        hub.ingest.reparse.run(actor, "gate")
    assert sorted({zone for (zone, _) in rows(hub, "zone, id")}) == ["configured", "guessed"]
    monkeypatch.setattr(reparsing, "rewrite", real)
    assert hub.ingest.reparse.run(actor, "gate").changed == 3
    assert {zone for (zone, _) in rows(hub, "zone, id")} == {"configured"}


def test_the_reads_of_a_connection_that_is_being_removed_stay_as_they_are(hub: Hub, actor: Actor, folder: Path) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00"))
    here(hub, actor)
    before = rows(hub)
    with hub.store.write() as connection:
        connection.execute(text("UPDATE connections SET state = 'removing'"))
    with pytest.raises(Unsettled, match="gate is being removed: its reads stay as they are"):
        hub.ingest.reparse.run(actor, "gate")
    assert rows(hub) == before


def test_one_process_does_it_at_a_time_and_a_changed_payload_stops_it(hub: Hub, actor: Actor, folder: Path) -> None:
    synced(hub, actor, folder, record(1, "9SYN001", "2026-05-31T08:00:00"))
    here(hub, actor)
    ident = hub.connections.accounts.open("gate")[0].id
    own, sync = f"reparse-{ident}", f"sync-{ident}"
    ours = (own, "payloads of gate"), (sync, "gate is being synced")
    for lease, busy in (*ours, ("purge", "a purge is running"), ("recompute", "ends are being")):
        with hub.store.lease(lease), pytest.raises(Conflict, match=busy):
            hub.ingest.reparse.run(actor, "gate")
    with hub.store.write() as connection:
        connection.execute(text("UPDATE payloads SET sha256 = :other"), {"other": b"x" * 32})
    before = rows(hub)
    with pytest.raises(IntegrityBroken):
        hub.ingest.reparse.run(actor, "gate")
    assert rows(hub) == before
