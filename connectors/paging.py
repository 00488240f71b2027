"""Four ways through more than one answer holds, each of which ends or says that the vendor goes in circles.

`by_cursor`: the answer names the next one. `by_number`: pages are counted. `by_moving_start`: nothing but a start can
be asked for, so it moves to the newest that came. `by_halves`: an answer that may be cut off is asked for again in
halves. None fetches ahead: an answer is asked for once the one before it was taken.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar

from connectors.errors import VendorChanged

A = TypeVar("A")

MOST_PAGES: Final = 100_000


def by_cursor(first: A, after: Callable[[A], str | None], fetch: Callable[[str], A]) -> Iterator[A]:
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
    raise _endless()


def by_number(
    fetch: Callable[[int], A | None],
    rows: Callable[[A], Sequence[bytes]],
    is_last: Callable[[A, int], bool] = lambda _answer, _number: False,
    first: int = 1,
) -> Iterator[A]:
    """The pages `first`, `first` + 1, … through the one that `is_last`, or before the one that is None.

    `rows` gives what a page holds. Raises `VendorChanged` where two pages in a row hold the same, which is how a source
    answers that does not look at the number, and where the pages do not end.
    """
    before: Sequence[bytes] | None = None
    for number in range(first, first + MOST_PAGES):
        answer = fetch(number)
        if answer is None:
            return
        held = rows(answer)
        if held == before:
            raise VendorChanged("the vendor gave the same page twice", b"\n".join(held))
        yield answer
        if is_last(answer, number):
            return
        before = held
    raise _endless()


class Stretch(NamedTuple):
    """The records of an answer that are new, and the time of its newest one; `over` where it is the last answer."""

    fresh: list[bytes]
    newest: datetime
    over: bool


def by_moving_start(
    start: datetime,
    fetch: Callable[[datetime, int], Sequence[bytes]],
    time_of: Callable[[bytes], datetime | None],
    *,
    size: int | None = None,
    widest: int = 1,
    back: timedelta = timedelta(),
) -> Iterator[Stretch]:
    """All records from `start` on: each answer's newest time is the start of the next request, until nothing is new.

    `fetch` gives the records at or after an instant, at most so many; repeated records are left out as often as they
    came before. Where `size` is not known (None) `fetch` is asked for 0, and the end is an answer that brings nothing
    new. Where it is known, the end is an answer that is not full and stays at its start; one that is full and stays
    there is asked for again with twice as many, up to `widest` times the size. `back` reaches behind the newest, where
    the edge may not count. Raises `VendorChanged` where more share one instant than can be asked for, and where there
    is no end.
    """
    given, most = Counter[bytes](), size or 0
    for _ in range(MOST_PAGES):
        page = fetch(start, most)
        fresh = list((Counter(page) - given).elements())
        newest = max((at for raw in page if (at := time_of(raw)) is not None), default=start)
        moved, full = newest > start, size is not None and len(page) >= most
        if full and not moved:
            if most >= (size or 0) * widest:
                raise VendorChanged(f"{most} or more reads share one instant, or tell none, and there is no cursor")
            most *= 2
            continue
        over = not fresh if size is None else not moved
        yield Stretch(fresh, max(newest, start), over)
        if over:
            return
        after = max(start, newest - back)
        # Ordered answers repeat only the records from the first one of the newest instant on.
        again = next((n for n, raw in enumerate(page) if time_of(raw) == newest), 0) if size is not None else 0
        given = Counter(page[again:]) if after > start else given | Counter(page)
        start, most = after, size or 0
    raise _endless()


def by_halves(
    since: datetime,
    until: datetime,
    fetch: Callable[[datetime, datetime], A],
    is_full: Callable[[A], bool],
    tick: timedelta,
) -> Iterator[tuple[datetime, A]]:
    """The answers of a span, in the order of time, each with the end of its part; `fetch` gives the answer of a part.

    One that `is_full`, so that something may be missing, is not given: its two halves are asked for. Neighbours share
    an edge. Raises `VendorChanged` where a part that cannot be halved, as long as the vendor's `tick`, is full.
    """
    parts = [(since, until)]
    for _ in range(MOST_PAGES):
        if not parts:
            return
        low, high = parts.pop()
        answer = fetch(low, high)
        if not is_full(answer):
            yield high, answer
            continue
        middle = low + (high - low) // 2
        if min(middle - low, high - middle) < tick:
            raise VendorChanged(f"more reads may share {_span(tick)} than one answer holds")
        parts += [(middle, high), (low, middle)]
    raise _endless()


def _span(tick: timedelta) -> str:
    millis = tick / timedelta(milliseconds=1)
    return "one millisecond" if millis == 1 else "one second" if millis == 1000 else f"{millis:g} milliseconds"


def _endless() -> VendorChanged:
    return VendorChanged(f"more than {MOST_PAGES} pages")
