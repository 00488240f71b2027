"""`Contracts`: what was agreed about a source: how long its reads live, whose they are, what is forbidden.

The first contract of a connection comes with the connection. Another one, or none any more, takes two people: it may
end reads at once, or let go of what the one before kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select, update

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.connections.agreed import in_words, keep, written
from hub.connections.lives import EndsOfReads
from hub.connections.row import any_row, settled
from hub.errors import Conflict, Invalid, Outdated, PolicyConflict
from hub.governing.in_force import Governing
from hub.governing.loosening import HowProposed, Loosening
from hub.people import Actor, plainly
from hub.policy.contract import SourceContract, read_contract
from hub.policy.decisions import Decision
from hub.policy.loosening import loosened_kind
from hub.policy.profile import Profile
from hub.policy.provenance import Provenance
from hub.proposals import Action, NewProposal, Proposal, Proposing, Settle
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.provenance import contract_of, provenance_of

_TABLE: Final = tables.contracts
_ACCOUNTS: Final = tables.connections


@dataclass(frozen=True, slots=True)
class SetContract:
    """A contract as it was set (None: the one before was ended), by whom, when and why; `approval` let it be.

    The reason is that of who proposed it, where it took two.
    """

    contract: SourceContract | None
    sha256: str | None
    reason: str
    set_by: str
    set_at: datetime
    approval: int | None
    proposed_by: str | None


class Contracts:
    """The contracts of connections."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        governing: Governing,
        loosening: Loosening,
        lives: EndsOfReads,
        approvals: Proposing,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._governing = governing
        self._loosening = loosening
        self._lives = lives
        self._approvals = approvals

    def read(self, document: bytes, file: str, name: str, origin: str, vendor: str) -> SourceContract:
        """The contract of a YAML or JSON document for a connection's reads; what it leaves out of whose they are is
        known.

        Raises `Invalid` with the path of what is wrong, and `PolicyConflict` where its floor and a ceiling of the
        policy in force, or the other way about, cannot both be kept.
        """
        profile = self._governing.profile()
        whose = {"agency": profile.id, "connection": name, "origin": origin, "vendor": vendor}
        contract = read_contract(document, file, whose)
        _demand_room(profile, contract)
        return contract.model_copy(update={"agency": None})  # this hub's, whatever its policy is called later

    def propose(
        self,
        actor: Actor,
        name: str,
        document: bytes | None,
        file: str,
        reason: str,
        decisions: Sequence[Decision] = (),
    ) -> Proposal:
        """Propose another contract for a connection, or with None that it has none any more; changes nothing yet.

        What it loosens of what is promised must be signed in `decisions`, and waits for the policy's grace, as another
        policy does. Raises as `read` does, `NotFound`, `Conflict` where it is in force already or there is none to end,
        and `PolicyRefused`, with an alarm, where that is not signed.
        """
        if not plainly(reason):
            raise Invalid("reason: say why the contract changes")
        sure(self._clock)
        with self._store.read() as connection:
            row = settled(connection, name)
        whose = provenance_of(row)
        contract = None if document is None else self.read(document, file, name, whose.origin, whose.vendor)
        kept = None if contract is None else written(contract)
        if kept == row.contract:
            raise Conflict(f"{name}: " + ("has no contract" if kept is None else "has this contract already"))
        looser = loosened_kind(self._governing.profile(), whose, whose._replace(contract=contract))
        command = f"alprhub connections contract {name} {'--end' if contract is None else file} --reason WHY"
        way = HowProposed(f"another contract of {name}", command)
        self._loosening.demand(actor, Act.CONNECTIONS_CONTRACT, way, looser, decisions)
        content = {
            "connection": name, "before": row.contract, "contract": kept, "file": file, "loosens": list(looser),
            "decisions": [decision.model_dump(mode="json") for decision in decisions],
        }  # fmt: skip
        words = f"{name} has no contract any more" if contract is None else f"{name}: {in_words(contract)}"
        grace = self._loosening.grace(looser)
        return self._approvals.propose(
            actor, NewProposal(Action.CONTRACT, name, words, content, reason, document, grace)
        )

    def effect_of(self, proposal: Proposal) -> tuple[int, int]:
        """How many visible reads the connection has, and how many of them a proposed contract would end at once."""
        with self._store.read() as connection:
            row = any_row(connection, proposal.target)
        return self._lives.effect(row.id, _after(row, proposal))

    def check(self, connection: Connection, proposal: Proposal) -> None:
        """Raise where the connection is gone, or has another contract than when this one was proposed."""
        sure(self._clock)
        row = settled(connection, proposal.target)
        after = _after(row, proposal).contract
        if after is not None:
            _demand_room(self._governing.now(connection).profile, after)
        if row.contract != proposal.content["before"] and not _done(connection, proposal):
            raise Outdated(f"{proposal.target}: its contract was changed since this was proposed; propose it anew")

    def carry_out(self, actor: Actor, proposal: Proposal, settle: Settle) -> None:
        """Put the contract in force that was approved: reads that are kept live no longer than it lets them."""
        document = proposal.content["contract"]
        with self._store.write() as connection:
            self.check(connection, proposal)
            row = settled(connection, proposal.target)
            if not _done(connection, proposal):
                now = to_micros(self._clock.now())
                connection.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.id == row.id).values(contract=document))
                keep(connection, row.id, document, actor, now, proposal.reason, proposal.id)
                self._audit.record(
                    actor, Act.CONNECTIONS_CONTRACT, Outcome.CHANGED, target=proposal.target, within=connection,
                    contract=_plainly(document), before=_plainly(proposal.content["before"]),
                    change=proposal.reason, approval=proposal.id, proposed_by=proposal.proposed_by,
                    loosens=proposal.content["loosens"],
                )  # fmt: skip
        # After the change, so that what comes meanwhile is under the new contract already; a repeat finishes a crash.
        shortened = self._lives.follow(row.id, _after(row, proposal))
        with self._store.write() as connection:
            self._audit.record(
                actor, Act.CONNECTIONS_CONTRACT, Outcome.DONE, target=proposal.target, results=shortened,
                within=connection, approval=proposal.id,
            )  # fmt: skip
            settle(connection, {"connection": proposal.target, "shortened": shortened})

    def of(self, name: str) -> list[SetContract]:
        """Every contract that a connection ever had, the newest first; raises `NotFound`."""
        with self._store.read() as connection:
            row = any_row(connection, name)
            rows = connection.execute(
                select(_TABLE, tables.approvals.c.proposed_by)
                .outerjoin(tables.approvals, tables.approvals.c.id == _TABLE.c.approval_id)
                .where(_TABLE.c.connection_id == row.id)
                .order_by(_TABLE.c.id.desc())
            ).all()
        whose = (row.kind, row.retention_vendor or "")
        return [
            SetContract(
                contract_of(one.document, *whose), one.sha256, one.reason, one.set_by, from_micros(one.set_at),
                one.approval_id, one.proposed_by,
            )
            for one in rows
        ]  # fmt: skip


def _demand_room(profile: Profile, contract: SourceContract) -> None:
    """Raise `PolicyConflict` where a floor and a ceiling, of which one is the contract's, cannot both be kept."""
    own = {rule.id for rule in contract.rules()}
    clashes = [one for one in profile.activation([contract]).conflicts if {one.floor, one.ceiling} & own]
    if clashes:
        told = ", ".join(f"{one.floor} keeps longer than {one.ceiling} allows" for one in clashes)
        raise PolicyConflict(
            f"the contract of {contract.connection} and the policy cannot both be kept: {told}. Change the contract, or"
            f" have it signed which of the two is kept (settles: {clashes[0].id})"
        )


def _after(row: Row[Any], proposal: Proposal) -> Provenance:
    return provenance_of(row)._replace(
        contract=contract_of(proposal.content["contract"], row.kind, row.retention_vendor or "")
    )


def _done(connection: Connection, proposal: Proposal) -> bool:
    """Whether an approval has put its contract in force already, and was cut short after that."""
    return connection.scalar(select(_TABLE.c.id).where(_TABLE.c.approval_id == proposal.id)) is not None


def _plainly(document: str | None) -> Any:
    return None if document is None else msgspec.json.decode(document)
