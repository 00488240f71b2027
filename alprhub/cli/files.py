"""Files that a person names on the command line: read whole, or made where there was none."""

import sys
from collections.abc import Iterable
from pathlib import Path

from connectors import durable
from connectors.file_words import FULL, refusal
from hub.errors import AdminMustAct, Invalid, NotFound


def content(file: Path) -> bytes:
    """The bytes of a file, or of standard input for a hyphen; raises `NotFound` or `Invalid` naming the file."""
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except FileNotFoundError as failed:
        raise NotFound(refusal(failed, file)) from None
    except (OSError, ValueError) as failed:
        raise Invalid(
            refusal(failed, file) if isinstance(failed, OSError) else f"{str(file)!r} names no file"
        ) from None


def must_be_new(file: Path) -> None:
    """Return where nothing has that name and its folder is there; raises `Invalid` with the remedy."""
    if file.exists() or file.is_symlink():
        raise Invalid(
            f"the file {str(file)!r} is there already, and nothing is written over: name another, or remove it"
        )
    if not file.parent.is_dir():
        raise Invalid(f"the folder {str(file.parent)!r} for {file.name!r} is not there: make it, or name another")


def put(file: Path, body: bytes, rights: int = 0o666) -> None:
    """Make a file of these bytes, durable on return, whole or not at all; `rights` are those of a new file.

    The process's umask takes from them. Raises `Invalid` where it is there already or may not be made there, and
    `AdminMustAct` where the disk is full.
    """
    put_parts(file, (body,), rights)


def put_parts(file: Path, parts: Iterable[bytes], rights: int = 0o666) -> None:
    """As `put`, of parts that are written as they come; raises what they raise, and leaves no file then."""
    must_be_new(file)
    try:
        durable.create_of(file, parts, rights)
    except OSError as failed:
        if failed.errno in FULL:
            raise AdminMustAct(refusal(failed, file)) from None
        raise Invalid(refusal(failed, file)) from None
