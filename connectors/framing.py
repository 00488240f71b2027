"""Where a document ends in a stream: at a line's end, by its length, between STX and ETX, or by itself. Pure."""

import re
from abc import ABC, abstractmethod
from typing import Final, Literal

Framing = Literal["document", "newline", "length", "stx_etx", "close"]
"""`document`: where its JSON or XML ends; `length`: four bytes before it, the highest first; `close`: with the line."""
STX: Final = b"\x02"
ETX: Final = b"\x03"
_LENGTH_BYTES: Final = 4


class Framer(ABC):
    """Cuts what comes into documents; holds no more than `most` bytes and one piece."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = bytearray()

    @property
    def held(self) -> int:
        """Bytes of a document that is not whole yet."""
        return len(self._held)

    @property
    def too_large(self) -> bool:
        """Whether a document is larger than may be: nothing that follows can be told apart from it."""
        return len(self._held) > self._most

    def feed(self, piece: bytes) -> list[bytes]:
        """The documents that are whole now, in their order."""
        self._held += piece
        found = []
        while (document := self._cut()) is not None:
            if document.strip():
                found.append(document)
        return found

    def rest(self) -> bytes:
        """What is left once nothing more comes: a last document without its end, or a piece of one, or nothing."""
        rest, self._held = bytes(self._held), bytearray()
        return rest if rest.strip(b"\0 \t\r\n") else b""

    @abstractmethod
    def _cut(self) -> bytes | None:
        """Take the first whole document from what is held; None where there is none yet."""

    def _take(self, start: int, end: int, after: int) -> bytes:
        document = bytes(self._held[start:end])
        del self._held[:after]
        return document


class _Lines(Framer):
    """A document a line."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._seen = 0

    def _cut(self) -> bytes | None:
        end = self._held.find(b"\n", self._seen)
        self._seen = len(self._held) if end < 0 else 0
        return None if end < 0 else self._take(0, end, end + 1)


class _Lengths(Framer):
    """Four bytes of length before each document."""

    @property
    def too_large(self) -> bool:
        return super().too_large or self._length() > self._most

    def _length(self) -> int:
        return int.from_bytes(self._held[:_LENGTH_BYTES], "big") if len(self._held) >= _LENGTH_BYTES else 0

    def _cut(self) -> bytes | None:
        end = _LENGTH_BYTES + self._length()
        if len(self._held) < end or self.too_large:
            return None
        return self._take(_LENGTH_BYTES, end, end)

    def rest(self) -> bytes:
        """What came of a document, without its length."""
        del self._held[:_LENGTH_BYTES]
        return super().rest()


class _Between(Framer):
    """Documents between STX and ETX; what stands outside of them is none."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._seen = 0

    def _cut(self) -> bytes | None:
        start = self._held.find(STX)
        if start < 0:
            self._held.clear()
            return None
        if start:
            del self._held[:start]
            self._seen = 0
        end = self._held.find(ETX, max(self._seen, 1))
        self._seen = len(self._held) if end < 0 else 0
        return None if end < 0 else self._take(1, end, end + 1)

    def rest(self) -> bytes:
        """What came of a document, without its STX."""
        del self._held[:1]
        return super().rest()


class _Whole(Framer):
    """The line's end is the document's."""

    def _cut(self) -> bytes | None:
        return None


_BLANK: Final = re.compile(rb"(?:[\s\0\x02\x03\x1e]|\xef\xbb\xbf|,(?=\s*[{\[<]))+")
_IN_JSON: Final = re.compile(rb'["\\{}\[\]]')
_TAG: Final = re.compile(rb"""<[^>"']*+(?:"[^"]*+"[^>"']*+|'[^']*+'[^>"']*+)*+>""")
_APART: Final = ((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>"), (b"<!", b">"))
_LONGEST_OPENING: Final = 9


class _Documents(Framer):
    """A JSON value or an XML element ends where it is closed; anything else ends with its line."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._at = self._depth = 0
        self._quoted = False

    def _cut(self) -> bytes | None:
        if not self._at and (blank := _BLANK.match(self._held)):
            start = blank.end()
            del self._held[:start]
        if not self._held:
            return None
        first = bytes(self._held[:1])
        end = self._json_end() if first in (b"{", b"[") else self._xml_end() if first == b"<" else self._line_end()
        if end is None:
            return None
        self._at = self._depth = 0
        self._quoted = False
        return self._take(0, end, end)

    def _line_end(self) -> int | None:
        end = self._held.find(b"\n", self._at)
        self._at = len(self._held)
        return None if end < 0 else end + 1

    def _json_end(self) -> int | None:
        while (found := _IN_JSON.search(self._held, self._at)) is not None:
            mark, after = found.group(), found.end()
            if mark == b"\\":
                after += 1 if self._quoted else 0
                if after > len(self._held):
                    return None  # what it escapes is still to come
            elif mark == b'"':
                self._quoted = not self._quoted
            elif not self._quoted:
                self._depth += 1 if mark in b"{[" else -1
                if not self._depth:
                    return after
            self._at = after
        self._at = len(self._held)
        return None

    def _xml_end(self) -> int | None:
        while (start := self._held.find(b"<", self._at)) >= 0:
            self._at = start
            after = self._tag_end(start)
            if after is None:
                return None
            self._at = after
            if self._held.startswith((b"<!", b"<?"), start):
                continue
            if self._held.startswith(b"</", start):
                self._depth -= 1
            elif self._held[after - 2 : after] != b"/>":
                self._depth += 1
            if self._depth <= 0:
                return after
        self._at = len(self._held)
        return None

    def _tag_end(self, start: int) -> int | None:
        """Where what begins with `<` ends; None where that has not come yet."""
        opening = bytes(self._held[start : start + _LONGEST_OPENING])
        if opening.startswith(b"<!") and any(begin[:-1].startswith(opening) for begin, _ in _APART[:2]):
            return None  # it is not known yet which it is
        for begin, close in _APART:
            if opening.startswith(begin):
                end = self._held.find(close, start + len(begin))
                return None if end < 0 else end + len(close)
        found = _TAG.match(self._held, start)
        return None if found is None else found.end()


_FRAMERS: Final[dict[str, type[Framer]]] = {
    "document": _Documents, "newline": _Lines, "length": _Lengths, "stx_etx": _Between, "close": _Whole,
}  # fmt: skip


def framer(framing: Framing, most: int) -> Framer:
    """A framer for one line, whose documents have so many bytes at most."""
    return _FRAMERS[framing](most)
