"""Confidence: many scales, one range."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.confidence import Scale, scaled
from normalize.fault import Unusable


@pytest.mark.parametrize(
    ("value", "scale", "share"),
    [
        (0.9, Scale.UNIT, 0.9), ("0.91", Scale.UNIT, 0.91), (94.0, Scale.PERCENT, 0.94), (99, Scale.PERCENT, 0.99),
        (999, Scale.TATTILE, 1.0), (0, Scale.PERCENT, 0.0), (100.00001, Scale.PERCENT, 1.0), (-1, Scale.UNIT, None),
        (None, Scale.UNIT, None), ("", Scale.PERCENT, None), ("-1", Scale.PERCENT, None),
    ],
)  # fmt: skip
def test_each_scale(value: float | str | None, scale: Scale, share: float | None) -> None:
    assert scaled(value, scale) == share


@pytest.mark.parametrize(
    ("value", "scale"),
    [
        (97, Scale.UNIT),
        (160, Scale.PERCENT),
        (-2, Scale.UNIT),
        ("high", Scale.UNIT),
        ("nan", Scale.UNIT),
        ("inf", Scale.PERCENT),
    ],
)
def test_outside_the_scale_is_not_certainty(value: float | str, scale: Scale) -> None:
    with pytest.raises(Unusable) as refused:
        scaled(value, scale, "plate.confidence")
    assert refused.value.field == "plate.confidence"


@settings(max_examples=200, deadline=None)
@given(st.floats() | st.text(max_size=10), st.sampled_from(Scale))
def test_anything_is_a_share_or_nothing_or_refused(value: float | str, scale: Scale) -> None:
    try:
        share = scaled(value, scale)
    except Unusable:
        return
    assert share is None or 0 <= share <= 1
