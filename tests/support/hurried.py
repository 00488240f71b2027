"""The flow `sync` as a process runs it that waits less before it takes another for dead: real processes die in tests.

What it waits for is what it waits for in a house of an agency; only the times are shorter.
"""

from datetime import timedelta

import heartbeats

import flows.sweep as sweeping
import hub.jobs.record as record
from flows.sync import sync

__all__ = ["sync"]

record.BEAT, record.DEAD = timedelta(seconds=2), timedelta(seconds=12)  # type: ignore[misc]
sweeping.GONE = timedelta(seconds=15)  # type: ignore[misc]
heartbeats.hurry()
