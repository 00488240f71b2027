"""`Syslog`: notices as RFC 5424 messages, over UDP (RFC 5426), TCP (RFC 6587, counted) or a socket of this machine."""

import errno
import os
import socket
from typing import Final
from urllib.parse import urlsplit

from hub.notices.notice import BEGUN, ENDED, Notice
from hub.outgoing import NotSent, reaching
from normalize.times import rfc3339

TIMEOUT_S: Final = 10.0
LONGEST_DATAGRAM: Final = 2048
"""Bytes that every receiver should take in one datagram (RFC 5426, 3.2)."""
_LOCAL0: Final = 16
_SEVERITY: Final = {BEGUN: 4, ENDED: 5}
"""Warning, notice; a test is informational."""
_PORT: Final = 514


class Syslog:
    """One message a notice; its MSGID is the notice's code."""

    name = "syslog"

    def __init__(self, address: str, agency: str) -> None:
        self._address = address
        self._agency = agency

    def send(self, notice: Notice) -> str:
        """Hand a notice over. UDP tells nobody whether it arrived, and the answer says so."""
        parts = urlsplit(self._address)
        message = self._message(notice)
        match parts.scheme:
            case "udp" | "tcp" if parts.hostname:
                where = f"the syslog at {parts.hostname}:{parts.port or _PORT}"
                with reaching(where):
                    if parts.scheme == "udp":
                        _datagram(parts.hostname, parts.port or _PORT, message)
                        return f"sent to {where}; UDP does not tell whether it arrived"
                    with socket.create_connection((parts.hostname, parts.port or _PORT), TIMEOUT_S) as stream:
                        stream.sendall(b"%d %b" % (len(message), message))
                    return f"{where} took it"
            case "unix" if parts.path:
                with reaching(f"the syslog socket {parts.path}"):
                    _local(parts.path, message)
                return f"the syslog socket {parts.path} took it"
        raise NotSent("ALPRHUB_NOTICE_SYSLOG is none of udp://HOST:PORT, tcp://HOST:PORT and unix:///PATH")

    def _message(self, notice: Notice) -> bytes:
        priority = _LOCAL0 * 8 + _SEVERITY.get(notice.kind, 6)
        at = rfc3339(notice.at, "milliseconds")
        host = _printable(socket.gethostname(), 255)
        head = f"<{priority}>1 {at} {host} alprhub {os.getpid()} {_printable(notice.code, 32)} - "
        whose = f"notice={notice.id} kind={notice.kind} connection={notice.connection or '-'} agency={self._agency!r}"
        message = " ".join(f"{notice.title}: {notice.body}".split())
        return head.encode() + b"\xef\xbb\xbf" + f"{whose} {message}".encode()


def _datagram(host: str, port: int, message: bytes) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as sender:
        sender.sendto(_cut(message), address)


def _local(path: str, message: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(TIMEOUT_S)
        try:
            sender.connect(path)
        except OSError as other:
            if other.errno != _WRONG_KIND:
                raise
        else:
            sender.send(_cut(message))
            return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.settimeout(TIMEOUT_S)
        stream.connect(path)
        stream.sendall(b"%d %b" % (len(message), message))


def _cut(message: bytes) -> bytes:
    """At most a datagram, and no character in halves."""
    return message[:LONGEST_DATAGRAM].decode(errors="ignore").encode() if len(message) > LONGEST_DATAGRAM else message


def _printable(text: str, longest: int) -> str:
    return "".join(char for char in text if "!" <= char <= "~")[:longest] or "-"


_WRONG_KIND: Final = errno.EPROTOTYPE
"""The socket is one of streams."""
