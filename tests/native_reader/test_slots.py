"""Readings of models, crops and frames add up to what most of them agree on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from native_reader.slots import (
    ALPHABET,
    CHARACTERS,
    PAD,
    SLOTS,
    candidates,
    decode,
    from_candidates,
    from_probabilities,
    fuse,
    rescaled,
    weakest,
)

plates = st.text(CHARACTERS, min_size=1, max_size=SLOTS)


def _sure(text: str, slots: int = SLOTS) -> np.ndarray:
    rows = np.zeros((slots, len(ALPHABET)), np.float32)
    for slot, character in enumerate(text.ljust(slots, PAD)):
        rows[slot, ALPHABET.index(character)] = 1.0
    return rows


@given(plates)
def test_every_text_that_fits_survives_the_round_trip(text: str) -> None:
    for slots in (from_probabilities(_sure(text)), from_candidates([(text, 0.3)])):
        assert slots.shape == (SLOTS, 37)
        assert decode(slots)[0] == text
        assert candidates(slots)[0][0] == text
        assert decode(slots)[1] > 0.9


@given(st.lists(plates, min_size=1, max_size=5))
def test_fused_readings_stay_probabilities(texts: list[str]) -> None:
    slots = fuse([from_probabilities(_sure(text)) for text in texts])
    assert np.allclose(np.exp(slots).sum(axis=1), 1, atol=1e-4)
    text, probability = decode(slots)
    assert 0 <= probability <= 1
    assert PAD not in text
    assert 0 <= weakest(slots) <= 1


def test_a_model_with_nine_slots_adds_up_with_one_of_ten() -> None:
    nine, ten = from_probabilities(_sure("7ZZX123", 9)), from_probabilities(_sure("7ZZX123", 10))
    assert decode(fuse([nine, ten]))[0] == "7ZZX123"


def test_the_majority_wins_even_against_one_that_is_certain() -> None:
    sure = from_candidates([("7ZZX123", 0.98), ("7ZZX128", 0.02)])
    certain = from_probabilities(_sure("7ZZX128"))
    assert decode(fuse([sure, sure, sure, certain]))[0] == "7ZZX123"


def test_two_sure_readings_that_differ_make_an_unsure_one() -> None:
    both = fuse([from_probabilities(_sure("7ZZX123")), from_probabilities(_sure("7ZZX128"))])
    assert decode(both)[1] < 0.55
    assert 0.4 < weakest(both) <= 0.5
    assert {text for text, _ in candidates(both)[:2]} == {"7ZZX123", "7ZZX128"}


def test_a_heavier_reading_counts_for_more() -> None:
    left, right = from_probabilities(_sure("7ZZX123")), from_probabilities(_sure("7ZZX128"))
    assert decode(fuse([left, right], [1, 3]))[0] == "7ZZX128"


def test_a_plate_has_no_hole_in_its_middle() -> None:
    rows = _sure("7ZZX123")
    rows[3] = 0
    rows[3, ALPHABET.index(PAD)] = 0.6
    rows[3, ALPHABET.index("X")] = 0.4
    assert decode(from_probabilities(rows))[0] == "7ZZX123"


def test_candidates_are_ordered_and_differ() -> None:
    told = candidates(from_candidates([("7ZZX123", 0.6), ("7ZZX128", 0.3), ("1ZZX123", 0.1)]))
    texts = [text for text, _ in told]
    assert texts[:2] == ["7ZZX123", "7ZZX128"]
    assert len(set(texts)) == len(texts)
    assert [p for _, p in told] == sorted((p for _, p in told), reverse=True)


def test_rescaled_candidates_never_promise_more_than_everything() -> None:
    told = rescaled([("7ZZX123", 0.9), ("7ZZX128", 0.06), ("1ZZX123", 0.02)], 0.7)
    assert told[0] == ("7ZZX123", 0.7)
    assert sum(p for _, p in told) <= 1
    assert told[1][1] == pytest.approx(0.18)
    assert rescaled([], 0.5) == ()


@pytest.mark.parametrize("shape", [(11, 37), (9, 36), (37,)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="slots of 37 characters"):
        from_probabilities(np.zeros(shape))


def test_nothing_cannot_be_added_up() -> None:
    with pytest.raises(ValueError, match="nothing to fuse"):
        fuse([])
    with pytest.raises(ValueError, match="candidate"):
        from_candidates([])
