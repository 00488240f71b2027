"""States: every spelling that was seen, and every code there and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.states import CODES, Codes, meanings, postal, short_of, shown, snake, state, state_of
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


@pytest.mark.parametrize("said", ["Uşak", "Usak", "Cape", "USCA", "usaca", "Camb", "mxmex", "US0R", "Uşak "])
@pytest.mark.parametrize("country", [None, "unknown", "US", "CA", "TR"])
def test_a_country_and_a_code_in_one_word_are_a_word(said: str, country: str | None) -> None:
    assert (state(said, country).code, state(said, country).said) == (None, said.strip())


@pytest.mark.parametrize("said", ["US-AK", "us ak", "USA_AK", "U.S.AK", "us/ak", "US-AK ", "us-ak."])
def test_a_country_apart_from_the_code_is_a_country(said: str) -> None:
    assert state(said).code == state(said, "unknown").code == "US-AK"


@pytest.mark.parametrize(
    ("said", "country", "code"),
    [
        ("ma", "us", "US-MA"),
        ("CA", "US", "US-CA"),
        ("on", "CA", "CA-ON"),
        ("PR", "Puerto Rico", "US-PR"),
        ("gu", "GUM", "US-GU"),
    ],
)
def test_a_country_decides_bare_codes(said: str, country: str, code: str) -> None:
    assert state(said, country).code == code


@pytest.mark.parametrize(
    ("said", "country"),
    [("MA", "BR"), ("CA", "MX"), ("ON", "MX"), ("CA", "CA"), ("NY", "CA"), ("de", "eu"), ("CA", "XX")],
)
def test_a_state_of_another_country_is_none(said: str, country: str) -> None:
    assert (state(said, country).code, state(said, country).said) == (None, said)


@pytest.mark.parametrize(
    ("said", "codes", "code"),
    [
        ("NB", Codes.POSTAL, "CA-NB"), ("NB", Codes.NCIC, "US-NE"), ("NK", Codes.NCIC, "CA-NB"),
        ("GM", Codes.NCIC, "US-GU"), ("GU", Codes.NCIC, "MX-GUA"), ("GU", Codes.POSTAL, "US-GU"),
        ("PQ", Codes.NCIC, "CA-QC"), ("NL", Codes.NCIC, "MX-NLE"), ("NL", Codes.POSTAL, "CA-NL"),
        ("CH", Codes.NCIC, "MX-CHH"), ("CA", Codes.NCIC, "US-CA"), ("Nebraska", Codes.NCIC, "US-NE"),
        ("NE", Codes.NCIC, None), ("AS", Codes.NCIC, None), ("GM", Codes.POSTAL, None), ("CH", None, None),
        ("GM", None, "US-GU"), ("NE", None, "US-NE"), ("NB", None, None),
    ],
)  # fmt: skip
def test_a_code_means_what_its_table_says_and_one_that_two_tables_have_nothing_until_one_is_chosen(
    said: str, codes: Codes | None, code: str | None
) -> None:
    assert state(said, codes=codes).code == code
    assert state(said, codes=codes).said == said


def test_the_country_decides_a_code_that_two_tables_have() -> None:
    assert state("NB", "CA").code == "CA-NB"
    assert state("NB", "US").code is None, "what is set up for the United States reads Canada's plates too"
    assert meanings("NB") == ("CA-NB", "US-NE")
    assert meanings("NB", "CA") == meanings("GM") == meanings("CA") == ()


@pytest.mark.parametrize("code", sorted(CODES))
@pytest.mark.parametrize("codes", [None, *Codes])
def test_what_a_file_writes_for_a_state_is_read_back_as_it(code: str, codes: Codes | None) -> None:
    assert state_of(short_of(code, codes), codes) == code


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
