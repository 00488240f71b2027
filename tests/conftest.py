"""Fixtures that every floor may use."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import memory
import migrated
import postgres
import pytest
from sqlalchemy.engine import URL, make_url

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SHARED = Path(__file__).parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Let temporary folders lie in memory where there is room: what is written there is written, and nobody waits."""
    if config.option.basetemp is None and (folder := memory.folder()) is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at what is slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files whose tests are given more time than others: what they wait for goes on beside the rest.

    A test that is there for each database is slow on PostgreSQL: whoever is in a hurry has it on SQLite.
    """
    allowed: dict[Path, float] = {}
    for item in items:
        marker = item.get_closest_marker("timeout")
        allowed[item.path] = max(allowed.get(item.path, 0), marker.args[0] if marker else 0)
        given = getattr(item, "callspec", None)
        if given is not None and "postgresql" in given.params.values():
            item.add_marker("slow")
    items.sort(key=lambda item: allowed[item.path], reverse=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of material that stands beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the material beside the project (../shared) is not here")
    return SHARED


@pytest.fixture(scope="session")
def pg_server() -> Iterator[URL]:
    """One PostgreSQL for all tests of a worker."""
    with postgres.server(durable=False) as url:
        yield url


@pytest.fixture
def pg_url(pg_server: URL) -> Iterator[str]:
    """A new, empty PostgreSQL database."""
    with postgres.database(pg_server) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_pg(pg_server: URL) -> Iterator[str]:
    """The name of a database with the schema and the months of a hub that was opened at noon on the first of June 2026.

    It is there to be copied: nobody connects to it.
    """
    with postgres.database(pg_server) as url:
        migrated.migrate(url, NOW)
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / migrated.NAME
    migrated.migrate(f"sqlite:///{file}", NOW)
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == [file.name]
    return file
