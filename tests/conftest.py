"""Fixtures that every floor may use."""

from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from sqlalchemy.engine import URL

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of material that stands beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the material beside the project (../shared) is not here")
    return SHARED


@pytest.fixture(scope="session")
def pg_server() -> Iterator[URL]:
    """One PostgreSQL for all tests of a worker."""
    with postgres.server() as url:
        yield url


@pytest.fixture
def pg_url(pg_server: URL) -> Iterator[str]:
    """A new, empty PostgreSQL database."""
    with postgres.database(pg_server) as url:
        yield url
