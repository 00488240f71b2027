"""`Pictures`: fetching what a read only has the address of, before the address expires."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Row, select, update

from connectors.contract import Connector, ServesImages
from connectors.errors import ConnectorError, Gone, VendorChanged
from hub.clock import Clock
from hub.store import tables
from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.instant import from_micros, to_micros
from normalize.read import ImageKind, ImageRef

log: Final = logging.getLogger("alprhub.pictures")
BATCH: Final = 200


class Pictures:
    """Fetches wanted pictures, oldest address first; what could not be had is marked gone, never forgotten."""

    def __init__(self, store: Store, images: ImageStore, clock: Clock) -> None:
        self._store = store
        self._images = images
        self._clock = clock

    def fetch(self, connector: Connector[Any], connection_id: int) -> int:
        """Fetch every wanted picture of a connection and say how many were kept; a picture never stops a sync.

        An outage leaves the rest wanted for the next run.
        """
        if not isinstance(connector, ServesImages):
            return 0
        kept, after = 0, 0
        with ThreadPoolExecutor(max(connector.info.limits.parallel, 1)) as pool:
            while batch := self._wanted(connection_id, after):
                after = batch[-1].id
                outcomes = list(pool.map(lambda row: self._one(connector, row), batch))
                self._settle(batch, outcomes)
                kept += sum(outcome["state"] == "stored" for outcome in outcomes)
                if any(outcome["state"] == "wanted" for outcome in outcomes):
                    break
        return kept

    def _wanted(self, connection_id: int, after: int) -> Sequence[Row[Any]]:
        images, reads = tables.images, tables.reads
        with self._store.read() as connection:
            return connection.execute(
                select(images)
                .join(reads, reads.c.id == images.c.read_id)
                .where(
                    images.c.state == "wanted",
                    images.c.id > after,
                    reads.c.connection_id == connection_id,
                    reads.c.expires_at > to_micros(self._clock.now()),
                )
                .order_by(images.c.id)
                .limit(BATCH)
            ).all()

    def _one(self, connector: ServesImages, row: Row[Any]) -> dict[str, Any]:
        expires_at = from_micros(row.url_expires_at) if row.url_expires_at is not None else None
        ref = ImageRef(kind=ImageKind(row.kind), url=row.url, expires_at=expires_at)
        if expires_at is not None and expires_at <= self._clock.now():
            return {"state": "gone"}
        try:
            data = connector.fetch_image(ref)
            self._images.put(row.key, data)
        except Gone as lost:
            log.warning("picture %s of read %s cannot be had: %s", row.id, row.read_id, lost)
            return {"state": "gone"}
        except VendorChanged as other:
            # A maintenance page passes; an address without an end that shows no picture would be asked for ever.
            log.warning("picture %s of read %s is none: %s", row.id, row.read_id, other)
            return {"state": "gone" if expires_at is None else "wanted"}
        except (ConnectorError, OSError) as failed:
            log.warning("picture %s of read %s must wait: %s", row.id, row.read_id, failed)
            return {"state": "wanted"}
        return {"state": "stored", "bytes": len(data), "sha256": sha256(data).digest()}

    def _settle(self, batch: Sequence[Row[Any]], outcomes: list[dict[str, Any]]) -> None:
        with self._store.write() as connection:
            for row, outcome in zip(batch, outcomes, strict=True):
                # A signed address is a key to the picture at the vendor; it is not kept once it has served.
                address = {} if outcome["state"] == "wanted" else {"url": None}
                connection.execute(
                    update(tables.images).where(tables.images.c.id == row.id).values(**outcome, **address)
                )
