"""How long an answer may take in all: the library's own limits begin anew with every byte, and a vendor may drip."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ssl import SSLContext
from threading import local
from typing import Any

import httpcore


class Until:
    """When the answer that a thread waits for must be there; each thread has its own, and none at first."""

    def __init__(self) -> None:
        self._of = local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give this thread so many seconds for what it asks inside the block."""
        self._of.until = time.monotonic() + seconds
        try:
            yield
        finally:
            self._of.ran_out = self.left() == 0
            self._of.until = None

    def ran_out(self) -> bool:
        """Whether this thread's last block used up its time."""
        return bool(getattr(self._of, "ran_out", False))

    def left(self) -> float | None:
        """Seconds that this thread has left, none below zero; None where nobody limits it."""
        until = getattr(self._of, "until", None)
        return None if until is None else max(until - time.monotonic(), 0.0)


class InTime(httpcore.NetworkBackend):
    """Wraps a network backend: no wait lasts beyond the time limit of the whole answer."""

    def __init__(self, inner: httpcore.NetworkBackend, left: Callable[[], float | None]) -> None:
        self._inner = inner
        self._left = left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection, within what is left."""
        wait = _clipped(timeout, self._left(), httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, wait, local_address, socket_options)
        return _Stream(stream, self._left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, left: Callable[[], float | None]) -> None:
        self._inner = inner
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _clipped(timeout, self._left(), httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _clipped(timeout, self._left(), httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        wait = _clipped(timeout, self._left(), httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, wait), self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _clipped(timeout: float | None, left: float | None, over: type[Exception]) -> float | None:
    """The shorter of two waits; raises `over` where there is no time left."""
    if left is None:
        return timeout
    if left <= 0:
        raise over("the whole answer took too long")
    return left if timeout is None else min(timeout, left)
