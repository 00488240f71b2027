"""The next page is fetched and read while the last one is kept: in order, one ahead, and nothing left behind."""

import threading
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from plain import PlainConnector, record, write_page
from sqlalchemy import text

from connectors.contract import Page
from connectors.errors import TryAgain
from hub.audit.record import Actor
from hub.clock import SetClock
from hub.errors import Stopped
from hub.ingest.ahead import ahead
from hub.store import saving
from hub.wiring import Hub

AT = "2026-06-01T11:00:00Z"
SOON = 30
"""Seconds after which a test that waits for another thread has failed."""


def pulling() -> list[str]:
    """The threads that pull."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("pull-")]


def rows(hub: Hub, sql: str) -> list[Any]:
    with hub.store.read() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


@pytest.fixture
def pages(feed: Path) -> Path:
    """Three pages of one read."""
    for number in (1, 2, 3):
        write_page(feed, number, [record(number, f"7ZZZ00{number}", AT)])
    return feed


def test_a_piece_is_made_once_the_user_of_the_one_before_says_so_and_none_behind_it() -> None:
    begun = [threading.Event() for _ in range(6)]
    used = [0]
    early = []

    def make() -> Iterator[int]:
        for number in range(6):
            begun[number].set()
            early.append(number - used[0])
            yield number

    with ahead(make, "pull-test") as pieces:
        for at, number in enumerate(pieces):
            assert number == at
            assert not any(event.is_set() for event in begun[number + 1 :])
            pieces.go_on()
            pieces.go_on()
            if number < 5:
                assert begun[number + 1].wait(SOON)
            assert not any(event.is_set() for event in begun[number + 2 :])
            used[0] += 1
    assert (used, max(early), pulling()) == ([6], 1, [])


def test_whoever_asks_for_a_piece_need_not_say_so() -> None:
    with ahead(lambda: iter(range(6)), "pull-test") as pieces:
        assert list(pieces) == list(range(6))
    assert pulling() == []


def test_all_of_a_generator_runs_in_one_thread_of_its_own_with_what_its_user_knows() -> None:
    known: ContextVar[str] = ContextVar("known", default="nothing")
    known.set("the run")
    ran = []

    def make() -> Iterator[int]:
        ran.append((threading.current_thread().name, known.get()))
        try:
            yield 1
            yield 2
            yield 3
        finally:
            ran.append((threading.current_thread().name, known.get()))

    with ahead(make, "pull-test") as pieces:
        assert next(iter(pieces)) == 1
    assert ran == [("pull-test", "the run")] * 2
    assert pulling() == []


def test_a_generator_is_closed_behind_the_block_though_somebody_keeps_it() -> None:
    closed_in = []

    def make() -> Iterator[int]:
        try:
            yield from range(9)
        finally:
            closed_in.append(threading.current_thread().name)

    kept = make()
    with ahead(lambda: kept, "pull-test") as pieces:
        assert next(iter(pieces)) == 0
    assert closed_in == ["pull-test"]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_making_raises_comes_where_its_piece_would_have(kind: type[BaseException]) -> None:
    def make() -> Iterator[int]:
        yield 1
        raise kind

    came: list[int] = []
    with pytest.raises(kind), ahead(make, "pull-test") as pieces:
        came.extend(pieces)
    assert came == [1]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_whoever_interrupts_the_process_waits_for_no_piece(kind: type[BaseException]) -> None:
    goes_on = threading.Event()

    def make() -> Iterator[int]:
        yield 1
        goes_on.wait(SOON)
        yield 2

    def interrupted() -> None:
        with ahead(make, "pull-test") as pieces:
            assert next(iter(pieces)) == 1
            pieces.go_on()
            raise kind

    with pytest.raises(kind):
        interrupted()
    assert pulling() == ["pull-test"]
    goes_on.set()
    for thread in threading.enumerate():
        if thread.name == "pull-test":
            thread.join(SOON)
    assert pulling() == []


@pytest.mark.usefixtures("pages")
def test_a_page_is_fetched_while_the_one_before_is_kept_and_they_are_kept_in_order(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = [threading.Event() for _ in range(4)]
    pull, account = PlainConnector.pull, saving._account

    def watched(self: PlainConnector, window: Any) -> Iterator[Page]:
        for number, page in enumerate(pull(self, window)):
            fetched[number].set()
            yield page

    kept = []

    def waiting(*args: Any) -> None:
        kept.append(len(kept))
        assert len(kept) == 3 or fetched[len(kept)].wait(SOON)
        account(*args)

    monkeypatch.setattr(PlainConnector, "pull", watched)
    monkeypatch.setattr(saving, "_account", waiting)
    since = datetime(2026, 6, 1, 10, 30, tzinfo=UTC)
    for stored in (3, 0):  # and the same where nothing of a page is new
        assert opened.ingest.sync.run(actor, "feed", since, since + timedelta(hours=1)).stored == stored
        assert len(kept) == 3
        kept.clear()
        for event in fetched:
            event.clear()
    assert rows(opened, "SELECT vendor_read_id FROM reads ORDER BY id") == [("r1",), ("r2",), ("r3",)]
    assert pulling() == []


def test_an_error_of_the_next_page_comes_once_the_last_one_is_kept(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [record(1, "7ZZZ001", AT)])
    write_page(feed, 2, [record(2, "7ZZZ002", AT)], ".broken")
    with pytest.raises(TryAgain):
        opened.ingest.sync.run(actor, "feed")
    assert rows(opened, "SELECT vendor_read_id FROM reads") == [("r1",)]
    assert rows(opened, "SELECT outcome, stored FROM runs") == [("TryAgain", 1)]
    assert pulling() == []


@pytest.mark.usefixtures("pages")
def test_a_fault_in_keeping_ends_the_fetching_and_the_checkpoint_stands_with_the_rows(
    opened: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle, seen = saving._account, [0]

    def second_fails(*args: Any) -> None:
        seen[0] += 1
        if seen[0] == 2:
            raise RuntimeError("disk full")
        settle(*args)

    with monkeypatch.context() as broken:
        broken.setattr(saving, "_account", second_fails)
        with pytest.raises(RuntimeError):
            opened.ingest.sync.run(actor, "feed")
    assert pulling() == []
    assert rows(opened, "SELECT vendor_read_id FROM reads") == [("r1",)]
    checkpoint = msgspec.json.decode(rows(opened, "SELECT checkpoint FROM connections")[0][0])
    assert checkpoint["page"] == "page-001.json"
    assert opened.ingest.sync.run(actor, "feed").stored == 2


@pytest.mark.usefixtures("pages")
def test_a_run_that_is_stopped_leaves_no_thread(opened: Hub, actor: Actor) -> None:
    left = [2]

    def stop(_: Any) -> None:
        left[0] -= 1
        if not left[0]:
            raise Stopped("somebody stopped it")

    with pytest.raises(Stopped):
        opened.ingest.sync.run(actor, "feed", progress=stop)
    assert pulling() == []
    assert rows(opened, "SELECT outcome, stored FROM runs") == [("stopped", 1)]


@pytest.mark.usefixtures("pages")
def test_a_page_was_received_when_it_came_and_not_when_it_was_kept(
    opened: Hub, actor: Actor, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept late has lived since it came."""
    came = clock.now()
    keep = opened.ingest.sync._intake.keep

    def later(*args: Any, **more: Any) -> Any:
        assert args[1].received_at == came
        return keep(*args, **more)

    monkeypatch.setattr(opened.ingest.sync._intake, "keep", later)
    assert opened.ingest.sync.run(actor, "feed").stored == 3
