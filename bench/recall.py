"""Recall: damaged plates are asked for in the mode that promises to find them; what else comes is counted too."""

import random
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.town import known_plates
from hub.people import Why
from hub.search import plates
from hub.search.query import Mode, Query
from hub.wiring import Hub
from normalize.plate import LOOKALIKES

PLATES: Final = 3000
WHY: Final = Why("stolen_vehicle", "measuring a search")
SIGNS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_ALIKE: Final = {one: group.replace(one, "") for group in LOOKALIKES for one in group}


def swapped(plate: str, count: int, draw: random.Random) -> str | None:
    """The plate with so many characters taken for look-alikes; None where it has too few that can be."""
    places = [at for at, sign in enumerate(plate) if sign in _ALIKE]
    if len(places) < count:
        return None
    signs = list(plate)
    for at in draw.sample(places, count):
        signs[at] = draw.choice(_ALIKE[signs[at]])
    return "".join(signs)


def dropped(plate: str, draw: random.Random) -> str:
    """The plate without one character."""
    at = draw.randrange(len(plate))
    return plate[:at] + plate[at + 1 :]


def added(plate: str, draw: random.Random) -> str:
    """The plate with one character too many."""
    at = draw.randrange(len(plate) + 1)
    return plate[:at] + draw.choice(SIGNS) + plate[at:]


def wrong(plate: str, draw: random.Random) -> str:
    """The plate with one character that is another."""
    at = draw.randrange(len(plate))
    return plate[:at] + draw.choice(SIGNS.replace(plate[at], "")) + plate[at + 1 :]


DAMAGES: Final[dict[str, tuple[Mode, Callable[[str, random.Random], str | None]]]] = {
    "1 look-alike swapped": (Mode.LOOKALIKE, lambda plate, draw: swapped(plate, 1, draw)),
    "2 look-alikes swapped": (Mode.LOOKALIKE, lambda plate, draw: swapped(plate, 2, draw)),
    "1 dropped": (Mode.ONE_EDIT, dropped),
    "1 added": (Mode.ONE_EDIT, added),
    "1 wrong": (Mode.ONE_EDIT, wrong),
}


def measure(hub: Hub) -> dict[tuple[str, str], tuple[int, int, int]]:
    """How many were asked for, how many found, and how many other distinct plates came, by sample and damage."""
    draw = random.Random(9)
    known = known_plates(hub.store)
    in_order = sorted(known)
    start = draw.randrange(len(in_order) - PLATES)
    samples = {"drawn": draw.sample(known, PLATES), "one after the other": in_order[start : start + PLATES]}
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    with hub.store.read() as connection:
        for sample, listed in samples.items():
            for damage, (mode, damaged) in DAMAGES.items():
                asked = hits = others = 0
                for plate in listed:
                    text = damaged(plate, draw)
                    if text is None:
                        continue
                    query = Query(WHY, plates=(text,), mode=mode)
                    ids = plates.find(hub.store, connection, query, query.patterns(), plates.MANY) or []
                    sql = f"SELECT plate FROM plates WHERE {hub.store.one_of('id', 'ids')}"
                    came = {row[0] for row in hub.store.rows(connection, sql, {"ids": hub.store.as_list(ids)})}
                    asked, hits, others = asked + 1, hits + (plate in came), others + len(came - {plate})
                found[sample, damage] = asked, hits, others
    return found


def report(found: dict[tuple[str, str], tuple[int, int, int]]) -> None:
    """The table."""
    table = Table("plates", "damage", "mode", "asked", "found", "other plates a question")
    for (sample, damage), (asked, hits, others) in found.items():
        mode = DAMAGES[damage][0].value
        table.add_row(sample, damage, mode, str(asked), f"{hits / asked:.2%}", f"{others / asked:.2f}")
    Console(width=110).print(table)
