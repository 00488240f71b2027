"""`alprhub doctor`: its words, its JSON and its exit codes."""

from pathlib import Path
from typing import Any


def test_it_says_how_everything_is_and_what_to_do(run: Any, filled: Any, store: Path, tmp_path: Path) -> None:
    done = run("doctor")
    assert done.code == 75
    assert "ok     alprhub.sqlite3 is whole" in done.out
    assert (
        "look   No backup is on record.\n       Make one, onto another disk.\n         alprhub backup PLACE\n"
        in done.out
    )
    assert run("backup", tmp_path / "kept").code == 0
    assert run("doctor").code == 0
    (store / "secret.key").chmod(0o644)
    done = run("doctor", "--all", "--json")
    assert done.code == 78
    grades = {one["code"]: one["grade"] for one in done.json()}
    assert (grades["rights"], grades["pictures"]) == ("wrong", "ok")


def test_it_looks_where_no_other_command_does(run: Any, filled: Any, store: Path) -> None:
    (store / "alprhub.sqlite3").unlink()
    done = run("doctor")
    assert done.code == 78
    assert "a former hub left its audit log (alprhub-audit.sqlite3), its key (secret.key)" in done.out
