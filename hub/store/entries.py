"""Which entries of hot lists stand: an import is in force as a whole or not at all, however many turns it took."""

from typing import Final

from sqlalchemy import ColumnElement, text

STANDING: Final = """
removed_at IS NULL
AND (import_id IS NULL OR import_id NOT IN (SELECT id FROM hotlist_imports WHERE activated_at IS NULL))
AND (ended_by IS NULL OR ended_by NOT IN (SELECT id FROM hotlist_imports WHERE activated_at IS NOT NULL))
"""
"""Neither removed, nor brought by an import that is not in force yet, nor ended by one that is."""


def standing() -> ColumnElement[bool]:
    """`STANDING` for a query of `tables.entries` alone."""
    return text(f"({STANDING})")  # type: ignore[return-value]
