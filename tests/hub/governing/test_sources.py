"""What policy must know of a connection stands on its row: nothing is destroyed for want of a connector."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import two
from plain import PlainConnector, record, write_page
from sqlalchemy import text

import hub.connections.accounts as accounts
from connectors.registry import UnknownConnector
from hub.clock import SetClock
from hub.errors import AdminMustAct, Unsettled
from hub.people import Actor
from hub.policy.document import FOLDER
from hub.policy.provenance import Provenance
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

CAPTURED = datetime.fromisoformat("2026-06-01T11:00:00Z")
ACTOR = Actor("tester")


class YearConnector(PlainConnector):
    """A third party's connector, whose reads live as long as Motorola's: a year."""

    info = replace(PlainConnector.info, key="year", retention_vendor="motorola")


@contextmanager
def started(settings: HubSettings, clock: SetClock, *, knows: bool) -> Iterator[Hub]:
    """A process that has the third party's connector, or was started without it."""

    def connector(key: str, _allowed: tuple[str, ...] = ()) -> type[PlainConnector]:
        if not knows:
            raise UnknownConnector(f"no connector is called {key!r}")
        return YearConnector

    with pytest.MonkeyPatch.context() as patch, open_hub(settings, clock) as hub:
        patch.setattr(accounts, "connector", connector)
        if knows:
            hub.sources.learn(lambda _: YearConnector.info.retention_vendor)
        yield hub


@pytest.fixture
def kept(settings: HubSettings, clock: SetClock, tmp_path: Path) -> HubSettings:
    """A hub with one read of the third party's source, which lives a year."""
    folder = tmp_path / "feed"
    folder.mkdir()
    write_page(folder, 1, [record(1, "7ZZZ001", CAPTURED.isoformat()), {"id": "bad"}])
    with started(settings, clock, knows=True) as hub:
        hub.connections.add(ACTOR, "feed", "year", {"folder": str(folder)})
        hub.sync.run(ACTOR, "feed", CAPTURED - timedelta(days=1))
    return settings


def reads(hub: Hub) -> int:
    with hub.store.read() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM reads")) or 0)


def end(hub: Hub) -> int:
    with hub.store.read() as connection:
        return int(connection.scalar(text("SELECT expires_at FROM reads")) or 0)


def forget_vendor(hub: Hub) -> None:
    """As a connection is that was added before its vendor was noted."""
    with hub.store.write() as connection:
        connection.execute(text("UPDATE connections SET retention_vendor = NULL"))


def test_the_row_says_whose_retention_holds_from_the_moment_a_connection_is_added(
    kept: HubSettings, clock: SetClock
) -> None:
    with started(kept, clock, knows=False) as hub:
        assert list(hub.sources.all().values()) == [Provenance("own", "motorola")]
        assert hub.sources.unknown() == {}


def test_a_recompute_without_the_connector_changes_nothing(kept: HubSettings, clock: SetClock, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    with started(kept, clock, knows=False) as hub:
        other.write_text(FOLDER.joinpath("hermosa-beach.yaml").read_text() + "\n# another edition of the same rules\n")
        two.activate(hub, ACTOR, str(other), "a new edition")
        before = end(hub)
        assert hub.recompute.run(ACTOR)["changed"] == 0
        assert end(hub) == before
        clock.advance(timedelta(days=60))
        hub.retention.purge(ACTOR)
        assert reads(hub) == 1


@pytest.mark.parametrize("over", [timedelta(days=400), timedelta(days=60)], ids=["its time is over", "it is not"])
def test_of_a_connection_whose_vendor_nobody_knows_nothing_is_shortened_or_purged_and_that_is_said(
    kept: HubSettings, clock: SetClock, tmp_path: Path, over: timedelta
) -> None:
    other = tmp_path / "other.yaml"
    with started(kept, clock, knows=False) as hub:
        forget_vendor(hub)
        other.write_text(FOLDER.joinpath("hermosa-beach.yaml").read_text() + "\n# another edition of the same rules\n")
        two.activate(hub, ACTOR, str(other), "a new edition")
        before = end(hub)
        hub.recompute.run(ACTOR)
        assert end(hub) == before
        clock.advance(over)
        hub.retention.purge(ACTOR)
        assert reads(hub) == 1
        with hub.store.read() as connection:
            assert connection.scalar(text("SELECT count(*) FROM quarantine")) == 1
        (event,) = [one for one in hub.audit.events() if one["action"] == "retention.purge"]
        assert event["detail"]["not_known"] == ["feed"]
        (report,) = hub.health.all()
        assert "Nothing of it is shortened or purged" in " ".join(card.plain for card in report.cards)


def test_a_process_that_has_the_connector_notes_the_vendor_and_what_is_over_goes(
    kept: HubSettings, clock: SetClock
) -> None:
    with started(kept, clock, knows=False) as hub:
        forget_vendor(hub)
    with started(kept, clock, knows=True) as hub:
        assert list(hub.sources.all().values()) == [Provenance("own", "motorola")]
        clock.advance(timedelta(days=400))
        hub.retention.purge(ACTOR)
        assert reads(hub) == 0


def test_the_next_start_notes_the_vendor_of_a_connector_that_is_here(settings: HubSettings, clock: SetClock) -> None:
    with open_hub(settings, clock) as hub:
        hub.connections.add(
            ACTOR, "scout", "rekor", {"api_key": "k", "base_url": "http://127.0.0.1:9", "zone": "UTC"}, check=False
        )
        forget_vendor(hub)
        with pytest.raises(AdminMustAct, match="scout"):
            hub.sources.of(1)
    with open_hub(settings, clock) as hub:
        assert list(hub.sources.all().values()) == [Provenance("own", "rekor")]


def test_a_removal_that_destroys_waits_until_somebody_knows_what_must_be_kept(
    kept: HubSettings, clock: SetClock
) -> None:
    with started(kept, clock, knows=True) as hub:
        forget_vendor(hub)
        hub.connections.pause(ACTOR, "feed", "the contract has ended")
        with pytest.raises(Unsettled, match="nobody knows how long reads of feed must be kept"):
            hub.removals.remove(ACTOR, "feed", reads="purge", reason="the contract has ended", force="nothing is there")
        assert reads(hub) == 1


def test_a_page_that_is_kept_while_the_kind_of_its_source_changes_gets_the_ends_of_the_new_kind(
    kept: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    with started(kept, clock, knows=True) as hub:
        write_page(tmp_path / "feed", 1, [record(2, "7ZZZ002", CAPTURED.isoformat())])
        hub.sync.run(ACTOR, "feed", CAPTURED - timedelta(days=1))  # the intake knows the source now
        with hub.store.write() as connection:
            connection.execute(text("UPDATE connections SET retention_vendor = 'flock'"))
        write_page(tmp_path / "feed", 1, [record(3, "7ZZZ003", CAPTURED.isoformat())])
        hub.sync.run(ACTOR, "feed", CAPTURED - timedelta(days=1))
        with hub.store.read() as connection:
            rows = dict(connection.execute(text("SELECT vendor_read_id, rule FROM reads")).tuples().all())
    assert rows["r3"] != rows["r2"]
