"""`Lives`: the ends of very many reads under one profile, as `Profile.expiry` gives one; `Promises`: under all."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from hub.policy.profile import Profile
from hub.policy.provenance import Provenance
from hub.policy.rules import Rule
from hub.store.instant import from_micros, to_micros

BLOCK: Final = 15 * 60 * 1_000_000
"""A quarter of an hour (µs). Calendar periods that begin within the same one are equally long: zones' offsets and local
dates change only at its ends."""


class Lives:
    """Ends by connection; `kinds` say whose reads each connection's are, and nothing is said of any other."""

    def __init__(self, profile: Profile, kinds: Mapping[int, Provenance]) -> None:
        self._profile = profile
        self._kinds = kinds
        self._signed = any(decision.prevails is not None for decision in profile.decisions)
        self._rules = lru_cache(maxsize=None)(self._rules_of)
        self._lengths: dict[tuple[str, int], int] = {}

    def end(self, connection_id: int, captured_at: int, received_at: int, linked: bool) -> tuple[int, str] | None:
        """When a read must be gone (µs) and by which rule; None where no rule sets a number."""
        if connection_id not in self._kinds:
            return None
        if self._signed:
            expiry = self._profile.expiry(
                *self._kinds[connection_id], from_micros(captured_at), received_at=from_micros(received_at),
                linked=linked,
            )  # fmt: skip
            return to_micros(expiry.at), expiry.rule
        shortest: tuple[int, str] | None = None
        for rule, by_capture in self._rules(connection_id, linked):
            start = captured_at if by_capture else received_at
            length = self._lengths.get((rule.id, start // BLOCK))
            if length is None:
                length = self._length(rule, start)
            end = (start + length, rule.id)
            if shortest is None or end < shortest:
                shortest = end
        return shortest

    def _length(self, rule: Rule, start: int) -> int:
        at = from_micros(start)
        length = self._lengths[rule.id, start // BLOCK] = to_micros(rule.ends(at, at, self._profile.zone)) - start
        return length

    def _rules_of(self, connection_id: int, linked: bool) -> tuple[tuple[Rule, bool], ...]:
        chosen = self._profile.chosen(*self._kinds[connection_id], "hub")
        rules = chosen.ceilings if linked else (*chosen.ceilings, *chosen.unlinked)
        return tuple((rule, rule.max is not None and rule.max.clock == "captured_at") for rule in rules)


class Promises:
    """How long reads may live by what was promised when they were collected, and by every policy since.

    A shorter policy shortens the promise; a longer one lengthens it only where that is signed (`Profile.lengthens`),
    and not that of a read which was over by then.
    """

    def __init__(self, policies: Sequence[tuple[int, Profile]], kinds: Mapping[int, Provenance]) -> None:
        """`policies` in their order, each with the time (µs) at which it was put in force."""
        until = [since for since, _ in policies[1:]]
        self._each = [
            (Lives(profile, kinds), profile.lengthens, since, over)
            for (since, profile), over in zip(policies, [*until, None], strict=True)
        ]

    def end(
        self, connection_id: int, captured_at: int, received_at: int, ingested_at: int, linked: bool
    ) -> tuple[int, str] | None:
        """When a read must be gone (µs) and by which rule; `linked` where a case, an event or a hit needs it."""
        best: tuple[int, str] | None = None
        for lives, lengthens, since, over in self._each:
            if over is not None and over < ingested_at:
                continue  # nothing was promised to it by a policy of before
            if best is not None and best[0] <= since:
                break  # it was over, and stays over
            end = lives.end(connection_id, captured_at, received_at, linked)
            if end is not None and (best is None or lengthens or end[0] <= best[0]):
                best = end
        return best

    def needed(
        self, connection_id: int, captured_at: int, received_at: int, ingested_at: int
    ) -> tuple[int, str] | None:
        """When a read must be gone that something needs; None where that makes no difference."""
        times = (connection_id, captured_at, received_at, ingested_at)
        end, usual = self.end(*times, linked=True), self.end(*times, linked=False)
        return None if end is None or usual is None or end[0] <= usual[0] else end
