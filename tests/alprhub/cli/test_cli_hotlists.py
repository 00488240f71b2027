"""`alprhub hotlists`: a file in, out to every source, proved, and withdrawn again."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

LIST = "plate,state,reason,case\n9SYN001,CA,stolen,26-1\n9SYN002,NV,stolen,26-2\n"


@pytest.fixture
def wanted(run: Any, joined: Any, tmp_path: Path) -> Path:
    """The list `wanted` of two plates, and its file."""
    (tmp_path / "wanted.csv").write_text(LIST)
    assert run("hotlists", "import", "wanted", tmp_path / "wanted.csv").code == 0
    return tmp_path / "wanted.csv"


def test_an_import_counts_what_changed(run: Any, wanted: Path) -> None:
    wanted.write_text(LIST.replace("9SYN002,NV,stolen,26-2", "9SYN002,NV,recovered,26-2") + "9SYN003,CA,stolen,26-3\n")
    told = run("hotlists", "import", "wanted", wanted, "--json").json()
    assert told == {"added": 1, "updated": 1, "unchanged": 1, "removed": 0, "long_rounds": []}
    wanted.write_text("plate\n9SYN003\n")
    told = run("hotlists", "import", "wanted", wanted, "--reason=stolen", "--case=26-3", "--complete", "--json").json()
    assert (told["added"], told["removed"]) == (1, 3)  # without a state it is another entry
    assert (
        "0 added, 0 updated, 1 unchanged"
        in run("hotlists", "import", "wanted", wanted, "--reason=stolen", "--case=26-3").out
    )


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "bad.csv' is empty"),
        (b"\x00\xff\xfe\x80", "is not UTF-8 text (line 1)"),
        (b"9SYN001,CA,stolen,26-1\n", "has no column for plates: its line 1"),
        (b"plate\n9SYN001\n", "line 2: reason"),
        (b"plate,reason,case\n9SYN0*,stolen,26-1\n", "line 2: plate"),
        (b"plate,reason,case\n9SYN001,stolen\n", "line 2: has 2 cells"),
        (b"plate,reason,case\n9SYN001," + b"x" * 200_000 + b",26-1\n", "is not the CSV that it should be"),
        (b"plate,state,reason,case\n9SYN001,Atlantis,stolen,26-1\n", "line 2: state"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_changes_nothing(
    run: Any, tmp_path: Path, sql: Any, body: bytes, named: str
) -> None:
    (tmp_path / "bad.csv").write_bytes(body)
    done = run("hotlists", "import", "wanted", tmp_path / "bad.csv")
    assert (done.code, done.out) == (65, "")
    assert named in done.err
    assert "9SYN001" not in done.err
    assert sql("SELECT count(*) FROM hotlist_entries") == [(0,)]


def test_nebraska_by_ncics_codes_is_asked_for_and_told_by_an_option(run: Any, tmp_path: Path, sql: Any) -> None:
    (tmp_path / "ncic.csv").write_text("plate,state,reason,case\n9SYN002,NB,stolen,26-1\n9SYN003,GM,stolen,26-2\n")
    refused = run("hotlists", "import", "ncic", tmp_path / "ncic.csv")
    assert (refused.code, sql("SELECT count(*) FROM hotlist_entries")) == (65, [(0,)])
    assert "line 2: state: 'NB' is New Brunswick by the post's codes and Nebraska by NCIC's codes" in refused.err
    assert "--codes ncic" in refused.err
    assert "line 3" not in refused.err
    assert run("hotlists", "import", "ncic", tmp_path / "ncic.csv", "--codes", "ncic").code == 0
    assert sql("SELECT plate, plate_state FROM hotlist_entries ORDER BY plate") == [
        ("9SYN002", "US-NE"), ("9SYN003", "US-GU"),
    ]  # fmt: skip


def test_an_entry_says_its_country_where_no_state_tells_it(run: Any, tmp_path: Path, sql: Any) -> None:
    (tmp_path / "list.csv").write_text("plate,state,country,reason,case\n9SYN1,,MX,stolen,1\n9SYN2,CA,US,stolen,2\n")
    assert run("hotlists", "import", "abroad", tmp_path / "list.csv").code == 0
    assert sql("SELECT plate, plate_state, plate_country FROM hotlist_entries ORDER BY plate") == [
        ("9SYN1", None, "MX"), ("9SYN2", "US-CA", None),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "code"), [("missing.csv", 66), (".", 65)])
def test_a_file_that_cannot_be_opened_is_named(run: Any, tmp_path: Path, name: str, code: int) -> None:
    done = run("hotlists", "import", "wanted", tmp_path / name)
    assert (done.code, done.out) == (code, "")
    assert str(tmp_path) in done.err


def test_everything_that_is_wrong_in_a_file_is_told_at_once_and_the_rest_counted(run: Any, tmp_path: Path) -> None:
    rows = ["9SYN0*,CA,soon,loud", ",Atlantis,,", "9SYN001,CA", *[",CA,," for _ in range(50)]]
    (tmp_path / "bad.csv").write_text("plate,state,expires,alert\n" + "\n".join(rows))
    done = run("hotlists", "import", "wanted", tmp_path / "bad.csv", "--reason=stolen", "--case=26-1")
    first, *faults = done.err.splitlines()
    assert first == f"the file {str(tmp_path / 'bad.csv')!r} cannot be imported, and nothing of it was:"
    assert faults[:6] == [
        "  line 2: plate: is a pattern (it holds one of ? * % _), and a hot list takes whole plates only",
        "  line 2: alert: 'loud' is none of low, medium and high (or yellow, orange and red)",
        "  line 2: expires: 'soon' is not an ISO 8601 time; write it as 12/31/2026, 2026-12-31 or 2026-12-31T17:00",
        "  line 3: plate: is missing",
        "  line 3: state: 'Atlantis' is no state that is known here; write it as CA or California",
        "  line 4: has 2 cells, and the first line names 4 columns: put quotes around what holds a comma",
    ]
    assert faults[-1] == "  and 36 more"
    assert len(faults) == 21


def test_a_header_that_leaves_doubt_is_refused(run: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("plate,plate number,reason\n")
    done = run("hotlists", "import", "wanted", tmp_path / "bad.csv")
    assert done.code == 65
    assert "has two columns for plate in its line 1" in done.err


def test_a_list_goes_out_and_is_called_arrived_only_when_it_is_proved(run: Any, wanted: Path, joined: Any) -> None:
    done = run("hotlists", "publish", "wanted", "--json")
    (row,) = done.json()
    assert done.code == 75
    assert (row["connection"], row["added"], row["verified"], row["proof"]) == ("drop", 2, False, "receipt")
    joined.load()
    done = run("hotlists", "verify", "wanted", "--json")
    (row,) = done.json()
    assert done.code == 0
    assert (row["verified"], row["missing"], row["unexpected"], row["error"]) == (True, 0, 0, None)
    shown = run("hotlists", "verify", "wanted", "--connection", "drop").out
    assert "its receipt names the file" in shown
    assert "yes" in shown.splitlines()[1].split()
    assert "receipt " not in shown.replace("its receipt ", "")


def test_a_plate_is_withdrawn_at_once_and_the_removal_is_proved(run: Any, wanted: Path, joined: Any) -> None:
    run("hotlists", "publish", "wanted")
    joined.load()
    told = run("hotlists", "withdraw", "wanted", "9syn-001", "--reason", "recovered", "--state", "CA", "--json").json()
    assert told == {"removed": 1}
    (row,) = run("hotlists", "verify", "wanted", "--json").json()
    assert (row["verified"], row["unexpected"]) == (False, 1)
    run("hotlists", "publish", "wanted")
    joined.load()
    assert run("hotlists", "verify", "wanted").code == 0
    said = run("hotlists", "withdraw", "wanted", "9SYN002", "--reason", "cancelled").out
    assert said.startswith("1 entry removed from wanted here; vendors hold their copies until")
    assert said.endswith("alprhub hotlists publish wanted\n")


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["publish", "nobody's"], 66, "nobody's"),
        (["verify", "wanted", "--connection", "nobody"], 66, "nobody'; there is only: drop"),
        (["withdraw", "wanted", "8SYN001", "--reason=recovered"], 66, "has no entry in force for that plate"),
        (["withdraw", "wanted", "9SYN001", "--reason="], 65, "reason"),
        (["withdraw", "wanted", "9SYN001", "--reason=x", "--state=Atlantis"], 65, "state"),
    ],
)
def test_what_is_not_there_or_not_said_is_named(
    run: Any, wanted: Path, words: list[str], code: int, named: str
) -> None:
    done = run("hotlists", *words)
    assert (done.code, done.out) == (code, "")
    assert named in done.err


def test_without_a_source_nothing_is_claimed(run: Any, wanted: Path) -> None:
    run("connections", "pause", "drop", "--reason", "contract ended")
    assert run("hotlists", "publish", "wanted", "--json").json() == []
    assert "no active connection takes hot lists" in run("hotlists", "publish", "wanted").out


def test_a_read_of_a_listed_plate_is_a_hit(run: Any, wanted: Path, joined: Any) -> None:
    from datetime import UTC, datetime

    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    joined.export(("r1", "9SYN001", at), ("r2", "9SYN009", at))
    assert run("sync", "drop", "--json").json()["hits"] == 1


def test_sources_that_take_no_list_are_not_called_unproved(run: Any, wanted: Path, tmp_path: Path) -> None:
    (tmp_path / "harbor" / "reads").mkdir(parents=True)
    place = f"--set=place={tmp_path / 'harbor'}"
    added = run("connections", "add", "harbor", "generic_csv", place, "--agency", "Agency")
    assert added.code == 0, added.err
    assert "harbor" not in run("hotlists", "publish", "wanted").out
    named = run("hotlists", "publish", "wanted", "--connection", "harbor")  # who asks is told
    assert named.code == 75
    assert "takes no hot lists" in named.out
