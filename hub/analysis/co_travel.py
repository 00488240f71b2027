"""Who travels with a plate: others that pass the same places at the same times, more often than chance has it."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from hub.analysis.chance import DAY, Habit, chance, surprise, wall
from hub.analysis.sightings import VISIBLE, AskedSource, SourceCopy, VisibleWindow, copy_of
from hub.analysis.watched import Occasion, WatchedPlace, learn, places
from hub.passes import SECONDS, Pass, Sighting, together
from hub.store.engine import Store
from hub.store.instant import from_micros

BASE: Final = 28 * DAY
"""Chance is worked out over at least so long, however short the time that was asked for."""
MOST_HISTORY: Final = 20_000
"""A plate with more reads at these places is everywhere, or no plate."""
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Meeting:
    """One time that the two passed a place together: the nearest read of each, and all the other's reads of it.

    `gap_seconds` is how much later the other came, negative where it came first.
    """

    at: datetime
    place: str
    gap_seconds: float
    of_read_id: int
    read_id: int
    reads: tuple[SourceCopy, ...]


@dataclass(frozen=True, slots=True)
class Companion:
    """Another plate (all spellings of one key), how often it was met, and how often that would happen by chance.

    `score` is -log10 of that chance: a lead, not a finding (`hub.analysis.chance` has the formula and its limits).
    `cameras` counts places, cameras that stand together once; `days` the local days with a meeting; `expected` the
    meetings that chance would give; `passes` how often it passed these places at all. `connections` counts the reads
    that each source gave of the meetings. `may_be_misread`: it is at most one character away from the plate itself,
    and may be a misread of the same car.
    """

    plates: tuple[str, ...]
    plate_states: tuple[str, ...]
    score: float
    meetings: int
    cameras: int
    days: int
    expected: float
    passes: int
    ahead: int
    behind: int
    median_gap_seconds: float
    may_be_misread: bool
    first_at: datetime
    last_at: datetime
    connections: dict[str, int]
    met: tuple[Meeting, ...]


@dataclass(frozen=True, slots=True)
class CoTravel:
    """The plates that were met at `min_cameras` places or more, those that chance explains least first.

    `passes` and `cameras` are the plate's own; chance is worked out over `base_since`–`base_until`. `candidates` counts
    the plates that qualified, of which `companions` are the highest; `everywhere` names those that have too many reads
    to be judged. `connections` says what each source gave of the plate itself.
    """

    plate: str
    mode: str
    within_seconds: float
    min_cameras: int
    passes: int
    cameras: int
    base_since: datetime | None
    base_until: datetime | None
    candidates: int
    companions: tuple[Companion, ...]
    everywhere: tuple[str, ...]
    connections: list[AskedSource]


class Company(NamedTuple):
    """Who was met around passes, out of how many, and over what time chance was worked out."""

    cameras: int
    base: VisibleWindow
    candidates: int
    companions: tuple[Companion, ...]
    everywhere: tuple[str, ...]


@dataclass(slots=True)
class _Met:
    """A meeting on its way: where, on which occasion, the nearest two reads, and all reads of the other."""

    place: WatchedPlace
    occasion: int
    other: Sighting
    own: Sighting
    reads: list[Sighting]

    @property
    def gap(self) -> int:
        """How much later the other came, µs."""
        return self.other.captured_at - self.own.captured_at


def company(
    store: Store,
    connection: Connection,
    passes: Sequence[Pass],
    window: VisibleWindow,
    within: float,
    min_cameras: int,
    limit: int,
    zone: ZoneInfo,
) -> Company:
    """Who was met within so many seconds of passes (at least one), the `limit` highest scores.

    Exact, though few candidates are looked at closely: none can score higher than its meetings alone allow, and they
    are looked at in that order until no other can be among the highest.
    """
    reach = round(within * _SECOND)
    around = places(store, connection, passes, reach, window)
    met: dict[str, list[_Met]] = {}
    for meeting in (meeting for place in around for meeting in _meetings(place, reach)):
        met.setdefault(meeting.other.plate_key, []).append(meeting)
    met = {key: mine for key, mine in met.items() if len({id(meeting.place) for meeting in mine}) >= min_cameras}
    base = _base(passes, window, reach)
    for place in around if met else ():
        learn(store, connection, place, base, zone)
    own_keys = {read.plate_key for passing in passes for read in passing.reads}
    best: list[float] = []
    judged: list[Companion] = []
    everywhere: list[str] = []
    for bound, key in sorted((-_most(mine), key) for key, mine in met.items()):
        if len(best) >= limit and bound > best[limit - 1]:
            break
        habits = _habits(store, connection, around, key, met[key], base, zone)
        if habits is None:
            everywhere.extend(_spellings(met[key]))
            continue
        expected = sum(_expected(place, habit) for place, habit in zip(around, habits, strict=True))
        score = surprise(len(met[key]), expected)
        insort(best, -score)
        misread = any(_one_apart(key, own) for own in own_keys)
        judged.append(_companion(met[key], score, expected, sum(map(len, habits)), misread, zone))
    judged.sort(key=lambda judgement: (-judgement.score, -judgement.cameras, -judgement.meetings, judgement.plates))
    return Company(len(around), base, len(met), tuple(judged[:limit]), tuple(sorted(everywhere)))


def _base(passes: Sequence[Pass], window: VisibleWindow, reach: int) -> VisibleWindow:
    """The time over which chance is worked out: what was asked for, and no less than `BASE` before its end."""
    first, last = passes[0].first_at - reach, max(passing.last_at for passing in passes) + reach + 1
    until = max(min(window.until, window.now), last)
    return VisibleWindow(window.now, min(first, max(window.since, first - DAY), until - BASE), until)


def _meetings(place: WatchedPlace, reach: int) -> Iterator[_Met]:
    """Each other plate once an occasion, by the two reads that lie nearest to each other."""
    for index, occasion in enumerate(place.occasions):
        times = [read.captured_at for read in occasion.reads]
        met: dict[str, _Met] = {}
        for other in sorted(occasion.others, key=lambda read: (read.captured_at, read.id)):
            own = _nearest(occasion, times, other, reach)
            if own is None:
                continue
            meeting = met.setdefault(other.plate_key, _Met(place, index, other, own, []))
            meeting.reads.append(other)
            if abs(other.captured_at - own.captured_at) < abs(meeting.gap):
                meeting.other, meeting.own = other, own
        yield from met.values()


def _nearest(occasion: Occasion, times: list[int], other: Sighting, reach: int) -> Sighting | None:
    """The read of the plate that is nearest in time to another's at a camera that stands with it."""
    low, high = bisect_left(times, other.captured_at - reach), bisect_left(times, other.captured_at + reach + 1)
    here = other.standing
    near = (read for read in occasion.reads[low:high] if together(here, read.standing))
    return min(near, key=lambda read: (abs(read.captured_at - other.captured_at), read.id), default=None)


def _most(met: Sequence[_Met]) -> float:
    """An upper bound of a plate's score: that of a plate that passed each place once only, when it was met there."""
    spans = ((meeting.place, meeting.place.spans[meeting.occasion]) for meeting in met)
    return surprise(len(met), sum(chance(span, Habit([span.start]), place.known, 0) for place, span in spans))


def _habits(
    store: Store,
    connection: Connection,
    around: Sequence[WatchedPlace],
    key: str,
    met: Sequence[_Met],
    base: VisibleWindow,
    zone: ZoneInfo,
) -> list[Habit] | None:
    """When a plate passes each of the places; None where it has too many reads to say."""
    number = {camera: index for index, place in enumerate(around) for camera in place.cameras}
    # The unary + keeps planners from the index of cameras, which holds everybody's reads.
    sql = f"""
        SELECT r.camera_id, r.captured_at FROM plates p JOIN reads r ON r.plate_id = p.id
        WHERE p.plate_key = :key AND {store.one_of("+r.camera_id", "cameras")} AND {VISIBLE} LIMIT :most
    """
    bound = {"key": key, "cameras": store.as_list(list(number)), "most": MOST_HISTORY + 1, **base.bound()}
    rows = connection.execute(text(sql), bound).all()
    if len(rows) > MOST_HISTORY:
        return None
    times: list[list[int]] = [[] for _ in around]
    for camera, at in rows:
        times[number[camera]].append(at)
    for meeting in met:  # a camera that moves is none of the place's, but this much is known
        times[number[meeting.place.cameras[0]]].append(meeting.other.captured_at)
    return [Habit([wall(at, zone) for at in _apart(mine)]) for mine in times]


def _apart(times: list[int]) -> Iterator[int]:
    """Times of passes out of times of reads."""
    last = None
    for at in sorted(times):
        if last is None or at - last > SECONDS * _SECOND:
            last = at
            yield at


def _expected(place: WatchedPlace, habit: Habit) -> float:
    if not len(habit):
        return 0.0
    return sum(chance(span, habit, place.known, days) for span, days in zip(place.spans, place.other_days, strict=True))


def _companion(met: list[_Met], score: float, expected: float, passes: int, misread: bool, zone: ZoneInfo) -> Companion:
    met.sort(key=lambda meeting: (meeting.other.captured_at, meeting.other.id))
    reads = [read for meeting in met for read in meeting.reads]
    return Companion(
        plates=_spellings(met),
        plate_states=tuple(sorted({read.plate_state for read in reads if read.plate_state})),
        score=round(score, 2),
        meetings=len(met),
        cameras=len({id(meeting.place) for meeting in met}),
        days=len({wall(meeting.own.captured_at, zone) // DAY for meeting in met}),
        expected=float(f"{expected:.3g}"),
        passes=passes,
        ahead=sum(meeting.gap < 0 for meeting in met),
        behind=sum(meeting.gap > 0 for meeting in met),
        median_gap_seconds=round(median(abs(meeting.gap) for meeting in met) / _SECOND, 1),
        may_be_misread=misread,
        first_at=from_micros(met[0].other.captured_at),
        last_at=from_micros(met[-1].other.captured_at),
        connections=dict(sorted(Counter(read.connection for read in reads).items())),
        met=tuple(
            Meeting(
                at=from_micros(meeting.other.captured_at),
                place=meeting.place.name,
                gap_seconds=meeting.gap / _SECOND,
                of_read_id=meeting.own.id,
                read_id=meeting.other.id,
                reads=tuple(map(copy_of, meeting.reads)),
            )
            for meeting in met
        ),
    )


def _spellings(met: Sequence[_Met]) -> tuple[str, ...]:
    """How a plate was read, the commonest first."""
    counted = Counter(read.plate for meeting in met for read in meeting.reads)
    return tuple(sorted(counted, key=lambda plate: (-counted[plate], plate)))


def _one_apart(one: str, other: str) -> bool:
    """Whether two texts differ in one character at most: another, a missing or an additional one."""
    short, long = sorted((one, other), key=len)
    at = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return long[at + 1 :] == (short[at + 1 :] if len(short) == len(long) else short[at:])
