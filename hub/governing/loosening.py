"""`Loosening`: what must be signed, by whom, and how long it waits before a promise about lives is loosened."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from hub.audit.actions import Act
from hub.clock import Clock
from hub.governing.alarms import Alarms
from hub.governing.in_force import newest, of_row
from hub.people import Actor
from hub.policy.decisions import LENGTHENING, LOOSENING, Decision
from hub.store.engine import Store
from hub.store.instant import from_micros
from hub.words import moment

SHORTEST: Final = timedelta(days=1)
"""A grace in which nobody could have seen it is none."""
MOST: Final = 6
"""Sentences that a refusal says of what would be loosened; a preview says all."""
_SIGNED: Final = (LOOSENING, LENGTHENING)


class HowProposed(NamedTuple):
    """How it is proposed: what people call it, and the command, to which `--decisions FILE` is added."""

    what: str
    command: str


class Loosening:
    """Asks for the signature of the office that the policy in force names."""

    def __init__(self, store: Store, clock: Clock, alarms: Alarms) -> None:
        self._store = store
        self._clock = clock
        self._alarms = alarms

    def wanting(self, looser: Sequence[str], decisions: Sequence[Decision]) -> str | None:
        """What is missing where something is loosened and these decisions were signed; None where nothing is."""
        with self._store.read() as connection:
            policy = newest(connection)
        signed = {decision.settles: decision for decision in decisions if decision.settles in _SIGNED}
        if policy is None or not (looser or signed):
            return None
        office, now = of_row(policy).office, self._clock.now()
        if looser and LOOSENING not in signed:
            return f"it takes a decision that settles: {LOOSENING}, signed by the {office}, and a second person"
        for settles, decision in signed.items():
            if decision.title.strip().casefold() != office.casefold():
                return (
                    f"the decision that settles: {settles} is signed by the {decision.title}, and the policy in force"
                    f" names the {office} for that"
                )
            at, zone = decision.decided_at, self._store.zone()
            said = f"the decision that settles: {settles} is of {moment(at, zone)}"
            if at > now:
                return f"{said}, and that time comes: nobody can have signed it yet"
            # What was signed for a change of before is none for this one; before the first policy there was none.
            if policy.approval_id is not None and at < (since := from_micros(policy.activated_at)):
                return (
                    f"{said}, before the policy in force was, {moment(since, zone)}: it must be signed for this change"
                )
        return None

    def demand(
        self, actor: Actor, act: Act, way: HowProposed, looser: Sequence[str], decisions: Sequence[Decision]
    ) -> None:
        """Raise `PolicyRefused`, on record and told of by `health`, where a signature is missing or the wrong one."""
        wanting = self.wanting(looser, decisions)
        if wanting is None:
            return
        more = f"; and {len(looser) - MOST} more" if len(looser) > MOST else ""
        loosens = f" loosens what is promised: {'; '.join(looser[:MOST])}{more}." if looser else ":"
        raise self._alarms.refused(
            actor, act, way.what,
            f"{way.what}{loosens} {wanting[:1].upper() if looser else wanting[:1]}{wanting[1:]}."
            f" This proposes it: {way.command} --decisions FILE (docs/policy.md shows such a file)",
        )  # fmt: skip

    def grace(self, looser: Sequence[str]) -> timedelta:
        """How long a change waits once it is approved: no time where it loosens nothing."""
        with self._store.read() as connection:
            policy = newest(connection)
        if policy is None or not looser:
            return timedelta()
        now, profile = self._clock.now(), of_row(policy)
        return max(profile.grace.floor(now, profile.zone) - now, SHORTEST)
