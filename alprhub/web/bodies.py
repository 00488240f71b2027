"""`Bodies`: the bodies of pushes that are read or put on the disk now, never more of them than there is room for.

Whoever keeps a body unfinished gives way: where bytes come for which there is no room, the body that has been on its
way for longest is let go.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

MOST: Final = 64 << 20
"""Bytes of all bodies together; each lies in memory up to three times while it is put on the disk."""


class TooLarge(Exception):
    """A body has more bytes than its connection may be sent."""


class NoRoom(Exception):
    """A body had to give way to others; its sender must come again."""


class _Body:
    """What has come of a body so far; `given_way` once it was let go."""

    __slots__ = ("bytes", "given_way", "size", "wait")

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.size = 0
        self.given_way = False
        self.wait = asyncio.timeout(None)


class Bodies:
    """Reads bodies. Belongs to one event loop."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held = 0
        self._reading: dict[_Body, None] = {}

    @asynccontextmanager
    async def read(self, chunks: AsyncIterable[bytes], most: int) -> AsyncIterator[bytes]:
        """A whole body, for whose bytes there is room until the block ends; raises `TooLarge` and `NoRoom`."""
        body = _Body()
        try:
            await self._read(body, chunks, most)
            whole = bytes(body.bytes)
            body.bytes.clear()
            yield whole
        finally:
            self._held -= body.size

    @contextmanager
    def room(self, most: int) -> Iterator[None]:
        """Room for as many bytes beside the bodies; raises `NoRoom` where there is none now."""
        if self._held + most > self._most:
            raise NoRoom
        self._held += most
        try:
            yield
        finally:
            self._held -= most

    async def _read(self, body: _Body, chunks: AsyncIterable[bytes], most: int) -> None:
        self._reading[body] = None
        try:
            async with body.wait:
                async for chunk in chunks:
                    body.bytes += chunk
                    body.size += len(chunk)
                    self._held += len(chunk)
                    if body.size > most:
                        raise TooLarge
                    while self._held > self._most:
                        self._let_go(next(iter(self._reading)))
                    if body.given_way:
                        raise NoRoom
        except TimeoutError:
            raise NoRoom from None
        finally:
            self._reading.pop(body, None)
        if body.given_way:
            raise NoRoom

    def _let_go(self, body: _Body) -> None:
        """Free what a body holds, and end whoever waits for the rest of it."""
        del self._reading[body]
        self._held -= body.size
        body.size = 0
        body.bytes.clear()
        body.given_way = True
        body.wait.reschedule(asyncio.get_running_loop().time())
