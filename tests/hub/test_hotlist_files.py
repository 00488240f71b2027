"""Hot-list files, as people, vendors and spreadsheets write them."""

from zoneinfo import ZoneInfo

import pytest

from hub.errors import Invalid
from hub.hotlists.expiries import Dates
from hub.hotlists.files import entries_of
from hub.hotlists.lists import NewEntry

PACIFIC = ZoneInfo("America/Los_Angeles")


def test_a_file_of_entries_is_read_with_everybodys_column_names() -> None:
    header = "\ufeffPlate Number,State/Province,Description,Case No,Alert,Expires\n"
    csv = header + "7zz-z001,us-ca,stolen,26-1,High,2026-07-01\n"
    (entry,) = entries_of(csv.encode(), PACIFIC, {})
    assert (entry.plate, entry.state, entry.reason, entry.case_number) == ("7zz-z001", "US-CA", "stolen", "26-1")
    assert (entry.alert, entry.line) == ("high", 2)
    assert entry.expires_at is not None
    assert entry.expires_at.isoformat() == "2026-07-02T06:59:59+00:00"  # the end of that day in Los Angeles


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("12/31/2026", "2027-01-01T07:59:59+00:00"),  # the end of that day in Los Angeles
        ("12/31/26", "2027-01-01T07:59:59+00:00"),
        ("7/1/2026 5:00 PM", "2026-07-02T00:00:00+00:00"),
        ("7/1/26 17:00", "2026-07-02T00:00:00+00:00"),
    ],
)
def test_an_expiry_may_be_written_as_searches_take_times(text: str, until: str) -> None:
    csv = f"plate,reason,case,expires\n7ZZZ001,stolen,26-1,{text}\n"
    (entry,) = entries_of(csv.encode(), PACIFIC, {})
    assert entry.expires_at is not None
    assert entry.expires_at.isoformat() == until


@pytest.mark.parametrize("between", [";", "\t"])
def test_semicolons_or_tabs_may_stand_between_columns(between: str) -> None:
    rows = (("# a note, from a spreadsheet",), ("plate", "reason", "case"), ("7ZZZ001", "stolen, red", "26-1"))
    (entry,) = entries_of("\n".join(map(between.join, rows)).encode(), PACIFIC, {})
    assert (entry.plate, entry.reason, entry.case_number) == ("7ZZZ001", "stolen, red", "26-1")


@pytest.mark.parametrize(
    ("csv", "complaint"),
    [
        ("", "the file is empty"),
        ("state,reason\nCA,stolen\n", "the file has no column for plates: its line 1"),
        ("plate,state\n7ZZZ001\n", "line 2: has 1 cell, the header has 2"),
        ("plate,state\n7ZZZ001,Atlantis\n", "line 2: state"),
        ("plate,alert\n7ZZZ001,loud\n", "line 2: alert"),
        ("plate,expires\n7ZZZ001,soon\n", "line 2: expires"),
        ("plate,expires\n7ZZZ001,31/12/2026\n", "line 2: expires: '31/12/2026' has no month 31.*--dates day-first"),
        (
            "plate,expires\n7ZZZ001,05.06.2027\n",
            "line 2: expires: '05.06.2027' may be.*--dates day-first, or --dates m",
        ),
        ("plate,expires\n7ZZZ001,46387\n", "line 2: expires: '46387' is a number.*means 12/31/2026.*--dates excel"),
        ("plate,expires\n7ZZZ001,31.02.2027\n", "line 2: expires: '31.02.2027' is no day.*write it as 12/31/2026"),
        ("plate,expires\n7ZZZ001,1/1/1900\n", "line 2: expires: '1/1/1900' was over long ago; leave it empty"),
        ("plate;state\n7ZZZ001;CA;US\n", "line 2: has 3 cells.*: put quotes around what holds a semicolon"),
        ("9SYN001,CA,stolen\nplate,state\n9SYN002,CA\n", "entries above its line 2, which names the columns"),
        ("plate,plate number\n9SYN001,9SYN001\n", "two columns for plate in its line 1"),
        ("plate,reason,Reason\n9SYN001,a,b\n", "two columns for reason in its line 1"),
        (
            "plate,state\n1.00E+05,CA\n",
            "line 2: plate: looks like a number that a spreadsheet wrote: 1.00E.05; write",
        ),
        ("plate,state\n9SYN001,CA\n#I/T,CA\n", "line 3: plate: is an error that a spreadsheet wrote: #I/T"),
        ("plate,state\n#N/B,CA\n# a note, CA\n", "line 2: plate: is an error that a spreadsheet wrote: #N/B"),
        ("plate,state\n#SYN001,CA\n", "line 2: plate: begins with #, as an error that a spreadsheet wrote does"),
        ("plate,state\n9SYN001,CA\n#REF!,CA\n", "line 3: plate: is an error that a spreadsheet wrote: #REF!"),
        ("plate,state\n#NAME?,CA\n", "line 2: plate: is an error"),
        ("plate,case\n9SYN001,1.00E+05\n", "line 2: case: '1.00E.05' is what a spreadsheet wrote"),
        ("plate,reason\n9SYN001,#N/A\n", "line 2: reason: '#N/A' is what a spreadsheet wrote"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(csv: str, complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        list(entries_of(csv.encode(), PACIFIC, {"reason": "r", "case_number": "c"}))


LIST = "plate,state,reason,case\n9SYN001,CA,Señor's car,26-1\n"


def _one(body: bytes) -> NewEntry:
    (entry,) = entries_of(body, PACIFIC, {"reason": "stolen", "case_number": "26-1"})
    return entry


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("between", [",", ";", "\t", "|"])
@pytest.mark.parametrize("above", ["", "sep={}\n", "Stolen vehicles 5/4/2026\n\n"])
def test_a_file_tells_itself_how_it_is_written(encoding: str, between: str, above: str) -> None:
    entry = _one((above.format(between) + LIST.replace(",", between)).encode(encoding))
    assert (entry.plate, entry.state, entry.reason, entry.case_number) == ("9SYN001", "US-CA", "Señor's car", "26-1")
    assert entry.line == 2 + above.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "plate,state\n9SYN001,CA,\n", "plate,state,,\n9SYN001,CA\n", "plate,state,,\n9SYN001,CA,,\n,,,\n",
        "plate,state\n9SYN001,CA\nplate,state\n", ",plate,state\n0,9SYN001,CA\n", "plate,state\n# a note\n9SYN001,CA\n",
    ],
)  # fmt: skip
def test_cells_without_anything_and_rows_that_are_none_cost_nothing(text: str) -> None:
    assert (_one(text.encode()).plate, _one(text.encode()).state) == ("9SYN001", "US-CA")


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31", "12/31/9999", "12-31-9999", "31.12.9999", "99991231", "9999-12-31T23:59:59",
        "9999-12-31 00:00:00.000", "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-08:00", "12/31/9999 11:59 PM",
        "Never",
    ],
)  # fmt: skip
def test_the_last_year_that_databases_can_write_means_never(text: str) -> None:
    assert _one(f"plate,expires\n9SYN001,{text}\n".encode()).expires_at is None


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2199-12-31", "2200-01-01T07:59:59+00:00"),
        ("2099-12-31", "2100-01-01T07:59:59+00:00"),
        ("12/31/2199", "2200-01-01T07:59:59+00:00"),
        ("12/31/99", "2100-01-01T07:59:59+00:00"),
        ("12-31-2027", "2028-01-01T07:59:59+00:00"),
        ("9998-12-31T00:00:00Z", "9998-12-31T00:00:00+00:00"),
    ],
)
def test_an_entry_may_last_longer_than_any_camera(text: str, until: str) -> None:
    expires_at = _one(f"plate,expires\n9SYN001,{text}\n".encode()).expires_at
    assert expires_at is not None
    assert expires_at.isoformat() == until


@pytest.mark.parametrize("header", ["plate,reason,description,case", "plate,description,reason,case"])
def test_the_reason_wins_over_the_description_which_goes_to_the_note(header: str) -> None:
    said = {"reason": "stolen vehicle", "description": "blue sedan"}
    row = ",".join(said.get(name, "9SYN001") for name in header.split(","))
    entry = _one(f"{header}\n{row}\n".encode())
    assert (entry.reason, entry.note) == ("stolen vehicle", "blue sedan")
    one, other = (_one(f"{header}\n{row.replace(text, '')}\n".encode()) for text in said.values())
    assert (one.reason, one.note) == ("blue sedan", None)
    assert (other.reason, other.note) == ("stolen vehicle", None)


def test_two_columns_of_notes_are_one_note() -> None:
    entry = _one(b"plate,reason,description,notes,note\n9SYN001,stolen,red,armed,armed\n")
    assert entry.note == "armed; red"


def _ends(text: str, dates: Dates | None = None) -> str | None:
    csv = f'plate,reason,case,expires\n9SYN001,stolen,26-1,"{text}"\n'
    (entry,) = entries_of(csv.encode(), PACIFIC, {}, dates=dates)
    return entry.expires_at and entry.expires_at.isoformat()


END_OF_2027 = "2028-01-01T07:59:59+00:00"


@pytest.mark.parametrize(
    ("text", "dates", "until"),
    [
        ("31.12.2027", None, END_OF_2027),
        ("31.12.27", None, END_OF_2027),
        ("12.31.2027", None, END_OF_2027),
        ("31.12.2027 17:00", None, "2028-01-01T01:00:00+00:00"),
        ("05.05.2027", None, "2027-05-06T06:59:59+00:00"),
        ("05.06.2027", Dates.DAY_FIRST, "2027-06-06T06:59:59+00:00"),
        ("05.06.2027", Dates.MONTH_FIRST, "2027-05-07T06:59:59+00:00"),
        ("31/12/2027", Dates.DAY_FIRST, END_OF_2027),
        ("31-12-2027", Dates.DAY_FIRST, END_OF_2027),
        ("2027-12-31", Dates.DAY_FIRST, END_OF_2027),
        ("46752", Dates.EXCEL, END_OF_2027),
        ("46752.0", Dates.EXCEL, END_OF_2027),
        ("46752.5", Dates.EXCEL, "2027-12-31T20:00:00+00:00"),
        ("12/31/2027", Dates.EXCEL, END_OF_2027),
        ("2958465", Dates.EXCEL, None),
    ],
)
def test_days_are_read_where_they_can_be_meant_in_one_way(text: str, dates: Dates | None, until: str | None) -> None:
    assert _ends(text, dates) == until


@pytest.mark.parametrize(
    "text", ["NULL", "null", "(null)", "None", "n/a", "N/A", "-", "\\N", "No Expiration", "0000-00-00", "never"]
)
def test_what_programs_write_for_nothing_is_no_end(text: str) -> None:
    assert _ends(text) is None


def test_a_month_that_is_none_is_refused_in_either_order() -> None:
    with pytest.raises(Invalid, match=r"'12/31/2027' has no month 31: if months come first.*--dates month-first"):
        _ends("12/31/2027", Dates.DAY_FIRST)


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_what_ends_a_line_for_some_programs_alone_ends_no_row(sign: str) -> None:
    csv = f"plate,reason,case,note\n9SYN001,stolen{sign}car,26-1,a{sign}b\n9SYN002,stolen,26-2,c\n"
    first, second = entries_of(csv.encode(), PACIFIC, {})
    assert (first.reason, first.note, second.plate, second.line) == (f"stolen{sign}car", f"a{sign}b", "9SYN002", 3)
