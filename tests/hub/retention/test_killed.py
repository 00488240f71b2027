"""Purge, recompute and activation, killed at any moment and run again, end where undisturbed ones do."""

import random
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import killable
import postgres
import pytest
import two
import victim
import yaml
from plain import record, write_page
from pydantic import SecretStr
from registries import PLAIN
from sqlalchemy import select, text
from sqlalchemy.engine import URL, make_url

import hub.retention.months as months
import hub.retention.purge as purging
import hub.retention.recompute as recomputing
from hub.clock import SetClock
from hub.errors import Conflict
from hub.people import Actor
from hub.policy.document import FOLDER
from hub.settings import HubSettings
from hub.store.tables import metadata
from hub.wiring import Hub, open_hub

MAY, JUNE, LATER = (datetime(2026, *day, tzinfo=UTC) for day in ((5, 20), (6, 1), (6, 10)))
OVER = 1200
"""So many reads are over when the purge comes: those of May, a whole month, and the first ones of June."""
LIVING = 300
REFUSED = 60
NUMBERED = {"id", "policy_id", "digest", "previous", "destroyed_by", "rows_digest"}
"""What PostgreSQL numbers, and never twice, though a transaction came to nothing; certificates' digests are over it.

The digest of the rows is over the parts of a purge, and those are as large as the machine's pace allows."""
KILLS = 3

Contents = dict[str, list[Any]]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is undisturbed goes in the same steps as what is killed."""
    for module in (purging, months, recomputing):
        monkeypatch.setattr(module, "BATCH", victim.SOME)
    for module in (purging, recomputing):
        monkeypatch.setattr(module, "MOST", victim.SOME)


@pytest.fixture
def full(opened: Hub, actor: Actor, clock: SetClock, feed: Path) -> HubSettings:
    """A closed hub with reads of two months, pictures, hits, choices, a held read and refused records."""
    said = [
        record(n, f"{n % 500:03}OVER", ((MAY, JUNE)[n % 2] + timedelta(seconds=n)).isoformat(),
               picture="P" if n % 100 == 0 else None, candidates=[[f"{n % 500:03}CHCE", 0.4]] if n % 10 == 0 else [])
        for n in range(OVER)
    ]  # fmt: skip
    write_page(feed, 1, [*said, *({"plate": f"{n:03}OVER"} for n in range(REFUSED))])
    opened.ingest.sync.run(actor, "feed", MAY - timedelta(days=1))
    clock.advance(LATER - clock.now())
    write_page(feed, 1, [
        record(OVER + n, f"{n:03}STAY", (LATER - timedelta(seconds=n + 1)).isoformat()) for n in range(LIVING)
    ])  # fmt: skip
    opened.ingest.sync.run(actor, "feed")
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET held = true WHERE vendor_read_id IN ('r101', 'r200')"))
        # A connector that the victim's process has too.
        connection.execute(text("UPDATE connections SET connector = 'flock'"))
    opened.store.close()
    return opened.settings


@contextmanager
def copied(of: HubSettings, folder: Path) -> Iterator[HubSettings]:
    """Another hub with the same contents."""
    shutil.copytree(of.data, folder)
    if of.database_url is None:
        yield of.model_copy(update={"data": folder})
        return
    url = make_url(of.database_url.get_secret_value()).set(drivername="postgresql+psycopg")
    server: URL = url.set(database="postgres")
    with postgres.database(server, like=url.database) as copy:
        yield of.model_copy(update={"data": folder, "database_url": SecretStr(copy)})


def contents(hub: Hub) -> Contents:
    """Every table but the audit record, and but how often earlier writes were brought to the disk."""
    with hub.store.read() as connection:
        told_of = [table for table in metadata.sorted_tables if table.name != "audit_waiting"]
        found = {table.name: connection.execute(select(table)).mappings() for table in told_of}
        told = {name: sorted(_told(dict(row)) for row in rows) for name, rows in found.items()}
        told["counters"] = [row for row in told["counters"] if "'settled'" not in row]
        if hub.store.is_sqlite:
            told["trigrams"] = sorted(connection.scalars(text("SELECT term FROM plates_trigrams")))
    return told


def _told(row: dict[str, Any]) -> str:
    said = repr({name: value for name, value in row.items() if name not in NUMBERED})
    return re.sub(r'"policy":\d+', '"policy":"the number of one"', said)


def again(work: Callable[[], Any]) -> Any:
    """Run what was killed, once the database's server has noticed."""
    while True:
        try:
            return work()
        except Conflict:
            time.sleep(0.01)


def kill(target: Callable[..., None], settings: HubSettings, now: datetime, moment: float | None, *more: Any) -> None:
    """Begin something and kill it a moment (s) later; without one, wait until it has killed itself."""
    url = settings.database_url
    marker = settings.data / "begun"
    where = str(settings.data), url.get_secret_value() if url else None
    child = killable.process(target, *where, now.isoformat(), str(marker), *more)
    child.start()
    while not marker.exists() and child.is_alive():
        time.sleep(0.001)
    assert marker.exists()
    if moment is not None:
        time.sleep(moment)
        child.kill()
    child.join()


def moments(took: float, kills: int = KILLS) -> list[float]:
    """One in each part of what took so long."""
    return [took * (number + random.random()) / kills for number in range(kills)]


def purged(settings: HubSettings, clock: SetClock) -> tuple[Contents, float]:
    """What is there after a purge, which is held to its account, and how long it took."""
    with open_hub(settings, clock, registry=PLAIN) as hub:
        started = time.monotonic()
        again(lambda: hub.retention.expired.purge(Actor("tester")))
        took = time.monotonic() - started
        assert hub.proofs.reconciliation.run(Actor("tester")).differences == []
        assert hub.retention.certificates.verify() == len(hub.retention.certificates.list())
        certified = [(one["reads"], one["payloads"], one["quarantined"]) for one in hub.retention.certificates.list()]
        assert tuple(map(sum, zip(*certified, strict=True))) == (OVER - 2, OVER - 2, REFUSED)
        assert _is_merged(hub)
        return contents(hub), took


def _is_merged(hub: Hub) -> bool:
    """Whether the index on the inside of plates, which only notes what goes, has nothing noted (SQLite)."""
    if not hub.store.is_sqlite:
        return True
    with hub.store.write() as connection:
        before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        connection.exec_driver_sql("INSERT INTO plates_inside (plates_inside, rank) VALUES ('merge', -200)")
        return connection.exec_driver_sql("SELECT total_changes()").scalar_one() - before < 2


@pytest.mark.slow
def test_a_purge_killed_at_any_moment_and_run_again_destroys_and_certifies_each_row_once(
    full: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    clock.advance(timedelta(days=29, hours=23))  # what was refused at the beginning of June is over too
    with copied(full, tmp_path / "whole") as whole:
        expected, took = purged(whole, clock)
    assert len(expected["reads"]) == LIVING + 2
    for number, moment in enumerate([None, *moments(took)]):
        with copied(full, tmp_path / f"killed-{number}") as settings:
            kill(victim.purge, settings, clock.now(), moment, moment is None)
            assert purged(settings, clock)[0] == expected, f"killed after {moment} s"
            left = [path for path in (settings.data / "images").rglob("*") if path.is_file()]
            assert len(left) == 1  # that of the held read
            if settings.database_url is None:
                content = (settings.data / "alprhub.sqlite3").read_bytes()
                assert set(re.findall(rb"\d{3}OVER", content)) == {b"101OVER", b"200OVER"}


def schedule(tmp_path: Path) -> str:
    """A file with the hub's default policy, whose reads all end after twelve days."""
    data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text())
    for rule in data["retention"]["rules"]:
        if rule["max"] is not None:
            rule["max"] = {"dur": "P12D", "clock": "captured_at"}
    file = tmp_path / "P12D.yaml"
    file.write_text(yaml.safe_dump(data))
    return str(file)


def recomputed(settings: HubSettings, clock: SetClock, *, approve: bool = False) -> tuple[Contents, float]:
    """What is there after the policy that waits was put in force, where it is to be, and its recompute; how long."""
    with open_hub(settings, clock, registry=PLAIN) as hub:
        started = time.monotonic()
        if approve:
            hub.access.approvals.approve(two.SECOND, 1)
        again(lambda: hub.retention.recompute.run(Actor("tester")))
        return contents(hub), time.monotonic() - started


@pytest.mark.slow
def test_a_recompute_killed_at_any_moment_and_run_again_gives_each_read_its_end_and_counts_it_once(
    full: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    with open_hub(full, clock, registry=PLAIN) as hub:
        two.activate(hub, victim.ACTOR, schedule(tmp_path), "another schedule")
    with copied(full, tmp_path / "whole") as whole:
        expected, took = recomputed(whole, clock)
    assert f"'changed': {OVER + LIVING}" in expected["recomputes"][0]
    for number, moment in enumerate(moments(took, 2)):
        with copied(full, tmp_path / f"killed-{number}") as settings:
            kill(victim.recompute, settings, clock.now(), moment)
            assert recomputed(settings, clock)[0] == expected, f"killed after {moment:.3f} s"


@pytest.mark.slow
def test_an_activation_killed_half_way_leaves_no_trace_or_a_recompute_that_waits(
    full: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    with open_hub(full, clock) as hub:
        name = schedule(tmp_path)
        hub.governing.activate.activate(victim.ACTOR, name, "another schedule", two.signed(hub, name))
    with copied(full, tmp_path / "whole") as whole:
        before = _state(whole, clock)
        expected, took = recomputed(whole, clock, approve=True)
    for number, moment in enumerate([None, *moments(min(took, 0.1), 1)]):
        with copied(full, tmp_path / f"killed-{number}") as settings:
            kill(victim.activate, settings, clock.now(), moment, moment is None)
            policies, waiting, noted, changed = _state(settings, clock)
            if policies == 1:
                assert (policies, waiting, noted, changed) == before
            else:
                assert moment is not None  # in the midst of its transaction nothing of it is there
                assert (policies, waiting, noted) == (2, 1, before[2] + 1)
            assert recomputed(settings, clock, approve=policies == 1)[0] == expected


def _state(settings: HubSettings, clock: SetClock) -> tuple[int, ...]:
    """How many policies there were, recomputes that wait, activations on record, and reads with another end."""
    with open_hub(settings, clock, registry=PLAIN) as hub, hub.store.read() as connection:
        of = (
            "policies",
            "recomputes WHERE ended_at IS NULL",
            "reads WHERE expires_at - captured_at <> 30 * 86400000000",
        )
        policies, waits, changed = (connection.scalar(text(f"SELECT count(*) FROM {what}")) or 0 for what in of)
        noted = sum(one["action"] == "policy.activate" for one in hub.audit.events())
        return policies, waits, noted, changed
