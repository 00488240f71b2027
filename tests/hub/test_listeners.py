"""Connections that are listened to: what comes is kept once, and people hear of an outage."""

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from shutil import which
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from broker import PASSWORD, USER, free_port, mosquitto, publish, running
from sqlalchemy import text

from hub.clock import SetClock
from hub.ingest import listeners
from hub.people import Actor
from hub.wiring import Hub

TOLD: dict[str, Any] = {
    "host": "127.0.0.1", "topics": ["lpr/#"], "client_id": "hub-1", "user": USER, "password": PASSWORD, "tls": False,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "LOOK", 0.02)
    monkeypatch.setattr(listeners, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(listeners, "LONGEST_WAIT", 0.1)
    monkeypatch.setattr("connectors.vendors.generic_mqtt.connector.TICK", 0.02)


@pytest.fixture
def port() -> int:
    return free_port()


def add(hub: Hub, actor: Actor, port: int, name: str = "gate", **more: Any) -> None:
    hub.connections.accounts.add(actor, name, "generic_mqtt", {**TOLD, "port": port, **more}, check=False)


@contextmanager
def serving(hub: Hub) -> Iterator[None]:
    with hub.ingest.receiving() as inbox, hub.ingest.listening(inbox):
        yield


def until(so: Callable[[], bool]) -> None:
    """Return once something is so; nothing here takes long."""
    ends = time.monotonic() + 30
    while not so():
        assert time.monotonic() < ends, "it did not come to be so"
        Event().wait(0.01)


def seen(number: int) -> bytes:
    return json.dumps(
        {"plate": f"9SYN{number:03d}", "captured_at": f"2026-06-01T11:00:{number:02d}Z", "camera_id": "gate-3"}
    ).encode()


def plates(hub: Hub, name: str = "gate") -> list[str]:
    with hub.store.read() as connection:
        query = "SELECT plate_raw FROM reads JOIN connections c ON c.id = connection_id WHERE c.name = :name ORDER BY 1"
        return [str(row[0]) for row in connection.execute(text(query), {"name": name})]


def cards(hub: Hub, name: str = "gate") -> dict[str, bool]:
    return {card.code: card.needs_person for card in hub.connections.health.of(name).cards}


def is_up(hub: Hub, name: str = "gate") -> bool:
    return (
        not {"not_heard", "no_receiver"} & set(cards(hub, name)) and hub.connections.health.of(name).state == "active"
    )


@pytest.fixture
def later(clock: SetClock) -> Callable[[], None]:
    """A while after the connections were added, so that nobody who listens is news."""
    return lambda: clock.advance(timedelta(minutes=2))


def test_what_is_published_becomes_a_read_once_however_often_it_comes(
    opened: Hub, actor: Actor, port: int, later: Callable[[], None]
) -> None:
    add(opened, actor, port)
    later()
    with running(port), serving(opened):
        until(lambda: is_up(opened))
        publish(port, *(("lpr/gate", seen(n)) for n in (1, 2, 1, 2)))
        until(lambda: plates(opened) == ["9SYN001", "9SYN002"])
    assert plates(opened) == ["9SYN001", "9SYN002"]


def test_two_connections_with_one_topic_keep_both_all_of_it(
    opened: Hub, actor: Actor, port: int, later: Callable[[], None]
) -> None:
    add(opened, actor, port)
    add(opened, actor, port, "twin", client_id="hub-2")
    later()
    with running(port), serving(opened):
        until(lambda: is_up(opened) and is_up(opened, "twin"))
        publish(port, ("lpr/gate", seen(1)))
        until(lambda: plates(opened) == plates(opened, "twin") == ["9SYN001"])


def test_a_broker_that_is_away_is_told_with_the_reason_and_comes_back_by_itself(
    opened: Hub, actor: Actor, port: int, later: Callable[[], None], clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    add(opened, actor, port)
    later()
    with serving(opened), caplog.at_level(logging.WARNING, "alprhub.inbox"):
        until(lambda: "not_heard" in cards(opened))
        report = opened.connections.health.of("gate")
        assert f"the broker at 127.0.0.1:{port} cannot be reached (connection refused)" in report.reason
        assert cards(opened)["not_heard"] is False, "it may pass by itself"
        clock.advance(timedelta(minutes=2))
        with running(port):
            until(lambda: is_up(opened))
            publish(port, ("lpr/gate", seen(1)))
            until(lambda: plates(opened) == ["9SYN001"])
        until(lambda: "not_heard" in cards(opened))
    ours = [record.message for record in caplog.records if record.name == "alprhub.inbox"]
    assert [line.partition(":")[0] for line in ours] == [
        "gate is not heard, and is tried again", "gate is heard again", "gate is not heard, and is tried again"
    ]  # fmt: skip


def test_an_outage_of_an_hour_needs_a_person(
    opened: Hub, actor: Actor, port: int, later: Callable[[], None], clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "SAY", 0.0)
    add(opened, actor, port)
    later()
    with serving(opened):
        until(lambda: "not_heard" in cards(opened))
        clock.advance(timedelta(hours=2))
        until(lambda: cards(opened).get("not_heard") is True)


def test_a_login_that_is_refused_pauses_the_connection_and_asks(opened: Hub, actor: Actor, port: int) -> None:
    add(opened, actor, port, password="wrong-synthetic")
    with running(port), serving(opened):
        until(lambda: opened.connections.health.of("gate").state == "paused")
    report = opened.connections.health.of("gate")
    assert "settings user and password" in report.reason
    assert report.needs_person
    assert "wrong-synthetic" not in str(report)


def test_what_a_person_changes_pauses_and_resumes_holds_while_it_listens(
    opened: Hub, actor: Actor, port: int, later: Callable[[], None]
) -> None:
    add(opened, actor, port)
    later()
    with running(port) as broker, serving(opened):
        until(lambda: is_up(opened))
        opened.connections.accounts.pause(actor, "gate", "moved house")
        until(lambda: not broker.connected("hub-1"))
        publish(port, ("lpr/gate", seen(1)))
        assert plates(opened) == []
        opened.connections.accounts.resume(actor, "gate", check=False)
        until(lambda: plates(opened) == ["9SYN001"])
        opened.connections.changes.change(actor, "gate", {"topics": ["pier/#"]}, check=False)
        until(lambda: "pier/#" in broker.topics("hub-1"))
        publish(port, ("pier/2", seen(2)))
        until(lambda: plates(opened) == ["9SYN001", "9SYN002"])


def test_who_listens_to_nothing_because_no_receiver_is_up_is_told(
    opened: Hub, actor: Actor, port: int, later: Callable[[], None], clock: SetClock
) -> None:
    add(opened, actor, port)
    assert cards(opened) == {}
    later()
    assert cards(opened) == {"no_receiver": True}
    with running(port), serving(opened):
        until(lambda: is_up(opened))
    assert cards(opened) == {"no_receiver": True}


def test_a_connection_that_is_removed_while_it_listens_leaves_the_broker_alone(
    opened: Hub, actor: Actor, port: int, later: Callable[[], None]
) -> None:
    add(opened, actor, port)
    later()
    with running(port) as broker, serving(opened):
        until(lambda: is_up(opened))
        done = opened.connections.removals.remove(actor, "gate", reason="moved house", reads="keep", force="a test")
        until(lambda: not broker.connected("hub-1"))
        assert broker.topics("hub-1") == set()
        publish(port, ("lpr/gate", seen(1)))
    assert plates(opened) == []
    assert done


@pytest.mark.skipif(which("mosquitto") is None, reason="no mosquitto on this machine")
def test_mosquitto_sends_again_what_was_not_acknowledged_and_forgets_what_is_removed(
    opened: Hub, actor: Actor, port: int, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(opened, actor, port)
    later()
    with mosquitto(port), serving(opened):
        until(lambda: is_up(opened))
        with monkeypatch.context() as full:
            full.setattr("hub.store.spool.RESERVE", 1 << 60)
            full.setattr("hub.store.spool.disk_usage", lambda _: SimpleNamespace(free=0))
            publish(port, *(("lpr/gate", seen(n)) for n in range(40)))
            until(lambda: "cannot be put on the disk" in opened.connections.health.of("gate").reason)
        until(lambda: len(plates(opened)) == 40)
        opened.connections.removals.remove(actor, "gate", reason="moved house", reads="keep")


def test_a_camera_that_writes_to_a_port_becomes_reads_until_its_connection_is_paused(
    opened: Hub, actor: Actor, port: int, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.vendors.generic_tcp.door.TICK", 0.02)
    told = {"address": "127.0.0.1", "port": port, "senders": ["127.0.0.1"], "encrypted": "no", "acknowledgement": "+"}
    opened.connections.accounts.add(actor, "gate", "generic_tcp", told)
    later()
    with serving(opened):
        until(lambda: is_up(opened))
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(seen(1) + seen(2) + seen(1) + b'{"plate": ')
            answer = b""
            while len(answer) < 3:
                answer += line.recv(3)
        until(lambda: plates(opened) == ["9SYN001", "9SYN002"])
        until(lambda: opened.connections.health.of("gate").drift not in (None, 0.0))
        opened.connections.accounts.pause(actor, "gate", "moved house")
        until(lambda: is_closed(port))
    assert plates(opened) == ["9SYN001", "9SYN002"]


def is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
