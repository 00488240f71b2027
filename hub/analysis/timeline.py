"""The way of a plate: its passes in order of time, and what it takes to get from each to the next."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub.analysis.sightings import AskedSource, SourceCopy, copy_of
from hub.passes import Pass, Sighting, distance
from hub.store.instant import from_micros

FASTEST: Final = 250.0
"""km/h that no car needs on a road."""
CLOCK_ERROR: Final = 5.0
"""Seconds by which two cameras' clocks may disagree."""
PLACE_ERROR: Final = 200.0
"""Metres by which what two cameras see may lie nearer together than their places say."""
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Leg:
    """The way to a pass from an earlier one, `from_pass`: the last one whose place is known, else the one before.

    `metres` is the great circle between them, and None where a place is not known; `seconds` the time between the last
    read there and the first one here, 0 where the passes overlap; `kmh` the speed of it, None without a time or a way.
    `least_kmh` is the slowest that explains it when clocks are `CLOCK_ERROR` and places `PLACE_ERROR` off; above the
    limit that was asked for it is `impossible`: two cars have this plate, or a read, a place or a clock is wrong.
    """

    from_pass: int
    metres: float | None
    seconds: float
    kmh: float | None
    least_kmh: float | None
    impossible: bool | None


@dataclass(frozen=True, slots=True)
class Passage:
    """One pass of the plate, its place (of the first read that has one), and every copy of it.

    `other_state`: its copies disagree about the plate's state, or it has another than the last pass before it that had
    one. Then two cars have this plate, or a state was misread.
    """

    number: int
    first_at: datetime
    last_at: datetime
    cameras: tuple[str, ...]
    sites: tuple[str, ...]
    connections: tuple[str, ...]
    plates: tuple[str, ...]
    plate_states: tuple[str, ...]
    latitude: float | None
    longitude: float | None
    other_state: bool
    leg: Leg | None
    reads: tuple[SourceCopy, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A plate's passes, first to last. `mode` is `exact`, or `look-alike` where all spellings of its key are meant.

    `plate_states` counts the passes with each state that was read; `impossible` the legs that no car can drive.
    """

    plate: str
    mode: str
    fastest_kmh: float
    first_at: datetime | None
    last_at: datetime | None
    passes: tuple[Passage, ...]
    plate_states: dict[str, int]
    impossible: int
    connections: list[AskedSource]


def passages(passes: Sequence[Pass], fastest: float) -> tuple[Passage, ...]:
    """Passes in order of time as a timeline tells them; numbers count from 1."""
    way: list[Passage] = []
    placed = 0  # the number of the last pass whose place is known
    states: set[str] = set()
    for number, passing in enumerate(passes, 1):
        here = _placed(passing.reads)
        before = placed if here and placed else number - 1
        leg = _leg(before, passes[before - 1], passing, fastest) if before else None
        read = set(passing.plate_states)
        way.append(
            Passage(
                number=number,
                first_at=from_micros(passing.first_at),
                last_at=from_micros(passing.last_at),
                cameras=passing.cameras,
                sites=passing.sites,
                connections=passing.connections,
                plates=tuple(sorted({copy.plate for copy in passing.reads})),
                plate_states=passing.plate_states,
                latitude=here.latitude if here else None,
                longitude=here.longitude if here else None,
                other_state=len(read) > 1 or bool(read and states and not read & states),
                leg=leg,
                reads=tuple(map(copy_of, passing.reads)),
            )
        )
        placed = number if here else placed
        states = read or states
    return tuple(way)


def states_of(passes: Sequence[Pass]) -> dict[str, int]:
    """How many passes have each state that was read, the commonest first."""
    counted = Counter(state for passing in passes for state in passing.plate_states)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _leg(before: int, there: Pass, here: Pass, fastest: float) -> Leg:
    seconds = max(0, here.first_at - there.last_at) / _SECOND
    left, reached = _placed(there.reads[::-1]), _placed(here.reads)
    metres = distance(left, reached) if left and reached else None
    if metres is None:
        return Leg(before, None, seconds, None, None, None)
    least = max(0.0, metres - PLACE_ERROR) / (seconds + CLOCK_ERROR) * 3.6
    return Leg(
        from_pass=before,
        metres=round(metres, 1),
        seconds=seconds,
        kmh=round(metres / seconds * 3.6, 1) if seconds else None,
        least_kmh=round(least, 1),
        impossible=least > fastest,
    )


def _placed(reads: Sequence[Sighting]) -> Sighting | None:
    """The first of the reads whose place is known."""
    return next((read for read in reads if read.latitude is not None and read.longitude is not None), None)
