"""Search the slow way: reads as a test made them, and a scan over them in plain Python that says what is meant and why.

Nothing of `hub.search` decides here but the shapes of a question and of an answer; areas and hours have tests of their
own that compare them with SQL.
"""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from plain import PlainConnector, record

from connectors.contract import Info
from hub.search.query import Mode, Query
from hub.search.rows import Found
from normalize.plate import canonical, fold

ZONE = ZoneInfo("America/Los_Angeles")
"""Where the agency's clocks hang."""
NORTH, EAST = [33.86 + n * 0.004 for n in range(4)], [-118.4 + n * 0.005 for n in range(4)]


class YearConnector(PlainConnector):
    """The same vendor with an engine of another name, whose reads live a year."""

    info: ClassVar[Info] = replace(PlainConnector.info, key="year", name="Year", retention_vendor="motorola")


class Stand(NamedTuple):
    """A camera: whose it is, and what is known of it."""

    vendor_id: str
    name: str | None = None
    site: str | None = None
    place: tuple[float, float] | None = None


class Account(NamedTuple):
    """A connection, whose reads it has, and its cameras."""

    connector: type[PlainConnector]
    kind: str
    stands: tuple[Stand, ...]


ACCOUNTS = {
    "feed": Account(
        PlainConnector,
        "native_reader",
        (
            Stand("c0", "Pier", "pier", (NORTH[0], EAST[0])),
            Stand("c1", None, None, (NORTH[2], EAST[1])),
            Stand("c2", None, "pier"),
        ),
    ),
    "lane": Account(PlainConnector, "commercial", (Stand("c0", "Pier", "plaza", (NORTH[3], EAST[3])),)),
    "year": Account(YearConnector, "own", (Stand("c0", "c2", "plaza", (NORTH[0], EAST[0])), Stand("c1", "Quay"))),
}
STANDS = {(name, stand.vendor_id): stand for name, account in ACCOUNTS.items() for stand in account.stands}
LISTED = ["AB0", "11"]
"""Plates on a hot list before any read came."""
TYPE_OF = {"4D": "car", "2D": "car", "UT": "suv", "PK": "pickup"}


@dataclass(frozen=True)
class Seen:
    """A read as a test made it; a candidate is its text and its confidence."""

    plate: str
    at: datetime
    camera: tuple[str, str] = ("feed", "c0")
    """Its connection and the vendor's id of it."""
    state: str | None = "us-ca"
    place: tuple[float, float] | None = None
    make: str | None = None
    colour: str | None = None
    body: str | None = None
    confidence: float | None = None
    candidates: Sequence[tuple[str, float | None]] = ()
    picture: str | None = None

    @property
    def account(self) -> str:
        return self.camera[0]

    @property
    def stand(self) -> Stand:
        return STANDS[self.camera]

    @property
    def code(self) -> str | None:
        return self.state.upper() if self.state else None

    @property
    def where(self) -> tuple[float, float] | None:
        return self.place or self.stand.place

    @property
    def expires(self) -> datetime:
        if self.account != "year":
            return self.at + timedelta(days=30)
        local = self.at.astimezone(ZONE)
        return local.replace(year=local.year + 1).astimezone(UTC)

    @property
    def choices(self) -> list[tuple[int, str, float | None]]:
        """What else it may be: rank, plate, confidence; of five, each plate once."""
        others: list[tuple[int, str, float | None]] = []
        for rank, (said, sure) in enumerate(self.candidates[:5], 1):
            plate = canonical(said)
            if plate and plate not in {self.plate, *(other for _, other, _ in others)}:
                others.append((rank, plate, sure))
        return others

    def record(self, number: int) -> dict[str, Any]:
        lat, lon = self.place or (None, None)
        return record(
            number, self.plate, self.at.isoformat(), camera=self.camera[1], state=self.state, lat=lat, lon=lon,
            make=self.make, colour=self.colour, body=self.body, confidence=self.confidence, candidates=self.candidates,
            picture=self.picture,
        )  # fmt: skip


def asked_of(query: Query) -> list[str]:
    """The plates of a query as they would stand on the metal."""
    return [re.sub(r"\*+", "*", plate.replace("-", "").strip().upper()) for plate in query.plates]


def fits(query: Query, plate: str) -> bool:
    """Whether a plate is one that was asked for."""
    asked = asked_of(query)
    if query.mode is Mode.LOOKALIKE:
        return fold(plate) in set(map(fold, asked))
    if query.mode is Mode.ONE_EDIT:
        return any(edits(plate, one) for one in asked)
    return any(fnmatch.fnmatchcase(plate, one) for one in asked)


def edits(one: str, other: str) -> bool:
    """Whether two texts are at most one wrong, missing or added character apart."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) <= 1
    return any(other[:at] + other[at + 1 :] == one for at in range(len(other)))


def holds(query: Query, read: Seen, now: datetime) -> bool:
    """Whether everything but the plate is as a query wants it, and the read may still be seen."""
    stand = read.stand
    lists = [
        (query.states, {read.code}),
        (query.cameras, {stand.vendor_id, stand.name}),
        (query.sites, {stand.site}),
        (query.connections, {read.account}),
        (query.kinds, {ACCOUNTS[read.account].kind}),
        (query.makes, {read.make}),
        (query.colours, {read.colour}),
        (query.bodies, {read.body}),
        (query.types, {TYPE_OF.get(read.body or "")}),
    ]
    return (
        read.expires > now
        and all(not wanted or said & set(wanted) for wanted, said in lists)
        and (query.since is None or read.at >= query.since.astimezone(UTC))
        and (query.until is None or read.at < query.until.astimezone(UTC))
        and (not query.hours or any(one.holds(read.at, ZONE) for one in query.hours))
        and (query.area is None or (read.where is not None and query.area.holds(*read.where)))
        and (not query.hits_only or fold(read.plate) in set(map(fold, LISTED)))
        and (query.min_confidence is None or (read.confidence is not None and read.confidence >= query.min_confidence))
    )


def meant(query: Query, read: Seen) -> tuple[int, str, float | None] | None:
    """By which of its plates a read is meant, rank 0 being its own."""
    others = read.choices if query.candidates else []
    return next((one for one in [(0, read.plate, None), *others] if not query.plates or fits(query, one[1])), None)


def naive(reads: list[Seen], query: Query, now: datetime, after: tuple[datetime, int] | None = None) -> list[int]:
    """What a scan in plain Python finds after a place: the numbers of the reads, newest first."""
    found = [
        (read.at, number)
        for number, read in enumerate(reads)
        if holds(query, read, now) and meant(query, read) and (after is None or (read.at, number) < after)
    ]
    return [number for _, number in sorted(found, reverse=True)]


EDIT = re.compile(r"one edit: (?:(.)→(.)|(.) (missing|too many)) at (\d+)")


def edited(asked: str, why: str) -> str | None:
    """What was asked for, changed as the why says."""
    said = EDIT.fullmatch(why)
    if not said:
        return None
    at = int(said[5]) - 1
    head, there, tail = asked[:at], asked[at : at + 1], asked[at + 1 :]
    if said[4] == "too many":
        return head + said[3] + there + tail
    return None if there != (said[1] or said[3]) else head + (said[2] or "") + tail


def explained(query: Query, read: Seen, why: str) -> bool:
    """Whether a row says truly why it is there."""
    found = meant(query, read)
    if not query.plates or found is None:
        return why == "in the time and place asked for"
    rank, plate, sure = found
    asked = asked_of(query)
    if rank:
        engine = ACCOUNTS[read.account].connector.info.name
        head = f"candidate {rank} of {engine}" + ("" if sure is None else f", {sure:.2f}")
        if plate in asked:
            return why == head
        if not why.startswith(f"{head}: "):
            return False
        why = why.removeprefix(f"{head}: ")
    if plate in asked:
        return why == "exact"
    if query.mode is Mode.PATTERN:
        return why == "fits " + next(one for one in asked if fnmatch.fnmatchcase(plate, one))
    if query.mode is Mode.ONE_EDIT:
        return any(edited(one, why) == plate for one in asked)
    one = next(one for one in asked if fold(one) == fold(plate))
    alike = [f"{a}→{b} at {n}" for n, (a, b) in enumerate(zip(one, plate, strict=True), 1) if a != b]
    return why == "look-alike " + ", ".join(alike)


def told(row: Found) -> tuple[Any, ...]:
    """What a row says of its read."""
    where = None if row.latitude is None else (row.latitude, row.longitude)
    source = (row.plate, row.plate_state, row.captured_at, row.connection, row.camera, row.site, where)
    return (*source, row.make, row.colour, row.body, row.plate_confidence, row.expires_at)


def should_tell(read: Seen) -> tuple[Any, ...]:
    """What the row of a read must say."""
    stand = read.stand
    source = (read.plate, read.code, read.at, read.account, stand.name or stand.vendor_id, stand.site, read.where)
    return (*source, read.make, read.colour, read.body, read.confidence, read.expires)
