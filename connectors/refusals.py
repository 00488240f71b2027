"""Why no answer came, and what the status of one means, in words: names the host, never what was sent to it."""

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

import httpx

from connectors.struck import Struck

CONNECTING: Final = 10.0
ANSWERING: Final = 30.0
"""Seconds that a host has to take a connection, and to send or take the next bytes."""


class Refusal(NamedTuple):
    """A sentence, and what may be done: try again at once, try again much later, or ask an admin."""

    text: str
    arrived: bool = False
    """Whether the request may have arrived nevertheless."""
    passing: bool = True
    """Whether the same a few seconds later may do."""
    for_admin: bool = False
    """Whether a setting or a certificate must be put right before it can."""


# OpenSSL's numbers for what is wrong with a certificate.
_NOT_YET, _EXPIRED = 9, 10
_OTHER_HOST = (62, 64)
_PLAIN: Final = (
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "UNKNOWN_PROTOCOL",
)
_NO_WAY: Final = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL)
_WANTS_TLS: Final = (b"plain http request", b"http request to an https server", b"speaking plain http to an ssl")
_STATUS: Final[Mapping[int, str]] = {
    400: "it does not take the request as it was sent",
    401: "it refuses the key, or the user and password",
    402: "it wants a subscription that the account does not have",
    403: "the account may not do this",
    404: "it has nothing of that name, or nothing at that address",
    405: "its address leads to something else than the service: see the path in the address",
    407: "a proxy between wants a password",
    409: "it holds something that stands against this",
    410: "it has this no longer",
    413: "more was sent or asked for than the account may",
    429: "it wants fewer requests",
    500: "it has a fault of its own",
    502: "the service behind it is down for now",
    503: "it is out of service for now",
    504: "the service behind it takes too long",
}


def named(url: str) -> str:
    """A host by its name, and by its port where that is no usual one."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = _port(parts)
    return host if port in (None, 443 if parts.scheme == "https" else 80) else f"{host}:{port}"


def no_answer(failed: Exception, url: str, whole: float | None = None) -> Refusal:
    """Why a request got no answer; `failed` is httpx's error, or what an address that is none raised.

    `whole` are the seconds that there were for the whole answer, where it was those that ran out.
    """
    parts, name = urlsplit(url), named(url)
    tls = " If it speaks TLS there, write https:// in the address." if parts.scheme == "http" else ""
    match failed:
        case httpx.ReadTimeout() | httpx.WriteTimeout() if whole is not None:
            refusal = Refusal(
                f"{name} took the request and did not answer whole within {_seconds(whole)}", arrived=True
            )
        case httpx.ConnectTimeout():
            within = _seconds(CONNECTING if whole is None else whole)
            refusal = Refusal(f"{name} took no connection within {within}: it is off, or a firewall stands between")
        case httpx.PoolTimeout():
            refusal = Refusal(f"too many requests to {name} are under way")
        case httpx.ReadTimeout():
            refusal = Refusal(f"{name} took the request and did not answer within {ANSWERING:.0f} s", arrived=True)
        case httpx.WriteTimeout():
            refusal = Refusal(f"{name} did not take the request within {ANSWERING:.0f} s", arrived=True)
        case httpx.ProxyError():
            refusal = Refusal(f"the proxy on the way to {name} refused (see HTTPS_PROXY and NO_PROXY)")
        case httpx.LocalProtocolError():
            text = (
                f"nothing was sent to {name}: a setting holds a sign that may not travel, a line end in a key perhaps"
            )
            refusal = Refusal(text, passing=False, for_admin=True)
        case httpx.ConnectError():
            refusal = _no_connection(failed, parts, name)
        case httpx.RemoteProtocolError() if "disconnected" not in str(failed) and "peer closed" not in str(failed):
            refusal = Refusal(f"{name} answered, but not in HTTP.{tls}", arrived=True)
        case httpx.DecodingError():
            refusal = Refusal(f"{name} answered in a compression that cannot be undone", arrived=True)
        case httpx.RequestError():
            refusal = Refusal(
                f"{name} broke the connection off before its answer was whole.{tls}".rstrip("."), arrived=True
            )
        case _:
            refusal = Refusal(
                f"the address of {name!r} cannot be one: see how it is spelled", passing=False, for_admin=True
            )
    return refusal


def _seconds(number: float) -> str:
    return f"{number:.0f} s" if number >= 1 else f"{number:.1g} s"


def _no_connection(failed: Exception, parts: SplitResult, name: str) -> Refusal:
    causes = list(_causes(failed))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate(cause.verify_code, parts.hostname or "", name)
        if isinstance(cause, ssl.SSLError):
            return _no_tls(cause, name)
        if isinstance(cause, socket.gaierror):
            spelled = "see how the address is spelled, and whether this machine's DNS works"
            return Refusal(f"the host name {parts.hostname!r} is not known: {spelled}")
        if isinstance(cause, ConnectionRefusedError):
            port = _port(parts) or (443 if parts.scheme == "https" else 80)
            return Refusal(
                f"{parts.hostname} refuses connections at port {port}: nothing listens there. See the port in the"
                " address, and whether the service is on"
            )
        if isinstance(cause, OSError) and cause.errno in _NO_WAY:
            return Refusal(f"there is no way from this machine to {name}: see its network")
    return Refusal(f"no connection to {name}: see whether it is on, and this machine's network")


def _certificate(code: int, host: str, name: str) -> Refusal:
    if code == _EXPIRED:
        text = (
            f"the certificate of {name} has expired: whoever runs it must renew it (or this machine's clock is wrong)"
        )
        return Refusal(text, passing=False)
    if code == _NOT_YET:
        text = f"the certificate of {name} is not valid yet: see this machine's clock"
        return Refusal(text, passing=False)
    if code in _OTHER_HOST:
        text = f"the certificate that {name} shows is not one for {host!r}: see how the address is spelled"
        return Refusal(text, passing=False, for_admin=True)
    text = (
        f"the certificate of {name} is signed by nobody whom this machine trusts (self-signed, or a private authority)."
        " If it is the right one, put it, or its authority's, into a file and name that in SSL_CERT_FILE"
    )
    return Refusal(text, passing=False, for_admin=True)


def _no_tls(failed: ssl.SSLError, name: str) -> Refusal:
    reason = failed.reason or ""
    if reason in _PLAIN:
        text = f"{name} speaks no TLS there: see the port in the address, or write http:// if that is meant"
        return Refusal(text, passing=False, for_admin=True)
    if isinstance(failed, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Refusal(f"{name} broke off while TLS was being agreed on")
    text = f"{name} and this machine agree on no version of TLS, or it wants a certificate of ours"
    return Refusal(text, passing=False, for_admin=True)


def _causes(failed: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = failed
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def meaning(status: int, url: str, body: bytes, headers: Mapping[str, str], struck: Struck) -> tuple[str, bool]:
    """What a status means, as a clause, and whether only a setting's change can help."""
    parts = urlsplit(url)
    if status < 400 and (to := urlsplit(headers.get("location", ""))).hostname:
        if to.hostname == parts.hostname and (parts.scheme, to.scheme) == ("http", "https"):
            return "it wants TLS: write https:// in the address", True
        where = struck.without_secrets(f"{to.scheme}://{to.hostname}")
        return f"it sends on to {where}: see whether the address has changed", False
    if status == 400 and parts.scheme == "http" and any(mark in body[:4000].lower() for mark in _WANTS_TLS):
        return "it wants TLS: write https:// in the address", True
    if status == 404 and is_page(body, headers):
        return "a web site stands at its address, and not the service: see the path in the address", False
    other = "it has a fault of its own" if status >= 500 else "it does not do what was asked"
    return _STATUS.get(status, "it sends on to another address" if status < 400 else other), False


def is_page(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether an answer is a web page."""
    return b"<html" in body[:500].lower() or headers.get("content-type", "").lower().startswith("text/html")


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None
