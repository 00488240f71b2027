"""A compressed answer is bounded in every layer: what a few bytes unpack to is never held whole."""

import gzip
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import zstandard
from pydantic import SecretStr

from connectors.auth import Digest
from connectors.contract import Limits
from connectors.errors import TryAgain, VendorChanged
from connectors.http import Http
from connectors.testing.frame import frame_at

MOST = 100_000


class _Wire:
    """A server on loopback that gives one answer, byte for byte: what plays the network in other tests unpacks."""

    def __init__(self) -> None:
        wire = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wire.asked.append(dict(self.headers))
                self.send_response(wire.status)
                for name, value in wire.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(wire.body)))
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(wire.body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self.asked: list[dict[str, str]] = []
        self.answers(b"{}")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def answers(self, body: bytes, *layers: str, status: int = 200, asks: str = "") -> None:
        """Give this from now on, packed in so many layers, each with a header of its own."""
        self.body, self.status = body, status
        self.headers = [("Content-Encoding", layer) for layer in layers]
        self.headers += [("WWW-Authenticate", asks)] if asks else []

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def wire() -> Iterator[_Wire]:
    wire = _Wire()
    yield wire
    wire.close()


def _http(wire: _Wire, auth: Digest | None = None) -> Http:
    frame = frame_at(datetime(2026, 6, 1, 12, tzinfo=UTC))
    limits = Limits(per_second=1e9, body_bytes=MOST)
    return Http(wire.base, frame, limits=limits, auth=auth, patience=timedelta())


@pytest.fixture
def http(wire: _Wire) -> Iterator[Http]:
    http = _http(wire)
    yield http
    http.close()


@cache
def _bomb(size: int = 50_000_000) -> bytes:
    return gzip.compress(bytes(size), 9)


def test_nothing_is_asked_for_but_one_layer_of_gzip(http: Http, wire: _Wire) -> None:
    wire.answers(b"{}")
    http.get("/x")
    assert wire.asked[-1]["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "GZIP", "identity, gzip"])
def test_one_layer_of_gzip_is_unpacked(http: Http, wire: _Wire, name: str) -> None:
    wire.answers(gzip.compress(b'{"a": 1}'), name)
    answer = http.get("/x")
    assert answer.json() == {"a": 1}


def test_gzip_in_several_members_is_one_answer(http: Http, wire: _Wire) -> None:
    body = gzip.compress(b"[1,") + gzip.compress(b"") + gzip.compress(b"2]") + bytes(7)
    wire.answers(body, "gzip")
    assert http.get("/x").json() == [1, 2]


def test_a_body_of_any_size_below_the_limit_comes_whole(http: Http, wire: _Wire) -> None:
    body = bytes(range(256)) * 390
    for packed in (gzip.compress(body, 9), gzip.compress(body, 0)):
        wire.answers(packed, "gzip")
        assert http.get("/x", json=False).body == body


def test_an_empty_answer_may_call_itself_gzip(http: Http, wire: _Wire) -> None:
    wire.answers(b"", "gzip", status=204)
    assert http.get("/x").body == b""


@pytest.mark.parametrize(
    ("body", "layers"),
    [
        (gzip.compress(_bomb()), ("gzip", "gzip")),
        (gzip.compress(_bomb()), ("gzip, gzip",)),
        (gzip.compress(b"{}"), ("gzip, gzip",)),
        (zlib.compress(b"{}"), ("deflate",)),
        (zstandard.compress(bytes(50_000_000)), ("zstd",)),
        (zstandard.compress(b"{}"), ("zstd",)),
        (gzip.compress(zstandard.compress(b"{}")), ("zstd, gzip",)),
        (b"{}", ("br",)),
        (b"{}", ("aws-chunked",)),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, tuple) else "",
)
def test_any_other_compression_is_refused_before_a_byte_is_unpacked(
    http: Http, wire: _Wire, body: bytes, layers: tuple[str, ...]
) -> None:
    wire.answers(body, *layers)
    with pytest.raises(VendorChanged, match="compressed in a way that was not asked for"):
        http.get("/x")


def test_what_unpacks_to_more_than_the_limit_is_given_up_at_the_limit(http: Http, wire: _Wire) -> None:
    wire.answers(_bomb(), "gzip")
    tracemalloc.start()
    try:
        with pytest.raises(VendorChanged, match="larger than 100,000 bytes"):
            http.get("/x")
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_what_never_unpacks_to_anything_is_bounded_as_it_arrives(http: Http, wire: _Wire) -> None:
    wire.answers(gzip.compress(b"") * 10_000, "gzip")
    with pytest.raises(VendorChanged, match="larger than 100,000 bytes"):
        http.get("/x")


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"[1, 2]", mtime=0)[:-9], gzip.compress(b"[1]", mtime=0) + b"more", b"no gzip"],
    ids=["cut short", "goes on", "no gzip"],
)
def test_a_compression_that_is_broken_or_cut_short_is_an_outage(http: Http, wire: _Wire, body: bytes) -> None:
    wire.answers(body, "gzip")
    with pytest.raises(TryAgain, match="a compression that cannot be undone"):
        http.get("/x")


def test_the_refusal_before_a_digest_login_is_bounded_too(wire: _Wire) -> None:
    http = _http(wire, Digest("hub", SecretStr("s3cr3t-of-it")))
    asks = 'Digest realm="cam", qop="auth", nonce="abc"'
    wire.answers(gzip.compress(_bomb()), "gzip", "gzip", status=401, asks=asks)
    with pytest.raises(VendorChanged, match="compressed"):
        http.get("/x")
    wire.answers(_bomb(), "gzip", status=401, asks=asks)
    with pytest.raises(VendorChanged, match="larger than"):
        http.get("/x")
    http.close()
