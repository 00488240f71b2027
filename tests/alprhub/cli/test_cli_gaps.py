"""`alprhub gaps | backfill | quarantine show | quarantine replay`: what may be missing, and what was refused."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

PACIFIC = ZoneInfo("America/Los_Angeles")
"""Where the clock of the agency stands."""


def test_the_time_since_the_last_run_is_told_as_that_and_not_as_a_gap(run: Any, filled: Any, sql: Any) -> None:
    (gap,) = run("gaps", "--json").json()
    assert set(gap) == {
        "connection",
        "camera",
        "since",
        "until",
        "usual_seconds",
        "reason",
        "since_last_run",
        "camera_id",
    }
    assert (gap["connection"], gap["camera"], gap["reason"]) == ("drop", None, "no run asked for it")
    assert gap["since_last_run"] is True
    assert datetime.fromisoformat(gap["since"]) < datetime.fromisoformat(gap["until"])
    since = datetime.fromisoformat(gap["since"]).astimezone(PACIFIC)
    first, second = run("gaps", "drop").out.splitlines()
    assert first.startswith("no gap that the hub can see: runs covered every time since the first of them")
    assert second.startswith(f"drop: no run since {since:%Y-%m-%d %H:%M %Z} (")
    assert run("gaps", "drop", "--until", gap["since"], "--json").json() == []
    told, none, *more = run("gaps", "drop", "--until", gap["since"]).out.splitlines()
    assert told == f"from the first read on until {since:%Y-%m-%d %H:%M %Z}"
    assert (none, more) == (first, [])


def test_a_time_between_runs_that_none_covered_is_a_gap_with_its_length_and_what_to_do(
    run: Any, filled: Any, sql: Any
) -> None:
    sql(f"UPDATE runs SET since = until - {3_600_000_000}")
    early = run("gaps", "--json").json()[-1]
    since = datetime.fromisoformat(early["since"]) - timedelta(hours=8)
    assert (
        run("sync", "drop", "--since", since.isoformat(), "--until", (since + timedelta(hours=2)).isoformat()).code == 0
    )
    gap, last = run("gaps", "--json").json()
    assert (gap["since_last_run"], last["since_last_run"]) == (False, True)
    head, row, todo, tail = run("gaps", "drop").out.splitlines()
    assert head.split() == ["source", "from", "until", "lasting", "why"]
    assert "5 h" in row
    assert "no run asked for it" in row
    assert f"{(since + timedelta(hours=2)).astimezone(PACIFIC):%Y-%m-%d %H:%M %Z}" in row
    assert todo.startswith("alprhub backfill drop")
    assert tail.startswith("drop: no run since")


def test_silent_cameras_are_told_once_each_with_their_last_silence_and_apart_where_they_share_a_name(
    run: Any, joined: Any, sql: Any
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    (joined.place / "reads").mkdir()
    lines = ["read_id,plate,captured_at,camera_id,state"]
    for camera, stopped in (("p1", 24), ("p2", 30), ("gate", 36)):
        for number in range(48, 0, -1):
            at = (now - timedelta(hours=stopped + number)).isoformat()
            lines.append(f"{camera}-{number},9SYN{number:03d},{at},{camera},CA")
    (joined.place / "reads" / "days.csv").write_text("\n".join(lines) + "\n")
    assert run("sync", "drop", "--since", "5d").code == 0
    sql("UPDATE cameras SET name = 'Pier' WHERE vendor_id <> 'gate'")
    sql("UPDATE cameras SET name = 'Gate' WHERE vendor_id = 'gate'")
    shown = run("gaps", "drop").out
    head, *rows = shown.splitlines()
    assert "still silent" in head
    silent = [row for row in rows if "  yes" in row]
    assert sorted(re.findall(r"Gate|Pier \(p\d\)", " ".join(silent))) == ["Gate", "Pier (p1)", "Pier (p2)"]
    assert "1 d" in shown
    assert str(24 * 3600) not in shown


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
    told, done = run("backfill", "drop", "--since", "2026-01-01").out.splitlines()
    assert (told, done) == ("from 2026-01-01 00:00 PST until now", "drop: nothing came")


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
