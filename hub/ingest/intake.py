"""`Intake`: records in, a page to save out. The same path for pulled, looked-up, pushed and replayed records."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from connectors.contract import Connector, LyingFile, Record
from connectors.errors import NotARead, RecordRejected
from hub.clock import Clock, certain
from hub.governing.floors import FloorsOfPage
from hub.governing.in_force import Governing
from hub.governing.promised import Promised
from hub.governing.sources import Sources
from hub.ingest.documents import why_refused
from hub.ingest.drift import Drift
from hub.policy.profile import Expiry, InForce
from hub.policy.provenance import Provenance
from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.page import Accepted, Life, PageToSave, PolicyMoved, Rejected, Saved
from hub.store.pictures import picture_keys
from hub.store.saving import save
from normalize.fault import Unusable
from normalize.gate import accept
from normalize.read import Read

READS: Final = 4000
"""Reads that are kept in one transaction: about a tenth of a second."""
REFUSED: Final = 1000
"""Refused records that are kept in one transaction; each takes longer than a read."""


class Parsed(NamedTuple):
    """The reads of one page's records, and the records that no read can be made of; nothing is kept yet."""

    received_at: datetime
    reads: Sequence[tuple[Record, Read]]
    refused: Sequence["RefusedRecord"]


class Rules(NamedTuple):
    """What gives reads their ends: the policy in force, whose reads they are, and what was promised before."""

    policy: InForce
    source: Provenance
    kinds_changed: int
    promised: Promised


class RefusedRecord(NamedTuple):
    """A record that could not become a read, and why."""

    record: Record
    field: str
    reason: str


class Intake:
    """Turns records into reads or quarantine, and keeps them in one transaction.

    The policy in force and whose reads they are is asked once, and again where a save finds that either has changed.
    """

    def __init__(self, store: Store, images: ImageStore, governing: Governing, sources: Sources, clock: Clock) -> None:
        self._store = store
        self._images = images
        self._governing = governing
        self._sources = sources
        self._rules = dict[int, Rules]()
        self._clock = clock

    def take(
        self,
        connector: Connector[Any],
        connection_id: int,
        records: Iterable[Record],
        *,
        obtained: str,
        received_at: datetime | None = None,
        checkpoint: Mapping[str, Any] | None = None,
        taken: Sequence[LyingFile] = (),
        run_id: int | None = None,
        replayed: Sequence[int] = (),
        drift: Drift | None = None,
    ) -> Saved:
        """Parse, gate and keep one page of records: `parsed` and `keep`, one after the other."""
        parsed = self.parsed(connector, records, received_at)
        return self.keep(
            connection_id,
            parsed,
            obtained=obtained,
            checkpoint=checkpoint,
            taken=taken,
            run_id=run_id,
            replayed=replayed,
            drift=drift,
        )

    def parsed(
        self, connector: Connector[Any], records: Iterable[Record], received_at: datetime | None = None
    ) -> Parsed:
        """The reads of one page of records that arrived then, or now; keeps nothing and may be done in any thread."""
        received = received_at or self._clock.now()
        return Parsed(received, *_parsed(connector, records, received))

    def keep(
        self,
        connection_id: int,
        parsed: Parsed,
        *,
        obtained: str,
        checkpoint: Mapping[str, Any] | None = None,
        taken: Sequence[LyingFile] = (),
        run_id: int | None = None,
        replayed: Sequence[int] = (),
        drift: Drift | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Saved:
        """Keep one page; no read of it is lost and none is kept twice.

        A page of very many records is kept in turns, with its checkpoint in the last, so that other writers come in
        between; what was kept of it before a crash is known by its ids when it comes again.
        Reads get the ends of the policy that is in force when they are kept, whoever changes it meanwhile. A read whose
        life was over before it arrived is counted and not kept. Where `drift` finds with this page that the vendor has
        changed, it is kept without its checkpoint, and its files count as not taken. `meanwhile` is called, perhaps
        more than once, when little is left to do but to wait for the database.
        """
        now = self._clock.now()
        received, reads, refused = parsed
        if drift is not None and drift.note(
            len(reads) + len(refused), [(refusal.field, refusal.reason) for refusal in refused]
        ):
            checkpoint, taken = None, ()
        page = PageToSave(
            connection_id=connection_id,
            obtained=obtained,
            received_at=received,
            run_id=run_id,
            replayed=replayed,
            meanwhile=meanwhile,
        )
        total, turns = Saved(), [(reads, refused)] if replayed else list(_turns(reads, refused))
        for number, turn in enumerate(turns, 1):
            last = number == len(turns)
            whole = replace(page, checkpoint=checkpoint, taken=taken) if last else page
            total += self._keep(whole, *turn, now)
        return total

    def _keep(
        self,
        page: PageToSave,
        reads: Sequence[tuple[Record, Read]],
        refused: Sequence[RefusedRecord],
        now: datetime,
    ) -> Saved:
        written: set[str] = set()
        while True:
            # What is over by a clock in doubt is kept, unseen, until somebody says that the clock is right.
            whole = _with_ends(page, self._rules_of(page.connection_id), reads, refused, certain(self._clock))
            try:
                saved = save(self._store, self._images, whole, now)
            except PolicyMoved as moved:
                written.update(moved.pictures)
                self._rules.clear()
                continue
            if written:
                self._images.delete(*(written - picture_keys(whole)))  # their day of expiry is another now
            return saved

    def look(self, connector: Connector[Any], connection_id: int, records: Iterable[Record]) -> PageToSave:
        """What `take` would have to keep of records that arrived now, by the policy in force; keeps nothing."""
        now = self._clock.now()
        reads, refused = _parsed(connector, records, now)
        page = PageToSave(connection_id=connection_id, obtained="pull", received_at=now)
        return _with_ends(page, self._asked(connection_id), reads, refused, now)

    def _rules_of(self, connection_id: int) -> Rules:
        rules = self._rules.get(connection_id)
        if rules is None:
            rules = self._rules[connection_id] = self._asked(connection_id)
        return rules

    def _asked(self, connection_id: int) -> Rules:
        changed = self._sources.kinds_changed()
        policy, source = self._governing.now(), self._sources.of(connection_id)
        history, vendor = self._governing.history(through=policy.id), source.vendor
        known_since = self._sources.known_since(vendor)
        former = (*self._sources.former(vendor), *self._sources.former_contracts(connection_id, source))
        return Rules(policy, source, changed, Promised(history, source, known_since, former))


def _turns(
    reads: Sequence[tuple[Record, Read]], refused: Sequence[RefusedRecord]
) -> Iterator[tuple[Sequence[tuple[Record, Read]], Sequence[RefusedRecord]]]:
    """The parts of a page, one for each transaction, in order of arrival; an empty page is one empty part."""
    number = max(1, -(-len(reads) // READS), -(-len(refused) // REFUSED))
    for turn in range(number):
        yield reads[turn * READS : (turn + 1) * READS], refused[turn * REFUSED : (turn + 1) * REFUSED]


def _parsed(
    connector: Connector[Any], records: Iterable[Record], received_at: datetime
) -> tuple[list[tuple[Record, Read]], list[RefusedRecord]]:
    """The reads that records tell of, and the records that nothing can be made of."""
    reads: list[tuple[Record, Read]] = []
    refused: list[RefusedRecord] = []
    for record in records:
        if (reason := why_refused(record)) is not None:
            refused.append(RefusedRecord(record, "document", reason))
            continue
        try:
            reads.append((record, accept(connector.parse(record), received_at)))
        except NotARead:
            continue
        except (RecordRejected, Unusable) as wrong:
            refused.append(RefusedRecord(record, wrong.field, wrong.reason))
        except Exception:  # a fault of the connector's costs this record's moment, not the feed
            reason = "could not be parsed: its connector has a defect"
            refused.append(RefusedRecord(record, "record", reason))
    return reads, refused


def _with_ends(
    page: PageToSave,
    rules: Rules,
    reads: Sequence[tuple[Record, Read]],
    refused: Sequence[RefusedRecord],
    now: datetime,
) -> PageToSave:
    """The page with its reads and records, and when each of them must be gone."""
    policy, source, changed, promised = rules
    profile, received = policy.profile, page.received_at
    floors, were_promised = FloorsOfPage(profile, source, received), promised.anything

    def in_time(end: Expiry, captured_at: datetime, floor: datetime | None, linked: bool) -> Expiry:
        """The end by the policy in force, or what was promised before where that is sooner; for what is not over then
        not before the floor under which it is kept."""
        before = promised.end(captured_at, received, linked)
        if before is None or before.at >= end.at:
            return end
        return before if floor is None or before.at <= now else before._replace(at=max(before.at, min(floor, end.at)))

    accepted: list[Accepted] = []
    refused = list(refused)
    born_expired = 0
    hits_matter = bool(reads) and bool(profile.chosen(*source, "hub").unlinked)
    end_of, linked_end_of = (profile.ends(*source, received, linked=linked) for linked in (False, True))
    for record, read in reads:
        needed = None
        captured_at = read.captured_at
        try:
            floor = floors.of(captured_at)
            end = end_of(captured_at)
            if were_promised:
                end = in_time(end, captured_at, floor, False)
            if hits_matter:
                longer = linked_end_of(captured_at)
                if were_promised:
                    longer = in_time(longer, captured_at, floor, True)
                needed = Life(longer.at, longer.rule) if longer.at > end.at else None
        except (OverflowError, ValueError):  # a capture at the beginning of the calendar, in an agency's zone
            refused.append(RefusedRecord(record, "captured_at", "is a time that no calendar counts from"))
            continue
        if (end.at if needed is None else needed.until) <= now:
            born_expired += 1
            continue
        accepted.append(Accepted(read, record.kind, record.part, record.payload, end.at, end.rule, needed, floor))
    rejected = []
    if refused:
        # Nobody knows when an unreadable record was captured, so it lives from receipt as long as a read would.
        end = profile.expiry(*source, received)
        rejected = [
            Rejected(record.kind, record.part, record.payload, record.attachments, field, reason, end.at)
            for record, field, reason in refused
        ]
    return replace(
        page,
        accepted=accepted,
        rejected=rejected,
        born_expired=born_expired,
        policy_id=policy.id,
        source=source,
        kinds_changed=changed,
    )
