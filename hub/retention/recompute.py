"""`Recompute`: the ends of all reads that are kept, computed again after the policy has changed."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Final, NamedTuple

from sqlalchemy import Connection, Row, and_, bindparam, select, text, update

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.errors import Stopped
from hub.governing.activate import Change
from hub.governing.floors import Floors, Kept
from hub.governing.in_force import Governing
from hub.governing.lives import Lives, Promises
from hub.governing.sources import Sources
from hub.people import Actor
from hub.policy.profile import Profile
from hub.policy.provenance import Provenance
from hub.progress import Progress, untold
from hub.store import tables
from hub.store.dialect import dialect
from hub.store.ends import End, set_ends, told_end
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.narrowing import narrow
from hub.store.pace import TurnPace
from hub.store.visible import visible

BATCH: Final = 2_000
"""Reads in the first turn; as many as take a moment in the next ones (`TurnPace`)."""
LEAST: Final = 1_000
MOST: Final = 100_000
"""Reads that are kept in memory at once."""
DOING: Final = "the ends of reads are being worked out anew"
NOTHING_DONE: Final = {"changed": 0, "shortened": 0, "lengthened": 0, "kept_short": 0}


class Overtaken(Stopped):
    """Another policy was put in force meanwhile: its own recompute goes through every read."""

    code: ClassVar[str] = "overtaken"


class ReadToRecompute(NamedTuple):
    """What is asked of a read."""

    id: int
    connection_id: int
    captured_at: int
    received_at: int
    ingested_at: int
    expires_at: int
    rule: str
    held: bool
    floor_at: int | None
    place: Any
    """Where it lies, for `Dialect.pass_of`."""


class WantedEnd(NamedTuple):
    """The end that a read shall have (µs), and whether the policy alone would let it live longer than that."""

    until: int
    rule: str
    kept_short: bool


class Recompute:
    """Gives every read that is kept the end that the policy in force gives it, or the one that it has: the sooner.

    Where it is signed that what is kept lives longer (`Profile.lengthens`), it gets a later one too. A read that a
    case, an event or a hit needs may live longer without that, as long as it was promised to when it was collected. No
    read gets an end before the floor under which it was kept.
    """

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        sources: Sources,
        governing: Governing,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._elapsed = elapsed
        self._store = store
        self._audit = audit
        self._clock = clock
        self._sources = sources
        self._governing = governing
        self._dialect = dialect(store)

    def run(self, actor: Actor, progress: Progress = untold) -> dict[str, int]:
        """Do what the newest policy asks for, where it is not done yet.

        Gives how many reads `changed`, the `shortened` and `lengthened` among them, and how many were `kept_short`,
        because nobody has signed that they may live longer. What is over stays over, and what a removed connection was
        to lose at once gets no longer life. Safe to kill at any moment and to run again: it goes on behind the last
        read that it did, and each is counted once. So it does where `progress` raises. Raises `Overtaken`, on
        record, as soon as another policy is in force than the one that it works for: no read gets an end of that any
        more, it is not over, and the next run does the whole of what the newer one asks for.
        """
        table = tables.recomputes
        with self._store.lease("recompute", DOING):
            with self._store.read() as connection:
                row = connection.execute(
                    select(table).where(table.c.ended_at.is_(None)).order_by(table.c.id.desc()).limit(1)
                ).one_or_none()
            if row is None:
                return dict(NOTHING_DONE)
            sure(self._clock)
            profile = self._governing.of(row.policy_id)
            try:
                self._go_through(row, profile, progress)
                narrow(self._store)
                return self._end(actor, row.id, self._ends_of(row, profile))
            except _Newer as newer:
                raise self._given_up(actor, row.id, newer) from None

    def effect(self, profile: Profile) -> list[Change]:
        """What a profile would do to the reads that are kept and visible, by connection and rule; changes nothing."""
        ends, now = self._ends(profile, self._governing.history()), to_micros(self._clock.now())
        counts: dict[tuple[int, str], Counter[str]] = {}
        after = 0
        while True:
            with self._store.read() as connection:
                rows = self._page(connection, after, MOST // 10)
                linked = self._linked(connection, rows)
                query = select(tables.connections.c.id, tables.connections.c.name)
                names = dict(connection.execute(query).tuples().all())
            if not rows:
                break
            after = rows[-1].id
            for row in rows:
                wanted = None if row.expires_at <= now else ends.wanted(row, row.id in linked)
                if wanted is None:
                    continue
                counted = counts.setdefault((row.connection_id, wanted.rule), Counter())
                counted["reads"] += 1
                counted["shorter"] += wanted.until < row.expires_at
                counted["longer"] += wanted.until > row.expires_at
                counted["kept_short"] += wanted.kept_short
                counted["end_now"] += wanted.until <= now and not row.held
        ordered = sorted(counts.items(), key=lambda item: (names[item[0][0]], item[0][1]))
        columns = ("reads", "shorter", "longer", "kept_short", "end_now")
        return [Change(names[ident], rule, *(counted[name] for name in columns)) for (ident, rule), counted in ordered]

    def _ends_of(self, begun: Row[Any], profile: Profile) -> "_Ends":
        return self._ends(profile, self._governing.history(begun.policy_id))

    def _ends(self, profile: Profile, before: list[tuple[int, Profile]]) -> "_Ends":
        asked, now = self._ask(), to_micros(self._clock.now())
        promises = Promises([*before, (now, profile)], asked.kinds)
        floors = Floors(self._governing.history(), asked.kinds)
        return _Ends(Lives(profile, asked.kinds), promises, floors, profile.lengthens, asked)

    def _ask(self) -> "_AskedSources":
        table, kinds = tables.removals, self._sources.all()
        with self._store.read() as connection:
            leaving = frozenset(connection.scalars(select(table.c.connection_id).where(table.c.reads == "purge")))
        return _AskedSources(kinds, leaving)

    def _go_through(self, begun: Row[Any], profile: Profile, progress: Progress) -> None:
        """Find the ends of the next reads while those before them are given theirs.

        Those that lie together on PostgreSQL's pages get theirs in several turns (`Dialect.PASSES`).
        """
        pace = TurnPace(BATCH, LEAST, max(MOST // self._dialect.PASSES, 1), self._elapsed)
        ends = self._ends_of(begun, profile)
        with ThreadPoolExecutor(1) as ahead:
            some = self._next_page(begun.after_id, ends, pace.rows)
            while some is not None:
                given, following = some, ahead.submit(self._next_page, some.last, ends, pace.rows)
                try:
                    for turn in range(len(given.turns)):
                        with pace.turn(given.looked_at // len(given.turns)) as begins:
                            self._give(begun.id, given, turn, begins)
                    some = following.result()
                except _Moved:
                    ends = self._ends_of(begun, profile)
                    some = self._next_page(given.first, ends, pace.rows)
                else:
                    # By their ids, which say how far it is without counting them all.
                    progress("reads looked at", given.last, max(begun.last_id, given.last))

    def _next_page(self, after: int, ends: "_Ends", a_turn: int) -> "_Some | None":
        """The ends that the next reads shall have, so many in each turn; None where there are no more."""
        now = to_micros(self._clock.now())
        rows: list[ReadToRecompute] = []
        # In short looks: while one lasts, PostgreSQL clears nothing that was over when it began.
        for _ in range(self._dialect.PASSES):
            with self._store.read() as connection:
                more = self._page(connection, rows[-1].id if rows else after, a_turn)
            rows += more
            if len(more) < a_turn:
                break
        if not rows:
            return None
        with self._store.read() as connection:
            linked = self._linked_between(connection, after + 1, rows[-1].id)
        passes: list[list[End]] = [[] for _ in range(self._dialect.PASSES)]
        kept_short = 0
        pass_of = self._dialect.pass_of
        for row in rows:
            wanted = None if row.expires_at <= now else ends.wanted(row, row.id in linked)
            if wanted is None:
                continue
            until, rule, is_kept_short = told_end(wanted.until, row.expires_at, now), wanted.rule, wanted.kept_short
            kept_short += is_kept_short
            if until != row.expires_at or rule != row.rule:
                passes[pass_of(row.place)].append(End(row.id, row.captured_at, until, rule, row.expires_at))
        turns = [fresh for fresh in passes if fresh] or [[]]
        return _Some(after, rows[-1].id, len(rows), turns, linked, ends.asked, kept_short)

    def _give(self, ident: int, some: "_Some", turn: int, begins: Callable[[], None]) -> None:
        """Give the reads of one turn their ends, and note that, in one transaction; raises `_Moved`, and changes
        nothing.

        The ends were found before anybody else had to wait: what they hang on is asked again while nobody else writes.
        Only with the last turn are all of them done: before that, whoever begins again looks at each of them again, and
        finds that those of the turns that are over have their ends.
        """
        table, fresh, is_last = tables.recomputes, some.turns[turn], turn == len(some.turns) - 1
        with self._store.write(durable=False, doing=DOING) as connection:
            begins()
            _demand_newest(connection, ident)
            now = to_micros(self._clock.now())
            if any(end.before <= now for end in fresh):  # it ended while others wrote, and stays over
                raise _Moved
            if fresh:
                linked = self._linked_between(connection, some.first + 1, some.last)
                if some.asked != self._ask() or some.linked != linked:
                    raise _Moved
                if set_ends(self._store, connection, fresh) != len(fresh):
                    raise _Moved
            done = connection.execute(select(table).where(table.c.id == ident)).one()
            connection.execute(
                update(table)
                .where(table.c.id == ident)
                .values(
                    changed=done.changed + len(fresh),
                    shortened=done.shortened + sum(end.until < end.before for end in fresh),
                    lengthened=done.lengthened + sum(end.until > end.before for end in fresh),
                    kept_short=done.kept_short + (some.kept_short if is_last else 0),
                    after_id=some.last if is_last else done.after_id,
                    last_id=max(done.last_id, some.last),
                )
            )

    def _end(self, actor: Actor, ident: int, ends: "_Ends") -> dict[str, int]:
        """Give refused records their ends too, and note that it is over, for this policy and those before it."""
        table, now = tables.recomputes, to_micros(self._clock.now())
        self._end_refused(ident, ends, now)
        with self._store.write(doing=DOING) as connection:
            _demand_newest(connection, ident)
            connection.execute(
                update(table).where(and_(table.c.id <= ident, table.c.ended_at.is_(None))).values(ended_at=now)
            )
            done = connection.execute(select(table).where(table.c.id == ident)).one()
            totals = {name: getattr(done, name) for name in NOTHING_DONE}
            self._audit.record(
                actor, Act.RETENTION_RECOMPUTE, Outcome.DONE, results=done.changed, within=connection,
                policy=done.policy_id, **{name: count for name, count in totals.items() if name != "changed"},
            )  # fmt: skip
        return totals

    def _given_up(self, actor: Actor, ident: int, newer: "_Newer") -> Overtaken:
        """Put on record that it stopped for a newer policy, and after which read; it stays one that is not over."""
        table = tables.recomputes
        with self._store.write() as connection:
            done = connection.execute(select(table).where(table.c.id == ident)).one()
            self._audit.record(
                actor, Act.RETENTION_RECOMPUTE, Outcome.STOPPED, results=done.changed, within=connection,
                policy=done.policy_id, overtaken_by=newer.policy, after_read=done.after_id,
            )  # fmt: skip
        return Overtaken(
            f"policy {newer.policy} was put in force while reads were given the ends of policy {done.policy_id}: that"
            " stopped there, and every read gets the end of the newer one with the next run (alprhub policy recompute)"
        )

    def _end_refused(self, ident: int, ends: "_Ends", now: int) -> None:
        """Give the records that could not be read their ends, in turns."""
        refused, after = tables.quarantine, 0
        columns = (refused.c.id, refused.c.connection_id, refused.c.received_at, refused.c.expires_at)
        query = select(*columns).where(visible(refused, now)).order_by(refused.c.id).limit(BATCH)
        change = update(refused).where(refused.c.id == bindparam("which")).values(expires_at=bindparam("until"))
        while True:
            with self._store.read() as connection:
                rows = connection.execute(query.where(refused.c.id > after)).all()
            if not rows:
                return
            with_ends = [(row, ends.of_refused(row)) for row in rows]
            if changed := [{"which": row.id, "until": end} for row, end in with_ends if end != row.expires_at]:
                with self._store.write(durable=False, doing=DOING) as connection:
                    _demand_newest(connection, ident)
                    # What ended while others wrote stays over.
                    connection.execute(change.where(visible(refused, to_micros(self._clock.now()))), changed)
            after = rows[-1].id

    def _page(self, connection: Connection, after: int, most: int) -> list[ReadToRecompute]:
        columns = ", ".join(ReadToRecompute._fields[:-1])
        sql = f"SELECT {columns}, {self._dialect.PLACE} FROM reads WHERE id > :after ORDER BY id LIMIT {most}"
        return list(map(ReadToRecompute._make, self._store.rows(connection, sql, {"after": after})))

    def _linked(self, connection: Connection, rows: list[ReadToRecompute]) -> set[int]:
        return self._linked_between(connection, rows[0].id, rows[-1].id) if rows else set()

    def _linked_between(self, connection: Connection, first: int, last: int) -> set[int]:
        """The reads that a case, an event or a hit needs: a walk along two indexes, whatever else is kept."""
        span = {"first": first, "last": last}
        between = "WHERE read_id BETWEEN :first AND :last"
        sql = f"SELECT read_id FROM links {between} UNION SELECT read_id FROM hits {between}"
        return set(connection.scalars(text(sql), span))


def _demand_newest(connection: Connection, ident: int) -> None:
    """Return where no other policy has asked for another recompute since; in a write nobody does until it is over."""
    table = tables.recomputes
    query = select(table.c.policy_id).where(table.c.id > ident).order_by(table.c.id.desc()).limit(1)
    if (policy := connection.scalar(query)) is not None:
        raise _Newer(policy)


class _Newer(Exception):
    """Another policy is in force than the one that the recompute works for."""

    def __init__(self, policy: int) -> None:
        super().__init__(policy)
        self.policy = policy


class _Moved(Exception):
    """Since the end of a read was found it is gone, over or needed otherwise, has another end, or its connection is of
    another kind or leaving."""


class _AskedSources(NamedTuple):
    """What the ends of a connection's reads hang on: where they come from, and whether they shall go with it."""

    kinds: Mapping[int, Provenance]
    leaving: frozenset[int]


class _Some(NamedTuple):
    """Reads behind `first` until `last`: the ends that they shall have, in one list a turn, those that something needs,
    what else was asked, and how many are kept short."""

    first: int
    last: int
    looked_at: int
    turns: list[list[End]]
    linked: set[int]
    asked: _AskedSources
    kept_short: int


class _Ends:
    """What each read's end shall be under a policy."""

    def __init__(self, lives: Lives, promises: Promises, floors: Floors, lengthens: bool, asked: _AskedSources) -> None:
        self._lives = lives
        self._promises = promises
        self._floors = floors
        self._lengthens = lengthens
        self.asked = asked

    def wanted(self, row: ReadToRecompute, linked: bool) -> WantedEnd | None:
        """The end of a read; None where no rule says anything of it."""
        times = (row.connection_id, row.captured_at, row.received_at)
        end = self._lives.end(*times, linked)
        if end is None:
            return None
        if end[0] <= row.expires_at:
            kept = Kept(*times, row.ingested_at, row.floor_at)
            return WantedEnd(self._floors.end(kept, end[0], row.expires_at), end[1], False)
        if row.connection_id in self.asked.leaving:
            return WantedEnd(row.expires_at, row.rule, False)
        if self._lengthens:
            return WantedEnd(*end, False)
        needed = self._promises.needed(*times, row.ingested_at) if linked else None
        if needed is not None and needed[0] > row.expires_at:
            return WantedEnd(*needed, needed[0] < end[0])
        return WantedEnd(row.expires_at, row.rule, True)

    def of_refused(self, row: Any) -> int:
        """The end (µs) of a record that could not be read."""
        end = self._lives.end(row.connection_id, row.received_at, row.received_at, False)
        kept = int(row.expires_at)
        if end is None or (end[0] > kept and (row.connection_id in self.asked.leaving or not self._lengthens)):
            return kept
        return end[0]
