"""Recorded exchanges, played to a connector in place of its vendor: `pull` and the rest are tried without a network.

with played(Path(__file__).parent / "acme_pull.json") as wire:
    pages = list(AcmeConnector(settings, frame_at(NOW)).pull(Window(NOW - DAY, NOW)))
assert wire.asked == ["GET /reads", "GET /reads"]
"""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import msgspec
import respx


class Exchange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request and its answer.

    A request fits where method and path are the same and it has what `query` names; what else it asks, it may. The
    answer's body is `text`, or `base64` for bytes, or `file`: a name beside the recording.
    """

    method: str
    path: str
    query: dict[str, str] = {}
    status: int = 200
    headers: dict[str, str] = {}
    text: str = ""
    base64: str = ""
    file: str = ""


class Unexpected(AssertionError):
    """A connector asked for what is not in the recording; named by method and path, as a query may hold secrets."""


class Player:
    """Answers each request with the first exchange that fits and was not played yet."""

    def __init__(self, exchanges: Sequence[tuple[Exchange, Path]]) -> None:
        self._left = list(exchanges)
        self.asked: list[str] = []
        """Method and path of every request, in its order."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The recorded answer; raises `Unexpected` where none is left for the request."""
        path = request.url.path
        self.asked.append(f"{request.method} {path}")
        for index, (exchange, folder) in enumerate(self._left):
            if (exchange.method, exchange.path) in ((request.method, path), (request.method, unquote(path))):
                if not _has(request.url.params, exchange.query):
                    continue
                del self._left[index]
                return httpx.Response(exchange.status, headers=exchange.headers, content=_body(exchange, folder))
        raise Unexpected(f"nothing is recorded, or left, for {self.asked[-1]}")

    def must_be_over(self) -> None:
        """Return where all was asked for; raises `Unexpected` naming what was not."""
        if self._left:
            never = ", ".join(f"{exchange.method} {exchange.path}" for exchange, _ in self._left)
            raise Unexpected(f"recorded, and never asked for: {never}")


@contextmanager
def played(*recordings: Path | Exchange) -> Iterator[Player]:
    """Within it every request gets its recorded answer, from files that the recorder wrote or exchanges made by hand.

    Raises `Unexpected` at once for a request that is not recorded, and at the end for an answer nobody asked for.
    """
    exchanges: list[tuple[Exchange, Path]] = []
    for recording in recordings:
        exchanges += (
            [(recording, Path())]
            if isinstance(recording, Exchange)
            else [(each, recording.parent) for each in recorded(recording)]
        )
    player = Player(exchanges)
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=player.answer)
        yield player
    player.must_be_over()


def recorded(path: Path) -> list[Exchange]:
    """The exchanges of a recording; raises `ValueError` saying where the file is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Exchange])
    except msgspec.DecodeError as differs:
        raise ValueError(f"{path.name}: {differs}") from None


def _has(params: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(params.get(name) == value for name, value in wanted.items())


def _body(exchange: Exchange, folder: Path) -> bytes:
    if exchange.file:
        return (folder / exchange.file).read_bytes()
    return b64decode(exchange.base64) if exchange.base64 else exchange.text.encode()
