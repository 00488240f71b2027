"""A hot-list entry as it is sent to Flock, and as it comes back."""

from contextlib import suppress
from typing import Final, Required, TypedDict

import msgspec

from connectors.contract import Entry
from normalize.fault import Unusable
from normalize.plate import canonical
from normalize.states import CODES, snake
from normalize.times import from_iso, rfc3339

STATES: Final = {  # what the API's enumeration holds: the fifty, the capital, Puerto Rico
    code: snake(code) for code in CODES if code[:3] == "US-" and code[3:] not in ("AS", "GU", "MP", "VI")
}


class SentEntry(TypedDict, total=False):
    """A hot-list entry as it is sent."""

    plate: Required[str]
    reason: str
    caseNumber: str
    state: str | None
    expiry: str | None
    note: dict[str, str] | None


class HeldEntry(SentEntry):
    """A hot-list entry as it comes back."""

    id: Required[str]


class Entries(msgspec.Struct, rename="camel"):
    entries: list[HeldEntry]
    next_page: str | None = None


def held_form(plate: str) -> str:
    """A plate as Flock holds it: upper case and 0 for O (documented)."""
    return canonical(plate).replace("O", "0")


def sent_form(entry: Entry) -> SentEntry:
    """An entry as Flock takes it; a state outside its enumeration is left out."""
    sent: SentEntry = {"plate": entry.plate, "reason": entry.reason.strip(), "caseNumber": entry.case_number.strip()}
    if known := STATES.get(entry.state or ""):
        sent["state"] = known
    if entry.expires_at is not None:
        sent["expiry"] = rfc3339(entry.expires_at.replace(microsecond=0))
    if entry.note:
        sent["note"] = {"message": entry.note}
    return sent


def terms_of(entry: SentEntry) -> tuple[object, ...]:
    """What makes two entries of one plate the same; an unreadable end counts as what it says."""
    end: object = entry.get("expiry")
    with suppress(Unusable):
        end = from_iso(str(end)).at if end else None
    words = (entry.get(name) or "" for name in ("reason", "caseNumber", "state"))
    return (*words, end, (entry.get("note") or {}).get("message"))
