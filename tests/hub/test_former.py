"""A database that is missing beside what a former hub left is refused, and so is a key; neither is replaced."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from plain import record, write_page
from registries import PLAIN
from sqlalchemy import text

from hub.clock import SetClock
from hub.errors import AdminMustAct
from hub.former import settle_log
from hub.people import Actor
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.spool import Pushed, Spool
from hub.wiring import Hub, open_hub


def _key(data: Path) -> None:
    (data / "secret.key").write_bytes(b"k" * 32)


def _picture(data: Path) -> None:
    (data / "images" / "2026").mkdir(parents=True)
    (data / "images" / "2026" / "one").write_bytes(b"a picture")


def _push(data: Path) -> None:
    spool = Spool(data / "inbox", reserve=0)
    spool.put(Pushed("feed", 1, 1, "application/json", b"{}"))
    spool.close()


def _lease(data: Path) -> None:
    (data / "leases").mkdir()
    (data / "leases" / "lease-purge").touch()


def _log(data: Path) -> None:
    (data / "alprhub-audit.sqlite3").touch()


@pytest.fixture
def ready() -> bool:
    """Every database here begins empty."""
    return False


@pytest.mark.parametrize(
    ("left", "named"),
    [(_key, "its key (secret.key)"), (_picture, "pictures (images)"), (_push, "pushes that wait (inbox)"),
     (_lease, "what was under way (leases)"), (_log, "its audit log (alprhub-audit.sqlite3)")],
)  # fmt: skip
def test_an_empty_database_beside_what_a_former_hub_left_is_refused_and_nothing_is_made(
    settings: HubSettings, left: Callable[[Path], None], named: str
) -> None:
    settings.data.mkdir()
    left(settings.data)
    before = sorted(settings.data.iterdir())
    with pytest.raises(AdminMustAct) as refused, open_hub(settings):
        pass
    said = str(refused.value)
    assert "is missing or empty" in said
    assert named in said
    assert "alprhub init" in said
    assert sorted(settings.data.iterdir()) == before
    store = Store(settings.url())
    with store.read() as connection, pytest.raises(Exception, match="alembic_version"):
        connection.execute(text("SELECT * FROM alembic_version"))
    store.close()


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_file_of_nothing_is_no_database_either(settings: HubSettings) -> None:
    settings.data.mkdir()
    _key(settings.data)
    (settings.data / "alprhub.sqlite3").touch()
    with pytest.raises(AdminMustAct, match="is missing or empty"), open_hub(settings):
        pass


def test_a_first_start_that_was_killed_anywhere_is_begun_again(
    settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables come before everything that tells of a hub."""

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    for where in ("hub.wiring.ready", "hub.wiring.Vault.of_settings", "hub.wiring.Parts"):
        with monkeypatch.context() as killed:
            killed.setattr(where, dies)
            with pytest.raises(KeyboardInterrupt), open_hub(settings):
                pass
    with open_hub(settings) as hub:
        assert hub.connections.accounts.list() == []


def test_a_restore_that_was_cut_short_is_no_hub(settings: HubSettings) -> None:
    (settings.data / "restoring").mkdir(parents=True)
    with pytest.raises(AdminMustAct, match="holds a restore that is under way or was cut short"), open_hub(settings):
        pass


@pytest.fixture
def without_key(settings: HubSettings, clock: SetClock, plain_vendor: None, actor: Actor, tmp_path: Path) -> Path:
    """The key file of a hub with sealed secrets, which is somewhere else now."""
    folder = tmp_path / "feed"
    folder.mkdir()
    write_page(folder, 1, [record(1, "9SYN001", "2026-06-01T11:00:00Z")])
    with open_hub(settings, clock, registry=PLAIN) as hub:
        hub.connections.accounts.add(actor, "feed", "plain", {"folder": str(folder)})
    key = settings.data / "secret.key"
    key.rename(tmp_path / "kept-apart")
    return key


def test_a_lost_key_is_told_and_no_other_is_made(
    settings: HubSettings, clock: SetClock, actor: Actor, without_key: Path, tmp_path: Path
) -> None:
    with open_hub(settings, clock, registry=PLAIN) as hub:
        told = rf"the key file '{without_key}' is not there, and the secrets of feed are sealed"
        with pytest.raises(AdminMustAct, match=told):
            hub.ingest.sync.run(actor, "feed")
        with pytest.raises(AdminMustAct, match=told):
            hub.connections.accounts.add(actor, "other", "plain", {"folder": str(tmp_path / "feed")})
        with pytest.raises(AdminMustAct, match=told):
            hub.connections.sealing.reseal(actor)
        (shown,) = [one for one in hub.connections.health.all() if one.connection == "feed"]
        assert "secrets_closed" in [card.code for card in shown.cards]
    assert not without_key.exists()


def test_a_key_that_is_back_opens_again_without_a_new_start(
    settings: HubSettings, clock: SetClock, actor: Actor, without_key: Path, tmp_path: Path
) -> None:
    with open_hub(settings, clock, registry=PLAIN) as hub:
        (tmp_path / "kept-apart").rename(without_key)
        assert hub.ingest.sync.run(actor, "feed").stored == 1


def test_who_enters_the_secrets_anew_gets_a_new_key(
    settings: HubSettings, clock: SetClock, actor: Actor, without_key: Path
) -> None:
    with open_hub(settings, clock, registry=PLAIN) as hub:
        hub.connections.changes.rotate(actor, "feed", {"api_key": "plain-secret-key"})
        assert hub.ingest.sync.run(actor, "feed").stored == 1
    assert without_key.stat().st_mode & 0o777 == 0o600


def test_a_hub_without_secrets_gets_its_key(opened: Hub) -> None:
    assert len((opened.settings.data / "secret.key").read_bytes()) == 32


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_an_audit_log_that_is_lost_is_told_and_no_other_is_begun_unasked(settings: HubSettings) -> None:
    named = HubSettings(data=settings.data, agency="Example PD", profile="hermosa-beach")
    with open_hub(named):
        pass
    log = settings.data / "alprhub-audit.sqlite3"
    for path in settings.data.glob(f"{log.name}*"):
        path.unlink()
    with pytest.raises(AdminMustAct, match=rf"the audit log '{log}' is missing beside its database"), open_hub(named):
        pass
    assert not log.exists()
    log.touch(mode=0o600)
    with open_hub(named) as hub:
        assert hub.agency == "Example PD"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_an_audit_log_is_lost_too_where_the_first_event_of_all_still_waits(
    settings: HubSettings, clock: SetClock, actor: Actor
) -> None:
    """What waits there was carried, and searches after it were in the log alone."""
    with open_hub(settings, clock) as hub:
        hub.audit.record(actor, "test.alone", "done")
    with closing(Store(settings.url())) as store, store.read() as connection:
        assert connection.scalar(text("SELECT min(id) FROM audit_waiting")) == 1
    log = settings.data / "alprhub-audit.sqlite3"
    for path in settings.data.glob(f"{log.name}*"):
        path.unlink()
    with pytest.raises(AdminMustAct, match="is missing beside its database"), open_hub(settings, clock):
        pass
    assert not log.exists()


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_first_start_that_was_killed_before_it_noted_its_audit_log_goes_on(
    settings: HubSettings, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("hub.store.engine.make", "hub.former._note_log"):
        with monkeypatch.context() as killed:
            killed.setattr(name, dies)
            with pytest.raises(KeyboardInterrupt), open_hub(settings, clock):
                pass
    with open_hub(settings, clock) as hub, hub.store.read() as connection:
        assert connection.scalar(text("SELECT value FROM counters WHERE name = 'audit_log_begun'")) == 1


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_who_opens_a_hub_waits_for_nobody_to_note_its_audit_log(
    settings: HubSettings, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_hub(settings, clock) as hub:
        with hub.store.write() as connection:
            connection.execute(text("DELETE FROM counters WHERE name = 'audit_log_begun'"))
        monkeypatch.setattr("hub.former.NOTE_S", 0.0)
        with closing(Store(settings.url())) as other, hub.store.write():
            settle_log(other)
        with closing(Store(settings.url())) as other, other.read() as connection:
            noted = text("SELECT count(*) FROM counters WHERE name = 'audit_log_begun'")
            assert connection.scalar(noted) == 0
            settle_log(hub.store)
        with hub.store.read() as connection:
            assert connection.scalar(noted) == 1


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_hub_whose_disk_takes_nothing_now_is_opened_and_notes_its_audit_log_the_next_time(
    settings: HubSettings, clock: SetClock
) -> None:
    with open_hub(settings, clock) as hub:
        with hub.store.write() as connection:
            connection.execute(text("DELETE FROM counters WHERE name = 'audit_log_begun'"))
            full = "CREATE TRIGGER full BEFORE INSERT ON counters BEGIN SELECT raise(ABORT, 'disk is full'); END"
            connection.execute(text(full))
        settle_log(hub.store)
        with hub.store.write() as connection:
            connection.execute(text("DROP TRIGGER full"))
        settle_log(hub.store)
        with hub.store.read() as connection:
            assert connection.scalar(text("SELECT value FROM counters WHERE name = 'audit_log_begun'")) == 1


@pytest.mark.timeout(30)
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_nor_for_a_program_that_is_none_of_the_hubs_and_locks_its_file(
    settings: HubSettings, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.former.NOTE_S", 0.05)
    with open_hub(settings, clock) as hub:
        with hub.store.write() as connection:
            connection.execute(text("DELETE FROM counters WHERE name = 'audit_log_begun'"))
        with closing(sqlite3.connect(settings.data / "alprhub.sqlite3", isolation_level=None)) as outside:
            outside.execute("BEGIN IMMEDIATE")
            settle_log(hub.store)  # it would be a minute
            outside.execute("ROLLBACK")
        settle_log(hub.store)
        with hub.store.write() as connection:
            assert connection.scalar(text("PRAGMA busy_timeout")) == 60_000, "others wait as always"
            assert connection.scalar(text("SELECT value FROM counters WHERE name = 'audit_log_begun'")) == 1


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_nobody_is_told_to_begin_a_hub_where_one_was(settings: HubSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.data.mkdir(exist_ok=True)
    _key(settings.data)
    for name in [name for name in os.environ if name.startswith("ALPRHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ALPRHUB_DATA", str(settings.data))
    with pytest.raises(AdminMustAct, match="is missing or empty, and a former hub left its key"), open_hub():
        pass
