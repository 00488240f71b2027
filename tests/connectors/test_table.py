"""Other people's CSV: a bad line costs that line."""

import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import VendorChanged
from connectors.hotlists import as_csv
from connectors.table import LONGEST_ROW, cells, records, rows, table
from normalize.fault import Unusable

LIGHT = settings(max_examples=tries(30, 100), deadline=None)
DRAWN = '-=+_|*~,;" \t\x1a'
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


def test_a_character_that_cannot_be_read_is_marked_in_its_line() -> None:
    [good, bad, last] = rows(b"a,b\n1,\xe9\n2,\x81\n3,x\n", ["a"])
    assert good.cells["b"] == "é"
    assert (bad.broken, bad.cells, bad.fault) == (None, {"a": "2", "b": "\ufffd"}, "has characters that cannot be read")
    assert (good.fault, last.fault) == (None, None)
    assert last.cells["b"] == "x"


def test_a_last_line_without_an_end_may_be_cut() -> None:
    assert _told("a,b\n1")[0][1] == "is cut short: it has 1 cell, the header has 2"
    assert _told("a,b\n1\n")[0][1] == "has 1 cell, the header has 2"


def test_lines_that_quotes_within_their_cells_seem_to_join_are_kept_together_and_none_is_lost() -> None:
    broken, last = rows(b'a,b\n1,x"y\n2,z"w\n3,v\n', ["a"])
    assert (broken.number, broken.line, broken.broken) == (2, '1,x"y\n2,z"w', "has quotes that do not close")
    assert last.cells == {"a": "3", "b": "v"}


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "  \r\n"])
def test_an_empty_file_has_no_rows_and_no_header(text: str) -> None:
    assert _told(text) == []
    assert table(text.encode(), lambda names: "a" in names) is None


@pytest.mark.parametrize("text", ["b,c\n1,2\n", "1,2\n", "a,A\n1,2\n", '"a\n1\n', "\x00\n"])
def test_a_file_without_its_header_is_refused_whole(text: str) -> None:
    with pytest.raises(VendorChanged):
        _told(text)


@pytest.mark.parametrize("title", ["plate", "PLATE", "Plate"])
@pytest.mark.parametrize("asked", ["plate", "Plate"])
def test_a_column_is_found_in_whatever_case_it_is_written_and_asked_for(title: str, asked: str) -> None:
    assert [row.cells for row in rows(f"{title},time\n9SYN001,Monday\n".encode(), [asked])] == [
        {title: "9SYN001", "time": "Monday"}
    ]
    with pytest.raises(VendorChanged, match=f"names the column {asked} twice"):
        _told_of(f"{title},{title}\n", asked)


def test_where_each_column_has_others_in_its_stead_the_line_with_the_most_names_is_the_header() -> None:
    assert [row.cells for row in rows(b"Reads of the week\n\nTag,When\n9SYN001,Monday\n", [])] == [
        {"Tag": "9SYN001", "When": "Monday"}
    ]


def _told_of(text: str, column: str) -> None:
    list(rows(text.encode(), [column]))


def test_of_a_row_that_is_broken_a_record_has_the_line_and_says_what_is_wrong_with_it() -> None:
    broken, whole = records(b"a,b\n1\n2,x\n", ["a"])
    assert broken.fields().text("line") == "1"
    with pytest.raises(Unusable) as told:
        cells(broken)
    assert (told.value.field, told.value.reason) == ("row", "has 1 cell, the header has 2")
    assert cells(whole) == {"a": "2", "b": "x"}


def _refusal(text: str) -> str:
    with pytest.raises(VendorChanged) as told:
        list(rows(text.encode(), {"plate": "--set plate_column=COLUMN"}, file="day.csv"))
    return str(told.value)


def test_a_header_that_lacks_a_column_is_told_with_the_file_and_the_setting() -> None:
    assert _refusal("tag,time\nx,y\n") == (
        "day.csv: the header lacks the column plate; it has tag, time. Where a column has another name, say which:"
        " --set plate_column=COLUMN"
    )
    assert "it has tag, time." in _refusal("tag;time\nx;y\n")
    assert "it has tag, time." in _refusal("tag; time\nx; y\n")
    assert "it has tag, time." in _refusal("Reads of the week\n\ntag,time\nx,y\n")
    assert "the header names the column plate twice" in _refusal("plate,a,Plate\n1,2,3\n")
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
    written = [row.cells for row in rows(as_csv(("a", "b"), [("x", "y"), *lines]), ["a"])]
    headers = [" ".join(cell.split()).lower() for pair in lines for cell in pair]
    says = [
        pair
        for place, pair in enumerate(lines)
        if any(map(str.strip, pair)) and "".join(pair).strip(DRAWN) and headers[2 * place :][:2] != ["a", "b"]
    ]
    assert written[1:] == [{"a": one, "b": other} for one, other in says]


@LIGHT
@given(st.binary(max_size=300))
def test_any_bytes_under_a_header_become_rows(noise: bytes) -> None:
    for row in rows(b"a,b\n" + noise, ["a"]):
        assert row.broken or set(row.cells) == {"a", "b"}


def test_a_monstrous_cell_costs_its_line() -> None:
    told = _told("a,b\n1," + "x" * 200_000 + "\n2,y\n")
    assert [row[1] for row in told] == ["cannot be parted into cells", {"a": "2", "b": "y"}]


PLATES = "plate,time\n9SYN001,Monday\n9SYN002,Señor\n"
BOTH = [{"plate": "9SYN001", "time": "Monday"}, {"plate": "9SYN002", "time": "Señor"}]


def _cells(body: bytes, **more: str) -> list[dict[str, str]]:
    return [row.cells for row in rows(body, ["plate"], **more)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_file_tells_its_encoding_itself_whatever_the_settings_say(encoding: str) -> None:
    assert _cells(PLATES.encode(encoding)) == BOTH
    if encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert _cells(PLATES.encode(encoding), encoding="cp1252") == BOTH


def test_a_mark_of_big_endian_is_known_as_well() -> None:
    assert _cells(b"\xfe\xff" + PLATES.encode("utf-16-be")) == BOTH


def test_half_a_character_at_the_end_of_utf_16_costs_its_line() -> None:
    told = list(rows(PLATES.encode("utf-16")[:-3], ["plate"]))
    assert [row.fault for row in told] == [None, "has characters that cannot be read"]


@pytest.mark.parametrize("between", [",", ";", "\t", "|"])
@pytest.mark.parametrize("above", ["", "sep={}\n", "SEP={}{}\r\n", '"sep={}"\n', "\n\nsep={}\n"])
def test_a_file_tells_what_stands_between_its_cells(between: str, above: str) -> None:
    assert _cells((above.format(between, between) + PLATES.replace(",", between)).encode()) == BOTH


def test_a_hint_may_name_a_delimiter_that_nobody_would_try() -> None:
    assert _cells(("sep=~\n" + PLATES.replace(",", "~")).encode()) == BOTH


@pytest.mark.parametrize(
    "above",
    [
        "Plate reads report 5/4/2026\n\n", "Report,\n5/4/2026,\n", '"Agency, City",,,\n',
        "made by,\"somebody\nwho\",\n", "\ufeffsep=,\nReport\n",
    ],
)  # fmt: skip
def test_titles_may_stand_above_the_header(above: str) -> None:
    assert _cells((above + PLATES).encode()) == BOTH


def test_a_header_is_looked_for_near_the_top_alone() -> None:
    with pytest.raises(VendorChanged, match="lacks the column plate"):
        _cells(("title\n" * 50 + PLATES).encode())


def test_rows_above_a_header_are_not_taken_for_titles() -> None:
    with pytest.raises(VendorChanged, match="rows of data stand above its header"):
        _cells(("9SYN000,Sunday\n" + PLATES).encode())


def test_a_header_may_be_broken_into_lines_and_come_again() -> None:
    again = '"plate\nnumber",time\n1,x\n"plate\nnumber",time\n2,y\n'
    assert [row.cells["time"] for row in rows(again.encode(), ["plate number"])] == ["x", "y"]
    assert _cells((PLATES + "\ufeff" + PLATES).encode()) == [*BOTH, *BOTH]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2,\n", "a,b,,\n1,2,,\n", "a,b,,\n1,2\n", 'a,b\n1,2,"", ,\n', "a,b\n,,\n1,2\n,\n", " a , b \n1,2\n",
    ],
)  # fmt: skip
def test_empty_cells_too_many_say_nothing(text: str) -> None:
    assert [told for _, told in _told(text)] == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("line", ["-----,---", "=== ===", "\x1a", ",,,,", "|", '"",""'])
def test_a_line_that_is_drawn_is_no_row(line: str) -> None:
    assert _told(f"a,b\n{line}\n1,2\n{line}") == [(3, {"a": "1", "b": "2"})]


def test_a_cell_too_many_that_holds_something_is_a_fault() -> None:
    assert [told for _, told in _told("a,b\n1,2,3\n1,2,,,x\n")] == [
        "has 3 cells, the header has 2", "has 5 cells, the header has 2",
    ]  # fmt: skip


def test_a_column_without_a_name_is_called_by_its_number() -> None:
    assert _told(",a,\n0,x,\n1,y,z\n") == [(2, {"1": "0", "a": "x"}), (3, {"1": "1", "a": "y", "3": "z"})]
    assert _told(",a,1\n0,x,y\n")[0][1] == {"a": "x", "1": "y"}


def test_columns_of_one_name_have_it_together_where_they_agree() -> None:
    assert _told("a,b,B\n1,x,x\n1,x,\n1,x,y\n1,,\n") == [
        (2, {"a": "1", "b": "x", "2": "x", "3": "x"}), (3, {"a": "1", "b": "x", "2": "x"}),
        (4, {"a": "1", "2": "x", "3": "y"}), (5, {"a": "1", "b": ""}),
    ]  # fmt: skip


def _numbered(text: str, *required: str) -> list[str | dict[str, str]]:
    told = rows(text.encode(), required)
    return [row.broken or {name: cell for name, cell in row.cells.items() if cell} for row in told]


@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("above", ["", "sep={}\n"])
def test_without_a_header_columns_are_called_by_their_numbers(between: str, above: str) -> None:
    text = above.format(between) + "9SYN001,Monday,gate\n9SYN002,Tuesday,gate,,\n".replace(",", between)
    assert _numbered(text, "1", "2", "3") == [
        {"1": "9SYN001", "2": "Monday", "3": "gate"}, {"1": "9SYN002", "2": "Tuesday", "3": "gate"},
    ]  # fmt: skip


def test_a_row_without_a_header_is_short_or_long_beside_the_widest_of_the_first() -> None:
    assert _numbered("a,b\na,b,c\na\na,b,c,\n" + "a,b,c\n" * 20 + "a,b,c,d\n", "1")[:4] == [
        "has 2 cells, the longest of the first rows has 3", {"1": "a", "2": "b", "3": "c"},
        "has 1 cell, the longest of the first rows has 3", {"1": "a", "2": "b", "3": "c"},
    ]  # fmt: skip
    assert _numbered("a,b\n" * 25 + "a,b,c\n", "1")[-1] == "has 3 cells, the longest of the first rows has 2"
    assert _numbered("a\n", "1", "3") == ["has 1 cell, the longest of the first rows has 3"]
    assert _numbered("\n", "1") == []


def test_without_a_header_a_row_of_the_columns_numbers_is_a_row() -> None:
    assert _numbered("9SYN001,7\n" * 20 + "1,2\n", "1", "2")[20:] == [{"1": "1", "2": "2"}]


def test_a_header_of_numbers_is_a_header() -> None:
    assert _numbered("2,1\nx,y\n", "1", "2") == [{"2": "x", "1": "y"}]


def test_a_comment_is_no_row_and_an_error_of_a_spreadsheet_is_no_comment() -> None:
    text = (
        '# it\'s "a note\nplate,time\n"# another, note",\n#REF!,Monday\n#N/A,Monday\n#9SYN001,Monday\n9SYN002,Monday\n'
    )
    found = table(text.encode(), lambda names: "plate" in names, comment="#")
    assert found is not None
    assert [row.cells["plate"] for row in found] == ["#REF!", "#N/A", "#9SYN001", "9SYN002"]


def test_an_error_alone_on_its_line_is_a_row_and_other_words_are_a_comment() -> None:
    found = table(b"plate\n#I/T\n#exported,,\n#exported\n#\n9SYN002\n", lambda names: "plate" in names, comment="#")
    assert found is not None
    assert [row.cells["plate"] for row in found] == ["#I/T", "9SYN002"]
