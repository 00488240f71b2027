"""Vehicle words: NCIC codes beside the vendor's own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize import vehicle
from normalize.word import ABSENT, FLOOR, Known


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("toyota", "TOYT"),
        ("Mercedes-Benz", "MERZ"),
        ("VW", "VOLK"),
        ("chevrolet", "CHEV"),
        ("TOYT", "TOYT"),
        ("land rover", "LNDR"),
    ],
)
def test_makes(said: str, code: str) -> None:
    assert vehicle.make(said).code == code


@pytest.mark.parametrize(
    ("said", "code"), [("silver-gray", "SIL"), ("gold-beige", "GLD"), ("grey", "GRY"), ("Black", "BLK"), ("WHI", "WHI")]
)
def test_colours(said: str, code: str) -> None:
    assert vehicle.colour(said).code == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("sedan-standard", "4D"), ("sedan-compact", "4D"), ("sedan-sports", "2D"), ("suv-crossover", "UT"),
        ("sedan-wagon", "SW"), ("tractor-trailer", "TR"), ("pickup", "PK"), ("van-full", "VN"),
        ("truck-standard", "PK"),
    ],
)  # fmt: skip
def test_bodies(said: str, code: str) -> None:
    assert vehicle.body(said).code == code


def test_a_car_is_no_sedan_but_a_car_all_the_same() -> None:
    assert vehicle.body("car").code == vehicle.body("Passenger Car").code == "CAR"
    assert {"CAR", "4D"} < vehicle.TYPES["car"]
    assert vehicle.described("TOYT", "RED", "CAR") == "red Toyota car"


def test_a_word_keeps_how_sure_the_vendor_was_of_it_and_below_the_floor_it_is_none() -> None:
    sure = vehicle.make("Toyota").sure(0.93)
    assert (sure.code, sure.said, sure.known, sure.confidence) == ("TOYT", "Toyota", Known.MAPPED, 0.93)
    guess = vehicle.make("Toyota").sure(0.009)
    assert (guess.code, guess.said, guess.known, guess.confidence) == (None, "Toyota", Known.UNKNOWN, 0.009)
    assert vehicle.make("Toyota").sure(FLOOR).code == "TOYT"
    assert vehicle.make("Toyota").sure(None) == vehicle.make("Toyota")
    assert vehicle.make(None).sure(0.9) == ABSENT


@pytest.mark.parametrize("look_up", [vehicle.make, vehicle.colour, vehicle.body])
@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("Zorblax", Known.UNMAPPED),
        ("Unknow", Known.UNKNOWN),
        ("missing", Known.UNMAPPED),
        (None, Known.ABSENT),
        (" ", Known.ABSENT),
    ],
)
def test_four_ways_of_not_knowing(look_up: vehicle.Vehicle, said: str | None, known: Known) -> None:
    word = look_up(said)  # type: ignore[operator]
    assert word.code is None
    assert word.known is known
    assert word.said == (said.strip() or None if said else None)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_kept_short(said: str) -> None:
    for look_up in (vehicle.make, vehicle.colour, vehicle.body):
        assert len(look_up(said).said or "") <= 100


def test_a_vehicle_is_described_in_words_as_far_as_it_is_known() -> None:
    assert vehicle.described("NISS", "BLK", "4D") == "black Nissan sedan"
    assert vehicle.described(None, "SIL", "PK") == "silver pickup"
    assert vehicle.described("XYZZ", None, None) == "XYZZ"
    assert vehicle.described(None, None, None) == ""
