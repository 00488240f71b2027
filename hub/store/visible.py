"""What has expired is gone at the instant: the one place that says which rows may still be seen.

A row is visible while its `expires_at` lies in the future, purged or not, held or not. Nothing else compares the two.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, or_

from hub.store import tables


def visible(table: Table, now: int) -> ColumnElement[bool]:
    """The rows of a table that may be seen at `now` (µs)."""
    return table.c.expires_at > now


def visible_sql(alias: str = "", *, off_index: bool = False) -> str:
    """`visible` as SQL that binds `:now` (µs), for a table by its alias.

    `off_index` keeps planners from walking the index of expiries, which holds nearly every read: a unary plus.
    """
    column = f"{alias}.expires_at" if alias else "expires_at"
    return f"{'+' * off_index}{column} > :now"


def is_visible(expires_at: datetime, now: datetime) -> bool:
    """`visible` of one row, as people are told times."""
    return expires_at > now


def listed(now: int) -> ColumnElement[bool]:
    """The entries of hot lists whose time is not over at `now` (µs); one without an end has all time."""
    entries = tables.entries
    return or_(entries.c.expires_at.is_(None), visible(entries, now))


LISTED: Final = f"(expires_at IS NULL OR {visible_sql()})"
"""`listed` as SQL that binds `:now` (µs)."""
