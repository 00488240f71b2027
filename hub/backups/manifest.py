"""What a backup says of itself: where it is from, until when it may be kept, and the SHA-256 of every file in it.

The digests are in a file of their own in the form of `sha256sum`, so that anybody can check a backup without the hub.
The manifest is written last and carries the digest of that file: a backup without one is none.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final

import msgspec

from connectors import durable
from hub.errors import IntegrityBroken, NotFound
from hub.words import count, named

NAME: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
FORM: Final = 1
PARTIAL: Final = ".part"
"""How the name of a backup ends until it is whole."""
OURS: Final = 0o600


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """Of a whole backup. `first_over_at`: from then on it holds a read whose time is up; None where it holds none."""

    made_at: datetime
    agency: str
    policy: str
    version: str
    database: str
    revision: str
    first_over_at: datetime | None
    with_key: bool
    pictures: int
    pictures_at: str | None
    pictures_missing: int
    settings: dict[str, str]
    files: int
    bytes: int
    sums_sha256: str
    form: int = FORM


def sums(folder: Path, progress: Callable[[str, int, int | None], None]) -> tuple[int, int, str]:
    """Write the digests of every file below a folder; gives how many files and bytes there are, and their digest."""
    files, size, lines = 0, 0, list[str]()
    for path in below(folder):
        lines.append(f"{_digest(path)}  {path.relative_to(folder)}\n")
        files, size = files + 1, size + path.stat().st_size
        progress("files checked", files, None)
    body = "".join(lines).encode("utf-8", "surrogateescape")
    durable.replace(folder / SUMS, body, OURS)
    return files, size, sha256(body).hexdigest()


def write(folder: Path, manifest: BackupManifest) -> None:
    """Make a backup a whole one."""
    durable.replace(folder / NAME, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n", OURS)


def read(folder: Path) -> BackupManifest:
    """The manifest of a whole backup; raises `NotFound` where there is none, `IntegrityBroken` where it is changed."""
    if folder.name.endswith(PARTIAL) or not (folder / NAME).is_file():
        raise NotFound(
            f"{str(folder)!r} holds no whole backup: there is no {NAME} in it, which is written last. Name the folder"
            " that alprhub backup made; one that was cut short is of no use, and may be removed"
        )
    try:
        manifest = msgspec.json.decode((folder / NAME).read_bytes(), type=BackupManifest)
    except msgspec.DecodeError:
        raise IntegrityBroken(f"{str(folder / NAME)!r} is no manifest as backups write them: it was changed") from None
    if manifest.form != FORM:
        raise NotFound(f"{str(folder)!r} has form {manifest.form}, and this alprhub reads form {FORM}: use a newer one")
    return manifest


def verify(folder: Path, progress: Callable[[str, int, int | None], None]) -> BackupManifest:
    """The manifest, once every file is what it was; raises as `read`, and `IntegrityBroken` naming what is not."""
    manifest = read(folder)
    try:
        body = (folder / SUMS).read_bytes()
    except FileNotFoundError:
        body = b""
    if sha256(body).hexdigest() != manifest.sums_sha256:
        raise IntegrityBroken(f"{str(folder / SUMS)!r} is not what the manifest says: the backup was changed")
    lines = body.decode("utf-8", "surrogateescape").splitlines()
    wanted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    wrong = list[str]()
    for number, (name, digest) in enumerate(wanted.items(), 1):
        path = folder / name
        if not path.is_file():
            wrong.append(f"{name} is missing")
        elif _digest(path) != digest:
            wrong.append(f"{name} was changed")
        progress("files checked", number, len(wanted))
    there = {str(path.relative_to(folder)) for path in below(folder)} - {NAME, SUMS}
    wrong += [f"{name} was put there" for name in sorted(there - wanted.keys())]
    if wrong:
        raise IntegrityBroken(
            f"the backup {str(folder)!r} is not what was made ({count(len(wrong), 'file')}): {named(wrong)}. Nothing"
            " was restored; take another"
        )
    return manifest


def below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in order."""
    return iter(sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
