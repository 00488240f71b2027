"""What pausing a connection costs, said before or while it is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from connectors.contract import abilities
from hub.clock import Clock
from hub.connections.accounts import Connections
from hub.connections.row import row_of
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.silences import cameras_of
from hub.store.visible import visible
from hub.words import count, moment


@dataclass(frozen=True, slots=True)
class Cost:
    """What stops while a connection is paused: reads of the last day as a measure, hot lists that grow old there."""

    connection: str
    reads_last_day: int
    resumes_from: datetime | None
    hot_lists: list[str]
    pushed: bool
    costs: list[str]


class Pausing:
    """Says what a pause would cost; changes nothing."""

    def __init__(self, store: Store, clock: Clock, connections: Connections) -> None:
        self._store = store
        self._clock = clock
        self._connections = connections

    def cost(self, name: str) -> Cost:
        """What a pause of a connection costs; raises `NotFound`."""
        now = self._clock.now()
        with self._store.read() as connection:
            row = row_of(connection, name)
            cameras = [camera.id for camera in cameras_of(connection, row.id)]
            reads = sum(
                connection.scalar(
                    select(func.count())
                    .select_from(tables.reads)
                    .where(tables.reads.c.camera_id == camera, visible(tables.reads, to_micros(now)))
                    .where(tables.reads.c.captured_at > to_micros(now - timedelta(days=1)))
                )
                or 0
                for camera in cameras
            )
            lists = list(
                connection.scalars(
                    select(tables.hotlists.c.name)
                    .join(tables.publications, tables.publications.c.hotlist_id == tables.hotlists.c.id)
                    .where(tables.publications.c.connection_id == row.id)
                    .order_by(tables.hotlists.c.name)
                )
            )
        account = next(listed for listed in self._connections.list() if listed.name == name)
        covered = account.checkpoint.get("until")
        until = datetime.fromisoformat(covered) if covered else None
        pushes = self._pushes(row.connector)
        stopped_at = moment(until, self._store.zone()) if until else None
        listens = "listens" in abilities(self._connections.kind(row.connector))
        return Cost(name, reads, until, lists, pushes, _sentences(reads, stopped_at, lists, pushes, listens))

    def _pushes(self, key: str) -> bool:
        return "receives_reads" in abilities(self._connections.kind(key))


def _sentences(reads: int, until: str | None, lists: list[str], pushes: bool, listens: bool) -> list[str]:
    sentences = [
        f"It brought {count(reads, 'read')} in the last day; none comes in, and none is matched, while it is paused."
    ]
    if until is not None:
        sentences.append(
            f"Pulling resumes where it stopped, at {until}: what the vendor no longer has then, and"
            " what has expired by then, is lost."
        )
    if pushes:
        sentences.append("What it pushes is refused; a sender that does not send again loses it.")
    if listens:
        sentences.append(
            "Nobody listens to it: a broker keeps messages for a while, as it is set up to; what a camera sends by"
            " itself and does not send again is lost."
        )
    if lists:
        named = ", ".join(lists)
        sentences.append(f"Its copies of hot lists stay as they are, withdrawn entries included: {named}.")
    return sentences
