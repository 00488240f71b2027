"""Prefect's heartbeats, for whose thread the end of each flow waits: it sleeps for a second at a time."""

import time
from types import SimpleNamespace

import prefect.flow_engine


def hurry() -> None:
    """Let that thread of this process sleep for a fiftieth of it."""
    prefect.flow_engine.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50))
