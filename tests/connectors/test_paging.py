"""Each of the four ways gives everything once and in order, and says so where a vendor goes in circles."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import paging
from connectors.errors import VendorChanged
from connectors.paging import by_cursor, by_halves, by_moving_start, by_number

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ROWS = st.lists(st.binary(min_size=1, max_size=3), unique=True, max_size=40)


def chunks(rows: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [rows[at : at + size] for at in range(0, len(rows), size)] or [rows]


# By cursor


@given(st.lists(st.integers(), min_size=1, max_size=20))
def test_cursors_lead_through_every_page_once_and_in_order(pages: list[int]) -> None:
    answers = by_cursor(0, lambda at: str(at + 1) if at + 1 < len(pages) else None, int)
    assert [pages[at] for at in answers] == pages


@given(st.data())
def test_a_cursor_that_repeats_is_an_error_and_not_an_end(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 10))
    back_to = data.draw(st.integers(1, count - 1))
    with pytest.raises(VendorChanged, match="twice"):
        list(by_cursor(0, lambda at: str(at + 1 if at + 1 < count else back_to), int))


def test_the_next_page_is_fetched_only_when_asked_for() -> None:
    fetched: list[str] = []
    pages = by_cursor(("A", "b"), lambda answer: answer[1], lambda cursor: fetched.append(cursor) or ("B", None))
    next(pages)
    assert fetched == []
    next(pages)
    assert fetched == ["b"]


# By number


@given(ROWS, st.integers(1, 5), st.integers(0, 3))
def test_numbers_lead_through_every_page_to_the_one_that_is_not_there(rows: list[bytes], size: int, first: int) -> None:
    pages = chunks(rows, size)
    answers = by_number(
        lambda n: (pages[n - first] or None) if n - first < len(pages) else None, lambda page: page, first=first
    )
    assert [row for page in answers for row in page] == rows


@given(ROWS, st.integers(1, 5))
def test_numbers_lead_to_the_page_that_is_the_last_and_no_further(rows: list[bytes], size: int) -> None:
    pages, asked = chunks(rows, size), list[int]()
    answers = by_number(
        lambda n: asked.append(n) or pages[n - 1], lambda page: page, lambda _, number: number == len(pages)
    )
    assert [row for page in answers for row in page] == rows
    assert asked == list(range(1, len(pages) + 1))


@given(st.lists(st.binary(max_size=3), max_size=5))
def test_a_source_that_does_not_look_at_the_number_is_an_error_and_not_an_end(rows: list[bytes]) -> None:
    answers = by_number(lambda _: rows, lambda page: page)
    assert next(answers) == rows
    with pytest.raises(VendorChanged, match="same page twice") as changed:
        next(answers)
    assert changed.value.body == b"\n".join(rows)


# By a start that moves


class Log:
    """Reads at whole seconds after the start, as a vendor keeps them: oldest first, asked for from a start on."""

    def __init__(self, seconds: Sequence[int]) -> None:
        self.rows = [f"{second}:{number}".encode() for number, second in enumerate(sorted(seconds))]
        self.asked: list[tuple[datetime, int]] = []

    def at(self, row: bytes) -> datetime:
        return START + int(row.partition(b":")[0]) * SECOND

    def search(self, start: datetime, most: int) -> list[bytes]:
        self.asked.append((start, most))
        return [row for row in self.rows if self.at(row) >= start][:most]


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 8))
def test_a_moving_start_brings_everything_once_and_oldest_first(seconds: list[int], size: int) -> None:
    log = Log(seconds)
    stretches = list(by_moving_start(START, log.search, log.at, size=size, widest=64))
    assert [row for stretch in stretches for row in stretch.fresh] == log.rows
    assert [stretch.over for stretch in stretches] == [False] * (len(stretches) - 1) + [True]
    assert all(log.at(row) <= stretch.newest for stretch in stretches for row in stretch.fresh)


@given(st.lists(st.sampled_from([b"0:a", b"1:b", b"2:c"]), max_size=30), st.integers(1, 4))
def test_rows_that_are_alike_come_as_often_as_they_are_there(rows: list[bytes], size: int) -> None:
    log = Log([])
    log.rows = sorted(rows)
    stretches = by_moving_start(START, log.search, log.at, size=size, widest=64)
    assert Counter(row for stretch in stretches for row in stretch.fresh) == Counter(rows)


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 5))
def test_where_nobody_knows_how_much_an_answer_holds_it_is_asked_until_nothing_is_new(
    seconds: list[int], most: int
) -> None:
    log = Log(sorted(set(seconds)))  # at one a second an answer of two moves on, though it begins a second back
    stretches = by_moving_start(START, lambda start, _: log.search(start, most + 2), log.at, back=SECOND)
    assert [row for stretch in stretches for row in stretch.fresh] == log.rows


def test_more_at_one_instant_than_can_be_asked_for_is_an_error_and_not_an_end() -> None:
    log = Log([5] * 40)
    with pytest.raises(VendorChanged, match="32 or more reads share one instant"):
        list(by_moving_start(START + 5 * SECOND, log.search, log.at, size=8, widest=4))
    assert [most for _, most in log.asked] == [8, 16, 32]


# By halves


@given(
    st.lists(st.integers(0, 59_999), unique=True, max_size=80).map(sorted),
    st.integers(2, 10),
)
def test_halves_bring_everything_however_little_an_answer_holds(millis: list[int], most: int) -> None:
    def events(low: datetime, high: datetime) -> list[int]:
        return [at for at in millis if low <= START + timedelta(milliseconds=at) < high][:most]

    tick = timedelta(microseconds=500)
    parts = list(by_halves(START, START + timedelta(minutes=1), events, lambda found: len(found) >= most, tick))
    assert [at for _, found in parts for at in found] == millis
    ends = [end for end, _ in parts]
    assert ends == sorted(ends)
    assert ends[-1] == START + timedelta(minutes=1)


def test_a_tick_that_is_full_is_an_error_and_not_an_end() -> None:
    with pytest.raises(VendorChanged, match="may share one millisecond"):
        list(by_halves(START, START + SECOND, lambda *_: 100, lambda found: found >= 100, timedelta(milliseconds=1)))


# All of them


def _endless() -> Iterator[tuple[str, Callable[[], Iterator[Any]]]]:
    yield "cursor", lambda: by_cursor(0, lambda answer: str(answer + 1), int)
    yield "number", lambda: by_number(lambda number: number, lambda page: [str(page).encode()])
    log = Log(range(1000))
    yield "moving start", lambda: by_moving_start(START, log.search, log.at, size=2)
    tick = timedelta(microseconds=1)
    yield "halves", lambda: by_halves(START, START + SECOND, lambda low, high: high - low > tick * 10, bool, tick)


@pytest.mark.parametrize("pager", [pager for _, pager in _endless()], ids=[name for name, _ in _endless()])
def test_pages_without_end_are_an_error(monkeypatch: pytest.MonkeyPatch, pager: Callable[[], Iterator[Any]]) -> None:
    monkeypatch.setattr(paging, "MOST_PAGES", 5)
    with pytest.raises(VendorChanged, match="more than 5 pages"):
        list(pager())
