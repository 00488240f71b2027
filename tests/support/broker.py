"""A real MQTT broker in this process, on a port of its own; it can be ended and started again."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
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
