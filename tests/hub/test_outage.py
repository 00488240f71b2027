"""Bad records and an outage in one sync: every good read is stored, every bad one is in quarantine."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

import hub.ingest.drift as drift
from alprhub.sandbox import Faults, Service, World, rekor_settings
from alprhub.sandbox.rekor import best_uuid, rekor_app
from connectors.errors import TryAgain, VendorChanged
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import open_hub

ACTOR = Actor("tester")
OUTAGE_S = 1.5
BAD = ("dropped_key", "wrong_type", "impossible_time", "empty_plate")


@pytest.mark.slow
def test_five_percent_bad_records_and_an_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "MOST_REFUSED", 0.1)  # by chance some more than five of a hundred may be bad here
    now = datetime.now(UTC)
    world = World(3, now, passes=600)
    faults = Faults(seed=3, malformed=0.05, malformed_kinds=BAD)
    app = rekor_app(world, faults=faults)
    with Service(app) as service, open_hub(HubSettings(data=tmp_path)) as hub:
        account = {**rekor_settings(service.url), "page_size": 50, "fetch_images": False, "requests_per_second": 100}
        hub.connections.accounts.add(ACTOR, "rekor", "rekor", account)
        threading.Timer(0.1, lambda: faults.outage(seconds=OUTAGE_S)).start()
        started = time.monotonic()
        first = hub.ingest.sync.run(ACTOR, "rekor", now - timedelta(days=31), now + timedelta(hours=1))
        assert time.monotonic() - started > 0.8 * OUTAGE_S  # it sat the outage out
        truth = {best_uuid(one): (one.plate, one.captured_at) for one in world.passes["rekor"]}
        with hub.store.read() as connection:
            found = connection.execute(
                text("SELECT vendor_read_id, plate, captured_at FROM reads JOIN plates p ON p.id = plate_id")
            ).all()
        stored = {row[0]: (row[1], row[2]) for row in found}
        bad = set(faults.bad)
        assert 0.02 < len(bad) / 600 < 0.1
        assert truth.keys() - bad <= stored.keys()  # every good read
        for ident, (
            plate,
            captured_at,
        ) in stored.items():  # and no bad one, but those whose damage is no part of a read
            assert (plate, captured_at // 1000) == (truth[ident][0], truth[ident][1] // 1000)
        no_plate = sum(kind == "empty_plate" for kind in faults.bad.values())  # what was read of no plate is no read
        refused = 600 - len(stored) - no_plate
        assert 0.6 * len(bad) <= refused + no_plate
        assert (first.pulled, first.quarantined) == (600 - no_plate, refused)
        with hub.store.read() as connection:
            assert connection.scalar(text("SELECT count(*) FROM quarantine")) == refused
        replayed = hub.ingest.quarantine.replay(ACTOR, "rekor")
        assert (replayed.stored, replayed.quarantined) == (0, refused)


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ({"html": 1}, VendorChanged),
        ({"truncate": 1}, VendorChanged),
        ({"truncate": 1, "truncate_how": "connection"}, TryAgain),
    ],
)
def test_a_page_that_is_no_answer_is_never_taken_for_no_reads(
    tmp_path: Path, faults: dict[str, object], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    import connectors.http as http

    patient = http.Http.__init__.__kwdefaults__
    monkeypatch.setattr(http.Http.__init__, "__kwdefaults__", {**patient, "patience": timedelta(seconds=0.1)})
    now = datetime.now(UTC)
    app = rekor_app(World(3, now, passes=200))
    with Service(app) as service, open_hub(HubSettings(data=tmp_path)) as hub:
        hub.connections.accounts.add(ACTOR, "rekor", "rekor", {**rekor_settings(service.url), "fetch_images": False})
        for name, value in faults.items():
            setattr(app.state.faults, name, value)
        with pytest.raises(error):
            hub.ingest.sync.run(ACTOR, "rekor", now - timedelta(days=31), now)
        assert hub.connections.accounts.list()[0].last_success is None
        with hub.store.read() as connection:
            assert connection.scalar(text("SELECT checkpoint FROM connections")) is None


@pytest.mark.slow
def test_late_and_repeated_reads_are_caught_by_the_next_run(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    world = World(3, now, passes=200)
    app = rekor_app(world, faults=Faults(seed=3, duplicate=0.2, late=4, late_share=0.2))
    with Service(app) as service, open_hub(HubSettings(data=tmp_path)) as hub:
        account = {**rekor_settings(service.url), "page_size": 500, "fetch_images": False}
        hub.connections.accounts.add(ACTOR, "rekor", "rekor", account)
        window = (now - timedelta(days=31), now + timedelta(hours=1))
        first = hub.ingest.sync.run(ACTOR, "rekor", *window)
        second = hub.ingest.sync.run(ACTOR, "rekor", *window)
        assert first.stored < 200
        assert first.stored + second.stored == 200
        with hub.store.read() as connection:
            ids = set(connection.scalars(text("SELECT vendor_read_id FROM reads")))
        assert ids == {best_uuid(one) for one in world.passes["rekor"]}
