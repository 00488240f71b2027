"""The certificate of a removal: who ended what, when and why, what was proved and what was not; with its digest."""

from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Row

from hub.audit.record import Actor
from hub.errors import IntegrityBroken
from hub.store.instant import from_micros


def written(row: Row[Any], begun: Row[Any], steps: dict[str, Any], actor: Actor, now: datetime) -> tuple[str, str]:
    """The certificate as canonical JSON (keys in order, no blanks), and its SHA-256."""
    subscriptions = _plain(steps["subscriptions"])
    lists = [_plain(one) for _, one in sorted(steps["hot_lists"].items())]
    unproved = [f"hot list {one['list']}" for one in lists if not one["proved"]]
    if not subscriptions["proved"]:
        unproved.insert(0, "subscriptions")
    certificate = {
        "connection": row.name,
        "connector": row.connector,
        "kind": row.kind,
        "agency": row.agency,
        "added_at": _iso(from_micros(row.added_at)),
        "begun_at": _iso(from_micros(begun.started_at)),
        "begun_by": begun.actor,
        "ended_at": _iso(now),
        "ended_by": actor.name,
        "authenticated": actor.authenticated,
        "reason": begun.reason,
        "subscriptions": subscriptions,
        "hot_lists": lists,
        "reads": _plain(steps["reads"]),
        "secrets": "destroyed",
        "schedule": "ended",
        "proof_missing": unproved,
    }
    body = msgspec.json.encode(certificate, order="sorted")
    return body.decode(), sha256(body).hexdigest()


def checked(text: str, digest: str) -> dict[str, Any]:
    """The certificate and its digest; raises `IntegrityBroken` where one does not fit the other."""
    if sha256(text.encode()).hexdigest() != digest:
        raise IntegrityBroken("the certificate is not the one that was written: its digest does not fit")
    return {"certificate": msgspec.json.decode(text), "sha256": digest}


def _plain(step: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != "over"}


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
