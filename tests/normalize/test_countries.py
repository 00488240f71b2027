"""Countries: every spelling becomes ISO 3166-1 alpha-2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalize.countries import CODES, EUROPE, NAMES, country
from normalize.word import ABSENT, Known


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("US", "US"), ("us", "US"), ("USA", "US"), ("United States", "US"), ("united_states_of_america", "US"),
        ("MX", "MX"), ("MEX", "MX"), ("México", "MX"), ("CAN", "CA"), ("CA", "CA"), ("DEU", "DE"), ("D", "DE"),
        ("UK", "GB"), ("GBR", "GB"), ("SLO", "SI"), ("Türkiye", "TR"), ("Turkey", "TR"), ("xk", "XK"),
    ],
)  # fmt: skip
def test_each_spelling_that_was_seen(said: str, code: str) -> None:
    assert (country(said).code, country(said).said, country(said).known) == (code, said, Known.MAPPED)


@pytest.mark.parametrize(
    ("said", "known"),
    [("24", Known.UNMAPPED), ("Atlantis", Known.UNMAPPED), ("EU", Known.UNMAPPED), ("XX", Known.UNKNOWN),
     ("zz", Known.UNKNOWN), ("XXX", Known.UNKNOWN), ("zzz", Known.UNKNOWN), ("unknown", Known.UNKNOWN)],
)  # fmt: skip
def test_unknown_and_unmapped_are_two_things(said: str, known: Known) -> None:
    assert (country(said).code, country(said).known, country(said).said) == (None, known, said)


@pytest.mark.parametrize("said", [None, "", "  "])
def test_nothing_said_is_absent(said: str | None) -> None:
    assert country(said) == ABSENT


def test_every_code_comes_back_from_its_letters_and_its_name() -> None:
    for code in CODES - {"NA"}:  # on a wire NA is "not available"; Namibia is NAM
        assert country(code).code == code
        assert country(NAMES[code]).code == code
    assert country("NAM").code == "NA"
    assert EUROPE < CODES


@given(st.text(max_size=30))
def test_any_text_gives_a_code_we_know_or_none(said: str) -> None:
    assert country(said).code in {None, *CODES}
