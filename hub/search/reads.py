"""`Search`: reads by plate pattern, newest first; nothing is handed out before it is on record who asked and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from hub.audit.record import Actor, Audit, Why
from hub.clock import Clock
from hub.errors import HubError, Invalid, PolicyRefused
from hub.policy.profile import Profile
from hub.search.pattern import Pattern
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

MOST_ROWS: Final = 1000
_HOLLOW: Final = frozenset({"test", "testing", "n/a", "na", "none", "x", "-", "asdf", "check", "search"})


@dataclass(frozen=True, slots=True)
class Found:
    """One read that matched, with where it comes from and why it matched."""

    id: int
    plate: str
    plate_raw: str
    plate_state: str | None
    captured_at: datetime
    zone: str
    camera: str
    connection: str
    plate_confidence: float | None
    expires_at: datetime
    why: str


class Search:
    """Searches the store."""

    def __init__(self, store: Store, audit: Audit, clock: Clock, profile: Profile) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._profile = profile

    def find(self, actor: Actor, pattern: str, why: Why, limit: int = 100) -> list[Found]:
        """The newest visible reads whose plate fits the pattern.

        Raises `PolicyRefused` without a purpose of the profile or a reason that says something, and `Invalid` for a
        pattern that names nothing; a refusal is on record too.
        """
        try:
            self._allowed(why)
            wanted = Pattern.parse(pattern)
            if not 1 <= limit <= MOST_ROWS:
                raise Invalid(f"limit: must lie between 1 and {MOST_ROWS}")
        except HubError as refused:
            self._audit.record(actor, "reads.search", "refused", why=why, pattern=pattern, refusal=str(refused))
            raise
        found = self._rows(wanted, limit)
        self._audit.record(actor, "reads.search", "done", why=why, results=len(found), pattern=wanted.text)
        return found

    def _allowed(self, why: Why) -> None:
        if not why.purpose.strip():
            raise PolicyRefused(f"purpose: is missing; one of {', '.join(self._profile.purposes)}")
        if why.purpose not in self._profile.purposes:
            raise PolicyRefused(
                f"purpose: {why.purpose!r} is none of this agency's; they are {', '.join(self._profile.purposes)}"
            )
        reason = why.reason.strip()
        if not reason or reason.casefold() in _HOLLOW or len(reason) < 4:
            raise PolicyRefused("reason: must say in words why (Civ. Code 1798.90.52(a)(4))")

    def _rows(self, pattern: Pattern, limit: int) -> list[Found]:
        condition = "p.plate = :pattern" if pattern.exact else "p.plate LIKE :pattern"
        sql = f"""
            SELECT r.id, p.plate, r.plate_raw, r.plate_state, r.captured_at, r.zone,
                   coalesce(c.name, c.vendor_id) AS camera, n.name AS connection, r.plate_confidence, r.expires_at
            FROM plates p
            JOIN reads r ON r.plate_id = p.id
            JOIN cameras c ON c.id = r.camera_id
            JOIN connections n ON n.id = r.connection_id
            WHERE {condition} AND r.expires_at > :now
            ORDER BY r.captured_at DESC, r.id DESC LIMIT :limit
        """
        bound: dict[str, Any] = {
            "pattern": pattern.like(),
            "now": to_micros(self._clock.now()),
            "limit": limit,
        }
        reason = "exact" if pattern.exact else f"fits {pattern.text}"
        with self._store.read() as connection:
            return [
                Found(
                    **{
                        **row,
                        "captured_at": from_micros(row["captured_at"]),
                        "expires_at": from_micros(row["expires_at"]),
                    },
                    why=reason,
                )
                for row in connection.execute(text(sql), bound).mappings()
            ]
