"""Nothing is lost between two batches."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from connectors.batches import batched


@given(st.lists(st.integers(), max_size=50), st.integers(1, 10))
def test_batches_hold_everything_in_order_and_none_is_too_long_or_empty(items: list[int], size: int) -> None:
    batches = list(batched(items, size))
    assert [item for batch in batches for item in batch] == items
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(1 <= len(batch) <= size for batch in batches)


def test_only_what_is_asked_for_is_taken() -> None:
    assert next(batched(count(), 3)) == [0, 1, 2]
