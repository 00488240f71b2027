"""Runs flows on a real Prefect server, in a process of its own: one JSON object on stdout says what came back.

Every text that a vendor says here, and every plate, holds the mark given as the second argument.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import heartbeats
from plain import PlainConnector, record, write_page
from registries import PLAIN
from sqlalchemy import text

from connectors.contract import Document, Page
from connectors.errors import TryAgain
from flows.door import lend
from flows.publish import publish, verify
from flows.sync import sync
from flows.upkeep import purge
from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.people import Actor
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
    """Each flow once, and three ways to fail."""
    made.connections.accounts.add(Actor("tester"), "feed", "plain", {"folder": str(folder)})
    made.hotlists.lists.load(Actor("tester"), "wanted", [NewEntry(mark, f"{mark} was stolen", "26-1", "US-CA")])
    write_page(folder, 1, [record(1, mark, "2026-06-01T11:00:00Z"), {"id": mark, "plate": mark, "at": mark}])
    told: dict[str, Any] = {
        "sync": sync(["feed"], since=datetime(2026, 5, 1, tzinfo=UTC)),
        "again": sync(["feed"]),
        "purge": purge(),
        "publish": publish(["wanted"]),
    }
    PlainConnector.list_remote = raising(TryAgain(f"nobody may see {mark}"))  # type: ignore[method-assign]
    told["verify"] = outcome(lambda: verify(["wanted"], ["feed"]))
    PlainConnector.pull = raising(TryAgain(f"the vendor is down over {mark}"))  # type: ignore[method-assign]
    told["down"] = outcome(lambda: sync(["feed"]))
    with made.store.write() as connection:  # a defect of ours, whose message quotes the row
        connection.execute(text("ALTER TABLE plates RENAME TO elsewhere"))
    body = Document(json.dumps([record(2, mark, "2026-06-01T11:30:00Z")]).encode())
    PlainConnector.pull = lambda self, _: iter([Page(list(self.unpack(body)))])  # type: ignore[method-assign]
    told["broken"] = outcome(lambda: sync(["feed"]))
    return told


def main(folder: Path, mark: str) -> None:
    """Run everything on a hub below a folder and print what came of it."""
    heartbeats.hurry()
    (folder / "feed").mkdir()
    with open_hub(HubSettings(data=folder / "hub"), SetClock(NOW), registry=PLAIN) as made, lend(made):
        told = everything(made, folder / "feed", mark)
        with made.store.read() as connection:
            runs = connection.execute(text("SELECT outcome, error FROM runs ORDER BY id")).all()
    sys.stdout.write(json.dumps({"told": told, "runs": [list(run) for run in runs]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
