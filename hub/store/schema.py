"""Bringing a database to the current schema."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from hub.errors import AdminMustAct
from hub.store.engine import Store


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("hub.store").joinpath("migrations")))
    return config


def upgrade(store: Store) -> None:
    """Apply every migration that is missing; does nothing, quickly, on a current database.

    Raises `AdminMustAct` on one that a newer version has brought further than this one knows.
    """
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    with store.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == scripts.get_current_head():
        return
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise AdminMustAct(
            "a newer alprhub has opened this database, and this one does not know its tables: install the newer one"
            " again, or restore the backup from before the upgrade (docs/operations.md)"
        )
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
