"""A push, taken and kept at once, pictures and all: what the receiver's threads do a moment later."""

from connectors.contract import Request
from hub.ingest.inbox import Inbox
from hub.store.page import Saved
from hub.store.spool import Spool
from hub.wiring import Hub


def receive(hub: Hub, name: str, request: Request) -> Saved:
    """What became of a push; raises `Refused` where its sender did not prove itself."""
    spool = Spool(hub.settings.data / "inbox")
    try:
        inbox = Inbox(spool, hub.audit, hub.clock, hub.intake, hub.pictures, hub.connections.open)
        inbox.take(name, request)
        saved = inbox.keep()
    finally:
        spool.close()
    account, connector = hub.connections.open(name)
    hub.pictures.fetch(connector, account.id)
    return saved
