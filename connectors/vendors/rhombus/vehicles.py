"""A saved vehicle: whose it is, and what the hub writes into one."""

from collections.abc import Mapping
from typing import Final

import msgspec

from connectors.contract import Entry
from connectors.errors import VendorChanged
from normalize.plate import canonical

MARK: Final = "(alprhub)"
"""How the description of a vehicle ends that the hub saved; only those are changed or deleted by the hub."""


class Saved(msgspec.Struct, rename="camel"):
    """A saved vehicle as it is read; written, its plate has another name (`vehicleLicensePlate`)."""

    license_plate: str | None = None
    name: str | None = None
    description: str | None = None


def saved_of(members: Mapping[str, bytes]) -> dict[str, Saved]:
    """The saved vehicles by the canonical form of their plates; those without a plate are nobody's."""
    body = members.get("vehicles", b"")
    try:
        vehicles = msgspec.json.decode(body, type=list[Saved])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise VendorChanged("the list of saved vehicles has another shape", body) from None
    return {form: vehicle for vehicle in vehicles if (form := canonical(vehicle.license_plate or ""))}


def says_otherwise(vehicle: Saved, entry: Entry) -> bool:
    """Whether the hub saved a vehicle in other words than the entry's; somebody else's words are left alone."""
    return ours(vehicle) and (vehicle.name, vehicle.description) != terms_of(entry)


def ours(vehicle: Saved) -> bool:
    """Whether the hub saved a vehicle, so that it may change or delete it."""
    return (vehicle.description or "").endswith(MARK)


def terms_of(entry: Entry) -> tuple[str, str]:
    """Name and description of a vehicle that the hub saves."""
    more = f"{entry.case_number} {entry.note or ''}".split()
    return entry.reason.strip(), " ".join([*more, MARK])
