"""A hub's schema is changed by `alprhub migrate` alone; the door refuses one that is not its own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from hub.clock import SetClock
from hub.errors import AdminMustAct, Busy
from hub.migrating import Migrating, opened
from hub.people import Actor
from hub.settings import HubSettings
from hub.store import partitions, schema
from hub.store.engine import Store
from hub.wiring import open_hub

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEHIND = ["0012", "0013", "0014", "0015"]


def back_to(settings: HubSettings, revision: str) -> Store:
    """A hub's database as an earlier version left it."""
    with open_hub(settings, SetClock(NOW)):
        pass
    store = Store(settings.url())
    config = schema._config()
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    return store


def revision_of(store: Store) -> Any:
    with store.read() as connection:
        return connection.scalar(text("SELECT version_num FROM alembic_version"))


def test_no_command_but_migrate_changes_the_schema_of_an_earlier_version(settings: HubSettings) -> None:
    store = back_to(settings, "0011")
    with pytest.raises(AdminMustAct, match=r"earlier version \(revision 0011, .*alprhub migrate"), open_hub(settings):
        pass
    assert revision_of(store) == "0011"
    store.close()


def test_each_step_is_a_transaction_of_its_own_and_is_told_once_it_is_kept(settings: HubSettings) -> None:
    store = back_to(settings, "0011")
    kept = []
    Migrating(store, SetClock(NOW)).migrate(
        Actor("chief"), lambda step: kept.append((step.revision, revision_of(store), bool(step.what)))
    )
    assert [revision for revision, _, _ in kept][: len(BEHIND)] == BEHIND
    assert all(told == found and says for told, found, says in kept)
    store.close()
    with open_hub(settings) as hub:
        (event,) = [one for one in hub.audit.events() if one["action"] == "hub.migrate"]
        assert (event["actor"], event["detail"]["revisions"][: len(BEHIND)]) == ("chief", BEHIND)


def test_a_step_that_fails_leaves_those_before_it_and_the_next_call_goes_on(
    settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = back_to(settings, "0011")
    real = schema.step

    def fails_at(connection: Any, revision: str) -> str:
        said = real(connection, revision)
        if revision == "0013":
            raise OSError("no space left on device")
        return said

    with monkeypatch.context() as broken:
        broken.setattr("hub.migrating.step", fails_at)
        with pytest.raises(OSError, match="no space"):
            Migrating(store, SetClock(NOW)).migrate(Actor("tester"))
    assert revision_of(store) == "0012"
    steps = Migrating(store, SetClock(NOW)).migrate(Actor("tester"))
    assert [step.revision for step in steps][:3] == BEHIND[1:]
    store.close()


def test_only_one_process_migrates_at_a_time(settings: HubSettings) -> None:
    store = back_to(settings, "0011")
    with store.lease("migrate"), pytest.raises(Busy, match="the database is being brought to this version by another"):
        Migrating(store, SetClock(NOW)).migrate(Actor("tester"))
    assert revision_of(store) == "0011"
    store.close()


def test_a_database_that_is_current_is_left_alone_and_nothing_is_on_record(settings: HubSettings) -> None:
    with open_hub(settings, SetClock(NOW)):
        pass
    with opened(settings, SetClock(NOW)) as database:
        assert database is not None
        assert database.missing() == []
        assert database.migrate(Actor("tester")) == []
    with open_hub(settings) as hub:
        assert "hub.migrate" not in [event["action"] for event in hub.audit.events()]


def test_one_of_a_newer_version_is_not_migrated(settings: HubSettings) -> None:
    with open_hub(settings) as hub, hub.store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of-tomorrow'"))
    with opened(settings) as database:
        assert database is not None
        with pytest.raises(AdminMustAct, match=r"this alprhub .* is older than the hub: .*revision of-tomorrow"):
            database.migrate(Actor("tester"))


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_who_reads_a_table_that_a_step_needs_is_not_waited_for_for_ever(
    settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = back_to(settings, "0011")
    monkeypatch.setattr(schema, "LOCK", "50ms")
    with store._reader.connect() as reader, reader.begin():
        reader.execute(text("SELECT * FROM connections"))
        told = r"the step to revision 0012 was not taken.*end what runs .*repeat alprhub migrate"
        with pytest.raises(Busy, match=told):
            Migrating(store, SetClock(NOW)).migrate(Actor("tester"))
    assert revision_of(store) == "0011"
    Migrating(store, SetClock(NOW)).migrate(Actor("tester"))
    assert schema.standing(store).state == "current"
    store.close()


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_a_statement_of_a_step_has_its_time(settings: HubSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    store = back_to(settings, "0011")

    def slow(connection: Any, revision: str) -> str:
        done = schema.step(connection, revision)
        connection.execute(text("SELECT pg_sleep(60)"))
        return done

    monkeypatch.setattr(schema, "STATEMENT", "50ms")
    monkeypatch.setattr("hub.migrating.step", slow)
    with pytest.raises(Busy, match="a statement took longer than it may"):
        Migrating(store, SetClock(NOW)).migrate(Actor("tester"))
    assert revision_of(store) == "0011"
    store.close()


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_opening_a_hub_waits_for_nobody_to_make_its_months(
    settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month that is not made is no reason to keep somebody from searching, nor to have all readers wait."""
    monkeypatch.setattr(partitions, "LOCK", "50ms")
    later = NOW + timedelta(days=120)
    with open_hub(settings, SetClock(NOW)) as hub, hub.store.read() as reader:
        reader.execute(text("SELECT * FROM reads"))
        with open_hub(settings, SetClock(later)) as other:
            assert other.store.in_months
            assert not partitions.has_month(other.store, later)
    with open_hub(settings, SetClock(later)) as hub:
        assert partitions.has_month(hub.store, later)


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_opening_a_hub_alters_no_table_while_the_running_month_stands_ready(settings: HubSettings) -> None:
    with open_hub(settings, SetClock(NOW)):
        pass
    with open_hub(settings, SetClock(NOW + timedelta(days=35))) as hub, hub.store.read() as connection:
        assert partitions.months_of(connection)[-1] == "reads_2026_08", "the job of the night makes the next"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_lost_audit_log_is_not_begun_anew_by_a_migration(settings: HubSettings) -> None:
    with open_hub(settings.model_copy(update={"agency": "Example PD"}), SetClock(NOW)) as hub:
        with hub.store.write() as connection:
            hub.audit.record(Actor("chief"), "test.one", "done", within=connection)
        last = revision_of(hub.store)
    store = Store(settings.url())
    config = schema._config()
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")
    for path in settings.data.glob("alprhub-audit*"):
        path.unlink()
    with pytest.raises(AdminMustAct, match="is missing beside its database"):
        Migrating(store, SetClock(NOW)).migrate(Actor("chief"))
    assert not list(settings.data.glob("alprhub-audit*"))
    assert revision_of(store) == f"{int(last) - 1:04}"
    store.close()
