"""Two databases, one set of words: each says all of them, and nobody outside the store asks which of the two it is."""

import inspect
import re
from pathlib import Path

import pytest

import hub
from hub.store import postgresql, sqlite
from hub.store.dialect import Dialect

FILES = {
    "hub/backups/backup.py": "copies files of the one and asks the server of the other for a dump",
    "hub/backups/restore.py": "brings back what that was",
    "hub/doctor/database.py": "looks at files of the one and at the server of the other",
}
"""Where it is not SQL that differs."""


@pytest.mark.parametrize("module", [sqlite, postgresql])
def test_each_database_says_every_word_with_the_same_arguments(module: object) -> None:
    for name, word in inspect.getmembers(Dialect, inspect.isfunction):
        if not name.startswith("_"):
            wanted = list(inspect.signature(word).parameters)[1:]
            assert (name, list(inspect.signature(getattr(module, name)).parameters)) == (name, wanted)


def test_nobody_outside_the_store_asks_which_database_it_is() -> None:
    root = Path(hub.__file__).parents[1]
    asking = {
        str(file.relative_to(root))
        for package in ("hub", "flows", "alprhub", "connectors", "native_reader")
        for file in (root / package).rglob("*.py")
        if re.search(r"\bis_sqlite\b", file.read_text()) and "store" not in file.relative_to(root).parts
    }
    assert asking <= set(FILES)
