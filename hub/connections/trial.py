"""`Trials`: what a run would bring, shown and not kept."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connectors.contract import LooksUpPlates, PullsReads
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.connections.accounts import Connections
from hub.errors import Invalid
from hub.people import Actor
from hub.ports import LooksAtRecords, Windows
from hub.store.engine import Store
from hub.store.ledger import known as known_ids
from hub.store.page import PageToSave
from hub.store.visible import is_visible
from normalize.plate import canonical
from normalize.read import Read

SHOWN: Final = 5
MOST: Final = 100_000


@dataclass(slots=True)
class AlikeRefusals:
    """Records that would go to quarantine alike."""

    field: str
    reason: str
    count: int


@dataclass(slots=True)
class Trial:
    """What a run over a window would bring: `pulled` = `fresh` + `duplicates` + `quarantined` + `born_expired`.

    `not_reads` are records that are as they should be and tell of no plate. `more` says that the limit ended it. Of the
    first reads `shown` tells the fields, of their plates only the shape (`9AAA999`): trying a source is no reason to
    see whom it saw.
    """

    connection: str
    since: datetime
    until: datetime
    pulled: int = 0
    fresh: int = 0
    duplicates: int = 0
    quarantined: int = 0
    born_expired: int = 0
    not_reads: int = 0
    more: bool = False
    refused: list[AlikeRefusals] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)


class Trials:
    """Pulls and parses without keeping: the window and the reads are ingest's own, so that a run brings the same."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        connections: Connections,
        windows: Windows,
        intake: LooksAtRecords,
    ) -> None:
        self._store = store
        self._audit = audit
        self._connections = connections
        self._windows = windows
        self._intake = intake

    def run(
        self,
        actor: Actor,
        name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> Trial:
        """Pull at most `limit` records of a window, by default of the one that the next run would take.

        Nothing is kept and no checkpoint moves; a paused connection may be tried. Raises `Invalid` for a source that
        cannot be pulled, and what the connector raises.
        """
        if not 1 <= limit <= MOST:
            raise Invalid(f"limit: from 1 to {MOST}")
        account, connector = self._connections.open(name)
        if not isinstance(connector, PullsReads):
            how = (
                f"answers one plate at a time: alprhub sync {name} asks for those that hot lists watch"
                if isinstance(connector, LooksUpPlates)
                else "sends its reads by itself, and alprhub serve takes them"
            )
            raise Invalid(f"{name} cannot be pulled, so there is nothing to try: {connector.info.name} {how}")
        window = self._windows.window(account, connector, since, until)
        if window is None:
            raise Invalid(f"until: {name} is up to it, so there is nothing to try; say since when")
        self._audit.record(
            actor,
            Act.CONNECTIONS_DRY_RUN,
            Outcome.ASKED,
            target=name,
            since=window.since,
            until=window.until,
            limit=limit,
        )
        trial, refused, known = Trial(name, window.since, window.until), Counter[tuple[str, str]](), set[str]()
        with connector:
            for page in connector.pull(window):
                room = limit - trial.pulled - trial.not_reads
                records = page.records[:room]
                self._sort(trial, self._intake.look(connector, account.id, records), len(records), refused, known)
                if len(page.records) >= room:
                    trial.more = True
                    break
        trial.refused = [AlikeRefusals(*key, count) for key, count in refused.most_common()]
        counts = {part: getattr(trial, part) for part in ("pulled", "duplicates", "quarantined", "born_expired")}
        self._audit.record(actor, Act.CONNECTIONS_DRY_RUN, Outcome.DONE, target=name, results=trial.fresh, **counts)
        return trial

    def _sort(
        self, trial: Trial, looked: PageToSave, records: int, refused: Counter[tuple[str, str]], known: set[str]
    ) -> None:
        """Count what a page would bring."""
        refused.update((rejected.field, rejected.reason) for rejected in looked.rejected)
        # What only a hit would keep is over: a trial asks no hot list.
        alive = [accepted.read for accepted in looked.accepted if is_visible(accepted.expires_at, looked.received_at)]
        reads: dict[str, Read] = {}
        for read in alive:
            if read.vendor_read_id not in known:
                reads.setdefault(read.vendor_read_id, read)
        with self._store.read() as connection:
            kept = known_ids(self._store, connection, looked.connection_id, list(reads))
        fresh = [read for ident, read in reads.items() if ident not in kept]
        known.update(reads)
        counted = len(looked.accepted) + len(looked.rejected) + looked.born_expired
        trial.pulled += counted
        trial.not_reads += records - counted
        trial.quarantined += len(looked.rejected)
        trial.born_expired += looked.born_expired + len(looked.accepted) - len(alive)
        trial.duplicates += len(alive) - len(fresh)
        trial.fresh += len(fresh)
        trial.shown += [_fields(read) for read in fresh[: SHOWN - len(trial.shown)]]


def shape(plate: str) -> str:
    """The shape of a plate: A for a letter, 9 for a digit, anything else as it is."""
    return "".join("A" if char.isalpha() else "9" if char.isdigit() else char for char in plate)


def _fields(read: Read) -> dict[str, Any]:
    # Some sources have no ids of their own, and make them of the plate.
    tells = canonical(read.plate_raw) in canonical(read.vendor_read_id)
    return {
        "vendor_read_id": None if tells else read.vendor_read_id,
        "plate_shape": shape(read.plate_raw),
        "plate_state": read.state.code,
        "plate_country": read.plate_country,
        "plate_confidence": read.plate_confidence,
        "captured_at": read.captured_at,
        "zone": str(read.zone),
        "camera": read.camera.name or read.camera.id,
        "place": [read.place.latitude, read.place.longitude] if read.place else None,
        "make": read.vehicle.make.code,
        "colour": read.vehicle.colour.code,
        "body": read.vehicle.body.code,
        "candidates": len(read.candidates),
        "images": len(read.images),
        "matches": len(read.matches),
    }
