"""Bodies of pushes: all together have no more bytes than there is room for, and who keeps one unfinished gives way."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from alprhub.web.bodies import Bodies, NoRoom, TooLarge


class Sender:
    """Sends a body in pieces, when a test says so."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    def send(self, *pieces: bytes | None) -> None:
        for piece in pieces:
            self.pieces.put_nowait(piece)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self.pieces.get()) is not None:
            yield piece


async def read(bodies: Bodies, sender: Sender, most: int = 100) -> bytes:
    async with bodies.read(sender, most) as body:
        return body


async def settled(done: Callable[[], bool]) -> None:
    """Return once it is so."""
    async with asyncio.timeout(60):
        while not done():
            await asyncio.sleep(0)


def test_a_body_comes_whole() -> None:
    async def one() -> bytes:
        sender = Sender()
        sender.send(b"ab", b"", b"cd", None)
        return await read(Bodies(), sender)

    assert asyncio.run(one()) == b"abcd"


def test_a_body_longer_than_its_connection_may_be_sent_is_not_read_on() -> None:
    async def one() -> int:
        sender = Sender()
        sender.send(b"x" * 60, b"x" * 60, b"x" * 60, None)
        with pytest.raises(TooLarge):
            await read(Bodies(), sender, most=100)
        return sender.pieces.qsize()

    assert asyncio.run(one()) == 2


def test_who_keeps_a_body_unfinished_for_longest_gives_way() -> None:
    async def three() -> tuple[list[object], int]:
        bodies, slow, slower, honest = Bodies(most=100), Sender(), Sender(), Sender()
        slower.send(b"x" * 45)
        first = asyncio.create_task(read(bodies, slower))
        await settled(lambda: bodies._held == 45)
        slow.send(b"x" * 45)
        second = asyncio.create_task(read(bodies, slow))
        await settled(lambda: bodies._held == 90)
        honest.send(b"y" * 40, None)
        whole = await read(bodies, honest)
        slow.send(None)
        return [whole, *await asyncio.gather(first, second, return_exceptions=True)], bodies._held

    (whole, first, second), held = asyncio.run(three())
    assert whole == b"y" * 40
    assert isinstance(first, NoRoom)
    assert second == b"x" * 45
    assert held == 0


def test_bytes_count_until_the_body_is_on_the_disk() -> None:
    async def two() -> int:
        bodies, first, second = Bodies(most=100), Sender(), Sender()
        first.send(b"x" * 80, None)
        second.send(b"x" * 80, None)
        async with bodies.read(first, 100) as body:
            assert len(body) == 80
            with pytest.raises(NoRoom):
                await read(bodies, second)
        third = Sender()
        third.send(b"x" * 80, None)
        assert len(await read(bodies, third)) == 80
        return bodies._held

    assert asyncio.run(two()) == 0


def test_a_sender_that_goes_leaves_no_bytes_behind() -> None:
    async def one() -> int:
        bodies, sender = Bodies(), Sender()
        sender.send(b"x" * 50)
        task = asyncio.create_task(read(bodies, sender))
        await settled(lambda: bodies._held == 50)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return bodies._held + len(bodies._reading)

    assert asyncio.run(one()) == 0
