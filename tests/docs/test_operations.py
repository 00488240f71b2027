"""docs/operations.md: every command in it exists, and what can be run here is run, on a small hub."""

import os
import shutil
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import forked
import postgres
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

import docs
from hub.people import Actor
from hub.settings import HubSettings
from hub.store.instant import to_micros
from hub.store.spool import Pushed, Spool
from hub.wiring import open_hub

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
ACTOR = Actor("tester")
NOW = datetime.now(UTC)
PICTURE = f"{NOW + timedelta(days=9):%Y/%m/%d}/a-picture"
SECRET = "s3cret-of-the-drop"


def test_every_command_of_the_page_is_one_and_has_these_options() -> None:
    assert docs.faults(PAGE) == []


def test_every_file_that_the_page_names_is_there() -> None:
    told = [word for block in docs.blocks(PAGE) for word in block.text.split()]
    named = [word.removeprefix("../") for word in told if word.startswith(("deploy/systemd/", "requirements/"))]
    assert named
    assert [word for word in named if not list(ROOT.glob(word))] == []


def _small_hub(settings: HubSettings, drop: Path) -> None:
    """Two reads, of which the time of one is over, a picture, and a push that waits."""
    (drop / "reads").mkdir(parents=True)
    at = (NOW - timedelta(hours=1)).isoformat()
    rows = ["read_id,plate,captured_at,camera_id,state", f"r1,9SYN001,{at},pier,CA", f"r2,9SYN002,{at},pier,CA"]
    (drop / "reads" / "day-1.csv").write_text("\n".join(rows) + "\n")
    with open_hub(settings) as hub:
        given = {"place": str(drop), "settle_seconds": 0, "zone": "UTC", "secret": SECRET}
        hub.connections.accounts.add(ACTOR, "drop", "motorola", given)
        assert hub.ingest.sync.run(ACTOR, "drop").stored == 2
        hub.ingest.images.put(PICTURE, b"a picture")
        with hub.store.write() as connection:
            over = {"over": to_micros(NOW - timedelta(seconds=1))}
            connection.execute(text("UPDATE reads SET expires_at = :over WHERE plate_raw = '9SYN002'"), over)
            connection.execute(
                text("INSERT INTO images (read_id, kind, key, state) SELECT id, 'frame', :key, 'stored' FROM reads "
                     "WHERE plate_raw = '9SYN001'"), {"key": PICTURE},
            )  # fmt: skip
    spool = Spool(settings.data / "inbox", reserve=0)
    spool.put(Pushed("drop", 1, to_micros(NOW), "application/json", b"{}"))
    spool.close()


def _environment(data: Path, **more: str) -> dict[str, str]:
    programs = os.pathsep.join([str(Path(sys.executable).parent), postgres.programs()])
    ours = {"HOME": str(data.parent), "PATH": programs, "ALPRHUB_DATA": str(data)}
    return ours | {"ALPRHUB_AGENCY": "Example PD", "ALPRHUB_PROFILE": "hermosa-beach"} | more


def _plates(settings: HubSettings) -> list[str]:
    with open_hub(settings) as hub, hub.store.read() as connection:
        return list(connection.scalars(text("SELECT plate_raw FROM reads ORDER BY plate_raw")))


@pytest.mark.slow
def test_a_backup_is_whole_and_after_a_restore_what_is_over_is_gone(tmp_path: Path) -> None:
    settings = HubSettings(data=tmp_path / "data", agency="Example PD")
    _small_hub(settings, tmp_path / "drop")
    with forked.alprhub(_environment(settings.data)) as environment:
        docs.run(PAGE, tmp_path, environment)

    (backup,) = tmp_path.glob("backup-*")
    with sqlite3.connect(backup / "alprhub.sqlite3") as kept:
        assert kept.execute("SELECT count(*) FROM reads").fetchone() == (2,)
    assert [path.name for path in backup.iterdir() if "key" in path.name] == [], "the key lies apart"
    open_to_others = [path for path in (backup, backup / "alprhub.sqlite3") if path.stat().st_mode & 0o077]
    assert open_to_others == []
    assert not (settings.data / "restoring").exists()

    assert _plates(settings) == ["9SYN001"]
    with open_hub(settings) as hub:
        assert hub.ingest.images.get(PICTURE) == b"a picture"
        assert hub.connections.accounts.open("drop")[1].settings.secret.get_secret_value() == SECRET, (
            "the key opens it again"
        )
        assert "retention.purge" in [event["action"] for event in hub.audit.events()]
    waiting = Spool(settings.data / "inbox", reserve=0)
    assert [len(waiting.read(batch)) for batch in waiting.batches()] == [1]
    waiting.close()


@pytest.mark.slow
def test_with_postgresql_the_same_commands_bring_everything_back(tmp_path: Path, pg_server: URL, pg_url: str) -> None:
    if shutil.which("pg_dump", path=postgres.programs()) is None:
        pytest.skip("pg_dump is not here: the page has not been run on PostgreSQL")
    settings = HubSettings(data=tmp_path / "data", database_url=pg_url, agency="Example PD")
    _small_hub(settings, tmp_path / "drop")
    before, after = PAGE.split("## Restore")

    def environment(url: str) -> dict[str, str]:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return _environment(settings.data, ALPRHUB_DATABASE_URL=plain)

    with forked.alprhub(environment(pg_url)) as first:
        docs.run(before, tmp_path, first)
        with postgres.database(pg_server) as empty:
            docs.run(after, tmp_path, environment(empty) | {"PATH": first["PATH"]})
            assert _plates(settings.model_copy(update={"database_url": SecretStr(empty)})) == ["9SYN001"]


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    from connectors.registry import available, connector
    from flows.server import DAYS_KEPT
    from hub.connections.surroundings import LITTLE
    from hub.jobs.loop import GRACE
    from hub.store.spool import RESERVE

    words = " ".join(PAGE.split())
    receiving = [kind for kind in map(connector, available()) if hasattr(kind, "inbound")]
    largest = max(kind.inbound.most_bytes for kind in receiving)
    for told in (
        f"Finished runs go after {DAYS_KEPT} days",
        f"Under {LITTLE >> 30} GiB free",
        f"under {RESERVE >> 30} GiB pushes are refused",
        f"has {GRACE.seconds} seconds to end",
        f"must pass bodies of {largest >> 20} MB",
    ):
        assert told in words, told
