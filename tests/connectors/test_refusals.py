"""What keeps an answer away is told apart, over real sockets: by what is wrong, where, and what to do."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from connectors import transport
from connectors.auth import Header
from connectors.contract import Frame, Limits
from connectors.errors import AdminMustFix, ConnectorError, Gone, TryAgain, VendorChanged
from connectors.http import Http
from connectors.refusals import no_answer

SECRET = "s3cr3t-of-the-vendor"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class _Clock:
    def now(self) -> datetime:
        return datetime(2026, 6, 1, 12, tzinfo=UTC)


def asked(url: str, **more: Any) -> str:
    """What a request to an address is refused with; no second is slept."""
    http = Http(
        url, Frame(_Clock(), lambda _: None), auth=Header("X-Key", SecretStr(SECRET)), limits=Limits(per_second=1e9),
        patience=timedelta(0), **more,
    )  # fmt: skip
    with pytest.raises(ConnectorError) as refused:
        http.get("/v1/7SYN001")
    text = str(refused.value)
    assert SECRET not in text
    assert "7SYN001" not in text
    for word in ("Error", "[Errno", "SSL:", "_", "  "):
        assert word not in text.replace("SSL_CERT_FILE", "").replace("HTTPS_PROXY and NO_PROXY", "")
    asked.kind = type(refused.value)  # type: ignore[attr-defined]
    return text


@contextmanager
def server(answer: bytes, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on loopback that answers every connection with the same bytes; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), client:
                spoken = tls.wrap_socket(client, server_side=True) if tls else client
                spoken.recv(65536)
                spoken.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


Certificate = Callable[..., ssl.SSLContext]


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """A server's TLS with a certificate for `names`, which this machine trusts where `trusted`."""

    def made(*, ends: timedelta = timedelta(days=1), ip: str = "127.0.0.1", trusted: bool = True) -> ssl.SSLContext:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + ends)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(ip))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        file = tmp_path / "server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        trust = ssl.create_default_context(cafile=str(file) if trusted else None)
        monkeypatch.setattr(transport, "trust", lambda: trust)
        return context

    return made


def test_a_certificate_that_has_expired_is_told_and_tried_again_much_later(certified: Certificate) -> None:
    with server(OK, certified(ends=timedelta(days=-1))) as port:
        assert asked(f"https://127.0.0.1:{port}") == (
            f"the certificate of 127.0.0.1:{port} has expired: whoever runs it must renew it (or this machine's clock"
            " is wrong)"
        )
    assert asked.kind is TryAgain  # type: ignore[attr-defined]


def test_a_certificate_that_nobody_vouches_for_is_a_matter_for_an_admin(certified: Certificate) -> None:
    with server(OK, certified(trusted=False)) as port:
        text = asked(f"https://127.0.0.1:{port}")
    assert text.startswith(f"the certificate of 127.0.0.1:{port} is signed by nobody whom this machine trusts")
    assert text.endswith("name that in SSL_CERT_FILE")
    assert asked.kind is AdminMustFix  # type: ignore[attr-defined]


def test_a_certificate_of_another_host_is_told(certified: Certificate) -> None:
    with server(OK, certified(ip="127.0.0.9")) as port:
        assert asked(f"https://127.0.0.1:{port}") == (
            f"the certificate that 127.0.0.1:{port} shows is not one for '127.0.0.1': see how the address is spelled"
        )
    assert asked.kind is AdminMustFix  # type: ignore[attr-defined]


def test_https_to_a_port_without_tls_is_told() -> None:
    with server(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as port:
        assert asked(f"https://127.0.0.1:{port}") == (
            f"127.0.0.1:{port} speaks no TLS there: see the port in the address, or write http:// if that is meant"
        )


def test_http_to_a_port_with_tls_is_told(certified: Certificate) -> None:
    with server(OK, certified()) as port:
        assert asked(f"http://127.0.0.1:{port}").endswith("If it speaks TLS there, write https:// in the address")
    plain = b"<html><h1>400</h1>The plain HTTP request was sent to HTTPS port</html>"
    head = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(plain)
    with server(head + plain) as port:
        assert asked(f"http://127.0.0.1:{port}") == (
            f"127.0.0.1:{port} answered 400: it wants TLS: write https:// in the address"
        )
    assert asked.kind is AdminMustFix  # type: ignore[attr-defined]


def test_what_is_no_http_at_all_is_told() -> None:
    with server(b"SSH-2.0-OpenSSH_9.6\r\n\r\n") as port:
        assert asked(f"http://127.0.0.1:{port}").startswith(f"127.0.0.1:{port} answered, but not in HTTP")


def test_a_port_at_which_nothing_listens_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert asked(f"https://127.0.0.1:{port}") == (
        f"127.0.0.1 refuses connections at port {port}: nothing listens there. See the port in the address, and whether"
        " the service is on"
    )


def test_a_name_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert asked("https://vendro.invalid") == (
        "the host name 'vendro.invalid' is not known: see how the address is spelled, and whether this machine's DNS"
        " works"
    )


@pytest.mark.parametrize(
    ("failed", "says", "arrived"),
    [
        (httpx.ConnectTimeout("x"), "vendor.example took no connection within 10 s: it is off, or a firewall", False),
        (httpx.ReadTimeout("x"), "vendor.example took the request and did not answer within 30 s", True),
        (httpx.WriteTimeout("x"), "vendor.example did not take the request within 30 s", True),
        (httpx.ReadError("x"), "vendor.example broke the connection off before its answer was whole", True),
        (httpx.ProxyError("x"), "the proxy on the way to vendor.example refused", False),
        (httpx.ConnectError("x"), "no connection to vendor.example", False),
    ],
)
def test_silence_is_told_apart(failed: Exception, says: str, arrived: bool) -> None:
    refusal = no_answer(failed, "https://vendor.example/v1")
    assert refusal.text.startswith(says)
    assert refusal.arrived is arrived


def _answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (_answer("401 Unauthorized"), AdminMustFix, "answered 401: it refuses the key, or the user and password"),
        (_answer("403 Forbidden", b'{"error": "no"}'), AdminMustFix, "answered 403: the account may not do this (no)"),
        (_answer("404 Not Found", b"{}"), Gone,
         "answered 404: it has nothing of that name, or nothing at that address"),
        (_answer("404 Not Found", b"<html>", "Content-Type: text/html"), Gone,
         "answered 404: a web site stands at its address, and not the service: see the path in the address"),
        (_answer("200 OK", b"<!doctype html><html>", "Content-Type: text/html"), VendorChanged,
         "answered 200, but with a web page: see the path in the address"),
        (_answer("301 Moved", b"", "Location: https://other.example/?key=1"), VendorChanged,
         "answered 301: it sends on to https://other.example: see whether the address has changed"),
        (_answer("301 Moved", b"", "Location: https://127.0.0.1/v1"), AdminMustFix,
         "answered 301: it wants TLS: write https:// in the address"),
        (_answer("503 Service Unavailable"), TryAgain, "answered 503: it is out of service for now"),
        (_answer("599 Odd"), TryAgain, "answered 599: it has a fault of its own"),
    ],
)  # fmt: skip
def test_what_a_status_means_is_told(answer: bytes, kind: type[Exception], says: str) -> None:
    with server(answer) as port:
        assert asked(f"http://127.0.0.1:{port}") == f"127.0.0.1:{port} {says}"
    assert asked.kind is kind  # type: ignore[attr-defined]


def test_a_key_that_no_header_may_hold_is_told_without_it() -> None:
    with server(OK) as port:
        http = Http(
            f"http://127.0.0.1:{port}", Frame(_Clock(), lambda _: None), auth=Header("X-Key", SecretStr("a\nb")),
            patience=timedelta(0),
        )  # fmt: skip
        with pytest.raises(AdminMustFix, match="a setting holds a sign that may not travel"):
            http.get("/")
