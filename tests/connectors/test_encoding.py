"""Which Unicode a text is in is told by its own bytes, with a mark or without one, and never by too few of them."""

import codecs

import pytest

from connectors.encoding import encoding_of, in_utf8

TABLE = "PLATE,TIME\r\n9SYN042,2026-06-01T15:15:30Z\r\n"
DOCUMENTS = ['{"p": "9SYN042"}', '[{"p": "9SYN042"}]', "<p>9SYN042</p>"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", DOCUMENTS)
def test_a_document_without_a_mark_is_known_by_how_it_begins(text: str, encoding: str) -> None:
    assert encoding_of(text.encode(encoding)) == encoding
    assert in_utf8(text.encode(encoding)) == text.encode()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_table_without_a_mark_is_known_by_the_zeros_beside_its_letters(encoding: str) -> None:
    assert encoding_of(TABLE.encode(encoding)) == encoding
    assert in_utf8(TABLE.encode(encoding)) == TABLE.encode()


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", [*DOCUMENTS, TABLE])
def test_a_mark_tells_it_and_goes(text: str, mark: bytes, encoding: str) -> None:
    assert in_utf8(mark + text.encode(encoding)) == text.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\x00", b"7\x00", b"\x007", b"A\x00B\x00", b"\x00A\x00B",  # padding, or a letter or two
        b"A\x00B\x00C\x00DE", b"\x00A\x00B\x00CD\x00",  # a sign that is not of the Latin alphabet, or two texts
        b"\x00" * 9, b"A\x00B\x00\x00\x00C\x00D\x00", b"\x00A\x00B\x00\x00\x00C\x00D",  # NUL where a letter would be
        TABLE.encode(), b"9SYN042\x00\x00\x00",
    ],
)  # fmt: skip
def test_bytes_that_do_not_tell_it_stay_as_they_are(body: bytes) -> None:
    assert encoding_of(body) is None
    assert in_utf8(body) is body
