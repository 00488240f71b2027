"""`alprhub approvals`: what will happen, who proposed it, until when, and what somebody else makes of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

SOON = (datetime.now(UTC) + timedelta(days=30)).isoformat()
WHY = ("--purpose=stolen_vehicle", "--reason=needed in court", "--case=26-1")


@pytest.fixture
def placed(run: Any, filled: Any, acting: Any) -> str:
    """What the detective is told who placed hold 1, of the read of 9SYN001."""
    acting("detective")
    done = run("holds", "place", "9SYN001", *WHY, "--hold=evidence", f"--review-at={SOON}")
    assert done.code == 0, done.err
    return str(done.out)


def test_who_proposes_is_told_what_the_second_person_types_and_until_when(run: Any, placed: str) -> None:
    assert "approval 1 waits until " in placed
    assert "for somebody other than detective, under a login of their own on this machine" in placed
    assert placed.endswith("alprhub approvals approve 1\n")
    assert "nobody yet: approval 1" in run("holds", "list").out


def test_what_waits_is_listed_and_shown_with_what_will_happen(run: Any, placed: str) -> None:
    assert "hold every read that a question means for evidence, case 26-1, as hold 1" in run("approvals", "list").out
    shown = run("approvals", "show", 1).out
    for said in ("waits for a second person", "what will happen: hold every read", "proposed by detective", "until "):
        assert said in shown
    (told,) = run("approvals", "list", "--json").json()
    assert told == run("approvals", "show", 1, "--json").json()
    assert (told["state"], told["proposed_by"], told["content"]["kind"]) == ("waits", "detective", "evidence")


def test_who_must_approve_sees_what_the_question_means_and_how_many_reads_are_held(
    run: Any, placed: str, acting: Any
) -> None:
    acting("sergeant")
    for seen in (run("approvals", "show", 1).out, run("approvals", "approve", 1, stdin="n\n").err):
        assert "  the question: plate 9SYN001\n" in seen
        assert "  hold 1 has now: 1 read\n" in seen


def test_programs_get_every_time_of_a_proposal_as_iso_8601(run: Any, filled: Any, acting: Any) -> None:
    acting("detective")
    review = ("--hold=evidence", "--review-at=2098-12-31T00:00:00-08:00")
    assert run("holds", "place", "9SYN001", *WHY, "--since=2026-01-02T00:00:00-08:00", *review).code == 0
    content = run("approvals", "show", 1, "--json").json()["content"]
    assert content["review_at"] == "2098-12-31T08:00:00Z"
    assert content["query"]["since"] == "2026-01-02T08:00:00Z"


def test_nobody_approves_their_own(run: Any, placed: str) -> None:
    refused = run("approvals", "approve", 1)
    assert refused.code == 77
    assert "Approve it" not in refused.err + refused.out
    assert "whoever runs the machine can make a second login" in refused.err
    assert run("approvals", "refuse", 1, "--reason=no").code == 77


def test_another_approves_after_a_question_that_says_what_will_happen(run: Any, placed: str, acting: Any) -> None:
    acting("sergeant")
    declined = run("approvals", "approve", 1, stdin="n\n")
    assert (declined.code, "what will happen: hold every read" in declined.err) == (65, True)
    done = run("approvals", "approve", 1, "--note=seen the warrant", stdin="y\n")
    assert (done.code, done.out.endswith("approval 1: hold 1 stands, with 1 read\n")) == (0, True)
    assert run("approvals", "list").out == "nothing waits for a second person\n"
    assert "approved and carried out" in run("approvals", "list", "--all").out
    assert "decided by sergeant" in run("approvals", "show", 1).out
    for words in (("--yes",), ()):
        again = run("approvals", "approve", 1, *words)
        assert (again.code, again.out) == (65, "")
        assert again.err.startswith("approval 1: was approved and carried out at "), "nobody is asked once more"
        assert again.err.count("\n") == 1


def test_another_refuses_and_the_hold_ends(run: Any, placed: str, acting: Any, sql: Any) -> None:
    acting("sergeant")
    assert run("approvals", "refuse", 1, "--reason=another case").out == "approval 1: refused; it does not happen\n"
    assert run("holds", "list").out == "no holds\n"
    everything = run("holds", "list", "--all").out
    assert "nobody: its approval was refused by sergeant: another case" in everything
    assert "nobody yet" not in everything
    assert sql("SELECT sum(held) FROM reads") == [(0,)]


def test_who_proposed_takes_it_back(run: Any, placed: str, acting: Any) -> None:
    acting("sergeant")
    assert run("approvals", "withdraw", 1).code == 77
    acting("detective")
    assert run("approvals", "withdraw", 1, "--json").json()["state"] == "withdrawn"


def test_what_was_approved_and_has_ended_all_the_same_says_why(run: Any, placed: str, acting: Any, sql: Any) -> None:
    ended = """verdict = 'overtaken', decided_by = 'sergeant', outcome = '{"because":"hold 1 has ended"}'"""
    sql(f"UPDATE approvals SET decided_at = proposed_at, {ended}")
    shown = run("approvals", "show", 1).out
    assert "not carried out to its end: it must be proposed anew" in shown
    assert "not carried out: hold 1 has ended" in shown
    acting("sergeant")
    refused = run("approvals", "approve", 1, "--yes")
    assert (refused.code, "(hold 1 has ended); it must be proposed anew" in refused.err) == (65, True)


def test_what_is_not_there_is_said(run: Any, placed: str, tmp_path: Any) -> None:
    for step in (("show",), ("approve", "--yes"), ("refuse", "--reason=no"), ("withdraw",)):
        done = run("approvals", step[0], 99, *step[1:])
        assert (done.code, "alprhub approvals list" in done.err) == (66, True)
    assert run("approvals", "show", 1, "--to", tmp_path / "nothing").code == 65


def test_a_hold_that_was_approved_by_name_before_approvals_says_so(run: Any, placed: str, sql: Any) -> None:
    sql("UPDATE holds SET approval_id = NULL, approved_by = 'sergeant'")
    assert "sergeant (by name, before approvals)" in run("holds", "list").out


def test_the_hub_tells_of_what_waits(run: Any, placed: str) -> None:
    health = run("connections", "health").out
    assert "Approval 1 waits for a second person" in health
    assert "alprhub approvals show 1" in health
