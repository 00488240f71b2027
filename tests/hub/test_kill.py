"""A sync that is killed loses nothing and doubles nothing."""

import random
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import killable
import migrated
import postgres
import pytest
import victim
from pydantic import SecretStr
from registries import PLAIN
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from vendors import stand_in

from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
UNTIL = datetime.now(UTC) + timedelta(hours=1)
SINCE = UNTIL - timedelta(days=31)
READS = 400
BAD = ["dropped_key", "wrong_type", "impossible_time"]
EVERYTHING = {
    "reads": "SELECT r.vendor_read_id, p.plate, r.captured_at, r.expires_at, r.rule, c.vendor_id FROM reads r "
    "JOIN plates p ON p.id = r.plate_id JOIN cameras c ON c.id = r.camera_id ORDER BY 1",
    "payloads": "SELECT r.vendor_read_id, y.sha256 FROM payloads y JOIN reads r ON r.id = y.read_id ORDER BY 1",
    "plates": "SELECT plate, plate_key FROM plates ORDER BY 1",
    "cameras": "SELECT vendor_id FROM cameras ORDER BY 1",
    "quarantine": "SELECT sha256, field, reason FROM quarantine ORDER BY 1, 2, 3",
    "hits": "SELECT r.vendor_read_id, h.kind FROM hits h JOIN reads r ON r.id = h.read_id ORDER BY 1",
    "checkpoint": "SELECT checkpoint FROM connections",
}


@pytest.fixture(scope="module")
def rekor() -> Iterator[dict[str, Any]]:
    """A vendor with some records that are no reads."""
    with stand_in("rekor", passes=READS, faults={"malformed": 0.02, "malformed_kinds": BAD}) as settings:
        yield {**settings, "page_size": 50, "fetch_images": False, "requests_per_second": 1000}


def prepare(settings: HubSettings, account: dict[str, Any]) -> None:
    with open_hub(settings, registry=PLAIN) as hub:
        hub.connections.accounts.add(ACTOR, "rekor", "rekor", account, check=False)
        hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9XB0508", "stolen", "26-1", "US-CA")])


def rows(hub: Hub) -> dict[str, list[tuple[Any, ...]]]:
    with hub.store.read() as connection:
        return {what: [tuple(row) for row in connection.execute(text(sql))] for what, sql in EVERYTHING.items()}


def killed_and_run_again(settings: HubSettings, url: str | None, moment: float, scratch: Path) -> dict[str, Any]:
    """Rows after a sync that died `moment` seconds after its beginning, and a plain second run."""
    marker = scratch / "begun"
    times = SINCE.isoformat(), UNTIL.isoformat()
    child = killable.process(victim.sync, str(settings.data), url, "rekor", *times, str(marker))
    child.start()
    while not marker.exists() and child.is_alive():
        time.sleep(0.001)
    time.sleep(moment)
    child.kill()  # SIGKILL
    child.join()
    with open_hub(settings, registry=PLAIN) as hub:
        hub.ingest.sync.run(ACTOR, "rekor", SINCE, UNTIL)
        return rows(hub)


def undisturbed(settings: HubSettings) -> tuple[dict[str, Any], float]:
    """Rows of a run that nobody killed, and how long it took in seconds."""
    with open_hub(settings, registry=PLAIN) as hub:
        started = time.monotonic()
        hub.ingest.sync.run(ACTOR, "rekor", SINCE, UNTIL)
        return rows(hub), time.monotonic() - started


@pytest.mark.slow
def test_kill_at_any_of_ten_moments_then_a_plain_run_gives_the_same_rows(
    tmp_path: Path, rekor: dict[str, Any], migrated_file: Path
) -> None:
    prepared = HubSettings(data=tmp_path / "prepared")
    migrated.seed(prepared.data, migrated_file)
    prepare(prepared, rekor)
    whole = HubSettings(data=shutil.copytree(prepared.data, tmp_path / "whole"))
    expected, took = undisturbed(whole)
    assert len(expected["reads"]) + len(expected["quarantine"]) == READS
    assert expected["hits"]
    for number in range(10):
        settings = HubSettings(data=shutil.copytree(prepared.data, tmp_path / f"killed-{number}"))
        moment = took * (number + random.random()) / 10
        assert killed_and_run_again(settings, None, moment, settings.data) == expected, f"killed after {moment:.3f} s"


@pytest.mark.slow
def test_the_same_on_postgresql(tmp_path: Path, rekor: dict[str, Any], pg_server: URL, migrated_pg: str) -> None:
    expected, took = None, 1.0
    with postgres.database(pg_server, migrated_pg) as like:
        prepared = tmp_path / "prepared"
        prepare(HubSettings(data=prepared, database_url=SecretStr(like)), rekor)
        for number in range(4):
            with postgres.database(pg_server, make_url(like).database) as url:
                data = shutil.copytree(prepared, tmp_path / str(number))
                settings = HubSettings(data=data, database_url=SecretStr(url))
                if expected is None:
                    expected, took = undisturbed(settings)
                else:
                    moment = took * (number - random.random()) / 3
                    assert killed_and_run_again(settings, url, moment, settings.data) == expected
