"""`Store`: one database behind two doors, one for reading and one for writing.

There is one writer at a time, on both databases (decision 0002): SQLite can do no other, and on PostgreSQL it spares
every race between saving, purging and matching for the price of a lock that is held for milliseconds. The audit log is
written beside it (`append`): nobody's question waits for a purge.
"""

import fcntl
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from shutil import disk_usage
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from connectors.durable import make_folder, settle_folder
from hub.errors import Busy
from hub.store import server_turn
from hub.store.audit_file import LogFile, is_made, make
from hub.store.bulk import insert_many
from hub.store.pragmas import PRAGMAS, hasty, waiting
from hub.store.spool import RESERVE
from hub.store.turn import PATIENCE_S, Turns
from hub.store.vacuum import empty_log, size, vacuum
from hub.words import moment

_ONE_MOMENT: Final = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
_OFTEN: Final = "PRAGMA wal_autocheckpoint = 1000"
"""Pages of the audit log that whoever appends brings to its file: few at a time, since nobody shall wait for it."""
_HELD_SINCE: Final = """
SELECT min(a.state_change) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted
  AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(:name, 0)
"""
"""A session that holds a lease does nothing else: its state last changed when it got the lock."""
Traces = Literal["vacuum", "encrypted", "server"]
"""They go when SQLite writes its file anew; they stay on a disk that is encrypted; they are PostgreSQL's server's."""
_ALLOT: Final = text("UPDATE counters SET value = value + :count WHERE name = :name RETURNING value")
_NESTED: Final = (
    "Store.write() inside an open write of the same store would wait for itself: hand on the connection that the open"
    " one gave (`within=` takes it), or end that first"
)
_SESSION = "; ".join((  # one way to the server and back
    # A plan that fits every pattern fits none well, and compiling one takes longer than most answers.
    "SET plan_cache_mode = force_custom_plan",
    "SET jit = off",
    # The server lets go of what a machine held that is gone, leases too, within a minute.
    "SET tcp_keepalives_idle = 20",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
))  # fmt: skip


class Store:
    """A database. `write()` and `read()` are transactions; everything in this package goes through them."""

    def __init__(self, url: str, patience: float = PATIENCE_S) -> None:
        """`patience` is how many seconds a write waits for those before it."""
        self._patience = patience
        self._mine = threading.local()
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.zone: Callable[[], tzinfo] = lambda: UTC
        """In which zone people are told times."""
        self.closed = False
        """Whether it was closed: whoever would try again need not."""
        self.in_months = False
        """Whether reads are kept in months that may be made while others read (`partitions`)."""
        self.disk_encrypted = False
        """Whether somebody said that the database's file need not be written anew, since its disk is encrypted."""
        if self.is_sqlite:
            # The file may be given by a link: SQLite's log lies beside the file itself, and so must turns and leases.
            path = self._path = Path(self.url.database or "").resolve()
            self.url = self.url.set(database=str(path))
            make_folder(path.parent, 0o700)
            self._turns = Turns(path.parent / "leases", patience, self._zone)
            self._log = LogFile(path)
            self._writer = self._sqlite_engine("BEGIN IMMEDIATE")
            self._reader = self._sqlite_engine("BEGIN", "PRAGMA query_only = ON", "PRAGMA mmap_size = 2147418112")
            self._appender = self._sqlite_engine("BEGIN IMMEDIATE", _OFTEN, log=self._log)
            self._log_reader = self._sqlite_engine("BEGIN", "PRAGMA query_only = ON", log=self._log)
            path.chmod(0o600) if path.exists() else path.touch(mode=0o600)
        else:
            # Each has connections of its own: who waits to write, or holds a lease for long, keeps nobody from reading.
            self._reader = self._postgresql_engine(pool_size=5, pool_pre_ping=True)
            self._writer = self._postgresql_engine(pool_size=5, max_overflow=30, pool_pre_ping=True)
            self._appender = self._postgresql_engine(pool_size=5, max_overflow=30, pool_pre_ping=True)
            self._log_reader = self._reader
            self._leaser = self._postgresql_engine(poolclass=NullPool)

        self._errors: type[Exception] = self._reader.dialect.dbapi.Error  # type: ignore[union-attr]

    def _sqlite_engine(self, begin: str, *more: str, log: LogFile | None = None) -> Engine:
        # An error's text ends in logs, and a statement's parameters are plates.
        connect = {"timeout": 60, "check_same_thread": False}
        engine = create_engine(self.url, connect_args=connect, hide_parameters=True)

        if log is not None:

            @event.listens_for(engine, "do_connect")
            def there(*_: Any) -> sqlite3.Connection:
                log.demand()
                # SQLite makes no file where there is none: a log that is lost is not begun anew by whoever looks.
                return sqlite3.connect(f"{log.path.as_uri()}?mode=rw", uri=True, timeout=60, check_same_thread=False)

            @event.listens_for(engine, "handle_error")
            def name(failed: ExceptionContext) -> None:
                log.mark(failed.original_exception)

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            connection.isolation_level = None  # we begin ourselves: the driver would begin too late
            for pragma in PRAGMAS:
                connection.execute(pragma)
            for pragma in more:
                connection.execute(pragma)

        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def _postgresql_engine(self, **pool: Any) -> Engine:
        from psycopg.types.array import ListBinaryDumper

        engine = create_engine(self.url, hide_parameters=True, connect_args={"connect_timeout": 10}, **pool)

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            connection.execute(_SESSION)
            # Lists of a thousand plates: as text each one would be searched for quotes.
            connection.adapters.register_dumper(list, ListBinaryDumper)
            connection.commit()

        return engine

    @contextmanager
    def write(self, durable: bool = True, doing: str = "", patience: float | None = None) -> Iterator[Connection]:
        """A transaction that may write; waits for the one writer before it, commits at the end, undone by an error.

        Once it is over, its changes are on the disk. `durable=False` is for what is done again if they are not: a power
        cut may take it back, with every such transaction after it. The next durable one puts all before it on the disk.

        Raises `Busy` where the wait takes longer than `patience` seconds (None: the store's). It says who writes, since
        when, and the `doing` of that write, a sentence. A program that is none of the hub's and locks SQLite's file is
        waited for no longer either; the database's own error is raised then. Inside an open write of this thread it
        raises `RuntimeError`.
        """
        with self._alone():
            if self.is_sqlite:
                with (
                    self._turns.take("writer", doing, patience),
                    self._writer.connect() as connection,
                    hasty(connection) if not durable else nullcontext(),
                    waiting(connection, patience),
                    connection.begin(),
                ):
                    yield connection
            else:
                with self._writer.connect() as connection, connection.begin():
                    waits = self._patience if patience is None else patience
                    if not server_turn.take(connection, durable, doing, waits):
                        raise server_turn.holder(self._reader).busy(self.zone(), waits)
                    yield connection
            afterwards = self._mine.afterwards
        for call in afterwards:
            call()

    def afterwards(self, call: Callable[[], None]) -> None:
        """Have something done, once, when the open write of this thread is committed; not where it is undone."""
        if call not in self._mine.afterwards:
            self._mine.afterwards.append(call)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if getattr(self._mine, "writes", False):
            raise RuntimeError(_NESTED)
        self._mine.writes, self._mine.afterwards = True, []
        try:
            yield
        finally:
            self._mine.writes = False

    @contextmanager
    def append(self, patience: float | None = None) -> Iterator[Connection]:
        """A transaction that adds to the audit log, on the disk when it is over: it waits for no `write`.

        Raises `Busy` where others append for longer than `patience` seconds (None: the store's), and `AdminMustAct`
        where the log's file is not in its place (`demand_log`), before and after: what went elsewhere is not on record.
        """
        if self.is_sqlite:
            with self._turns.take("audit", patience=patience), self._appender.connect() as connection:
                self._log.demand()
                with waiting(connection, patience), connection.begin():
                    yield connection
                self._log.demand()
            return
        waits = self._patience if patience is None else patience
        with self._appender.connect() as connection, connection.begin():
            if not server_turn.take(connection, True, "", waits, server_turn.APPENDER):
                raise server_turn.holder(self._reader, server_turn.APPENDER).busy(self.zone(), waits)
            yield connection

    @contextmanager
    def read_log(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the audit log."""
        with self._log_reader.connect() as connection, connection.begin():
            self.demand_log()
            if not self.is_sqlite:
                connection.execute(_ONE_MOMENT)
            yield connection

    def begin_log(self) -> None:
        """Make SQLite's file of the audit log, or the table in one that is empty; nothing else ever makes it.

        For a hub that never had one, and where somebody has said that it is lost (`hub.former`).
        """
        if not self.is_sqlite:
            return
        self._log.path.touch(mode=0o600)  # SQLite gives the files beside it the same rights
        with self.read_log() as connection:
            if is_made(connection):
                return
        with self._appender.connect() as connection, connection.begin():
            if not is_made(connection):  # another process may have been first
                make(connection)
        settle_folder(self._log.path.parent)

    def demand_log(self) -> None:
        """Return where SQLite's file of the audit log is the one that this store has had open; else `AdminMustAct`."""
        if self.is_sqlite:
            self._log.demand()

    @property
    def log_file(self) -> Path | None:
        """SQLite's file of the audit log; None where the log is a table of the database (PostgreSQL).

        A copy of both is whole where the database's own file was copied first: what was not in the log then is in it.
        """
        return self._log.path if self.is_sqlite else None

    def settle(self) -> None:
        """All that was committed so far, `durable` or not, is on the disk."""
        with self.write() as connection:
            # A commit that changes nothing waits for nothing, and neither does one that writes what is there.
            connection.execute(
                text(
                    "INSERT INTO counters (name, value) VALUES ('settled', 1) "
                    "ON CONFLICT (name) DO UPDATE SET value = counters.value + 1"
                )
            )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """SQLite's turn to write, for what no transaction does."""
        with self._alone(), self._turns.take("writer", "the database's file is being tidied or written anew"):
            yield

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database and cannot change it."""
        with self._reader.connect() as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(_ONE_MOMENT)
                if self.in_months:
                    # Locked before the snapshot is taken: a read that moves to its month in between would be in neither
                    # place.
                    connection.execute(text("LOCK TABLE ONLY reads IN ACCESS SHARE MODE"))
            yield connection

    @contextmanager
    def lease(self, name: str, doing: str = "") -> Iterator[None]:
        """Be the only one doing `name` on any process; raises `Busy` where somebody is, and since when.

        `doing` says it as a sentence for people: `city-flock is being synced`.

        The operating system (SQLite) or the server (PostgreSQL) lets go when the holder dies, so a killed run never
        blocks the next one.
        """
        if self.is_sqlite:
            with self._turns.file(f"lease-{name}") as descriptor:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    since = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
                    raise self._busy(name, doing, since) from None
                os.utime(descriptor)  # since when, for whoever comes meanwhile
                yield
            return
        with self._leaser.connect() as connection:
            won = connection.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), {"name": name})
            connection.commit()
            if not won:
                raise self._busy(name, doing, connection.scalar(text(_HELD_SINCE), {"name": name}))
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": name})
                connection.commit()

    def _zone(self) -> tzinfo:
        return self.zone()

    def _busy(self, name: str, doing: str, since: datetime | None) -> Busy:
        at = f" since {moment(since, self.zone())}" if since else ""
        return Busy(f"{doing or f'the job {name!r} is being done'} by another process{at}; try again when it is done")

    def one_of(self, column: str, parameter: str) -> str:
        """SQL that holds where `column` is in the list bound by `as_list`: one statement for any length."""
        if self.is_sqlite:
            return f"{column} IN (SELECT value FROM json_each(:{parameter}))"
        return f"{column} = ANY(:{parameter})"

    def among(self, column: str, parameter: str) -> str:
        """`one_of` for a column of ids that is to be compared and not looked up, whatever index there is on it."""
        if self.is_sqlite:
            return self.one_of(f"+{column}", parameter)
        # PostgreSQL hashes the list only where both sides are of one type; the driver would send the shortest that
        # fits.
        return f"{column} + 0 = ANY(CAST(:{parameter} AS bigint[]))"

    def as_list(self, values: Sequence[Any]) -> Any:
        """A list as a bound value for `one_of`."""
        if self.is_sqlite:
            return msgspec.json.encode(list(values)).decode()
        return list(values)

    def insert(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        """Insert many rows of plain tuples as fast as the driver can (`bulk` on SQLite, binary COPY on PostgreSQL)."""
        if not rows:
            return
        if self.is_sqlite:
            insert_many(connection, table.name, columns, rows)
            return
        names = ", ".join(columns)
        cursor: Any = connection.connection.cursor()
        kinds = [_COPY_TYPES[str(table.c[name].type)] for name in columns]
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(kinds)
            for row in rows:
                copy.write_row(row)

    def rows(self, connection: Connection, sql: str, bound: Mapping[str, Any]) -> list[Any]:
        """The rows of a statement as plain tuples, as fast as the driver can; parameters are written `:name`."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(sql if self.is_sqlite else _for_psycopg(sql), bound)
            return list(cursor.fetchall())
        except self._errors as failed:
            # An error's text ends in logs, and what is bound are plates.
            raise DBAPIError.instance(sql, None, failed, self._errors, hide_parameters=True) from None
        finally:
            cursor.close()

    def allot(self, connection: Connection, name: str, count: int) -> int:
        """The first of `count` new ids of a table; ids are never given twice, not even after a purge."""
        last = connection.scalar(_ALLOT, {"count": count, "name": name})
        return int(last or 0) - count + 1

    @property
    def traces(self) -> Traces:
        """What becomes of the bytes that destroyed rows leave in the database's file."""
        if not self.is_sqlite:
            return "server"
        return "encrypted" if self.disk_encrypted else "vacuum"

    def squeeze(self) -> bool:
        """Empty the write-ahead log, which has the old pages of what was changed; gives whether that is done.

        A reader that stays puts it off until the next time. What is left in the file itself goes by `vacuum`.
        """
        return not self.is_sqlite or empty_log(self._path, self._turn)

    def vacuum(self, now: int, go_on: Callable[[], None]) -> None:
        """Have SQLite write its file anew; writers wait as long, readers do not. What `go_on` raises ends it."""
        vacuum(self._path, self._turn, now, go_on)

    def size(self) -> int:
        """The bytes of SQLite's file that are in use."""
        return size(self._path)

    def room_to_vacuum(self) -> tuple[int, int]:
        """How many bytes the disk must have free to write SQLite's file anew, and how many it has.

        A copy of the file and all of it in the log lie there before the file is smaller; pushes that come meanwhile
        need room, too.
        """
        return 2 * self.size() + RESERVE, disk_usage(self._path.parent).free

    @property
    def file(self) -> Path | None:
        """The database's file; None where a server keeps it (PostgreSQL)."""
        return self._path if self.is_sqlite else None

    def analyze(self, name: str) -> None:
        """Let PostgreSQL's planner look at a table again; no writer waits for it."""
        with self.beside() as connection:
            connection.execute(text(f"ANALYZE {name}"))

    @contextmanager
    def beside(self) -> Iterator[Connection]:
        """A transaction on PostgreSQL for what changes no row: it takes no turn to write, and no writer waits."""
        with self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.closed = True
        for engine in (self._writer, self._appender, self._log_reader):
            engine.dispose()
        self._reader.dispose()  # a lease's connection is closed with the lease


@lru_cache(maxsize=1024)
def _for_psycopg(sql: str) -> str:
    """The statement with its parameters written as psycopg wants them."""
    return re.sub(r"(?<!:):([a-z]\w*)", r"%(\1)s", sql.replace("%", "%%"))


_COPY_TYPES: Final = {
    "BIGINT": "int8",
    "INTEGER": "int4",
    "SMALLINT": "int2",
    "TEXT": "text",
    "BLOB": "bytea",
    "BOOLEAN": "bool",
    "DOUBLE": "float8",
}
