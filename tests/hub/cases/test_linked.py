"""What a hit needs lives longer, from the moment it is kept: under Palm Springs a year, and thirty days without."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import two
import yaml
from plain import record, write_page
from registries import Having
from sqlalchemy import text

from hub.clock import SetClock
from hub.errors import NotFound
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.policy.decisions import Decision
from hub.policy.document import FOLDER
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store import saving
from hub.store.instant import from_micros
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CAPTURED = NOW - timedelta(hours=1)
DAY = timedelta(days=1)
MONTH, YEAR = 30 * DAY, 365 * DAY
SIGNED = Decision(
    settles="ps-d3",
    answer="as it is",
    decided_by="A. Chief",
    title="Chief",
    decided_at=NOW,
    why="the safe default holds",
)


@pytest.fixture
def springs(settings: HubSettings, clock: SetClock, plain_vendor: Having, tmp_path: Path) -> Iterator[Hub]:
    """A hub under Palm Springs' policy with a feed and a hot list of one plate."""
    with open_hub(
        settings.model_copy(update={"profile": "palm-springs", "decisions": None}), clock, registry=plain_vendor
    ) as hub:
        (tmp_path / "feed").mkdir()
        hub.connections.accounts.add(ACTOR, "feed", "plain", {"folder": str(tmp_path / "feed")})
        hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
        yield hub


def bring(hub: Hub, tmp_path: Path, *records: dict[str, Any]) -> Any:
    page = len(list((tmp_path / "feed").glob("page-*.json")))
    write_page(tmp_path / "feed", page, list(records))
    return hub.ingest.sync.run(ACTOR, "feed", NOW - 3 * YEAR)


def ends(hub: Hub) -> dict[str, tuple[datetime, str]]:
    """When each read must be gone, and by which rule; what else its engine took the plate for goes with it."""
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT * FROM reads")).all()
        others = dict(connection.execute(text("SELECT read_id, expires_at FROM candidates")).tuples().all())
    assert all(others.get(row.id, row.expires_at) == row.expires_at for row in rows)
    return {row.vendor_read_id: (from_micros(row.expires_at), row.rule) for row in rows}


def late(number: int, plate: str, **more: Any) -> dict[str, Any]:
    return record(number, plate, (CAPTURED - MONTH).isoformat(), **more)


@pytest.mark.clause("palm-springs 430.8 ¶2 s3")
def test_a_read_with_a_hit_is_kept_with_the_longer_end_and_one_without_is_not(springs: Hub, tmp_path: Path) -> None:
    more = {"candidates": [["9SYNOOO", 0.2]]}
    done = bring(
        springs, tmp_path, record(1, "9SYN001", CAPTURED.isoformat(), **more),
        record(2, "9SYN002", CAPTURED.isoformat(), **more),
    )  # fmt: skip
    assert (done.stored, done.hits) == (2, 1)
    assert ends(springs) == {"r1": (CAPTURED + YEAR, "ps-downloaded"), "r2": (CAPTURED + MONTH, "ps-unlinked")}


def test_on_its_last_day_and_after_it_only_what_has_a_hit_is_there(
    springs: Hub, tmp_path: Path, clock: SetClock
) -> None:
    pictured = [record(n, f"9SYN00{n}", CAPTURED.isoformat(), picture=f"PICTURE-{n}") for n in (1, 2)]
    bring(springs, tmp_path, *pictured)
    why = Why(springs.governing.profile.purposes[0], "report of a stolen car", "26-1", "none")
    clock.advance(32 * DAY)
    assert springs.retention.expired.purge(ACTOR) == {"feed": 1}
    assert [row.plate for row in springs.search.reads.find(ACTOR, Query(why, since=NOW - YEAR)).rows] == ["9SYN001"]
    with springs.store.read() as connection:
        (key,) = connection.scalars(text("SELECT key FROM images"))
    assert list(springs.ingest.images.stored()) == [key]
    assert springs.ingest.images.get(key) == b"PICTURE-1"
    clock.advance(YEAR - 32 * DAY)
    assert springs.retention.expired.purge(ACTOR) == {"feed": 1}
    assert list(springs.ingest.images.stored()) == []


def test_a_read_that_comes_after_its_thirty_days_is_kept_for_a_hit_and_for_nothing_else(
    springs: Hub, tmp_path: Path, clock: SetClock
) -> None:
    done = bring(
        springs, tmp_path, late(1, "9SYN001", picture="PICTURE-1"), late(2, "9SYN002", picture="PICTURE-2"),
        record(3, "9SYN001", (CAPTURED - YEAR).isoformat()), record(4, "9SYN004", CAPTURED.isoformat()),
    )  # fmt: skip
    assert (done.pulled, done.stored, done.born_expired, done.hits) == (4, 2, 2, 1)
    assert ends(springs)["r1"] == (CAPTURED - MONTH + YEAR, "ps-downloaded")
    assert springs.retention.expired.purge(ACTOR) == {"feed": 0}
    assert [springs.ingest.images.get(key) for key in springs.ingest.images.stored()] == [b"PICTURE-1"]
    again = springs.ingest.sync.run(ACTOR, "feed", NOW - 3 * YEAR)
    assert (again.stored, again.duplicates, again.born_expired) == (0, 2, 2)
    assert springs.proofs.reconciliation.run(ACTOR).differences == []


def test_a_late_read_whose_entry_goes_while_it_is_kept_leaves_nothing_behind(
    springs: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = saving.keep_pictures

    def meanwhile(*args: Any) -> list[str]:
        written = write(*args)
        with springs.store.write() as connection:
            connection.execute(text("UPDATE hotlist_entries SET removed_at = 1"))
        return written

    monkeypatch.setattr(saving, "keep_pictures", meanwhile)
    done = bring(springs, tmp_path, late(1, "9SYN001", picture="PICTURE-1"), record(2, "9SYN002", CAPTURED.isoformat()))
    assert (done.pulled, done.stored, done.born_expired, done.hits) == (2, 1, 1, 0)
    assert (list(ends(springs)), list(springs.ingest.images.stored())) == (["r2"], [])
    assert springs.proofs.reconciliation.run(ACTOR).differences == []


def test_a_late_read_keeps_its_picture_when_the_policy_changes_while_it_is_kept(
    springs: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, tried = saving.keep_pictures, []

    def meanwhile(*args: Any) -> list[str]:
        written = write(*args)
        if not tried:
            two.activate(springs, ACTOR, "palm-springs", "signed", [SIGNED])
        tried.append(written)
        return written

    monkeypatch.setattr(saving, "keep_pictures", meanwhile)
    bring(springs, tmp_path, late(1, "9SYN001", picture="PICTURE-1"), late(2, "9SYN002", picture="PICTURE-2"))
    with springs.store.read() as connection:
        keys = connection.scalars(text("SELECT key FROM images")).all()
    assert (len(tried), len(keys), list(springs.ingest.images.stored())) == (2, 1, keys)


def test_a_link_keeps_nothing_of_a_connection_that_was_to_lose_its_reads(springs: Hub, tmp_path: Path) -> None:
    data = yaml.safe_load(FOLDER.joinpath("palm-springs.yaml").read_text())
    for rule in data["retention"]["rules"]:
        if rule["id"] == "ps-downloaded":
            rule["min"] = {"dur": "P10D", "clock": "received_at"}
    file = tmp_path / "with-a-floor.yaml"
    file.write_text(yaml.safe_dump(data))
    bring(springs, tmp_path, record(1, "9SYN002", CAPTURED.isoformat()))
    two.activate(springs, ACTOR, str(file), "ten days at least")
    springs.connections.removals.remove(ACTOR, "feed", reads="purge", reason="the contract has ended")
    with springs.store.read() as connection:
        ident = connection.execute(text("SELECT id FROM reads")).scalar_one()
    assert springs.cases.links.link(ACTOR, [ident], "26-1").changed == 0
    assert springs.retention.recompute.run(ACTOR)["lengthened"] == 0
    assert ends(springs)["r1"][0] == NOW + 10 * DAY


def test_a_read_that_is_over_cannot_be_linked(springs: Hub, tmp_path: Path, clock: SetClock) -> None:
    bring(springs, tmp_path, record(1, "9SYN002", CAPTURED.isoformat()))
    with springs.store.read() as connection:
        ident = int(connection.scalar(text("SELECT id FROM reads")) or 0)
    clock.advance(CAPTURED + MONTH - clock.now())
    with pytest.raises(NotFound, match="is not here"):
        springs.cases.links.link(ACTOR, [ident], "26-1")
    assert ends(springs)["r1"][0] == CAPTURED + MONTH


def test_a_capture_that_no_calendar_counts_from_costs_its_record_and_not_the_page(springs: Hub, tmp_path: Path) -> None:
    records = [record(1, "9SYN001", "0001-01-01T00:00:00Z"), record(2, "9SYN002", CAPTURED.isoformat())]
    done = bring(springs, tmp_path, *records)
    assert (done.pulled, done.stored, done.quarantined) == (2, 1, 1)


def test_where_policy_makes_no_difference_a_hit_makes_none(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    write_page(feed, 1, [record(1, "9SYN001", CAPTURED.isoformat()), late(2, "9SYN001")])
    done = opened.ingest.sync.run(actor, "feed", NOW - YEAR)
    assert (done.stored, done.born_expired, done.hits) == (1, 1, 1)
    assert ends(opened) == {"r1": (CAPTURED + MONTH, "hb-flock")}


def test_what_was_kept_before_hits_counted_gets_its_end_with_the_next_policy(springs: Hub, tmp_path: Path) -> None:
    bring(springs, tmp_path, *(record(n, f"9SYN00{n}", CAPTURED.isoformat()) for n in (1, 2)))
    with springs.store.write() as connection:
        connection.execute(text("UPDATE reads SET expires_at = (SELECT min(expires_at) FROM reads)"))
    two.activate(springs, ACTOR, "palm-springs", "signed", [SIGNED])
    assert springs.retention.recompute.run(ACTOR) == {"changed": 1, "shortened": 0, "lengthened": 1, "kept_short": 0}
    assert {name: end for name, (end, _) in ends(springs).items()} == {"r1": CAPTURED + YEAR, "r2": CAPTURED + MONTH}
