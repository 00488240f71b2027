"""Walking through pages."""

import pytest

from connectors import paging
from connectors.errors import VendorChanged

PAGES = {"a": ("A", "b"), "b": ("B", "c"), "c": ("C", None)}


def _walk(pages: dict[str, tuple[str, str | None]]) -> list[str]:
    answers = paging.follow(pages["a"], lambda answer: answer[1], lambda cursor: pages[cursor])
    return [answer[0] for answer in answers]


def test_every_page_comes_once_and_in_order() -> None:
    assert _walk(PAGES) == ["A", "B", "C"]


@pytest.mark.parametrize("back_to", ["b", "c"])
def test_a_cursor_that_repeats_is_an_error_and_not_an_end(back_to: str) -> None:
    with pytest.raises(VendorChanged, match="twice"):
        _walk({**PAGES, "c": ("C", back_to)})


def test_pages_without_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST_PAGES", 5)
    with pytest.raises(VendorChanged, match="more than 5"):
        list(paging.follow(0, lambda answer: str(answer + 1), int))


def test_the_next_page_is_fetched_only_when_asked_for() -> None:
    fetched: list[str] = []
    walk = paging.follow(("A", "b"), lambda answer: answer[1], lambda cursor: fetched.append(cursor) or ("B", None))
    next(walk)
    assert fetched == []
    next(walk)
    assert fetched == ["b"]
