"""The schema of a database: whether it is that of this code, and each step that brings it there.

A database without tables gets them by being opened. One that has them is changed by `hub.migrating` alone.
"""

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from sqlalchemy import Connection, text

from hub.errors import AdminMustAct
from hub.store.engine import Store
from hub.store.revision import newest, revision_of

if TYPE_CHECKING:  # Alembic is imported where it is used: a current database needs none of it
    from alembic.config import Config
    from alembic.script import Script

LOCK: Final = "4s"
"""How long a step waits for a table that somebody reads: whoever comes meanwhile waits behind it."""
STATEMENT: Final = "60s"
"""How long one statement of a step may take, unless its revision says `STATEMENT_TIMEOUT` itself."""


class SchemaStanding(NamedTuple):
    """How a database's schema stands to the code's: the revision found, the code's own, and the steps between."""

    found: str | None
    wanted: str
    steps: tuple[str, ...]
    known: bool

    @property
    def state(self) -> Literal["none", "current", "older", "unknown"]:
        """`unknown`: a revision that this code does not have, so a newer version's."""
        if self.found is None:
            return "none"
        if self.found == self.wanted:
            return "current"
        return "older" if self.known else "unknown"


def standing(store: Store) -> SchemaStanding:
    """How the database's schema stands to the code's."""
    with store.read() as connection:
        found = revision_of(connection)
    if found == newest():
        return SchemaStanding(found, found, (), known=True)
    every = [script.revision for script in _scripts()]
    known = found is None or found in every
    steps = every[every.index(found) + 1 if found is not None else 0 :] if known else []
    return SchemaStanding(found, every[-1], tuple(steps), known)


def ready(store: Store) -> None:
    """Give an empty database its tables; raises `AdminMustAct` for one whose schema is another than the code's."""
    stands = standing(store)
    if stands.state == "none":
        upgrade(store)
    elif stands.state == "older":
        raise AdminMustAct(
            f"the database of this hub has the tables of an earlier version (revision {stands.found}, and this alprhub"
            f" {version('alprhub')} needs {stands.wanted}); nothing was changed. Stop what runs, make a backup with the"
            f" version that was installed before (its alprhub --version says revision {stands.found}), then bring it"
            " up: alprhub migrate"
        )
    elif stands.state == "unknown":
        raise newer(stands)


def demand_known(revision: str) -> None:
    """Return where this code knows a revision; raises `AdminMustAct` for that of a newer version."""
    every = [script.revision for script in _scripts()]
    if revision not in every:
        raise newer(SchemaStanding(revision, every[-1], (), known=False))


def newer(stands: SchemaStanding) -> AdminMustAct:
    """What is raised where this version is older than the database."""
    return AdminMustAct(
        f"this alprhub {version('alprhub')} is older than the hub: a newer alprhub has brought its database to revision"
        f" {stands.found}, and this one knows none after {stands.wanted}. Nothing was changed: install the newer one"
        " again, or restore the backup from before the upgrade (docs/operations.md)"
    )


def upgrade(store: Store) -> None:
    """Apply every step that is missing, all of them or none; does nothing on a current database."""
    from alembic import command

    with store.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def step(connection: Connection, revision: str) -> str:
    """Take the step to a revision within a transaction, and say what it did in the words of its file.

    Where PostgreSQL makes it wait for a table, or a statement takes too long, it fails and changes nothing.
    """
    from alembic import command

    script = next(one for one in _scripts() if one.revision == revision)
    if connection.dialect.name == "postgresql":
        allowed = getattr(script.module, "STATEMENT_TIMEOUT", STATEMENT)
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK}'"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{allowed}'"))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    return said(revision)


def said(revision: str) -> str:
    """What a revision does, as the first line of its file says it."""
    script = next(one for one in _scripts() if one.revision == revision)
    return (script.doc or revision).strip().splitlines()[0]


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("hub.store").joinpath("migrations")))
    return config


@cache  # they are the code's own, and to read them all takes longer than most steps
def _scripts() -> "tuple[Script, ...]":
    """Every revision, oldest first."""
    from alembic.script import ScriptDirectory

    return tuple(ScriptDirectory.from_config(_config()).walk_revisions())[::-1]
