"""`Reparse`: reads that are kept, made anew from their payloads with the settings that a connection has now.

For a time zone or a column map that was wrong: what a vendor sent is kept as it came, so nothing must be asked again.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import Connection

from connectors.contract import Connector, Record
from connectors.errors import RecordRejected
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.errors import Busy, Unsettled
from hub.governing.floors import Floors, Kept
from hub.governing.in_force import Governing
from hub.governing.lives import Promises
from hub.governing.sources import Sources
from hub.hits import Compared, compare
from hub.people import Actor
from hub.ports import Opens
from hub.progress import Progress, untold
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.ledger import known as known_ids
from hub.store.matching import Hit, as_compared, find
from hub.store.rewriting import (
    KeptRead,
    KnownHit,
    Rewrite,
    differs,
    hits_of,
    kept_reads,
    needed,
    rewrite,
    rewrite_hits,
)
from normalize.fault import Unusable
from normalize.gate import accept
from normalize.plate import fold
from normalize.read import Read

BATCH: Final = 250
"""Reads in one transaction: the writer is held for a tenth of a second."""
LOOKED_AT: Final = "reads looked at"


class Ends(Protocol):
    """When a read must be gone (µs) and by which rule, by its connection and times (µs); None where nobody says so."""

    def end(
        self, connection_id: int, captured_at: int, received_at: int, ingested_at: int, linked: bool
    ) -> tuple[int, str] | None:
        """`linked` where a case, an event or a hit needs it."""


@dataclass(slots=True)
class Reparsed:
    """What reading kept payloads again changes, or would; every number counts reads, but those of hits.

    `moved` has the seconds by which capture times move. `refused` are payloads that make no read with these settings
    and `doubles` those that would be a read which is kept already: both stay as they are. `sooner` are
    ends that follow corrected times, of which `end_now` are over at once; `kept` are those that stay as they were, and
    `later` is none ever.
    """

    connection: str
    looked_at: int = 0
    changed: int = 0
    moved: Counter[int] = field(default_factory=Counter)
    plates: int = 0
    states: int = 0
    countries: int = 0
    cameras: int = 0
    places: int = 0
    others: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    doubles: int = 0
    sooner: int = 0
    later: int = 0
    kept: int = 0
    end_now: int = 0
    hits_found: int = 0
    hits_gone: int = 0


class _Matched(NamedTuple):
    """What becomes of the hits of reads, and the reads that have one afterwards."""

    gone: list[KnownHit]
    changed: list[tuple[KnownHit, str, str]]
    fresh: list[tuple[int, Hit]]
    hit: set[int]


class Reparse:
    """Reads kept payloads again."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        accounts: Opens,
        governing: Governing,
        sources: Sources,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._accounts = accounts
        self._governing = governing
        self._sources = sources

    def preview(
        self,
        actor: Actor,
        name: str,
        since: datetime | None = None,
        *,
        sample: bool = False,
        progress: Progress = untold,
    ) -> Reparsed:
        """What `run` would change of reads whose kept capture time is `since` or later; without `since`, of all.

        A `sample` looks at the first `BATCH` of them alone.
        """
        account, connector = self._accounts.open(name)
        report, after = Reparsed(name), 0
        while True:
            with self._store.read() as connection:
                rows = self._page(connection, account.id, after, since)
                if not rows:
                    break
                self._rewrites(connection, account.id, connector, rows, report)
            after = rows[-1].id
            if sample:
                break
            progress(LOOKED_AT, report.looked_at, None)
        self._audit.record(actor, Act.READS_REPARSE, Outcome.PREVIEWED, target=name, results=report.changed)
        return report

    def run(self, actor: Actor, name: str, since: datetime | None = None, *, progress: Progress = untold) -> Reparsed:
        """Let kept reads say what their payloads say with the settings of now; gives what was changed.

        A read keeps its id, its payload and its pictures. Its end follows its corrected time where policy ends that
        sooner, and is not before the floor under which it was kept. It never becomes later: nobody lengthens a life
        alone, and who says how times are read is one person. Hits are matched anew where plate, state or country
        changed, but those that a person has judged stay. Each batch is one transaction with its audit event. Safe to
        kill at any moment and to run again, and so to end by what `progress` raises: what is right already is left
        alone. Raises `Busy` while another process does it, or while a sync of it, a purge or a recompute runs.
        """
        account, connector = self._accounts.open(name)
        if account.state == "removing":
            raise Unsettled(f"{name} is being removed: its reads stay as they are")
        sure(self._clock)
        report, after = Reparsed(name), 0
        self._audit.record(
            actor, Act.READS_REPARSE, Outcome.ASKED, target=name, since=since.isoformat() if since else None
        )
        with ExitStack() as stack:
            # Ends are given, and months emptied, by the times that were there when somebody looked.
            for lease, busy in (
                (f"reparse-{account.id}", f"the payloads of {name} are being read again by another process"),
                (f"sync-{account.id}", f"{name} is being synced, by the settings that it began with: try again then"),
                ("purge", "a purge is running: try again when it is over"),
                ("recompute", "ends are being computed for another policy: try again when that is over"),
            ):
                try:
                    stack.enter_context(self._store.lease(lease))
                except Busy:
                    raise Busy(busy) from None
            while True:
                with self._store.write(durable=False) as connection:
                    rows = self._page(connection, account.id, after, since)
                    if not rows:
                        break
                    before = report.changed
                    some, hits = self._rewrites(connection, account.id, connector, rows, report)
                    rewrite(self._store, connection, account.id, some)
                    rewrite_hits(connection, to_micros(self._clock.now()), hits.gone, hits.changed, hits.fresh)
                    if some:
                        self._audit.record(
                            actor, Act.READS_REPARSE, Outcome.CHANGED, target=name, within=connection,
                            results=report.changed - before, first=some[0].kept.id, last=some[-1].kept.id,
                        )  # fmt: skip
                after = rows[-1].id
                progress(LOOKED_AT, report.looked_at, None)
        self._store.settle()
        self._audit.record(
            actor, Act.READS_REPARSE, Outcome.DONE, target=name, results=report.changed, looked_at=report.looked_at,
            moved={str(by): count for by, count in report.moved.items()}, plates=report.plates,
            refused=report.refused.total(), doubles=report.doubles, sooner=report.sooner, later=report.later,
            kept=report.kept, end_now=report.end_now,
        )  # fmt: skip
        return report

    def _page(self, connection: Connection, ident: int, after: int, since: datetime | None) -> list[KeptRead]:
        now = to_micros(self._clock.now())
        return kept_reads(self._store, connection, ident, after, now, to_micros(since) if since else None, BATCH)

    def _rewrites(
        self, connection: Connection, ident: int, connector: Connector[Any], rows: Sequence[KeptRead], report: Reparsed
    ) -> tuple[list[Rewrite], _Matched]:
        """The rewrites of reads, and their hits, counted in the report; changes nothing."""
        report.looked_at += len(rows)
        pairs = [(kept, read, what) for kept, read in _parsed(connector, rows, report) if (what := differs(kept, read))]
        renamed = {read.vendor_read_id for kept, read, _ in pairs if read.vendor_read_id != kept.vendor_read_id}
        there, fresh = known_ids(self._store, connection, ident, renamed), list[tuple[KeptRead, Read, set[str]]]()
        for kept, read, what in pairs:
            if read.vendor_read_id != kept.vendor_read_id:
                if read.vendor_read_id in there:
                    report.doubles += 1
                    continue
                there.add(read.vendor_read_id)
            fresh.append((kept, read, what))
            _count(report, kept, read, what)
        hits = self._matched(connection, fresh)
        report.hits_found += len(hits.fresh)
        report.hits_gone += len(hits.gone)
        some = self._with_ends(connection, ident, [change[:2] for change in fresh], hits.hit, report)
        report.changed += len(some)
        return some, hits

    def _matched(self, connection: Connection, some: Sequence[tuple[KeptRead, Read, set[str]]]) -> _Matched:
        known: dict[int, list[KnownHit]] = {}
        for known_hit in hits_of(self._store, connection, [change[0].id for change in some]):
            known.setdefault(known_hit.read_id, []).append(known_hit)
        matched = _Matched([], [], [], set(known))
        other = [(kept, read) for kept, read, what in some if what & {"plate", "state", "country"}]
        reads = [read for _, read in other]
        hits: dict[int, list[Hit]] = {}
        keys = {read.plate: fold(read.plate) for read in reads}
        for hit in find(self._store, connection, reads, keys, to_micros(self._clock.now())):
            hits.setdefault(hit.place, []).append(hit)
        for place, (kept, read) in enumerate(other):
            left = set[int]()
            for known_hit in known.get(kept.id, ()):
                if fold(known_hit.plate) == keys[read.plate]:
                    entry = Compared(known_hit.plate, known_hit.plate_state, known_hit.plate_country)
                    matched.changed.append((known_hit, *compare(as_compared(read), entry)))
                    left.add(known_hit.entry_id)
                elif known_hit.verdict == "unverified":
                    matched.gone.append(known_hit)
                else:
                    left.add(known_hit.entry_id)
            new = [(kept.id, hit) for hit in hits.get(place, ()) if hit.entry_id not in left]
            matched.fresh.extend(new)
            matched.hit.discard(kept.id)
            if left or new:
                matched.hit.add(kept.id)
        return matched

    def _with_ends(
        self,
        connection: Connection,
        ident: int,
        pairs: Sequence[tuple[KeptRead, Read]],
        hit: set[int],
        report: Reparsed,
    ) -> list[Rewrite]:
        history, kinds, now = self._governing.history(), self._sources.all(), to_micros(self._clock.now())
        ends, floors = Promises(history, kinds), Floors(history, kinds)
        ids = [kept.id for kept, _ in pairs]
        linked = needed(self._store, connection, ids)
        some = []
        for kept, read in pairs:
            until, rule = _end(ends, ident, kept, to_micros(read.captured_at), kept.id in linked | hit)
            times = (ident, kept.captured_at, kept.received_at, kept.ingested_at)
            until = floors.end(Kept(*times, kept.floor_at), until, kept.expires_at)
            report.sooner += until < kept.expires_at
            report.later += until > kept.expires_at
            report.kept += until == kept.expires_at
            report.end_now += until <= now and not kept.held
            some.append(Rewrite(kept, read, until, rule))
        return some


def _end(ends: Ends, ident: int, kept: KeptRead, captured_at: int, needed: bool) -> tuple[int, str]:
    """The end of a read by its corrected time; never later than the one that it has."""
    after = ends.end(ident, captured_at, kept.received_at, kept.ingested_at, needed)
    return (kept.expires_at, kept.rule) if after is None or after[0] > kept.expires_at else after


def _parsed(connector: Connector[Any], rows: Sequence[KeptRead], report: Reparsed) -> list[tuple[KeptRead, Read]]:
    """Reads with what their payloads say now; those that say nothing any more are counted and left out."""
    pairs = []
    for kept in rows:
        record = Record(kept.kind, kept.record(), kept.part)
        try:
            read = accept(connector.parse(record), from_micros(kept.received_at))
        except (RecordRejected, Unusable) as wrong:
            report.refused[f"{wrong.field}: {wrong.reason}"] += 1
            continue
        except Exception as failed:  # a fault of the connector's costs nothing that is kept
            report.refused[f"record: could not be parsed: {type(failed).__name__} in the connector"] += 1
            continue
        pairs.append((kept, read))
    return pairs


def _count(report: Reparsed, kept: KeptRead, read: Read, what: set[str]) -> None:
    if "time" in what:
        report.moved[round((to_micros(read.captured_at) - kept.captured_at) / 1_000_000)] += 1
    report.plates += "plate" in what
    report.states += "state" in what
    report.countries += "country" in what
    report.cameras += "camera" in what
    report.places += "place" in what
    report.others += what == {"other"}
