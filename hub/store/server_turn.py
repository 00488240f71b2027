"""The turn to write that a PostgreSQL server gives: a lock of a transaction, whose holder's session says who he is."""

import os
import re
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from hub.store.turn import Holder

WRITER: Final = 0x616C7072  # "alpr"
"""The lock of whoever changes the database."""
APPENDER: Final = 0x61756474  # "audt"
"""The lock of whoever appends to the audit log."""
_TURN: Final = """
SELECT set_config('lock_timeout', :patience, true), pg_advisory_xact_lock(:lock), set_config('lock_timeout', '0', true),
  set_config('application_name', :who || ' ' || CAST(extract(epoch FROM clock_timestamp()) AS bigint) || :doing, true),
  set_config('synchronous_commit', {}, true)
"""
"""Evaluated from left to right; the session's `application_name` says who has the turn, since when, and what for."""
_WRITES: Final = """
SELECT a.application_name FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = :lock
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_TOO_LONG: Final = "55P03"
_WAITS: Final = """
CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END
"""
"""A durable write keeps the server's `synchronous_commit`, which may wait for replicas too, and sets `on` for `off`."""


def take(connection: Connection, durable: bool, doing: str, patience: float, lock: int = WRITER) -> bool:
    """Have the turn until the end of the transaction; gives whether it came within so many seconds."""
    bound = {
        "patience": str(max(round(patience * 1000), 1)), "lock": lock,
        "who": f"alprhub {os.getpid()}", "doing": f" {doing}" if doing else "",
    }  # fmt: skip
    try:
        connection.execute(text(_TURN.format(_WAITS if durable else "'off'")), bound)
    except OperationalError as failed:
        if getattr(failed.orig, "sqlstate", None) == _TOO_LONG:
            return False
        raise
    return True


def holder(reader: Engine, lock: int = WRITER) -> Holder:
    """Who has the turn now."""
    with reader.connect() as connection:
        note = connection.scalar(text(_WRITES), {"lock": lock}) or ""
        now = connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
    match = re.fullmatch(r"alprhub (\d+) (\d+) ?(.*)", note)
    return Holder(int(match[1]), float(match[2]), match[3]) if match else Holder(None, float(now or 0), "")
