"""The audit log: an event by itself is durable at once, one of a transaction stands or falls with it, none doubles."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command
from happenings import happenings
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

import hub.audit.log as log_of
from hub.audit.record import Audit
from hub.clock import SetClock
from hub.errors import AdminMustAct, IntegrityBroken
from hub.people import Actor
from hub.settings import HubSettings
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import EPOCH
from hub.store.refused import refusal
from hub.store.schema import _config, upgrade
from hub.wiring import Hub, open_hub

sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
processes = multiprocessing.get_context("fork")


def told(hub: Hub) -> list[str]:
    """What is on record, the first first, but for what the opening of a hub puts there."""
    return [one["action"] for one in reversed(hub.audit.events()) if one["action"].startswith("test.")]


def waiting(hub: Hub) -> int:
    with hub.store.read() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM audit_waiting")) or 0)


def test_an_event_of_a_transaction_stands_or_falls_with_it(opened: Hub, actor: Actor) -> None:
    with suppress(ZeroDivisionError), opened.store.write() as connection:
        opened.audit.record(actor, "test.undone", "done", within=connection)
        raise ZeroDivisionError
    with opened.store.write() as connection:
        opened.audit.record(actor, "test.first", "done", within=connection)
        opened.audit.record(actor, "test.second", "done", within=connection)
    opened.audit.record(actor, "test.third", "done")
    assert told(opened) == ["test.first", "test.second", "test.third"]


def test_ids_are_in_the_order_of_what_happened_and_each_names_the_policy_in_force(opened: Hub, actor: Actor) -> None:
    for number in range(3):
        opened.audit.record(actor, f"test.{number}", "done")
        with opened.store.write() as connection:
            opened.audit.record(actor, f"test.within-{number}", "done", within=connection)
    events = opened.audit.events(6)
    assert [one["id"] for one in events] == sorted((one["id"] for one in events), reverse=True)
    assert {one["policy_id"] for one in events} == {1}
    assert told(opened) == [f"test.{kind}{n}" for n in range(3) for kind in ("", "within-")]


@sqlite
def test_the_log_is_a_file_of_its_own_that_nobody_else_may_read(opened: Hub, settings: HubSettings) -> None:
    assert opened.store.log_file == settings.data.resolve() / "alprhub-audit.sqlite3"
    for file in settings.data.glob("alprhub-audit.sqlite3*"):
        assert file.stat().st_mode & 0o077 == 0, file


@sqlite
def test_an_event_of_its_own_is_on_the_disk_before_it_is_answered(opened: Hub, actor: Actor) -> None:
    with happenings(opened.store) as steps:
        opened.audit.record(actor, "test.alone", "done")
    assert steps == ["commit full audit_events,audit_head"]


@sqlite
def test_an_event_leaves_the_database_after_the_log_has_it_on_the_disk(opened: Hub, actor: Actor) -> None:
    with happenings(opened.store) as steps:
        for _ in range(2):
            with opened.store.write() as connection:
                opened.audit.record(actor, "test.within", "done", within=connection)
    assert steps == ["commit full audit_waiting", "commit full audit_events,audit_head"] * 2
    assert waiting(opened) == 1  # it goes with the next one: nobody takes a turn for it
    assert told(opened) == ["test.within"] * 2


@sqlite
def test_nobody_takes_away_what_waits_and_is_not_in_the_log_yet(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(log_of.Log, "_carry_now", lambda _: None)  # as where a process is killed behind its commit
        with opened.store.write() as connection:
            opened.audit.record(actor, "test.first", "done", within=connection)
        with opened.store.write() as connection:
            opened.audit.record(actor, "test.second", "done", within=connection)
    assert told(opened) == ["test.first", "test.second"]


@sqlite
def test_where_the_log_cannot_be_written_a_change_is_kept_with_its_event_and_a_question_is_refused(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OperationalError("INSERT", None, sqlite3.OperationalError("database or disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(log_of.Log, "_put", full)
        with opened.store.write() as connection:
            opened.audit.record(actor, "test.kept", "done", within=connection)
        with pytest.raises(OperationalError):
            opened.audit.record(actor, "test.refused", "done")
    opened.audit.record(actor, "test.after", "done")
    assert told(opened) == ["test.kept", "test.after"]


def dying(engine: Engine, left: list[int]) -> None:
    """Have this process die at one of the steps of an engine's transactions."""

    def step(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("begin", "before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(engine, name, step)


def changing(url: str, dies_at: int) -> None:
    """Change something, and die at a step."""
    store, left = Store(url), [dies_at]
    for engine in (store._writer, store._appender, store._log_reader):
        dying(engine, left)
    change(store)
    os._exit(0)


def change(store: Store) -> None:
    """Change something three times, each with its event, beside one of its own."""
    audit = Audit(store, SetClock(EPOCH))
    for _ in range(3):
        with store.write() as connection:
            connection.execute(text("UPDATE counters SET value = value + 1 WHERE name = 'plates'"))
            audit.record(Actor("victim"), "test.changed", "done", within=connection)
    audit.record(Actor("victim"), "test.alone", "done")


@pytest.mark.slow
@sqlite
def test_whoever_is_killed_at_any_step_neither_loses_nor_doubles_an_event(
    settings: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    with open_hub(settings, clock):
        pass
    whole = settings.model_copy(update={"data": tmp_path / "whole"})
    shutil.copytree(settings.data, whole.data)
    store = Store(whole.url())
    change(store)  # what was compiled here, no child needs to compile
    store.close()
    dies_at, ended = 0, None
    while ended != 0:
        dies_at += 1
        assert dies_at < 200
        data = tmp_path / f"killed-{dies_at}"
        shutil.copytree(settings.data, data)
        mine = settings.model_copy(update={"data": data})
        child = processes.Process(target=changing, args=(mine.url(), dies_at), daemon=True)
        child.start()
        child.join()
        ended = child.exitcode
        store = Store(mine.url())
        for audit in (Audit(store, clock), Audit(store, clock)):
            with store.read() as connection:
                changes = connection.scalar(text("SELECT value FROM counters WHERE name = 'plates'"))
            events = [one["action"] for one in audit.events()]
            assert events.count("test.changed") == changes, dies_at
            assert events.count("test.alone") <= (changes == 3), dies_at
        store.close()
        shutil.rmtree(data)
    assert dies_at > 30
    assert events.count("test.alone") == 1


@sqlite
def test_events_of_an_earlier_version_are_taken_over_whole_and_in_order(
    settings: HubSettings, clock: SetClock, monkeypatch: pytest.MonkeyPatch, actor: Actor
) -> None:
    with open_hub(settings, clock) as hub:
        config = _config()
        with hub.store.write() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "0015")
            sql = (
                "INSERT INTO audit_events (at, actor, authenticated, action, detail, outcome)"
                " VALUES (1, 'x', 0, :action, '{}', 'done')"
            )
            connection.execute(text(sql), [{"action": f"test.{number:04}"} for number in range(2500)])
        upgrade(hub.store)
    with monkeypatch.context() as killed:

        def die(*_: object) -> None:
            raise ZeroDivisionError

        killed.setattr(log_of.Log, "_forget", die)  # after the first thousand are in the log
        with pytest.raises(ZeroDivisionError), open_hub(settings, clock):
            pass
    for _ in range(2):
        with open_hub(settings, clock) as hub:
            events = [one["action"] for one in hub.audit.events(5000) if one["action"].startswith("test.")]
            assert events == [f"test.{number:04}" for number in reversed(range(2500))]
            assert waiting(hub) < log_of.BATCH


@sqlite
def test_the_tables_of_the_file_have_the_columns_that_the_code_knows(opened: Hub) -> None:
    with opened.store.read_log() as connection:
        for table in tables.log_metadata.sorted_tables:
            there = [row[1] for row in connection.execute(text(f"PRAGMA table_info({table.name})"))]
            assert there == table.c.keys()


@sqlite
def test_what_waits_cannot_be_changed(opened: Hub, actor: Actor) -> None:
    with opened.store.write() as connection:
        opened.audit.record(actor, "test.within", "done", within=connection)
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text("UPDATE audit_waiting SET body = '{}'"))


@sqlite
def test_a_log_that_is_removed_under_a_process_gets_no_event_and_nothing_is_forgotten_for_it(
    opened: Hub, actor: Actor, settings: HubSettings, clock: SetClock
) -> None:
    def kept() -> list[str]:
        with opened.store.read() as connection:
            bodies = connection.scalars(text("SELECT body FROM audit_waiting ORDER BY id"))
            return [msgspec.json.decode(body)["action"] for body in bodies]

    with opened.store.write() as connection:
        opened.audit.record(actor, "test.before", "done", within=connection)
    before = kept()
    log = settings.data / "alprhub-audit.sqlite3"
    away = log.rename(settings.data / "away")
    for ask in (
        lambda: opened.audit.record(actor, "test.alone", "done"),
        opened.audit.events,
        lambda: within(opened, actor),
    ):
        with pytest.raises(AdminMustAct, match=rf"the audit log '{log}' is not there: .* Move the file itself back"):
            ask()
    assert not log.exists()
    assert kept() == before
    shutil.copyfile(away, log)  # a copy has not what the log of this process has beside it
    with pytest.raises(AdminMustAct, match="is another file than when this process began"):
        opened.audit.record(actor, "test.alone", "done")
    with pytest.raises(AdminMustAct, match="is another file than when this process began"):
        opened.audit.events()
    away.replace(log)
    within(opened, actor)
    assert told(opened) == ["test.before", "test.within"]


@sqlite
def test_a_log_that_is_removed_while_an_event_goes_into_it_does_not_have_the_event(
    opened: Hub, actor: Actor, settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, put = settings.data / "alprhub-audit.sqlite3", log_of.Log._put

    def removed(*given: Any) -> None:
        put(*given)
        log.rename(settings.data / "away")

    monkeypatch.setattr(log_of.Log, "_put", removed)
    with pytest.raises(AdminMustAct, match="is not there"):
        opened.audit.record(actor, "test.alone", "done")


def within(hub: Hub, actor: Actor) -> None:
    with hub.store.write() as connection:
        hub.audit.record(actor, "test.within", "done", within=connection)


@sqlite
def test_only_the_opening_of_a_hub_begins_a_log(settings: HubSettings, clock: SetClock) -> None:
    store = Store(settings.url())
    log = settings.data / "alprhub-audit.sqlite3"
    for ask in (lambda: Audit(store, clock).events(), lambda: Audit(store, clock).record(Actor("x"), "test.x", "done")):
        with pytest.raises(AdminMustAct, match="is not there"):
            ask()
    assert not log.exists()
    with happenings() as steps:
        store.begin_log()
    assert steps == [f"fsync folder {settings.data.name}"]
    assert Audit(store, clock).events() == []
    store.close()


@sqlite
def test_an_event_that_the_log_does_not_take_stays_where_it_waits(opened: Hub, actor: Actor) -> None:
    with opened.store.append() as connection:
        eats = (
            "CREATE TRIGGER eats BEFORE INSERT ON audit_events WHEN new.action = 'test.within'"
            " BEGIN SELECT RAISE(IGNORE); END"
        )
        connection.execute(text(eats))
    within(opened, actor)
    with pytest.raises(IntegrityBroken, match="took 1 of 2 events"):
        opened.audit.record(actor, "test.alone", "done")
    with opened.store.append() as connection:
        connection.execute(text("DROP TRIGGER eats"))
    assert told(opened) == ["test.within"]


@sqlite
def test_a_change_waits_little_for_the_log_and_is_done_whatever_the_log_says(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with opened.store._turns.take("audit", "stopped half-way"):
        within(opened, actor)
    assert "stopped half-way), and was waited for 1 s;" in caplog.text

    def fails(*_: object) -> None:
        raise ZeroDivisionError("of a kind that nobody thought of")

    with monkeypatch.context() as broken:
        broken.setattr(log_of.Log, "_put", fails)
        within(opened, actor)
    assert "of a kind that nobody thought of" in caplog.text
    assert told(opened) == ["test.within"] * 2


@sqlite
def test_a_damaged_log_is_named_and_not_the_database_beside_it(settings: HubSettings, clock: SetClock) -> None:
    with open_hub(settings, clock):
        pass
    log = settings.data / "alprhub-audit.sqlite3"
    body = log.read_bytes()
    for damaged in (b"no database at all " * 1000, body[:4096] + b"\xff" * (len(body) - 4096)):
        log.write_bytes(damaged)
        with pytest.raises(DBAPIError) as refused, open_hub(settings, clock) as hub:
            hub.audit.events()
        said, code = refusal(refused.value, settings) or ("", 0)
        assert said.startswith(f"the audit log '{log}' is damaged, and the database beside it is not: leave that")
        assert code == 70
