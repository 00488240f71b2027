"""The network below the HTTP library: which addresses may be connected to, and how long a whole answer may take."""

import os
import ssl
from collections.abc import Callable
from functools import cache, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.request import getproxies

import httpcore
import httpx

from connectors.addresses import Outside
from connectors.errors import AdminMustFix
from connectors.patience import InTime
from connectors.permit import Permit
from connectors.refusals import ANSWERING, CONNECTING
from connectors.unpacking import ASKED, bounded

TIMEOUT: Final = httpx.Timeout(ANSWERING, connect=CONNECTING)


def client(permit: Permit, left: Callable[[], float | None], most: int) -> httpx.Client:
    """A client for the hosts of a permit; `left` gives the seconds that the asking thread has for its answer.

    No answer gives more than `most` bytes, and no cookie is kept. Behind a proxy the library's own transports are used:
    there the proxy sees to where names lead. Raises `AdminMustFix` where this machine's proxy or certificates are set
    so that nothing can be asked.
    """
    trusted = trust()
    proxied = bool(getproxies())
    below = {"verify": trusted} if proxied else {"transport": GuardedTransport(permit, left)}
    try:
        made = httpx.Client(
            timeout=TIMEOUT,
            follow_redirects=False,
            headers={"User-Agent": "alprhub", "Accept-Encoding": ASKED},
            event_hooks={"response": [partial(bounded, most=most)]},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            **below,
        )
    except (ValueError, ImportError, httpx.InvalidURL):  # so the library refuses a proxy that it cannot go through
        raise AdminMustFix(
            "the proxy that this machine sets in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is none that can be gone through:"
            " it must look like http://HOST:PORT"
        ) from None
    if proxied:
        _hurry(made, left)
    return made


def _hurry(made: httpx.Client, left: Callable[[], float | None]) -> None:
    """Have the library's own transports wait no longer than there is time for the whole answer."""
    for transport in (made._transport, *made._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if transport is None:  # a host that no proxy is for
            continue
        if not isinstance(pool, httpcore.ConnectionPool) or not hasattr(pool, "_network_backend"):
            raise RuntimeError("this version of httpx keeps its connections elsewhere than the guard expects")
        pool._network_backend = InTime(pool._network_backend, left)


class GuardedTransport(httpx.HTTPTransport):
    """Connects through a network backend of ours, which waits no longer than there is time for the whole answer.

    Other hosts than the vendor's own are reached at public addresses only.
    """

    def __init__(self, permit: Permit, left: Callable[[], float | None]) -> None:
        super().__init__(verify=trust())
        # Only the library's pool takes a network backend. If another version keeps its pool elsewhere, the guard would
        # silently be gone, so that is an error.
        if type(self._pool) is not httpcore.ConnectionPool:
            raise RuntimeError("this version of httpx keeps its connections elsewhere than the guard expects")
        self._pool.close()
        backend = Outside({permit.own}) if permit.others else httpcore.SyncBackend()
        self._pool = httpcore.ConnectionPool(ssl_context=trust(), network_backend=InTime(backend, left))


@cache
def trust() -> ssl.SSLContext:
    """The certificate authorities, loaded once: it takes 20 ms, and every connection of a hub wants them.

    Raises `AdminMustFix` where the file or folder that this machine names for them cannot be used.
    """
    try:
        return httpx.create_ssl_context()
    except OSError:  # ssl's own errors are among them
        named = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), "SSL_CERT_FILE")
        raise AdminMustFix(
            f"{named} names {os.environ.get(named, '')!r}, and no certificates can be read there: mend it, or take it"
            " away"
        ) from None
