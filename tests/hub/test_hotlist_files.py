"""Hot-list files, as people, vendors and spreadsheets write them."""

from zoneinfo import ZoneInfo

import pytest

from hub.errors import Invalid
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
        ("2026-12-31", "2027-01-01T07:59:59+00:00"),
        ("2026-12-31T17:00", "2027-01-01T01:00:00+00:00"),
        ("2026-12-31T17:00Z", "2026-12-31T17:00:00+00:00"),
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
        ("plate,expires\n7ZZZ001,31/12/2026\n", "line 2: expires.*write it as 12/31/2026, 2026-12-31 or"),
        ("plate,expires\n7ZZZ001,1/1/1900\n", "line 2: expires: '1/1/1900' was over long ago; leave it empty"),
        (
            "plate,expires\n7ZZZ001,0001-01-01T00:00:00+09:00\n",
            "line 2: expires: .* is no day that comes; leave it empty",
        ),
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
