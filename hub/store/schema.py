"""Bringing a database to the current schema."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from hub.store.engine import Store


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("hub.store").joinpath("migrations")))
    return config


def upgrade(store: Store) -> None:
    """Apply every migration that is missing; does nothing, quickly, on a current database."""
    config = _config()
    head = ScriptDirectory.from_config(config).get_current_head()
    with store.read() as connection:
        if MigrationContext.configure(connection).get_current_revision() == head:
            return
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
