"""The certificate of a removal: who ended what, when and why, what was proved and what was not; with its digest.

It says what the hub knows and no more: what it did itself, what it saw at the vendor, and what it could not see.
"""

from datetime import datetime, tzinfo
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from hub.connections.waiting import Waiting
from hub.errors import IntegrityBroken
from hub.people import Actor
from hub.policy.contract import SourceContract
from hub.policy.durations import Duration
from hub.store.canonical import canonical_json, digest_of_json
from hub.store.engine import Traces
from hub.store.instant import from_micros
from hub.store.provenance import provenance_of
from normalize.times import rfc3339

SECRETS: Final = "erased from the hub's database; not revoked at the vendor, and not looked for in backups"
FILE: Final[dict[Traces, str]] = {
    "vacuum": "bytes of what is erased may be left in the database's file until it is written anew, the night after",
    "encrypted": "bytes of what is erased may be left in the database's file; its disk is encrypted, says a setting",
    "server": "bytes of what is erased are left in the files of the database's server until it uses their room again",
}
SCHEDULE: Final = "the hub starts no run of it any more, and refuses every run that a scheduler still asks for"

VENDORS: Final = "the hub does not see the vendor's copy: have the vendor certify in writing that it is deleted"
REFUSED: Final = "the hub refuses whatever it still pushes"


def written(
    row: Row[Any],
    begun: Row[Any],
    steps: dict[str, Any],
    pushes: Waiting,
    actor: Actor,
    now: datetime,
    traces: Traces,
    zone: tzinfo,
) -> tuple[str, str]:
    """The certificate as canonical JSON (keys in order, no blanks), and its SHA-256."""
    subscriptions = _plain(steps["subscriptions"])
    lists = [_plain(step) for _, step in sorted(steps["hot_lists"].items())]
    unproved = [_unproved(f"hot list {entry['list']}", entry) for entry in lists if not entry["proved"]]
    if not subscriptions["proved"]:
        what = "the end of its source's pushes" if subscriptions.get("note") else "subscriptions"
        unproved.insert(0, _unproved(what, subscriptions))
    unproved += _left_behind(pushes, row.id)
    contract = provenance_of(row).contract
    certificate = {
        "connection": row.name,
        "connector": row.connector,
        "kind": row.kind,
        "agency": row.agency,
        "added_at": rfc3339(from_micros(row.added_at), "seconds"),
        "begun_at": rfc3339(from_micros(begun.started_at), "seconds"),
        "begun_by": begun.actor,
        "ended_at": rfc3339(now, "seconds"),
        "ended_by": actor.name,
        "authenticated": actor.authenticated,
        "reason": begun.reason,
        "subscriptions": subscriptions,
        "hot_lists": lists,
        "reads": _plain(steps["reads"]),
        "secrets": SECRETS,
        "database_file": FILE[traces],
        "schedule": SCHEDULE,
        **({} if contract is None else {"contract": _agreed(contract, now, zone)}),
        "proof_missing": [entry["what"] for entry in unproved],
        "not_proved": unproved,
    }
    body = canonical_json(certificate)
    return body.decode(), digest_of_json(body)


def checked(text: str, digest: str) -> dict[str, Any]:
    """The certificate and its digest; raises `IntegrityBroken` where one does not fit the other."""
    if digest_of_json(text.encode()) != digest:
        raise IntegrityBroken("the certificate is not the one that was written: its digest does not fit")
    return {"certificate": msgspec.json.decode(text), "sha256": digest}


def _agreed(contract: SourceContract, now: datetime, zone: tzinfo) -> dict[str, Any]:
    """What the contract says of the end: whose the data are, and until when the vendor deletes its copy."""
    agreed: dict[str, Any] = {"number": contract.contract_id, "owner": contract.owner}
    if contract.deletion is not None:
        until = Duration.parse(contract.deletion.within).ceiling(now, zone)
        agreed["vendor_deletes_until"] = rfc3339(until, "seconds")
        agreed["clause"] = contract.clause(contract.deletion.ref)
        agreed["proof"] = VENDORS
    return agreed


def _unproved(what: str, step: dict[str, Any]) -> dict[str, Any]:
    """A step that is not proved: what stood against it, and why somebody went on without proof."""
    because = step.get("error") or "nobody could see that nothing of it is left there"
    if step.get("note"):
        because = f"only a person can tell the source to stop, and the hub cannot see that it did; {REFUSED}"
    return {"what": what, "because": because, "forced": step.get("forced")}


def _left_behind(pushes: Waiting, connection_id: int) -> list[dict[str, Any]]:
    """What was pushed and is no read yet: purging reads does not reach it."""
    entries = []
    if pushes.counts is None or pushes.counts.get(connection_id):
        because = "they lie in the inbox; a receiver that is up drops them within a minute, and says so in the audit"
        entries.append({"what": "pushes that were not kept yet", "because": because, "forced": None})
    if pushes.set_aside:
        because = (
            "they cannot be read, so whose they are is not known; what names this connection alone goes within a minute"
            " where a receiver is up, the rest when the shortest period is over of the connections that they may be of"
        )
        entries.append({"what": "pushes that were set aside", "because": because, "forced": None})
    return entries


def _plain(step: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != "over"}
