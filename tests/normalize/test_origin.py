"""Where a plate is from: a state inside its country, and never one that contradicts the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalize.countries import CODES as COUNTRIES
from normalize.countries import country
from normalize.origin import Origin, country_of, origin, shown
from normalize.states import CODES, Codes
from normalize.word import ABSENT, Known, Word


@pytest.mark.parametrize(
    ("region", "nation", "state", "country"),
    [
        ("MA", "BR", None, "BR"), ("CA", "MX", None, "MX"), ("ON", "MX", None, "MX"), ("NY", "CA", None, "CA"),
        ("CA", "DEU", None, "DE"), ("Georgia", "GE", None, "GE"), ("us-ny", "Canada", None, "CA"),
        ("CA", "US", "US-CA", "US"), ("ma", "us", "US-MA", "US"), ("Jalisco", "MX", "MX-JAL", "MX"),
        ("BC", "CA", "CA-BC", "CA"), ("PR", "US", "US-PR", "US"), (None, "Puerto Rico", "US-PR", "US"),
        ("Bayern", "DE", None, "DE"), ("CA", "Atlantis", None, None),
    ],
)  # fmt: skip
def test_a_state_is_answered_only_inside_the_country_that_was_given(
    region: str | None, nation: str, state: str | None, country: str | None
) -> None:
    found = origin(region, nation)
    assert (found.state.code, found.country.code) == (state, country)
    assert found.country.said == nation
    if state is None:
        assert (found.state.said, found.state.known) == (region, Known.UNMAPPED)


@pytest.mark.parametrize("short", ["AB", "BC", "MB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"])
@pytest.mark.parametrize("nation", [None, "US", "usa"])
def test_bare_canadian_codes_on_wires_of_the_united_states_are_canadas(short: str, nation: str | None) -> None:
    found = origin(short, nation)
    assert (found.state.code, found.country.code) == (f"CA-{short}", "CA")


@pytest.mark.parametrize(
    ("region", "country", "said"),
    [("us-ca", "US", None), ("CA", "US", None), ("mx-bcn", "MX", None), ("Quebec", "CA", None),
     ("Mexico", "MX", "Mexico"), ("MX", "MX", "MX"), ("DEU", "DE", "DEU"), ("br-sp", "BR", "br-sp"),
     ("DE-BY", "DE", "DE-BY"), ("724", None, None), ("CH", None, None), ("Atlantis", None, None), (None, None, None)],
)  # fmt: skip
def test_without_a_country_it_follows_from_the_state_or_is_what_the_region_says(
    region: str | None, country: str | None, said: str | None
) -> None:
    assert (origin(region).country.code, origin(region).country.said) == (country, said)


@pytest.mark.parametrize(
    ("region", "nation", "country"),
    [("de", "eu", "DE"), ("eu-fr", "eu", "FR"), ("MT", "EU", "MT"), ("de-by", "eu", "DE"), ("Italy", "Europe", "IT"),
     ("ca", "eu", None), ("us-ca", "eu", None), (None, "eu", None)],
)  # fmt: skip
def test_under_europe_the_region_is_the_country_and_no_state_of_the_united_states(
    region: str | None, nation: str, country: str | None
) -> None:
    assert (origin(region, nation).state.code, origin(region, nation).country.code) == (None, country)


def test_under_europe_a_part_of_the_country_is_kept_beside_it_and_the_country_is_no_state() -> None:
    assert origin("de-by", "eu").state == Word(said="de-by", known=Known.UNMAPPED)
    assert origin("de", "eu").state == origin("eu-fr", "eu").state == ABSENT
    assert origin("ca", "eu").state == Word(said="ca", known=Known.UNMAPPED)


@pytest.mark.parametrize(
    ("region", "nation", "code", "said"),
    [
        ("CA", "usa", "US", "usa"), ("ON", "usa", "CA", "usa"), (None, "Puerto Rico", "US", "Puerto Rico"),
        ("us-ca", None, "US", None), ("us-ca", "XX", "US", None), ("mx-bcn", "unknown", "MX", None),
    ],
)  # fmt: skip
def test_beside_a_country_stands_what_the_vendor_said_of_it_and_not_that_it_could_not_tell(
    region: str | None, nation: str | None, code: str, said: str | None
) -> None:
    assert origin(region, nation).country == Word(code=code, said=said, known=Known.MAPPED)


@pytest.mark.parametrize("region", ["MEX", "Germany", "br-sp"])
@pytest.mark.parametrize("nation", ["Atlantis", "DE", "US"])
def test_a_country_in_place_of_a_state_never_goes_before_the_country_that_was_given(region: str, nation: str) -> None:
    assert origin(region, nation).country == country(nation)


@pytest.mark.parametrize("nation", ["XX", "unknown", "-"])
def test_where_the_vendor_could_not_tell_the_country_only_a_region_with_its_country_is_a_state(nation: str) -> None:
    assert origin("CA", nation) == Origin(Word(said="CA", known=Known.UNMAPPED), Word(said=nation, known=Known.UNKNOWN))
    assert origin("us-ca", nation).state.code == "US-CA"


def test_nothing_said_is_absent() -> None:
    assert origin(None, None) == Origin(ABSENT, ABSENT)


@given(
    st.none() | st.text(max_size=12) | st.sampled_from(sorted(CODES)),
    st.none() | st.text(max_size=8) | st.sampled_from(sorted(COUNTRIES)),
    st.none() | st.sampled_from(Codes),
)
def test_a_state_and_a_country_never_contradict_each_other(
    region: str | None, nation: str | None, codes: Codes | None
) -> None:
    found = origin(region, nation, codes)
    if found.state.code is not None:
        assert found.country.code == found.state.code[:2]
    assert found.country.code in {None, *COUNTRIES}


def test_people_read_a_state_or_else_a_country() -> None:
    assert [shown("US-CA", "US"), shown("CA-BC", "CA"), shown(None, "DE"), shown(None, None)] == [
        "CA", "BC (Canada)", "Germany", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state_code", "country_code", "country"),
    [("US-CA", None, "US"), ("US-CA", "US", "US"), (None, "DE", "DE"), (None, None, None)],
)
def test_a_state_tells_its_country_where_nothing_else_does(
    state_code: str | None, country_code: str | None, country: str | None
) -> None:
    assert country_of(state_code, country_code) == country


@pytest.mark.parametrize(
    ("region", "codes", "country"),
    [("GE", Codes.NCIC, "DE"), (" ge ", Codes.NCIC, "DE"), ("GE", Codes.POSTAL, None), ("GE", None, None),
     (" mx ", None, "MX"), (" DEU ", None, "DE"), (" br-sp ", None, "BR")],
)  # fmt: skip
def test_a_country_in_place_of_a_state_is_read_by_the_table_that_was_chosen_in_any_case_and_blanks(
    region: str, codes: Codes | None, country: str | None
) -> None:
    assert origin(region, codes=codes).country.code == country
