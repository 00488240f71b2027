"""Runs flows on a real Prefect server, in a process of its own: one JSON object on stdout says what came back.

Every text that a vendor says here, and every plate, holds the mark given as the second argument.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plain import PlainConnector, record, write_page
from prefect import flow as any_flow
from sqlalchemy import text

import hub.connections.accounts as accounts
from connectors.contract import Entry
from connectors.errors import AdminMustFix, TryAgain
from flows.door import lend
from flows.publish import publish, verify
from flows.purge import purge
from flows.sync import read_cameras, sync
from hub.audit.record import Actor
from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def outcome(run: Callable[[], Any]) -> Any:
    """What a flow gave, or the class and text of what it raised."""
    try:
        return run()
    except Exception as failed:
        return f"{type(failed).__name__}: {failed}"


def raising(error: Exception) -> Callable[..., Any]:
    """A method that a vendor answers badly."""

    def fail(*_: Any) -> Any:
        raise error

    return fail


def everything(made: Hub, folder: Path, mark: str) -> dict[str, Any]:
    """Each flow once when all is well, then each way to fail."""
    made.connections.add(Actor("tester"), "feed", "plain", {"folder": str(folder)})
    made.hotlists.load(Actor("tester"), "wanted", [NewEntry(mark, f"{mark} was stolen", "26-1", "US-CA")])
    write_page(folder, 1, [record(1, mark, "2026-06-01T11:00:00Z"), {"id": mark, "plate": mark, "at": mark}])
    told: dict[str, Any] = {
        "sync": sync("feed", since=datetime(2026, 5, 1, tzinfo=UTC)),
        "again": read_cameras("feed"),
        "publish": publish("wanted"),
        "verify": verify("wanted", ["feed"]),
        "purge": purge(),
    }
    PlainConnector.push = raising(TryAgain(f"the vendor refused {mark}"))  # type: ignore[method-assign]
    told["push refused"] = publish("wanted")
    PlainConnector.pull = raising(TryAgain(f"the vendor is down over {mark}"))  # type: ignore[method-assign]
    told["down"] = outcome(lambda: sync("feed"))
    PlainConnector.pull = raising(RuntimeError(f"nobody foresaw {mark}"))  # type: ignore[method-assign]
    told["unforeseen"] = outcome(lambda: sync("feed"))
    with made.store.write() as connection:
        connection.execute(text("DROP TABLE payloads"))
    write_page(folder, 2, [record(2, mark, "2026-06-01T11:30:00Z")])
    PlainConnector.pull = lambda self, window: iter(  # type: ignore[method-assign]
        [type("P", (), {"records": self.unpack_file(folder / "page-002.json"), "checkpoint": None})()]
    )
    told["database"] = outcome(lambda: sync("feed"))
    PlainConnector.pull = raising(AdminMustFix(f"the key of {mark} was revoked"))  # type: ignore[method-assign]
    told["revoked"] = outcome(lambda: sync("feed"))
    told["paused"] = outcome(lambda: sync("feed"))
    told["unknown list"] = outcome(lambda: publish("nobody's"))
    return told
