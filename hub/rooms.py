"""`Hub`: the rooms of the hub over one store, each made when it is first used; none imports another."""

import os
from typing import TYPE_CHECKING

from sqlalchemy import select

from hub.errors import AdminMustAct
from hub.once import made_once
from hub.parts import Parts

if TYPE_CHECKING:
    from hub.access.room import AccessRoom
    from hub.analysis.service import Analysis
    from hub.cases.room import CasesRoom
    from hub.connections.room import ConnectionsRoom
    from hub.governing.room import GoverningRoom
    from hub.hotlists.room import HotlistsRoom
    from hub.ingest.room import IngestRoom
    from hub.notices.room import NoticesRoom
    from hub.proofs.room import ProofsRoom
    from hub.retention.room import RetentionRoom
    from hub.search.room import SearchRoom


class Hub:
    """What the hub can do, by room. A process that never enters a room never loads it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.settings = parts.settings
        self.agency = parts.agency
        """Whose hub this is."""
        self.clock = parts.clock
        self.store = parts.store
        self.audit = parts.audit

    def ping(self) -> None:
        """Return where the hub can work: its database answers, its data folder takes files, its key opens its secrets.

        Raises what the database raises, and `AdminMustAct` naming the folder, or the connections whose secrets were
        sealed with another key.
        """
        with self.store.read() as connection:
            connection.execute(select(1))
        if not os.access(self.settings.data, os.W_OK | os.X_OK):
            raise AdminMustAct(
                f"the data folder {str(self.settings.data)!r} takes no files from the user who runs this: see who owns"
                f" it (ls -ld {self.settings.data}) and whether its disk may be written to"
            )
        self.connections.accounts.demand_key()

    def close(self) -> None:
        """Let go of the database; nothing of this hub is of use afterwards."""
        self.store.close()

    @made_once
    def governing(self) -> "GoverningRoom":
        """The policy in force, and whose reads each source's are."""
        from hub.governing.room import GoverningRoom

        return GoverningRoom(self._parts, self)

    @made_once
    def access(self) -> "AccessRoom":
        """Who may: the door that every question goes through."""
        from hub.access.room import AccessRoom

        return AccessRoom(self._parts, self.governing, self)

    @made_once
    def connections(self) -> "ConnectionsRoom":
        """The life of every account at a vendor."""
        from hub.connections.room import ConnectionsRoom

        return ConnectionsRoom(self._parts, self.governing, self)

    @made_once
    def ingest(self) -> "IngestRoom":
        """What comes in."""
        from hub.ingest.room import IngestRoom

        return IngestRoom(self._parts, self.governing, self)

    @made_once
    def hotlists(self) -> "HotlistsRoom":
        """Hot lists, and what vendors have of them."""
        from hub.hotlists.room import HotlistsRoom

        return HotlistsRoom(self._parts, self.governing, self)

    @made_once
    def search(self) -> "SearchRoom":
        """Which reads a question means."""
        from hub.search.room import SearchRoom

        return SearchRoom(self._parts, self.governing, self.access, self)

    @made_once
    def analysis(self) -> "Analysis":
        """How cars move."""
        from hub.analysis.room import analysis

        return analysis(self._parts, self.governing, self.access)

    @made_once
    def retention(self) -> "RetentionRoom":
        """What destroys."""
        from hub.retention.room import RetentionRoom

        return RetentionRoom(self._parts, self.governing)

    @made_once
    def cases(self) -> "CasesRoom":
        """What holds back."""
        from hub.cases.room import CasesRoom

        return CasesRoom(self._parts, self.governing, self.access, self)

    @made_once
    def proofs(self) -> "ProofsRoom":
        """What shows that policy is kept."""
        from hub.proofs.room import ProofsRoom

        return ProofsRoom(self._parts, self.governing, self)

    @made_once
    def notices(self) -> "NoticesRoom":
        """What people are told."""
        from hub.notices.room import NoticesRoom

        return NoticesRoom(self._parts, self.governing, self)
