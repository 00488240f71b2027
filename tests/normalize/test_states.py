"""States: every spelling that was seen, and every code there and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.states import CODES, postal, shown, snake, state
from normalize.word import ABSENT, Known


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("us-ca", "US-CA"), ("CA", "US-CA"), ("ca", "US-CA"), ("USA-NY", "US-NY"), ("US-NY", "US-NY"),
        ("north_carolina", "US-NC"), ("North Carolina", "US-NC"), ("arkansas", "US-AR"), ("washington_dc", "US-DC"),
        ("district_of_columbia", "US-DC"), ("washington", "US-WA"), ("0H", "US-OH"), ("C0", "US-CO"), ("0R", "US-OR"),
        ("us-mo", "US-MO"), ("puerto_rico", "US-PR"), ("ON", "CA-ON"), ("ca-on", "CA-ON"), ("Quebec", "CA-QC"),
        (" TX ", "US-TX"), ("mx-bcn", "MX-BCN"),
    ],
)  # fmt: skip
def test_each_spelling_that_was_seen(said: str, code: str) -> None:
    assert state(said).code == code
    assert state(said).known is Known.MAPPED


@pytest.mark.parametrize(
    ("said", "country", "code"), [("ma", "us", "US-MA"), ("CA", "US", "US-CA"), ("on", "CA", "CA-ON")]
)
def test_a_country_decides_bare_codes(said: str, country: str, code: str) -> None:
    assert state(said, country).code == code


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("724", Known.UNMAPPED),
        ("Bavaria", Known.UNMAPPED),
        ("00", Known.UNMAPPED),
        ("unknown", Known.UNKNOWN),
        ("-", Known.UNKNOWN),
    ],
)
def test_unknown_and_unmapped_are_two_things(said: str, known: Known) -> None:
    assert (state(said).code, state(said).known, state(said).said) == (None, known, said)


@pytest.mark.parametrize("said", [None, "", "  "])
def test_nothing_said_is_absent(said: str | None) -> None:
    assert state(said) == ABSENT


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_comes_back_from_its_own_spellings(code: str) -> None:
    country = code[:2]
    assert state(code).code == code
    assert state(snake(code)).code == code
    assert state(f"{country.lower()}-{postal(code).lower()}").code == code
    assert state(postal(code), country).code == code


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.none() | st.sampled_from(["US", "CA", "MX", "XX"]))
def test_any_text_gives_a_code_we_know_or_none(said: str, country: str | None) -> None:
    assert state(said, country).code in {None, *CODES}


def test_a_state_is_shown_as_it_stands_on_plates_and_with_its_country_where_that_is_another() -> None:
    assert [shown(code) for code in ("US-CA", "CA-BC", "MX-BCN", "DE-BY")] == [
        "CA", "BC (Canada)", "BCN (Mexico)", "DE-BY",
    ]  # fmt: skip
