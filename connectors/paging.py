"""Walking through pages without walking in circles."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from connectors.errors import VendorChanged

MOST_PAGES: Final = 100_000


def follow(first: Any, after: Callable[[Any], str | None], fetch: Callable[[str], Any]) -> Iterator[Any]:
    """`first` and every answer after it; `after` gives the next cursor, `fetch` the answer of a cursor.

    Raises `VendorChanged` where a cursor comes twice or the pages do not end: a loop would never finish, and stopping
    quietly would lose what lies behind it.
    """
    seen: set[str] = set()
    answer = first
    for _ in range(MOST_PAGES):
        yield answer
        cursor = after(answer)
        if cursor is None:
            return
        if cursor in seen:
            raise VendorChanged("the vendor gave the same page cursor twice")
        seen.add(cursor)
        answer = fetch(cursor)
    raise VendorChanged(f"more than {MOST_PAGES} pages")
