"""The network below the HTTP library: which addresses may be connected to, and how long a whole answer may take."""

import ssl
from collections.abc import Callable
from functools import cache
from typing import Final
from urllib.request import getproxies

import httpcore
import httpx

from connectors.addresses import Outside
from connectors.patience import InTime
from connectors.permit import Permit
from connectors.refusals import ANSWERING, CONNECTING

TIMEOUT: Final = httpx.Timeout(ANSWERING, connect=CONNECTING)


def client(permit: Permit, left: Callable[[], float | None]) -> httpx.Client:
    """A client for the hosts of a permit; `left` gives the seconds that the asking thread has for its answer.

    Behind a proxy the library's own transport is used: there the proxy sees to where names lead.
    """
    below = {"verify": trust()} if getproxies() else {"transport": GuardedTransport(permit, left)}
    return httpx.Client(timeout=TIMEOUT, follow_redirects=False, headers={"User-Agent": "alprhub"}, **below)


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
    """The certificate authorities, loaded once: it takes 20 ms, and every connection of a hub wants them."""
    return httpx.create_ssl_context()
