"""`Promised`: what was promised to a read before it arrives, so that nothing which is gone comes back to live longer.

A policy that lets reads live longer is for what comes. A vendor whose reads the hub has known since before that policy
may give old ones again, under another file's name or through another connection: they end as was promised then, and
those that were over then stay over.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from hub.governing.lives import Promises
from hub.policy.profile import Expiry, Profile
from hub.policy.provenance import Provenance
from hub.store.instant import from_micros, to_micros

_THIS: Final = 0
"""The connection, which needs no number: only one is asked about."""


class Promised:
    """The ends of reads of one kind by the policies that were in force since their capture."""

    def __init__(
        self,
        policies: Sequence[tuple[int, Profile]],
        source: Provenance,
        known_since: int,
        former: Sequence[tuple[int, Provenance]] = (),
    ) -> None:
        """`policies` in their order, each with the time (µs) at which it was put in force; `known_since` (µs) is when
        the hub first had a connection to that vendor; `former` are the kinds that its sources had until when (µs),
        where another kind has let reads live longer since."""
        self._newest = policies[-1][0] if len(policies) > 1 and policies[-1][0] > known_since else None
        self._known_since = known_since
        self._promises = Promises(policies, {_THIS: source})
        self._former = [(until, Promises(policies, {_THIS: kind})) for until, kind in former if kind != source]

    @property
    def anything(self) -> bool:
        """Whether anything was promised before that may still count."""
        return self._newest is not None or bool(self._former)

    def end(self, captured_at: datetime, received_at: datetime, linked: bool) -> Expiry | None:
        """When a read that arrives must be gone by what was promised; None where only the policy in force counts."""
        captured = to_micros(captured_at)
        collected = max(captured, self._known_since)
        asked = [promises for until, promises in self._former if collected < until]
        if self._newest is not None and collected < self._newest:
            asked.append(self._promises)
        times = (_THIS, captured, to_micros(received_at), collected, linked)
        ends = [end for promises in asked if (end := promises.end(*times)) is not None]
        if not ends:
            return None
        at, rule = min(ends)
        return Expiry(from_micros(at), rule, "")
