"""What a piece of work came to, and what of it is not proved, in the hub's own sentences. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from connectors.contract import Proof
from hub.audit.verification import Verified
from hub.hotlists.publishing import Published
from hub.proofs.canary import Probe
from hub.proofs.reconcile import Reconciled
from hub.proofs.witness import Witnessed
from hub.words import count, named

NO_WAY_TO_LOOK: Final = "it was taken, and its vendor offers no way to look at what it holds"
"""Why a list is never proved at some vendors: sending it again would change nothing."""


class Done(NamedTuple):
    """What a piece of work came to: counts, and whether something is not proved, with the hub's sentence about it."""

    counts: dict[str, int]
    unproved: str | None = None


def published_as(published: Published) -> Done:
    """What a publication or a verification came to."""
    known = {name: getattr(published, name) for name in ("added", "removed", "missing", "unexpected")}
    counts = {name: number for name, number in known.items() if number is not None}
    if published.verified:
        return Done(counts)
    if published.error:
        return Done(counts, published.error)
    if published.proof == Proof.ACCEPTED:
        return Done(counts, NO_WAY_TO_LOOK)
    missing, more = known["missing"] or 0, known["unexpected"] or 0
    return Done(counts, f"the vendor's copy differs from ours: {missing:,} missing there, {more:,} not on our list")


def added_up(account: Reconciled, overdue: int) -> Done:
    """What a reconciliation came to; a day that differs, and a certificate that nobody confirms, is not proved."""
    differ = len(account.differences)
    counts = {"days": len(account.days), "differences": differ, "unconfirmed": overdue}
    sentences = []
    if differ:
        verb = "does" if differ == 1 else "do"
        sentences.append(f"{count(differ, 'day')} of receipt {verb} not add up (alprhub retention reconcile)")
    if overdue:
        verb = "waits" if overdue == 1 else "wait"
        sentences.append(
            f"{count(overdue, 'certificate')} of destruction {verb} too long for the custodian's signature (alprhub"
            " retention certificates --open)"
        )
    return Done(counts, "; ".join(sentences) or None)


def probed(probes: Sequence[Probe]) -> Done:
    """What asking vendors for canaries came to: one that is found is a breach, and no answer proves nothing."""
    sentences = [
        f"{sentence}: {named(list(dict.fromkeys(probe.connection for probe in probes if probe.outcome == outcome)))}"
        for outcome, sentence in _PROBED.items()
        if any(probe.outcome == outcome for probe in probes)
    ]
    counts = dict(Counter(probe.outcome for probe in probes))
    return Done(counts, f"{'; '.join(sentences)} (alprhub retention canary list)" if sentences else None)


def witnessed(tries: Sequence[Witnessed]) -> Done:
    """What bringing the audit log's proof to a witness came to; what did not arrive is not proved."""
    lost = [attempt for attempt in tries if attempt.proof is None]
    counts = {"handed_over": len(tries) - len(lost), "undelivered": len(lost)}
    return Done(counts, "; ".join(f"by {attempt.way}: {attempt.error}" for attempt in lost) or None)


def verified(found: Verified) -> Done:
    """What holding the audit log against its hashes came to; a log that was changed is not proved."""
    told = {"events": found.size, "faults": found.many}
    return Done(told, None if found.whole else f"{found.faults[0].said} (alprhub audit verify)")


_PROBED: Final = {
    "found": "still there although it had to be purged",
    "unclear": "an answer that cannot be read",
    "failed": "no answer",
}
"""Outcomes of a probe by which nothing is proved; a source that is not asked, since it is paused, is none of them."""
