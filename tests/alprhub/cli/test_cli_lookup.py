"""`alprhub lookup`: one plate, every source, an answer by the deadline."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from alprhub.cli import progress
from alprhub.sandbox import Service, World, flock_settings
from alprhub.sandbox.flock import FlockState, flock_app

WORLD = World(5, datetime.now(UTC), passes=300, vendors=("flock",))
WANTED = WORLD.wanted[2].plate
PASSES = sum(one.plate == WANTED for one in WORLD.passes["flock"])
WHY = ("--purpose", "stolen_vehicle", "--reason", "a stolen car, report 26-1", "--case", "26-1")
QUICK = {"requests_per_second": "1000"}
"""Nobody here asks how seldom a vendor wants to be asked."""
SILENT = 60.0
"""Seconds that nobody in these tests would wait for."""


@pytest.fixture
def flock(run: Any, joined: Any) -> Iterator[FlockState]:
    """The connection `flock` to a stand-in, beside the connection `drop`, which cannot be asked."""
    app = flock_app(WORLD)
    with Service(app) as service:
        words = [f"--set={name}={value}" for name, value in (flock_settings(service.url) | QUICK).items()]
        assert run("connections", "add", "flock", "flock", "--agency=Agency", *words).code == 0
        yield app.state.flock


def test_a_lookup_asks_the_source_and_tells_what_each_said(run: Any, flock: FlockState, sql: Any) -> None:
    told = run("lookup", WANTED, *WHY, "--json").json()
    assert set(told) == {"rows", "next", "coverage", "sources"}
    assert len(told["rows"]) == PASSES
    assert {(row["plate"], row["connection"]) for row in told["rows"]} == {(WANTED, "flock")}
    assert told["next"] is None
    assert {part["connection"] for part in told["coverage"]} == {"drop", "flock"}
    drop, asked = told["sources"]
    assert asked.pop("seconds") > 0
    assert asked == {
        "connection": "flock", "status": "answered", "reads": PASSES, "stored": PASSES, "duplicates": 0,
        "quarantined": 0, "born_expired": 0, "error": None, "failure": None,
    }  # fmt: skip
    assert (drop["connection"], drop["status"]) == ("drop", "not-asked")
    assert [(one["reason"], one["caseNumber"]) for one in flock.lookups] == [("a stolen car, report 26-1", "26-1")]
    kept = sql("SELECT outcome, reason, case_number FROM audit_events WHERE action = 'reads.lookup' ORDER BY id")
    assert kept == [(outcome, "a stolen car, report 26-1", "26-1") for outcome in ("asked", "answered", "done")]
    again = run("lookup", WANTED, *WHY, "--limit", 2, "--json").json()
    assert (len(again["rows"]), again["sources"][1]["duplicates"]) == (2, PASSES)
    assert again["next"]


def test_people_see_the_reads_and_every_source(run: Any, flock: FlockState) -> None:
    done = run("lookup", WANTED, *WHY)
    assert done.code == 0
    assert done.out.count(WANTED) == PASSES
    assert "cannot be asked for one plate" in done.out
    assert "set aside, could not be read" in done.out
    assert "in the last" not in done.out
    assert "answered" in done.out
    assert "not complete" not in done.out


def test_a_source_that_fails_is_named_and_the_local_answer_stands(run: Any, flock: FlockState) -> None:
    assert run("lookup", WANTED, *WHY).code == 0
    flock.scopes = frozenset()
    done = run("lookup", WANTED, *WHY)
    assert done.code == 0
    assert done.out.count(WANTED) == PASSES
    assert "AdminMustFix" not in done.out
    assert "not complete without: flock" in done.out
    assert "paused" in run("lookup", WANTED, *WHY).out


def test_while_it_asks_a_person_sees_how_each_source_stands(
    run: Any, flock: FlockState, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=screen, force_terminal=True, width=120))
    assert run("lookup", WANTED, *WHY).code == 0
    assert f"flock: answered, {PASSES} reads" in screen.getvalue()
    assert "drop: cannot be asked for one plate" in screen.getvalue()


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        ((WANTED,), 77, "--purpose: "),
        ((WANTED, "--purpose", "stolen_vehicle"), 77, "--reason: "),
        (("9SYN*", *WHY), 65, "plate: "),
        ((WANTED, *WHY, "--state", "Atlantis"), 65, "--state: "),
        ((WANTED, *WHY, "--since", "soon"), 65, "--since: "),
        ((WANTED, *WHY, "--since", "2026-06-02", "--until", "2026-06-01"), 65, "--since: "),
        ((WANTED, *WHY, "--deadline", "0"), 65, "--deadline: "),
        ((WANTED, *WHY, "--limit", "0"), 65, "--limit: "),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line_and_nobody_is_asked(
    run: Any, flock: FlockState, words: tuple[str, ...], code: int, named: str
) -> None:
    done = run("lookup", *words, "--json")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(named)
    assert (done.err.count("\n"), WANTED in done.err) == (1, False)
    assert not any("/reads/lookup" in path for _, path, _ in flock.log)


@pytest.mark.slow
def test_the_process_ends_soon_after_the_deadline_though_a_vendor_is_still_silent(run: Any, flock: FlockState) -> None:
    flock.faults.slow = SILENT
    words = [str(Path(sys.executable).with_name("alprhub")), "lookup", WANTED, *WHY, "--deadline", "1", "--json"]
    started = time.monotonic()
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=SILENT)
    assert time.monotonic() - started < SILENT / 2
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["sources"][1]["status"] == "late"
