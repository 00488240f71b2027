"""`Activate`: another policy is proposed, once it is known what that would do, and in force once it is approved."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection, func, insert, select

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.errors import Conflict, Invalid, Outdated, PolicyRefused
from hub.governing.in_force import keep, newest, of_kept, of_row, row_of
from hub.governing.loosening import HowProposed, Loosening
from hub.governing.sources import Sources
from hub.people import Actor, plainly
from hub.policy.decisions import Decision
from hub.policy.loosening import loosened
from hub.policy.profile import Profile, load
from hub.proposals import Action, NewProposal, Proposal, Proposing, Settle
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.words import named


class Change(NamedTuple):
    """What a policy would do to one connection's reads that get their end from one of its rules."""

    connection: str
    rule: str
    reads: int
    shorter: int
    longer: int
    kept_short: int
    """Those that it would let live longer, if that were signed (`lengthening`): they keep the end that they have."""
    end_now: int
    """Those that would be over at once, and purged; they are among `shorter`."""


class Foresees(Protocol):
    """Knows what a policy would do."""

    def effect(self, profile: Profile) -> Sequence[Change]:
        """What it would do, by connection and rule; changes nothing."""


class Activate:
    """Puts policies in force."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        recompute: Foresees,
        approvals: Proposing,
        loosening: Loosening,
        sources: Sources,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._recompute = recompute
        self._approvals = approvals
        self._loosening = loosening
        self._sources = sources

    def loosens(self, name: str, decisions: Sequence[Decision] = ()) -> tuple[str, ...]:
        """What a profile would loosen of the one in force, a sentence each; raises as `load` does."""
        return self._loosened(load(name, decisions))

    def demand(self, actor: Actor, name: str, decisions: Sequence[Decision] = ()) -> tuple[str, ...]:
        """Return what a profile would loosen, where it can be in force and all is signed that this takes.

        Raises `PolicyConflict` or `PolicyRefused` else.
        """
        looser = self.loosens(name, decisions)
        way = HowProposed(name, f"alprhub policy activate {name} --reason WHY")
        self._loosening.demand(actor, Act.POLICY_ACTIVATE, way, looser, decisions)
        load(name, decisions).activation(self._sources.contracts()).demand()
        return looser

    def preview(self, name: str, decisions: Sequence[Decision] = ()) -> list[Change]:
        """What putting a profile in force would do, by connection and rule; changes nothing.

        Raises `NotFound`, `Invalid`, and `PolicyConflict` or `PolicyRefused` where it gives no ends.
        """
        profile = load(name, decisions)
        profile.activation(self._sources.contracts()).demand_numbers()
        return list(self._recompute.effect(profile))

    def activate(
        self,
        actor: Actor,
        name: str,
        reason: str,
        decisions: Sequence[Decision] = (),
        signed: bytes | None = None,
    ) -> Proposal:
        """Propose to put a profile in force with what was signed about it; it is in force once somebody else approves.

        The document is kept as it is now, and `signed`, the file of the decisions, as evidence. What loosens the policy
        in force waits, once it is approved, for the grace of that policy. Raises as `preview` does, `Conflict` where it
        is in force already, and `PolicyRefused`, with an alarm, where it loosens what the office that the policy in
        force names has not signed.
        """
        if not plainly(reason):
            raise Invalid("reason: say why the policy changes")
        sure(self._clock)
        row = row_of(name, decisions)
        with self._store.read() as connection:
            before = newest(connection)
        if before is not None and before.digest == row["digest"]:
            raise Conflict(f"{name} is in force already, with the same decisions")
        looser = self.demand(actor, name, decisions)
        content = {
            **row,
            "loosens": list(looser),
            "instead_of": before.digest if before else None,
            "since": before.id if before else None,
        }
        words = f"put policy {name} in force instead of {before.profile if before else 'none'}" + (
            f", with what was signed about {named([decision.settles for decision in decisions])}" if decisions else ""
        )
        grace = self._loosening.grace(looser)
        return self._approvals.propose(actor, NewProposal(Action.POLICY, name, words, content, reason, signed, grace))

    def effect_of(self, proposal: Proposal) -> list[Change]:
        """What a proposed policy would do now, by connection and rule."""
        return list(self._recompute.effect(_profile(proposal)))

    def check(self, connection: Connection, proposal: Proposal) -> None:
        """Raise where the policy cannot be in force, or another one is in force than when it was proposed."""
        sure(self._clock)
        profile = _profile(proposal)
        profile.activation(self._sources.contracts()).demand()
        before = newest(connection)
        # One that was in force, went, and came back is not the same: who approved looked at what it followed on.
        if (before.id if before else None) != proposal.content.get("since"):
            raise Outdated(
                f"{proposal.target}: another policy was put in force since this was proposed; propose it anew"
            )
        if not proposal.grace_seconds and before is not None and loosened(of_row(before), profile):
            raise PolicyRefused(  # it was proposed when nobody asked what a policy loosens
                f"{proposal.target} loosens what is promised, and was proposed without a grace; propose it anew"
            )

    def carry_out(self, actor: Actor, proposal: Proposal, settle: Settle) -> None:
        """Put the policy in force that was approved.

        Reads that are kept get their new ends from `Recompute`, and what opens the hub from now on follows it.
        """
        content, now = proposal.content, to_micros(sure(self._clock))
        row = {name: content[name] for name in ("profile", "digest", "document", "decisions")}
        row["overlays"] = content.get("overlays", "{}")
        reads, recomputes = tables.reads, tables.recomputes
        with self._store.write() as connection:
            self.check(connection, proposal)
            ident = keep(connection, row, now, actor, proposal.reason, proposal.id)
            last = connection.scalar(select(func.coalesce(func.max(reads.c.id), 0)))
            connection.execute(
                insert(recomputes).values(policy_id=ident, started_at=now, started_by=actor.name, last_id=last)
            )
            self._audit.record(
                actor, Act.POLICY_ACTIVATE, Outcome.DONE, target=proposal.target, within=connection,
                digest=row["digest"], before=content["instead_of"], change=proposal.reason, approval=proposal.id,
                proposed_by=proposal.proposed_by, loosens=content.get("loosens", []),
                settles=[entry["settles"] for entry in msgspec.json.decode(row["decisions"])],
            )  # fmt: skip
            settle(connection, {"policy": ident})

    def _loosened(self, profile: Profile) -> tuple[str, ...]:
        with self._store.read() as connection:
            before = newest(connection)
        return () if before is None else loosened(of_row(before), profile)


def _profile(proposal: Proposal) -> Profile:
    content = proposal.content
    return of_kept(content["profile"], content["document"], content["decisions"], content.get("overlays", "{}"))
