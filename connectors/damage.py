"""What arrived damaged is marked where it stands, and noted: only what nobody needs of a read may be."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import Final
from unicodedata import category

from connectors.identity import derived
from normalize.fault import Unusable
from normalize.read import Read
from normalize.spreadsheet import error, number

MARK: Final = "\ufffd"
"""What stands in a text where a character could not be read."""
LETTERS: Final = "characters that could not be read"
MARKUP: Final = "markup that had to be mended"
SHEET: Final = "cells that a spreadsheet wrote anew"
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_OF_MARKUP: Final = re.compile(r"[&<>\\\"'\x00-\x1f\x7f-\x9f]")
_BETWEEN: Final = frozenset(" -.\u00b7\u2022\u2010\u2011\u2013\u30fb")
"""What stands between the characters of a plate."""
_noted: ContextVar[list[str] | None] = ContextVar("noted", default=None)


def note(what: str) -> None:
    """Remember for the read that is being made that something of it arrived damaged."""
    notes = _noted.get()
    if notes is not None and what not in notes:
        notes.append(what)


def watched() -> list[str]:
    """Begin a read: what is noted from now on stands in the list that this gives."""
    notes: list[str] = []
    _noted.set(notes)
    return notes


@contextmanager
def watching() -> Iterator[list[str]]:
    """What is noted inside the block, and nowhere else: for what is kept and asked for again."""
    notes: list[str] = []
    before = _noted.set(notes)
    try:
        yield notes
    finally:
        _noted.reset(before)


def own_id(ident: str | None) -> str | None:
    """A vendor's own id of a read; None, and noted, where a spreadsheet wrote it anew: many reads have it then."""
    if ident is None or not (error(ident) or number(ident)):
        return ident
    note(SHEET)
    return None


def legible(text: str) -> str:
    """A text without NUL and its like: padding at its end goes, what stands elsewhere is marked and noted."""
    text = text.rstrip("\x00")
    if not _CONTROLS.search(text):
        return text
    note(LETTERS)
    return _CONTROLS.sub(MARK, text)


def sound(read: Read, notes: list[str], payload: bytes, part: int) -> Read:
    """The read with what was noted of it.

    Plate and camera are taken whole or not at all: raises `Unusable` where one of them holds the mark, or what may be
    a slip of markup that was mended: nobody can tell which character it stands for. An id that holds the mark is made
    of the payload instead, since two damaged ids may look alike.
    """
    plate, camera, named = read.plate_raw, read.camera.id, read.camera.name
    if MARK in plate or MARK in camera:
        raise Unusable("plate_raw" if MARK in plate else "camera.id", "holds a character that arrived damaged")
    if MARKUP in notes:
        if not _is_whole(plate):
            raise Unusable("plate_raw", "holds markup that arrived damaged")
        if _OF_MARKUP.search(camera):
            raise Unusable("camera.id", "holds markup that arrived damaged")
    if not notes and MARK not in read.vendor_read_id and (named is None or MARK not in named):
        return read
    told = tuple(notes) or (LETTERS,)
    ident = read.vendor_read_id
    if MARK in ident:
        ident = derived(sha256(payload).hexdigest(), str(part))
    mended = MARKUP in notes
    whole = tuple(
        candidate
        for candidate in read.candidates
        if MARK not in candidate.text and (not mended or _is_whole(candidate.text))
    )
    return read.model_copy(update={"damaged": told, "vendor_read_id": ident, "candidates": whole})


def _is_whole(plate: str) -> bool:
    """Whether a plate out of a document that was mended holds nothing that may have been mended."""
    return all(sign.isalnum() or sign in _BETWEEN or category(sign)[0] == "M" for sign in plate)
