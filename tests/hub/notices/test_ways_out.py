"""The ways out, against servers that run here: each notice whole, and each failure told apart and without a secret."""

import hmac
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr
from smtp import Mailbox, certified, mail_server

from connectors.contract import Frame
from hub.clock import SystemClock
from hub.mailing import MailServer
from hub.notices.mail import Mail
from hub.notices.notice import BEGUN, ENDED, TEST, Notice
from hub.notices.syslog import LONGEST_DATAGRAM, Syslog
from hub.notices.ways import ways
from hub.notices.webhook import Webhook
from hub.outgoing import NotSent
from hub.settings import HubSettings

NOTICE = Notice(
    7, "feed/silent/", "begun", "feed", "silent", datetime(2026, 6, 1, 12, tzinfo=UTC), "feed went silent",
    "No read in the last hour.\n\nWhat to do: look.\n\n    alprhub connections dry-run feed",
)  # fmt: skip


def mail(box: Mailbox, security: Any = "none", login: tuple[str, str] | None = None, **more: Any) -> Mail:
    user, password = login or (None, None)
    told: dict[str, Any] = {"to": ("a@pd.example", "b@pd.example"), "sender": "hub@pd.example", "host": "127.0.0.1"}
    secret = SecretStr(password) if password else None
    told |= more
    server = MailServer(told["host"], box.port, security, user, secret)
    return Mail(server, told["to"], told["sender"], "Pier PD")


def test_a_notice_arrives_as_one_mail_to_everybody() -> None:
    with mail_server(Mailbox()) as box:
        said = mail(box).send(NOTICE)
    (one,) = box.mails
    assert said == f"the mail server 127.0.0.1:{box.port} took it"
    assert box.recipients == [["a@pd.example", "b@pd.example"]]
    assert (one["From"], one["Subject"]) == ("hub@pd.example", "[alprhub] Pier PD: feed went silent")
    assert one["Message-ID"].startswith("<notice-7-")
    assert one["Auto-Submitted"] == "auto-generated"
    assert one["Importance"] == "high"
    assert "alprhub connections dry-run feed" in one.get_content()


def test_what_is_over_and_a_test_are_of_no_importance() -> None:
    with mail_server(Mailbox()) as box:
        for kind in (ENDED, TEST):
            mail(box).send(replace(NOTICE, kind=kind))
    assert [one["Importance"] for one in box.mails] == [None, None]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_and_login_go_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    context, authority = certified(tmp_path)
    with mail_server(Mailbox(context=context, at_once=security == "tls", login=("hub", "secret"))) as box:
        with pytest.raises(NotSent, match="certificate that is not trusted here"):
            mail(box, security, ("hub", "secret")).send(NOTICE)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        mail(box, security, ("hub", "secret")).send(NOTICE)
        with pytest.raises(NotSent, match=r"refused the login \(it answered 535\)") as refused:
            mail(box, security, ("hub", "wrong")).send(NOTICE)
    assert "secret words" not in str(refused.value)
    assert box.encrypted == [True]


def test_a_server_without_encryption_gets_neither_mail_nor_login() -> None:
    with mail_server(Mailbox(login=("hub", "secret"))) as box:
        with pytest.raises(NotSent, match="does not offer the encryption"):
            mail(box, "starttls", ("hub", "secret")).send(NOTICE)
        with pytest.raises(NotSent, match="unencrypted: set ALPRHUB_NOTICE_SMTP_SECURITY"):
            mail(box, "none", ("hub", "secret"), host="mail.pd.example").send(NOTICE)
    assert box.mails == []


def test_a_login_that_the_protocol_does_not_carry_is_told() -> None:
    with mail_server(Mailbox(login=("hub", "secret"))) as box, pytest.raises(NotSent, match="beyond ASCII"):
        mail(box, "none", ("hub", "pässword")).send(NOTICE)


def test_a_mail_that_only_some_get_is_sent_and_says_so() -> None:
    with mail_server(Mailbox(refuses="b@")) as box:
        assert mail(box).send(NOTICE).endswith("took it, but not for 1 of 2 recipients")
    assert box.recipients == [["a@pd.example"]]


@pytest.mark.parametrize(
    ("refuses", "said"), [("@", "none of the recipients (it answered 550)"), ("*", "did not take it (it answered 554)")]
)
def test_a_mail_that_is_refused_says_how_and_leaves_the_server_to_the_next(refuses: str, said: str) -> None:
    with mail_server(Mailbox(refuses=refuses)) as box, pytest.raises(NotSent) as refused:
        mail(box).send(NOTICE)
    assert said in str(refused.value)
    assert refused.value.answered


def test_no_mail_server_is_told_apart_from_one_that_is_not_set() -> None:
    with mail_server(Mailbox()) as box:
        pass
    with pytest.raises(NotSent, match=f"127.0.0.1:{box.port} refuses connections: nothing listens there") as refused:
        mail(box).send(NOTICE)
    assert not refused.value.answered
    with pytest.raises(NotSent, match="ALPRHUB_NOTICE_SMTP_HOST is not set"):
        mail(box, host=None).send(NOTICE)


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_mail_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    monkeypatch.setattr("hub.mailing.TIMEOUT_S", 0.05)
    with silent() as port, pytest.raises(NotSent, match=f"127.0.0.1:{port} did not answer in time") as refused:
        mail(Mailbox(port=port), security).send(NOTICE)
    assert not refused.value.answered


@contextmanager
def silent() -> Iterator[int]:
    """A server that takes connections and says nothing; it hangs up on whoever has more patience than 5 seconds."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            client.settimeout(5)
            with client, suppress(OSError):
                while client.recv(4096):
                    """Whatever it says."""

        serving = Thread(target=serve, daemon=True)
        serving.start()
        yield server.getsockname()[1]
        serving.join()


@contextmanager
def web(status: int = 200, body: bytes = b"") -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A web server that keeps what is POSTed to it."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers.items()), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hooks/T0KEN?x=1", got
        finally:
            server.shutdown()


def webhook(url: str, secret: str | None = None) -> Webhook:
    frame = Frame(clock=SystemClock(), sleep=lambda _: None)
    return Webhook(SecretStr(url), SecretStr(secret) if secret else None, "Pier PD", frame)


def test_a_webhook_gets_json_whose_signature_anybody_with_the_secret_can_check() -> None:
    with web() as (url, got):
        assert webhook(url, "hook-secret").send(NOTICE) == "the webhook at 127.0.0.1 took it (it answered 200)"
        webhook(url).send(NOTICE)
    (headers, body), (unsigned, _) = got
    assert headers["X-Alprhub-Signature"] == "sha256=" + hmac.new(b"hook-secret", body, "sha256").hexdigest()
    assert "X-Alprhub-Signature" not in unsigned
    told = json.loads(body)
    assert told["text"].startswith("feed went silent\nNo read in the last hour.")
    assert {key: told[key] for key in ("id", "kind", "code", "connection", "agency", "at")} == {
        "id": 7, "kind": "begun", "code": "silent", "connection": "feed", "agency": "Pier PD",
        "at": "2026-06-01T12:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize(("status", "answered"), [(404, True), (401, True), (500, False), (302, True)])
def test_a_webhook_that_does_not_take_it_says_its_status_and_never_its_address(status: int, answered: bool) -> None:
    with web(status) as (url, got), pytest.raises(NotSent) as refused:
        webhook(url).send(NOTICE)
    assert str(refused.value).startswith(f"the webhook at 127.0.0.1 did not take it: it answered {status}")
    assert "T0KEN" not in str(refused.value)
    assert (refused.value.answered, len(got)) == (answered, 1)


def test_a_webhook_that_quotes_its_own_address_is_not_quoted() -> None:
    body = b'{"error": "no hook at /hooks/opensesame, key=letmeinside, signed by hook-secret"}'
    with web(403, body) as (url, _), pytest.raises(NotSent, match="no hook at") as refused:
        webhook(url.replace("T0KEN?x=1", "opensesame?key=letmeinside"), "hook-secret").send(NOTICE)
    for part in ("opensesame", "letmeinside", "hook-secret"):
        assert part not in str(refused.value)


def test_a_webhook_that_is_not_there_or_no_address_is_told() -> None:
    with web() as (url, _):
        pass
    with pytest.raises(NotSent, match=r"did not take it: 127\.0\.0\.1 refuses connections at port \d+") as refused:
        webhook(url).send(NOTICE)
    assert not refused.value.answered
    for address in ("hooks.example/x", "ftp://hooks.example/x"):
        with pytest.raises(NotSent, match="ALPRHUB_NOTICE_WEBHOOK_URL is no address that begins with https://"):
            webhook(address).send(NOTICE)


MESSAGE = re.compile(
    rb"<132>1 2026-06-01T12:00:00\.000Z \S+ alprhub \d+ silent - \xef\xbb\xbf"
    rb"notice=7 kind=begun connection=feed agency='Pier PD' feed went silent: No read in the last hour\. What to do:.*"
)


def _udp(folder: Path) -> tuple[socket.socket, str, Callable[[socket.socket], bytes]]:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    return server, f"udp://127.0.0.1:{server.getsockname()[1]}", lambda one: one.recv(65536)


def _local(folder: Path) -> tuple[socket.socket, str, Callable[[socket.socket], bytes]]:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(str(folder / "log"))
    return server, f"unix://{folder / 'log'}", lambda one: one.recv(65536)


def _counted(server: socket.socket) -> bytes:
    stream, _ = server.accept()
    with stream, stream.makefile("rb") as file:
        size, _, message = file.read().partition(b" ")
    assert int(size) == len(message)
    return message


def _tcp(folder: Path) -> tuple[socket.socket, str, Callable[[socket.socket], bytes]]:
    server = socket.create_server(("127.0.0.1", 0))
    return server, f"tcp://127.0.0.1:{server.getsockname()[1]}", _counted


def _stream(folder: Path) -> tuple[socket.socket, str, Callable[[socket.socket], bytes]]:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(folder / "log"))
    server.listen()
    return server, f"unix://{folder / 'log'}", _counted


@pytest.mark.parametrize("kind", [_udp, _tcp, _local, _stream])
def test_a_syslog_gets_one_message_of_rfc_5424(kind: Callable[[Path], Any], tmp_path: Path) -> None:
    server, address, read = kind(tmp_path)
    with server:
        said = Syslog(address, "Pier PD").send(NOTICE)
        assert MESSAGE.fullmatch(read(server))
    assert ("does not tell whether it arrived" in said) == (kind is _udp)


@pytest.mark.parametrize(("kind", "priority"), [(BEGUN, b"<132>"), (ENDED, b"<133>"), (TEST, b"<134>")])
def test_a_syslog_is_warned_of_what_begins_alone(kind: str, priority: bytes, tmp_path: Path) -> None:
    server, address, read = _udp(tmp_path)
    with server:
        Syslog(address, "Pier PD").send(replace(NOTICE, kind=kind))
        assert read(server).startswith(priority)


def test_a_datagram_is_no_longer_than_every_receiver_takes_it(tmp_path: Path) -> None:
    server, address, read = _udp(tmp_path)
    with server:
        Syslog(address, "Pier PD").send(Notice(1, "s", "begun", None, "gap", NOTICE.at, "t", "ü" * 3000))
        got = read(server)
    assert LONGEST_DATAGRAM - 2 < len(got) <= LONGEST_DATAGRAM
    got.decode()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:{closed}", "refuses connections"),
        ("unix:///nowhere/at/all", "is not there: look at the path"),
        ("syslog.example", "is none of udp://HOST:PORT"),
        ("http://syslog.example", "is none of udp://HOST:PORT"),
    ],
)
def test_a_syslog_that_is_not_there_is_told(address: str, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    with pytest.raises(NotSent, match=re.escape(said)):
        Syslog(address.format(closed=closed), "Pier PD").send(NOTICE)


def test_the_ways_out_are_those_that_are_set(tmp_path: Path) -> None:
    frame = Frame(clock=SystemClock(), sleep=lambda _: None)
    assert ways(HubSettings(data=tmp_path), frame, "Pier PD") == []
    settings = HubSettings(
        data=tmp_path, notice_email_to="a@pd.example, b@pd.example", notice_syslog="udp://127.0.0.1",
        notice_webhook_url=SecretStr("https://hooks.example/T0KEN"), notice_smtp_password=SecretStr("s3cret"),
    )  # fmt: skip
    assert [way.name for way in ways(settings, frame, "Pier PD")] == ["email", "webhook", "syslog"]
    assert settings.notice_email_to == ("a@pd.example", "b@pd.example")
    assert "T0KEN" not in repr(settings)
    assert "s3cret" not in repr(settings)
