"""Pictures that come as an address only: fetched while the address holds, gone when it does not, never in the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import msgspec
import pytest
from moto import mock_aws
from pushes import receive
from registries import PLAIN
from sqlalchemy import text

import hub.wiring as wiring
from alprhub.sandbox import Faults, Service, World, flock_settings, rekor_settings
from alprhub.sandbox.flock import FlockState, alert_body, flock_app
from alprhub.sandbox.rekor import rekor_app
from alprhub.sandbox.world import Pass
from connectors.contract import Document, Request
from hub.clock import SetClock
from hub.errors import NotFound
from hub.people import Actor, Why
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store.page import Saved
from hub.wiring import Hub, open_hub

JPEG = b"\xff\xd8\xff"
KEY = "key-of-the-subscription"
WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
SOURCES = [{"name": "wanted", "reason": "Stolen vehicle", "caseNumber": "26-1"}]
LIFE = timedelta(seconds=3600)
"""How long an address at the stand-in holds."""


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hubs that are opened here do not wait between two tries."""
    monkeypatch.setattr(wiring, "time", SimpleNamespace(sleep=lambda seconds: None))


@dataclass
class Vendor:
    """Flock's stand-in; its clock is the hub's until a test moves it."""

    state: FlockState
    faults: Faults
    clock: SetClock
    url: str

    def alert(self, one: Pass, **changes: Any) -> Request:
        """The alert of a pass, as it would arrive now."""
        body = {**alert_body(self.state, one, SOURCES), **changes}
        return Request({"x-api-key": KEY}, Document(msgspec.json.encode(body)))

    def asked_for_pictures(self) -> int:
        """How often somebody asked for a picture."""
        return sum("/signed/" in path for _, path, _ in self.state.log)


@pytest.fixture
def world(clock: SetClock) -> World:
    return World(5, clock.now(), passes=120, vehicles=50)


@pytest.fixture
def vendor(world: World, clock: SetClock) -> Iterator[Vendor]:
    faults, own = Faults(), SetClock(clock.now())
    app = flock_app(world, faults=faults, clock=own.now)
    with Service(app) as service:
        app.state.flock.origin = service.url
        yield Vendor(app.state.flock, faults, own, service.url)


@pytest.fixture
def flock(opened: Hub, actor: Actor, vendor: Vendor) -> Hub:
    """A hub that Flock pushes to."""
    return joined(opened, actor, vendor)


def joined(made: Hub, actor: Actor, vendor: Vendor) -> Hub:
    made.connections.accounts.add(actor, "flock", "flock", {**flock_settings(vendor.url), "callback_secret": KEY})
    return made


def push(made: Hub, vendor: Vendor, *passes: Pass, **changes: Any) -> Saved:
    total = Saved()
    for one in passes:
        total += receive(made, "flock", vendor.alert(one, **changes))
    return total


def pictures(made: Hub) -> list[Any]:
    with made.store.read() as connection:
        return list(connection.execute(text("SELECT key, state, url, bytes, sha256 FROM images ORDER BY id")))


def states(made: Hub) -> list[str]:
    return [row.state for row in pictures(made)]


def test_a_picture_is_fetched_while_its_address_holds_and_the_address_is_forgotten(
    flock: Hub, vendor: Vendor, world: World
) -> None:
    assert push(flock, vendor, world.passes["flock"][-1]).stored == 1
    (row,) = pictures(flock)
    kept = flock.ingest.images.get(row.key)
    assert kept.startswith(JPEG)
    assert (row.state, row.bytes, bytes(row.sha256)) == ("stored", len(kept), sha256(kept).digest())
    assert row.url is None


def test_a_picture_is_fetched_once_however_often_the_alert_comes(flock: Hub, vendor: Vendor, world: World) -> None:
    one = world.passes["flock"][-1]
    assert push(flock, vendor, one, one).duplicates == 1
    assert vendor.asked_for_pictures() == 1


def test_an_address_that_is_over_is_not_asked_and_the_read_stays(
    flock: Hub, actor: Actor, vendor: Vendor, world: World, clock: SetClock
) -> None:
    late = vendor.alert(world.passes["flock"][-1])
    clock.advance(LIFE)
    assert receive(flock, "flock", late).stored == 1
    assert [(row.state, row.url) for row in pictures(flock)] == [("gone", None)]
    assert vendor.asked_for_pictures() == 0
    assert len(flock.search.reads.find(actor, Query(WHY, plates=(world.passes["flock"][-1].plate,))).rows) == 1


@pytest.mark.parametrize("path", ["/signed/nobody.jpg?expires=1&signature=x", "/nothing.jpg"])
def test_a_picture_that_the_vendor_no_longer_has_is_gone(flock: Hub, vendor: Vendor, world: World, path: str) -> None:
    # Without an end to the address, 403 is how the vendor's store says that it is over.
    push(flock, vendor, world.passes["flock"][-1], imageUrl=vendor.url + path, imageExpiration=None)
    assert [(row.state, row.url) for row in pictures(flock)] == [("gone", None)]


def test_a_refusal_before_the_end_of_the_address_is_tried_until_that_end(
    flock: Hub, actor: Actor, vendor: Vendor, world: World, clock: SetClock
) -> None:
    alert = vendor.alert(world.passes["flock"][-1])
    vendor.clock.advance(LIFE)  # the vendor's clock runs ahead of ours, so it says 403 too early
    receive(flock, "flock", alert)
    assert states(flock) == ["wanted"]
    clock.advance(LIFE)
    flock.ingest.sync.run(actor, "flock")
    assert states(flock) == ["gone"]


def test_an_outage_costs_no_picture_and_the_next_run_fetches_it(
    flock: Hub, actor: Actor, vendor: Vendor, world: World
) -> None:
    passes = world.passes["flock"][-3:]
    alerts = [vendor.alert(one) for one in passes]
    vendor.faults.outage(requests=10_000)
    assert sum(receive(flock, "flock", alert).stored for alert in alerts) == 3  # no read waits for its picture
    assert [(row.state, bool(row.url)) for row in pictures(flock)] == [("wanted", True)] * 3
    vendor.faults.outage()
    flock.ingest.sync.run(actor, "flock")
    assert [(row.state, row.url) for row in pictures(flock)] == [("stored", None)] * 3


def test_one_lost_picture_does_not_cost_the_others(
    flock: Hub, actor: Actor, vendor: Vendor, world: World, clock: SetClock
) -> None:
    one, two, three = world.passes["flock"][-3:]
    vendor.faults.outage(requests=10_000)
    push(flock, vendor, one)
    push(flock, vendor, two, imageUrl=f"{vendor.url}/nothing.jpg")
    push(flock, vendor, three)
    vendor.faults.outage()
    flock.ingest.sync.run(actor, "flock")
    assert states(flock) == ["stored", "gone", "stored"]


def test_the_picture_of_an_expired_read_is_never_fetched_and_leaves_with_it(
    flock: Hub, actor: Actor, vendor: Vendor, world: World, clock: SetClock
) -> None:
    vendor.faults.outage(requests=10_000)
    push(flock, vendor, world.passes["flock"][-1], imageExpiration=None)
    vendor.faults.outage()
    asked = vendor.asked_for_pictures()
    clock.advance(timedelta(days=31))
    flock.ingest.sync.run(actor, "flock")
    assert vendor.asked_for_pictures() == asked
    flock.retention.expired.purge(actor)
    assert pictures(flock) == []


def test_addresses_stand_in_no_log(flock: Hub, vendor: Vendor, world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    one, two = world.passes["flock"][-2:]
    push(flock, vendor, one)
    push(flock, vendor, two, imageUrl=f"{vendor.url}/nothing.jpg?signature=abc")
    assert "cannot be had" in caplog.text
    assert "signature" not in caplog.text
    assert not [plate for plate in (one.plate, two.plate) if plate in caplog.text]


def test_pictures_may_lie_in_a_bucket_and_are_purged_there_in_every_version(
    tmp_path: Path, actor: Actor, clock: SetClock, vendor: Vendor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "synthetic")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "synthetic")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="pictures")
        s3.put_bucket_versioning(Bucket="pictures", VersioningConfiguration={"Status": "Enabled"})
        settings = HubSettings(data=tmp_path, images="s3://pictures/of/ours")
        with open_hub(settings, clock, registry=PLAIN) as made:
            push(joined(made, actor, vendor), vendor, world.passes["flock"][-1])
            (row,) = pictures(made)
            assert made.ingest.images.get(row.key).startswith(JPEG)
            assert [item["Key"] for item in s3.list_objects_v2(Bucket="pictures")["Contents"]] == [f"of/ours/{row.key}"]
            made.ingest.images.put(row.key, made.ingest.images.get(row.key))  # a second version
            clock.advance(timedelta(days=31))
            made.retention.expired.purge(actor)
            with pytest.raises(NotFound):
                made.ingest.images.get(row.key)
            left = s3.list_object_versions(Bucket="pictures")
            assert [*left.get("Versions", ()), *left.get("DeleteMarkers", ())] == []


@pytest.mark.slow
def test_scouts_pictures_are_fetched_in_the_sync_while_the_agents_have_them(
    opened: Hub, actor: Actor, world: World, clock: SetClock
) -> None:
    app = rekor_app(world, clock=clock.now)
    since = clock.now() - timedelta(days=9)
    with Service(app) as service:
        opened.connections.accounts.add(
            actor, "rekor", "rekor", {**rekor_settings(service.url), "requests_per_second": 1000}
        )
        stored = opened.ingest.sync.run(actor, "rekor", since).stored
        alive = [one for one in world.passes["rekor"] if one.time >= clock.now() - timedelta(days=7)]
        assert 0 < len(alive) < stored
        assert sorted(states(opened)) == ["gone"] * (stored - len(alive)) + ["stored"] * len(alive)
        asked = sum("/img/" in path for _, path, _ in app.state.rekor.log)
        opened.ingest.sync.run(actor, "rekor", since)
        assert sum("/img/" in path for _, path, _ in app.state.rekor.log) == asked


def test_a_source_may_be_told_to_leave_pictures_alone(opened: Hub, actor: Actor, world: World, clock: SetClock) -> None:
    app = rekor_app(world, clock=clock.now)
    with Service(app) as service:
        opened.connections.accounts.add(actor, "rekor", "rekor", {**rekor_settings(service.url), "fetch_images": False})
        assert opened.ingest.sync.run(actor, "rekor").stored > 0
    assert pictures(opened) == []
