"""The doctor sees what is wrong with a hub, says what to do, and changes nothing."""

import shutil
import sqlite3
from base64 import b64encode
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from plain import record, write_page
from pydantic import SecretStr
from sqlalchemy import text

from hub.audit.actions import Act, Outcome
from hub.audit.log import Log
from hub.backups.backup import back_up
from hub.clock import SetClock
from hub.doctor.doctor import examine
from hub.doctor.finding import Finding
from hub.errors import AdminMustAct
from hub.people import Actor
from hub.settings import HubSettings
from hub.store import schema
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.spool import Pushed, Spool
from hub.trusted_clock import TrustedClock
from hub.wiring import Hub, open_hub

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ACTOR = Actor("tester")
AT = "2026-06-01T11:00:00Z"
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


@pytest.fixture
def whole(opened: Hub, feed: Path) -> Hub:
    """A hub with two reads that have a picture each, whose clock was trusted."""
    write_page(feed, 1, [record(n, f"9SYN00{n}", AT, picture=f"picture {n}") for n in (1, 2)])
    opened.ingest.sync.run(ACTOR, "feed", NOW - timedelta(days=1))
    TrustedClock(opened.store, SetClock(NOW))
    return opened


def seen(settings: HubSettings, now: datetime = NOW, every: bool = True) -> dict[str, Finding]:
    return {one.code: one for one in examine(settings, clock=SetClock(now), every=every)}


def bad(settings: HubSettings, now: datetime = NOW) -> dict[str, str]:
    return {code: one.grade for code, one in seen(settings, now).items() if one.grade != "ok" and code != "backup"}


def picture_of(hub: Hub) -> Path:
    key = next(iter(hub.ingest.images.stored()))
    return hub.settings.data / "images" / key


def test_a_hub_that_is_well_has_every_check_and_nothing_to_say(whole: Hub, settings: HubSettings) -> None:
    found = seen(settings)
    assert bad(settings) == {}
    assert {
        "settings",
        "rights",
        "disk",
        "database",
        "schema",
        "left",
        "clock",
        "key",
        "pictures",
        "traces",
        "runs",
    } <= (found.keys())
    assert found["pictures"].said.startswith("Of 2 pictures looked at, all are there")
    assert seen(settings, every=False)["pictures"].said.startswith("Of 2 pictures looked at (a sample")


def test_it_changes_nothing(whole: Hub, settings: HubSettings) -> None:
    def state() -> Any:
        with whole.store.read() as connection:
            runs = connection.scalar(text("SELECT count(*) FROM job_runs"))
        return (
            runs,
            len(whole.audit.events()),
            sorted(path for path in settings.data.rglob("*") if "sqlite3-" not in path.name),
        )

    before = state()
    seen(settings)
    assert state() == before


def test_pictures_that_are_missing_changed_or_nobodys_are_found(whole: Hub, settings: HubSettings) -> None:
    picture_of(whole).write_bytes(b"another")
    whole.ingest.images.put("2026/07/02/nobodys", b"x")
    assert bad(settings) == {"pictures_changed": "wrong", "pictures_without_read": "look"}
    picture_of(whole).unlink()
    assert bad(settings) == {"pictures_missing": "wrong", "pictures_without_read": "look"}


@on_sqlite
def test_a_damaged_database_is_found_also_where_it_does_not_open(whole: Hub, settings: HubSettings) -> None:
    whole.store.squeeze()
    whole.store.close()
    file = settings.data / "alprhub.sqlite3"
    body = bytearray(file.read_bytes())
    body[8192:] = b"\xff" * (len(body) - 8192)
    file.write_bytes(bytes(body))
    assert bad(settings)["database"] == "wrong"
    file.write_bytes(b"no database at all " * 1000)
    found = seen(settings)
    assert found["database"].grade == found["schema"].grade == "wrong"
    assert "alprhub restore" in found["database"].command


def test_a_server_that_is_away_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    away = HubSettings(data=tmp_path / "data", database_url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"))
    told = [found for found in examine(away, clock=SetClock(NOW)) if "could not be looked at" in found.said]
    assert len(told) == 1
    assert told[0].code == "database"


def test_a_schema_of_another_version_is_found(settings: HubSettings) -> None:
    with open_hub(settings, SetClock(NOW)):
        pass
    store = Store(settings.url())
    config = schema._config()
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0013")
    found = seen(settings)["schema"]
    assert (found.grade, found.command) == ("wrong", "alprhub migrate")
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of-tomorrow'"))
    assert "Install the newer alprhub" in seen(settings)["schema"].do
    store.close()


def test_a_database_that_is_missing_beside_its_key_is_found(settings: HubSettings) -> None:
    settings.data.mkdir(exist_ok=True, mode=0o700)
    for path in settings.data.glob("alprhub*"):
        path.unlink()
    (settings.data / "secret.key").write_bytes(b"k" * 32)
    (settings.data / "secret.key").chmod(0o600)
    if settings.database_url is not None:
        store = Store(settings.url())
        with store.write() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        store.close()
    found = seen(settings)["schema"]
    assert found.grade == "wrong"
    assert "a former hub left its key (secret.key)" in found.said
    assert not (settings.data / "alprhub.sqlite3").exists()


def test_a_lost_key_and_another_ones_key_are_found(whole: Hub, settings: HubSettings) -> None:
    key = settings.data / "secret.key"
    key.write_bytes(b"z" * 32)
    found = seen(settings)["key"]
    assert (found.grade, "does not open the secrets of feed" in found.said, str(key) in found.said) == (
        "wrong",
        True,
        True,
    )
    key.unlink()
    found = seen(settings)["key"]
    assert (found.grade, "the secrets of feed are sealed under" in found.said) == ("wrong", True)
    assert not key.exists()
    key.write_bytes(b"z")
    key.chmod(0o600)
    assert "has 1 byte, and a key has 32" in seen(settings)["key"].said


def test_what_others_can_look_into_is_found(whole: Hub, settings: HubSettings) -> None:
    (settings.data / "secret.key").chmod(0o640)
    found = seen(settings)["rights"]
    assert (found.grade, "secret.key" in found.said) == ("wrong", True)
    assert found.command == f"chmod -R go-rwx {settings.data}"
    assert (settings.data / "secret.key").stat().st_mode & 0o777 == 0o640, "it only says so"


def test_it_leaves_the_rights_of_a_key_file_alone_whatever_key_is_in_it(whole: Hub, settings: HubSettings) -> None:
    key = settings.data / "secret.key"
    for body in (b"z" * 32, b"z", key.read_bytes()):
        key.write_bytes(body)
        key.chmod(0o644)
        seen(settings)
        assert key.stat().st_mode & 0o777 == 0o644
    sealed = SecretStr(b64encode(b"y" * 32).decode())
    seen(settings.model_copy(update={"secret_key": sealed}))
    assert key.stat().st_mode & 0o777 == 0o644


def test_a_clock_in_doubt_is_found(whole: Hub, settings: HubSettings) -> None:
    assert bad(settings, NOW + timedelta(days=30))["clock"] == "wrong"
    assert bad(settings, NOW - timedelta(days=30))["clock"] == "wrong"


def test_little_room_is_found(whole: Hub, settings: HubSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage(settings.data)
    for free, grade in ((3 << 30, "look"), (1 << 30, "wrong")):
        monkeypatch.setattr("hub.doctor.places.disk_usage", lambda _, free=free: real._replace(free=free))
        assert seen(settings)["disk"].grade == grade


def test_what_was_cut_short_is_found_wherever_it_lies(whole: Hub, settings: HubSettings, tmp_path: Path) -> None:
    spool = Spool(settings.data / "inbox", reserve=0)
    spool.put(Pushed("feed", 1, to_micros(NOW), "application/json", b"[]"))
    spool.close()
    (settings.data / "inbox" / "0000000000000007.broken").write_bytes(b"x")
    (settings.data / ".export.zip.1-1.part").touch()
    drop = tmp_path / "drop"
    (drop / "hotlists").mkdir(parents=True)
    (drop / "hotlists" / ".list.csv.1-1.part").touch()
    with whole.store.write() as connection:
        told = '{"place": "' + str(drop) + '"}'
        connection.execute(text("UPDATE connections SET settings = :told"), {"told": told})
        connection.execute(
            text(
                "INSERT INTO job_runs (job, runner, started_at, alive_at, outcome) "
                "VALUES ('purge', 'x', 1, 1, 'running')"
            )
        )
    assert bad(settings) == {
        "pushes_wait": "look", "set_aside": "wrong", "left": "look", "left_in_drop": "look", "runs": "look",
    }  # fmt: skip
    assert ".list.csv.1-1.part" in seen(settings)["left_in_drop"].said


@on_sqlite
def test_what_is_under_way_is_told(whole: Hub, settings: HubSettings) -> None:
    with whole.store.lease("purge"):
        assert "purge (since" in seen(settings)["under_way"].said
    assert "under_way" not in seen(settings)


@on_sqlite
def test_what_was_purged_and_is_still_in_the_file_is_found_and_an_encrypted_disk_is_told(
    whole: Hub, settings: HubSettings, clock: SetClock
) -> None:
    clock.advance(timedelta(days=31))
    whole.retention.expired.purge(ACTOR)
    found = seen(settings, NOW + timedelta(days=31))["traces"]
    assert found.grade == "look"
    assert "1 certificate waits for it" in found.said
    encrypted = settings.model_copy(update={"disk_encrypted": True})
    assert "says that the disk is encrypted" in seen(encrypted)["traces"].said


@on_sqlite
def test_backups_are_too_old_or_hold_what_is_over(whole: Hub, settings: HubSettings, tmp_path: Path) -> None:
    assert seen(settings)["backup"].said == "No backup is on record."
    back_up(whole, ACTOR, tmp_path / "kept")
    assert seen(settings)["backup"].grade == "ok"
    assert seen(settings, NOW + timedelta(days=8))["backup"].grade == "look"
    assert "it holds reads whose time is up" in seen(settings, NOW + timedelta(days=31))["backup"].said


def test_a_variable_that_is_no_setting_is_found(
    whole: Hub, settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPRHUB_SERVICE_PORT", "1")
    assert "ALPRHUB_SERVICE_PORT" in seen(settings)["settings"].said


@on_sqlite
def test_a_check_that_cannot_be_made_is_told_and_ends_no_other(
    whole: Hub, settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr("hub.doctor.kept.of_pictures", refuses)
    found = seen(settings)
    assert found["pictures"].said.startswith("This could not be looked at: the file '/somewhere' may not be opened")
    assert found["backup"].said == "No backup is on record."


@on_sqlite
def test_a_lost_audit_log_is_found_each_time_and_no_other_is_made(settings: HubSettings) -> None:
    with open_hub(settings.model_copy(update={"agency": "Example PD"}), SetClock(NOW)) as hub, hub.store.write() as one:
        hub.audit.record(ACTOR, "test.one", "done", within=one)
    log = settings.data / "alprhub-audit.sqlite3"
    for path in settings.data.glob(f"{log.name}*"):
        path.unlink()
    for _ in range(2):
        assert "is not there: who asked for what" in seen(settings)["audit_log"].said
        assert not log.exists()
        with pytest.raises(AdminMustAct, match="is missing beside its database"), open_hub(settings, SetClock(NOW)):
            pass


@on_sqlite
def test_an_audit_log_that_is_empty_damaged_or_can_be_changed_is_found_and_left_as_it_is(
    whole: Hub, settings: HubSettings
) -> None:
    log = settings.data / "alprhub-audit.sqlite3"
    whole.store.close()
    body = log.read_bytes()

    def tried(said: str) -> None:
        lies = log.read_bytes()
        found = seen(settings)["audit_log"]
        assert found.grade == "wrong"
        assert said in found.said
        assert "the database beside it stays as it is" in found.do
        assert log.read_bytes() == lies
        assert "database" in seen(settings)

    with closing(sqlite3.connect(log)) as connection:
        connection.execute("DROP TRIGGER audit_no_delete")
    tried("is not as alprhub made it: audit_no_delete, missing or changed")
    log.write_bytes(b"")
    tried("is empty")
    log.write_bytes(b"no database at all " * 1000)
    tried("is damaged")
    log.write_bytes(body)
    assert "audit_log" not in seen(settings)


@on_sqlite
def test_it_carries_no_event_that_waits_and_sees_a_backup_that_does(
    whole: Hub, settings: HubSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def lies() -> int:
        with whole.store.read_log() as connection:
            return connection.scalar(text("SELECT count(*) FROM audit_events")) or 0

    with monkeypatch.context() as put_off:
        put_off.setattr(Log, "_carry_now", lambda _: None)
        with whole.store.write() as connection:
            whole.audit.record(ACTOR, Act.HUB_BACKUP, Outcome.DONE, target="/kept", within=connection)
    before = lies()
    assert "(/kept)" in seen(settings)["backup"].said
    assert lies() == before


def test_an_index_or_a_trigger_that_somebody_dropped_or_changed_is_found(whole: Hub, settings: HubSettings) -> None:
    trigger = "audit_no_change" if whole.store.is_sqlite else "audit_append_only"
    with whole.store.write() as connection:
        connection.execute(text("DROP INDEX ix_reads_expires_at"))
        if whole.store.is_sqlite:
            connection.execute(text(f"DROP TRIGGER {trigger}"))
            empty = f"CREATE TRIGGER {trigger} BEFORE UPDATE ON audit_waiting BEGIN SELECT 1; END"
            connection.execute(text(empty))
        else:
            connection.execute(text(f"ALTER TABLE audit_events DISABLE TRIGGER {trigger}"))
    found = seen(settings)["schema_parts"]
    assert found.grade == "wrong"
    assert "ix_reads_expires_at" in found.said
    assert trigger in found.said
    assert seen(settings)["schema"].grade == "ok"
