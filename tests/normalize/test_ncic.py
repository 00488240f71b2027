"""NCIC's codes: each means one place, and none that is a state is a country too."""

from normalize import ncic
from normalize.countries import CODES as COUNTRIES
from normalize.origin import origin
from normalize.states import CODES, Codes


def test_every_code_means_a_state_or_a_country_that_is_known_here() -> None:
    assert set(ncic.STATES.values()) <= CODES
    assert set(ncic.COUNTRIES.values()) <= COUNTRIES
    assert not ncic.STATES.keys() & ncic.COUNTRIES.keys()
    assert len(set(ncic.STATES.values())) == len(ncic.STATES), "no state has two codes"


def test_a_country_by_its_code_is_one_only_where_the_table_is_chosen() -> None:
    assert origin("GE", codes=Codes.NCIC).country.code == "DE"
    assert origin("SP", codes=Codes.NCIC).country.code == "ES"
    assert origin("GE").country.code is None
    assert origin("NE", codes=Codes.NCIC).country.code is None, "which is Holland there, and a slip for Nebraska here"
