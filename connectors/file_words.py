"""What the operating system refused of a file, in words: which file, what is in the way, what would do."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_WHY: Final[Mapping[int, str]] = {
    errno.ENOENT: "is not there",
    errno.ENOTDIR: "is not there: what should be its folder is a file",
    errno.EISDIR: "is a folder, and a file is needed",
    errno.EEXIST: "is there already, and nothing is written over: name another, or remove it first",
    errno.EACCES: "may not be opened by the user who runs this: see its owner and rights",
    errno.EPERM: "may not be opened by the user who runs this: see its owner and rights",
    errno.EROFS: "lies on a disk that may only be read",
    errno.ENOSPC: "finds no room: the disk is full",
    errno.EDQUOT: "finds no room: the quota of the user who runs this is used up",
    errno.EFBIG: "would be larger than a file may be here",
    errno.ENAMETOOLONG: "has a name that is too long",
    errno.ELOOP: "is a link that leads to itself, or one where none may be",
    errno.EMFILE: "cannot be opened: too many files are open (see `ulimit -n`)",
    errno.ENFILE: "cannot be opened: too many files are open on this machine",
    errno.EIO: "cannot be read or written: the disk gives an error",
    errno.ETXTBSY: "is in use by another program",
    errno.EBUSY: "is in use by another program",
    errno.EINVAL: "has a name that cannot be one",
}
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def why(failed: OSError) -> str:
    """What is in the way, as a clause behind the file's name."""
    return _WHY.get(failed.errno or 0, "cannot be used: " + (failed.strerror or "no reason was given").lower())


def refusal(failed: OSError, path: Path | str | None = None) -> str:
    """One sentence on a file that was refused; `path` is it where the error does not name it."""
    name = path if path is not None else failed.filename
    if name is None:
        return f"a file {why(failed)}"
    shown = os.fsdecode(name)
    kind = "folder" if failed.errno == errno.ENOTDIR and Path(shown).is_dir() else "file"
    spelt = os.fsencode(shown).decode(errors="backslashreplace")
    if spelt != shown:
        return f"the {kind} '{spelt}' {why(failed)} (its name is not UTF-8: type it in a terminal that is set to UTF-8)"
    return f"the {kind} {shown!r} {why(failed)}"


def readable(name: str) -> str:
    """A file's name as text that can be kept and told: what of it is not UTF-8 as `\\xe9`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
