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


def test_countries_whose_codes_are_those_of_others_elsewhere_are_not_mixed_up() -> None:
    ncics = {
        "AU": "AT", "AS": "AU", "AA": "AL", "AN": "DZ", "BR": "MM", "BZ": "BR", "BH": "BZ", "BB": "BB", "CD": "CA",
        "DK": "DK", "EI": None, "EN": "GB", "ES": "EE", "EZ": "CZ", "GB": "GA", "GC": "GR", "GE": "DE", "GG": "GH",
        "HK": None, "MM": "MX", "NW": "NO", "PO": "PL", "PT": "PT", "RF": "RU", "SA": "SL", "SB": "SA", "SF": "ZA",
        "SP": "ES", "SQ": "SE", "SZ": "CH", "TY": "TR", "US": "US", "VV": "VC", "ZC": "SR", "ZD": "MK",
    }  # fmt: skip
    assert {code: ncic.COUNTRIES.get(code) for code in ncics} == ncics
