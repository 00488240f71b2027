"""A mail server on the loopback: SMTP with STARTTLS or TLS from the first byte, a login, and what it was given."""

import base64
import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Mailbox:
    """What a server was told, and how it shall behave."""

    port: int = 0
    context: ssl.SSLContext | None = None
    at_once: bool = False
    login: tuple[str, str] | None = None
    refuses: str = ""
    """A recipient that it refuses; `*` refuses the mail itself."""
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)


class _Session(socketserver.StreamRequestHandler):
    box: Mailbox

    def setup(self) -> None:
        if self.box.context and self.box.at_once:
            self.request = self.box.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        to: list[str] = []
        known = False
        self._say("220 here")
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO" | "HELO":
                    offers = ["here"]
                    if self.box.context and not self._encrypted():
                        offers.append("STARTTLS")
                    if self.box.login:
                        offers.append("AUTH PLAIN")
                    for offer in offers[:-1]:
                        self._say(f"250-{offer}")
                    self._say(f"250 {offers[-1]}")
                case "STARTTLS":
                    assert self.box.context is not None
                    self._say("220 go ahead")
                    self.request = self.connection = self.box.context.wrap_socket(self.request, server_side=True)
                    self.rfile = self.connection.makefile("rb")
                    self.wfile = self.connection.makefile("wb")  # type: ignore[assignment]
                case "AUTH":
                    _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                    known = (user, password) == self.box.login
                    self._say("235 welcome" if known else "535 secret words of the server")
                case "MAIL" if self.box.login and not known:
                    self._say("530 log in first")
                case "RCPT" if self.box.refuses and self.box.refuses in rest:
                    self._say("550 nobody of that name")
                case "RCPT":
                    to.append(rest.partition("<")[2].rstrip(">"))
                    self._say("250 yes")
                case "DATA" if self.box.refuses == "*":
                    self._say("554 no")
                case "DATA":
                    self._say("354 go on")
                    self._keep(to)
                    to = []
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 yes")

    def _keep(self, to: list[str]) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.box.mails.append(mail)
        self.box.recipients.append(to)
        self.box.encrypted.append(self._encrypted())
        self._say("250 kept")

    def _encrypted(self) -> bool:
        return isinstance(self.request, ssl.SSLSocket)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
        self.wfile.flush()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is what some tests are about."""


@contextmanager
def mail_server(box: Mailbox) -> Iterator[Mailbox]:
    """The server behind a mailbox, while the block lasts; `box.port` says where."""
    session = type("Session", (_Session,), {"box": box})
    with _Server(("127.0.0.1", 0), session) as server:
        box.port = server.server_address[1]
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield box
        finally:
            server.shutdown()


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for 127.0.0.1, and the file of the authority that vouches for it: itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, secret = folder / "authority.pem", folder / "key.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, secret)
    return context, authority
