"""One run of a connection while it runs: what was kept so far, and whoever wants to know."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, NamedTuple

from connectors.contract import Connector, Window
from connectors.errors import BadFiles
from hub.ingest.fetching import Fetched
from hub.ingest.pictures import Beside
from hub.people import Actor
from hub.ports import ConfiguredAccount
from hub.store.page import Saved


class Pulling(NamedTuple):
    """How far a run is: the window that it pulls, the pages and what became of their records, the pictures.

    `plates` is how many of how many plates were asked for in this round, where a source answers one at a time.
    """

    window: Window
    pages: int
    kept: Saved
    pictures: Fetched
    plates: tuple[int, int] | None


PullProgress = Callable[[Pulling], None]
"""Told whenever something was kept. What it raises ends the run there, with what was kept: `Stopped`."""


class RunTime:
    """How long a run may still take, on the machine's steady clock, however slowly its source answers."""

    def __init__(self, longest: timedelta) -> None:
        self._longest = longest.total_seconds()
        self.begin()

    def begin(self) -> None:
        """Give all of it anew."""
        self._until = time.monotonic() + self._longest

    def left(self) -> float:
        """Seconds, none below zero."""
        return max(self._until - time.monotonic(), 0.0)


@dataclass(slots=True)
class PullJob:
    """What is pulled, for whom, and how far that is."""

    actor: Actor
    account: ConfiguredAccount
    connector: Connector[Any]
    beside: Beside
    told: PullProgress | None
    time: RunTime
    ends_at: float
    """When it asks for no more plates one by one, on the machine's steady clock."""
    total: Saved = field(default_factory=Saved)
    pages: int = 0
    window: Window | None = None
    plates: tuple[int, int] | None = None
    unfinished: bool = False
    bad_files: BadFiles | None = None
    """What is told once everything else was taken."""

    def kept(self, saved: Saved) -> None:
        """Something was kept."""
        self.total += saved
        self.pages += not saved.plates_asked
        if saved.wanted_images:
            self.beside.more()
        self.tell()

    def tell(self, _: Fetched | None = None) -> None:
        """Say how far it is."""
        if self.told and self.window:
            self.told(Pulling(self.window, self.pages, self.total, self.beside.counts, self.plates))

    def done(self) -> Saved:
        """What became of all."""
        pictures = self.beside.counts
        self.total.pictures, self.total.pictures_gone = pictures.fetched, pictures.gone
        self.total.pictures_failed, self.total.pictures_left = pictures.failed, pictures.left
        self.total.pictures_not_allowed = pictures.not_allowed
        if self.plates:
            self.total.plates_left = self.plates[1] - self.plates[0]
        return self.total


def in_time(connector: Connector[Any], running: RunTime) -> Connector[Any]:
    """The same account, asked for no longer than the run may take."""
    patience = connector.frame.patience
    frame = replace(connector.frame, patience=lambda: min(patience(), running.left()))
    return type(connector)(connector.settings, frame)
