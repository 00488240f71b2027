"""`Folder`: a place on this machine."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from connectors import durable
from connectors.errors import AdminMustFix, Gone
from connectors.places.place import File, by_name, capped, hidden, plain, told, when

_US: Final = "the user who runs this"


class Folder:
    """A folder, and one level of folders below it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self, folder: str) -> list[File]:
        if not self._root.is_dir():
            raise AdminMustFix(
                f"the folder {str(self._root)!r} does not exist on this machine: make it, mount its disk, or mend the"
                " setting place"
            )
        files = []
        with told(f"the folder {str(self._root / folder)!r}", _US):
            if not (self._root / folder).is_dir():
                return []
            for entry in os.scandir(self._root / folder):
                # A link could lead out of the folder that the admin named.
                with suppress(FileNotFoundError):  # it left meanwhile
                    if entry.is_file(follow_symlinks=False) and not hidden(entry.name):
                        seen = entry.stat(follow_symlinks=False)
                        files.append(File(entry.name, seen.st_size, when(seen.st_mtime)))
        return sorted(files, key=by_name)

    def read(self, folder: str, name: str, most: int) -> bytes:
        path = self._root / folder / plain(name)
        with told(f"the file {str(path)!r}", _US):
            # A pipe would be waited for without end, and a reader names files that nobody listed.
            number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            if not stat.S_ISREG(os.fstat(number).st_mode):
                os.close(number)
                raise Gone(f"{str(path)!r} is no file")
            with os.fdopen(number, "rb") as file:
                return capped(file.read(most + 1), most, name)

    def write(self, folder: str, name: str, data: bytes) -> None:
        path = self._root / folder / plain(name)
        with told(f"the file {str(path)!r}", _US):
            durable.make_folder(path.parent)
            durable.replace(path, data)
