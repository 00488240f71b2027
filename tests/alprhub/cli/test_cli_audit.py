"""The command line shows the audit log, signs it, and hands it out with its proof."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def key(run: Any) -> str:
    return str(run("audit", "checkpoint", "--json").json()["key"])


def test_events_are_listed_newest_first_and_that_is_one_of_them(run: Any) -> None:
    shown = run("audit", "list", "--json").json()
    assert shown[0]["action"] == "audit.list"
    assert [event["id"] for event in shown] == sorted((event["id"] for event in shown), reverse=True)
    run("audit", "list", "--limit", 3)
    (last, *_) = run("audit", "list", "--action", "audit.list", "--json").json()
    assert last["detail"] == {"limit": 50, "of": "audit.list", "by": None}
    assert "audit.list" in run("audit", "list").out
    assert run("audit", "list", "--who", "nobody").out == "no such event is on record\n"


def test_a_log_that_nobody_touched_is_said_to_be_whole(run: Any, key: str) -> None:
    done = run("audit", "verify", "--key", key)
    assert done.code == 0
    assert done.out.endswith("each as it was written and in its place\n")
    told = run("audit", "verify", "--json").json()
    assert (told["whole"], told["faults"], told["many"]) == (True, [], 0)


def test_what_somebody_changed_is_named_and_the_exit_says_so(run: Any, sql: Callable[[str], Any]) -> None:
    run("audit", "list")
    for lock in ("audit_no_update", "audit_no_delete"):
        sql(f"DROP TRIGGER {lock} -- audit_events")
    sql("UPDATE main.audit_events SET actor = 'somebody else' WHERE id = 2")
    done = run("audit", "verify")
    assert done.code == 70
    assert done.out == "event 2 was changed: the column actor\n"
    told = run("audit", "verify", "--json").json()
    assert told["faults"] == [{"code": "changed", "event": 2, "said": "event 2 was changed: the column actor"}]


def test_what_somebody_else_kept_is_held_against_the_log(run: Any, key: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    assert run("audit", "checkpoint", "--out", kept).code == 0
    assert run("audit", "checkpoint", "--out", kept).code == 65, "nothing is written over"
    assert run("audit", "verify", "--kept", kept, "--key", key).code == 0
    body = json.loads(kept.read_text())
    kept.write_text(json.dumps({**body, "leaves": "A" * 43 + "="}))
    done = run("audit", "verify", "--kept", kept)
    assert (done.code, done.out) == (70, "event 1 is not the one whose hash was handed over\n")
    kept.write_text("{}")
    assert "is no checkpoint of an audit log" in run("audit", "verify", "--kept", kept).err
    assert "--key: this is no public key" in run("audit", "verify", "--key", "x").err


def test_an_export_is_checked_by_the_program_that_comes_with_it(run: Any, key: str, tmp_path: Path) -> None:
    out, program = tmp_path / "log.jsonl", tmp_path / "checker.py"
    run("audit", "list")
    done = run("audit", "export", "--out", out, "--first", 2, "--last", 3)
    assert f'python3 checker.py {out} "{key}"' in done.out
    assert out.stat().st_mode & 0o077 == 0, "it says who asked for which plate"
    assert run("audit", "checker", "--out", program).code == 0
    words = [sys.executable, "-I", str(program), str(out), key]
    checked = subprocess.run(words, capture_output=True, text=True, cwd="/", check=True)
    assert checked.stdout.startswith("2 events, from 2 to 3 of ")
    assert run("audit", "export", "--out", tmp_path / "none", "--first", 99).code == 66
    assert not (tmp_path / "none").exists()


def test_another_key_signs_from_then_on(run: Any, key: str) -> None:
    told = run("audit", "renew-key", "--reason", "the former one may be known", "--json").json()
    assert told["key"] != key
    assert run("audit", "checkpoint", "--json").json()["key"] == told["key"]
    assert run("audit", "verify").code == 0
    assert run("audit", "verify", "--key", key).code == 70
