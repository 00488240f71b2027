"""`OneRead`: one read in full, and its pictures. Each is a question about reads: it is asked, judged and on record."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from hub.access.asking import Asking
from hub.audit.actions import Act
from hub.clock import Clock
from hub.errors import IntegrityBroken, Invalid, NotFound
from hub.governing.in_force import Governing
from hub.people import Actor, Why
from hub.search.coverage import INCLUDED
from hub.search.query import Cursor
from hub.search.rows import Choice, Found, choices_of, rows_of
from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.instant import to_micros
from hub.store.visible import visible_sql
from normalize.word import Known

_KINDS: Final = ((b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"RIFF", "webp"))


@dataclass(frozen=True, slots=True)
class Listed:
    """That a read is on a hot list: whose words, how plate and state agree, and what a person found (`verdict`)."""

    hotlist: str
    reason: str
    case_number: str
    alert: str
    kind: str
    state_match: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Looks:
    """The vehicle in the vendor's own words, each None where the vendor said nothing of it."""

    colour: str | None = None
    year: str | None = None
    make: str | None = None
    model: str | None = None
    body: str | None = None

    def words(self) -> str:
        """As a person says it: `silver 2015 Toyota Corolla sedan`; empty where nothing is known."""
        words = (self.colour and self.colour.lower(), self.year, self.make, self.model, self.body and self.body.lower())
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Whole:
    """One read in full.

    `vendor_read_id` is the source's own number of it, `ends_by` the retention rule that sets its end and `clause` the
    policy's clause for it (None: no policy that was ever in force has that rule), `held_for` the cases that keep it
    meanwhile. `candidates` are the engine's other readings of the plate, `engine` who read it where the vendor says so,
    `damaged` what of the record arrived damaged and was mended or marked.
    """

    read: Found
    vendor_read_id: str
    vehicle: Looks
    engine: str | None
    damaged: list[str]
    candidates: list[Choice]
    hits: list[Listed]
    ends_by: str
    clause: str | None
    held_for: list[str]


@dataclass(frozen=True, slots=True)
class PictureBytes:
    """The bytes of a picture as they came, what it shows (`frame`, `vehicle`, `plate`), and the ending of its form."""

    data: bytes
    shows: str
    ending: str
    sha256: str


class OneRead:
    """Shows single reads."""

    def __init__(
        self,
        store: Store,
        images: ImageStore,
        asking: Asking,
        clock: Clock,
        governing: Governing,
    ) -> None:
        self._store = store
        self._images = images
        self._asking = asking
        self._clock = clock
        self._governing = governing

    def show(self, actor: Actor, why: Why, ident: int) -> Whole:
        """One visible read in full.

        Raises `PolicyRefused` without a purpose of the profile or a reason that says something, and `NotFound` for a
        read that never was here or whose time is up; a refusal is on record too.
        """
        with self._asking.question(actor, Act.READS_SHOW, why, read=ident) as question:
            with self._store.read() as connection:
                whole = self._whole(connection, self._visible(connection, ident))
            question.answered(1, {whole.read.connection: INCLUDED})
        return whole

    def picture(self, actor: Actor, why: Why, ident: int, which: str | None = None) -> PictureBytes:
        """A picture of a visible read; `which` is what it shows or its place, from 1, where there are several.

        Raises as `show` does, `NotFound` saying why where there is none, `Invalid` where it is not clear which one is
        meant, and `IntegrityBroken` where the bytes are not those that came.
        """
        with self._asking.question(actor, Act.READS_PICTURE, why, read=ident) as question:
            with self._store.read() as connection:
                read = self._visible(connection, ident)
                image = self._meant(connection, read, which)
            data = self._bytes(read, image["key"])
            digest = sha256(data)
            if image["sha256"] is not None and bytes(image["sha256"]) != digest.digest():
                raise IntegrityBroken(f"the picture of read {ident} is not what {read.connection} sent; keep its file")
            picture = PictureBytes(data, image["kind"], ending_of(data), digest.hexdigest())
            question.answered(1, {read.connection: INCLUDED}, shows=picture.shows, sha256=picture.sha256)
        return picture

    def _bytes(self, read: Found, key: str) -> bytes:
        try:
            return self._images.get(key)
        except NotFound:
            raise NotFound(
                f"the picture of read {read.id} was kept, but its file is not in the hub's store of pictures: "
                "see that ALPRHUB_IMAGES and ALPRHUB_DATA lead to the place that they led to then"
            ) from None

    def _visible(self, connection: Connection, ident: int) -> Found:
        sql = f"SELECT captured_at FROM reads r WHERE r.id = :id AND {visible_sql('r')}"
        bound = {"id": ident, "now": to_micros(self._clock.now())}
        rows = list(self._store.rows(connection, sql, bound)) if 0 < ident < 1 << 63 else []
        if not rows:
            raise NotFound(
                f"there is no read {ident}: it never was here, or its time is up and it was destroyed; "
                "alprhub search … --ids shows the numbers of those there are"
            )
        return rows_of(self._store, connection, [Cursor(rows[0][0], ident)], lambda *_: "asked for by its number")[0]

    def _whole(self, connection: Connection, read: Found) -> Whole:
        bound = {"id": read.id}
        vendor_read_id, rule = next(
            iter(self._store.rows(connection, "SELECT vendor_read_id, rule FROM reads WHERE id = :id", bound))
        )
        details = self._details(connection, read.id)
        vehicle = details.get("vehicle", {})
        looks = {name: _said(vehicle.get(name, {})) for name in ("colour", "make", "body")}
        hits = self._store.rows(
            connection,
            "SELECT l.name, e.reason, e.case_number, e.alert, h.kind, h.state_match, h.verdict FROM hits h "
            "JOIN hotlist_entries e ON e.id = h.entry_id JOIN hotlists l ON l.id = e.hotlist_id "
            "WHERE h.read_id = :id ORDER BY h.id",
            bound,
        )
        holds = self._store.rows(
            connection,
            "SELECT DISTINCT h.case_number FROM held_reads k JOIN holds h ON h.id = k.hold_id "
            "WHERE k.read_id = :id AND h.released_at IS NULL ORDER BY h.case_number",
            bound,
        )
        return Whole(
            read=read,
            vendor_read_id=vendor_read_id,
            vehicle=Looks(year=vehicle.get("year"), model=vehicle.get("model"), **looks),
            engine=details.get("engine"),
            damaged=details.get("damaged", []),
            candidates=choices_of(self._store, connection, [read.id]).get(read.id, []),
            hits=[Listed(*hit) for hit in hits],
            ends_by=rule,
            clause=self._governing.clauses().get(rule),
            held_for=[case for (case,) in holds],
        )

    def _details(self, connection: Connection, ident: int) -> dict[str, Any]:
        rows = self._store.rows(connection, "SELECT details FROM payloads WHERE read_id = :id", {"id": ident})
        decoded: dict[str, Any] = next((msgspec.json.decode(bytes(details)) for (details,) in rows), {})
        return decoded

    def _meant(self, connection: Connection, read: Found, which: str | None) -> dict[str, Any]:
        sql = "SELECT kind, state, key, sha256 FROM images WHERE read_id = :id ORDER BY id"
        names = ("kind", "state", "key", "sha256")
        images = [dict(zip(names, row, strict=True)) for row in self._store.rows(connection, sql, {"id": read.id})]
        if not images:
            raise NotFound(f"read {read.id} has no picture: {read.connection} sent none with it")
        fitting = [
            image for place, image in enumerate(images, 1) if which is None or which in (image["kind"], str(place))
        ]
        kinds = ", ".join(f"{place} ({image['kind']})" for place, image in enumerate(images, 1))
        if not fitting:
            raise Invalid(f"which: read {read.id} has no picture {which!r}; it has {kinds}")
        kept = [image for image in fitting if image["state"] == "stored"]
        if not kept:
            raise NotFound(_absence(read, {image["state"] for image in fitting}))
        if len(kept) > 1:
            raise Invalid(f"which: read {read.id} has several pictures; say --which with one of {kinds}")
        return kept[0]


def _said(word: dict[str, Any]) -> str | None:
    """The vendor's own word; None where it could not tell, or was so unsure that it is none."""
    return None if word.get("known") == Known.UNKNOWN else word.get("said")


def ending_of(data: bytes) -> str:
    """The ending that a picture's file should have, by how its bytes begin."""
    return next((ending for begin, ending in _KINDS if data.startswith(begin)), "bin")


def _absence(read: Found, states: set[str]) -> str:
    if "wanted" in states:
        return (
            f"the picture of read {read.id} is not here yet, only its address: "
            f"alprhub sync {read.connection} fetches what is missing"
        )
    return (
        f"the picture of read {read.id} could not be had: {read.connection} did not have it any more when it was asked"
    )
