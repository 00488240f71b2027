"""Rows and their pictures in one ZIP, written as it goes: memory holds one picture at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any, Final, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from hub.errors import NotFound
from hub.search.formats import Format, encoded
from hub.search.one import ending_of
from hub.search.rows import Found
from hub.store.images import ImageStore

_FOLDER: Final = "pictures"
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture in an archive: the number of its read, what it shows, and its name, size and digest."""

    read: int
    shows: str
    file: str
    bytes: int
    sha256: str


def archived(
    form: Format, rows: Iterable[Found], images: ImageStore, write: Callable[[bytes], None], beside: Path
) -> dict[str, Any]:
    """Write a ZIP of `reads.FORM` and `pictures/`, and give what its manifest says beside other exports' manifests.

    The rows wait in a file without a name in the folder `beside`, since an archive takes one file after the other.
    Raises what `rows`, `images` and `write` raise, and `OSError` where that folder has no room.
    """
    name, pictures, missing, digest = f"reads.{form}", list[PictureFile](), Counter[str](), sha256()
    with TemporaryFile(dir=beside) as waiting, ZipFile(cast(IO[bytes], _Into(write)), "w", ZIP_STORED) as archive:
        for part in encoded(form, Found, _with_pictures(rows, images, archive, pictures, missing)):
            digest.update(part)
            waiting.write(part)
        waiting.seek(0)
        entry = ZipInfo(name)
        entry.compress_type = ZIP_DEFLATED
        with archive.open(entry, "w", force_zip64=True) as into:
            copyfileobj(waiting, into, _CHUNK)
    return {
        "reads_file": name, "reads_sha256": digest.hexdigest(), "pictures": pictures, "not_in_it": dict(missing),
    }  # fmt: skip


def _with_pictures(
    rows: Iterable[Found], images: ImageStore, archive: ZipFile, files: list[PictureFile], missing: Counter[str]
) -> Iterator[Found]:
    """The rows, each after its pictures went into the archive."""
    for row in rows:
        for place, image in enumerate(row.images or (), 1):
            if image.state != "stored":
                missing[image.state] += 1
                continue
            try:
                data = images.get(image.key)
            except NotFound:
                missing["lost"] += 1
                continue
            file = f"{_FOLDER}/{row.id}-{place}-{image.kind}.{ending_of(data)}"
            archive.writestr(ZipInfo(file), data)
            files.append(PictureFile(row.id, image.kind, file, len(data), sha256(data).hexdigest()))
        yield row


class _Into:
    """A file that can only be written to, on and on: what an archive is streamed into."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        """Take the bytes."""
        self._write(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""
