"""The receiver as a sender meets it, over a real HTTP server."""

import gzip
import hmac
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from threading import Semaphore
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from alprhub.sandbox.service import Service
from alprhub.web.app import web_app
from hub.ingest import receivers
from hub.people import Actor
from hub.settings import HubSettings
from hub.store import spool
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
SECRET = "synthetic-push-secret"
KEY = {"x-alprhub-key": SECRET}


def group(number: int) -> dict[str, Any]:
    """What an agent pushes of one car."""
    return {
        "data_type": "alpr_group",
        "epoch_start": time.time_ns() // 1_000_000 - 60_000,
        "best_uuid": f"SYNTHETIC-{number}",
        "best_plate_number": f"9SYN{number:03d}",
        "best_confidence": 90.0,
        "best_region": "us-ca",
        "camera_id": 7,
    }


def connect(settings: HubSettings) -> None:
    """Let there be a connection that takes pushes, and one that takes none."""
    with open_hub(settings) as hub:
        account = {"api_key": "synthetic", "webhook_secret": SECRET, "base_url": "http://127.0.0.1:1"}
        hub.connections.accounts.add(ACTOR, "agents", "rekor", account, check=False)
        hub.connections.accounts.add(ACTOR, "vigilant", "motorola", {"place": str(settings.data)}, check=False)


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with both connections, to be copied."""
    data = tmp_path_factory.mktemp("connected")
    connect(HubSettings(data=data))
    return data


@pytest.fixture
def prepared(connected: Path, tmp_path: Path) -> HubSettings:
    copytree(connected, tmp_path, dirs_exist_ok=True)
    return HubSettings(data=tmp_path)


def stored(hub: Hub) -> set[str]:
    with hub.store.read() as connection:
        return set(connection.scalars(text("SELECT vendor_read_id FROM reads")))


@pytest.fixture
def hub(prepared: HubSettings) -> Iterator[Hub]:
    with open_hub(prepared) as hub:
        yield hub


@pytest.fixture
def sender(hub: Hub) -> Iterator[httpx.Client]:
    """A client of the receiver; what it pushed is kept when the test asks the hub."""
    with (
        hub.ingest.receiving() as inbox,
        Service(web_app(inbox)) as service,
        httpx.Client(base_url=service.url) as client,
    ):
        client.inbox = inbox  # type: ignore[attr-defined]
        yield client


def kept(hub: Hub, sender: httpx.Client) -> set[str]:
    deadline = time.monotonic() + 20
    while list((hub.settings.data / "inbox").glob("*.batch")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return stored(hub)


def basic(password: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"anybody:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/in/agents", KEY),
        ("/in/agents/", KEY),
        ("/in/agents", basic(SECRET)),
        (f"/in/agents/{SECRET}", {}),
        (f"/in/agents/{SECRET}/NotificationInfo/TollgateInfo", {}),
    ],
)
def test_a_sender_proves_itself_by_what_it_can_be_told(
    hub: Hub, sender: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    answer = sender.post(path, json=group(1), headers=headers)
    assert (answer.status_code, answer.json()) == (200, {})
    assert kept(hub, sender) == {"SYNTHETIC-1"}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/in/agents", {}),
        ("/in/agents", {"x-alprhub-key": SECRET[:-1]}),
        ("/in/agents", basic("wrong")),
        ("/in/agents", {"authorization": "Basic !"}),
        ("/in/agents/wrong", {}),
        ("/in/nobody", KEY),
        ("/in/vigilant", KEY),  # takes no pushes
    ],
)
def test_a_stranger_is_told_nothing(hub: Hub, sender: httpx.Client, path: str, headers: dict[str, str]) -> None:
    answer = sender.post(path, json=group(1), headers=headers)
    assert (answer.status_code, answer.content) == (401, b"")
    assert kept(hub, sender) == set()


TYPES = [
    None, "application/octet-stream", "text/plain", "text/json", "application/vnd.acme.v2+json", "nonsense",
    "application/cloudevents+json; charset=utf-8",
]  # fmt: skip


def test_a_push_is_taken_whatever_its_sender_calls_it(hub: Hub, sender: httpx.Client) -> None:
    for number, kind in enumerate(TYPES):
        headers = {**KEY, "content-type": kind} if kind else KEY
        assert sender.post("/in/agents", content=msgspec.json.encode(group(number)), headers=headers).status_code == 200
    assert kept(hub, sender) == {f"SYNTHETIC-{number}" for number in range(len(TYPES))}


def test_json_lines_are_as_many_documents(hub: Hub, sender: httpx.Client) -> None:
    lines = b"\n".join(msgspec.json.encode(group(number)) for number in range(3))
    headers = {**KEY, "content-type": "application/x-ndjson"}
    assert sender.post("/in/agents", content=lines, headers=headers).status_code == 200
    assert kept(hub, sender) == {f"SYNTHETIC-{number}" for number in range(3)}


def test_a_name_of_its_own_for_a_body_is_noted_once(
    hub: Hub, sender: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "alprhub.inbox")
    for number in range(3):
        sender.post("/in/agents", content=msgspec.json.encode(group(number)), headers={**KEY, "content-type": "a/b"})
    (line,) = [line for line in caplog.messages if "a/b" in line]
    assert line == "what is pushed for agents is called 'a/b' and not application/json; it is taken by its bytes"


PACKED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip that no header tells of": ("", gzip.compress),
    "gzip in two members": ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
    "deflate": ("deflate", zlib.compress),
    "deflate without its header": ("deflate", lambda body: zlib.compress(body, wbits=-15)),
    "nothing, although the header says gzip": ("gzip", lambda body: body),
    "nothing, and the header says so": ("identity", lambda body: body),
}


def test_a_packed_push_is_unpacked(hub: Hub, sender: httpx.Client) -> None:
    for number, (said, pack) in enumerate(PACKED.values()):
        headers = {**KEY, **({"content-encoding": said} if said else {})}
        body = pack(msgspec.json.encode(group(number)))
        assert sender.post("/in/agents", content=body, headers=headers).status_code == 200
    assert kept(hub, sender) == {f"SYNTHETIC-{number}" for number in range(len(PACKED))}


def test_what_cannot_be_unpacked_waits_in_quarantine(hub: Hub, sender: httpx.Client) -> None:
    for said, body in (("br", b"\x0b\x02\x80{}\x03"), ("gzip", gzip.compress(b"{}" * 99)[:-9])):
        answer = sender.post("/in/agents", content=body, headers={**KEY, "content-encoding": said})
        assert answer.status_code == 200
    kept(hub, sender)
    assert {waiting.reason for waiting in hub.ingest.quarantine.groups(ACTOR)} == {
        f"is packed ({said}) in a way that cannot be undone here" for said in ("br", "gzip")
    }


def test_a_signature_may_be_of_what_was_packed_or_of_what_was_sent(hub: Hub, sender: httpx.Client) -> None:
    account = {"api_key": "synthetic", "webhook_secret": SECRET, "base_url": "http://127.0.0.1:1"}
    hub.connections.accounts.add(ACTOR, "signs", "verkada", account, check=False)
    plain, stamp = b'{"org_id": "org-1", "webhook_type": "other"}', str(int(time.time()))
    packed = gzip.compress(plain)
    for signed, status in ((plain, 200), (packed, 200), (plain + b" ", 401)):
        signature = hmac.new(SECRET.encode(), signed + b"|" + stamp.encode(), sha256).hexdigest()
        headers = {"content-encoding": "gzip", "verkada-signature": f"{stamp}|{signature}"}
        assert sender.post("/in/signs", content=packed, headers=headers).status_code == status


def test_a_push_that_becomes_too_large_is_turned_away_and_counted(
    hub: Hub, sender: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    bomb = gzip.compress(b" " * (64 << 20), compresslevel=9)
    assert len(bomb) < 100_000
    assert [sender.post("/in/agents", content=bomb, headers=KEY).status_code for _ in range(3)] == [413] * 3
    assert "1 push for agents turned away and not kept: the last one had more than 16,777,216 bytes" in caplog.messages
    sender.inbox.stop()  # type: ignore[attr-defined]
    turned = [event for event in hub.audit.events() if event["action"] == "reads.receive"]
    assert sum(event["results"] for event in turned) == 3


def test_what_will_never_be_taken_says_so(hub: Hub, sender: httpx.Client) -> None:
    large = b'"' + b"x" * (16 * 1024 * 1024) + b'"'
    as_json = {**KEY, "content-type": "application/json"}
    assert sender.post("/in/agents", content=large, headers=as_json).status_code == 413

    def in_chunks() -> Iterator[bytes]:
        for start in range(0, len(large), 1 << 20):
            yield large[start : start + (1 << 20)]

    assert sender.post("/in/agents", content=in_chunks(), headers=as_json).status_code == 413
    assert sender.get("/in/agents", headers=KEY).status_code == 405


def unfinished(sender: httpx.Client, headers: dict[str, str], sends: bytes) -> bytes:
    """What a sender hears that keeps the last byte of its body."""
    head = {**headers, "host": "x", "content-type": "application/json", "content-length": str(len(sends) + 1)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    with socket.create_connection(("127.0.0.1", sender.base_url.port or 0), timeout=60) as connection:
        connection.sendall(f"POST /in/agents HTTP/1.1\r\n{lines}\r\n".encode() + sends)
        return connection.recv(1000)


def test_no_body_is_waited_for_that_cannot_make_its_sender_known(hub: Hub, sender: httpx.Client) -> None:
    assert unfinished(sender, {"x-alprhub-key": "wrong"}, b"{").startswith(b"HTTP/1.1 401")
    assert unfinished(sender, {}, b"{").startswith(b"HTTP/1.1 401")


def test_a_sender_that_signs_what_it_sends_is_judged_by_that(hub: Hub, sender: httpx.Client) -> None:
    account = {"api_key": "synthetic", "webhook_secret": SECRET, "base_url": "http://127.0.0.1:1"}
    hub.connections.accounts.add(ACTOR, "signs", "verkada", account, check=False)
    body, stamp = b'{"org_id": "org-1"}', str(int(time.time()))
    signature = hmac.new(SECRET.encode(), body + b"|" + stamp.encode(), sha256).hexdigest()
    signed = {"content-type": "application/json", "verkada-signature": f"{stamp}|{signature}"}
    assert sender.post("/in/signs", content=body, headers=signed).status_code == 200
    assert sender.post("/in/signs", content=body + b" ", headers=signed).status_code == 401


def test_a_sender_that_goes_in_the_middle_leaves_no_trace_in_the_log(
    hub: Hub, sender: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", sender.base_url.port or 0), timeout=60) as connection:
        head = f"POST /in/agents HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-alprhub-key: {SECRET}\r\n"
        connection.sendall(f"{head}content-length: 9\r\n\r\nhalf".encode())
    assert sender.post("/in/agents", json=group(1), headers=KEY).status_code == 200
    assert kept(hub, sender) == {"SYNTHETIC-1"}
    assert caplog.messages == []


def test_pushes_that_are_refused_do_not_fill_the_log(
    hub: Hub, sender: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        assert sender.post("/in/agents", json=group(1)).status_code == 401
    (line,) = caplog.messages
    assert line.startswith("a push for agents was refused: the secret is neither in the header")


def test_a_paused_connection_is_to_be_tried_again(hub: Hub, sender: httpx.Client) -> None:
    hub.connections.accounts.pause(ACTOR, "agents", "moved house")
    answer = sender.post("/in/agents", json=group(1), headers=KEY)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert kept(hub, sender) == set()


def test_a_connection_that_cannot_be_opened_takes_pushes_once_it_can(
    prepared: HubSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = tmp_path / "secret.key"
    key.rename(tmp_path / "kept.key")
    with (
        open_hub(prepared) as hub,
        hub.ingest.receiving() as inbox,
        Service(web_app(inbox)) as service,
        httpx.Client(base_url=service.url) as client,
    ):
        for number in range(2):
            answer = client.post("/in/agents", json=group(number), headers=KEY)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        (line,) = [one for one in caplog.records if "agents" in one.getMessage()]
        assert line.exc_info is None
        (tmp_path / "kept.key").replace(key)
        assert client.post("/in/agents", json=group(3), headers=KEY).status_code == 200


def test_a_push_that_comes_again_is_answered_alike_and_kept_once(hub: Hub, sender: httpx.Client) -> None:
    body = msgspec.json.encode(group(1))
    as_json = {**KEY, "content-type": "application/json"}
    answers = {sender.post("/in/agents", content=body, headers=as_json).status_code for _ in range(3)}
    assert answers == {200}
    assert kept(hub, sender) == {"SYNTHETIC-1"}


def test_what_is_no_json_is_taken_and_kept_in_quarantine(hub: Hub, sender: httpx.Client) -> None:
    as_json = {**KEY, "content-type": "application/json"}
    assert sender.post("/in/agents", content=b'{"data_type": "alpr_gro', headers=as_json).status_code == 200
    assert kept(hub, sender) == set()
    assert [group.count for group in hub.ingest.quarantine.groups(ACTOR)] == [1]


def test_whoever_watches_is_told_whether_pushes_are_taken_and_nothing_else(
    hub: Hub, sender: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = sender.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    monkeypatch.setattr(spool, "disk_usage", lambda folder: SimpleNamespace(free=spool.RESERVE - 1))
    answer = sender.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})
    assert sender.post("/in/agents", json=group(1), headers=KEY).status_code == 503
    monkeypatch.undo()
    (hub.settings.data / "inbox").rename(hub.settings.data / "away")
    assert sender.get("/health").status_code == 503


@contextmanager
def frozen(hub: Hub) -> Iterator[None]:
    """The database's server does nothing inside the block, as behind a network that is gone."""
    with hub.store.read() as connection:
        pids = set(connection.scalars(text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")))
    parents = {int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in pids}
    stopped = [*parents, *pids]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.slow
@pytest.mark.skipif("ALPRHUB_TEST_PG_URL" in os.environ, reason="that server may be another machine's")
def test_a_known_connection_goes_on_being_taken_while_postgresql_is_frozen(
    tmp_path: Path, pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "REMEMBERED", 0.0)  # each push would ask
    settings = HubSettings(data=tmp_path, database_url=SecretStr(pg_url))
    connect(settings)
    with (
        open_hub(settings) as hub,
        hub.ingest.receiving() as inbox,
        Service(web_app(inbox)) as service,
        httpx.Client(base_url=service.url, headers=KEY, timeout=30) as client,
    ):
        assert client.post("/in/agents", json=group(0)).status_code == 200
        with frozen(hub):
            assert [client.post("/in/agents", json=group(number)).status_code for number in range(1, 6)] == [200] * 5
            monkeypatch.setattr(receivers, "UNKNOWN_PATIENCE", 0.1)  # the answer cannot come: nobody waits for it here
            assert client.post("/in/stranger", json=group(9)).status_code == 503
            assert client.get("/health").status_code == 200
        assert kept(hub, client) == {f"SYNTHETIC-{number}" for number in range(6)}


def test_an_end_by_sigterm_keeps_what_was_taken_whoever_still_sends(prepared: HubSettings, tmp_path: Path) -> None:
    port = free_port()
    server = serving(tmp_path, port)
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=KEY, timeout=60) as client,
        socket.create_connection(("127.0.0.1", port), timeout=60) as unfinished,
    ):
        for number in range(20):
            assert client.post("/in/agents", json=group(number)).status_code == 200
        head = f"POST /in/agents HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-alprhub-key: {SECRET}\r\n"
        unfinished.sendall(f"{head}content-length: 9\r\n\r\nhalf".encode())
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    assert server.stdout is not None
    server.stdout.close()
    assert list((tmp_path / "inbox").iterdir()) == []
    with open_hub(prepared) as hub:
        assert stored(hub) == {f"SYNTHETIC-{number}" for number in range(20)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serving(data: Path, port: int) -> "subprocess.Popen[str]":
    """`alprhub serve`, once it listens."""
    command = [str(Path(sys.executable).with_name("alprhub")), "serve", "--port", str(port)]
    whose = {"ALPRHUB_AGENCY": "Agency", "ALPRHUB_PROFILE": "hermosa-beach"}
    environment = {**os.environ, **whose, "ALPRHUB_DATA": str(data)}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    assert f":{port}/in/CONNECTION" in server.stdout.readline()
    return server


@pytest.mark.slow
def test_every_push_that_was_taken_is_there_after_kill_9(prepared: HubSettings, tmp_path: Path) -> None:
    port = free_port()
    server = serving(tmp_path, port)
    many = Semaphore(0)

    def pushed(worker: int) -> list[str]:
        taken = []
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=KEY) as client:
            for number in range(worker * 1000, worker * 1000 + 1000):
                try:
                    if client.post("/in/agents", json=group(number)).status_code == 200:
                        taken.append(f"SYNTHETIC-{number}")
                        many.release()
                except httpx.ConnectError:
                    if taken:
                        return taken
                    time.sleep(0.05)  # it is not listening yet
                except httpx.TransportError:
                    return taken
        return taken

    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(pushed, worker) for worker in range(4)]
        inbox = tmp_path / "inbox"
        for _ in range(40):
            assert many.acquire(timeout=60)
        server.send_signal(signal.SIGKILL)
        taken = {uuid for worker in workers for uuid in worker.result()}
    server.wait()
    assert server.stdout is not None
    server.stdout.close()
    assert len(taken) > 20
    with open_hub(prepared) as hub, hub.ingest.receiving() as again:
        again.keep()
        deadline = time.monotonic() + 60
        while list(inbox.glob("*.batch")) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert taken <= stored(hub)
