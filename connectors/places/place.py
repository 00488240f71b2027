"""`DropPlace`: a tree of folders of files, wherever it stands, and what all of them have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from connectors.errors import AdminMustFix, Gone, TryAgain
from connectors.file_words import why

UNFINISHED: Final = ".part"
"""How a file is named while it is being written; such names are never listed."""
UNSAID: Final = -1
"""The size of a file whose storage does not say it."""
AT_MOST: Final = timedelta(minutes=10)
"""How long one listing and one file may take in all: a place may drip, or be silent, for ever."""
_YEARS: Final = (1970, 2262)
"""Between these a time can be kept in nanoseconds; another one was never written by a clock."""


class BrokenOff(TryAgain):
    """The place itself is not reached any more, so that no other file of it will be either."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as its folder lists it; `modified` is the storage's own clock, in UTC. `size` may be `UNSAID`."""

    name: str
    size: int
    modified: datetime


class DropPlace(Protocol):
    """A tree of two levels: folders of files.

    Every method raises `AdminMustFix` or `TryAgain` as the cause asks; `BrokenOff` where the place itself is gone.
    """

    def files(self, folder: str) -> list[File]:
        """The finished files of a folder, by name; none where the folder does not exist yet."""

    def read(self, folder: str, name: str, most: int) -> bytes:
        """A file's bytes; `Gone` where it is not there or no file, `AdminMustFix` above `most` bytes."""

    def write(self, folder: str, name: str, data: bytes) -> None:
        """Put a file there whole: whoever lists the folder sees the old file or the new one, never a half."""


@dataclass(frozen=True, slots=True)
class Access:
    """What opens a place, beside its address. For S3 an id and a key, for SFTP a password or a private key."""

    key_id: str | None = None
    secret: str | None = None
    private_key: str | None = None
    endpoint_url: str | None = None
    host_key: str | None = None
    """The SFTP server's public key as `ssh-keyscan` prints it: type and base64. Without it nothing is sent."""


def plain(name: str) -> str:
    """The same name; raises `Gone` where it leads anywhere but into its folder."""
    if not name or "/" in name or "\\" in name or "\x00" in name or name in (".", ".."):
        raise Gone("no file can have that name here")
    return name


def capped(data: bytes, most: int, name: str) -> bytes:
    """The same bytes; raises `AdminMustFix` where they are more than `most`."""
    if len(data) > most:
        raise too_large(name, most)
    return data


def too_large(name: str, most: int) -> AdminMustFix:
    """What a file is refused with that has more than `most` bytes."""
    return AdminMustFix(f"the file {name!r} is larger than {most:,} bytes, the most that is taken")


def when(seconds: float | None) -> datetime:
    """The instant so many seconds after 1970 began; its beginning where there is none, or one that no clock showed."""
    begin = datetime(_YEARS[0], 1, 1, tzinfo=UTC)
    try:
        at = datetime.fromtimestamp(seconds or 0, UTC)
    except (ValueError, OverflowError, OSError):
        return begin
    return at if at.year < _YEARS[1] else begin


def hidden(name: str) -> bool:
    """Whether a file is not finished, or not meant to be seen."""
    return name.startswith(".") or name.endswith(UNFINISHED)


@contextmanager
def told(what: str, whose: str) -> Iterator[None]:
    """Gives the operating system's refusals the name of what happens next.

    `what` names the file or folder, `whose` who must give a right to it.
    """
    try:
        yield
    except FileNotFoundError:
        raise Gone(f"{what} is not there") from None
    except PermissionError:
        raise AdminMustFix(f"{what} may not be read or written: give {whose} the right to it") from None
    except OSError as failed:
        if failed.errno is None:
            raise BrokenOff(f"{what} was not reached: the connection broke off") from None
        raise TryAgain(f"{what} {why(failed)}") from None


def by_name(file: File) -> str:
    """What files are sorted by."""
    return file.name
