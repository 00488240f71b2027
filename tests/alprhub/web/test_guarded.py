"""The receiver's connections: whoever sends slowly or nothing is let go, and makes way for those who push."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Thread

import httpx
import pytest
import uvicorn

from alprhub.web.guarded import guarded
from alprhub.web.seldom import EVERY, Seldom

HALF = b"POST /in/agents HTTP/1.1\r\nHost: x\r\nX-"
UNFINISHED = b"POST /in/agents HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"
CONTINUED = UNFINISHED.replace(b"Host: x", b"Host: x\r\nExpect: 100-continue")
WHOLE = b"POST /in/agents HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
LONG = 3600.0


async def echo(scope: object, receive: Callable[..., object], send: Callable[..., object]) -> None:
    """Answers with the body, once it is there."""
    body, more = b"", True
    while more:
        message = await receive()  # type: ignore[misc]
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message.get("more_body", False)
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})  # type: ignore[misc]
    await send({"type": "http.response.body", "body": body})  # type: ignore[misc]


class Served:
    """A server on a port."""

    def __init__(self, most: int, head: float, body: float) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.listener.getsockname()
        config = uvicorn.Config(
            echo, http=guarded(most, head, body), log_level="warning", lifespan="off", ws="none",
            timeout_keep_alive=int(LONG),
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self.thread = Thread(target=self.server.run, args=([self.listener],))
        self.thread.start()

    def connected(self, sends: bytes) -> socket.socket:
        one = socket.create_connection(self.address, timeout=60)
        one.sendall(sends)
        return one

    def end(self) -> None:
        self.server.should_exit = True
        self.thread.join(60)


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    with ExitStack() as stack:

        def start(most: int = 100, head: float = LONG, body: float = LONG) -> Served:
            served = Served(most, head, body)
            stack.callback(served.end)
            return served

        yield start


def answered(connection: socket.socket) -> bool:
    """Whether a whole push is answered."""
    heard = b""
    while not heard.endswith(b"\r\n\r\nbody"):
        if not (more := connection.recv(1000)):
            return False
        heard += more
    return heard.startswith(b"HTTP/1.1 200")


def let_go(connection: socket.socket) -> bool:
    """Whether the server ends it, without a word."""
    with connection:
        try:
            return connection.recv(100) == b""
        except ConnectionResetError:
            return True


@pytest.mark.parametrize("sends", [b"", HALF, UNFINISHED, WHOLE + HALF], ids=["nothing", "head", "body", "second head"])
def test_what_does_not_come_whole_in_its_time_is_let_go(serve: Callable[..., Served], sends: bytes) -> None:
    served = serve(head=0.1, body=0.1)
    connection = served.connected(sends)
    if sends.startswith(WHOLE):
        assert answered(connection)
    assert let_go(connection)


def test_a_sender_that_waits_between_two_pushes_is_not_hurried(serve: Callable[..., Served]) -> None:
    served = serve(head=0.05)
    with served.connected(WHOLE) as keeps, served.connected(b"") as dropped:
        assert answered(keeps)
        assert let_go(dropped), "more time than a head has is over"
        keeps.sendall(WHOLE)
        assert answered(keeps)


@pytest.mark.parametrize("sends", [HALF, CONTINUED], ids=["heads", "bodies"])
def test_of_too_many_connections_the_one_goes_that_has_sent_nothing_whole_for_longest(
    serve: Callable[..., Served], sends: bytes
) -> None:
    served = serve(most=4)
    with ExitStack() as stack:
        strangers = []
        for _ in range(20):
            strangers.append(stack.enter_context(served.connected(sends)))
            if sends is CONTINUED:  # a head that is whole is known as such before the next one comes
                assert strangers[-1].recv(100).startswith(b"HTTP/1.1 100")
        for _ in range(3):
            url = f"http://127.0.0.1:{served.address[1]}/in/agents"
            assert httpx.post(url, content=b"a push", timeout=60).content == b"a push"
        assert all(let_go(stranger) for stranger in strangers[:16])


def test_the_end_of_the_server_waits_for_no_body_that_does_not_come(
    serve: Callable[..., Served], caplog: pytest.LogCaptureFixture
) -> None:
    served = serve()
    with served.connected(WHOLE) as connection:
        assert answered(connection)
        connection.sendall(UNFINISHED)
        served.end()
        assert not served.thread.is_alive()
    assert caplog.messages == []


def test_strangers_do_not_fill_the_log() -> None:
    seldom = Seldom()

    def logged(text: str, at: float, *arguments: object) -> bool:
        record = logging.LogRecord("asyncio", logging.ERROR, __file__, 1, text, arguments, None)
        record.created = at
        return seldom.filter(record)

    lines = [("no descriptor", 0.0), ("no descriptor", 1.0), ("another %d", 1.0), ("no descriptor", EVERY)]
    assert [logged(*line) for line in lines] == [True, False, True, True]
