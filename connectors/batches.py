"""`batched`: a long row of things, so many at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in their order, `size` at a time and the rest last; takes from `items` only what is asked for."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
