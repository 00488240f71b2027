"""Fixtures that every floor may use."""

import gc
import os
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import compiled
import effort
import hypothesis
import memory
import migrated
import postgres
import pytest
from sqlalchemy.engine import URL, make_url

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SHOWN = 10_000
"""Characters of what one test printed or logged that are shown at each end of it."""
SHARED = Path(__file__).parents[2] / "shared"
SCHEDULE = Path(__file__).parents[1] / "alprhub" / "demo-schedule.yaml"


def pytest_configure(config: pytest.Config) -> None:
    """Let temporary folders lie in memory where there is room: what is written there is written, and nobody waits.

    What Hypothesis is not told otherwise it tries as often as `effort` says.
    """
    # The policy that hubs of tests begin with leaves something to a schedule, which must be signed.
    os.environ.setdefault("ALPRHUB_DECISIONS", str(SCHEDULE))
    hypothesis.settings.register_profile("usual", max_examples=effort.tries(25, 100), deadline=None)
    hypothesis.settings.load_profile("usual")
    compiled.share()
    if config.option.basetemp is None and (folder := memory.folder()) is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the collector from looking, while tests are collected, for what is garbage: nothing is."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


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


def pytest_collection_finish() -> None:
    """Spare the collector a million objects that live as long as the run, each time that it looks at all there is."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show of what a test printed and logged its beginning and its end: one that never ends logs for ever."""
    report = yield
    report.sections = [(name, _shortened(said)) for name, said in report.sections]
    return report


def _shortened(said: str) -> str:
    left = len(said) - 2 * SHOWN
    return said if left <= 0 else f"{said[:SHOWN]}\n[{left} characters left out]\n{said[-SHOWN:]}"


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
