"""What a backup says of itself: where it is from, until when it may be kept, and the SHA-256 of every file in it.

The digests are in a file of their own in the form of `sha256sum`, so that anybody can check a backup without the hub.
The manifest is written last and carries the digest of that file: a backup without one is none.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import file_digest, sha256
from io import BufferedReader
from pathlib import Path, PurePosixPath
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
INBOX: Final = "inbox"
PICTURES: Final = "images"


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


def verify(folder: Path, progress: Callable[[str, int, int | None], None]) -> tuple[BackupManifest, list[str]]:
    """The manifest and the names of its files, once each of them is what it was, and nothing else is there.

    Raises as `read`, and `IntegrityBroken` naming what was changed, is missing, or was put there: a link, a folder or
    a pipe too, since no digest says what it leads to.
    """
    manifest = read(folder)
    try:
        body = (folder / SUMS).read_bytes()
    except FileNotFoundError:
        body = b""
    if sha256(body).hexdigest() != manifest.sums_sha256:
        raise IntegrityBroken(f"{str(folder / SUMS)!r} is not what the manifest says: the backup was changed")
    lines = filter(None, body.decode("utf-8", "surrogateescape").split("\n"))
    wanted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    files, others = _entries(folder)
    wrong = list[str]()
    for number, (name, digest) in enumerate(wanted.items(), 1):
        if name not in files:
            wrong += [] if name in others else [f"{name} is missing"]
        elif _digest(folder / name) != digest:
            wrong.append(f"{name} was changed")
        progress("files checked", number, len(wanted))
    homes = {str(home) for name in wanted for home in PurePosixPath(name).parents} | {INBOX}
    put = [name for name in files if name not in wanted and name not in (NAME, SUMS)]
    put += [name if not kind else f"{name} ({kind})" for name, kind in others.items() if kind or name not in homes]
    wrong += [f"{name} was put there" for name in sorted(put)]
    if wrong:
        raise IntegrityBroken(
            f"the backup {str(folder)!r} is not what was made ({count(len(wrong), 'file')}): {named(wrong)}. Nothing"
            " was restored; take another"
        )
    return manifest, sorted(wanted)


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """A file of a backup, open; raises `IntegrityBroken` where a link or something else took its place meanwhile."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as failed:
        if failed.errno != errno.ELOOP:
            raise
        descriptor = None
    if descriptor is not None:
        with os.fdopen(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                yield file
                return
    raise IntegrityBroken(f"{str(path)!r} is no file any more: the backup was changed while it was restored")


def below(folder: Path) -> list[Path]:
    """Every file below a folder, in order."""
    return [folder / name for name in sorted(_entries(folder)[0])]


def _entries(folder: Path, at: str = "") -> tuple[set[str], dict[str, str]]:
    """The files below a folder by their names, and what else is there, with what it is where it is no folder."""
    files, others = set[str](), dict[str, str]()
    with os.scandir(folder / at) as listed:
        for entry in listed:
            name = at + entry.name
            if entry.is_file(follow_symlinks=False):
                files.add(name)
            elif entry.is_dir(follow_symlinks=False):
                more, further = _entries(folder, f"{name}/")
                files |= more
                others |= {name: ""} | further
            else:
                others[name] = "a link" if entry.is_symlink() else "no file"
    return files, others


def _digest(path: Path) -> str:
    with opened(path) as file:
        return file_digest(file, "sha256").hexdigest()
