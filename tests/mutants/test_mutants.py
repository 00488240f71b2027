"""The list of mutants is about the code that stands: `make mutants` would else try nothing."""

from collections import Counter

import mutants
import pytest

ALL = mutants.listed()


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.says)
def test_a_mutant_changes_a_text_that_stands_there_once_and_names_tests_that_there_are(mutant: mutants.Mutant) -> None:
    assert mutant.source(mutants.ROOT) != (mutants.ROOT / mutant.file).read_text("utf-8")
    assert mutant.tests
    assert mutant.strangers(mutants.ROOT) == []


def test_no_mutant_is_listed_twice() -> None:
    assert [says for says, times in Counter(mutant.says for mutant in ALL).items() if times > 1] == []
    assert len({(mutant.file, mutant.text, mutant.instead) for mutant in ALL}) == len(ALL)
