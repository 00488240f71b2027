"""`alprhub migrate`: says what is missing, and does it."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command

from hub.store import schema
from hub.store.engine import Store


@pytest.fixture
def older(run: Any, joined: Any, store: Path) -> Path:
    """The data folder of a hub that an earlier version left."""
    database = Store(f"sqlite:///{store / 'alprhub.sqlite3'}")
    config = schema._config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0013")
    database.close()
    return store


@pytest.mark.parametrize("words", [["connections", "list"], ["runs"], ["purge"], ["init"]])
def test_every_command_names_the_one_that_brings_it_up(run: Any, older: Path, words: list[str]) -> None:
    done = run(*words)
    assert done.code == 78
    assert done.err.count("\n") == 1
    assert "earlier version (revision 0013" in done.err
    assert "make a backup with the version that was installed before (its alprhub --version says" in done.err
    assert done.err.endswith("revision 0013), then bring it up: alprhub migrate\n")


def test_it_says_what_is_missing_and_what_it_did(run: Any, older: Path) -> None:
    asked = run("migrate", "--check")
    assert asked.code == 78
    assert "0014  One row for every file of a drop that was taken" in asked.out
    assert asked.out.endswith("with the version that was installed before, then alprhub migrate\n")
    listed = run("migrate", "--check", "--json")
    assert (listed.code, listed.json()["taken"]) == (78, False)
    done = run("migrate")
    assert done.code == 0
    assert done.out.splitlines()[0].startswith("0014  ")
    assert done.out.endswith("taken; the database has the tables of this version\n")
    assert run("connections", "list").code == 0
    again = run("migrate", "--json")
    assert again.json() == {"steps": [], "taken": True, "is_hub": True}
    assert run("migrate", "--check").out == "the database has the tables of this version\n"


def test_where_there_is_no_hub_it_makes_none(run: Any, store: Path) -> None:
    (store / "alprhub.sqlite3").unlink()
    done = run("migrate")
    assert (done.code, done.out) == (
        0, "there is no hub here yet, so there is nothing to bring up: alprhub init makes one\n",
    )  # fmt: skip
    assert not (store / "alprhub.sqlite3").exists()


def test_a_database_that_is_missing_beside_its_key_is_refused(run: Any, joined: Any, store: Path) -> None:
    for path in store.glob("alprhub.sqlite3*"):
        path.unlink()
    for words in (["migrate"], ["search", "9SYN001", "--purpose", "stolen_vehicle", "--reason", "x"], ["init"]):
        done = run(*words)
        assert done.code == 78
        assert f"the database '{store / 'alprhub.sqlite3'}' is missing or empty" in done.err
        assert "its key (secret.key)" in done.err
    assert not (store / "alprhub.sqlite3").exists()
