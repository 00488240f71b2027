"""Documents are found in a stream whatever pieces it comes in, and nothing is held without end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.framing import Framing, framer

MOST = 1000
JSON = [b'{"a": "}\\"]{", "b": [1, {"c": []}]}', b"[]", b'{"path": "C:\\\\"}', b'[{"x": "\\\\\\""}]']
XML = [
    b'<?xml version="1.0"?><!-- <a> --><e b="1>2" c=\'"\'><d/><p>x</p><![CDATA[</e>]]></e>', b"<one/>",
    b"<!DOCTYPE e><e:f xmlns:e='u'>\xe9<e:f/></e:f>",
]  # fmt: skip
TEXTS = [b"plate=9SYN001", b'{"plate": "9SYN002"}', b"<e>9SYN003</e>"]


def cut(framing: Framing, stream: bytes, pieces: list[int]) -> list[bytes]:
    made, found, at = framer(framing, MOST), [], 0
    for size in pieces:
        found += made.feed(stream[at : at + size])
        at += size
    return found + made.feed(stream[at:])


SIZES = st.lists(st.integers(1, 12), max_size=60)


@given(SIZES, st.lists(st.sampled_from(JSON + XML), min_size=1, max_size=4), st.sampled_from([b"", b"\n", b" \0\r\n"]))
def test_json_and_xml_end_where_they_are_closed(pieces: list[int], documents: list[bytes], between: bytes) -> None:
    assert cut("document", between.join(documents), pieces) == documents


@given(SIZES, st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4))
def test_lines_lengths_and_marks_say_where_a_document_ends(pieces: list[int], documents: list[bytes]) -> None:
    assert cut("newline", b"".join(each + b"\n" for each in documents), pieces) == documents
    assert cut("length", b"".join(len(each).to_bytes(4, "big") + each for each in documents), pieces) == documents
    assert cut("stx_etx", b"\r\n".join(b"\x02" + each + b"\x03" for each in documents), pieces) == documents


@pytest.mark.parametrize("framing", ["document", "newline", "close"])
def test_a_last_document_without_its_end_is_the_rest(framing: Framing) -> None:
    made = framer(framing, MOST)
    assert made.feed(b'{"plate": "9SYN0') == []
    assert (made.held, made.rest(), made.held, made.rest()) == (16, b'{"plate": "9SYN0', 0, b"")


@pytest.mark.parametrize(("framing", "before"), [("length", b"\0\0\0\x20"), ("stx_etx", b"noise\x02")])
def test_a_piece_is_the_rest_without_what_frames_it(framing: Framing, before: bytes) -> None:
    made = framer(framing, MOST)
    assert made.feed(before + b"9SYN0") == []
    assert made.rest() == b"9SYN0"


def test_a_text_that_is_neither_ends_with_its_line() -> None:
    assert framer("document", MOST).feed(b'plate=9SYN001\n{"a": 1}\nplate=') == [b"plate=9SYN001\n", b'{"a": 1}']


@pytest.mark.parametrize("framing", ["document", "newline", "stx_etx", "close"])
def test_what_never_ends_is_too_large_at_the_limit(framing: Framing) -> None:
    made = framer(framing, MOST)
    made.feed(b"\x02" + b'{"' + b"x" * (MOST - 10))
    assert not made.too_large
    made.feed(b"y" * 20)
    assert made.too_large


def test_a_length_beyond_the_limit_is_known_before_it_comes() -> None:
    made = framer("length", MOST)
    assert made.feed((MOST + 1).to_bytes(4, "big")) == []
    assert made.too_large


@given(st.binary(max_size=300), SIZES, st.sampled_from(["document", "newline", "length", "stx_etx", "close"]))
def test_no_bytes_break_it_and_a_document_is_cut_alike_in_any_pieces(
    stream: bytes, pieces: list[int], framing: Framing
) -> None:
    assert cut(framing, stream, pieces) == cut(framing, stream, [])
