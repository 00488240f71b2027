"""Who takes pushes: known without the database, for as long as it gives no answer, and no longer than that."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event, Semaphore
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

import hub.ingest.receivers as module
from connectors.contract import Inbound
from hub.errors import AdminMustAct, NoConnector, NotFound, Removed
from hub.ingest.receivers import (
    MOST_ASKED,
    MOST_UNKNOWN,
    PATIENCE,
    REMEMBERED,
    UNKNOWN_PATIENCE,
    Paused,
    Receivers,
    Refused,
)

AWAY = OperationalError("SELECT 1", None, Exception("server closed the connection"))


class Pushed:
    """What a connector that is pushed to has."""

    inbound = Inbound()

    def verify(self, request: Any) -> None: ...
    def unpack(self, document: Any) -> list[Any]:
        return []

    def reply(self, request: Any) -> None: ...


@dataclass
class Database:
    """What is asked who takes pushes: it may fail, and it may be frozen."""

    fails: Exception | None = None
    state: str = "active"
    thaws: Event = field(default_factory=Event)
    asked: list[str] = field(default_factory=list)
    comes: Semaphore = field(default_factory=lambda: Semaphore(0))
    connector: Any = field(default_factory=Pushed)

    def open(self, name: str) -> tuple[Any, Any]:
        self.asked.append(name)
        self.comes.release()
        assert self.thaws.wait(60)
        if self.fails is not None:
            raise self.fails
        return SimpleNamespace(id=1, name=name, state=self.state), self.connector


@pytest.fixture
def database() -> Database:
    database = Database()
    database.thaws.set()
    return database


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time, which a test moves by `time.now`."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def started(database: Database) -> Iterator[Receivers]:
    receivers = Receivers(database)  # type: ignore[arg-type]
    receivers.start()
    yield receivers
    database.thaws.set()
    receivers.stop()


def taken(receivers: Receivers, name: str = "feed") -> bool:
    asked = receivers.ask(name)
    if asked is not None:
        asked.answered.result(60)
    return receivers.get(name).account.name == name


def test_a_known_connection_is_looked_up_once_in_a_while(database: Database, time: SimpleNamespace) -> None:
    receivers = Receivers(database)  # type: ignore[arg-type]
    assert all(taken(receivers) for _ in range(5))
    assert database.asked == ["feed"]
    time.now += REMEMBERED + 0.1
    assert taken(receivers)
    assert database.asked == ["feed", "feed"]


def test_a_pause_holds_once_the_connection_is_opened_anew(database: Database, time: SimpleNamespace) -> None:
    receivers = Receivers(database)  # type: ignore[arg-type]
    assert taken(receivers)
    database.state = "paused"
    assert taken(receivers)
    time.now += REMEMBERED + 0.1
    with pytest.raises(Paused, match="feed is paused"):
        taken(receivers)


def test_while_the_database_is_frozen_who_is_known_is_taken_and_waits_once_at_most(
    database: Database, time: SimpleNamespace, started: Receivers
) -> None:
    assert taken(started)
    assert database.comes.acquire(timeout=60)
    database.thaws.clear()
    time.now += REMEMBERED + 0.1
    assert started.ask("feed") is not None, "it may still answer"
    assert database.comes.acquire(timeout=60)
    time.now += PATIENCE + 0.1
    for _ in range(3):
        assert started.ask("feed") is None, "nobody waits for it any more"
        assert started.get("feed").account.name == "feed"
    assert started.ask("stranger") is not None, "who is not known has nothing else to go by"
    time.now += UNKNOWN_PATIENCE
    assert started.ask("stranger") is None
    with pytest.raises(Paused, match="cannot be looked up now"):
        started.get("stranger")


@pytest.mark.parametrize("failure", [AWAY, OSError("the disk")])
def test_while_the_database_fails_who_is_known_is_taken(
    database: Database, time: SimpleNamespace, failure: Exception
) -> None:
    receivers = Receivers(database)  # type: ignore[arg-type]
    assert taken(receivers)
    database.fails = failure
    time.now += 3600
    assert taken(receivers)
    with pytest.raises(Paused, match="cannot be looked up now"):
        taken(receivers, "another")


@pytest.mark.parametrize("gone", [NotFound("never was"), Removed("was removed")])
def test_who_is_no_connection_any_more_is_refused(database: Database, time: SimpleNamespace, gone: Exception) -> None:
    receivers = Receivers(database)  # type: ignore[arg-type]
    assert taken(receivers)
    database.fails = gone
    time.now += REMEMBERED + 0.1
    with pytest.raises(Refused):
        taken(receivers)


def test_a_connection_that_takes_no_pushes_is_refused(database: Database) -> None:
    database.connector = object()
    with pytest.raises(Refused):
        taken(Receivers(database))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "closed", [NoConnector("there is no connector of this name"), AdminMustAct("another key"), ZeroDivisionError()]
)
def test_a_connection_that_cannot_be_opened_is_to_be_tried_again_and_said_once(
    database: Database, time: SimpleNamespace, closed: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    receivers = Receivers(database)  # type: ignore[arg-type]
    database.fails = closed
    for _ in range(3):
        with pytest.raises(Paused, match="cannot be opened"):
            taken(receivers)
    (line,) = caplog.messages
    assert "pushes for feed are put off" in line
    assert str(closed) in line
    database.fails = None
    assert taken(receivers)


def test_a_name_that_is_nobodys_is_asked_for_once_in_a_while(database: Database, time: SimpleNamespace) -> None:
    receivers = Receivers(database)  # type: ignore[arg-type]
    database.fails = NotFound("nobody")
    for _ in range(5):
        with pytest.raises(Refused):
            taken(receivers)
    assert len(database.asked) == 1
    database.fails = None
    time.now += REMEMBERED + 0.1
    assert taken(receivers)


def test_names_of_strangers_do_not_fill_the_memory(database: Database, time: SimpleNamespace) -> None:
    receivers = Receivers(database)  # type: ignore[arg-type]
    database.fails = NotFound("nobody")
    for number in range(MOST_UNKNOWN + 10):
        receivers.ask(f"stranger-{number}")
    assert len(receivers._unknown) == MOST_UNKNOWN
    assert receivers._questions == {}


def test_strangers_who_ask_for_many_names_wait_in_no_longer_line_than_that(
    database: Database, time: SimpleNamespace, started: Receivers
) -> None:
    database.thaws.clear()
    waiting = [started.ask(f"stranger-{number}") for number in range(MOST_ASKED + 10)]
    assert [one is None for one in waiting] == [False] * MOST_ASKED + [True] * 10
    with pytest.raises(Paused):
        started.get(f"stranger-{MOST_ASKED}")


def test_a_connection_in_use_is_opened_anew_before_anybody_waits_for_that(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 0.02)
    receivers = Receivers(database)  # type: ignore[arg-type]
    receivers.start()
    try:
        asked = receivers.ask("feed")
        assert asked is not None
        asked.answered.result(60)
        receivers.ask("feed")  # it is in use from now on
        for _ in range(5):
            assert database.comes.acquire(timeout=60)
    finally:
        receivers.stop()
    assert set(database.asked) == {"feed"}


def test_who_asks_after_the_end_asks_the_database_itself(database: Database) -> None:
    receivers = Receivers(database)  # type: ignore[arg-type]
    receivers.start()
    receivers.stop()
    receivers.stop()
    assert taken(receivers)
