"""The rows of the audit log: each event at its place in the log's tree, whose head is kept beside them.

An event is a mapping as it goes on record: JSON's own types alone, with `event_id`, `at` (RFC 3339, UTC, µs), `actor`,
`action` and `outcome` in any case. Its columns here are for finding it; what is proved is its document.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, text

from hub.errors import IntegrityBroken
from hub.store.instant import from_micros, to_micros
from hub.transparency.leaf import Leaf, grown
from hub.transparency.tree import WIDTH, Frontier

Event = Mapping[str, Any]
BATCH: Final = 1000
"""Events that are read or written at once."""
_EXACT: Final = 1 << 53
_HEAD: Final = text("SELECT size, roots FROM audit_head")
_GROWN: Final = text("UPDATE audit_head SET size = :size, roots = :roots")
_SINCE: Final = text("SELECT count(*) FROM audit_events WHERE id > :before")
_PUT: Final = text(
    "INSERT INTO audit_events (id, event_id, at, actor, action, outcome, document, leaf)"
    " VALUES (:id, :event_id, :at, :actor, :action, :outcome, :document, :leaf)"
)


def written(micros: int) -> str:
    """A time (µs) as an event says it."""
    return from_micros(micros).isoformat(timespec="microseconds").replace("+00:00", "Z")


def micros_of(event: Event) -> int:
    """When an event was (µs)."""
    return to_micros(datetime.fromisoformat(event["at"]))


def head(connection: Connection) -> Frontier:
    """The tree as it is."""
    row = connection.execute(_HEAD).one()
    roots = bytes(row.roots)
    return Frontier(row.size, [roots[at : at + WIDTH] for at in range(0, len(roots), WIDTH)])


def put(connection: Connection, events: Sequence[Event]) -> None:
    """Append events, in their order; nobody else may append meanwhile.

    Raises `IntegrityBroken` where the log does not take every one.
    """
    if not events:
        return
    tree = head(connection)
    before = tree.size
    connection.execute(_PUT, [_row(event, placed) for event, placed in zip(events, grown(tree, events), strict=True)])
    if (taken := connection.scalar(_SINCE, {"before": before})) != len(events):
        raise IntegrityBroken(f"the audit log took {taken} of {len(events)} events")
    connection.execute(_GROWN, {"size": tree.size, "roots": b"".join(tree.roots)})


def take_over(connection: Connection, former: str) -> None:
    """Append what stands in a table of a version that had no tree, in its order."""
    after = 0
    query = text(f"SELECT * FROM {former} WHERE id > :after ORDER BY id LIMIT {BATCH}")
    while rows := connection.execute(query, {"after": after}).all():
        put(connection, [former_event(row) for row in rows])
        after = rows[-1].id


def exact(value: Any) -> Any:
    """A value of JSON in which a number that not every reader has exactly is its digits."""
    if isinstance(value, dict):
        return {name: exact(each) for name, each in value.items()}
    if isinstance(value, list):
        return [exact(each) for each in value]
    if isinstance(value, int) and not -_EXACT < value < _EXACT:
        return str(value)
    return value


def former_event(row: Row[Any]) -> Event:
    """What a row says that has its event in columns, as a version before wrote it."""
    values = row._asdict()
    ident = values.pop("id")
    return {
        **values,
        "event_id": values.get("event_id") or f"former-{ident}",
        "at": written(values["at"]),
        "authenticated": bool(values["authenticated"]),
        "detail": exact(msgspec.json.decode(values["detail"])),
    }


def _row(event: Event, placed: Leaf) -> dict[str, Any]:
    return {
        "id": placed.place + 1, "event_id": event["event_id"], "at": micros_of(event),
        "actor": event["actor"], "action": event["action"], "outcome": event["outcome"],
        "document": placed.document.decode(), "leaf": placed.hash,
    }  # fmt: skip
