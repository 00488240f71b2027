"""Unpacking a body never takes more memory than its bound."""

import gzip
import tracemalloc
import zlib

import pytest

from alprhub.web.bodies import Bodies, NoRoom, TooLarge
from alprhub.web.unpacked import packing, room_for, unpacked

BOMB = gzip.compress(bytes(64 << 20), compresslevel=9)
MOST = 1 << 20


@pytest.mark.parametrize("body", [BOMB, BOMB * 3, gzip.compress(b"x") * 9 + BOMB], ids=["one", "three", "at its end"])
def test_a_bomb_is_let_go_at_the_bound(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            unpacked(body, "gzip", MOST)
        assert tracemalloc.get_traced_memory()[1] < 4 * MOST
    finally:
        tracemalloc.stop()


def test_one_layer_is_unpacked_and_no_other() -> None:
    inner = gzip.compress(b"{}")
    assert unpacked(gzip.compress(inner), "gzip", MOST) == inner
    assert unpacked(gzip.compress(b"{}"), "gzip, gzip", MOST) is None


def test_what_is_cut_short_or_no_packing_of_ours_is_not_unpacked() -> None:
    assert unpacked(gzip.compress(bytes(range(256)) * 9)[:-9], "gzip", MOST) is None
    assert unpacked(b"\x1f\x8b nothing", "gzip", MOST) is None
    assert unpacked(zlib.compress(b"{}")[:-3], "deflate", MOST) is None
    assert unpacked(b"{}", "zstd", MOST) is None


@pytest.mark.parametrize(
    ("body", "header", "how"),
    [
        (b"{}", "", ""), (b"{}", "identity", ""), (b" {}", "gzip", "gzip"), (b"{}", "gzip", ""), (b"<a/>", "GZIP", ""),
        (BOMB, "", "gzip"), (BOMB, "x-gzip", "gzip"), (b"\x78\x9c", "deflate", "deflate"), (b"\x0b", "br", "br"),
    ],
)  # fmt: skip
def test_the_bytes_say_whether_a_body_is_packed_and_the_header_how(body: bytes, header: str, how: str) -> None:
    assert packing(body, header) == how


def test_what_unpacking_may_take_counts_as_room_of_the_bodies() -> None:
    bodies = Bodies(most=MOST)
    with bodies.room(room_for(b"x" * 900, MOST)), pytest.raises(NoRoom), bodies.room(MOST // 2):
        pass
    with bodies.room(MOST):
        pass
