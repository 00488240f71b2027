"""What was approved is put in force after the policy that it was approved to follow, soon, or never."""

from datetime import UTC, datetime, timedelta

import pytest
import two

from hub.access.approvals import RESUMED
from hub.clock import SetClock
from hub.errors import Conflict
from hub.people import Actor
from hub.policy.decisions import Decision
from hub.proposals import Action
from hub.wiring import Hub

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SIGNED = Decision(
    settles="ps-d3",
    answer="as it is",
    decided_by="A. Chief",
    title="Chief",
    decided_at=NOW,
    why="the safe default holds",
)
FIRST, SECOND = Actor("jlee"), Actor("rdiaz")


@pytest.fixture
def both(opened: Hub, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Two policies, proposed and approved at once, and neither in force yet."""
    activate, approvals = opened.governing.activate, opened.access.approvals

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    proposals = [
        activate.activate(FIRST, "long-beach", "the council's vote").id,
        activate.activate(FIRST, "palm-springs", "the council's vote", (SIGNED,)).id,
    ]
    with monkeypatch.context() as broken:
        broken.setattr(activate, "carry_out", killed)
        for one in proposals:
            with pytest.raises(KeyboardInterrupt):
                approvals.approve(SECOND, one)
    return proposals[0], proposals[1]


def test_of_two_policies_that_were_approved_at_once_one_is_in_force_and_the_other_never(
    opened: Hub, both: tuple[int, int]
) -> None:
    first, second = both
    opened.access.approvals.approve(SECOND, first)
    with pytest.raises(Conflict, match="another policy was put in force"):
        opened.access.approvals.approve(SECOND, second)
    assert opened.access.approvals.get(second).state == "overtaken"
    assert opened.governing.profile.name == "long-beach"


def test_a_policy_follows_no_other_than_when_it_was_proposed_although_the_same_is_in_force_again(
    opened: Hub, both: tuple[int, int]
) -> None:
    before = opened.governing.profile.name
    opened.access.approvals.approve(SECOND, both[0])
    two.activate(opened, FIRST, before, "back")
    with pytest.raises(Conflict, match="another policy was put in force"):
        opened.access.approvals.approve(SECOND, both[1])
    assert opened.governing.profile.name == before


def test_a_policy_that_was_approved_long_ago_is_put_in_force_by_nobody(
    opened: Hub, both: tuple[int, int], clock: SetClock
) -> None:
    before = opened.governing.profile.name
    clock.advance(RESUMED[Action.POLICY] - timedelta(microseconds=1))
    assert opened.access.approvals.get(both[0]).state == "approved"
    clock.advance(timedelta(microseconds=1))
    with pytest.raises(Conflict, match="it must be proposed anew"):
        opened.access.approvals.approve(SECOND, both[0])
    assert opened.governing.profile.name == before
