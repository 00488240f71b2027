"""Prefect's heartbeats, for whose thread the end of each flow waits: it sleeps for a second at a time."""

import time
from importlib import import_module
from types import SimpleNamespace


def hurry() -> None:
    """Let that thread of this process sleep for a fiftieth of it."""
    import_module("flows")  # what it says of Prefect's settings counts only before Prefect is imported
    engine = import_module("prefect.flow_engine")
    engine.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50))  # type: ignore[attr-defined]
