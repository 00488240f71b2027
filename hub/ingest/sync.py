"""`Sync`: one connection, one window, kept page by page."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import insert, select, update

from connectors.contract import Connector, LooksUpPlates, Lookup, PullsReads, ReceivesReads, Request, Window
from connectors.errors import AdminMustFix, ConnectorError, VendorChanged
from hub.account import Account
from hub.audit.record import Actor, Audit, Why
from hub.clock import Clock
from hub.errors import Conflict, HubError, Invalid
from hub.ingest.intake import Intake
from hub.ingest.pictures import Pictures
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.reads import Saved
from normalize.fault import Unusable

FIRST_WINDOW: Final = timedelta(days=1)
"""How far the very first pull of a connection reaches back when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A plate that an active case watches, for sources that answer one plate at a time."""

    plate: str
    state: str | None
    reason: str
    case_number: str


class Sync:
    """Pulls and receives."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        intake: Intake,
        pictures: Pictures,
        opened: Callable[[str], tuple[Account, Connector[Any]]],
        pause: Callable[[Actor, str, str], None],
        watches: Callable[[], list[Watch]],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._intake = intake
        self._pictures = pictures
        self._open = opened
        self._pause = pause
        self._watches = watches

    def run(
        self,
        actor: Actor,
        name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Callable[[Saved], None] | None = None,
    ) -> Saved:
        """Pull one window of a connection and keep it; resumes where the last run stopped.

        Raises `Conflict` where the connection is paused or another run holds it; `AdminMustFix` after pausing the
        connection; any other `ConnectorError` with everything kept that came before it.
        """
        account, connector = self._open(name)
        if account.state != "active":
            raise Conflict(f"{name} is {account.state}: {account.state_reason or 'no reason given'}")
        with self._store.lease(f"sync-{account.id}"):
            window = self._window(account.id, connector, since, until)
            total = Saved()
            with few_collections(), self._counted(account.id, window) as run_id:
                try:
                    for saved in self._pages(actor, connector, account, window, run_id):
                        total += saved
                        if progress:
                            progress(saved)
                except AdminMustFix as broken:
                    self._pause(actor, name, str(broken))
                    raise
                self._pictures.fetch(connector, account.id)
        return total

    def receive(self, name: str, request: Request) -> Saved:
        """Keep what a vendor pushed, once its sender has proved itself."""
        account, connector = self._open(name)
        if not isinstance(connector, ReceivesReads):
            raise Invalid(f"{name}: {connector.info.name} does not push")
        connector.verify(request)
        saved = self._intake.take(connector, account.id, connector.unpack(request.document), obtained="push")
        self._pictures.fetch(connector, account.id)
        return saved

    def _pages(
        self, actor: Actor, connector: Connector[Any], account: Account, window: Window, run_id: int
    ) -> Iterator[Saved]:
        if isinstance(connector, PullsReads):
            for page in connector.pull(window):
                yield self._intake.take(
                    connector, account.id, page.records, obtained="pull", checkpoint=page.checkpoint, run_id=run_id
                )
        elif isinstance(connector, LooksUpPlates):
            refused: Exception | None = None
            for watch in self._watches():
                try:
                    yield from self._look_up(actor, connector, account, watch, window, run_id)
                except (VendorChanged, Unusable) as failed:
                    refused = failed  # one plate that the vendor will not take must not blind us to the others
            if refused is not None:
                raise VendorChanged(f"not every watched plate could be asked for: {refused}")
            done = {"until": window.until.isoformat()}
            yield self._intake.take(connector, account.id, (), obtained="lookup", checkpoint=done, run_id=run_id)
        else:
            raise Invalid(f"{account.name}: {connector.info.name} can neither be pulled nor asked")

    def _look_up(
        self, actor: Actor, connector: LooksUpPlates, account: Account, watch: Watch, window: Window, run_id: int
    ) -> Iterator[Saved]:
        query = Lookup(watch.plate, window.since, window.until, watch.reason, watch.state, watch.case_number)
        why = Why("standing lookup of a hot-list entry", watch.reason, watch.case_number)
        # The question itself discloses whom the agency looks for, so it is on record before it is asked.
        self._audit.record(actor, "reads.lookup", "asked", target=account.name, why=why, plate=watch.plate)
        for page in connector.lookup(query):
            yield self._intake.take(
                connector,  # type: ignore[arg-type]
                account.id,
                page.records,
                obtained="lookup",
                run_id=run_id,
            )

    def _window(
        self, connection_id: int, connector: Connector[Any], since: datetime | None, until: datetime | None
    ) -> Window:
        checkpoint, covered = self._covered(connection_id)
        end = until or self._clock.now()
        start = since or (covered - connector.info.look_back if covered else end - FIRST_WINDOW)
        if start >= end:
            raise Invalid("since: must lie before until")
        return Window(start, end, checkpoint)

    def _covered(self, connection_id: int) -> tuple[dict[str, Any], datetime | None]:
        with self._store.read() as connection:
            text = connection.scalar(
                select(tables.connections.c.checkpoint).where(tables.connections.c.id == connection_id)
            )
        checkpoint: dict[str, Any] = msgspec.json.decode(text) if text else {}
        until = checkpoint.get("until")
        return checkpoint, datetime.fromisoformat(until) if until else None

    @contextmanager
    def _counted(self, connection_id: int, window: Window) -> Iterator[int]:
        with self._store.write() as connection:
            run_id = connection.execute(
                insert(tables.runs)
                .values(
                    connection_id=connection_id,
                    since=to_micros(window.since),
                    until=to_micros(window.until),
                    started_at=to_micros(self._clock.now()),
                    outcome="running",
                )
                .returning(tables.runs.c.id)
            ).scalar_one()
        try:
            yield run_id
        except Exception as failed:
            # Only what is raised on purpose has a text that is known to hold nobody's plate.
            told = str(failed) if isinstance(failed, (ConnectorError, HubError)) else None
            self._end(run_id, type(failed).__name__, told)
            raise
        self._end(run_id, "done", None)

    def _end(self, run_id: int, outcome: str, error: str | None) -> None:
        with self._store.write() as connection:
            connection.execute(
                update(tables.runs)
                .where(tables.runs.c.id == run_id)
                .values(ended_at=to_micros(self._clock.now()), outcome=outcome, error=error)
            )


@contextmanager
def few_collections() -> Iterator[None]:
    """Let the garbage collector look seldom while pages go through, and not at all at what was there before.

    Records make no cycles, yet their number alone makes Python search for some, a fifth of ingest's time.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
