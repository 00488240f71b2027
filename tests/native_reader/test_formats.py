"""Where one engine doubts, a text in a pattern that plates are issued in is likelier; one place gives one sighting."""

from __future__ import annotations

import pytest

from native_reader.engine import SeenPlate
from native_reader.formats import weighed
from native_reader.ppocr import _chosen

RARE = 0.1


def test_between_two_texts_the_pattern_decides_and_a_sure_text_stays() -> None:
    assert weighed([("LZZW533", 0.5), ("4ZZW533", 0.2)], RARE)[0][0] == "4ZZW533"
    assert weighed([("LZZW533", 0.97), ("4ZZW533", 0.01)], RARE)[0][0] == "LZZW533"


@pytest.mark.parametrize("texts", [[("7ZZX123", 0.6), ("7ZZXI23", 0.3)], [("QZRULZ", 0.5)], [("9ABC", 1.0)]])
def test_shares_stay_shares(texts: list[tuple[str, float]]) -> None:
    shares = [share for _, share in weighed(texts, RARE)]
    assert sum(shares) <= 1 + 1e-9
    assert shares == sorted(shares, reverse=True)


def _seen(text: str, probability: float, left: int = 10) -> SeenPlate:
    return SeenPlate(text, probability, (left, 10, 100, 30), probability=probability)


def test_one_place_gives_one_sighting_and_all_of_a_text_beats_a_part_of_it() -> None:
    assert [plate.text for plate in _chosen([_seen("7ZZX1", 0.9), _seen("7ZZX123", 0.5, 20)])] == ["7ZZX123"]
    assert [plate.text for plate in _chosen([_seen("7ZZX128", 0.4), None, _seen("7ZZX123", 0.5)])] == ["7ZZX123"]
    assert len(_chosen([_seen("7ZZX123", 0.5), _seen("2QQV456", 0.5, 300)])) == 2


def test_words_and_bare_numbers_give_way_to_a_plate_of_both() -> None:
    both = [_seen("QZRULZ", 0.9), _seen("131704", 0.9, 300), _seen("7ZZX123", 0.4, 600)]
    assert [plate.text for plate in _chosen(both)] == ["7ZZX123"]
    assert len(_chosen(both[:2])) == 2
