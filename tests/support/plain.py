"""A connector whose vendor is a folder of JSON files: one file a page, a list of reads in each."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from pydantic import SecretStr

from connectors import contract
from connectors.contract import (
    Connector,
    Delta,
    Document,
    Entry,
    Evidence,
    Info,
    Page,
    Proof,
    PushReport,
    Record,
    RemoteEntry,
    Request,
    Window,
)
from connectors.errors import AdminMustFix, Gone, TryAgain, VendorChanged
from normalize.origin import origin
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Read
from normalize.times import from_iso
from normalize.vehicle import Vehicle, body, colour, make


class PlainSettings(contract.Settings):
    """A folder and a key."""

    folder: Path
    api_key: SecretStr = SecretStr("plain-secret-key")
    key_ends: date | None = None
    credentials_end: ClassVar[str] = "key_ends"


class PlainConnector(Connector[PlainSettings]):
    """Pulls, receives, takes lists and serves pictures, all from one folder; `fail` files make it misbehave."""

    info = Info("plain", "Plain", "Nobody", Evidence.LIVE, retention_vendor="flock")
    Settings: ClassVar[type[contract.Settings]] = PlainSettings
    proof: ClassVar[Proof] = Proof.READ_BACK

    def check(self) -> str:
        if not self.settings.folder.is_dir():
            raise AdminMustFix("folder: there is none")
        wanted = self.settings.folder / "key"
        if wanted.exists() and wanted.read_text() != self.settings.api_key.get_secret_value():
            raise AdminMustFix("the vendor refuses the key")
        return "the folder is there"

    def unpack(self, document: Document) -> Iterable[Record]:
        try:
            records = msgspec.json.decode(document.body, type=list[msgspec.Raw])
        except msgspec.DecodeError:
            raise VendorChanged("not a list", document.body) from None
        return [Record("plain", bytes(record)) for record in records]

    def read_of(self, record: Record) -> Read:
        fields = record.fields()
        moment = from_iso(fields.text("at"))
        picture = fields.text_or_none("picture")
        where = origin(fields.text_or_none("state"), fields.text_or_none("country"))
        return Read(
            vendor_read_id=fields.text("id"),
            plate_raw=fields.text("plate"),
            state=where.state,
            country=where.country,
            captured_at=moment.at,
            zone=moment.zone,
            camera=Camera(id=fields.text_or_none("camera") or "c1"),
            place=fields.place("lat", "lon"),
            plate_confidence=fields.number_or_none("confidence"),
            candidates=tuple(Candidate(text=text, confidence=sure) for text, sure in fields.items("candidates")),
            vehicle=Vehicle(
                make=make(fields.text_or_none("make")),
                colour=colour(fields.text_or_none("colour")),
                body=body(fields.text_or_none("body")),
            ),
            images=_images(picture, fields.text_or_none("picture_url"), fields.text_or_none("picture_until")),
        )

    def pull(self, window: Window) -> Iterator[Page]:
        pages = sorted(self.settings.folder.glob("page-*.json"))
        for page in pages:
            if page.name.endswith(".broken.json"):
                raise TryAgain("the vendor is down")
            records = list(self.unpack(Document(page.read_bytes())))
            # Pages tell nothing of their times, so only the last one vouches for the window.
            until = window.until if page == pages[-1] else window.since
            yield Page(records, {"until": until.isoformat(), "page": page.name})

    def verify(self, request: Request) -> None:
        if request.headers.get("x-key") != self.settings.api_key.get_secret_value():
            raise AdminMustFix("the sender did not prove itself")

    def push(self, delta: Delta) -> PushReport:
        entries = [{"plate": self.held_form(entry.plate), "state": entry.state} for entry in delta.complete]
        (self.settings.folder / "list.json").write_bytes(msgspec.json.encode(entries))
        return PushReport(len(delta.add), len(delta.remove))

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        file = self.settings.folder / "list.json"
        if not file.exists():
            raise Gone("no list")
        for entry in msgspec.json.decode(file.read_bytes()):
            yield RemoteEntry(entry["plate"], entry["state"])

    def held_form(self, plate: str) -> str:
        return plate.replace("O", "0")

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        return {(self.held_form(entry.plate), entry.state): entry for entry in entries}


def _images(data: str | None, url: str | None, until: str | None) -> tuple[ImageRef, ...]:
    if data:
        return (ImageRef(kind=ImageKind.FRAME, data=data.encode()),)
    return (ImageRef(kind=ImageKind.FRAME, url=url, expires_at=from_iso(until).at if until else None),) if url else ()


def record(number: int, plate: str, at: str, **more: Any) -> dict[str, Any]:
    """One read as this vendor writes it.

    It may also say `confidence`, `candidates` as [text, confidence] pairs, `lat` and `lon`, `make`, `colour`, `body`,
    `picture` (its bytes as text) or `picture_url` with `picture_until`.
    """
    return {"id": f"r{number}", "plate": plate, "at": at, "state": "us-ca", "camera": f"c{number % 3}", **more}


def write_page(folder: Path, number: int, records: list[Any], suffix: str = "") -> None:
    """A page of the feed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"page-{number:03d}{suffix}.json").write_bytes(msgspec.json.encode(records))
