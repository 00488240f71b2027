"""`Town`: stand-ins that run together, in whose made-up town time goes on."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any

from .service import Service
from .stand_ins import MAKERS, Ground, StandIn
from .world import World

FILE = "town.json"
LONGEST = timedelta(days=7)
"""A town that began longer ago is not taken up again: letting all its cars pass would take too long."""
SENDS = ("stream",)
"""Stand-ins that are only started where there is somebody to send to."""


@dataclass(frozen=True)
class Standing:
    """A stand-in that runs: its settings with secrets as they are, and the names of those."""

    name: str
    connector: str
    what: str
    where: str
    settings: dict[str, Any]
    secrets: tuple[str, ...]


class Town:
    """Stand-ins by name, all of them by default, on loopback; `standing` once the `with` is entered.

    A `seed` in an empty `folder` begins a town with a month behind it; the same folder takes up the town that began
    there, at the same ports, with the cars that have passed since. Cars pass every minute, the same for a seed.
    Without `ticking`, only `pass_on` lets them pass. Raises `ValueError` for a name that is none, a folder with another
    town, and a port that is taken.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str] = (),
        *,
        seed: int = 7,
        port: int = 0,
        passes: int = 600,
        push_to: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        ticking: bool = True,
    ) -> None:
        unknown = [name for name in names if name not in MAKERS]
        if unknown:
            raise ValueError(f"there is no stand-in called {unknown[0]!r}; there are {', '.join(MAKERS)}")
        self.folder = folder
        self._names = tuple(names) or tuple(name for name in MAKERS if push_to or name not in SENDS)
        self._port, self._push_to, self._clock = port, push_to, clock
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._begun = self._beginning(seed)
        now = datetime.fromisoformat(self._begun["now"])
        vendors = tuple(MAKERS)
        self.world = World(seed, now, passes=passes, expiring=0, vendors=vendors)
        self._minutes: dict[str, int] = dict.fromkeys(self._names, 0)
        self._taken: dict[str, int] = dict.fromkeys(self._names, 0)
        self._stand_ins: list[StandIn] = []
        self._stack = ExitStack()
        self._over = Event()
        self._passing = Lock()
        self._ticking = ticking
        self._ticks = Thread(target=self._run, name="town", daemon=True)
        self.standing: list[Standing] = []
        self.hotlist = folder / "wanted.csv"

    def __enter__(self) -> Town:
        ground = Ground(self.world, self._clock, self.folder, self._push_to)
        try:
            self._stand_ins = [MAKERS[name](ground) for name in self._names]
            self.pass_on()
            self.standing = [self._start(place, stand_in) for place, stand_in in enumerate(self._stand_ins)]
        except BaseException:
            self._stack.close()
            raise
        self._write(FILE, json.dumps(self._begun, indent=1))
        self._write_hotlist()
        if self._ticking:
            self._ticks.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._ticking:
            self._ticks.join(timeout=5)
        self._stack.close()

    def pass_on(self) -> int:
        """Let everything pass that has passed by the clock and was not told yet; how many cars that were."""
        with self._passing:
            return self._pass_on()

    def _pass_on(self) -> int:
        now, count = self._clock(), 0
        current = int((now - self.world.now) // timedelta(minutes=1))
        for stand_in in self._stand_ins:
            if stand_in.tend is not None:
                stand_in.tend()
            minute = self._minutes[stand_in.name]
            while minute < current or (minute == current and not stand_in.by_the_minute):
                passes = self.world.later(stand_in.vendor, minute)
                due = [
                    passing
                    for passing in passes
                    if passing.time <= now and passing.captured_at > self._taken[stand_in.name]
                ]
                if due:
                    stand_in.take(due)
                    self._taken[stand_in.name] = due[-1].captured_at
                count += len(due)
                if minute == current:
                    break
                minute += 1
            self._minutes[stand_in.name] = minute
        return count

    def _run(self) -> None:
        while not self._over.wait(1.0):
            with suppress(OSError):  # a disk that is full now may have room in a second
                self.pass_on()

    def _start(self, place: int, stand_in: StandIn) -> Standing:
        settings, where = dict(stand_in.settings), str(stand_in.place or self._push_to or "")
        if stand_in.app is not None and stand_in.told is not None:
            port = self._port + place if self._port else int(self._begun["ports"].get(stand_in.name, 0))
            service = self._stack.enter_context(self._service(stand_in, port))
            self._begun["ports"][stand_in.name] = service.port
            settings, where = stand_in.told(service.url), service.url
        return Standing(stand_in.name, stand_in.connector, stand_in.what, where, settings, stand_in.secrets)

    def _service(self, stand_in: StandIn, port: int) -> Service:
        assert stand_in.app is not None
        try:
            return Service(stand_in.app, port)
        except OverflowError:
            raise ValueError(f"port {port}, for {stand_in.name}, is above 65535; say a lower --port") from None
        except OSError:
            raise ValueError(
                f"port {port}, for {stand_in.name}, is taken by another program; choose others with --port"
            ) from None

    def _beginning(self, seed: int) -> dict[str, Any]:
        """When the town of the folder began and at which ports; a new one begins now."""
        file = self.folder / FILE
        if not file.exists():
            return {"seed": seed, "now": self._clock().isoformat(), "ports": {}}
        begun: dict[str, Any] = json.loads(file.read_text("utf-8"))
        if begun["seed"] != seed:
            raise ValueError(
                f"{self.folder} holds the town of --seed {begun['seed']}; say that one, or another --folder"
            )
        if self._clock() - datetime.fromisoformat(begun["now"]) > LONGEST:
            raise ValueError(f"the town in {self.folder} began more than {LONGEST.days} days ago; say another --folder")
        return begun

    def _write_hotlist(self) -> None:
        hidden = self.folder / f".{self.hotlist.name}.part"
        with hidden.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("plate", "state", "reason", "case"))
            writer.writerows((entry.plate, entry.state, entry.reason, entry.case_number) for entry in self.world.wanted)
        os.replace(hidden, self.hotlist)

    def _write(self, name: str, body: str) -> None:
        hidden = self.folder / f".{name}.part"
        hidden.write_text(body, encoding="utf-8")
        os.replace(hidden, self.folder / name)
