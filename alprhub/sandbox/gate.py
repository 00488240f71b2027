"""The front door of every stand-in: counts requests and plays the faults of the transport."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .faults import Faults

_WEB_PAGE = (
    b"<!doctype html><html><head><title>Just a moment</title></head><body><h1>Sign in to continue</h1></body></html>"
)


@dataclass(frozen=True, slots=True)
class Voice:
    """How one vendor words a refusal that comes before any of its own code runs."""

    throttled: bytes
    down: bytes
    content_type: bytes


class Gate:
    """ASGI middleware that lets a request through, or answers in its place as the faults ask.

    When several faults fall on one request the first of outage, throttle, html, truncate wins. `log` gets
    (method, path, status) of every request, status 0 for a connection that was reset.
    """

    def __init__(self, app: ASGIApp, faults: Faults, voice: Voice, log: list[tuple[str, str, int]]) -> None:
        self._app, self._faults, self._voice, self._log = app, faults, voice, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        faults = self._faults
        faults.requests += 1
        if faults.slow > 0:
            await asyncio.sleep(faults.slow)

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._log.append((scope["method"], scope["path"], message["status"]))
            await send(message)

        down = faults.down()
        if down == "reset":
            self._log.append((scope["method"], scope["path"], 0))
            await _hang_up(receive)
        elif down == "answer":
            await _answer(note, 503, self._voice.down, self._voice.content_type)
        elif faults.due(faults.throttle):
            await _answer(note, 429, self._voice.throttled, self._voice.content_type, _retry_after(faults))
        elif faults.due(faults.html):
            await _answer(note, 200, _WEB_PAGE, b"text/html; charset=utf-8")
        elif faults.due(faults.truncate):
            await self._cut_short(scope, receive, note)
        else:
            await self._app(scope, receive, note)

    async def _cut_short(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        body = bytearray()

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self._app(scope, receive, hold)
        half = bytes(body[: len(body) // 2])
        broken = self._faults.truncate_how == "connection"
        length = str(len(body) if broken else len(half)).encode()
        kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        await send({**start, "headers": [*kept, (b"content-length", length)]})
        await send({"type": "http.response.body", "body": half, "more_body": broken})
        if broken:
            await asyncio.sleep(0.05)  # lets the half that was promised leave before the line breaks
            await _hang_up(receive)


async def _answer(
    send: Send, status: int, body: bytes, content_type: bytes, extra: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode()), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _retry_after(faults: Faults) -> list[tuple[bytes, bytes]]:
    if faults.retry_after == "none":
        return []
    if faults.retry_after == "seconds":
        return [(b"retry-after", str(faults.retry_seconds).encode())]
    # An HTTP date has to be measured against the client's own clock, so it takes the real time.
    moment = datetime.now(UTC) + timedelta(seconds=faults.retry_seconds)
    return [(b"retry-after", format_datetime(moment, usegmt=True).encode())]


async def _hang_up(receive: Receive) -> None:
    """Reset the connection of this request; without a real connection raise ConnectionResetError instead.

    ASGI has no message for it, so the transport is taken from uvicorn's request object behind `receive`.
    """
    transport: Any = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the stand-in reset the connection")
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # Closing at once with nothing lingering makes the kernel send a reset and not a polite end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await asyncio.sleep(0.01)  # uvicorn has to learn that the peer is gone before the request ends
