"""An import of a hot list takes short turns, and is in force as a whole from one instant on, or never."""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from happenings import happenings
from plain import record, write_page
from sqlalchemy import Table, event, text

import hub.hotlists.importing as importing
import hub.hotlists.lists as lists
from hub.audit.record import Audit
from hub.clock import SetClock
from hub.errors import Busy, Faults, NotFound, Stopped
from hub.hotlists.lists import Hotlists, Imported, NewEntry
from hub.jobs.catalogue import Catalogue
from hub.jobs.record import JobRuns
from hub.people import Actor
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.wiring import Hub, open_hub

AT = "2026-06-01T11:00:00Z"
sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
processes = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "STEP", 10)
    monkeypatch.setattr(importing, "BATCH", 10)


def some(first: int, last: int, reason: str = "stolen") -> list[NewEntry]:
    return [NewEntry(f"9SYN{number:04}", reason, "26-1", "US-CA") for number in range(first, last)]


def force(hub: "Hub | Bare") -> dict[str, str]:
    """The plates in force on the list, each with its reason; nothing where there is no list."""
    try:
        return {entry.plate: entry.reason for entry in hub.hotlists.lists.in_force("wanted")[1]}
    except NotFound:
        return {}


def rows(hub: "Hub | Bare", sql: str) -> Any:
    with hub.store.read() as connection:
        return connection.scalar(text(sql))


OLD = {f"9SYN{number:04}": "stolen" for number in range(40)}
NEW = {f"9SYN{number:04}": "stolen" if number < 30 else "sought" for number in range(20, 60)}


def replaced(hub: "Hub | Bare", actor: Actor, **more: Any) -> Imported:
    """Ten entries that stay, ten with another reason, twenty new ones, and twenty that go."""
    return hub.hotlists.lists.load(actor, "wanted", [*some(20, 30), *some(30, 60, "sought")], complete=True, **more)


def test_until_all_of_it_is_in_force_the_list_is_as_it_was(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.hotlists.lists.load(actor, "wanted", some(0, 40))
    seen, pages = [], iter(range(1, 100))

    def look(*_: Any) -> None:
        seen.append(force(opened))
        number = next(pages)  # a read of an entry that comes, and one of an entry that goes
        said = [
            record(2 * number, "9SYN0050", AT, state="us-ca"),
            record(2 * number + 1, "9SYN0001", AT, state="us-ca"),
        ]
        write_page(feed, number, said)
        assert opened.ingest.sync.run(actor, "feed").hits == 1

    done = replaced(opened, actor, progress=look)
    assert (done.added, done.updated, done.unchanged, done.removed) == (20, 10, 10, 20)
    assert len(seen) > 4
    assert all(one == OLD for one in seen)
    assert force(opened) == NEW
    assert rows(opened, "SELECT count(*) FROM hotlist_entries WHERE removed_at IS NULL") == 40
    assert rows(opened, "SELECT count(*) FROM hotlist_imports") == 0


def test_a_list_that_is_being_made_is_not_there_yet(opened: Hub, actor: Actor) -> None:
    seen: list[Any] = []
    opened.hotlists.lists.load(
        actor, "wanted", some(0, 40), progress=lambda *_: seen.append(opened.hotlists.lists.names())
    )
    assert seen
    assert not any(seen)
    assert opened.hotlists.lists.names() == list(opened.hotlists.lists.changes()) == ["wanted"]


def test_a_removal_beats_an_import_that_is_on_its_way(opened: Hub, actor: Actor) -> None:
    opened.hotlists.lists.load(actor, "wanted", some(0, 40))
    withdrawn = iter(["9SYN0025", "9SYN0035"])  # unchanged in the import, and with another reason

    def withdraw(what: str, done: int, _: Any) -> None:
        if what == "entries stored" and done == 20:
            for plate in withdrawn:
                opened.hotlists.lists.withdraw(actor, "wanted", plate, None, "recovered")

    replaced(opened, actor, progress=withdraw)
    assert NEW.keys() - force(opened).keys() == {"9SYN0025", "9SYN0035"}
    said = "SELECT removed_reason FROM hotlist_entries WHERE plate = '9SYN0035' AND reason = 'stolen'"
    assert rows(opened, said) == "recovered"  # and not that the import changed it


@contextmanager
def at_each_step(do: Callable[[], None]) -> Iterator[None]:
    """Do something before and behind every transaction, and before every page that is read."""
    going = [False]

    def step() -> None:
        if not going[0]:
            going[0] = True
            try:
                do()
            finally:
                going[0] = False

    def around(really: Any) -> Any:
        @contextmanager
        def stepping(*args: Any, **more: Any) -> Iterator[Any]:
            step()
            with really(*args, **more) as connection:
                yield connection
            step()

        return stepping

    def before(really: Any) -> Any:
        def stepping(*args: Any) -> Any:
            step()
            return really(*args)

        return stepping

    with pytest.MonkeyPatch.context() as patch:
        for name, wrapped in (("read", around), ("write", around), ("rows", before)):
            patch.setattr(Store, name, wrapped(getattr(Store, name)))
        yield


@sqlite
@pytest.mark.parametrize(
    "plate",
    [
        pytest.param("9SYN0025", id="unchanged", marks=pytest.mark.slow),
        pytest.param("9SYN0035", id="with another reason"),
    ],
)
def test_a_removal_at_any_step_of_an_import_beats_it(opened: Hub, actor: Actor, plate: str) -> None:
    """From the moment it has begun; and what the removal says stands on record."""
    where, steps = 0, 1
    while where < steps:
        name, seen = f"wanted {where}", [-1]
        opened.hotlists.lists.load(actor, name, some(0, 40))

        def withdraw(name: str = name, seen: list[int] = seen, where: int = where) -> None:
            with opened.store.read() as connection:
                if seen[0] < 0 and not connection.scalar(text("SELECT count(*) FROM hotlist_imports")):
                    return
            seen[0] += 1
            if seen[0] == where:
                opened.hotlists.lists.withdraw(Actor("chief"), name, plate, None, "recovered")

        with at_each_step(withdraw):
            opened.hotlists.lists.load(
                actor, name, [*some(20, 30), *some(30, 60, "sought")], complete=True, removing=20
            )
        where, steps = where + 1, seen[0] + 1
        assert plate not in {entry.plate for entry in opened.hotlists.lists.in_force(name)[1]}, where
        left = "FROM hotlist_entries JOIN hotlists h ON h.id = hotlist_id WHERE plate = :plate AND name = :name"
        with opened.store.read() as connection:
            said = connection.execute(
                text(f"SELECT removed_by, removed_reason, removed_at IS NULL {left} ORDER BY hotlist_entries.id"),
                {"plate": plate, "name": name},
            ).all()
        assert ("chief", "recovered", 0) in said, where
        assert not any(stands for _, _, stands in said), where
        assert rows(opened, "SELECT count(*) FROM hotlist_imports") == 0
    assert steps > 20


def test_a_removal_strikes_nothing_of_an_import_but_what_it_brings(opened: Hub, actor: Actor, clock: SetClock) -> None:
    """An entry of that plate that was over already is not said to be removed."""
    over = NewEntry("9SYN0001", "stolen", "26-1", "US-NY", expires_at=clock.now() + timedelta(hours=1))
    opened.hotlists.lists.load(actor, "wanted", [*some(0, 3), over])
    clock.advance(timedelta(hours=2))

    def withdraw(what: str, *_: Any) -> None:
        if what == "entries stored":
            opened.hotlists.lists.withdraw(actor, "wanted", "9SYN0001", None, "recovered")

    opened.hotlists.lists.load(actor, "wanted", some(0, 3, "sought"), progress=withdraw)
    assert sorted(force(opened)) == ["9SYN0000", "9SYN0002"]
    assert rows(opened, "SELECT removed_at FROM hotlist_entries WHERE plate_state = 'US-NY'") is None


def test_what_is_in_force_is_told_as_in_force_where_the_sweep_has_to_wait(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.hotlists.lists.load(actor, "wanted", some(0, 40))
    with monkeypatch.context() as patch:
        patch.setattr(importing, "finish", away)
        assert replaced(opened, actor).updated == 10
    assert force(opened) == NEW
    assert rows(opened, "SELECT count(*) FROM hotlist_imports") == 1
    opened.hotlists.lists.tidy()
    assert force(opened) == NEW
    assert rows(opened, "SELECT count(*) FROM hotlist_imports") == 0
    assert rows(opened, "SELECT count(*) FROM hotlist_entries WHERE removed_at IS NULL") == 40


def test_an_import_that_fails_says_why_where_the_sweep_has_to_wait(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(importing, "finish", away)
        with pytest.raises(Faults, match="reason: is missing"):
            opened.hotlists.lists.load(actor, "wanted", some(0, 1, ""))
        with pytest.raises(Busy):  # what is left would hide the list
            opened.hotlists.lists.load(actor, "wanted", some(0, 1))
    assert opened.hotlists.lists.names() == []
    opened.hotlists.lists.load(actor, "wanted", some(0, 1))
    assert opened.hotlists.lists.names() == ["wanted"]
    assert rows(opened, "SELECT count(*) FROM hotlist_imports") == 0


def away(*_: Any) -> None:
    raise Busy("the database's file is written anew by another process")


def test_the_night_sweeps_away_what_a_killed_import_has_left_and_no_import_that_goes_on(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tidy(*_: Any) -> None:
        Catalogue(opened, JobRuns(opened.store, opened.clock), lambda: None).whole("tidy").work(actor)

    with monkeypatch.context() as patch:
        patch.setattr(importing, "finish", away)
        with pytest.raises(Stopped):
            opened.hotlists.lists.load(actor, "killed", some(0, 15), progress=stop)
    assert rows(opened, "SELECT count(*) FROM hotlist_entries") == 10
    tidy()
    assert rows(opened, "SELECT count(*) FROM hotlist_entries") == rows(opened, "SELECT count(*) FROM hotlists") == 0
    opened.hotlists.lists.load(actor, "wanted", some(0, 40), progress=tidy)
    assert len(force(opened)) == rows(opened, "SELECT count(*) FROM hotlist_entries") == 40


def stop(what: str, done: int, _: Any) -> None:
    if what == "entries stored" and done:
        raise Stopped("somebody stopped it")


def test_an_import_that_ended_while_somebody_came_to_sweep_it_is_left_alone(opened: Hub, actor: Actor) -> None:
    """Whoever sweeps has seen it on its way, and got its lease when it was over."""
    seen: list[Any] = []

    def look(*_: Any) -> None:
        with opened.store.read() as connection:
            seen.extend(begun for _, begun in importing.unfinished(connection))

    opened.hotlists.lists.load(actor, "wanted", some(0, 40), progress=look)
    importing.finish(opened.store, seen[0])
    assert force(opened) == OLD


@sqlite
def test_what_is_swept_away_is_looked_for_behind_what_was_there_before(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of millions of entries is not read for the few of an import that failed."""
    asked: list[Any] = []

    def look(_c: Any, _cursor: Any, sql: str, bound: Any, *_: Any) -> None:
        if sql.startswith("SELECT hotlist_entries.id") and "import_id" in sql:
            asked.append((sql, bound))

    event.listen(opened.store._reader, "before_cursor_execute", look)
    with pytest.raises(Stopped):
        opened.hotlists.lists.load(actor, "wanted", some(0, 15), progress=stop)
    event.remove(opened.store._reader, "before_cursor_execute", look)
    ((sql, bound),) = asked
    with opened.store.read() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", bound).all()
    assert "SEARCH hotlist_entries USING INTEGER PRIMARY KEY (rowid>?)" in [row[-1] for row in plan]


def test_two_imports_into_one_list_take_turns_and_the_second_hears_of_the_first(opened: Hub, actor: Actor) -> None:
    heard: list[str] = []

    def second(*_: Any) -> None:
        if not heard:
            opened.hotlists.lists.load(actor, "other", some(0, 1))
            with pytest.raises(Busy) as busy:
                opened.hotlists.lists.load(actor, "wanted", some(0, 1))
            heard.append(str(busy.value))

    opened.hotlists.lists.load(
        actor, "wanted", some(0, 40), progress=lambda what, *_: what == "entries stored" and second()
    )
    assert heard[0].startswith("entries are being imported into the hot list wanted by another process since ")


@sqlite
def test_no_turn_of_an_import_has_more_than_some_entries(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    put = Store.insert

    def counted(store: Store, connection: Any, table: Table, columns: Any, rows: Any) -> None:
        if table.name == "hotlist_entries":
            turns.append(len(rows))
        put(store, connection, table, columns, rows)

    monkeypatch.setattr(Store, "insert", counted)
    with happenings(opened.store) as steps:
        opened.hotlists.lists.load(actor, "wanted", some(0, 40))
    assert turns == [10] * 4
    assert len(steps.like("commit normal hotlist_entries")) == 4


@sqlite
def test_a_list_that_comes_again_unchanged_costs_its_place_on_record_alone(opened: Hub, actor: Actor) -> None:
    opened.hotlists.lists.load(actor, "wanted", some(0, 40))
    with happenings(opened.store) as steps:
        assert opened.hotlists.lists.load(actor, "wanted", some(0, 40), complete=True).unchanged == 40
    begun, *kept = steps  # what begins waits for no disk, and goes with the event
    assert begun == "commit normal hotlist_imports"
    assert kept == ["commit full audit_waiting,hotlist_imports", "commit full audit_events,audit_head"]


class Bare:
    """What an import needs of a hub, opened in no time."""

    def __init__(self, settings: HubSettings, clock: SetClock) -> None:
        self.store = Store(settings.url())
        self.audit = Audit(self.store, clock)
        self.hotlists = SimpleNamespace(lists=Hotlists(self.store, self.audit, clock))


def importing_until(settings: HubSettings, clock: SetClock, dies_at: int) -> None:
    """Import, and die at a step of the writer."""
    left = [dies_at]
    hub = Bare(settings, clock)

    def step(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "commit"):
        event.listen(hub.store._writer, name, step)
    replaced(hub, Actor("victim"))
    os._exit(0)


@pytest.mark.slow
@sqlite
def test_an_import_that_is_killed_at_any_step_leaves_the_old_list_or_the_new_one(
    settings: HubSettings, clock: SetClock, tmp_path: Path, actor: Actor
) -> None:
    with open_hub(settings, clock) as hub:
        hub.hotlists.lists.load(actor, "wanted", some(0, 40))
    whole = settings.model_copy(update={"data": tmp_path / "whole"})
    shutil.copytree(settings.data, whole.data)
    alive = Bare(whole, clock)
    replaced(alive, actor)  # what was compiled here, no child needs to compile
    alive.store.close()
    dies_at, ended, met = 0, None, set()
    while ended != 0:
        dies_at += 1
        assert dies_at < 200
        data = tmp_path / f"killed-{dies_at}"
        shutil.copytree(settings.data, data)
        mine = settings.model_copy(update={"data": data})
        child = processes.Process(target=importing_until, args=(mine, clock, dies_at), daemon=True)
        child.start()
        child.join()
        ended = child.exitcode
        hub = Bare(mine, clock)
        left = force(hub)
        assert left in (OLD, NEW), dies_at
        told = [one for one in hub.audit.events() if one["actor"] == "victim" and one["outcome"] == "done"]
        assert len(told) == (left == NEW), dies_at
        met.add(left == NEW)
        hub.hotlists.lists.load(actor, "another", some(0, 1))  # what was left is tidied by the next import of any list
        assert force(hub) == left
        assert rows(hub, "SELECT count(*) FROM hotlist_imports") == 0, dies_at
        there = "SELECT count(*) FROM hotlist_entries WHERE removed_at IS NULL"
        assert rows(hub, there) == len(left) + 1, dies_at
        hub.store.close()
        shutil.rmtree(data)
    assert met == {True, False}
    assert dies_at > 15
