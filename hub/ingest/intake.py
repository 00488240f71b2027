"""`Intake`: records in, a page to save out. The same path for pulled, looked-up, pushed and replayed records."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.contract import Connector, Record
from connectors.errors import NotARead, RecordRejected
from hub.clock import Clock
from hub.ingest.documents import why_refused
from hub.ingest.drift import Drift
from hub.policy.profile import Expiry, Profile
from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.reads import Accepted, PageToSave, Rejected, Saved, save
from normalize.fault import Unusable
from normalize.gate import accept
from normalize.read import Read


class Intake:
    """Turns records into reads or quarantine, and keeps them in one transaction."""

    def __init__(self, store: Store, images: ImageStore, profile: Profile, clock: Clock) -> None:
        self._store = store
        self._images = images
        self._profile = profile
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
        run_id: int | None = None,
        replayed: Sequence[int] = (),
        drift: Drift | None = None,
    ) -> Saved:
        """Parse, gate and keep one page of records; no read of it is lost and none is kept twice.

        A read whose life was over before it arrived is counted and not kept. Where `drift` finds with this page that
        the vendor has changed, it is kept without its checkpoint.
        """
        now = self._clock.now()
        received = received_at or now
        accepted: list[Accepted] = []
        rejected: list[Rejected] = []
        born_expired = 0
        for record in records:
            if (reason := why_refused(record)) is not None:
                rejected.append(self._rejected(connector, record, "document", reason, received))
                continue
            try:
                read = accept(connector.parse(record), received)
                expiry = self._expiry(connector, read, received)
            except NotARead:
                continue
            except (RecordRejected, Unusable) as refused:
                rejected.append(self._rejected(connector, record, refused.field, refused.reason, received))
                continue
            except Exception as failed:  # a fault of the connector's costs this record's moment, not the feed
                reason = f"could not be parsed: {type(failed).__name__} in the connector"
                rejected.append(self._rejected(connector, record, "record", reason, received))
                continue
            if expiry.at <= now:
                born_expired += 1
                continue
            accepted.append(Accepted(read, record.kind, record.part, record.payload, expiry.at, expiry.rule))
        seen = len(accepted) + len(rejected) + born_expired
        if drift is not None and drift.note(seen, rejected):
            checkpoint = None
        page = PageToSave(
            connection_id=connection_id,
            obtained=obtained,
            received_at=received,
            accepted=accepted,
            rejected=rejected,
            born_expired=born_expired,
            checkpoint=checkpoint,
            run_id=run_id,
            replayed=replayed,
        )
        return save(self._store, self._images, page, now)

    def _expiry(self, connector: Connector[Any], read: Read, received_at: datetime) -> Expiry:
        info = connector.info
        return self._profile.expiry(info.origin, info.retention_vendor, read.captured_at, received_at=received_at)

    def _rejected(
        self, connector: Connector[Any], record: Record, field: str, reason: str, received_at: datetime
    ) -> Rejected:
        # Nobody knows when an unreadable record was captured, so it lives from receipt as long as a read would.
        info = connector.info
        expiry = self._profile.expiry(info.origin, info.retention_vendor, received_at)
        return Rejected(record.kind, record.part, record.payload, record.attachments, field, reason, expiry.at)
