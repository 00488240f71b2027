"""A line's columns become a plate: only plate characters, and every crop has its say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from native_reader.ctc import Narrowing, judge, likely, score
from native_reader.slots import CHARACTERS

LETTERS = [*"!-.", *CHARACTERS, *CHARACTERS[10:].lower(), "Ж"]


def _columns(*spelled: dict[str, float]) -> np.ndarray:
    """Log-probabilities, a column a dict of character → probability; "" is nothing, the rest is spread."""
    rows = []
    for column in spelled:
        row = np.full(37, (1 - sum(column.values())) / 37)
        for character, probability in column.items():
            row[CHARACTERS.index(character) + 1 if character else 0] += probability
        rows.append(row)
    return np.log(np.array(rows, np.float32))


def _spelled(text: str) -> np.ndarray:
    return _columns(*[column for character in text for column in ({character: 0.98}, {"": 0.98})])


def test_the_score_is_the_sum_over_every_way_to_spell_the_text() -> None:
    columns = _columns({"A": 0.5, "1": 0.3}, {"A": 0.3, "": 0.4, "1": 0.2}, {"1": 0.6})
    total = {"A1": 0.0, "11": 0.0, "A": 0.0, "1": 0.0}
    for path in itertools.product(range(37), repeat=3):
        spelled = "".join(CHARACTERS[k - 1] for k, _ in itertools.groupby(path) if k)
        if spelled in total:
            total[spelled] += float(np.exp(sum(columns[at, pick] for at, pick in enumerate(path))))
    for text, probability in total.items():
        assert score(columns, text) == pytest.approx(np.log(probability), abs=1e-3)


def test_doubled_characters_need_a_gap() -> None:
    assert likely(_columns({"7": 0.98}, {"7": 0.98}))[0] == "7"
    assert likely(_columns({"7": 0.98}, {"": 0.98}, {"7": 0.98}))[0] == "77"


def test_the_best_text_of_the_search_is_the_one_spelled() -> None:
    assert likely(_spelled("7ZZX123"))[0] == "7ZZX123"


def test_crops_are_judged_together() -> None:
    torn = _columns({"7": 0.5, "1": 0.45}, {"": 0.98}, {"Z": 0.98})
    clear = _columns({"1": 0.9}, {"": 0.98}, {"Z": 0.98})
    told = judge([torn, clear])
    assert told[0][0] == "1Z"
    assert [p for _, p in told] == sorted((p for _, p in told), reverse=True)
    assert sum(p for _, p in told) <= 1 + 1e-6


def test_texts_longer_than_any_plate_are_no_candidates() -> None:
    assert judge([_spelled("CONGRATULATIONS")]) == []


def test_lower_case_of_the_same_shape_counts_as_upper_and_marks_and_emblems_as_nothing() -> None:
    narrowing = Narrowing(LETTERS)
    output = np.full((6, len(LETTERS) + 2), 1e-5, np.float32)
    for column, character in enumerate("x-m7Жb"):
        output[column, LETTERS.index(character) + 1] = 0.9
    columns = narrowing.columns(output)
    assert columns.shape == (6, 37)
    assert np.allclose(np.exp(columns).sum(axis=1), 1, atol=1e-3)
    assert likely(columns)[0] == "X7"
    assert narrowing.plain(output) == "x-m7Жb"
