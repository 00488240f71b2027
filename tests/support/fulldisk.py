"""A disk that is full in the middle of a file."""

import errno
from io import FileIO
from typing import Any


class Full(FileIO):
    """A file of which the first three bytes find room."""

    def write(self, body: Any, /) -> int:
        super().write(bytes(body)[:3])
        raise OSError(errno.ENOSPC, "No space left on device")
