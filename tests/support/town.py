"""A town for analysis: two connections whose cameras somebody has placed, and when things happened there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text

from connectors.contract import Document
from hub.analysis.service import Analysis
from hub.people import Actor, Why
from hub.wiring import Hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
PLATE = "7SYN123"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LOCAL = ZoneInfo("America/Los_Angeles")
NORTH = 1 / 111_195
"""Degrees of latitude to a metre."""

Seen = tuple[str, str, datetime]
"""A plate at a camera at an instant; `CAMERA@STATE` where the plate's state is not California, `CAMERA@` for none."""


class Town:
    """A hub with two connections, `feed` and `other`, whose cameras somebody has placed."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = hub
        self.ask = Analysis(hub.store, hub.asking, hub.clock, hub.governing)
        self._count = 0
        (folder / "other").mkdir()
        hub.connections.add(Actor("tester"), "other", "plain", {"folder": str(folder / "other")})

    def saw(self, *reads: Seen, connection: str = "feed") -> None:
        """Keep reads of a connection."""
        account, connector = self.hub.connections.open(connection)
        body = []
        for plate, camera, moment in reads:
            self._count += 1
            name, _, state = camera.partition("@")
            state = state if "@" in camera else "us-ca"
            body.append(
                {"id": f"r{self._count}", "plate": plate, "at": moment.isoformat(), "camera": name, "state": state}
            )
        page = connector.unpack(Document(msgspec.json.encode(body)))
        self.hub.intake.take(connector, account.id, page, obtained="pull")

    def place(self, camera: str, metres: float | None = None, site: str | None = None) -> None:
        """Put a camera so many metres north of the pier, and at a site; without them, nowhere."""
        self.change(
            "UPDATE cameras SET latitude = :north, longitude = :east, site = :site WHERE vendor_id = :camera",
            north=None if metres is None else north(metres),
            east=None if metres is None else -118.4,
            site=site,
            camera=camera,
        )

    def change(self, statement: str, **bound: Any) -> None:
        """Change the store behind the hub's back."""
        with self.hub.store.write() as connection:
            connection.execute(text(statement), bound)


def north(metres: float) -> float:
    """A latitude so many metres north of the pier."""
    return 33.86 + metres * NORTH


def at(minutes: float) -> datetime:
    """An instant so many minutes after eight in the morning, UTC, of the day on which everybody asks."""
    return NOON - timedelta(hours=4) + timedelta(minutes=minutes)


def local(day: int, hour: float) -> datetime:
    """A time on the clock of the agency, `day` days after Sunday 3 May 2026."""
    return (datetime(2026, 5, 3, tzinfo=LOCAL) + timedelta(days=day, hours=hour)).astimezone(UTC)
