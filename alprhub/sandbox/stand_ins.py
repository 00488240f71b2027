"""Every stand-in that a hub can be joined to, by name: how it is made, what a connector needs, where its cars go."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI

from . import flock as _flock
from . import nj_snap as _nj_snap
from . import parkpow as _parkpow
from . import rekor as _rekor
from . import rhombus as _rhombus
from . import verkada as _verkada
from .callbacks import post
from .motorola import MotorolaDrop, drop_settings
from .world import TOWN_ZONE, Pass, World

PUSH_KEY = "sandbox-key-of-pushes"
LOOPBACK = ["127.0.0.1"]
_BRISK = "50"
"""Requests a second: a stand-in of one's own may be asked more often than a vendor."""
_NATIVE_HISTORY = 12


@dataclass(frozen=True)
class Ground:
    """What a stand-in stands on; `push_to` is the root of the hub's receiver, or None where nothing is pushed."""

    world: World
    clock: Callable[[], datetime]
    folder: Path
    push_to: str | None = None


@dataclass
class StandIn:
    """One stand-in: its connector's key and settings, and what lets cars pass it.

    `app` is the service to run and `told` says where it runs, giving the settings; one without an app is a `place`.
    `take` is given what has passed, oldest first; `by_the_minute` ones only get whole minutes, as files are written.
    `tend` is what somebody there does every second.
    """

    name: str
    vendor: str
    connector: str
    what: str
    take: Callable[[Sequence[Pass]], None]
    settings: dict[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    app: FastAPI | None = None
    told: Callable[[str], dict[str, Any]] | None = None
    place: Path | None = None
    by_the_minute: bool = False
    tend: Callable[[], Any] | None = None


def flock(ground: Ground) -> StandIn:
    """Flock Safety: look-ups and custom hot lists; alerts where there is a receiver."""
    app = _flock.flock_app(ground.world, clock=ground.clock)
    state = app.state.flock

    def take(passes: Sequence[Pass]) -> None:
        for passing in passes:
            state.add_pass(passing)
            sources = _flock.sources_of(state, passing) if ground.push_to else []
            if sources:
                body = _flock.alert_body(state, passing, sources)
                state.deliveries.append(("hub", post(f"{ground.push_to}/in/flock", body, {"x-api-key": PUSH_KEY})))

    def settings_at(url: str) -> dict[str, Any]:
        state.origin = url
        return {
            "base_url": f"{url}/api/v3", "token_url": f"{url}/oauth/token", "client_id": _flock.CLIENT_ID,
            "client_secret": _flock.CLIENT_SECRET, "requests_per_second": _BRISK, "image_hosts": LOOPBACK,
            "callback_secret": PUSH_KEY,
        }  # fmt: skip

    return StandIn(
        "flock", "flock", "flock", "answers for single plates", take, app=app,
        told=settings_at, secrets=("client_secret", "callback_secret"),
    )  # fmt: skip


def rekor(ground: Ground) -> StandIn:
    """Rekor Scout: searches by window, pictures, alert lists."""
    app = _rekor.rekor_app(ground.world, clock=ground.clock)

    def settings_at(url: str) -> dict[str, Any]:
        return {"base_url": url, "api_key": _rekor.API_KEY, "requests_per_second": _BRISK}

    return StandIn(
        "rekor", "rekor", "rekor", "a feed with pictures", _each(app.state.rekor.add_pass), app=app,
        told=settings_at, secrets=("api_key",),
    )  # fmt: skip


def motorola(ground: Ground) -> StandIn:
    """Motorola Vigilant: exports in a folder, and hot-list files that somebody loads within seconds."""
    drop = MotorolaDrop(ground.folder / "motorola", ground.world, clock=ground.clock)
    drop.export_days()

    def take(passes: Sequence[Pass]) -> None:
        if passes:
            drop.export(passes, _file_of(passes[0]))

    return StandIn(
        "motorola", "motorola", "motorola", "files in a folder", take, settings=drop_settings(drop.folder),
        place=drop.folder, by_the_minute=True, tend=drop.load,
    )  # fmt: skip


def verkada(ground: Ground) -> StandIn:
    """Verkada: cameras of the city's buildings, with pictures and plates of interest."""
    app = _verkada.verkada_app(ground.world, clock=ground.clock, told_by="verkada")

    def settings_at(url: str) -> dict[str, Any]:
        app.state.verkada.origin = url
        return {"base_url": url, "api_key": _verkada.API_KEY, "image_hosts": LOOPBACK}

    return StandIn(
        "verkada", "verkada", "verkada", "a feed with pictures", _each(ground.world.add), app=app,
        told=settings_at, secrets=("api_key",),
    )  # fmt: skip


def rhombus(ground: Ground) -> StandIn:
    """Rhombus: the school district's cameras."""
    app = _rhombus.rhombus_app(ground.world, passes=ground.world.passes["rhombus"], clock=ground.clock)

    def settings_at(url: str) -> dict[str, Any]:
        return {**_rhombus.rhombus_settings(url), "requests_per_second": _BRISK}

    return StandIn(
        "rhombus", "rhombus", "rhombus", "a feed without pictures", _each(app.state.rhombus.add_pass), app=app,
        told=settings_at, secrets=("api_key",),
    )  # fmt: skip


def nj_snap(ground: Ground) -> StandIn:
    """A supplier that speaks the NJ SNAP interface."""
    app = _nj_snap.nj_snap_app(ground.world, passes=ground.world.passes["nj_snap"], clock=ground.clock)

    def settings_at(url: str) -> dict[str, Any]:
        app.state.nj_snap.origin = url
        settings = _nj_snap.nj_snap_settings(url) | {"zone": _nj_snap.NEW_YORK.key}
        return {**settings, "image_hosts": LOOPBACK, "dept_ori": "CA0SYN000", "dept_name": "Demo"}

    return StandIn(
        "nj_snap", "nj_snap", "nj_snap", "a feed with pictures", _each(app.state.nj_snap.add_pass), app=app,
        told=settings_at, secrets=("api_key",),
    )  # fmt: skip


def parkpow(ground: Ground) -> StandIn:
    """Plate Recognizer's ParkPow: visits of garages."""
    app = _parkpow.parkpow_app(ground.world, clock=ground.clock, told_by="parkpow")

    def settings_at(url: str) -> dict[str, Any]:
        return {"parkpow_url": f"{url}/api/v1", "parkpow_token": _parkpow.TOKEN, "requests_per_second": _BRISK}

    return StandIn(
        "parkpow", "parkpow", "platerecognizer", "visits of garages", _each(ground.world.add), app=app,
        told=settings_at, secrets=("parkpow_token",),
    )  # fmt: skip


def stream(ground: Ground) -> StandIn:
    """A sender of the highway department's: each read as JSON, to the hub's receiver as soon as it is made."""
    if ground.push_to is None:
        raise ValueError(
            "stream only sends: say --push-to with the address of `alprhub serve`, such as http://127.0.0.1:8355"
        )
    address, headers = f"{ground.push_to}/in/stream", {"x-alprhub-key": PUSH_KEY}

    def take(passing: Pass) -> None:
        post(address, _in_the_words_of_the_hub("HW", passing), headers)

    return StandIn(
        "stream", "stream", "generic_webhook", "sends to the hub", _each(take), settings={"webhook_secret": PUSH_KEY},
        secrets=("webhook_secret",),
    )  # fmt: skip


def harbor(ground: Ground) -> StandIn:
    """The harbor district's own system: CSV files with a picture beside every read."""
    folder = ground.folder / "harbor"
    reads = folder / "reads"
    reads.mkdir(parents=True, exist_ok=True)

    def take(passes: Sequence[Pass]) -> None:
        if passes:
            _csv(reads, _file_of(passes[0]), passes)

    take(ground.world.passes["harbor"])
    settings = {"place": str(folder), "settle_seconds": "0"}
    return StandIn(
        "harbor", "harbor", "generic_csv", "files in a folder", take, settings=settings, place=folder,
        by_the_minute=True,
    )  # fmt: skip


def pier(ground: Ground) -> StandIn:
    """The agency's own camera on the pier: pictures in a folder, read by the hub itself."""
    from .pictures import write_pictures  # OpenCV and numpy

    folder = ground.folder / "pier"
    camera = ground.world.cameras["pier"][0]

    def take(passes: Sequence[Pass]) -> None:
        shown = passes[:1]  # reading a picture costs the hub a second
        fresh = [passing for passing in shown if not list(folder.glob(f"pier-1_{passing.time:%Y%m%dT%H%M%S}.*"))]
        write_pictures(folder, [(passing.plate, passing.time) for passing in fresh], seed=ground.world.seed)

    for passing in ground.world.passes["pier"][-_NATIVE_HISTORY:]:
        take([passing])
    settings = {
        "source": str(folder), "camera_id": "pier-1", "camera_name": camera.name,
        "latitude": str(camera.latitude), "longitude": str(camera.longitude),
    }  # fmt: skip
    return StandIn(
        "pier", "pier", "native", "pictures in a folder", take, settings=settings, place=folder, by_the_minute=True
    )


MAKERS: dict[str, Callable[[Ground], StandIn]] = {
    maker.__name__: maker
    for maker in (flock, rekor, motorola, verkada, rhombus, nj_snap, parkpow, harbor, pier, stream)
}
"""Every stand-in by its name."""


def _each(take: Callable[[Pass], None]) -> Callable[[Sequence[Pass]], None]:
    def taken(passes: Sequence[Pass]) -> None:
        for passing in passes:
            take(passing)

    return taken


def _file_of(first: Pass) -> str:
    return f"reads_{first.time.astimezone(ZoneInfo(TOWN_ZONE)):%Y%m%d_%H%M}.csv"


def _csv(folder: Path, name: str, passes: Sequence[Pass]) -> None:
    """Write an export whose columns have the hub's own names, whole or not at all."""
    rows = [_in_the_words_of_the_hub("HD", passing) for passing in passes]
    hidden = folder / f".{name}.part"
    with hidden.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    os.replace(hidden, folder / name)


def _in_the_words_of_the_hub(prefix: str, passing: Pass) -> dict[str, Any]:
    """A read as a sender tells it who uses the hub's own names."""
    car, camera = passing.vehicle, passing.camera
    return {
        "read_id": f"{prefix}-{passing.number}", "plate": passing.plate, "state": passing.state or "",
        "captured_at": passing.time.isoformat(), "camera_id": str(camera.number), "camera_name": camera.name,
        "latitude": camera.latitude, "longitude": camera.longitude, "confidence": passing.confidence, "make": car.make,
        "model": car.model, "colour": car.colour, "body": car.body,
    }  # fmt: skip


__all__ = ["MAKERS", "Ground", "StandIn"]
