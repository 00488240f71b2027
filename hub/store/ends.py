"""Giving kept reads other ends: the one place where `expires_at` and `rule` of a read change after it was saved."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from hub.store.engine import Store

_JOINS: Final = "SELECT set_config('enable_hashjoin', :how, true), set_config('enable_mergejoin', :how, true)"
"""Each read is looked up by its id: of those between the first and the last only every so manieth is meant."""


class End(NamedTuple):
    """The end that a read shall have, and the one that it had when that was found; times are in µs."""

    read_id: int
    captured_at: int
    until: int
    rule: str
    before: int


def told_end(until: int, before: int, now: int) -> int:
    """The end (µs) that is written where a read that is not over shall end at `until`: none is put into the past.

    What a change ends is over from that change on, and who asks since when it should be gone is told so.
    """
    return max(until, min(now, before))


def set_ends(store: Store, connection: Connection, ends: Iterable[End]) -> int:
    """Give reads, and what else their engines took the plates for, their ends and rules, each read once.

    A read that is gone or has another end by now is left alone; gives how many reads it was.
    """
    by_rule: dict[str, list[End]] = {}
    for end in ends:
        by_rule.setdefault(end.rule, []).append(end)
    return sum(_set(store, connection, rule, some) for rule, some in by_rule.items())


def _set(store: Store, connection: Connection, rule: str, ends: Sequence[End]) -> int:
    bound: dict[str, Any] = {"rule": rule}
    if store.is_sqlite:
        bound["rows"] = store.as_list([(end.read_id, end.until, end.before) for end in ends])
        rows = "(SELECT value ->> 0 AS id, value ->> 1 AS at, value ->> 2 AS before FROM json_each(:rows)) AS new"
        here = span = ""
    else:
        # As text, because the driver makes a list of numbers one by one, and here are very many.
        bound["ids"] = ",".join([str(end.read_id) for end in ends])
        bound["ends"] = ",".join([str(end.until) for end in ends])
        bound["before"] = ",".join([str(end.before) for end in ends])
        numbers = "CAST(string_to_array(:{}, ',') AS bigint[])"
        lists = ", ".join(map(numbers.format, ("ids", "ends", "before")))
        rows = f"unnest({lists}) AS new (id, at, before)"
        # The range of ids keeps the planner from a scan of the table; the range of times prunes partitions.
        bound |= {"first": min(end.captured_at for end in ends), "last": max(end.captured_at for end in ends)}
        bound |= {"low": min(end.read_id for end in ends), "high": max(end.read_id for end in ends)}
        here = "AND reads.captured_at BETWEEN :first AND :last AND reads.id BETWEEN :low AND :high"
        span = "AND candidates.read_id BETWEEN :low AND :high"
    connection.execute(
        text(
            f"UPDATE candidates SET expires_at = new.at FROM {rows} WHERE candidates.read_id = new.id "
            f"AND candidates.expires_at = new.before {span}"
        ),
        bound,
    )
    if not store.is_sqlite:
        connection.execute(text(_JOINS), {"how": "off"})
    given = connection.execute(
        text(
            f"UPDATE reads SET expires_at = new.at, rule = :rule FROM {rows} WHERE reads.id = new.id "
            f"AND reads.expires_at = new.before {here}"
        ),
        bound,
    ).rowcount
    if not store.is_sqlite:
        connection.execute(text(_JOINS), {"how": "on"})
    return given
