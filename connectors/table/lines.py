"""The lines of a table whose encoding nobody promised: what the bytes themselves tell holds, whatever is set."""

import re
from collections.abc import Iterator
from typing import Final

from connectors.encoding import encoding_of, is_wide

_MARK: Final = "\ufeff"
_ENDS: Final = re.compile(r"\r\n|\n|\r")


def decoded(body: bytes, encoding: str) -> Iterator[tuple[str, bool]]:
    """The lines of a file, each with whether it could be decoded; a line that cannot be is told with escapes.

    A file that is not what `encoding` promises is read line by line, first in that, then in Windows' cp1252.
    """
    encoding = encoding_of(body) or encoding
    if is_wide(encoding):
        for line in _ENDS.split(body.decode(encoding, "replace")):
            yield line.removeprefix(_MARK), "\ufffd" not in line
        return
    try:
        yield from ((line.removeprefix(_MARK), True) for line in _ENDS.split(body.decode(encoding)))
        return
    except UnicodeDecodeError:
        pass
    for line in re.split(rb"\r\n|\n|\r", body):
        yield _decoded(line, encoding)


def _decoded(line: bytes, encoding: str) -> tuple[str, bool]:
    for attempt in (encoding, "cp1252"):
        try:
            return line.decode(attempt).removeprefix(_MARK), True
        except UnicodeDecodeError:
            continue
    return line.decode("ascii", "backslashreplace"), False
