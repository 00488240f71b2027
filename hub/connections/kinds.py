"""`KindChanges`: another kind of source, where it loosens what is promised, takes two people as another policy does."""

from collections.abc import Sequence

from sqlalchemy import Connection, update

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.connections.lives import EndsOfReads
from hub.connections.row import settled
from hub.errors import Invalid, Outdated
from hub.governing.in_force import Governing
from hub.governing.loosening import HowProposed, Loosening
from hub.people import Actor
from hub.policy.decisions import Decision
from hub.policy.loosening import loosened_kind
from hub.policy.provenance import Provenance
from hub.policy.rules import ORIGINS
from hub.proposals import Action, NewProposal, Proposal, Proposing, Settle
from hub.store import tables
from hub.store.engine import Store
from hub.store.provenance import provenance_of


class KindChanges:
    """Changes the kind of a source where that takes two people."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        governing: Governing,
        loosening: Loosening,
        approvals: Proposing,
        lives: EndsOfReads,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._governing = governing
        self._loosening = loosening
        self._approvals = approvals
        self._lives = lives

    def demand(
        self, actor: Actor, name: str, before: Provenance, after: Provenance, decisions: Sequence[Decision] = ()
    ) -> tuple[str, ...]:
        """Return what another kind loosens, where all is signed that this takes; else raises `PolicyRefused`, with an
        alarm."""
        looser = loosened_kind(self._governing.profile(), before, after)
        way = HowProposed(
            f"kind {after.origin} of {name}", f"alprhub connections change {name} --kind {after.origin} --reason WHY"
        )
        self._loosening.demand(actor, Act.CONNECTIONS_CHANGE, way, looser, decisions)
        return looser

    def propose(
        self,
        actor: Actor,
        name: str,
        kind: str,
        reason: str,
        decisions: Sequence[Decision],
        signed: bytes | None = None,
    ) -> Proposal:
        """Propose that a source is of another kind, which loosens what is promised; it is so after its grace.

        Raises `PolicyRefused`, with an alarm, where the office that the policy in force names has not signed it, and
        `Invalid` where it loosens nothing: that takes no proposal.
        """
        if kind not in ORIGINS:
            raise Invalid(f"kind: must be one of {', '.join(ORIGINS)}")
        with self._store.read() as connection:
            row = settled(connection, name)
        if row.retention_vendor is None:
            raise Invalid(f"kind: nobody knows yet whose reads {name} brings, since its connector was never here")
        before, after = provenance_of(row), provenance_of(row, origin=kind)
        looser = self.demand(actor, name, before, after, decisions)
        if not looser:
            raise Invalid(
                f"kind: {kind} loosens nothing for {name}, so nobody else need approve it: leave out --decisions"
            )
        policy = self._governing.now()
        content = {
            "connection": row.id, "name": name, "kind": kind, "before": row.kind, "vendor": row.retention_vendor,
            "policy": policy.id, "loosens": list(looser),
            "decisions": [decision.model_dump(mode="json") for decision in decisions],
        }  # fmt: skip
        words = f"make {name} a source of the kind {kind} instead of {row.kind}"
        grace = self._loosening.grace(looser)
        return self._approvals.propose(actor, NewProposal(Action.KIND, name, words, content, reason, signed, grace))

    def check(self, connection: Connection, proposal: Proposal) -> None:
        """Raise where the connection or the policy is another than when it was proposed."""
        sure(self._clock)
        row, content = settled(connection, proposal.target), proposal.content
        if (row.id, row.kind) != (content["connection"], content["before"]):
            raise Outdated(f"{proposal.target}: was changed since this was proposed; propose it anew")
        if self._governing.now(connection).id != content["policy"]:
            raise Outdated(
                f"{proposal.target}: another policy was put in force since this was proposed; propose it anew"
            )

    def carry_out(self, actor: Actor, proposal: Proposal, settle: Settle) -> None:
        """Let the source be of the kind that was approved; what is kept of it gets no later end."""
        content, accounts = proposal.content, tables.connections
        with self._store.write() as connection:
            self.check(connection, proposal)
            connection.execute(
                update(accounts).where(accounts.c.id == content["connection"]).values(kind=content["kind"])
            )
            self._audit.record(
                actor, Act.CONNECTIONS_CHANGE, Outcome.DONE, target=proposal.target, within=connection, fields=["kind"],
                approval=proposal.id, proposed_by=proposal.proposed_by, loosens=content["loosens"],
            )  # fmt: skip
            settle(connection, {"connection": proposal.target, "kind": content["kind"]})
            after = provenance_of(settled(connection, proposal.target))
        self._lives.follow(content["connection"], after)
