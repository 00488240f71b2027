"""What a test kills: one sync, in a process of its own."""

import sys
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from hub.audit.record import Actor
from hub.settings import HubSettings
from hub.wiring import open_hub


def sync(data: str, url: str | None, name: str, since: str, until: str, marker: str) -> None:
    """Run one sync; `marker` appears when it begins."""
    settings = HubSettings(data=Path(data), database_url=SecretStr(url) if url else None)
    with open_hub(settings) as hub:
        Path(marker).touch()
        hub.sync.run(Actor("victim"), name, datetime.fromisoformat(since), datetime.fromisoformat(until))
    sys.exit(0)
