"""What leaves the hub on purpose and was not taken: why, in words that tell the cases apart."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hub.errors import HubError


class NotSent(HubError):
    """A way out did not take what it was given. `answered`: it was reached, so that the next thing may fare better."""

    code = "notice_not_sent"

    def __init__(self, message: str, *, answered: bool = False) -> None:
        super().__init__(message)
        self.answered = answered


@contextmanager
def reaching(where: str) -> Iterator[None]:
    """Turn what goes wrong on the way to a server into `NotSent`; `where` names it, `mail.example:587`."""
    try:
        yield
    except OSError as failed:
        raise NotSent(f"{where} {_why(failed)}") from None


def _why(failed: OSError) -> str:
    if isinstance(failed, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not trusted here: {failed.verify_message}"
    known = next((why for kind, why in _KNOWN if isinstance(failed, kind)), None)
    return known or f"cannot be reached: {(failed.strerror or 'the connection failed').lower()}"


_KNOWN: Final = (
    (socket.gaierror, "is not a name that the network knows: look at the setting, or at DNS"),
    (ssl.SSLError, "does not speak TLS as it should: look at the port and at the kind of encryption"),
    (TimeoutError, "did not answer in time: look at the address, the port and the firewall"),
    (ConnectionRefusedError, "refuses connections: nothing listens there, or the port is another"),
    (ConnectionError, "ended the connection"),
    (FileNotFoundError, "is not there: look at the path"),
    (PermissionError, "may not be used by this user"),
)
