"""Who writes takes turns: nobody waits without end or without a word, and nobody waits who need not."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

import hub.store.vacuum as vacuum_of_a_file
from hub.errors import Busy
from hub.people import Actor, Why
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.turn import Turns
from hub.wiring import Hub

QUERY = Query(Why("stolen_vehicle", "case of a stolen car"), plates=("9SYN001",))
sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
processes = multiprocessing.get_context("fork")


def test_a_write_inside_a_write_is_refused_at_once_and_says_what_to_do(opened: Hub) -> None:
    with opened.store.write() as connection:
        with pytest.raises(RuntimeError, match="hand on the connection"), opened.store.write():
            pass
        assert connection.scalar(text("SELECT 1")) == 1
    with opened.store.write() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


@sqlite
@pytest.mark.parametrize("tidy", [Store.squeeze, lambda store: store.vacuum(1, lambda: None)])
def test_nor_is_the_file_tidied_inside_a_write(opened: Hub, tidy: Callable[[Store], object]) -> None:
    with opened.store.write(), pytest.raises(RuntimeError, match="hand on the connection"):
        tidy(opened.store)


def holding(url: str, told: Pipe) -> None:
    """Write until told to end."""
    with Store(url).write(doing="the hot list wanted is being imported"):
        told.send(os.getpid())
        told.recv()


@contextmanager
def held_elsewhere(settings: HubSettings) -> Iterator[int]:
    """The number of another process that writes meanwhile."""
    ours, theirs = processes.Pipe()
    holder = processes.Process(target=holding, args=(settings.url(), theirs), daemon=True)
    holder.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        holder.join()


def test_who_has_waited_long_enough_hears_who_writes_since_when_and_what(opened: Hub, settings: HubSettings) -> None:
    store = Store(settings.url(), patience=0.05)
    with (
        held_elsewhere(settings) as pid,
        pytest.raises(
            Busy,
            match=rf"^another process \({pid}\) has been writing to the database since \d{{4}}-\d\d-\d\d \d\d:\d\d UTC"
            r" \(the hot list wanted is being imported\); try again when it is done$",
        ),
        store.write(),
    ):
        pass
    with store.write() as connection:  # and the turn is free when the other one is over
        assert connection.scalar(text("SELECT 1")) == 1
    store.close()


def test_another_task_of_the_same_process_is_called_that(opened: Hub, settings: HubSettings) -> None:
    store = Store(settings.url(), patience=0.05)
    with (
        opened.store.write(),
        pytest.raises(Busy, match=r"^another task of this process has been writing.* UTC; try again when it is done$"),
        store.write(),
    ):
        pass
    store.close()


def test_a_question_and_its_record_wait_for_no_writer(opened: Hub, actor: Actor, settings: HubSettings) -> None:
    with held_elsewhere(settings):
        assert opened.search.reads.find(actor, QUERY).rows == []
        assert opened.audit.events(1)[0]["action"] == "reads.search"


def test_waiting_writers_starve_no_reader_and_no_audit_event(opened: Hub, actor: Actor) -> None:
    asking = threading.Barrier(16)

    def write() -> int:
        asking.wait()
        with opened.store.write() as connection:
            return int(connection.scalar(text("SELECT 1")) or 0)

    with ThreadPoolExecutor(15) as pool:
        with opened.store.write():
            waiting = [pool.submit(write) for _ in range(15)]
            asking.wait()
            for _ in range(20):
                assert opened.search.reads.find(actor, QUERY).rows == []
            assert not any(one.done() for one in waiting)
        assert [one.result() for one in waiting] == [1] * 15
    assert [event["action"] for event in opened.audit.events(20)] == ["reads.search"] * 20


@sqlite
def test_questions_are_answered_while_the_file_is_written_anew(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vacuum_of_a_file, "_STEPS", 100)
    answers = []

    def ask() -> None:
        answers.append(opened.search.reads.find(actor, QUERY).rows)

    opened.store.vacuum(1, ask)
    assert len(answers) > 1
    assert [event["action"] for event in opened.audit.events(len(answers))] == ["reads.search"] * len(answers)


def test_what_is_to_be_done_after_a_commit_is_done_once_and_not_after_an_undoing(opened: Hub) -> None:
    done: list[str] = []

    def note() -> None:
        with opened.store.write() as connection:  # the write before is over
            done.append(str(connection.scalar(text("SELECT 'noted'"))))

    with opened.store.write():
        opened.store.afterwards(note)
        opened.store.afterwards(note)
        assert done == []
    assert done == ["noted"]
    with suppress(ZeroDivisionError), opened.store.write():
        opened.store.afterwards(note)
        raise ZeroDivisionError
    with opened.store.write():
        pass
    assert done == ["noted"]


def test_a_holder_that_comes_back_at_once_stands_behind_whoever_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, order = Turns(tmp_path, 60, lambda: UTC), list[str]()
    waits, go_on, sleep = threading.Event(), threading.Event(), time.sleep

    def sleeping(seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():
            go_on.set()  # the holder that came back waits now
            sleep(seconds)
        else:
            waits.set()
            assert go_on.wait(60)

    def wait_for_the_turn() -> None:
        with turns.take("writer"):
            order.append("who waited")

    monkeypatch.setattr("hub.store.turn.time", SimpleNamespace(sleep=sleeping, monotonic=time.monotonic))
    with turns.take("writer"):
        waiting = threading.Thread(target=wait_for_the_turn)
        waiting.start()
        assert waits.wait(60)
    with turns.take("writer"):
        order.append("who came back")
        go_on.set()
    waiting.join(60)
    assert order == ["who waited", "who came back"]
