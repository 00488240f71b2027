"""`beside`: pieces of work on several vendors are done side by side, and what goes wrong with one is its own."""

import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

S = TypeVar("S")
T = TypeVar("T")

AT_ONCE: Final = 16
"""Pieces of work on connections that one process does at the same time."""
_HEARS: Final = 0.2
"""Seconds after which a main thread that waits hears of a signal that another thread was sent."""


def beside(of: Sequence[S], work: Callable[[S], T]) -> list[T | Exception]:
    """What `work` gives for each, or the error that it raised, in their order; `AT_ONCE` of them at a time.

    Whoever is interrupted waits for none of them.
    """
    done = dict[int, T | Exception]()
    places = threading.BoundedSemaphore(AT_ONCE)

    def piece(number: int, one: S) -> None:
        with places:
            try:
                done[number] = work(one)
            except Exception as failed:
                done[number] = failed

    threads = [
        threading.Thread(target=piece, args=(number, one), name=f"beside {one}", daemon=True)
        for number, one in enumerate(of)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(_HEARS)
    return [done[number] for number in range(len(of))]
