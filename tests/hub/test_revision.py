"""A current database is known as such without Alembic, and nothing else is taken for one."""

from importlib.resources import files
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.revision import newest, revision_of
from hub.store.schema import standing


def test_the_newest_revision_is_the_head_of_the_migrations() -> None:
    scripts = ScriptDirectory(str(Path(str(files("hub.store"))) / "migrations"))
    assert newest() == scripts.get_current_head()


def test_a_migrated_database_is_current(settings: HubSettings) -> None:
    store = Store(settings.url())
    assert standing(store) == (newest(), newest(), (), True)
    store.close()


@pytest.mark.parametrize("ready", [False])
def test_an_empty_database_has_no_revision(settings: HubSettings) -> None:
    store = Store(settings.url())
    with store.read() as connection:
        assert revision_of(connection) is None
    assert standing(store).state == "none"
    store.close()


@pytest.mark.parametrize("other", ["0001", "9999"])
def test_a_database_of_another_version_is_not_current(settings: HubSettings, other: str) -> None:
    store = Store(settings.url())
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :other"), {"other": other})
    assert standing(store).state != "current"
    store.close()
