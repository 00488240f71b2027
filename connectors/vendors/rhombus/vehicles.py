"""A saved vehicle: whose it is, and what the hub writes into one."""

from typing import Final

import msgspec

from connectors.contract import Entry

MARK: Final = "(alprhub)"
"""How the description of a vehicle ends that the hub saved; only those are changed or deleted by the hub."""


class Saved(msgspec.Struct, rename="camel"):
    """A saved vehicle as it is read; written, its plate has another name (`vehicleLicensePlate`)."""

    license_plate: str | None = None
    name: str | None = None
    description: str | None = None


def ours(kept: Saved) -> bool:
    """Whether the hub saved a vehicle, so that it may change or delete it."""
    return (kept.description or "").endswith(MARK)


def terms_of(entry: Entry) -> tuple[str, str]:
    """Name and description of a vehicle that the hub saves."""
    more = f"{entry.case_number} {entry.note or ''}".split()
    return entry.reason.strip(), " ".join([*more, MARK])
