"""What a test kills, in a process of its own."""

import sys
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from hub.audit.record import Actor
from hub.clock import SetClock
from hub.settings import HubSettings
from hub.wiring import open_hub


def sync(data: str, url: str | None, name: str, since: str, until: str, marker: str) -> None:
    """Run one sync; `marker` appears when it begins."""
    settings = HubSettings(data=Path(data), database_url=SecretStr(url) if url else None)
    with open_hub(settings) as hub:
        Path(marker).touch()
        hub.sync.run(Actor("victim"), name, datetime.fromisoformat(since), datetime.fromisoformat(until))
    sys.exit(0)


def purge(data: str, now: str, marker: str) -> None:
    """Run one purge at a set time; `marker` appears when it begins."""
    with open_hub(HubSettings(data=Path(data)), SetClock(datetime.fromisoformat(now))) as hub:
        Path(marker).touch()
        hub.retention.purge(Actor("victim"))
    sys.exit(0)


def recompute(data: str, now: str, marker: str) -> None:
    """Run one recompute at a set time; `marker` appears when it begins."""
    with open_hub(HubSettings(data=Path(data)), SetClock(datetime.fromisoformat(now))) as hub:
        Path(marker).touch()
        hub.recompute.run(Actor("victim"))
    sys.exit(0)
