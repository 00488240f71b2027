"""Files that a power cut takes nothing from: when a call returns, the bytes are on the disk, and so is the name.

The order is always the same: write beside, flush, fsync of the file, rename, fsync of the folder. Without the first
fsync a name may come back with no bytes behind it, without the second one bytes may come back without their name.
"""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import get_ident
from typing import IO, Any, Final

PARTIAL: Final = ".part"
"""How a file's name ends while it is written; it begins with a dot, so that listings pass it over."""
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def settle(file: IO[Any]) -> None:
    """Everything written to an open file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def settle_folder(folder: Path) -> None:
    """The names in a folder are on the disk as they are now: new ones stay, removed ones do not come back."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as failed:
        if failed.errno != errno.EINVAL:  # some network shares have no such promise to give
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path, rights: int = 0o777) -> None:
    """Make a folder and those above it that are missing, with their names on the disk."""
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    for path in reversed(missing):
        path.mkdir(mode=rights, exist_ok=True)
        settle_folder(path.parent)


def replace(path: Path, data: bytes, rights: int = 0o666) -> None:
    """Put a file there, in place of one that has the name: whoever looks sees all of the old one or of the new one."""
    place(path, data, rights)
    settle_folder(path.parent)


def place(path: Path, data: bytes, rights: int = 0o666) -> None:
    """As `replace`, but the caller calls `settle_folder` once for all the files that it places in a folder."""
    partial = _beside(path, (data,), rights)
    try:
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def create(path: Path, data: bytes, rights: int = 0o666) -> None:
    """Make a file that was not there, whole or not at all; raises `FileExistsError` where something has the name."""
    create_of(path, (data,), rights)


def create_of(path: Path, parts: Iterable[bytes], rights: int = 0o666) -> None:
    """As `create`, of parts that are written as they come; what they raise leaves no file."""
    partial = _beside(path, parts, rights)
    try:
        try:
            os.link(partial, path)  # refuses where a rename would replace
        except OSError as failed:
            if failed.errno not in _NO_LINKS:
                raise
            _take_name(path, partial)
    finally:
        partial.unlink(missing_ok=True)
    settle_folder(path.parent)


def remove(paths: Iterable[Path]) -> None:
    """Remove files, those too that are not there: none of them comes back."""
    folders = set()
    for path in paths:
        path.unlink(missing_ok=True)
        folders.add(path.parent)
    for folder in sorted(folders):
        with suppress(FileNotFoundError):  # then nothing is in it
            settle_folder(folder)


def left_beside(path: Path) -> list[Path]:
    """What writers of a file that were killed left beside it."""
    return list(path.parent.glob(f".{path.name}.*{PARTIAL}"))


def _take_name(path: Path, partial: Path) -> None:
    """Give a file a name that nothing has, where the file system knows no links (as on many memory sticks)."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    try:
        partial.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _beside(path: Path, parts: Iterable[bytes], rights: int) -> Path:
    """The bytes on the disk, in a file beside that no other thread or process writes."""
    partial = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}{PARTIAL}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, rights), "wb") as file:
            file.writelines(parts)
            settle(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return partial
