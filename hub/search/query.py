"""What an investigator asks: one model for every door."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from hub.absent import instead
from hub.area import Area
from hub.errors import Invalid
from hub.people import Why
from hub.search.hours import Hours
from hub.search.pattern import Pattern
from normalize.vehicle import TYPES

KINDS: Final = {"own", "commercial", "native_reader"}
MOST_ROWS: Final = 1000
MOST_PLATES: Final = 1000
MOST_EDITED: Final = 10
CHARACTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Mode(StrEnum):
    """How a plate must agree with what was typed."""

    PATTERN = "pattern"
    """Character by character; `?` stands for one, `*` for any run."""
    LOOKALIKE = "look-alike"
    """The same once characters that cameras confuse count as one."""
    ONE_EDIT = "one-edit"
    """At most one character wrong, missing or too many."""


class Cursor(NamedTuple):
    """The last row of a page; the next page begins after it. Stable while reads come and go."""

    captured_at: int
    id: int

    def text(self) -> str:
        """As a page hands it out and takes it back."""
        return f"{self.captured_at:x}-{self.id:x}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """The cursor of a text; raises `Invalid`."""
        captured_at, _, ident = text.partition("-")
        try:
            return cls(int(captured_at, 16), int(ident, 16))
        except ValueError:
            raise Invalid("after: is not a cursor that a page gave") from None


@dataclass(frozen=True, slots=True)
class Query:
    """Which reads are wanted and why: everything given must hold, and within one field any of its values.

    Times are instants, `since` included and `until` not; confidence is 0–1, states are ISO 3166-2, countries ISO 3166-1
    alpha-2, makes, colours and bodies NCIC's codes (and CAR), types those of `normalize.vehicle.TYPES`, kinds whose
    reads they are (`own`, `commercial`, `native_reader`). `candidates` lets what an engine took a plate for count as
    well.
    """

    why: Why
    plates: tuple[str, ...] = ()
    mode: Mode = Mode.PATTERN
    candidates: bool = False
    states: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    hours: tuple[Hours, ...] = ()
    area: Area | None = None
    cameras: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    hits_only: bool = False
    min_confidence: float | None = None
    limit: int = 100
    after: Cursor | None = None

    def __post_init__(self) -> None:
        # In UTC: Python compares two instants of one zone by wall time, which goes back once a year.
        for name in ("since", "until"):
            if instant := getattr(self, name):
                object.__setattr__(self, name, instant.astimezone(UTC))

    def told(self) -> dict[str, Any]:
        """What was asked, as the audit record keeps it: every field that says something, without the why."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "why"}
        return {name: value for name, value in values.items() if value not in ((), None, False)}

    def patterns(self) -> tuple[Pattern, ...]:
        """The plates, checked and once each; raises `Invalid`, naming the field, for a question without an answer."""
        patterns = tuple(dict.fromkeys(map(Pattern.parse, self.plates)))
        if len(patterns) > MOST_PLATES:
            raise Invalid(f"plates: at most {MOST_PLATES} at once")
        if self.mode is not Mode.PATTERN and not all(pattern.exact for pattern in patterns):
            raise Invalid(f"plates: {self.mode} takes whole plates, without ? and *")
        if self.mode is Mode.ONE_EDIT and len(patterns) > MOST_EDITED:
            raise Invalid(f"plates: {self.mode} takes at most {MOST_EDITED} at once")
        if not 1 <= self.limit <= MOST_ROWS:
            raise Invalid(f"limit: must lie between 1 and {MOST_ROWS}")
        if self.since and self.until and self.since >= self.until:
            raise Invalid("since: must lie before until")
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise Invalid("min_confidence: must lie between 0 and 1")
        for field, wanted, known in (("types", self.types, set(TYPES)), ("kinds", self.kinds, KINDS)):
            if unknown := set(wanted) - known:
                raise Invalid(f"{field}: {min(unknown)!r} is not known{instead(min(unknown), sorted(known))}")
        if not any((patterns, self.since, self.area, self.cameras, self.sites, self.connections, self.hits_only)):
            raise Invalid("a question needs what narrows it: a plate, a time, a place, a camera or a connection")
        return patterns


def one_edit(plate: str) -> set[str]:
    """Every plate that is one wrong, missing or added character away from a plate, and the plate itself."""
    plates = {plate}
    for at in range(len(plate) + 1):
        head, tail = plate[:at], plate[at:]
        plates.update(head + character + tail for character in CHARACTERS)
        if tail:
            plates.add(head + tail[1:])
            plates.update(head + character + tail[1:] for character in CHARACTERS)
    return plates - {""}


def why_edited(wanted: str, plate: str) -> str | None:
    """How a plate differs from the one that was asked for by one character; None where by more. Counted from 1."""
    longer, shorter = (wanted, plate) if len(wanted) >= len(plate) else (plate, wanted)
    if len(longer) - len(shorter) > 1:
        return None
    pairs = enumerate(zip(longer, shorter, strict=False))
    at = next((n for n, (one, other) in pairs if one != other), len(shorter))
    if len(wanted) == len(plate):
        return f"one edit: {wanted[at]}→{plate[at]} at {at + 1}" if wanted[at + 1 :] == plate[at + 1 :] else None
    if longer[at + 1 :] != shorter[at:]:
        return None
    return f"one edit: {longer[at]} {'missing' if longer is wanted else 'too many'} at {at + 1}"


def why_alike(wanted: str, plate: str) -> str:
    """Which characters of a plate are look-alikes of those that were asked for; positions count from 1."""
    pairs = enumerate(zip(wanted, plate, strict=True), 1)
    return "look-alike " + ", ".join(f"{one}→{other} at {n}" for n, (one, other) in pairs if one != other)
