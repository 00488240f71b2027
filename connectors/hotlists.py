"""What a hot list comes down to before it is handed to a vendor."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from connectors.contract import Entry


def alive(entries: Iterable[Entry], now: datetime) -> list[Entry]:
    """The entries that have not expired: a vendor may keep an expired one, so it must never arrive there."""
    return [entry for entry in entries if entry.expires_at is None or entry.expires_at > now]


def one_a_plate(entries: Iterable[Entry], held_form: Callable[[str], str]) -> dict[str, Entry]:
    """One entry for each plate as the vendor writes it; for vendors whose lists hold a plate once.

    The first entry of a plate stays. Where two name different states the one that stays names none, so that it
    still catches both vehicles.
    """
    kept: dict[str, Entry] = {}
    for entry in entries:
        form = held_form(entry.plate)
        first = kept.setdefault(form, entry)
        if first.state != entry.state:
            kept[form] = replace(first, state=None)
    return kept
