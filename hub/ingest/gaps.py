"""`Gaps`: times of which the hub may have missed reads, by connection and by camera."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from sqlalchemy import Connection, Row, select, text

from connectors.contract import abilities
from hub.absent import no_connection
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import Invalid, NotFound
from hub.governing.in_force import Governing
from hub.people import Actor
from hub.ports import Kinds
from hub.store import runs, tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.provenance import provenance_of
from hub.store.runs import TimeSpan
from hub.store.silences import cameras_of
from hub.store.silences import silences as silences_now

LEARNED: Final = timedelta(days=28)
"""How far back a camera's habits are looked at, and its silences reported."""
SHORTEST: Final = timedelta(hours=1)
"""What is shorter is no silence, however busy a camera usually is."""
FAR_LONGER: Final = 3
"""A time without reads is a silence if it is so many times as long as the longest one of the camera's usual day."""
LEAST_READS: Final = 20
"""With fewer reads a camera has no habits."""
NOT_ASKED: Final = "no run asked for it"
"""The reason of a time that nothing went wrong in."""
STILL_SILENT: Final = "the camera is silent"
_HOUR: Final = SHORTEST // timedelta(microseconds=1)
_DAY: Final = 24 * 3_600_000_000

_STEPS: Final = """
WITH RECURSIVE hop(camera_id, began, ended) AS (
  SELECT id, CAST(NULL AS BIGINT), (
    SELECT min(captured_at) FROM reads WHERE camera_id = cameras.id AND captured_at >= :begin AND captured_at < :end
  ) FROM cameras WHERE connection_id = :connection_id
  UNION ALL
  SELECT camera_id, ended, coalesce(
    (SELECT max(captured_at) FROM reads
     WHERE camera_id = hop.camera_id AND captured_at > hop.ended AND captured_at <= hop.ended + :shortest
       AND captured_at < :end),
    (SELECT min(captured_at) FROM reads
     WHERE camera_id = hop.camera_id AND captured_at > hop.ended + :shortest AND captured_at < :end)
  ) FROM hop WHERE ended IS NOT NULL
)
SELECT camera_id, began, ended FROM hop
WHERE began IS NULL OR ended IS NULL OR ended - began > :shortest ORDER BY camera_id, began
"""
"""The first read of each of a connection's cameras (`began` is null), and its silences, the last one open (`ended`
is null). It jumps from read to read by an index, an hour at a time, so that it takes as long as the time has hours,
however many reads they hold."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time that no run covered (`camera` is None), or in which a camera was silent although its connection was there.

    `usual_seconds` is the longest silence of the camera's usual day. `reason` says what is known of it. With
    `since_last_run` it is merely the time since the connection's last run. `camera_id` is the vendor's.
    """

    connection: str
    camera: str | None
    since: datetime
    until: datetime
    usual_seconds: int | None
    reason: str
    since_last_run: bool = False
    camera_id: str | None = None


class Gaps:
    """Finds what may be missing. Asks nothing of any vendor."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        kinds: Kinds,
        governing: Governing,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._kinds = kinds
        self._governing = governing

    def find(
        self, actor: Actor, name: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> list[Gap]:
        """The gaps of one connection, or of all, each connection's own first, oldest first.

        Without times: of a connection from its first run until now, of cameras the last 28 days. What is older than the
        reads of a connection live is left out. A camera was silent where nothing was read for an hour and for three
        times its usual day's longest silence, within what its connection covered. Whether it is silent now is for
        `hub.store.silences` to say, as it is for the health of its connection.
        """
        now = self._clock.now()
        end = min(until or now, now)
        if since is not None and since >= end:
            raise Invalid("since: must lie before until and now")
        table, gaps = tables.connections, list[Gap]()
        query = select(table).where(table.c.name == name) if name is not None else select(table)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(table.c.name)).all()
            if name is not None and not rows:
                raise NotFound(
                    no_connection(name, connection.scalars(select(table.c.name).order_by(table.c.name)).all())
                )
            covered = runs.spans(connection, rows[0].id if name is not None else None, now=to_micros(now))
            for row in rows:
                spans = covered.get(row.id, [])
                oldest = to_micros(now - self._lives(row, now))
                begin = to_micros(since) if since else spans[0].since if spans else to_micros(end)
                uncovered = runs.holes(spans, max(begin, oldest), to_micros(end))
                last = spans[-1].until if spans else None
                gaps += [self._hole(connection, row, hole, last) for hole in uncovered]
                if self._tells_of_everything(row):
                    learned = max(to_micros(end - LEARNED), oldest)
                    wanted = TimeSpan(max(learned, begin) if since else learned, to_micros(end))
                    gaps += self._silences(connection, row, spans, learned, wanted)
        self._audit.record(actor, Act.GAPS_LIST, Outcome.DONE, target=name, results=len(gaps))
        return gaps

    def _lives(self, row: Row[Any], now: datetime) -> timedelta:
        if row.retention_vendor is None:
            return LEARNED
        return self._governing.life(provenance_of(row), now)

    def _tells_of_everything(self, row: Row[Any]) -> bool:
        """Whether a source gives every read; a source that is asked for single plates may be silent for hours."""
        try:
            can = abilities(self._kinds.kind(row.connector))
        except NotFound:
            return True
        return "pulls_reads" in can or "looks_up_plates" not in can

    def _hole(self, connection: Connection, row: Row[Any], hole: TimeSpan, covered_until: int | None) -> Gap:
        table = tables.runs
        last = connection.execute(
            select(table.c.outcome, table.c.error)
            .where(
                table.c.connection_id == row.id,
                table.c.since < hole.until,
                table.c.until > hole.since,
                table.c.outcome.not_in((runs.DONE, runs.PARTLY)),
            )
            .order_by(table.c.id.desc())
            .limit(1)
        ).one_or_none()
        if last is None:
            reason = NOT_ASKED if row.state == "active" else f"{NOT_ASKED}; it is {row.state}"
        elif last.outcome in (runs.RUNNING, runs.FILLING):
            reason = "a run that asks for it has not ended"
        else:
            reason = last.error or (
                last.outcome if last.outcome.islower() else "a defect of the connector ended the run"
            )
        since_last_run = covered_until is not None and hole.since >= covered_until
        return Gap(row.name, None, from_micros(hole.since), from_micros(hole.until), None, reason, since_last_run)

    def _silences(
        self, connection: Connection, row: Row[Any], spans: Sequence[TimeSpan], begin: int, wanted: TimeSpan
    ) -> Iterator[Gap]:
        bound = {"connection_id": row.id, "begin": begin, "end": wanted.until, "shortest": _HOUR}
        first: dict[int, int] = {}
        silences: dict[int, list[TimeSpan]] = {}
        for camera, began, ended in connection.execute(text(_STEPS), bound):
            if began is None:
                first[camera] = ended
            else:
                silences.setdefault(camera, []).append(TimeSpan(began, wanted.until if ended is None else ended))
        cameras = sorted(cameras_of(connection, row.id), key=lambda camera: str(camera.vendor_id))
        now = self._clock.now()
        silent_now = {silence.camera_id for silence in silences_now(connection, cameras, now)}
        for camera in cameras:
            for silence in silences.get(camera.id, ()):
                if silence.until <= wanted.since:
                    continue
                usual = _usual(first[camera.id], silences[camera.id], silence)
                # No run says when a source that pushes was there: only its cameras can tell.
                parts = runs.common(spans, *silence) if spans else [silence]
                lasts = silence.until == wanted.until
                if lasts and wanted.until == to_micros(now):
                    parts = parts if camera.id in silent_now else []
                else:
                    parts = [part for part in parts if part.until - part.since > FAR_LONGER * usual]
                    parts = parts if parts and self._has_habits(connection, camera.id, begin, wanted.until) else []
                for part in parts:
                    yield Gap(
                        row.name, camera.name or camera.vendor_id, from_micros(part.since), from_micros(part.until),
                        usual // 1_000_000, STILL_SILENT if lasts else "the camera was silent",
                        camera_id=camera.vendor_id,
                    )  # fmt: skip

    def _has_habits(self, connection: Connection, camera_id: int, begin: int, end: int) -> bool:
        sql = (
            "SELECT count(*) FROM (SELECT 1 FROM reads WHERE camera_id = :camera_id "
            "AND captured_at >= :begin AND captured_at < :end LIMIT :least) AS found"
        )
        bound = {"camera_id": camera_id, "begin": begin, "end": end, "least": LEAST_READS}
        return int(connection.scalar(text(sql), bound) or 0) >= LEAST_READS


def _usual(first: int, silences: Sequence[TimeSpan], but: TimeSpan) -> int:
    """The longest silence of a camera's usual day in µs, one silence left out; a day without one counts as an hour.

    By days, because every camera is quiet at night: what is long at noon is not long then.
    """
    longest = dict.fromkeys(range(first // _DAY, silences[-1].since // _DAY + 1), _HOUR)
    for day in range(but.since // _DAY + 1, but.until // _DAY):
        longest.pop(day, None)  # a day that it was silent throughout says nothing of its habits
    for silence in silences:
        day = silence.since // _DAY
        if silence != but:
            longest[day] = max(longest.get(day, _HOUR), silence.until - silence.since)
    return int(median(longest.values()))
