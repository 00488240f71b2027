"""Stand-ins for the vendors' services: the other side of every wire, for demos, tests and benchmarks.

They import nothing of the hub, so that a mistake of ours cannot be made twice and cancel out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from . import flock as _flock
from . import rekor as _rekor
from .faults import Faults
from .motorola import MotorolaDrop
from .pictures import Picture, write_pictures
from .service import Service
from .world import World

__all__ = [
    "Faults",
    "MotorolaDrop",
    "Picture",
    "Sandbox",
    "Service",
    "World",
    "flock_settings",
    "open_sandbox",
    "rekor_settings",
]


@dataclass(frozen=True)
class Sandbox:
    """Every vendor's stand-in, running.

    `flock`, `rekor`, `motorola` and `native` are the settings that a connector needs; `faults` has one `Faults`
    per vendor (flock, rekor, motorola); the states are what each vendor holds; `pictures` is the truth about
    the files in the native reader's folder.
    """

    folder: Path
    world: World
    faults: dict[str, Faults]
    flock: dict[str, str]
    rekor: dict[str, str]
    motorola: dict[str, str]
    native: dict[str, str]
    flock_state: _flock.FlockState
    rekor_state: _rekor.RekorState
    drop: MotorolaDrop
    pictures: tuple[Picture, ...]


@contextmanager
def open_sandbox(
    folder: Path,
    seed: int,
    now: datetime,
    *,
    vehicles: int = 400,
    passes: int = 2000,
    days: int = 27,
    expiring: int = 10,
    pictures: int = 6,
    exports: bool = True,
    clock: Callable[[], datetime] | None = None,
) -> Iterator[Sandbox]:
    """Start Flock and Rekor on loopback and fill a Motorola drop folder and a folder of pictures below `folder`.

    `now` (with a zone) is when the made-up world ends, `days` after it began; `passes` and `expiring` count per vendor,
    `vehicles` and `pictures` in all. `exports` False leaves the drop folder's `reads/` empty. The vendors' own time is
    `clock`, which by default starts at `now`. Everything stops with the `with`; the files stay.
    """
    world = World(seed, now, vehicles=vehicles, passes=passes, days=days, expiring=expiring)
    faults = {vendor: Faults(seed=seed) for vendor in ("flock", "rekor", "motorola")}
    flock_app = _flock.flock_app(world, faults=faults["flock"], clock=clock)
    rekor_app = _rekor.rekor_app(world, faults=faults["rekor"], clock=clock)
    drop = MotorolaDrop(folder / "motorola", world, faults["motorola"], clock)
    if exports:
        drop.export_days()
    shown = _draw(folder / "native", world, pictures)
    with Service(flock_app) as flock_service, Service(rekor_app) as rekor_service:
        flock_app.state.flock.origin = flock_service.url
        yield Sandbox(
            folder=folder,
            world=world,
            faults=faults,
            flock=flock_settings(flock_service.url),
            rekor=rekor_settings(rekor_service.url),
            motorola={"folder": str(drop.folder)},
            native={"folder": str(folder / "native")},
            flock_state=flock_app.state.flock,
            rekor_state=rekor_app.state.rekor,
            drop=drop,
            pictures=shown,
        )


def flock_settings(url: str) -> dict[str, str]:
    """What a connector needs to reach the Flock stand-in at a URL."""
    return {
        "base_url": f"{url}/api/v3", "token_url": f"{url}/oauth/token", "client_id": _flock.CLIENT_ID,
        "client_secret": _flock.CLIENT_SECRET, "audience": _flock.AUDIENCE,
    }  # fmt: skip


def rekor_settings(url: str) -> dict[str, str]:
    """What a connector needs to reach the Rekor stand-in at a URL."""
    return {"base_url": url, "api_key": _rekor.API_KEY}


def _draw(folder: Path, world: World, count: int) -> tuple[Picture, ...]:
    """Pictures of wanted cars and others in turn, a minute apart, the last one a minute before `now`."""
    folder.mkdir(parents=True, exist_ok=True)
    cars = [
        car for pair in zip((entry.vehicle for entry in world.wanted), world.vehicles, strict=False) for car in pair
    ]
    moments = [world.now - timedelta(minutes=count - index) for index in range(count)]
    plates = [cars[index % len(cars)].plate for index in range(count)]
    return tuple(write_pictures(folder, zip(plates, moments, strict=True), seed=world.seed))
