"""`serve`: an application on a socket, until somebody ends it, with bounds that hold for strangers too."""

import logging
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from alprhub.web.guarded import guarded
from alprhub.web.seldom import Seldom

DESCRIPTORS: Final = 8192
"""Files and connections that the process asks to have open, where it may; many systems allow 1,024 unasked."""
GRACE: Final = 5
"""Seconds that requests have to be answered once somebody ends the server."""


def serve(app: FastAPI, listener: socket.socket, certificate: Path | None, private_key: Path | None) -> None:
    """Answer requests until SIGINT or SIGTERM; those under way are answered then, for `GRACE` at most."""
    allowed = _descriptors()
    # No access log: an address may end in a camera's secret. Half of what may be open is for the hub itself, and a
    # quarter for connections that came at once and of which nothing is known yet.
    config = uvicorn.Config(
        app, http=guarded(allowed // 2), backlog=min(2048, allowed // 4), timeout_graceful_shutdown=GRACE,
        access_log=False, log_level="warning", ws="none", lifespan="off", server_header=False,
        ssl_certfile=certificate, ssl_keyfile=private_key,
    )  # fmt: skip
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(Seldom())
    server = uvicorn.Server(config)

    def end(_signal: int, _frame: FrameType | None) -> None:
        # uvicorn, once it has ended, raises the signal again that ended it: that must not end the process.
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _descriptors() -> int:
    """How many files and connections the process may have open, once it has asked for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return min(max(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 0) or DESCRIPTORS, DESCRIPTORS)
