"""`alprhub hotlists`: a file in, out to every source, proved, and withdrawn again."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import TryAgain
from hub.governing.sources import Sources
from hub.hotlists.publishing import Published, Publishing

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
    assert told == {
        "added": 1, "updated": 1, "unchanged": 1, "removed": 0, "expired": 0, "withheld": [], "differing": [],
        "repeated": 0, "long_rounds": [],
    }  # fmt: skip
    wanted.write_text("plate\n9SYN003\n")
    whole = ("--reason=stolen", "--case=26-3", "--complete", "--yes", "--json")
    told = run("hotlists", "import", "wanted", wanted, *whole).json()
    assert (told["added"], told["removed"]) == (1, 3)  # without a state it is another entry
    assert (
        "0 added, 0 updated, 1 unchanged"
        in run("hotlists", "import", "wanted", wanted, "--reason=stolen", "--case=26-3").out
    )


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "bad.csv' is empty"),
        (b"\x00\xff\xfe\x80", "has no column for plates: its line 1"),
        (b"plate,reason,case\n\x81,stolen,26-1\n", "line 2: has characters that cannot be read: save the file"),
        (b"9SYN001,CA,stolen,26-1\n", "has no column for plates: its line 1"),
        (b"plate\n9SYN001\n", "line 2: reason"),
        (b"plate,reason,case\n9SYN0*,stolen,26-1\n", "line 2: plate"),
        (b"plate,reason,case\n9SYN001,stolen\n", "line 2: has 2 cells"),
        (b"plate,reason,case\n9SYN001," + b"x" * 200_000 + b",26-1\n", "line 2: cannot be parted into cells"),
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
        "  line 2: expires: 'soon' is no day and no time; write it as 12/31/2026, 2026-12-31 or 2026-12-31T17:00",
        "  line 3: plate: is missing",
        "  line 3: state: 'Atlantis' is no state that is known here; write it as CA or California",
        "  line 4: has 2 cells, the header has 4",
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
    assert told == {"removed": 1, "states": ["US-CA"], "still_on": []}
    (row,) = run("hotlists", "verify", "wanted", "--json").json()
    assert (row["verified"], row["unexpected"]) == (False, 1)
    run("hotlists", "publish", "wanted")
    joined.load()
    assert run("hotlists", "verify", "wanted").code == 0
    said = run("hotlists", "withdraw", "wanted", "9SYN002", "--reason", "cancelled").out
    assert said.startswith("1 entry of 9SYN002 removed from wanted here (Nevada); vendors hold their copies until")
    assert said.endswith("alprhub hotlists publish wanted\n")


def test_who_withdraws_is_told_what_went_and_which_other_lists_still_have_the_plate(
    run: Any, wanted: Path, tmp_path: Path
) -> None:
    wanted.write_text(LIST + "9SYN001,,stolen,26-1\n")
    for name in ("wanted", "county cars"):
        assert run("hotlists", "import", name, wanted).code == 0
    unseen = ("hotlists", "withdraw", "wanted", "-", "--state=CA", "--reason=recovered")
    said = run(*unseen, stdin="9SYN001\n").out
    assert said.startswith("2 entries of that plate removed from wanted here (without a state, California);")
    assert "still in force on 1 other list:\nalprhub hotlists withdraw 'county cars' - --reason" in said
    assert "9SYN" not in said, "it was not typed where anybody sees it"
    told = run("hotlists", "withdraw", "county cars", "9SYN002", "--reason=recovered", "--json").json()
    assert told == {"removed": 1, "states": ["US-NV"], "still_on": ["wanted"]}


def test_a_plate_that_its_list_never_had_is_kept_off_only_where_that_is_meant(run: Any, wanted: Path) -> None:
    refused = run("hotlists", "withdraw", "wanted", "9SYN009", "--reason=recovered")
    assert (refused.code, "--ahead" in refused.err) == (66, True)
    said = run("hotlists", "withdraw", "wanted", "9SYN009", "--reason=recovered", "--ahead").out
    assert "no entry in force for 9SYN009, so nothing was removed; from now on no file lists it" in said
    wanted.write_text(LIST + "9SYN009,CA,stolen,26-9\n")
    assert run("hotlists", "import", "wanted", wanted, "--json").json()["withheld"] == [4]


def test_a_source_whose_contract_forbids_the_list_that_it_has_is_not_left_out(
    run: Any, wanted: Path, joined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = lambda self, use: {"drop": "section 6"}  # noqa: E731
    with monkeypatch.context() as forbidden:
        forbidden.setattr(Sources, "forbidding", closed)
        assert run("hotlists", "publish", "wanted", "--json").json() == []
        refused = run("hotlists", "publish", "wanted", "--connection", "drop")
        assert (refused.code, refused.out) == (77, "")
        assert "drop: its contract forbids that hot lists go to it (section 6)" in refused.err
    run("hotlists", "publish", "wanted")
    joined.load()
    monkeypatch.setattr(Sources, "forbidding", closed)
    (row,) = run("hotlists", "publish", "wanted", "--json").json()
    assert (row["connection"], row["added"], row["closed_by"]) == ("drop", 0, "section 6")
    joined.load()
    shown = run("hotlists", "verify", "wanted")
    assert shown.code == 0
    assert "drop: its contract forbids that hot lists go to it (section 6)" in shown.out
    assert run("hotlists", "publish", "wanted", "--json").json() == []


def test_a_withdrawn_plate_comes_back_with_no_file_before_somebody_says_why(run: Any, wanted: Path) -> None:
    run("hotlists", "withdraw", "wanted", "9SYN001", "--reason", "recovered")
    again = run("hotlists", "import", "wanted", wanted)
    assert again.code == 0
    assert "wanted: 0 added, 0 updated, 1 unchanged, 0 removed" in again.out
    assert (
        "1 plate not listed (line 2): withdrawn from wanted, which is final until somebody says otherwise" in again.out
    )
    assert "alprhub hotlists readmit wanted PLATE --reason" in again.out
    assert "9SYN001" not in again.out
    assert run("hotlists", "import", "wanted", wanted, "--json").json()["withheld"] == [2]
    assert run("hotlists", "readmit", "wanted", "9syn-001", "--reason=").code == 65
    assert run("hotlists", "readmit", "wanted", "9SYN001", "--reason=\u3164").code == 65, "nobody sees such a reason"
    assert run("hotlists", "readmit", "wanted", "9SYN002", "--reason=stolen again").code == 66
    told = run("hotlists", "readmit", "wanted", "9syn-001", "--reason=stolen again", "--json")
    assert told.json() == {"readmitted": 1}
    assert run("hotlists", "import", "wanted", wanted, "--json").json()["added"] == 1


def test_a_complete_file_that_removes_most_of_a_list_is_asked_about_by_its_counts(
    run: Any, wanted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted.write_text("plate,state,reason,case\n" + "".join(f"9SYN{n:03},CA,stolen,26-1\n" for n in range(100, 110)))
    told = (
        "of the 2 entries in force on wanted, 2 would be removed: the complete list names 10 plates, and 0 of those"
        " that are in force"
    )
    done = run("hotlists", "import", "wanted", wanted, "--complete")
    assert (done.code, done.out) == (65, "")
    assert done.err == f"{told}. Nothing was changed: repeat with --yes if that is meant\n"
    monkeypatch.setattr("alprhub.cli.hotlists.there", lambda: True)
    asked = run("hotlists", "import", "wanted", wanted, "--complete", stdin="n\n")
    assert asked.code == 65
    assert told in asked.err
    assert "Remove 2?" in asked.err
    answered = run("hotlists", "import", "wanted", wanted, "--complete", stdin="y\n")
    assert "wanted: 10 added, 0 updated, 0 unchanged, 2 removed" in answered.out


def test_lines_that_differ_over_one_plate_are_told(run: Any, joined: Any, tmp_path: Path, sql: Any) -> None:
    rows = [
        "9SYN001,CA,armed suspect,26-1,high",
        "9SYN001,CA,expired registration,26-2,low",
        "9SYN002,CA,stolen,26-3,low",
    ]
    (tmp_path / "list.csv").write_text("\n".join(["plate,state,reason,case,alert", *rows, rows[2]]))
    done = run("hotlists", "import", "wanted", tmp_path / "list.csv")
    assert "wanted: 2 added" in done.out
    assert "1 plate on several lines that differ (2 and 3): the most serious line counts, and its note has" in done.out
    assert "1 line said what another line says" in done.out
    assert sql("SELECT alert, reason, case_number, note FROM hotlist_entries ORDER BY plate") == [
        ("high", "armed suspect", "26-1", "also low: expired registration, case 26-2"), ("low", "stolen", "26-3", None),
    ]  # fmt: skip


def test_what_is_over_already_is_not_added(run: Any, joined: Any, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("plate,reason,case,expires\n9SYN001,stolen,26-1,2020-01-01\n")
    done = run("hotlists", "import", "wanted", tmp_path / "list.csv")
    assert "wanted: 0 added" in done.out
    assert "1 entry of the file expired before now: not added" in done.out


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
    assert (named.code, named.out) == (65, "")
    assert named.err == (
        "--connection: harbor takes no hot lists, so nothing was sent or compared anywhere; those that do: drop\n"
    )
    assert run("hotlists", "verify", "wanted", "--connection", "drop", "--connection", "harbor").code == 65


@pytest.fixture
def two(run: Any, wanted: Path, tmp_path: Path, joined: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another drop, `aa`, which is asked before `drop`."""
    (tmp_path / "aa").mkdir()
    settings = [f"--set=place={tmp_path / 'aa'}", *joined.settings[1:]]
    assert run("connections", "add", "aa", "motorola", *settings).code == 0


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("word", ["publish", "verify"])
def test_a_source_that_does_not_answer_keeps_nobody_waiting_but_whoever_asked(
    run: Any, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    real, done = getattr(Publishing, word), threading.Event()

    def slow(self: Publishing, actor: Any, name: str, at: str, *more: Any) -> Published:
        if at == "aa":
            assert done.wait(30), "drop waited for aa"
            raise TryAgain("aa.example is down")
        result: Published = real(self, actor, name, at, *more)
        done.set()
        return result

    monkeypatch.setattr(Publishing, word, slow)
    told = run("hotlists", word, "wanted", "--json")
    assert told.code == 75
    at_aa, at_drop = told.json()
    assert (at_aa["connection"], at_aa["error"], at_aa["missing"]) == ("aa", "aa.example is down", None)
    assert (at_drop["connection"], at_drop["proof"]) == ("drop", "receipt")
    on_record = {(row["subject"], row["outcome"]) for row in run("runs", "--json").json()}
    assert on_record >= {("wanted at drop", "unproved"), ("wanted at aa", "failed")}


@pytest.mark.usefixtures("two")
def test_a_source_that_cannot_be_opened_is_told_once_and_keeps_no_list_from_the_others(
    run: Any, joined: Any, sql: Any
) -> None:
    sql("UPDATE connections SET sealed_key = 'lost' WHERE name = 'aa'")
    assert run("hotlists", "publish", "wanted").code == 75
    joined.load()
    told = run("hotlists", "publish", "wanted")
    assert told.code == 75
    assert (told.out + told.err).count("cannot be opened") == 1
    assert "its receipt names the file" in told.out


@pytest.mark.usefixtures("two")
def test_a_name_that_no_source_has_is_refused_before_anything_is_sent(run: Any, joined: Any) -> None:
    told = run("hotlists", "publish", "wanted", "--connection=drop", "--connection=dorp")
    assert (told.code, told.out) == (66, "")
    assert "did you mean 'drop'" in told.err
    assert not list((joined.place / "hotlists").glob("*"))


@pytest.mark.usefixtures("two")
def test_a_defect_with_one_source_is_told_after_what_came_of_the_others(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Publishing.verify

    def broken(self: Publishing, actor: Any, name: str, at: str) -> Published:
        if at == "aa":
            raise OSError("the disk is busy")
        return real(self, actor, name, at)

    monkeypatch.setattr(Publishing, "verify", broken)
    told = run("hotlists", "verify", "wanted")
    assert told.code == 78
    assert "drop" in told.out
    assert "the disk is busy" in told.err


def test_the_lists_are_listed_with_what_is_in_force_and_where_it_is_proved(
    run: Any, wanted: Path, joined: Any, tmp_path: Path
) -> None:
    (tmp_path / "another.csv").write_text("plate,reason,case\n9SYN003,stolen,26-3\n")
    assert run("hotlists", "import", "another", tmp_path / "another.csv").code == 0
    run("hotlists", "publish", "wanted")
    another, first = run("hotlists", "list", "--json").json()
    assert (another["name"], another["entries"], another["not_proved_at"]) == ("another", 1, [])
    assert (first["name"], first["entries"], first["proved_at"], first["not_proved_at"]) == ("wanted", 2, [], ["drop"])
    joined.load()
    run("hotlists", "verify", "wanted")
    assert run("hotlists", "list", "--json").json()[1]["proved_at"] == ["drop"]
    run("hotlists", "withdraw", "wanted", "9SYN001", "--reason", "recovered")
    (_, first) = run("hotlists", "list", "--json").json()
    assert (first["entries"], first["proved_at"], first["not_proved_at"]) == (1, [], ["drop"]), "its copy is older"
    shown = run("hotlists", "list").out
    assert "entries in force" in shown
    assert "9SYN" not in shown


def test_without_a_list_the_command_that_makes_one_is_named(run: Any, joined: Any) -> None:
    assert run("hotlists", "list").out == "no hot lists yet: alprhub hotlists import NAME FILE makes one\n"


def test_a_whole_list_without_an_entry_is_refused_with_what_takes_entries_off(run: Any, wanted: Path) -> None:
    wanted.write_text("plate,state,reason,case\n")
    done = run("hotlists", "import", "wanted", wanted, "--complete")
    assert done.code == 65
    assert done.err.startswith("--complete: no plate is named, and a whole list without one would take everything off")
    assert "alprhub hotlists withdraw wanted PLATE --reason WHY" in done.err


def test_who_lets_a_plate_come_back_is_told_which_and_on_which_list(run: Any, wanted: Path) -> None:
    run("hotlists", "withdraw", "wanted", "9SYN001", "--reason", "recovered")
    said = run("hotlists", "readmit", "wanted", "9SYN001", "--reason", "stolen again").out
    assert said.startswith("9SYN001 may come back on wanted:")
