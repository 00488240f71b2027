"""`alprhub gaps | backfill | quarantine show | quarantine replay`: what may be missing, and what was refused."""

import base64
import json
from datetime import datetime
from typing import Any

import pytest


def test_the_time_since_the_last_run_is_a_gap_and_a_run_closes_it(run: Any, filled: Any, sql: Any) -> None:
    (gap,) = run("gaps", "--json").json()
    assert set(gap) == {"connection", "camera", "since", "until", "usual_seconds", "reason"}
    assert (gap["connection"], gap["camera"], gap["reason"]) == ("drop", None, "no run asked for it")
    assert datetime.fromisoformat(gap["since"]) < datetime.fromisoformat(gap["until"])
    assert "no run asked for it" in run("gaps", "drop").out
    assert run("gaps", "drop", "--until", gap["since"], "--json").json() == []
    assert "no gap that the hub can see" in run("gaps", "drop", "--until", gap["since"]).out


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["gaps", "nobody"], 66, "nobody"),
        (["gaps", "--since", "soon"], 65, "since"),
        (["gaps", "--since", "2999-01-01"], 65, "since"),
        (["backfill", "nobody"], 66, "nobody"),
        (["backfill", "drop", "--since", "2026-06-02", "--until", "2026-06-01"], 65, "since"),
        (["quarantine", "show", "drop", "--field", "plate", "--reason", "other"], 66, "drop"),
        (["quarantine", "replay"], 65, "--all"),
        (["quarantine", "replay", "drop", "--all"], 65, "--all"),
    ],
)
def test_what_cannot_be_asked_is_refused(run: Any, filled: Any, words: list[str], code: int, named: str) -> None:
    done = run(*words)
    assert (done.code, done.out) == (code, "")
    assert named in done.err


def test_back_fill_counts_what_came(run: Any, filled: Any) -> None:
    told = run("backfill", "drop", "--json").json()
    assert (told["pulled"], told["stored"]) == (0, 0)
    assert "drop: 0 pulled" in run("backfill", "drop", "--since", "2026-01-01").out


def test_a_refused_record_is_shown_by_its_group_and_that_is_on_record(run: Any, filled: Any, sql: Any) -> None:
    (group,) = run("quarantine", "list", "--json").json()
    asked = ("quarantine", "show", "drop", "--field", group["field"], "--reason", group["reason"])
    assert json.loads(run(*asked).out)["plate"] == "9SYN003"
    shown = run(*asked, "--json").json()
    assert (shown["connection"], shown["id"], shown["kind"], shown["obtained"]) == (
        "drop", group["sample"], "row", "pull",
    )  # fmt: skip
    assert json.loads(shown["payload"])["plate"] == "9SYN003"
    kept = sql("SELECT target, results, outcome, detail FROM audit_events WHERE action = 'quarantine.show'")
    assert [row[:3] for row in kept] == [("drop", 1, "done")] * 2
    assert not any("9SYN003" in row[3] for row in kept)


def test_bytes_that_are_no_text_are_shown_as_base64(run: Any, filled: Any, sql: Any) -> None:
    from hub.store.codec import compress

    (group,) = run("quarantine", "list", "--json").json()
    sql(f"UPDATE quarantine SET payload = x'{compress(bytes([255, 254])).hex()}'")
    asked = ("quarantine", "show", "drop", "--field", group["field"], "--reason", group["reason"], "--json")
    assert base64.b64decode(run(*asked).json()["payload_base64"]) == b"\xff\xfe"


def test_a_group_a_connection_or_everything_is_replayed(run: Any, filled: Any) -> None:
    (group,) = run("quarantine", "list", "--json").json()
    for words in (
        ["drop"], ["--all"], ["drop", "--field", group["field"]], ["--all", "--reason", group["reason"]],
    ):  # fmt: skip
        told = run("quarantine", "replay", *words, "--json").json()
        assert (told["stored"], told["quarantined"]) == (0, 1)
    assert run("quarantine", "replay", "drop", "--field", "another", "--json").json()["quarantined"] == 0
