"""`Export`: search results of any size as one private file, with a manifest beside it and its digest on record.

Rows go to `FILE.part`, which only its owner may read. Once it is whole and on the disk, and the answer is on record,
first the manifest gets its name and then FILE does: whoever sees FILE sees all of it, and all of its manifest.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from connectors.durable import settle, settle_folder
from connectors.file_words import FULL, refusal
from hub.access.asking import Asking
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import AdminMustAct, Invalid, PolicyRefused
from hub.governing.sources import Sources
from hub.people import Actor
from hub.search.archive import PictureFile, archived
from hub.search.coverage import Coverage, asked
from hub.search.formats import Format, encoded, form_of
from hub.search.query import Query
from hub.search.reads import Search
from hub.search.rows import Found
from hub.store.images import ImageStore
from hub.store.visible import is_visible

_ACTION: Final = Act.READS_EXPORT
_BUFFER: Final = 1 << 20
_STEP: Final = 1000


@dataclass(frozen=True, slots=True)
class ExportManifest:
    """What is in an exported file, who wanted it and why, and how far each source could answer.

    `sha256` and `bytes` are of the file as it lies there, `made_at` is when its last row was written, `hub` the version
    of this software.
    """

    format: Format
    rows: int
    sha256: str
    bytes: int
    query: dict[str, Any]
    purpose: str
    reason: str
    case_number: str | None
    event_number: str | None
    actor: str
    authenticated: bool
    made_at: datetime
    coverage: list[Coverage]
    file: str
    hub: str


@dataclass(frozen=True, slots=True)
class WithPictures(ExportManifest):
    """The manifest of an archive: `reads_file` in it has the rows, and each picture has its digest.

    `not_in_it` counts the pictures that are missing: `wanted` ones are not fetched yet, `gone` ones the source did not
    have any more, `lost` ones are not in the hub's store of pictures.
    """

    reads_file: str
    reads_sha256: str
    pictures: list[PictureFile]
    not_in_it: dict[str, int]


class Export:
    """Writes search results to files."""

    def __init__(
        self,
        asking: Asking,
        audit: Audit,
        clock: Clock,
        search: Search,
        sources: Sources,
        images: ImageStore | None = None,
    ) -> None:
        self._asking = asking
        self._audit = audit
        self._clock = clock
        self._search = search
        self._sources = sources
        self._images = images

    def run(
        self,
        actor: Actor,
        query: Query,
        form: Format,
        out: Path,
        progress: Callable[[int], None] = lambda _rows: None,
        *,
        pictures: bool = False,
    ) -> ExportManifest:
        """Write every visible read that a query means to `out`, and the manifest to `out` + `.manifest.json`.

        All pages are written, whatever `query.limit` says; memory does not grow with them. A read that expires on the
        way is not written. The question is on record before the first row is looked for, the answer before the file
        gets its name. `progress` is told the rows so far, now and then. With `pictures` it is a ZIP of the rows and of
        every picture that is here, named by its read; memory holds one picture at a time, and a line of the manifest
        for each.

        Raises `PolicyRefused` without a purpose of the profile or a reason that says something, and where the contract
        of a source that is asked forbids it, `Invalid` for a question without an answer, and `Invalid` naming `out`
        where a file of that name exists, none can be written, or its ending says something else than what would be in
        it.
        Whatever is raised, no file is left. A process that is killed leaves `out.part`, in its last moment the manifest
        too, and never an `out` that is not whole.
        """
        form_of(out, form, pictures)
        terms = {name: value for name, value in query.told().items() if name != "limit"}
        details: dict[str, Any] = {"query": terms, "format": form, **({"pictures": True} if pictures else {})}
        with self._asking.question(actor, _ACTION, query.why, **details) as question, _ExportDraft(out) as draft:
            coverage = self._search.covered(query)
            _demand_allowed(asked(coverage), self._sources.forbidding("export"))
            self._audit.record(actor, _ACTION, Outcome.ASKED, why=query.why, **details, sources=asked(coverage))
            rows = _Visible(self._search.every(query), self._clock, progress)
            more: dict[str, Any] = {}
            if pictures and self._images is not None:
                with _told_as_out(out):
                    more = archived(form, rows, self._images, draft.write, out.parent)
            else:
                for part in encoded(form, Found, rows):
                    draft.write(part)
            manifest = (WithPictures if more else ExportManifest)(
                format=form,
                rows=rows.count,
                sha256=draft.digest(),
                bytes=draft.size,
                query=terms,
                purpose=query.why.purpose,
                reason=query.why.reason,
                case_number=query.why.case_number,
                event_number=query.why.event_number,
                actor=actor.name,
                authenticated=actor.authenticated,
                made_at=self._clock.now(),
                coverage=coverage,
                file=out.name,
                hub=version("alprhub"),
                **more,
            )
            draft.complete(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
            question.answered(manifest.rows, asked(coverage), sha256=manifest.sha256)
            draft.publish()
        return manifest


def _demand_allowed(sources: Mapping[str, str], forbidding: Mapping[str, str]) -> None:
    """Return where no contract forbids that reads of these sources leave in a file; else raise `PolicyRefused`."""
    closed = {name: forbidding[name] for name in sources if name in forbidding}
    if closed:
        told = ", ".join(f"{name} ({clause})" for name, clause in closed.items())
        others = [name for name in sources if name not in closed]
        way = f"; export the others: {' '.join(f'--connection {name}' for name in others)}" if others else ""
        raise PolicyRefused(f"the contract forbids that reads leave in a file: {told}{way}")


class _Visible:
    """The rows that are visible at the instant they are taken, counted."""

    def __init__(self, rows: Iterator[Found], clock: Clock, progress: Callable[[int], None]) -> None:
        self._rows = rows
        self._clock = clock
        self._progress = progress
        self.count = 0

    def __iter__(self) -> Iterator[Found]:
        for row in self._rows:
            if not is_visible(row.expires_at, self._clock.now()):
                continue
            self.count += 1
            if self.count % _STEP == 0:
                self._progress(self.count)
            yield row


class _ExportDraft:
    """A file and its manifest until both have their names; whatever was not published whole is removed at the end.

    `FILE.part` is made by nobody else while it is there, so that two exports never write the same file.
    """

    def __init__(self, out: Path) -> None:
        if not out.name or not out.name.isprintable():
            raise Invalid("out: must name a file, in characters that can be shown")
        self._out = out
        self._manifest = out.with_name(f"{out.name}.manifest.json")
        self._files_made: list[Path] = []
        self._sha256 = sha256()
        self.size = 0

    def __enter__(self) -> "_ExportDraft":
        with _told_as_out(self._out):
            for path in (self._out, self._manifest, _part(self._out), _part(self._manifest)):
                _refuse_existing(path)
            self._file = self._new(_part(self._out))
        return self

    def write(self, data: bytes) -> None:
        """Append to the file."""
        self._sha256.update(data)
        self.size += len(data)
        with _told_as_out(self._out):
            self._file.write(data)

    def digest(self) -> str:
        """The SHA-256 of what has been written, in hexadecimal."""
        return self._sha256.hexdigest()

    def complete(self, manifest: bytes) -> None:
        """Put the file and its manifest on the disk, without their names yet."""
        with _told_as_out(self._out):
            settle(self._file)
            with self._new(_part(self._manifest)) as file:
                file.write(manifest)
                settle(file)

    def publish(self) -> None:
        """Give both their names, the manifest first."""
        with _told_as_out(self._out):
            for path in (self._manifest, self._out):
                _refuse_existing(path)
                _part(path).rename(path)
                self._files_made.append(path)
                settle_folder(path.parent)
        self._files_made.clear()

    def __exit__(self, kind: type[BaseException] | None, raised: object, trace: TracebackType | None) -> None:
        with suppress(OSError):  # closing flushes the buffer, which a full disk refuses again; that is reported already
            self._file.close()
        for path in self._files_made:
            with suppress(OSError):
                path.unlink()

    def _new(self, path: Path) -> Any:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._files_made.append(path)
        return os.fdopen(descriptor, "wb", _BUFFER)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _refuse_existing(path: Path) -> None:
    try:
        path.lstat()
    except FileNotFoundError:
        return
    if path.suffix == ".part":
        raise Invalid(
            f"the file {str(path)!r} is there: another export is writing it now, or one was cut short; if none is"
            " running, remove it"
        )
    raise Invalid(f"the file {str(path)!r} is there already, and nothing is written over: name another, or remove it")


@contextmanager
def _told_as_out(out: Path) -> Iterator[None]:
    """Turn what the file system refuses into `Invalid`, and a full disk into `AdminMustAct`."""
    try:
        yield
    except FileNotFoundError:
        raise Invalid(
            f"the folder {str(out.parent)!r} for {out.name!r} is not there: make it, or name another"
        ) from None
    except OSError as failed:
        if failed.errno in FULL:
            raise AdminMustAct(refusal(failed, out)) from None
        raise Invalid(refusal(failed, out)) from None
