"""How long work says how far it is: plain numbers, to whoever started it."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""What is counted (`reads`), how many are done, and of how many (None: nobody knows).

It is called between two pieces of the work. What it raises ends the work there: with `Stopped`, what was done before is
kept wherever the work says that it goes piece by piece, and nothing is kept where it is done all or not at all.
"""


def untold(_what: str, _done: int, _total: int | None) -> None:
    """Nobody wants to know."""
