"""`alprhub holds`: placed, listed, shown, reviewed, released, by the person that the operating system knows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.people import Actor

SOON = (datetime.now(UTC) + timedelta(days=30)).isoformat()
WHY = ("--purpose=stolen_vehicle", "--reason=needed in court", "--case=26-1")


@pytest.fixture
def held(run: Any, filled: Any, approved: Any) -> Any:
    """Hold 1, of the read of 9SYN001."""
    done = run("holds", "place", "9SYN001", *WHY, "--hold=evidence", f"--review-at={SOON}", "--json")
    assert done.code == 0, done.err
    approved()
    return {**done.json(), "approved_by": "sergeant"}


def test_a_hold_says_how_many_reads_it_has_and_who_stands_behind_it(run: Any, held: Any) -> None:
    assert (held["id"], held["reads"], held["whole"]) == (1, 1, True)
    assert (held["placed_by"], held["approved_by"]) == (Actor.of_process().name, "sergeant")
    assert run("holds", "list", "--json").json() == [held]
    head, row = run("holds", "list").out.splitlines()
    assert head.split()[:4] == ["hold", "for", "case", "reads"]
    assert "26-1" in row
    at = datetime.fromisoformat(held["review_at"]).astimezone(ZoneInfo("America/Los_Angeles"))
    assert f"{at:%Y-%m-%d %H:%M %Z}" in row
    assert "+00:00" not in row


def test_who_acts_is_the_systems_user_whom_nobody_authenticated(run: Any, held: Any, sql: Any) -> None:
    rows = sql("SELECT DISTINCT actor, authenticated FROM audit_events WHERE action = 'holds.place'")
    assert rows == [(Actor.of_process().name, 0)]


def test_its_reads_are_shown_to_its_people_and_say_why_they_are_seen(run: Any, held: Any) -> None:
    page = run("holds", "show", 1, *WHY, "--json").json()
    assert [(row["plate"], row["why"]) for row in page["rows"]] == [("9SYN001", "held")]
    shown = run("holds", "show", 1, *WHY).out
    assert "9SYN001" in shown
    assert "its time is over" in shown
    assert run("holds", "show", 1).code == 77


def test_reads_can_be_held_and_linked_by_their_ids(run: Any, filled: Any, sql: Any) -> None:
    ((ident,),) = sql("SELECT min(id) FROM reads")
    more = ("--hold=discovery", f"--review-at={SOON}", f"--read={ident}")
    assert "1 read is held; look again at " in run("holds", "place", *WHY, *more).out
    assert run("holds", "place", "9SYN001", *WHY, *more).code == 65
    assert run("holds", "link", ident, "--case=26-1", "--json").json() == {"reads": 1, "changed": 0}
    assert "1 read unlinked from 26-1" in run("holds", "unlink", ident, "--case=26-1").out
    assert run("holds", "link", 999, "--case=26-1").code == 66


def test_evidence_leaves_with_its_number(run: Any, held: Any, sql: Any) -> None:
    assert run("holds", "release", 1, "--because=over").code == 77
    assert run("holds", "book", 1, "E-26-7", "--json").json()["booking"] == "E-26-7"
    told = run("holds", "release", 1, "--because=over", "--json").json()
    assert told["released_because"] == "over; booked as E-26-7"
    assert sql("SELECT sum(held) FROM reads") == [(0,)]
    again = run("holds", "release", 1, "--because=again")
    assert again.code == 0
    assert again.out.startswith("hold 1: had ended already, ")
    assert "over; booked as E-26-7. Nothing was changed" in again.out
    assert run("holds", "list", "--json").json() == []
    assert [hold["id"] for hold in run("holds", "list", "--all", "--json").json()] == [1]


def test_nothing_due_is_quiet_and_what_is_due_ends_with_78(run: Any, held: Any, sql: Any) -> None:
    done = run("holds", "review", "--json")
    assert (done.code, done.json()) == (0, {"overdue": 0, "tasks": []})
    sql("UPDATE holds SET review_at = 0")
    done = run("holds", "review", "--json")
    assert (done.code, done.json()["overdue"], done.json()["tasks"][0]["task"]) == (78, 1, "review")
    assert "look at it again: alprhub holds review 1 --found" in run("holds", "review").out
    assert run("holds", "review", 1, "--found=still needed").code == 65
    assert run("holds", "review", 1, "--found=still needed", f"--next={SOON}").code == 0
    assert run("holds", "review").code == 0


def test_media_of_resolved_litigation_are_due_until_somebody_says_what_became_of_them(run: Any, filled: Any) -> None:
    more = ("--hold=litigation", f"--review-at={SOON}")
    run("holds", "place", "9SYN001", *WHY, *more)
    assert run("holds", "dispose", 1, "--how=shredded").code == 65
    run("holds", "release", 1, "--because=over", "--resolved=settled", "--booking=E-26-7")
    done = run("holds", "review", "--json")
    assert (done.code, done.json()["tasks"][0]["task"]) == (78, "dispose_of_media")
    assert "E-26-7" in run("holds", "review").out
    assert run("holds", "dispose", 1, "--how=shredded").code == 0
    assert run("holds", "review").code == 0


@pytest.fixture
def long_beach(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPRHUB_PROFILE", "long-beach")
    monkeypatch.delenv("ALPRHUB_DECISIONS")


def test_a_case_is_classified_by_two_people(long_beach: None, run: Any, filled: Any, sql: Any, approved: Any) -> None:
    ((ident,),) = sql("SELECT min(id) FROM reads")
    why = ("--purpose=official_le_support_local", "--reason=robbery", "--case=26-1")
    more = ("--hold=case", f"--review-at={SOON}", f"--read={ident}")
    assert run("holds", "place", *why, *more).code == 0
    assert run("holds", "review").code == 78
    said = ("--offence=felony", "--committed-on=2026-06-01")
    approved()
    assert "nothing of the hold is let go" in run("holds", "classify", 1, *said).out
    assert run("approvals", "approve", 2, "--yes").code == 77
    assert run("holds", "review").code == 78
    assert approved().json()["outcome"] == {"hold": 1, "until": "2029-06-02T07:00:00Z", "task": None}
    assert run("holds", "classify", 1, "--committed-on=June").code == 65
    nothing = run("holds", "classify", 1)
    assert (nothing.code, nothing.out) == (65, "")
    assert nothing.err.startswith("--offence and --committed-on: say the class")
    assert "committed on 2026-06-01;" in run("holds", "classify", 1, "--offence=felony", "--json").json()["words"]
    assert run("holds", "review").code == 0
