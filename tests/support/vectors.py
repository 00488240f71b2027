"""The twelve golden vectors of retention: what each asks, and of whom."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

FILE: Final = Path(__file__).parents[1] / "hub" / "policy" / "retention-vectors.json"
VECTORS: Final[list[dict[str, Any]]] = json.loads(FILE.read_text("utf-8"))
_VENDORS: Final = {
    "flock": ("flock", "hub", False),
    "motorola": ("motorola", "hub", False),
    "own": ("somebody", "hub", False),
    "any (hub copy)": ("somebody", "hub", False),
    "flock (vendor copy)": ("flock", "vendor", False),
    "flock (hub copy pulled day 29)": ("flock", "hub", False),
    "any held copy": ("somebody", "hub", True),
}


class Asked(NamedTuple):
    """A vector in the words of the hub: whose own reads, which copy, and whether a held copy must be explained."""

    vendor: str
    copy: str
    held: bool
    captured_at: datetime
    received_at: datetime
    boundary: datetime


def asked(vector: dict[str, Any]) -> Asked:
    """The question of a vector and its answer."""
    times = (datetime.fromisoformat(vector[name]) for name in ("captured_at", "received_at", "boundary"))
    return Asked(*_VENDORS[vector["source"]], *times)
