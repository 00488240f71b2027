"""Listening: documents over MQTT and TCP while broker, listener and hub are killed; each must be kept, and once.

    python -m bench.listen [--documents 10000] [--seconds 60]

In turns the hub (`alprhub serve`) is killed with -9 and
started again; the broker (mosquitto, from the PATH) is ended as an update would end it; the broker is killed with -9;
and both connections are paused and resumed, which closes the listener. The publisher sends again what its broker did
not acknowledge, and after a kill -9 of the broker what that may have forgotten since it last saved, in the last
seconds. The camera at the TCP port sends again what was not acknowledged. In the end every document is looked for.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from shutil import which
from threading import Event, Thread

import msgspec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import text

from bench.receive import free_port, served
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import open_hub

ACTOR = Actor("bench")
MAP = {"plate": "plate", "captured_at": "at", "camera_id": "camera", "read_id": "id"}
SAVED_WITHIN = 5.0
"""Seconds within which mosquitto has saved what it acknowledged, as it is set up here."""
AGENCY, PROFILE, ZONE = "Measured PD", "hermosa-beach", "America/Los_Angeles"
WINDOW = 20
"""Documents that the camera sends before it waits for an acknowledgement."""


def document(way: str, number: int, start: datetime) -> bytes:
    """One document, with an id of its own."""
    at = start + timedelta(milliseconds=20 * number)
    told = {"id": f"{way}-{number:06d}", "plate": f"9SYN{number % 1000:03d}", "at": at.isoformat(), "camera": "gate-3"}
    return msgspec.json.encode(told)


class Publisher(Thread):
    """Publishes every document, and again what its broker may have forgotten."""

    def __init__(self, port: int, documents: list[bytes], pause: float) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._documents = documents
        self._pause = pause
        self._sent: list[tuple[float, bytes]] = []
        self._again = 0
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="gateway", clean_session=False)
        self._client.reconnect_delay_set(0.1, 1.0)  # type: ignore[no-untyped-call]

    def broker_died(self) -> None:
        """Send again what was sent in the last seconds."""
        since = time.monotonic() - SAVED_WITHIN
        for at, body in list(self._sent):
            if at >= since:
                self._publish(body)
                self._again += 1

    @property
    def again(self) -> int:
        """How many were sent again for the sake of a broker that was killed."""
        return self._again

    def _publish(self, body: bytes) -> None:
        self._client.publish("lpr/gate", body, qos=1)

    def run(self) -> None:
        """Publish, and wait until the broker has all of it."""
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        for body in self._documents:
            self._sent.append((time.monotonic(), body))
            self._publish(body)
            time.sleep(self._pause)
        while self._client._out_messages:
            time.sleep(0.1)


class Camera(Thread):
    """Writes every document to a port, and again what was not acknowledged."""

    def __init__(self, port: int, documents: list[bytes], pause: float) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._documents = documents
        self._pause = pause

    def run(self) -> None:
        """Write until all are acknowledged."""
        acknowledged = 0
        while acknowledged < len(self._documents):
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=10) as line:
                    sent = acknowledged
                    while acknowledged < len(self._documents):
                        while sent < len(self._documents) and sent - acknowledged < WINDOW:
                            line.sendall(self._documents[sent] + b"\n")
                            sent += 1
                            time.sleep(self._pause)
                        if not (answer := line.recv(WINDOW)):
                            break
                        acknowledged += len(answer)
            except OSError:
                time.sleep(0.1)


def mosquitto(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Debian's broker, which saves every second what it is to keep."""
    told = folder / "mosquitto.conf"
    told.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser {os.environ.get('USER', 'root')}\npersistence true\n"
        f"persistence_location {folder}/\nautosave_interval 1\nmax_queued_messages 0\nlog_type none\n"
    )
    return served(["mosquitto", "-c", str(told)], port)


def main() -> None:
    """Send, kill, look for everything, and print."""
    parser = argparse.ArgumentParser(description="Kill broker, listener and hub while documents come.")
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    wanted = parser.parse_args()
    if which("mosquitto") is None:
        raise SystemExit("there is no mosquitto on the PATH: install it (apt-get install mosquitto)")
    start = datetime.now(UTC) - timedelta(hours=2)
    sent = {way: [document(way, n, start) for n in range(wanted.documents)] for way in ("mqtt", "tcp")}
    pause = wanted.seconds / wanted.documents
    with tempfile.TemporaryDirectory(prefix="alprhub-bench-") as scratch:
        settings = HubSettings(data=Path(scratch) / "hub", agency=AGENCY, profile=PROFILE, zone=ZONE)
        mqtt_port, tcp_port, hub_port = free_port(), free_port(), free_port()
        with open_hub(settings) as hub:
            broker_told = {
                "host": "127.0.0.1",
                "port": mqtt_port,
                "topics": ["lpr/#"],
                "client_id": "hub",
                "tls": False,
            }
            hub.connections.accounts.add(
                ACTOR, "gateway", "generic_mqtt", {**broker_told, "tls": False, "map": MAP}, check=False
            )
            port_told = {"address": "127.0.0.1", "port": tcp_port, "senders": ["127.0.0.1"], "encrypted": "no"}
            hub.connections.accounts.add(
                ACTOR, "camera", "generic_tcp", {**port_told, "map": MAP, "acknowledgement": "+"}, check=False
            )

        def serve() -> "subprocess.Popen[bytes]":
            command = [str(Path(sys.executable).with_name("alprhub")), "serve", "--port", str(hub_port)]
            told = {"ALPRHUB_AGENCY": AGENCY, "ALPRHUB_PROFILE": PROFILE, "ALPRHUB_ZONE": ZONE}
            return served(command, hub_port, ALPRHUB_DATA=str(settings.data), **told)

        broker, serving = mosquitto(Path(scratch), mqtt_port), serve()
        publisher = Publisher(mqtt_port, sent["mqtt"], pause)
        camera = Camera(tcp_port, sent["tcp"], pause)
        wait_for_subscription(settings)
        publisher.start()
        camera.start()
        kills: Counter[str] = Counter()
        for what in cycle(("hub -9", "broker ended", "listener", "hub -9", "broker -9")):
            time.sleep(2.0)
            if not publisher.is_alive() and not camera.is_alive():
                break
            kills[what] += 1
            if what == "hub -9":
                serving.kill()
                serving.wait()
                serving = serve()
            elif what == "listener":
                stop_and_resume(settings)
            else:
                broker.send_signal(signal.SIGKILL if what == "broker -9" else signal.SIGTERM)
                broker.wait()
                broker = mosquitto(Path(scratch), mqtt_port)
                if what == "broker -9":
                    publisher.broker_died()
        until(lambda: not publisher.is_alive())
        kept = all_kept(settings, {way: len(bodies) for way, bodies in sent.items()})
        serving.terminate()
        serving.wait()
        broker.terminate()
        broker.wait()
    print(f"killed or ended: {', '.join(f'{what} {number} times' for what, number in sorted(kills.items()))}")
    lost = 0
    for way, bodies in sent.items():
        ids = {msgspec.json.decode(body)["id"] for body in bodies}
        missing, twice = len(ids - kept[way].keys()), sum(number > 1 for number in kept[way].values())
        lost += missing + twice + len(kept[way].keys() - ids)
        again = f", {publisher.again:,} of them sent again after a kill of the broker" if way == "mqtt" else ""
        print(f"{way}: {len(ids):,} documents{again}; kept {len(kept[way]):,}, lost {missing}, kept twice {twice}")
    if lost:
        raise SystemExit(1)


def wait_for_subscription(settings: HubSettings) -> None:
    """Return once both connections are listened to: what is published before nobody has asked for."""
    with open_hub(settings) as hub:
        told = settings.data / "listening.json"
        until(lambda: told.exists() and told.read_bytes().count(b'"up":true') == len(hub.connections.accounts.list()))


def stop_and_resume(settings: HubSettings) -> None:
    """Pause both connections until nobody listens at the port, and resume them."""
    with open_hub(settings) as hub:
        for name in ("gateway", "camera"):
            hub.connections.accounts.pause(ACTOR, name, "the bench stops the listener")
        told = settings.data / "listening.json"
        until(lambda: b'"up":true' not in told.read_bytes())
        for name in ("gateway", "camera"):
            hub.connections.accounts.resume(ACTOR, name, check=False)


def all_kept(settings: HubSettings, numbers: dict[str, int]) -> dict[str, Counter[str]]:
    """The ids that are kept of each way, once no more come or all are there."""
    kept: dict[str, Counter[str]] = {}
    with open_hub(settings) as hub:

        def look() -> bool:
            with hub.store.read() as connection:
                ids = [str(ident) for ident in connection.scalars(text("SELECT vendor_read_id FROM reads"))]
            kept.update({way: Counter(ident for ident in ids if ident.startswith(way)) for way in numbers})
            return all(len(kept[way]) >= number for way, number in numbers.items())

        until(look, patience=60)
    return kept


def until(so: Callable[[], bool], patience: float = 120.0) -> None:
    """Return once something is so, or patience ends."""
    ends = time.monotonic() + patience
    while not so() and time.monotonic() < ends:
        Event().wait(0.1)


if __name__ == "__main__":
    main()
