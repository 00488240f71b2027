"""The MQTT subscriber against a real broker: what is published is handed over before it is acknowledged."""

import json
import re
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from broker import PASSWORD, USER, RunningBroker, free_port, publish, running
from paho.mqtt.client import Client
from pydantic import ValidationError

from connectors.contract import Document, Frame
from connectors.errors import AdminMustFix, Closed, TryAgain
from connectors.mapping import Mapping
from connectors.vendors.generic_mqtt.broker import is_of
from connectors.vendors.generic_mqtt.connector import GenericMqttConnector
from connectors.vendors.generic_mqtt.settings import GenericMqttSettings

FRAME = Frame(SimpleNamespace(now=lambda: datetime(2026, 6, 1, tzinfo=UTC)), lambda _: None)


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with running() as broker:
        yield broker


@pytest.fixture(autouse=True)
def _is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.vendors.generic_mqtt.connector.TICK", 0.02)


def connector(port: int, name: str = "hub-1", **more: Any) -> GenericMqttConnector:
    told = {"host": "127.0.0.1", "port": port, "topics": ["lpr/#"], "client_id": name, "user": USER, "tls": False}
    return GenericMqttConnector(GenericMqttSettings(**{**told, "password": PASSWORD, **more}), FRAME)


class Post:
    """Takes what a connector hands over until that is so much; `refuses` as a full disk does."""

    def __init__(self, until: int = 1, *, refuses: bool = False) -> None:
        self.taken: list[bytes] = []
        self.reasons: list[str] = []
        self.is_up = Event()
        self.has_all, self.over = Event(), Event()
        self._until = until
        self._refuses = refuses

    def up(self) -> None:
        self.is_up.set()

    def hand(self, documents: Sequence[Document]) -> None:
        if self._refuses:
            raise TryAgain("the disk is full")
        self.taken += [document.body for document in documents]
        if len(self.taken) >= self._until:
            self.has_all.set()

    def dropped(self, why: str) -> None:
        self.reasons.append(why)

    def ended(self, seconds: float = 0.0) -> bool:
        return self.over.wait(seconds)


def end(broker: RunningBroker, name: str, post: Post, thread: Thread) -> None:
    """End a listener once it has all and the broker knows that."""
    assert post.has_all.wait(20)
    while broker.unacknowledged(name):
        post.over.wait(0.005)
    post.over.set()
    thread.join(20)


def listening(made: GenericMqttConnector, post: Post) -> tuple[Thread, list[Exception]]:
    """A thread that listens and is up, and how it failed."""
    failed: list[Exception] = []

    def listen() -> None:
        try:
            made.listen(post)
        except Exception as error:
            failed.append(error)

    thread = Thread(target=listen, daemon=True)
    thread.start()
    assert post.is_up.wait(20)
    return thread, failed


def test_what_is_published_on_its_topics_is_handed_over_and_nothing_else(broker: RunningBroker) -> None:
    thread, failed = listening(connector(broker.port, "only-its-topics"), post := Post(2))
    publish(broker.port, ("lpr/gate", b"one"), ("door/gate", b"no"), ("lpr/pier/2", b"two"))
    end(broker, "only-its-topics", post, thread)
    assert (post.taken, failed) == ([b"one", b"two"], [])


def test_what_is_published_while_nobody_listens_comes_once_somebody_does(broker: RunningBroker) -> None:
    thread, _ = listening(connector(broker.port, "away"), first := Post())
    publish(broker.port, ("lpr/gate", b"while it listened"))
    end(broker, "away", first, thread)
    publish(broker.port, ("lpr/gate", b"while it was away"))
    thread, _ = listening(connector(broker.port, "away"), second := Post())
    end(broker, "away", second, thread)
    assert (first.taken, second.taken) == ([b"while it listened"], [b"while it was away"])


def test_what_is_not_on_the_disk_is_not_acknowledged(broker: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    acknowledged = list[int]()
    monkeypatch.setattr(Client, "_send_puback", lambda _, mid: acknowledged.append(mid))
    thread, failed = listening(connector(broker.port, "full"), Post(refuses=True))
    publish(broker.port, ("lpr/gate", b"one"))
    thread.join(20)
    assert [str(error) for error in failed] == ["the disk is full"]
    assert acknowledged == []


def test_two_connections_with_one_topic_get_both_all_of_it(broker: RunningBroker) -> None:
    posts = {name: Post(2) for name in ("both-1", "both-2")}
    threads = {name: listening(connector(broker.port, name), post)[0] for name, post in posts.items()}
    publish(broker.port, ("lpr/gate", b"one"), ("lpr/gate", b"two"))
    for name, post in posts.items():
        end(broker, name, post, threads[name])
    assert [post.taken for post in posts.values()] == [[b"one", b"two"]] * 2


def test_what_comes_by_a_topic_that_is_not_wanted_any_more_is_told_and_not_taken(broker: RunningBroker) -> None:
    thread, _ = listening(connector(broker.port, "narrowed"), first := Post())
    publish(broker.port, ("lpr/gate", b"one"))
    end(broker, "narrowed", first, thread)
    publish(broker.port, ("lpr/gate", b"two"), ("lpr/pier", b"three"))
    thread, _ = listening(connector(broker.port, "narrowed", topics=["lpr/pier"]), second := Post())
    end(broker, "narrowed", second, thread)
    assert (first.taken, second.taken) == ([b"one"], [b"three"])
    assert second.reasons == ["came by a topic that the setting topics does not name any more"]


def test_a_broker_that_ends_is_away_and_may_come_back() -> None:
    port = free_port()
    with running(port):
        thread, failed = listening(connector(port), Post())
    thread.join(20)
    assert isinstance(failed[0], TryAgain)
    assert str(failed[0]) == f"the broker at 127.0.0.1:{port} ended the connection"
    with pytest.raises(TryAgain, match=rf"^the broker at 127.0.0.1:{port} cannot be reached \(connection refused\)$"):
        connector(port).listen(Post())


def test_a_check_logs_in_and_leaves_the_listener_alone(broker: RunningBroker) -> None:
    thread, failed = listening(connector(broker.port, "checked"), post := Post())
    assert connector(broker.port, "checked").check().startswith("The broker lets this user in")
    publish(broker.port, ("lpr/gate", b"one"))
    end(broker, "checked", post, thread)
    assert (post.taken, failed) == ([b"one"], [])


def test_a_wrong_login_is_for_a_person_and_names_the_settings(broker: RunningBroker) -> None:
    with pytest.raises(AdminMustFix, match=r"settings user and password") as refused:
        connector(broker.port, password="wrong").check()
    assert "wrong" not in str(refused.value)


@pytest.mark.parametrize(("tls", "told"), [(False, "without a greeting"), (True, "speaks no TLS there")])
def test_something_else_than_a_broker_is_told_with_the_settings_that_lead_there(tls: bool, told: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with server.accept()[0] as line:
                line.recv(1000)
                line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        Thread(target=greet, daemon=True).start()
        with pytest.raises((AdminMustFix, TryAgain), match=told) as refused:
            connector(server.getsockname()[1], tls=tls).check()
    assert "the settings port and tls" in str(refused.value)


def test_a_closed_one_asks_no_broker(broker: RunningBroker) -> None:
    made = connector(broker.port)
    made.close()
    with pytest.raises(Closed):
        made.check()


@pytest.mark.parametrize("topic", ["", "a/#/b", "a+", "a/b#", "##", "a\0"])
def test_a_topic_that_no_broker_takes_is_refused_by_its_name(topic: str) -> None:
    with pytest.raises(ValidationError) as refused:
        connector(1, topics=[topic])
    assert "number 1 must be a topic" in str(refused.value)


@pytest.mark.parametrize(("filters", "topic", "right"), [
    (["lpr/#"], "lpr", True), (["lpr/+/plate"], "lpr/gate/plate", True), (["+/+"], "lpr/gate", True),
    (["lpr/+"], "lpr/gate/plate", False), (["#"], "$SYS/broker", False), (["lpr", "door"], "door", True),
])  # fmt: skip
def test_filters_mean_what_the_protocol_says(filters: list[str], topic: str, right: bool) -> None:
    assert is_of(topic, connector(1, topics=filters).settings.topics) is right


def test_an_authority_that_is_no_certificate_is_refused() -> None:
    with pytest.raises(ValidationError, match="PEM"):
        connector(1, ca_certificate="no certificate")


def test_the_page_has_a_map_for_each_of_frigates_messages() -> None:
    of_object, of_event = (Mapping.model_validate(each) for each in _maps())
    plate = {"type": "lpr", "id": "1780326930.1-abc", "camera": "gate", "timestamp": 1780326930.25, "name": None,
             "plate": "9SYN614", "score": 0.93, "plate_box": [1, 2, 3, 4]}  # fmt: skip
    event = {"type": "end", "before": {}, "after": {
        "id": "1780326930.1-abc", "camera": "gate", "start_time": 1780326930.25, "end_time": 1780326939.0,
        "recognized_license_plate": "9SYN614", "recognized_license_plate_score": 0.93}}  # fmt: skip
    for mapping, said in ((of_object, plate), (of_event, event)):
        made = connector(1, map=mapping)
        [record] = made.records(Document(json.dumps(said).encode(), ""))
        read = made.parse(record)
        assert (read.plate, read.camera.id, read.plate_confidence) == ("9SYN614", "gate", 0.93)
        assert read.captured_at == datetime(2026, 6, 1, 15, 15, 30, 250_000, UTC)


def _maps() -> list[Any]:
    page = (Path(__file__).parents[2] / "docs/vendors/generic_mqtt.md").read_text("utf-8")
    return [json.loads(text) for text in re.findall(r"^```json map\n(.*?)^```$", page, re.M | re.S)]
