"""The script that the image of PostgreSQL runs once makes two databases that do not see each other."""

import os
import shutil
import subprocess
from pathlib import Path

import postgres
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from hub.settings import HubSettings
from hub.wiring import open_hub

SCRIPT = Path(__file__).parents[2] / "deploy" / "compose" / "databases.sh"


@pytest.mark.slow
def test_the_hub_and_prefect_have_a_database_each_and_cannot_open_the_others(tmp_path: Path) -> None:
    path = postgres.programs()
    if shutil.which("psql", path=path) is None:
        pytest.skip("psql is not here: the script has not been run")
    with postgres.server() as url:
        passwords = {"ALPRHUB_DB_PASSWORD": "one", "PREFECT_DB_PASSWORD": "two"}
        environment = {"PATH": path, "PGHOST": str(url.query.get("host") or url.host), "POSTGRES_USER": url.username}
        if url.port:
            environment["PGPORT"] = str(url.port)
        given = os.environ | environment | passwords
        done = subprocess.run(["sh", str(SCRIPT)], env=given, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "one" not in done.stdout + done.stderr

        for role, password, other in (("alprhub", "one", "prefect"), ("prefect", "two", "alprhub")):
            own = url.set(username=role, password=password, database=role)
            engine = create_engine(own)
            with engine.begin() as connection:
                connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            engine.dispose()
            engine = create_engine(own.set(database=other))
            with pytest.raises(OperationalError, match="permission denied"), engine.connect():
                pass
            engine.dispose()

        ours = url.set(username="alprhub", password="one", database="alprhub")
        settings = HubSettings(data=tmp_path, database_url=ours.render_as_string(hide_password=False))
        with open_hub(settings) as hub:
            assert hub.connections.list() == []
