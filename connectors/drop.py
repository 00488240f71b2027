"""`Drop`: a folder into which somebody puts files of reads, and from which each is taken once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from connectors import contract
from connectors.contract import LyingFile, Page, Record
from connectors.errors import AdminMustFix, BadFiles, Closed, Gone, TryAgain, VendorChanged
from connectors.file_words import readable
from connectors.pictures import picture
from connectors.places import AT_MOST, UNSAID, Access, BrokenOff, DropPlace, File, opened
from connectors.struck import HIDDEN

LARGEST_PICTURE = 15_000_000
A_PICTURE = timedelta(seconds=30)
"""How long one picture may take, which holds up others."""
MOST_TOLD = 5
"""Files whose faults are told one by one."""


class PlaceSettings(contract.Settings):
    """Base of the settings of a connector that may be given a place of files, and works without one too."""

    place: str | None = Field(
        None,
        title="Place",
        description="A folder, `s3://bucket/prefix` or `sftp://user@host/path`; empty where everything is pushed.",
    )
    reads_folder: str = Field("reads", title="Folder of reads", description="Below the place: where exports arrive.")
    key_id: str | None = Field(None, title="S3 key id", description="For S3; empty uses what this machine has.")
    secret: SecretStr | None = Field(None, title="Secret", description="The S3 secret key or the SFTP password.")
    private_key: SecretStr | None = Field(None, title="SFTP private key", description="OpenSSH text, no passphrase.")
    endpoint_url: str | None = Field(None, title="S3 endpoint", description="For storage other than Amazon's.")
    host_key: str | None = Field(
        None, title="SFTP host key", description="The server's public key, `ssh-ed25519 AAAA…`; SFTP needs it."
    )
    file_pattern: str = Field("*.csv", title="File pattern", description="Which files are exports of reads.")
    settle_seconds: int = Field(60, ge=0, title="Settle time", description="How long a file must lie still, seconds.")

    @field_validator("place", check_fields=False)
    @classmethod
    def _holds_no_password(cls, place: str | None) -> str | None:
        if place and urlsplit(place).password is not None:
            raise ValueError("must not hold a password: that belongs into the secret")
        return place


class DropSettings(PlaceSettings):
    """Base of the settings of a connector that reads files out of a place."""

    place: str = Field(
        title="Place", description="A folder, `s3://bucket/prefix` or `sftp://user@host/path` that both sides reach."
    )


class CsvSettings(DropSettings):
    """Base of the settings of a connector whose files are CSV."""

    encoding: str = Field("utf-8-sig", title="Encoding", description="Of the exports; cp1252 is tried after it.")
    delimiter: str = Field(",", pattern=r'^[^"\r\n]$', title="Delimiter", description="One sign between two cells.")

    @field_validator("encoding")
    @classmethod
    def _is_text(cls, encoding: str) -> str:
        try:
            "x".encode(encoding)
        except LookupError:
            raise ValueError("is no encoding of text") from None
        return encoding


class Drop:
    """The files of reads in a place. Opens nothing before it is asked, and nothing after `close`."""

    def __init__(self, settings: PlaceSettings, clock: contract.Clockwork, limits: contract.Limits) -> None:
        self._settings = settings
        self._clock = clock
        self._limits = limits
        self._closed = False

    def close(self) -> None:
        """Refuse to open the place from now on; nothing is open meanwhile, since each use closes what it opened."""
        self._closed = True

    def opened(self, at_most: timedelta = AT_MOST) -> AbstractContextManager[DropPlace]:
        """The place itself, closed afterwards; raises `AdminMustFix` where none is set, `Closed` after `close`."""
        if self._closed:
            raise Closed("the place of this connection was closed, so open it again")
        settings = self._settings
        if not settings.place:
            raise AdminMustFix("no place is set, so there is nowhere to put or find files")
        secret, private = settings.secret, settings.private_key
        access = Access(
            key_id=settings.key_id,
            secret=secret.get_secret_value() if secret else None,
            private_key=private.get_secret_value() if private else None,
            endpoint_url=settings.endpoint_url,
            host_key=settings.host_key,
        )
        return opened(settings.place, access, at_most)

    def exports(self, place: DropPlace) -> list[File]:
        """The files of reads that lie there, taken or not, by name."""
        pattern = self._settings.file_pattern.lower()
        return [file for file in place.files(self._settings.reads_folder) if fnmatch(file.name.lower(), pattern)]

    def newest(self) -> tuple[int, contract.Document | None]:
        """How many files lie there, and the newest of them; None where there is none."""
        with self.opened() as place:
            files = self.exports(place)
            if not files:
                return 0, None
            for newest in sorted(files, key=lambda file: file.modified, reverse=True):
                with suppress(Gone):  # it left since it was listed
                    body = place.read(self._settings.reads_folder, newest.name, self._limits.body_bytes)
                    return len(files), contract.Document(body, "", readable(newest.name))
        return 0, None

    def pages(self, window: contract.Window, unpack: Callable[[contract.Document], Iterable[Record]]) -> Iterator[Page]:
        """Every file not taken yet, by name, each with all its records: a late one is no reason to lose it.

        Small files share a page. The checkpoint names those that were seen before they lay still. What is wrong with a
        file is raised after the others were taken: `BadFiles` for its size, a right to it and what it holds, `TryAgain`
        where it is not read for now.
        """
        before, size = window.checkpoint.get("waiting", {}), self._limits.page_size
        bad, passing = dict[str, str](), list[TryAgain]()
        waiting, taken, records = dict[str, Any](), list[LyingFile](), list[Record]()
        with self.opened() as place:
            files = {_lying(file): file for file in self.exports(place)}
            for lying in window.fresh(list(files)):
                name, mark = readable(lying.name), [lying.size, lying.modified]
                try:
                    body = self._settled(place, files[lying], mark, before.get(name))
                    unpacked = [] if body is None else list(unpack(contract.Document(body, "", name)))
                except Gone:  # it left since it was listed
                    continue
                except BrokenOff:
                    raise
                except TryAgain as failed:
                    passing.append(failed)
                    continue
                except AdminMustFix as failed:
                    bad[lying.name] = str(failed)
                    continue
                except VendorChanged as failed:
                    bad[lying.name] = f"the file {name!r}: {str(failed).removeprefix(f'{name}: ')}"
                    continue
                if body is None:
                    waiting[name] = mark
                    continue
                records += unpacked
                while len(records) > size:
                    yield Page(records[:size], None, taken)
                    records, taken = records[size:], []
                taken.append(lying)
                if max(len(records), len(taken)) >= size:
                    yield Page(records, None, taken)
                    records, taken = [], []
        yield Page(records, {"waiting": waiting}, taken)
        if bad:
            told = [*bad.values(), *map(str, passing)]
            raise BadFiles(_in_one(told), bad, TryAgain(_in_one(list(map(str, passing)))) if passing else None)
        if passing:
            raise TryAgain(_in_one(list(map(str, passing))), passing[0].after)

    def picture(self, name: str) -> bytes:
        """The picture file beside the exports, at most 15 MB; raises `Gone` where there is none of that name."""
        try:
            with self.opened(A_PICTURE) as place:
                data = place.read(self._settings.reads_folder, name, LARGEST_PICTURE)
        except (Gone, AdminMustFix, TryAgain) as failed:
            # Readers name pictures by the plate that is on them.
            raise type(failed)(str(failed).replace(name, HIDDEN)) from None
        return picture(data)

    def _settled(self, place: DropPlace, file: File, mark: Sequence[Any], before: Any) -> bytes | None:
        """The file's bytes; None while somebody may still be writing it."""
        still = abs(self._clock.now() - file.modified) >= timedelta(seconds=self._settings.settle_seconds)
        if not still or before not in (None, mark):
            return None
        body = place.read(self._settings.reads_folder, file.name, self._limits.body_bytes)
        return body if file.size in (len(body), UNSAID) else None


def _lying(file: File) -> LyingFile:
    """A file by name, size and time of writing, which tell it from a rewritten file of the same name."""
    written = (file.modified - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    return LyingFile(file.name, file.size, written * 1000)


def _in_one(faults: Sequence[str]) -> str:
    """What is wrong with all the files, in one sentence."""
    more = f"; and {len(faults) - MOST_TOLD:,} files more" if len(faults) > MOST_TOLD else ""
    return "; ".join(faults[:MOST_TOLD]) + more
