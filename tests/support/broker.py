"""A real MQTT broker in this process, on a port of its own; it can be ended and started again."""

import asyncio
import logging
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

from amqtt.broker import Broker
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

logging.getLogger("amqtt").setLevel(logging.CRITICAL)
logging.getLogger("transitions").setLevel(logging.CRITICAL)


USER = "hub"
PASSWORD = "synthetic-broker-password"


class OneUser(BaseAuthPlugin):  # type: ignore[misc]
    """Lets one user in; what it did not take is kept for it, which this broker does for no anonymous one."""

    async def authenticate(self, *, session: Session) -> bool:
        """Whether it is that user."""
        return (session.username, session.password) == (USER, PASSWORD)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningBroker:
    """A broker that runs in a thread."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._config = {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"broker.OneUser": {}},
        }
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._broker: Broker = self._run(self._started())

    async def _started(self) -> Broker:
        broker = Broker(self._config)
        await broker.start()
        return broker

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def unacknowledged(self, client_id: str) -> int:
        """How many messages were sent to a client that it did not acknowledge."""
        return len(self._broker._sessions[client_id][0].inflight_out)

    def connected(self, client_id: str) -> bool:
        """Whether a client is there now."""
        held = self._broker._sessions.get(client_id)
        return held is not None and held[0].transitions.state == "connected"

    def topics(self, client_id: str) -> set[str]:
        """What a client has asked for."""
        every = self._broker._subscriptions.items()
        return {topic for topic, asked in every if any(session.client_id == client_id for session, _ in asked)}

    def stop(self) -> None:
        """End it, and every connection."""
        self._run(self._broker.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextmanager
def running(port: int = 0) -> Iterator[RunningBroker]:
    """A broker, until the end of the block."""
    broker = RunningBroker(port or free_port())
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def mosquitto(port: int) -> Iterator[None]:
    """Debian's broker, until the end of the block; it keeps and sends again as the protocol says."""
    with TemporaryDirectory() as folder:
        told = Path(folder, "mosquitto.conf")
        told.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n")
        server = subprocess.Popen(["mosquitto", "-c", str(told)], stderr=subprocess.DEVNULL)
        try:
            _until_it_answers(port)
            yield
        finally:
            server.terminate()
            server.wait()


def _until_it_answers(port: int) -> None:
    for _ in range(2000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        Event().wait(0.01)
    raise AssertionError("the broker did not start")


def publish(port: int, *messages: tuple[str, bytes], qos: int = 1) -> None:
    """Publish these, each until the broker has it."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(USER, PASSWORD)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        for sent in [client.publish(topic, payload, qos) for topic, payload in messages]:
            sent.wait_for_publish(10)
    finally:
        client.disconnect()
        client.loop_stop()
