"""`alprhub clock`: what time it is here, and saying that it is right."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import hub.wiring as wiring
from hub.clock import SetClock

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    clock = SetClock(NOW)
    monkeypatch.setattr(wiring, "SystemClock", lambda: clock)
    return clock


def test_it_says_that_the_clock_is_trusted(run: Any, machine: SetClock) -> None:
    done = run("clock")
    assert done.code == 0
    assert "this machine says       2026-06-01 05:00 PDT" in done.out
    assert "the clock is trusted" in done.out
    assert run("clock", "--json").json() == {
        "machine": "2026-06-01T12:00:00Z", "trusted": "2026-06-01T12:00:00Z", "state": "right",
        "hub": "2026-06-01T12:00:00Z",
    }  # fmt: skip


def test_a_clock_in_doubt_is_said_with_the_command_that_two_people_end_it_by(
    run: Any, machine: SetClock, acting: Any
) -> None:
    run("clock")
    machine.advance(timedelta(days=21))
    shown = run("clock")
    assert shown.code == 78
    assert "alprhub clock trust --reason WHY" in shown.out
    refused = run("purge")
    assert (refused.code, refused.out) == (78, "")
    assert "2026-06-22 05:00 PDT" in refused.err
    assert "alprhub clock trust --reason WHY" in refused.err
    acting("detective")
    said = " ".join(run("clock", "trust", "--reason", "off for three weeks").out.split())
    assert "proposed, and nothing changes yet: trust the clock of this machine, which says 2026-06-22 05:00 PDT" in said
    assert run("purge").code == 78
    assert run("approvals", "approve", 1, "--yes").code == 77, "one person alone trusts no clock"
    assert run("purge").code == 78
    health = run("connections", "health", "--json").json()
    (hub,) = [one for one in health if one["connection"] is None]
    assert {"tried_alone", "clock_ahead"} <= {card["code"] for card in hub["cards"]}
    acting("sergeant")
    assert run("approvals", "approve", 1, "--yes").out == (
        "approval 1: the hub trusts this machine's clock now, which said 2026-06-22 05:00 PDT\n"
    )
    assert run("purge").code == 0
    assert run("clock").code == 0


def test_a_clock_behind_is_said_too(run: Any, machine: SetClock) -> None:
    run("clock")
    machine.advance(timedelta(days=-2))
    done = run("clock", "--json")
    assert (done.code, done.json()["state"]) == (78, "behind")
    assert "2 d after that" in run("clock").out


def test_a_clock_that_was_set_since_it_was_proposed_is_not_trusted(run: Any, machine: SetClock, acting: Any) -> None:
    run("clock")
    machine.advance(timedelta(days=21))
    acting("detective")
    assert run("clock", "trust", "--reason", "off for three weeks").code == 0
    machine.advance(timedelta(days=-18))
    acting("sergeant")
    done = run("approvals", "approve", 1, "--yes")
    assert done.code == 65
    assert "was set since this was proposed: it said 2026-06-22 05:00 PDT, and says 2026-06-04 05:00 PDT" in done.err
    assert run("clock").code == 78


def test_to_trust_a_clock_that_nobody_doubts_changes_nothing(run: Any, machine: SetClock, store: Path) -> None:
    done = run("clock", "trust", "--reason", "to be sure")
    assert (done.code, done.err) == (
        65,
        "the clock is not in doubt, so nothing was changed: it says 2026-06-01 05:00 PDT\n",
    )
