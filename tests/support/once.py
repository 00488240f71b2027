"""What a set-up leaves in a hub's folder and in its database: made once, and copied for each test that begins there."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import postgres
from sqlalchemy.engine import make_url

from hub.settings import HubSettings


class Once:
    """Copies of one set-up, for each kind of database."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._like: str | None = None

    def bring(self, settings: HubSettings, make: Callable[[], None]) -> None:
        """Bring a hub that nobody has open to where `make` brings it; what it has before that is replaced."""
        database = None if settings.database_url is None else make_url(settings.url())
        kept = self._folder / ("sqlite" if database is None else "postgresql")
        if not kept.exists():
            make()
            shutil.copytree(settings.data, kept)
            if database is not None:
                copied = postgres.database(database.set(database="postgres"), like=database.database)
                self._like = make_url(self._stack.enter_context(copied)).database
            return
        if settings.data.exists():
            shutil.rmtree(settings.data)
        shutil.copytree(kept, settings.data)
        if database is not None:
            postgres.replace(database, self._like or "")


@contextmanager
def once(folder: Path) -> Iterator[Once]:
    """Copies that lie in a folder, and on the server beside the database that they are of."""
    with ExitStack() as stack:
        yield Once(folder, stack)
