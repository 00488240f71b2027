"""The script that the image of PostgreSQL runs once makes two databases that do not see each other."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from hub.settings import HubSettings
from hub.wiring import open_hub

SCRIPT = Path(__file__).parents[2] / "deploy" / "compose" / "databases.sh"


@pytest.fixture
def made(pg_server: URL) -> Iterator[URL]:
    """A server on which the script has been run; what it made is taken away again."""
    path = postgres.programs()
    if shutil.which("psql", path=path) is None:
        pytest.skip("psql is not here: the script has not been run")
    url = pg_server
    passwords = {"ALPRHUB_DB_PASSWORD": "one", "PREFECT_DB_PASSWORD": "two"}
    environment = {"PATH": path, "PGHOST": str(url.query.get("host") or url.host), "POSTGRES_USER": url.username}
    if url.port:
        environment["PGPORT"] = str(url.port)
    given = os.environ | environment | passwords
    done = subprocess.run(["sh", str(SCRIPT)], env=given, check=False, capture_output=True, text=True)
    try:
        assert done.returncode == 0, done.stderr
        assert "one" not in done.stdout + done.stderr
        yield url
    finally:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for name in ("alprhub", "prefect"):
                connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                connection.execute(text(f"DROP ROLE IF EXISTS {name}"))
        engine.dispose()


@pytest.mark.slow
def test_the_hub_and_prefect_have_a_database_each_and_cannot_open_the_others(made: URL, tmp_path: Path) -> None:
    for role, password, other in (("alprhub", "one", "prefect"), ("prefect", "two", "alprhub")):
        own = made.set(username=role, password=password, database=role)
        engine = create_engine(own)
        with engine.begin() as connection:
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
        engine.dispose()
        engine = create_engine(own.set(database=other))
        with pytest.raises(OperationalError, match="permission denied"), engine.connect():
            pass
        engine.dispose()

    ours = made.set(username="alprhub", password="one", database="alprhub")
    settings = HubSettings(data=tmp_path, database_url=ours.render_as_string(hide_password=False))
    with open_hub(settings) as hub:
        assert hub.connections.accounts.list() == []
