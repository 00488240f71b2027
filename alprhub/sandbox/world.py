"""A small made-up town whose cars pass cameras of every vendor, the same for the same seed.

Nothing here is a vendor's wire: this is what truly happened, and each stand-in tells it in its own words.
Every plate is synthetic: it follows its state's pattern behind a prefix that marks it as made up.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

VENDORS = ("flock", "rekor", "motorola")
NEIGHBOURS = ("verkada", "rhombus", "nj_snap", "parkpow", "harbor", "pier", "stream")
"""Who else has cameras in the town; a world has their passes where it is asked for them."""

# Flock's 30 days are documented; the other two are set by the customer, and these are the values of the demo.
RETENTION_DAYS = {"flock": 30, "rekor": 30, "motorola": 365, **dict.fromkeys(NEIGHBOURS, 30)}

TOWN, TOWN_ZONE = "Marisol Beach", "America/Los_Angeles"
FIRST_WANTED_PLATE = "9XB0508"
MIN_PASSES = 100
MAX_VEHICLES = 200_000  # beyond that the smallest series of plates runs short

_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
_DAY = 24 * _HOUR
_LATITUDE, _LONGITUDE = 34.9215, -120.6402
# I, O and Q stay out, so that the one planted misread is the only one that comes from O against 0.
_LETTERS = "ABCDEFGHJKLMNPRSTVWXYZ"
# state: prefix that marks the plate as synthetic, the rest of its pattern (A a letter, 9 a digit), weight
_SERIES: dict[str, tuple[str, str, int]] = {
    "CA": ("9X", "AA999", 800),
    "NV": ("99", "9A99", 50),
    "AZ": ("ZZ", "A9A9A", 50),
    "OR": ("99", "9AAA", 30),
    "WA": ("ZZZ", "9999", 20),
    "TX": ("ZX", "A9999", 20),
    "NC": ("ZY", "A9999", 10),
    "UT": ("Z9", "99AA", 10),
    "FL": ("Z9", "9AA9A", 10),
}
_MODELS = (
    ("Toyota", "Corolla", "sedan"), ("Toyota", "Tacoma", "pickup"), ("Honda", "Civic", "sedan"),
    ("Honda", "CR-V", "suv"), ("Ford", "F-150", "pickup"), ("Ford", "Transit", "van"),
    ("Chevrolet", "Tahoe", "suv"), ("Nissan", "Altima", "sedan"), ("Subaru", "Outback", "wagon"),
    ("Tesla", "Model 3", "sedan"), ("Jeep", "Wrangler", "suv"), ("Hyundai", "Tucson", "suv"),
)  # fmt: skip
_COLOURS = ("white", "black", "gray", "silver", "blue", "red", "green", "beige")
# The first three of the first three vendors look at the same corners, each from a pole that they share.
_CAMERAS = {
    "flock": (
        "Pier Ave & Dune St", "Lighthouse Rd Bridge", "Ocean Blvd North", "Pelican Way & 2nd St", "Harbor Dr Gate",
        "Kelp Ln School", "Mission St West", "Sandpiper Ct",
    ),
    "rekor": (
        "City Cam 11 Pier Ave", "City Cam 12 Lighthouse Rd", "City Cam 13 Ocean Blvd", "Marina Lot Entry",
        "Marina Lot Exit", "Civic Center Garage", "Transit Plaza", "Foghorn Rd Ramp",
    ),
    "motorola": (
        "Car 21 at Pier Ave", "Car 22 at Lighthouse Rd", "Car 23 at Ocean Blvd", "Trailer 1 Driftwood Rd",
        "Trailer 2 Anchor St", "Fixed 4 Coral Ave", "Fixed 5 Tidepool Ln", "Fixed 6 Breaker St",
    ),
    "verkada": (
        "Library Driveway", "Aquarium North Lot", "Aquarium South Lot", "City Yard Gate", "Senior Center",
        "Fire Station 2 Apron", "Skate Park", "Town Hall Steps",
    ),
    "rhombus": (
        "Bluff Elementary Drop-off", "Bluff Elementary Exit", "Middle School Loop", "Gull High Lot A",
        "Gull High Lot B", "District Office", "Stadium Gate 1", "Stadium Gate 2",
    ),
    "nj_snap": (
        "Turnpike Mile 3 North", "Turnpike Mile 3 South", "Causeway Toll 1", "Causeway Toll 2", "Route 9 Split",
        "Ferry Landing", "Quarry Rd Weigh Station", "Inlet Bridge East",
    ),
    "parkpow": (
        "Boardwalk Garage In", "Boardwalk Garage Out", "Cannery Lot In", "Cannery Lot Out", "Opera House Valet",
        "Farmers Market", "Hotel Row", "Surf Museum",
    ),
    "harbor": (
        "Boat Ramp", "Fuel Dock", "Berth 4", "Berth 9", "Customs Shed", "Cold Store", "Container Gate", "Slipway",
    ),
    "pier": (
        "Pier Entrance", "Pier Head", "Bait Shop", "Lifeguard Tower 1", "Lifeguard Tower 2", "Bath House",
        "Lower Deck", "Turning Circle",
    ),
    "stream": (
        "Hwy 7 Onramp", "Hwy 7 Offramp", "Weigh Lane A", "Weigh Lane B", "Rest Stop In", "Rest Stop Out", "Dam Rd",
        "Vista Point",
    ),
}  # fmt: skip
_REASONS = (
    "Stolen vehicle", "Stolen plate", "Missing person", "Felony vehicle", "Wanted person",
    "Stolen vehicle", "Protection order", "Stolen vehicle", "Hit and run", "Amber alert",
)  # fmt: skip
# Share of a day's traffic per hour of UTC: the town sleeps from 06 to 13 UTC, which is its night.
_HOURS = (9, 9, 8, 6, 4, 3, 2, 1, 1, 1, 1, 2, 4, 7, 9, 8, 7, 7, 8, 8, 8, 9, 10, 10)


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera of one vendor. `number` is unique in the world; `agent_uid` is the computer it hangs on."""

    vendor: str
    number: int
    id: str
    name: str
    street: str
    latitude: float
    longitude: float
    agent_uid: str


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One made-up car: its true plate and two-letter state, and what it looks like in plain English."""

    plate: str
    state: str
    make: str
    model: str
    year: int
    colour: str
    body: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A car that a hot list may ask for; `misread` and `other_state` say how it also appears, or None."""

    vehicle: Vehicle
    reason: str
    case_number: str
    misread: str | None = None
    other_state: str | None = None

    @property
    def plate(self) -> str:
        """The true plate."""
        return self.vehicle.plate

    @property
    def state(self) -> str:
        """The true two-letter state."""
        return self.vehicle.state


class Pass(NamedTuple):
    """One car passing one camera, as the vendor's reader understood it.

    `number` counts 1, 2, 3 … in the vendor's order of time. `plate` is the text that was read (the truth is
    `vehicle.plate`), `state` two letters or None when the reader gave none. `captured_at` is UTC microseconds
    since 1970. Confidences run 0–1. `twin` is the id of the same pass at another vendor, or None.
    """

    id: str
    vendor: str
    number: int
    plate: str
    state: str | None
    camera: Camera
    captured_at: int
    confidence: float
    state_confidence: float
    vehicle: Vehicle
    twin: str | None = None

    @property
    def time(self) -> datetime:
        """`captured_at` as an aware datetime in UTC."""
        return from_micros(self.captured_at)


class _Draft(NamedTuple):
    """A pass before it has its place in the order of time."""

    captured_at: int
    id: str
    plate: str
    state: str | None
    camera: Camera
    vehicle: Vehicle
    twin: str | None


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime of a number of microseconds since 1970, exactly."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime, exactly; ValueError if it has no zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a zone")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


class World:
    """The same town, cars and passes for the same arguments.

    `passes` is the exact number per vendor (at least 100). All lie in the `days` before `now`, but for
    `expiring` per vendor, which are one hour short of that vendor's retention: move a clock on by two days and
    exactly these are over age (`days` must therefore stay below 28). `shared` is the share of passes that two
    vendors saw. Every one of the ten `wanted` cars passes every vendor at least four times, once within the
    last day, and the expiring passes are theirs too. `wanted[0]` also passes as a misread (O for 0, 8 for B),
    `wanted[1]` is also seen as a plate of another state.
    """

    def __init__(
        self,
        seed: int,
        now: datetime,
        *,
        vehicles: int = 400,
        passes: int = 2000,
        days: int = 27,
        expiring: int = 10,
        shared: float = 0.1,
        vendors: Sequence[str] = VENDORS,
    ) -> None:
        if passes < MIN_PASSES + expiring:
            raise ValueError(f"passes must be at least {MIN_PASSES} more than expiring")
        if not 1 <= vehicles <= MAX_VEHICLES:
            raise ValueError(f"vehicles must be 1 to {MAX_VEHICLES}")
        if not 0 <= shared <= 0.4:
            raise ValueError("shared must be 0 to 0.4: the rest of the passes belong to one vendor")
        if not 1 <= days < 28:
            raise ValueError("days must be 1 to 27, or more than the expiring passes would expire")
        self.seed, self.now, self.days = seed, now, days
        self._now = to_micros(now)
        self.cameras = {vendor: tuple(_cameras(vendor, index)) for index, vendor in enumerate(_CAMERAS)}
        self.vehicles, self.wanted = _population(random.Random(f"{seed}:vehicles"), vehicles)
        weights = [1 / (rank + 2) ** 0.8 for rank in range(vehicles)]
        self._cumulative = list(accumulate(weights))
        drafts = self._shared(random.Random(f"{seed}:shared"), int(passes * shared / 2))
        self._numbered = passes
        self.passes: dict[str, tuple[Pass, ...]] = {}
        for vendor in vendors:
            rng = random.Random(f"{seed}:{vendor}")
            known = drafts.get(vendor, []) + self._of_wanted(rng, vendor) + self._expiring(rng, vendor, expiring)
            known += self._ordinary(rng, vendor, passes - len(known))
            self.passes[vendor] = _settle(rng, vendor, known)

    def later(self, vendor: str, minute: int) -> tuple[Pass, ...]:
        """What passes a vendor's cameras in a minute after `now` (0 is the first), oldest first; the same for a seed.

        One to three cars a minute, no two in one second; of eight about one is wanted. Numbers go on after those of
        the passes that the world was made with.
        """
        rng = random.Random(f"{self.seed}:{vendor}:later:{minute}")
        seconds = sorted(rng.sample(range(60), rng.randint(1, 3)))
        passes = []
        for place, second in enumerate(seconds, 1):
            wanted = rng.random() < 0.125
            car = (
                rng.choice(self.wanted).vehicle
                if wanted
                else rng.choices(self.vehicles, cum_weights=self._cumulative)[0]
            )
            plate, state = (car.plate, car.state) if wanted else _as_read(rng, car)
            moment = self._now + (60 * minute + second) * _SECOND + rng.randrange(1000) * 1000
            camera = rng.choice(self.cameras[vendor])
            number = self._numbered + 3 * minute + place
            passes.append(Pass(_uuid(rng), vendor, number, plate, state, camera, moment, *_sure(rng), car))
        return tuple(passes)

    def add(self, passing: Pass) -> None:
        """Let one more car pass; it must not lie before its vendor's last one."""
        self.passes[passing.vendor] = (*self.passes[passing.vendor], passing)

    def expiring(self, vendor: str, after: timedelta = timedelta(days=2)) -> tuple[Pass, ...]:
        """The passes of one vendor that are over its retention when `after` has gone by since `now`."""
        limit = to_micros(self.now + after) - RETENTION_DAYS[vendor] * _DAY
        return tuple(passing for passing in self.passes[vendor] if passing.captured_at < limit)

    def _moments(self, rng: random.Random, count: int) -> list[int]:
        oldest = self._now - self.days * _DAY
        hours = rng.choices(range(24), weights=_HOURS, k=count)
        moments = []
        for hour in hours:
            day = (oldest + int(rng.random() * self.days * _DAY)) // _DAY * _DAY
            moment = day + hour * _HOUR + int(rng.random() * _HOUR)
            if moment >= self._now:
                moment -= _DAY
            moments.append(moment if moment > oldest else moment + _DAY)
        return moments

    def _ordinary(self, rng: random.Random, vendor: str, count: int) -> list[_Draft]:
        cars = rng.choices(self.vehicles, cum_weights=self._cumulative, k=count)
        cameras = rng.choices(self.cameras[vendor], k=count)
        return [
            _Draft(moment, _uuid(rng), *_as_read(rng, car), camera, car, None)
            for moment, car, camera in zip(self._moments(rng, count), cars, cameras, strict=True)
        ]

    def _shared(self, rng: random.Random, per_pair: int) -> dict[str, list[_Draft]]:
        drafts: dict[str, list[_Draft]] = {vendor: [] for vendor in VENDORS}
        for pole, (vendor, other) in enumerate((("flock", "rekor"), ("rekor", "motorola"), ("motorola", "flock"))):
            cars = rng.choices(self.vehicles, cum_weights=self._cumulative, k=per_pair)
            for moment, car in zip(self._moments(rng, per_pair), cars, strict=True):
                first, second = _uuid(rng), _uuid(rng)
                later = min(moment + int(rng.random() * 2 * _SECOND), self._now - 1)
                drafts[vendor].append(
                    _Draft(moment, first, car.plate, car.state, self.cameras[vendor][pole], car, second)
                )
                drafts[other].append(_Draft(later, second, car.plate, car.state, self.cameras[other][pole], car, first))
        return drafts

    def _of_wanted(self, rng: random.Random, vendor: str) -> list[_Draft]:
        drafts = []
        for wanted in self.wanted:
            seen = [(wanted.plate, wanted.state)] * 4
            if wanted.misread is not None:
                seen.append((wanted.misread, wanted.state))
            if wanted.other_state is not None:
                seen.append((wanted.plate, wanted.other_state))
            moments = self._moments(rng, len(seen))
            moments[0] = self._now - _HOUR - int(rng.random() * 20 * _HOUR)
            for moment, (plate, state) in zip(moments, seen, strict=True):
                camera = rng.choice(self.cameras[vendor])
                drafts.append(_Draft(moment, _uuid(rng), plate, state, camera, wanted.vehicle, None))
        return drafts

    def _expiring(self, rng: random.Random, vendor: str, count: int) -> list[_Draft]:
        edge = self._now - RETENTION_DAYS[vendor] * _DAY + _HOUR
        drafts = []
        for index in range(count):
            car = self.wanted[index % len(self.wanted)].vehicle
            moment = edge + int(rng.random() * 10 * 60 * _SECOND)
            camera = rng.choice(self.cameras[vendor])
            drafts.append(_Draft(moment, _uuid(rng), car.plate, car.state, camera, car, None))
        return drafts


def _cameras(vendor: str, index: int) -> list[Camera]:
    """Eight cameras a vendor; the first three of every vendor share three poles, the others stand alone."""
    rng = random.Random(f"cameras:{vendor}")
    cameras = []
    for place, name in enumerate(_CAMERAS[vendor]):
        shift = 0 if place < 3 and vendor in VENDORS else index + 1
        cameras.append(
            Camera(
                vendor=vendor,
                number=1000 * (index + 1) + 11 * (place + 1),
                id=_uuid(rng),
                name=name,
                street=name,
                latitude=round(_LATITUDE + 0.004 * place + 0.0007 * shift, 6),
                longitude=round(_LONGITUDE + 0.003 * (place % 4) + 0.0009 * shift, 6),
                agent_uid=f"SYNTHETIC{vendor.upper()}AGENT{place % 2 + 1:02d}".ljust(40, "X"),
            )
        )
    return cameras


def _population(rng: random.Random, count: int) -> tuple[tuple[Vehicle, ...], tuple[Wanted, ...]]:
    used = {FIRST_WANTED_PLATE}
    states, weights = list(_SERIES), [series[2] for series in _SERIES.values()]
    cars = []
    for index in range(count + len(_REASONS)):
        # The wanted come first and are Californian; the second keeps its letters and changes its state.
        state = "CA" if index < len(_REASONS) else rng.choices(states, weights=weights)[0]
        plate = FIRST_WANTED_PLATE if index == 0 else _new_plate(rng, state, used)
        make, model, body = rng.choice(_MODELS)
        cars.append(Vehicle(plate, state, make, model, rng.randint(2004, 2024), rng.choice(_COLOURS), body))
    wanted = []
    for index, reason in enumerate(_REASONS):
        misread = cars[index].plate.replace("B", "8").replace("0", "O") if index == 0 else None
        other = "NV" if index == 1 else None
        wanted.append(Wanted(cars[index], reason, f"MB-24-{1001 + index}", misread, other))
    return tuple(cars[len(_REASONS) :]), tuple(wanted)


def _new_plate(rng: random.Random, state: str, used: set[str]) -> str:
    prefix, pattern, _ = _SERIES[state]
    while True:
        rest = "".join(rng.choice(_LETTERS) if mark == "A" else rng.choice("0123456789") for mark in pattern)
        plate = prefix + rest
        if plate not in used:
            used.add(plate)
            return plate


def _as_read(rng: random.Random, car: Vehicle) -> tuple[str, str | None]:
    """What a reader makes of a car: one in a hundred loses its last character, three in a hundred the state."""
    chance = rng.random()
    if chance < 0.01:
        return car.plate[:-1], car.state
    return car.plate, None if chance < 0.04 else car.state


def _settle(rng: random.Random, vendor: str, drafts: list[_Draft]) -> tuple[Pass, ...]:
    """Put drafts in order of time; no camera takes two passes in one millisecond (Rekor's ids are made of it)."""
    taken: set[tuple[int, int]] = set()
    apart = []
    for draft in drafts:
        moment = draft.captured_at
        while (draft.camera.number, moment // 1000) in taken:
            moment -= 1000
        taken.add((draft.camera.number, moment // 1000))
        apart.append(draft if moment == draft.captured_at else draft._replace(captured_at=moment))
    apart.sort()
    return tuple(
        Pass(
            draft.id, vendor, number, draft.plate, draft.state, draft.camera, draft.captured_at,
            *_sure(rng), draft.vehicle, draft.twin,
        )
        for number, draft in enumerate(apart, start=1)
    )  # fmt: skip


def _sure(rng: random.Random) -> tuple[float, float]:
    """How sure a reader is of plate and state."""
    return round(0.80 + 0.19 * rng.random(), 4), round(0.60 + 0.39 * rng.random(), 4)


def _uuid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
