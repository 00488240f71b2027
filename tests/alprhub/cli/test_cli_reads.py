"""`alprhub sync | search | purge | quarantine`: reads in, found, gone, and tried again."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WHY = ("--purpose", "stolen_vehicle", "--reason", "a stolen car, report 26-1")


def test_a_sync_counts_what_came_and_a_second_one_stores_nothing(run: Any, filled: Any) -> None:
    (filled.place / "reads" / "day-1.csv").rename(filled.place / "reads" / "the-same-again.csv")
    told = run("sync", "drop", "--json").json()
    counts = {name: told[name] for name in ("pulled", "stored", "duplicates", "quarantined", "born_expired", "hits")}
    assert counts == {"pulled": 3, "stored": 0, "duplicates": 2, "quarantined": 1, "born_expired": 0, "hits": 0}
    assert run("sync", "drop").out == "drop: nothing came\n"


def test_a_sync_says_of_every_record_what_became_of_it(run: Any, filled: Any) -> None:
    (filled.place / "reads" / "day-1.csv").rename(filled.place / "reads" / "the-same-again.csv")
    assert run("sync", "drop").out == (
        "drop: 3 records came: 0 new reads, 2 here already, "
        "1 set aside, could not be read (alprhub quarantine list); 0 hits\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["nobody"], 66, "nobody"),
        (["drop", "--since", "soon"], 65, "since"),
        (["drop", "--until", "2026-02-30T00:00:00"], 65, "until"),
        (["drop", "--since", "2026-06-02", "--until", "2026-06-01"], 65, "since: must lie before until"),
        (["drop", "--since", "2026-03-08T02:30:00"], 65, "did not exist in America/Los_Angeles"),
    ],
)
def test_a_window_that_cannot_be_is_refused(run: Any, joined: Any, words: list[str], code: int, named: str) -> None:
    done = run("sync", *words)
    assert (done.code, done.out) == (code, "")
    assert named in done.err


def test_a_source_that_is_not_there_pauses_its_connection(run: Any, joined: Any) -> None:
    joined.place.rmdir()
    assert run("sync", "drop").code == 78
    (row,) = run("connections", "list", "--json").json()
    assert row["state"] == "paused"
    assert "does not exist" in row["state_reason"]


def test_a_search_finds_reads_and_is_on_record(run: Any, filled: Any, sql: Any) -> None:
    rows = run("search", "9SYN00?", *WHY, "--case", "26-1", "--json").json()["rows"]
    assert sorted(row["plate"] for row in rows) == ["9SYN001", "9SYN002"]
    assert {(row["plate_state"], row["camera"], row["connection"]) for row in rows} == {("US-CA", "pier", "drop")}
    assert all(row["captured_at"].endswith("Z") and row["expires_at"].endswith("Z") for row in rows)
    kept = sql("SELECT purpose, reason, case_number, results, outcome FROM audit_events ORDER BY id DESC LIMIT 1")
    assert kept == [("stolen_vehicle", "a stolen car, report 26-1", "26-1", 2, "done")]
    assert "9SYN001" in run("search", "9SYN001", *WHY).out
    nothing = run("search", "8SYN*", *WHY, "--json").json()
    assert (nothing["rows"], nothing["next"]) == ([], None)
    assert [(part["connection"], part["status"]) for part in nothing["coverage"]] == [("drop", "included")]
    assert "no read of 8SYN* " in run("search", "8SYN*", *WHY).out
    assert len(run("search", "9SYN*", *WHY, "--limit", 1, "--json").json()["rows"]) == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "purpose"),
        (("--purpose", "stolen_vehicle"), "reason"),
        (("--reason", "a stolen car"), "purpose"),
        (("--purpose", "curiosity", "--reason", "a stolen car"), "purpose"),
        (("--purpose", "stolen_vehicle", "--reason", "test"), "reason"),
    ],
)
def test_a_search_without_purpose_or_reason_is_refused_and_the_refusal_is_on_record(
    run: Any, filled: Any, sql: Any, words: tuple[str, ...], named: str
) -> None:
    before = sql("SELECT count(*) FROM audit_events")[0][0]
    done = run("search", "9SYN001", *words, "--json")
    assert (done.code, done.out) == (77, "")
    assert done.err.startswith(f"--{named}: ")
    assert "9SYN001" not in done.err
    kept = sql("SELECT action, outcome, results FROM audit_events ORDER BY id DESC")
    assert (len(kept), kept[0]) == (before + 1, ("reads.search", "refused", None))


@pytest.mark.parametrize("words", [("*",), ("",), ("9SYN001", "--limit", "0"), ("9SYN001", "--limit", "5000")])
def test_a_search_that_names_nothing_is_refused(run: Any, filled: Any, words: tuple[str, ...]) -> None:
    done = run("search", *words, *WHY)
    assert (done.code, done.out) == (65, "")
    assert done.err.count("\n") == 1


def test_words_that_are_no_text_are_refused(store: Path) -> None:
    command = [os.fsencode(Path(sys.executable).with_name("alprhub")), b"search", b"\xff", *map(os.fsencode, WHY)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (
        65,
        "",
        "an argument is not UTF-8: type it again in a terminal that is set to UTF-8\n",
    )


def test_what_has_expired_is_not_found_and_then_purged(run: Any, filled: Any, sql: Any) -> None:
    sql("UPDATE reads SET expires_at = 1 WHERE vendor_read_id = 'r1'")
    assert [row["plate"] for row in run("search", "9SYN*", *WHY, "--json").json()["rows"]] == ["9SYN002"]
    assert run("purge", "--json").json() == {"purged": {"drop": 1}, "traces": "vacuum", "undelivered": None}
    assert run("purge", "--json").json() == {"purged": {"drop": 0}, "traces": "vacuum", "undelivered": None}
    assert "drop" in run("purge").out
    assert sql("SELECT vendor_read_id FROM reads") == [("r2",)]


def test_quarantine_is_listed_by_field_and_reason_and_replayed(run: Any, filled: Any) -> None:
    (row,) = run("quarantine", "list", "--json").json()
    assert (row["connection"], row["field"], row["count"]) == ("drop", "captured_at", 1)
    assert row["first"].endswith("Z")
    assert row["reason"] in run("quarantine", "list").out
    told = run("quarantine", "replay", "drop", "--json").json()
    assert (told["stored"], told["quarantined"]) == (0, 1)
    assert run("quarantine", "replay", "drop").out == (
        "1 record tried again: 0 new reads, 0 here already, 1 still cannot be read\n"
    )


def test_what_was_set_aside_is_shown_with_the_command_that_shows_one_as_it_can_be_pasted(run: Any, filled: Any) -> None:
    head, row, show, replay = run("quarantine", "list").out.splitlines()
    assert head.split()[:4] == ["source", "field", "why", "records"]
    assert "sample" not in head
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d P[SD]T", row)
    words = shlex.split(show.partition(": alprhub ")[2])
    assert "9SYN003" in run(*words).out
    assert replay.endswith("alprhub quarantine replay drop")


def test_an_empty_quarantine_says_so_and_an_unknown_connection_is_named(run: Any, joined: Any) -> None:
    assert run("quarantine", "list", "--json").json() == []
    assert "nothing is set aside" in run("quarantine", "list").out
    done = run("quarantine", "replay", "nobody")
    assert (done.code, done.out) == (66, "")


def test_without_a_command_help_is_shown(run: Any) -> None:
    for words in ((), ("connections",), ("connectors",), ("hotlists",), ("quarantine",)):
        done = run(*words)
        assert "Usage" in done.out + done.err
