"""A contract as it is kept beside its connection, and as people read it."""

from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, insert

from hub.people import Actor
from hub.policy.contract import SourceContract
from hub.policy.durations import Duration
from hub.store import tables
from hub.store.canonical import canonical_json

WITH_IT: Final = "it came with the connection"
_TABLE: Final = tables.contracts


def written(contract: SourceContract) -> str:
    """A contract as it is kept: canonical JSON of what it says."""
    return canonical_json(contract.model_dump(mode="json", exclude_none=True)).decode()


def keep(
    connection: Connection, ident: int, document: str | None, actor: Actor, now: int, reason: str, approval: int | None
) -> None:
    """Keep what a connection's contract is from now (µs) on."""
    digest = None if document is None else sha256(document.encode()).hexdigest()
    connection.execute(
        insert(_TABLE).values(
            connection_id=ident, document=document, sha256=digest, reason=reason, set_at=now, set_by=actor.name,
            approval_id=approval,
        )
    )  # fmt: skip


def in_words(contract: SourceContract) -> str:
    """What a contract says, as people read it."""
    parts = []
    for what, term in (("at most", contract.ceiling), ("at least", contract.floor)):
        if term is not None:
            start = "its capture" if term.clock == "captured_at" else "its receipt"
            parts.append(
                f"a read is kept {what} {Duration.parse(term.dur).words()} from {start} ({contract.clause(term.ref)})"
            )
    if contract.owner:
        parts.append(f"the data are those of {contract.owner}")
    if contract.sharing is not None:
        forbidden = [_USES[use] for use in contract.sharing.forbids]
        parts.append(f"forbidden: {', '.join(forbidden)} ({contract.clause(contract.sharing.ref)})")
    if contract.deletion is not None:
        end = f"the vendor deletes its copy within {Duration.parse(contract.deletion.within).words()} of the end"
        parts.append(f"{end} ({contract.clause(contract.deletion.ref)})")
    return "; ".join(parts)


_USES: Final = {"export": "that reads leave in files", "hot_lists": "that hot lists go to it"}
