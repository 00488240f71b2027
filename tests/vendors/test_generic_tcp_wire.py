"""The TCP listener as cameras meet it: over real sockets, with bounds that hold for strangers too."""

import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from broker import free_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from connectors.contract import Document, Frame
from connectors.errors import AdminMustFix, Closed, TryAgain
from connectors.mapping import Mapping
from connectors.vendors.generic_tcp import door
from connectors.vendors.generic_tcp.connector import GenericTcpConnector
from connectors.vendors.generic_tcp.settings import GenericTcpSettings

FRAME = Frame(SimpleNamespace(now=lambda: datetime(2026, 6, 1, tzinfo=UTC)), lambda _: None)


@pytest.fixture(autouse=True)
def _is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "TICK", 0.02)


class Post:
    """Takes what comes; `full` is a disk that takes nothing."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.reasons: list[str] = []
        self.is_up, self.over, self.full, self.stirred = Event(), Event(), Event(), Event()

    def up(self) -> None:
        self.is_up.set()

    def hand(self, documents: Sequence[Document]) -> None:
        self.stirred.set()
        if self.full.is_set():
            raise TryAgain("the disk is full")
        self.taken += [document.body for document in documents]

    def dropped(self, why: str) -> None:
        self.reasons.append(why)

    def ended(self, seconds: float = 0.0) -> bool:
        return self.over.wait(min(seconds, 0.02))

    def until(self, so: Callable[[], bool]) -> None:
        for _ in range(3000):
            if so():
                return
            self.over.wait(0.01)
        raise AssertionError("it did not come to be so")


def connector(**more: Any) -> GenericTcpConnector:
    told = {"address": "127.0.0.1", "port": 1, "senders": ["127.0.0.0/8"], "encrypted": "no", **more}
    return GenericTcpConnector(GenericTcpSettings(**told), FRAME)


@contextmanager
def listening(**more: Any) -> Iterator[tuple[int, Post]]:
    """A port that is listened to, and what is taken there."""
    port, post = free_port(), Post()
    thread = Thread(target=connector(port=port, **more).listen, args=(post,), daemon=True)
    thread.start()
    try:
        assert post.is_up.wait(20)
        yield port, post
    finally:
        post.over.set()
        thread.join(20)
        assert not thread.is_alive()


def said(line: socket.socket, number: int) -> bytes:
    """What is answered until it has so many bytes; less where the other side hangs up."""
    line.settimeout(20)
    answer = b""
    while len(answer) < number and (piece := line.recv(number)):
        answer += piece
    return answer


def is_answered(line: socket.socket) -> bool:
    """Whether it is acknowledged before the other side hangs up; an alert of TLS is no acknowledgement."""
    try:
        return b"+" in said(line, 100)
    except ConnectionError:
        return False


def is_hung_up(line: socket.socket) -> bool:
    line.settimeout(20)
    try:
        return line.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize(("framing", "stream"), [
    ("document", b'{"n": 1}{"n": 2}'), ("newline", b'{"n": 1}\n{"n": 2}\r\n'), ("stx_etx", b'\2{"n": 1}\3\2{"n": 2}\3'),
    ("length", b'\0\0\0\x08{"n": 1}\0\0\0\x08{"n": 2}'),
])  # fmt: skip
def test_each_document_is_acknowledged_once_it_was_handed_over(framing: str, stream: bytes) -> None:
    with (
        listening(framing=framing, acknowledgement=r"OK\r\n") as (port, post),
        socket.create_connection(("127.0.0.1", port)) as line,
    ):
        line.sendall(stream)
        assert said(line, 8) == b"OK\r\nOK\r\n"
        assert [json.loads(each) for each in post.taken] == [{"n": 1}, {"n": 2}]


def test_nothing_is_acknowledged_while_the_disk_takes_nothing_and_it_is_once_it_does() -> None:
    with (
        listening(acknowledgement=r"\x06") as (port, post),
        socket.create_connection(("127.0.0.1", port)) as line,
    ):
        post.full.set()
        line.sendall(b'{"n": 1}')
        assert post.stirred.wait(20)
        line.setblocking(False)
        with pytest.raises(BlockingIOError):
            line.recv(1)
        post.full.clear()
        assert said(line, 1) == b"\x06"
    assert post.taken == [b'{"n": 1}']


@pytest.mark.parametrize("framing", ["document", "newline", "close"])
def test_what_the_end_of_a_line_cuts_short_is_handed_over_as_it_came(framing: str) -> None:
    with listening(framing=framing) as (port, post):
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(b'{"n": 1')
        post.until(lambda: post.taken == [b'{"n": 1'])


def test_what_the_hubs_own_end_cuts_short_is_not_handed_over() -> None:
    with listening() as (port, post):
        line = socket.create_connection(("127.0.0.1", port))
        line.sendall(b'{"n": 1}{"n": ')
        post.until(lambda: post.taken == [b'{"n": 1}'])
    assert is_hung_up(line)
    line.close()
    assert post.taken == [b'{"n": 1}']


def test_a_stranger_is_hung_up_on_and_counted() -> None:
    with listening(senders=["10.20.0.0/24", "2001:db8::/32"]) as (port, post):
        with socket.create_connection(("127.0.0.1", port)) as line:
            assert is_hung_up(line)
        post.until(lambda: post.reasons == ["came from 127.0.0.1, which the setting senders does not name"])
    assert post.taken == []


def test_a_document_without_an_end_is_given_up_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_BYTES", 100)
    with listening() as (port, post), socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b'{"n": "' + b"x" * 200)
        assert is_hung_up(line)
        post.until(lambda: post.reasons == ["had more than 100 bytes"])
    assert post.taken == []


def test_all_senders_together_hold_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_HELD", 150)
    with listening() as (port, post):
        lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        for line in lines:
            line.sendall(b'{"n": "' + b"x" * 100)
        post.until(lambda: len(post.reasons) == 1)
        for line in lines:
            line.close()
    assert post.reasons == ["came while others had sent 150 bytes without an end"]


def test_of_too_many_senders_the_one_goes_that_was_silent_longest() -> None:
    with listening(most_lines=2, acknowledgement="+") as (port, _):
        lines = []
        for number in range(2):
            lines.append(socket.create_connection(("127.0.0.1", port)))
            lines[number].sendall(b"{}")
            assert said(lines[number], 1) == b"+"
        lines[0].sendall(b"{}")
        assert said(lines[0], 1) == b"+"
        with socket.create_connection(("127.0.0.1", port)) as third:
            assert is_hung_up(lines[1])
            for line in (third, lines[0]):
                line.sendall(b"{}")
                assert said(line, 1) == b"+"
        for line in lines:
            line.close()


def test_a_document_that_stalls_is_handed_over_as_it_is_and_its_sender_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door, "STALLED", 0.05)
    with listening() as (port, post), socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b'{"n": 1')
        assert is_hung_up(line)
        post.until(lambda: post.taken == [b'{"n": 1'])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for this machine and its key, in files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "synthetic receiver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("pair")
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "certificate.pem"), str(folder / "key.pem")


def test_over_tls_a_document_comes_and_clear_text_does_not(pair: tuple[str, str]) -> None:
    told = {"encrypted": "tls", "certificate_file": pair[0], "private_key_file": pair[1], "acknowledgement": "+"}
    context = ssl.create_default_context(cafile=pair[0])
    with listening(**told) as (port, post):
        with socket.create_connection(("127.0.0.1", port)) as clear:
            clear.sendall(b'{"n": "in clear"}')
            assert not is_answered(clear)
        with (
            socket.create_connection(("127.0.0.1", port)) as line,
            context.wrap_socket(line, server_hostname="127.0.0.1") as spoken,
        ):
            spoken.sendall(b'{"n": 1}')
            assert said(spoken, 1) == b"+"
    assert post.taken == [b'{"n": 1}']


def test_a_check_says_whether_the_port_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert connector(port=port).check().startswith(f"Something listens at port {port} already;")
        with pytest.raises(TryAgain, match=f"^something listens at port {port} already$"):
            connector(port=port).listen(Post())
    assert connector(port=port).check().startswith("The port is free")
    with pytest.raises(AdminMustFix, match=r"^certificate_file: there is no file /nowhere/c\.pem"):
        connector(encrypted="tls", certificate_file="/nowhere/c.pem", private_key_file="/nowhere/k.pem").check()


def test_files_that_are_no_pair_are_told(pair: tuple[str, str]) -> None:
    with pytest.raises(AdminMustFix, match="are no pair of PEM files"):
        connector(encrypted="tls", certificate_file=pair[1], private_key_file=pair[0]).check()


def test_a_closed_one_opens_no_port() -> None:
    made = connector(port=free_port())
    made.close()
    with pytest.raises(Closed):
        made.listen(Post())


@pytest.mark.parametrize(("wrong", "named"), [
    ({"senders": []}, "senders"), ({"senders": ["10.20.0.1/24"]}, "senders"), ({"address": "gate"}, "address"),
    ({"encrypted": "tls"}, "encrypted=no"), ({"certificate_file": "c.pem"}, "encrypted must be tls"),
    ({"acknowledgement": "\\x"}, "acknowledgement"), ({"acknowledgement": "€"}, "acknowledgement"),
    ({"framing": "xml"}, "framing"), ({"port": 0}, "port"),
])  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused_by_their_name(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        connector(**wrong)


def test_a_document_is_read_by_the_map_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs/vendors/generic_tcp.md").read_text("utf-8")
    [mapping] = re.findall(r"^```json map\n(.*?)^```$", page, re.M | re.S)
    made = connector(map=Mapping.model_validate_json(mapping))
    [record] = made.records(Document(b'{"lp": "9SYN042", "ms": 1780326930250, "dev": "gate-3"}', ""))
    read = made.parse(record)
    assert (read.plate, read.camera.id, read.captured_at) == (
        "9SYN042", "gate-3", datetime(2026, 6, 1, 15, 15, 30, 250_000, UTC)
    )  # fmt: skip
