"""Two databases, one set of words: each says all of them, and nobody outside the store asks which of the two it is."""

import inspect

import pytest

from hub.store import postgresql, sqlite
from hub.store.dialect import Dialect


@pytest.mark.parametrize("module", [sqlite, postgresql])
def test_each_database_says_every_word_with_the_same_arguments(module: object) -> None:
    for name, word in inspect.getmembers(Dialect, inspect.isfunction):
        if not name.startswith("_"):
            wanted = list(inspect.signature(word).parameters)[1:]
            assert (name, list(inspect.signature(getattr(module, name)).parameters)) == (name, wanted)
