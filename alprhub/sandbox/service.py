"""Runs one stand-in on this machine's loopback address and nowhere else."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp

_HOST = "127.0.0.1"


class _Prompt(uvicorn.Server):
    """Ends when it is told to; uvicorn would look ten times a second, and then wait for those who are connected."""

    _loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Stop serving, from whichever thread; whoever is being answered is cut off."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._over.set)

    async def main_loop(self) -> None:
        """Serve until the end is told, and turn the clock of the answers' heads meanwhile."""
        self._over, self._loop = asyncio.Event(), asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what listens and every connection."""
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        for connection in self.server_state.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)  # the loop closes what was aborted


class Service:
    """A running HTTP service on 127.0.0.1: `url` (no slash at the end) is ready once the `with` is entered.

    `port` 0 takes a free one. The server lives in a daemon thread, logs warnings only, and stops at the end
    of the `with`, or by `stop()`. `start()` raises TimeoutError after ten seconds.
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        # asyncio switches Nagle's algorithm off only where the protocol is spelt out; with it on, every answer
        # waits 40 ms for the client to confirm its first half.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((_HOST, port))
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{_HOST}:{self.port}"
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", ws="none", proxy_headers=False
        )
        self._server = _Prompt(config)
        self._thread = threading.Thread(target=self._run, name=f"sandbox:{self.port}", daemon=True)

    def start(self) -> Service:
        """Begin to serve and return once requests are answered."""
        self._thread.start()
        patience = time.monotonic() + 10
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > patience:
                raise TimeoutError("the service did not start")
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """Stop serving and free the port; harmless when it never started or has stopped."""
        self._server.end()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._socket.close()

    def wait(self) -> None:
        """Block until the service stops."""
        while self._thread.is_alive():
            self._thread.join(timeout=0.5)

    def __enter__(self) -> Service:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
