"""What was approved is put in force after the policy that it was approved to follow, soon, or never."""

from datetime import timedelta
from pathlib import Path

import pytest
import two
import yaml

from hub.access.lasting import RESUMED
from hub.clock import SetClock
from hub.errors import Conflict
from hub.people import Actor
from hub.policy.document import FOLDER
from hub.proposals import Action
from hub.wiring import Hub

FIRST, SECOND = Actor("jlee"), Actor("rdiaz")


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two policies of the agency's own, which only tighten what is in force: such a change has no grace."""
    made = []
    for days in (5, 6):
        data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text("utf-8"))
        for rule in data["retention"]["rules"]:
            rule["max"]["dur"] = f"P{days}D"
        made.append(tmp_path / f"P{days}D.yaml")
        made[-1].write_text(yaml.safe_dump(data), "utf-8")
    return list(map(str, made))


@pytest.fixture
def both(opened: Hub, monkeypatch: pytest.MonkeyPatch, files: list[str]) -> tuple[int, int]:
    """Two policies, proposed and approved at once, and neither in force yet."""
    activate, approvals = opened.governing.activate, opened.access.approvals

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    proposals = [activate.activate(FIRST, file, "the council's vote", two.signed(opened, file)).id for file in files]
    with monkeypatch.context() as broken:
        broken.setattr(activate, "carry_out", killed)
        for one in proposals:
            with pytest.raises(KeyboardInterrupt):
                approvals.approve(SECOND, one)
    return proposals[0], proposals[1]


def test_of_two_policies_that_were_approved_at_once_one_is_in_force_and_the_other_never(
    opened: Hub, both: tuple[int, int], files: list[str]
) -> None:
    first, second = both
    opened.access.approvals.approve(SECOND, first)
    with pytest.raises(Conflict, match="another policy was put in force"):
        opened.access.approvals.approve(SECOND, second)
    assert opened.access.approvals.get(second).state == "overtaken"
    assert opened.governing.profile.name == files[0]


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
