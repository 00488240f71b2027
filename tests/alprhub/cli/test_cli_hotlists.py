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
        (b"", "file: is empty"),
        (b"\x00\xff\xfe\x80", "utf-8"),
        (b"9SYN001,CA,stolen,26-1\n", "no column is called plate"),
        (b"plate\n9SYN001\n", "line 2: reason"),
        (b"plate,reason,case\n9SYN0*,stolen,26-1\n", "line 2: plate"),
        (b"plate,reason,case\n9SYN001,stolen\n", "line 2: has 2 cells"),
        (b"plate,reason,case\n9SYN001," + b"x" * 200_000 + b",26-1\n", "field larger than"),
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


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_opened_is_named(run: Any, tmp_path: Path, name: str) -> None:
    done = run("hotlists", "import", "wanted", tmp_path / name)
    assert (done.code, done.out) == (65, "")
    assert str(tmp_path) in done.err


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
        (["verify", "wanted", "--connection", "nobody"], 66, "nobody"),
        (["withdraw", "wanted", "8SYN001", "--reason=recovered"], 66, "no such entry"),
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
    assert "no active connections" in run("hotlists", "publish", "wanted").out


def test_a_read_of_a_listed_plate_is_a_hit(run: Any, wanted: Path, joined: Any) -> None:
    from datetime import UTC, datetime

    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    joined.export(("r1", "9SYN001", at), ("r2", "9SYN009", at))
    assert run("sync", "drop", "--json").json()["hits"] == 1
