"""The room of what comes in: pulled, asked for, pushed, read again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from hub.governing.room import GoverningRoom
from hub.ingest.gaps import Gaps
from hub.ingest.inbox import Destroys, Inbox
from hub.ingest.intake import Intake
from hub.ingest.listeners import Listeners
from hub.ingest.pictures import Pictures
from hub.ingest.pictures_due import PicturesDue
from hub.ingest.quarantine import Quarantine
from hub.ingest.reparse import Reparse
from hub.ingest.standing import WatchCosts
from hub.ingest.sync import Sync
from hub.once import made_once
from hub.parts import Parts
from hub.ports import Accounts, Watches
from hub.store.images import ImageStore
from hub.store.spool import PATIENCE, Spool


class _Connections(Protocol):
    @property
    def accounts(self) -> Accounts: ...


class _Hotlists(Protocol):
    @property
    def lists(self) -> Watches: ...


class _Retention(Protocol):
    @property
    def unkept(self) -> Destroys: ...


class Neighbours(Protocol):
    """The rooms that this one asks."""

    @property
    def connections(self) -> _Connections:
        """Who opens an account, and pauses one that does not work?"""

    @property
    def hotlists(self) -> _Hotlists:
        """Which plates are watched?"""

    @property
    def retention(self) -> _Retention:
        """Who destroys what is over before it was kept?"""


class IngestRoom:
    """What comes in."""

    def __init__(self, parts: Parts, governing: GoverningRoom, house: Neighbours) -> None:
        self._parts = parts
        self._governing = governing
        self._house = house

    @property
    def images(self) -> ImageStore:
        """Where pictures are kept."""
        return self._parts.images

    @made_once
    def intake(self) -> Intake:
        """Turns records into reads, or quarantine."""
        parts, governing = self._parts, self._governing
        return Intake(parts.store, parts.images, governing.in_force, governing.sources, parts.clock)

    @made_once
    def pictures(self) -> Pictures:
        """Fetches pictures beside the rows."""
        return Pictures(self._parts.store, self._parts.images, self._parts.clock)

    @made_once
    def sync(self) -> Sync:
        """Pulls, and asks for what is watched."""
        parts = self._parts
        return Sync(
            parts.store, parts.audit, parts.clock, self.intake, self.pictures, self._accounts,
            self._house.hotlists.lists, self._governing.in_force,
        )  # fmt: skip

    @made_once
    def gaps(self) -> Gaps:
        """Times that no run covered."""
        parts = self._parts
        return Gaps(parts.store, parts.audit, parts.clock, self._accounts, self._governing.in_force)

    @made_once
    def quarantine(self) -> Quarantine:
        """What could not be read."""
        return Quarantine(self._parts.store, self._parts.audit, self._parts.clock, self.intake, self._accounts)

    @made_once
    def reparse(self) -> Reparse:
        """Reads kept payloads again, with other settings."""
        parts, governing = self._parts, self._governing
        return Reparse(parts.store, parts.audit, parts.clock, self._accounts, governing.in_force, governing.sources)

    @made_once
    def pictures_due(self) -> PicturesDue:
        """Fetches the pictures that runs have left."""
        return PicturesDue(self._parts.store, self._parts.clock, self._accounts, self.pictures)

    @made_once
    def standing(self) -> WatchCosts:
        """What a round of standing look-ups takes."""
        return WatchCosts(self._accounts, self._house.hotlists.lists)

    @contextmanager
    def receiving(self) -> Iterator[Inbox]:
        """The inbox, keeping what arrives; raises `Busy` where another process receives into this folder.

        A purge has it for moments only, and is waited for.
        """
        parts = self._parts
        spool = Spool(parts.settings.data / "inbox", patience=PATIENCE)
        unkept = self._house.retention.unkept
        inbox = Inbox(spool, parts.audit, parts.clock, self.intake, self.pictures, self._accounts, unkept)
        inbox.start()
        try:
            yield inbox
        finally:
            inbox.stop()
            spool.close()

    @contextmanager
    def listening(self, inbox: Inbox) -> Iterator[Listeners]:
        """Whoever has a line of its own is listened to, and what comes goes into the inbox."""
        parts = self._parts
        listeners = Listeners(self._accounts, inbox, parts.frame, parts.settings.data)
        listeners.start()
        try:
            yield listeners
        finally:
            listeners.stop()

    @property
    def _accounts(self) -> Accounts:
        return self._house.connections.accounts
