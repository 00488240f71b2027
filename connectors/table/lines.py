"""The lines of a table whose encoding nobody promised: what the bytes themselves tell holds, whatever is set."""

import re
from collections.abc import Iterator
from typing import Final

from connectors.damage import MARK
from connectors.encoding import encoding_of, is_wide

_BOM: Final = "\ufeff"
_ENDS: Final = re.compile(r"\r\n|\n|\r")


def decoded(body: bytes, encoding: str) -> Iterator[tuple[str, bool]]:
    """The lines of a file, each with whether it could be decoded; what of one cannot be is U+FFFD there.

    A file that is not what `encoding` promises is read line by line, first in that, then in Windows' cp1252.
    """
    encoding = encoding_of(body) or encoding
    if is_wide(encoding):
        for line in _ENDS.split(body.decode(encoding, "replace")):
            yield line.removeprefix(_BOM), MARK not in line
        return
    try:
        yield from ((line.removeprefix(_BOM), True) for line in _ENDS.split(body.decode(encoding)))
        return
    except UnicodeDecodeError:
        pass
    for line in re.split(rb"\r\n|\n|\r", body):
        yield _decoded(line, encoding)


def _decoded(line: bytes, encoding: str) -> tuple[str, bool]:
    for attempt in (encoding, "cp1252"):
        try:
            return line.decode(attempt).removeprefix(_BOM), True
        except UnicodeDecodeError:
            continue
    return line.decode("cp1252", "replace"), False
