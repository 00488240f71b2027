"""Fetching the pictures of one connection in threads of its own, beside whatever keeps its rows."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from threading import Event, Lock, Thread, local
from typing import Any, Final

from sqlalchemy import Connection, Row

from connectors.contract import Connector
from connectors.errors import ConnectorError, Gone, HostNotAllowed, VendorChanged
from hub.clock import Clock, certain
from hub.errors import Busy, Stopped
from hub.store import wanted
from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.instant import from_micros, to_micros
from hub.store.wanted import origin_of
from normalize.read import ImageKind, ImageRef

log: Final = logging.getLogger("alprhub.pictures")

THREADS: Final = 4
TOGETHER: Final = 8
"""Pictures that are settled in one transaction."""
PER_PICTURE: Final = timedelta(seconds=10)
"""The longest that one picture is waited for, tries and all."""
FAILURES: Final = 3
"""Failures in a row after which a place is left alone; one failure is enough where it was left alone before."""
MOST_TRIED: Final = 500
"""Pictures that one fetching may fail at."""


@dataclass(slots=True)
class Fetched:
    """What became of wanted pictures: `fetched`, `gone` at the vendor, `failed` for now, and `left` for the next time.

    Those that failed are among the ones that are left; `not_allowed` lie at hosts that the connection may not talk to.
    """

    fetched: int = 0
    gone: int = 0
    failed: int = 0
    left: int = 0
    not_allowed: int = 0


class Fetching:
    """Fetches wanted pictures, the address that ends first before all others, until there are none or it must end.

    `more` says that some have come, `rows_are_over` that no more will; `end` ends it with what is kept. One process at
    a time fetches for a connection: where another does, there is nothing to do.
    """

    def __init__(
        self, store: Store, images: ImageStore, clock: Clock, connector: Connector[Any], connection_id: int
    ) -> None:
        self._store = store
        self._images = images
        self._clock = clock
        self._id = connection_id
        self._patience = local()
        # The same account with our patience and our own turn: rows never wait behind a picture.
        frame = replace(connector.frame, patience=self._left)
        self._connector: Any = type(connector)(connector.settings, frame)
        self.counts = Fetched()
        self._arrived, self._rows_over, self._over = Event(), Event(), Event()
        self._noting = Lock()
        self._given_up = dict[str, tuple[int, int]]()
        self._failures = dict[str, int]()
        self._closed = set[str]()
        """Places that are asked no more by this fetching."""
        self._noted = set[str]()
        """Those of them that the store knows."""
        self._refused = set[str]()
        """Places that the connection may not talk to."""
        self._tried = set[int]()
        self._refused_before = set[str]()
        self._passed = set[int]()
        """Pictures that were not asked for, since their place is asked no more."""
        self._thread = Thread(target=self._work, name="pictures", daemon=True)
        self._thread.start()

    def more(self) -> None:
        """Pictures have come that are wanted."""
        self._arrived.set()

    def rows_are_over(self) -> None:
        """No more pictures will come."""
        self._rows_over.set()
        self._arrived.set()

    def over(self, seconds: float) -> bool:
        """Wait so long for the last picture; gives whether it is over."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def end(self) -> Fetched:
        """End once the pictures that are on their way have come or failed, and say what became of all."""
        self._over.set()
        self.rows_are_over()
        self._thread.join()
        with self._store.read() as connection:
            self.counts.not_allowed = sum(wanted.not_allowed(connection, self._id, self._now()).values())
            self.counts.left = wanted.left(connection, self._id, self._now()) - self.counts.not_allowed
        return self.counts

    def _now(self) -> int:
        return to_micros(self._clock.now())

    def _left(self) -> float:
        """How long this thread still waits for its picture."""
        return 0.0 if self._over.is_set() else float(self._patience.until - time.monotonic())

    def _work(self) -> None:
        try:
            with self._connector, suppress(Busy), self._store.lease(f"pictures-{self._id}"):
                self._fetch_all()
        except Exception as failed:
            # By its class alone: a database's message quotes the row that it would not take.
            log.error("pictures of %s wait: a defect of the hub (%s)", self._connector.info.name, type(failed).__name__)

    def _fetch_all(self) -> None:
        with self._store.read() as connection:
            self._given_up = wanted.given_up(connection, self._id)
            self._refused_before = wanted.refused(connection, self._id)
        self._closed = {origin for origin, (_, again_at) in self._given_up.items() if again_at > self._now()}
        self._noted = set(self._closed)
        with ThreadPoolExecutor(THREADS, "picture") as pool:
            while not self._over.is_set() and len(self._tried | self._passed) < MOST_TRIED:
                last = self._rows_over.is_set()
                batch = self._next()
                if batch:
                    self._settle(batch, list(pool.map(self._outcome, batch)))
                elif last:
                    return
                else:
                    self._arrived.wait()
                    self._arrived.clear()

    def _next(self) -> list[Row[Any]]:
        with self._store.read() as connection:
            but = self._tried | self._passed
            return wanted.next_ones(connection, self._id, self._now(), TOGETHER, self._closed, but)

    def _outcome(self, row: Row[Any]) -> dict[str, Any] | None:
        """What became of a picture; None where it stays wanted."""
        expires_at = from_micros(row.url_expires_at) if row.url_expires_at is not None else None
        if expires_at is not None and expires_at <= certain(self._clock):
            return {"state": "gone"}
        origin = origin_of(row.url)
        if self._over.is_set() or origin in self._closed:
            self._passed.add(row.id)
            return None
        self._patience.until = time.monotonic() + PER_PICTURE.total_seconds()
        try:
            outcome = self._fetched(row, ImageRef(kind=ImageKind(row.kind), url=row.url, expires_at=expires_at))
        except Stopped:
            self._over.set()
            return None
        except HostNotAllowed:
            with self._noting:
                self._passed.add(row.id)
                self._refused.add(origin)
                self._closed.add(origin)
            return None
        except (ConnectorError, OSError) as failed:
            if not self._over.is_set():  # else it was not waited for
                log.info("a picture of read %s must wait: %s", row.read_id, failed)
                self._failed(row, origin)
            return None
        with self._noting:
            self._failures[origin] = 0
        return outcome

    def _fetched(self, row: Row[Any], image: ImageRef) -> dict[str, Any]:
        """Ask for a picture; raises what may pass."""
        try:
            data = self._connector.fetch_image(image)
        except Gone as lost:
            log.info("a picture of read %s cannot be had: %s", row.read_id, lost)
            return {"state": "gone"}
        except VendorChanged as other:
            # It may be a maintenance page; but an address that never expires would be asked for ever.
            if image.expires_at is not None:
                raise
            log.info("a picture of read %s is none: %s", row.read_id, other)
            return {"state": "gone"}
        return {"state": "stored", "bytes": len(data), "sha256": sha256(data).digest(), "data": data}

    def _failed(self, row: Row[Any], origin: str) -> None:
        with self._noting:
            self._tried.add(row.id)
            self._failures[origin] = self._failures.get(origin, 0) + 1
            if self._failures[origin] >= (1 if origin in self._given_up else FAILURES):
                self._closed.add(origin)

    def _kept(
        self, batch: Sequence[Row[Any]], outcomes: Sequence[dict[str, Any] | None]
    ) -> list[dict[str, Any] | None]:
        """The outcomes of pictures. The bytes of those that came are on the disk before a row says so."""
        came = {
            row.key: outcome.pop("data")
            for row, outcome in zip(batch, outcomes, strict=True)
            if outcome and "data" in outcome
        }
        try:
            self._images.put_all(list(came.items()))
        except OSError as failed:
            for row in batch:
                if row.key in came:
                    log.info("a picture of read %s must wait: %s", row.read_id, failed)
                    self._failed(row, origin_of(row.url))
            return [None if row.key in came else outcome for row, outcome in zip(batch, outcomes, strict=True)]
        return list(outcomes)

    def _settle(self, batch: Sequence[Row[Any]], outcomes: Sequence[dict[str, Any] | None]) -> None:
        outcomes, stray = self._kept(batch, outcomes), []
        with self._store.write() as connection:
            for row, outcome in zip(batch, outcomes, strict=True):
                if outcome is None:
                    continue
                if not wanted.settle(connection, row, outcome):
                    stray += [row.key] if outcome["state"] == "stored" else []
                elif outcome["state"] == "stored":
                    self.counts.fetched += 1
                else:
                    self.counts.gone += 1
            self._remember_places(connection)
        self.counts.failed = len(self._tried)
        self._images.delete(*stray)

    def _remember_places(self, connection: Connection) -> None:
        """Keep which places nobody answers at, and forget those that answer again."""
        for origin in [host for host in self._given_up if self._failures.get(host) == 0]:
            wanted.answers(connection, self._id, [origin])
            del self._given_up[origin]
        for origin in [host for host in self._refused_before if self._failures.get(host) == 0]:
            wanted.answers(connection, self._id, [origin])
            self._refused_before.discard(origin)
        for origin in self._closed - self._noted:
            note = wanted.refuse if origin in self._refused else wanted.give_up
            note(connection, self._id, origin, self._now())
            self._noted.add(origin)
