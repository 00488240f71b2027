"""`Trials`: what a run would bring, shown and not kept."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text

from connectors.contract import Connector, PullsReads, Record, Window
from connectors.errors import NotARead, RecordRejected
from hub.audit.record import Actor, Audit
from hub.clock import Clock
from hub.connections.accounts import Account, Connections
from hub.errors import Invalid, PolicyRefused
from hub.policy.profile import Profile
from hub.store.engine import Store
from normalize.fault import Unusable
from normalize.gate import accept
from normalize.plate import canonical
from normalize.read import Read

FIRST_WINDOW: Final = timedelta(days=1)
SHOWN: Final = 5
MOST: Final = 100_000


@dataclass(slots=True)
class Refused:
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
    refused: list[Refused] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)


class Trials:
    """Pulls and parses without keeping."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        profile: Profile,
        connections: Connections,
        why_refused: Callable[[Record], str | None],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._profile = profile
        self._connections = connections
        self._why_refused = why_refused

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
            raise Invalid(f"{name}: {connector.info.name} cannot be pulled, so there is nothing to try")
        window = self._window(account, connector, since, until)
        self._audit.record(
            actor, "connections.dry_run", "asked", target=name, since=window.since, until=window.until, limit=limit
        )
        trial, refused, known = Trial(name, window.since, window.until), Counter[tuple[str, str]](), set[str]()
        for page in connector.pull(window):
            room = limit - trial.pulled - trial.not_reads
            self._sort(trial, connector, account.id, page.records[:room], refused, known)
            if len(page.records) >= room:
                trial.more = True
                break
        trial.refused = [Refused(*key, count) for key, count in refused.most_common()]
        counts = {part: getattr(trial, part) for part in ("pulled", "duplicates", "quarantined", "born_expired")}
        self._audit.record(actor, "connections.dry_run", "done", target=name, results=trial.fresh, **counts)
        return trial

    def _window(
        self, account: Account, connector: Connector[Any], since: datetime | None, until: datetime | None
    ) -> Window:
        end = until or self._clock.now()
        covered = account.checkpoint.get("until")
        start = since or (datetime.fromisoformat(covered) - connector.info.look_back if covered else end - FIRST_WINDOW)
        if start >= end:
            raise Invalid("since: must lie before until")
        return Window(start, end, account.checkpoint)

    def _sort(
        self,
        trial: Trial,
        connector: Connector[Any],
        connection_id: int,
        records: Iterable[Record],
        refused: Counter[tuple[str, str]],
        known: set[str],
    ) -> None:
        now = self._clock.now()
        reads: dict[str, Read] = {}
        for record in records:
            try:
                if (reason := self._why_refused(record)) is not None:
                    raise RecordRejected("document", reason)
                read = accept(connector.parse(record), now)
                expiry = self._profile.expiry(connector.info.origin, connector.info.retention_vendor, read.captured_at)
            except NotARead:
                trial.not_reads += 1
                continue
            except PolicyRefused:  # the profile says nothing of such reads: the connection's affair, not the record's
                raise
            except (RecordRejected, Unusable) as wrong:
                trial.quarantined += 1
                refused[wrong.field, wrong.reason] += 1
            except Exception as failed:  # a fault of the connector's, which a run would put into quarantine too
                trial.quarantined += 1
                refused["record", f"could not be parsed: {type(failed).__name__} in the connector"] += 1
            else:
                if expiry.at <= now:
                    trial.born_expired += 1
                elif read.vendor_read_id in known or read.vendor_read_id in reads:
                    trial.duplicates += 1
                else:
                    reads[read.vendor_read_id] = read
            trial.pulled += 1
        kept = self._kept(connection_id, list(reads))
        known.update(reads)
        fresh = [read for ident, read in reads.items() if ident not in kept]
        trial.duplicates += len(kept)
        trial.fresh += len(fresh)
        trial.shown += [_fields(read) for read in fresh[: SHOWN - len(trial.shown)]]

    def _kept(self, connection_id: int, idents: list[str]) -> set[str]:
        sql = (
            "SELECT vendor_read_id FROM ledger WHERE connection_id = :connection"
            f" AND {self._store.one_of('vendor_read_id', 'idents')}"
        )
        with self._store.read() as connection:
            bound = {"connection": connection_id, "idents": self._store.as_list(idents)}
            return set(connection.scalars(text(sql), bound))


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
