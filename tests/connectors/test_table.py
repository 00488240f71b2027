"""Other people's CSV: a bad line costs that line."""

import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import VendorChanged
from connectors.hotlists import as_csv
from connectors.table import LONGEST_ROW, header, rows

LIGHT = settings(max_examples=tries(30, 100), deadline=None)
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=10)


def _told(text: str | bytes) -> list[tuple[int, str | dict[str, str]]]:
    body = text if isinstance(text, bytes) else text.encode()
    return [(row.number, row.broken or row.cells) for row in rows(body, ["a"])]


def test_rows_are_told_by_column_and_line() -> None:
    assert _told("A, b\n1,2\r\n\n3,4\r5,6") == [
        (2, {"A": "1", "b": "2"}), (4, {"A": "3", "b": "4"}), (5, {"A": "5", "b": "6"}),
    ]  # fmt: skip


def test_a_cell_may_span_lines() -> None:
    assert _told('a,b\n1,"x\ny ""z"""\n2,w\n') == [(2, {"a": "1", "b": 'x\ny "z"'}), (4, {"a": "2", "b": "w"})]


def test_a_quote_that_never_closes_costs_one_line() -> None:
    told = _told('a,b\n1,"x\n' + "2,y\n" * (LONGEST_ROW + 5))
    assert told[0] == (2, "has quotes that do not close")
    assert len(told) == LONGEST_ROW + 6


def test_signs_that_only_python_takes_for_line_ends_are_text() -> None:
    assert _told("a,b\n1,x\x0by\x85z\u2028\n") == [(2, {"a": "1", "b": "x\x0by\x85z\u2028"})]


def test_an_undecodable_line_is_told_with_escapes() -> None:
    [good, bad, last] = rows(b"a,b\n1,\xe9\n2,\x81\n3,x\n", ["a"])
    assert good.cells["b"] == "é"
    assert (bad.broken, bad.line) == ("cannot be decoded", "2,\\x81")
    assert last.cells["b"] == "x"


def test_a_last_line_without_an_end_may_be_cut() -> None:
    assert _told("a,b\n1")[0][1] == "is cut short: it has 1 cells, the header has 2"
    assert _told("a,b\n1\n")[0][1] == "has 1 cells, the header has 2"


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "  \r\n"])
def test_an_empty_file_has_no_rows_and_no_header(text: str) -> None:
    assert _told(text) == []
    assert header(text.encode()) == []


@pytest.mark.parametrize("text", ["b,c\n1,2\n", "1,2\n", "a,A\n1,2\n", '"a\n1\n', "\x00\n"])
def test_a_file_without_its_header_is_refused_whole(text: str) -> None:
    with pytest.raises(VendorChanged):
        _told(text)


def _refusal(text: str) -> str:
    with pytest.raises(VendorChanged) as told:
        list(rows(text.encode(), {"plate": "--set plate_column=COLUMN"}, file="day.csv"))
    return str(told.value)


def test_a_header_that_lacks_a_column_is_told_with_the_file_and_the_setting() -> None:
    assert _refusal("tag,time\nx,y\n") == (
        "day.csv: the header lacks the column plate; it has tag, time. Where a column has another name, say which:"
        " --set plate_column=COLUMN"
    )
    assert "--set delimiter=';'" in _refusal("plate;time\nx;y\n")
    assert "the header names the column A twice" in _refusal("plate,a,A\n1,2,3\n")
    many = _refusal(",".join(f"column {number}" for number in range(50)) + "\n")
    assert "and 30 more" in many


@pytest.mark.parametrize("line", ["9SYN042,2026-06-01 08:15", "SYN042,Monday", "9SYN042;Monday"])
def test_a_first_line_that_is_a_read_is_told_without_a_word_of_it(line: str) -> None:
    told = _refusal(f"{line}\n9SYN043,2026-06-01 08:16\n")
    assert "day.csv: its first line is a row of data" in told
    assert "SYN" not in told


@LIGHT
@given(st.lists(st.tuples(CELL, CELL), max_size=5))
def test_what_we_write_we_read(lines: list[tuple[str, str]]) -> None:
    written = [row.cells for row in rows(as_csv(("a", "b"), lines), ["a"]) if row.line.strip()]
    assert written == [{"a": one, "b": other} for one, other in lines]


@LIGHT
@given(st.binary(max_size=300))
def test_any_bytes_under_a_header_become_rows(noise: bytes) -> None:
    for row in rows(b"a,b\n" + noise, ["a"]):
        assert row.broken or set(row.cells) == {"a", "b"}


def test_a_monstrous_cell_costs_its_line() -> None:
    told = _told("a,b\n1," + "x" * 200_000 + "\n2,y\n")
    assert [row[1] for row in told] == ["has quotes that do not close", {"a": "2", "b": "y"}]
