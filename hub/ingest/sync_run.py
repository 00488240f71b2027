"""`SyncRun`: one run of a pull while it goes on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.contract import Page
from hub.ingest.drift import Drift
from hub.ingest.windows import WindowToPull, until_of


class SyncRun:
    """One run while it runs: which leg it pulls, how far its pages vouch, and what was refused."""

    def __init__(self, ident: int, leg: WindowToPull) -> None:
        self.id = ident
        self.leg = leg
        self.drift = Drift()
        self.until: datetime | None = None
        """Until when everything of the window is kept, as far as pages have said so."""
        self.unfinished: str | None = None
        """What is left for the next run."""

    def checkpoint(self, page: Page) -> Mapping[str, Any] | None:
        """The connection's checkpoint once a page is kept.

        Its `until` never moves back, and never over a gap between it and the window.
        """
        if page.checkpoint is None or self.leg.again:
            return None
        until, stands = until_of(page.checkpoint), self.leg.stands_at
        if until is None or stands is None or self.leg.window.since <= stands <= until:
            return page.checkpoint
        return {**page.checkpoint, "until": stands.isoformat()}

    def kept(self, page: Page) -> None:
        """A page was kept, with what it vouches for unless the vendor has changed."""
        if not self.drift.changed and page.checkpoint is not None:
            self.until = until_of(page.checkpoint) or self.until
