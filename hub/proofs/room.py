"""The room of what shows that policy is kept."""

from typing import Protocol

from hub.cases.room import CasesRoom
from hub.governing.room import GoverningRoom
from hub.once import made_once
from hub.parts import Parts
from hub.ports import OpensAndPauses, Spooled
from hub.proofs.ages import Ages
from hub.proofs.calendar import Calendar
from hub.proofs.canary import Canaries
from hub.proofs.checkpoints import Checkpoints
from hub.proofs.delivery import Deliveries
from hub.proofs.handover import Handover
from hub.proofs.log_export import LogExport
from hub.proofs.recipients import recipients
from hub.proofs.reconcile import Reconciliation
from hub.proofs.signing import LogKeys
from hub.proofs.witness import Witness
from hub.retention.room import RetentionRoom


class _Connections(Protocol):
    @property
    def accounts(self) -> OpensAndPauses: ...

    @property
    def spool(self) -> Spooled: ...


class Neighbours(Protocol):
    """The rooms that this one asks."""

    @property
    def connections(self) -> _Connections:
        """Who opens an account, and what lies in the spool?"""

    @property
    def cases(self) -> CasesRoom:
        """Which holds are booked?"""

    @property
    def retention(self) -> RetentionRoom:
        """What has been destroyed?"""


class ProofsRoom:
    """What shows that policy is kept."""

    def __init__(self, parts: Parts, governing: GoverningRoom, house: Neighbours) -> None:
        self._parts = parts
        self._governing = governing
        self._house = house

    @made_once
    def ages(self) -> Ages:
        """What is kept, by source, rule and age."""
        parts, governing, house = self._parts, self._governing, self._house
        return Ages(
            parts.store, parts.audit, parts.clock, governing.in_force, governing.sources, house.cases.holds,
            house.connections.spool,
        )  # fmt: skip

    @made_once
    def calendar(self) -> Calendar:
        """What will be over when."""
        parts = self._parts
        return Calendar(parts.store, parts.audit, parts.clock, self._governing.in_force)

    @made_once
    def reconciliation(self) -> Reconciliation:
        """Adds up what came and what became of it."""
        parts = self._parts
        return Reconciliation(parts.store, parts.audit, parts.clock, self._house.connections.spool)

    @made_once
    def canaries(self) -> Canaries:
        """Asks vendors for what they must have purged."""
        parts, accounts = self._parts, self._house.connections.accounts
        return Canaries(parts.store, parts.audit, parts.clock, self._governing.in_force, accounts)

    @made_once
    def handover(self) -> Handover:
        """Certificates for the custodian of records."""
        parts, certificates = self._parts, self._house.retention.certificates
        return Handover(parts.store, parts.audit, parts.clock, self._governing.in_force, certificates)

    @made_once
    def deliveries(self) -> Deliveries:
        """Brings certificates to the custodian of records."""
        parts = self._parts
        return Deliveries(
            parts.store, parts.audit, parts.clock, self.handover, recipients(parts.settings, "custodian"), parts.agency
        )

    @made_once
    def log_keys(self) -> LogKeys:
        """The keys that sign the audit log."""
        parts = self._parts
        return LogKeys(parts.store, parts.audit, parts.clock, parts.vault)

    @made_once
    def checkpoints(self) -> Checkpoints:
        """The audit log, signed, and held against what was signed."""
        parts = self._parts
        return Checkpoints(parts.store, parts.audit, parts.clock, self.log_keys, parts.agency)

    @made_once
    def log_export(self) -> LogExport:
        """Events of the audit log with what proves them."""
        parts = self._parts
        return LogExport(parts.store, parts.audit, self.checkpoints)

    @made_once
    def witness(self) -> Witness:
        """Brings what proves the audit log to somebody outside."""
        parts = self._parts
        places = recipients(parts.settings, "witness")
        return Witness(parts.store, parts.audit, parts.clock, self.checkpoints, places, parts.agency)
