"""One hub from its first read to its last purge, in a process of its own.

It says on stdout, one JSON object a line, how far it is, and goes on when a line comes: whoever started it looks
meanwhile at what lies about. Flows run on a real Prefect server, and everything is logged that can be.
"""

import json
import logging
import random
import string
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from plain import PlainConnector, record, write_page
from registries import Having
from sqlalchemy import text

from connectors.contract import Document, Lookup, Page, Record, Request
from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.ingest.inbox import Inbox
from hub.people import Actor, Why
from hub.search.formats import Format
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store.spool import Spool
from hub.wiring import Hub, open_hub
from normalize.read import Read

ACTOR = Actor("tester")
WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
MAY, JUNE, NOW, THEN, LATER = (
    datetime(2026, *day, 12, tzinfo=UTC) for day in ((5, 25), (6, 1), (6, 10), (6, 20), (7, 12))
)
"""What comes at first is over `LATER`, and all of May; what comes `THEN` lives on, in June beside what is over."""

MANY = 700
OVER, LIVING = "QXZWK", "LVNGM"
"""How the plates of the many end: they are over, or live on. Both kinds lie side by side in every index."""
MARKED = {
    "pulled": "7PQLD1X", "another choice": "7CQND1X", "pushed": "7PQSH1X", "received": "7RQCV1X", "hit": "7HTQOOX",
    "looked up": "7LQKP1X", "refused": "7RQFS1X", "refused push": "7RQPS1X", "replayed": "7RQPL1X",
}  # fmt: skip
LISTED = "7HTQ0OX"
"""The entry: a look-alike of the plate that it hits. The list names it on purpose, also when the read is gone."""
ASKED = "7ASKD1X"


class Asked(PlainConnector):
    """Answers a question about one plate with one more that looks like it."""

    info = replace(PlainConnector.info, key="asked")

    def lookup(self, query: Lookup) -> Iterator[Page]:
        said = [read(900, MARKED["looked up"], JUNE), read(901, query.plate, JUNE)]
        yield Page(list(self.unpack(Document(msgspec.json.encode(said)))))


class Mended(PlainConnector):
    """Takes what was refused, as after a fix."""

    def read_of(self, record: Record) -> Read:
        payload = record.payload.replace(b"not yet a time", b"2026-06-01T09:00:00Z")
        return super().read_of(Record(record.kind, payload))


REGISTRY = Having(plain=PlainConnector, asked=Asked)


def read(number: int, plate: str, at: datetime, **more: Any) -> dict[str, Any]:
    """A read whose id and picture name it, as those of some vendors do."""
    drawn = random.Random(plate).choices(string.ascii_letters + string.digits, k=128)
    said = {"id": f"r{number}-{plate}", "picture": "".join(drawn), **more}
    return record(number, plate, at.isoformat(), **said)


def bad(plate: str, at: str = "never") -> dict[str, Any]:
    """What no read can be made of."""
    return {"id": plate, "plate": plate, "at": at}


def many(end: str, begins: Sequence[datetime]) -> list[dict[str, Any]]:
    """In no order, so that indexes grow everywhere."""
    said = [read(n, f"{n:03}{end}", begins[n % len(begins)] + timedelta(seconds=n), picture=None) for n in range(MANY)]
    random.Random(end).shuffle(said)
    return said


def write_feed(folder: Path) -> None:
    """What the vendor has."""
    write_page(folder, 1, many(OVER, (MAY, JUNE)))
    write_page(folder, 2, [
        read(1000, MARKED["pulled"], MAY, candidates=[[MARKED["another choice"], 0.4]]),
        read(1001, MARKED["hit"], JUNE),
        bad(MARKED["refused"]),
        bad(MARKED["replayed"], "not yet a time"),
    ])  # fmt: skip


def pause(stage: str, **told: Any) -> None:
    """Say how far it is, and wait."""
    sys.stdout.write(json.dumps({"stage": stage, **told}) + "\n")
    sys.stdout.flush()
    sys.stdin.readline()


def push(inbox: Inbox, *records: dict[str, Any]) -> None:
    """As the vendor does."""
    inbox.take("door", Request({"x-key": "plain-secret-key"}, Document(msgspec.json.encode(records))))


def receive(hub: Hub) -> None:
    """Pushes: on the disk first, then kept; and some kept as they come."""
    spool = Spool(hub.settings.data / "inbox")
    inbox = Inbox(spool, hub.audit, hub.clock, hub.ingest.intake, hub.ingest.pictures, hub.connections.accounts)
    push(inbox, read(2000, MARKED["pushed"], JUNE), bad(MARKED["refused push"]))
    pause("spooled")
    inbox.keep()
    spool.close()
    with hub.ingest.receiving() as inbox:
        push(inbox, read(2001, MARKED["received"], MAY))
        while list((hub.settings.data / "inbox").iterdir()):
            time.sleep(0.005)


def fill(hub: Hub, folder: Path) -> dict[str, Any]:
    """Everything that can hold a read; gives counts, to be sure of it."""
    from flows.sync import sync

    for name in ("feed", "door", "asked"):
        (folder / name).mkdir()
        kind = "asked" if name == "asked" else "plain"
        hub.connections.accounts.add(ACTOR, name, kind, {"folder": str(folder / name)})
    hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry(LISTED, "stolen", "26-1", "US-CA")])
    write_feed(folder / "feed")
    trial = hub.connections.trials.run(ACTOR, "feed", MAY - timedelta(days=1), NOW)
    told = {"tried": trial.fresh, "synced": sync(["feed"], since=MAY - timedelta(days=1))}
    receive(hub)
    REGISTRY.kinds["plain"] = Mended
    told["replayed"] = hub.ingest.quarantine.replay(ACTOR).stored
    REGISTRY.kinds["plain"] = PlainConnector
    told["looked up"] = len(hub.search.lookups.ask(ACTOR, ASKED, WHY).rows)
    query = Query(WHY, plates=("7*",), candidates=True)
    told["found"] = len(hub.search.reads.find(ACTOR, query).rows)
    (folder / "out").mkdir()
    told["exported"] = hub.search.export.run(ACTOR, query, Format.CSV, folder / "out" / "reads.csv").rows
    for name in ("feed", "door"):
        (folder / "out" / f"{name}.zip").write_bytes(hub.connections.diagnostics.bundle(ACTOR, name))
    for key in hub.ingest.images.stored():
        hub.ingest.images.put(key, hub.ingest.images.get(key))  # in a bucket, another version
    return told


def payloads(hub: Hub) -> list[str]:
    """As they are stored, in hexadecimal: those of some reads, and of all that was refused."""
    kept = text("SELECT y.payload FROM payloads y JOIN reads r ON r.id = y.read_id WHERE r.plate_raw LIKE :like")
    with hub.store.read() as connection:
        some = [one for like in ("7%", f"0_0{OVER}") for one in connection.scalars(kept, {"like": like})]
        some += connection.scalars(text("SELECT payload FROM quarantine"))
    return [bytes(one).hex() for one in some]


def main(folder: Path, settings: dict[str, Any]) -> None:
    """Live below a folder, by the settings given."""
    import heartbeats

    from flows.door import lend
    from flows.sync import sync
    from flows.upkeep import purge, vacuum

    heartbeats.hurry()
    logging.getLogger().addHandler(logging.FileHandler(folder / "logs" / "hub.log"))
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger("sqlalchemy").setLevel(logging.INFO)  # every statement; DEBUG would ask for every row by name
    clock = SetClock(NOW)
    with open_hub(HubSettings(data=folder / "data", **settings), clock, registry=REGISTRY) as hub, lend(hub):
        told = fill(hub, folder)
        clock.advance(THEN - NOW)
        for page in (folder / "feed").iterdir():
            page.unlink()  # the vendor tells of it once
        write_page(folder / "feed", 3, many(LIVING, (THEN - timedelta(hours=1),)))
        told["living"] = sync(["feed"])["stored"]
        pause("filled", told=told, payloads=payloads(hub))
        clock.advance(LATER - THEN)
        purged = purge()
        vacuum()
        left = hub.proofs.reconciliation.run(ACTOR).differences
        certified = hub.retention.certificates.verify()
    pause("purged", purged=purged, differences=len(left), certified=certified)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
