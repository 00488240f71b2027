"""Which revision of the schema a database has, read without Alembic: a database that is current needs nothing of it."""

from functools import cache
from importlib.resources import files

from sqlalchemy import Connection, inspect, text


@cache
def newest() -> str:
    """The revision that the code wants: the number of the last file of the migrations, which a test holds them to."""
    versions = files("hub.store").joinpath("migrations", "versions")
    return max(file.name[:4] for file in versions.iterdir() if file.name[:4].isdigit())


def revision_of(connection: Connection) -> str | None:
    """The revision that a database has, None for one that has no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
