"""The room of connections: the life of every account at a vendor."""

from collections.abc import Sequence
from typing import Protocol

from hub.connections.accounts import Connections
from hub.connections.afterwards import Afterwards
from hub.connections.cameras import Cameras
from hub.connections.changes import Changes
from hub.connections.contracts import Contracts
from hub.connections.diagnostics import Diagnostics
from hub.connections.health import Health
from hub.connections.kinds import KindChanges
from hub.connections.lives import EndsOfReads
from hub.connections.pausing import Pausing
from hub.connections.removal import Removals
from hub.connections.same_source import SameSource
from hub.connections.secrets import Sealing
from hub.connections.showing import Showing
from hub.connections.surroundings import Surroundings
from hub.connections.trial import Trials
from hub.connections.waiting import SpoolFolder
from hub.governing.room import GoverningRoom
from hub.once import made_once
from hub.parts import Parts
from hub.ports import LooksAtRecords, Purges, Windows, Withdraws
from hub.proposals import Proposing


class _Ingest(Protocol):
    @property
    def sync(self) -> Windows: ...

    @property
    def intake(self) -> LooksAtRecords: ...


class _Hotlists(Protocol):
    @property
    def publishing(self) -> Withdraws: ...


class _Retention(Protocol):
    @property
    def expired(self) -> Purges: ...

    @property
    def endings(self) -> EndsOfReads: ...


class _Access(Protocol):
    @property
    def proposing(self) -> Proposing: ...


class _Notices(Protocol):
    @property
    def names(self) -> Sequence[str]: ...


class Neighbours(Protocol):
    """The rooms that this one asks."""

    @property
    def access(self) -> _Access:
        """Where is proposed what takes two?"""

    @property
    def ingest(self) -> _Ingest:
        """What would a run bring?"""

    @property
    def hotlists(self) -> _Hotlists:
        """Who takes our lists away from a vendor?"""

    @property
    def retention(self) -> _Retention:
        """How do a connection's reads end, and who destroys them?"""

    @property
    def notices(self) -> _Notices:
        """By which ways are people told?"""


class ConnectionsRoom:
    """The life of accounts."""

    def __init__(self, parts: Parts, governing: GoverningRoom, house: Neighbours) -> None:
        self._parts = parts
        self._governing = governing
        self._house = house

    @made_once
    def accounts(self) -> Connections:
        """Adds, checks, lists, schedules, pauses and resumes accounts."""
        parts = self._parts
        return Connections(
            parts.store, parts.audit, parts.clock, parts.vault, parts.frame, parts.agency, parts.registry,
            self.same_source,
        )  # fmt: skip

    @made_once
    def same_source(self) -> SameSource:
        """Refuses a way round what was promised of a source."""
        return SameSource(self._parts.store, self._governing.in_force, self._governing.alarms)

    @made_once
    def changes(self) -> Changes:
        """Changes settings, secrets and origin."""
        parts = self._parts
        return Changes(
            parts.store, parts.audit, parts.clock, parts.vault, parts.frame, self._governing.in_force,
            self._house.retention.endings, parts.agency, self.accounts, self.kinds,
            self.same_source,
        )  # fmt: skip

    @made_once
    def kinds(self) -> KindChanges:
        """Changes the kind of a source where that loosens what is promised."""
        parts, governing = self._parts, self._governing
        return KindChanges(
            parts.store, parts.audit, parts.clock, governing.in_force, governing.loosening,
            self._house.access.proposing, self._house.retention.endings,
        )  # fmt: skip

    @made_once
    def contracts(self) -> Contracts:
        """What was agreed about each source."""
        parts = self._parts
        return Contracts(
            parts.store, parts.audit, parts.clock, self._governing.in_force, self._governing.loosening,
            self._house.retention.endings, self._house.access.proposing,
        )  # fmt: skip

    @made_once
    def showing(self) -> Showing:
        """Shows a connection without its secrets."""
        return Showing(self._parts.store, self._parts.clock, self._parts.vault, self.accounts, self._governing.in_force)

    @made_once
    def trials(self) -> Trials:
        """Says what a run would bring."""
        ingest = self._house.ingest
        return Trials(self._parts.store, self._parts.audit, self.accounts, ingest.sync, ingest.intake)

    @made_once
    def sealing(self) -> Sealing:
        """Seals every secret with another key."""
        return Sealing(self._parts.store, self._parts.audit, self._parts.clock, self._parts.vault)

    @made_once
    def pausing(self) -> Pausing:
        """Says what a pause would cost."""
        return Pausing(self._parts.store, self._parts.clock, self.accounts)

    @made_once
    def spool(self) -> SpoolFolder:
        """What was pushed and is no read yet."""
        return SpoolFolder(self._parts.settings.data / "inbox")

    @made_once
    def health(self) -> Health:
        """How every connection is, and the hub itself."""
        parts = self._parts
        around = Surroundings(
            parts.store, parts.settings.data, self._house.notices.names, parts.clock, self._governing.in_force,
            parts.settings.custodian_ways,
        )  # fmt: skip
        return Health(
            parts.store, parts.clock, self.accounts, self.spool, around, self._governing.in_force, parts.settings.data
        )

    @made_once
    def diagnostics(self) -> Diagnostics:
        """Bundles what helps to find a fault, without plates and secrets."""
        parts = self._parts
        return Diagnostics(parts.store, parts.audit, parts.clock, parts.vault, self.accounts, self.health)

    @made_once
    def removals(self) -> Removals:
        """Ends connections, and certifies that."""
        parts, retention = self._parts, self._house.retention
        return Removals(
            parts.store, parts.audit, parts.clock, retention.endings, self.accounts,
            self._house.hotlists.publishing, retention.expired, self.spool,
        )  # fmt: skip

    @made_once
    def afterwards(self) -> Afterwards:
        """Says what the end of a connection means for its reads."""
        return Afterwards(self._parts.store, self._governing.in_force)

    @made_once
    def cameras(self) -> Cameras:
        """Where cameras stand."""
        return Cameras(self._parts.store, self._parts.audit)
