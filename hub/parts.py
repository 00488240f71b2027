"""`Parts`: what every room of the hub stands on."""

from collections.abc import Callable
from dataclasses import dataclass

from connectors.contract import Frame
from hub.audit.record import Audit
from hub.clock import Clock
from hub.once import made_once
from hub.ports import Registry
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.images import ImageStore, open_images
from hub.store.vault import Vault


@dataclass(frozen=True)
class Parts:
    """The ground: one database, one clock, one record, one key, and the connectors that there are.

    `agency` is whose hub this is; `sleep` is how requests to vendors wait, and `waits` hears of it where a person does.
    """

    settings: HubSettings
    agency: str
    clock: Clock
    sleep: Callable[[float], None]
    vault: Vault
    store: Store
    audit: Audit
    registry: Registry
    waits: Callable[[str, float], None] | None = None

    @made_once
    def images(self) -> ImageStore:
        """Where pictures are kept."""
        return open_images(self.settings.images or str(self.settings.data / "images"), self.settings.images_endpoint)

    @made_once
    def frame(self) -> Frame:
        """What carries connectors."""
        return Frame(clock=self.clock, sleep=self.sleep, waits=self.waits)
