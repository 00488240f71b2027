"""What a policy leaves open: conflicts to be signed, numbers to be given, defaults that hold meanwhile."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.errors import Invalid, PolicyConflict, PolicyRefused
from hub.policy.contract import SourceContract, Term
from hub.policy.decisions import Decision, read_decisions
from hub.policy.overlay import load_overlay
from hub.policy.profile import Profile, load

Plainly = Callable[[str], dict[str, Any]]
CAPTURED = datetime(2026, 1, 30, 8, tzinfo=UTC)
NUMBER = Term(dur="P1Y30D", clock="captured_at", ref="Schedule 12, item 4")


def decision(settles: str, **more: Any) -> Decision:
    said = {"answer": "yes", "decided_by": "R. Lee", "title": "Chief", "decided_at": CAPTURED, "why": "after counsel"}
    return Decision(settles=settles, **said | more)


def zero_width(plainly: Plainly, ceiling: str, clock: str = "captured_at") -> dict[str, Any]:
    """Westminster's floor of one year from receipt, with a ceiling beside it."""
    data = plainly("westminster")
    data["retention"]["rules"][0] |= {"max": {"dur": ceiling, "clock": clock}, "schedule_ref_required": False}
    return data


@pytest.mark.parametrize(
    ("ceiling", "clock", "ready"),
    [
        ("P1Y", "captured_at", False),  # no room: one second late, and both cannot be kept
        ("P30D", "captured_at", False),
        ("P366D", "captured_at", False),
        ("P1Y", "received_at", False),  # a leap day rounds down and up
        ("P1Y30D", "captured_at", True),
        ("P13M", "captured_at", True),
    ],
)
def test_a_floor_that_reaches_the_ceiling_stops_the_activation(
    plainly: Plainly, ceiling: str, clock: str, ready: bool
) -> None:
    state = Profile(zero_width(plainly, ceiling, clock), []).activation()
    assert state.ready is ready
    if not ready:
        assert [one.id for one in state.conflicts] == ["conflict:wm-server:wm-server"]
        with pytest.raises(PolicyConflict, match=r"conflict:wm-server:wm-server.*signed decision"):
            state.demand()
    else:
        state.demand()


def test_a_signed_conflict_lets_it_through_and_decides_each_read(plainly: Plainly) -> None:
    data = zero_width(plainly, "P1Y")
    late = CAPTURED + timedelta(days=3)
    for kept, end in (
        ("floor", datetime(2027, 2, 2, 8, tzinfo=UTC)),
        ("ceiling", datetime(2027, 1, 30, 8, tzinfo=UTC)),
    ):
        signed = decision("conflict:wm-server:wm-server", prevails=kept, counsel="CA-2026-4")
        profile = Profile(data, [], [signed])
        profile.activation().demand()
        bounds = profile.bounds("own", "flock", None, CAPTURED, late)
        assert not bounds.conflict
        assert profile.expiry("own", "flock", None, CAPTURED, received_at=late).at == end
        floor = profile.floor("own", "flock", None, CAPTURED, late)
        assert floor is not None
        assert floor.at == end


def test_a_read_that_comes_later_than_the_room_allows_says_so(plainly: Plainly) -> None:
    profile = Profile(zero_width(plainly, "P1Y30D"), [])
    assert not profile.bounds("own", "flock", None, CAPTURED, CAPTURED + timedelta(days=29)).conflict
    assert profile.bounds("own", "flock", None, CAPTURED, CAPTURED + timedelta(days=31)).conflict


def test_a_contract_can_bring_the_conflict(plainly: Plainly) -> None:
    profile = Profile(zero_width(plainly, "P1Y30D"), [])
    term = Term(dur="P30D", clock="captured_at", ref="§ 2")
    contract = SourceContract(agency=profile.id, connection="pier", vendor="flock", ceiling=term)
    assert profile.activation().ready
    (conflict,) = profile.activation([contract]).conflicts
    assert conflict.id == "conflict:wm-server:pier-ceiling"
    at_vendor = contract.model_copy(update={"copy_at": "vendor"})
    assert profile.activation([at_vendor]).ready  # the floor binds the hub's copies


@pytest.mark.parametrize(
    ("name", "rule", "asked"), [("westminster", "wm-server", "wm-d1"), ("hayward", "hw-server", "hw-d1")]
)
def test_a_signed_number_gives_the_ceiling_that_the_policy_leaves_to_a_schedule(
    name: str, rule: str, asked: str
) -> None:
    state = load(name).activation()
    assert not state.conflicts
    assert len(state.without_ceiling) == 3
    with pytest.raises(PolicyRefused, match=f"nothing says how long own reads.*{asked}"):
        state.demand()
    profile = load(name, (decision(asked, ceilings={rule: NUMBER}),))
    profile.activation().demand()
    expiry = profile.expiry("own", "flock", None, CAPTURED)
    assert (expiry.at, expiry.rule) == (datetime(2027, 3, 1, 8, tzinfo=UTC), rule)
    assert expiry.clause.endswith("; Schedule 12, item 4")
    assert asked not in [one.id for one in profile.open_decisions()]
    assert load(name).activation().without_ceiling  # the profile without decisions is another


def test_a_rule_that_is_left_to_a_schedule_needs_it_signed_although_the_profile_has_a_number_meanwhile() -> None:
    state = load("hermosa-beach").activation()
    assert (state.ready, state.without_ceiling, state.without_schedule) == (False, (), ("hb-other",))
    with pytest.raises(PolicyRefused) as refused:
        state.demand()
    assert str(refused.value) == (
        "the policy leaves hb-other to the agency's retention schedule, and nobody has signed what that says."
        " A decision must give the number (settles: one of hb-d1, hb-d2, hb-d3; ceilings: {hb-other: {dur: …, clock:"
        " captured_at, ref: …}}), signed, in a file that is given with --decisions FILE or ALPRHUB_DECISIONS:"
        ' docs/policy.md, "What nobody has decided", shows one'
    )
    load("hermosa-beach", (decision("hb-d3", ceilings={"hb-other": NUMBER}),)).activation().demand()


@pytest.mark.parametrize("name", ["hermosa-beach", "long-beach", "palm-springs"])
def test_open_choices_stand_with_their_safe_default_and_in_nobodys_way(name: str, plainly: Plainly) -> None:
    state = load(name).activation()
    assert state.ready is not bool(state.without_schedule)
    asked = [one["id"] for one in plainly(name)["decisions_needed"]]
    assert [one.id for one in state.open] == [*asked, "ca-14", "cjis-2"]
    assert all(one.safe_default for one in state.open)


def test_a_choice_is_closed_by_its_signature_and_a_flag_of_the_law_by_counsels_opinion() -> None:
    def still_open(*decisions: Decision) -> list[str]:
        return [one.id for one in load("hermosa-beach", decisions).open_decisions()]

    assert still_open(decision("hb-d1")) == ["hb-d2", "hb-d3", "ca-14", "cjis-2"]
    assert "ca-14" in still_open(decision("ca-14"))
    assert "ca-14" not in still_open(decision("ca-14", counsel="CA-2026-4"))


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"settles": "hb-d9"}, "hb-d9 is nothing that ca-hermosa-beach-pd leaves open"),
        ({"settles": "hb-d3", "ceilings": {"hb-x": NUMBER}}, "ceilings.hb-x: is no rule; there are: hb-motorola"),
        ({"settles": "hb-d3", "ceilings": {"hb-flock": NUMBER}}, "ceilings.hb-flock: the policy does not leave this"),
    ],
)
def test_a_decision_about_what_is_not_open_is_refused(made: dict[str, Any], told: str) -> None:
    with pytest.raises(Invalid, match=told):
        load("hermosa-beach", (decision(**made),))


SIGNED = """
decisions:
- settles: {settles}
  answer: the floor is kept
  decided_by: R. Lee
  title: Chief of Police
  decided_at: 2026-05-01T09:00:00-07:00
  why: evidence must not be lost
"""
ONE = SIGNED.format(settles="hb-d1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SIGNED.format(settles="conflict:a:b"), "decisions.0: prevails: is missing"),
        (SIGNED.format(settles="conflict:a:b") + "  prevails: floor\n", "counsel: is missing"),
        (ONE + "  prevails: floor\n", "prevails: belongs to conflicts only"),
        (ONE.replace("-07:00", ""), "decisions.0.decided_at: "),
        (ONE.replace("  why: evidence must not be lost\n", ""), "decisions.0.why is missing"),
        (ONE + ONE.replace("decisions:\n", ""), "decisions.1.settles: hb-d1 is signed twice"),
        ("decision: []", "decisions is missing"),
    ],
)  # fmt: skip
def test_a_decision_that_is_not_whole_is_refused_with_its_path(text: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_decisions(text.encode(), "signed.yaml")
    assert told in str(refused.value)
    assert str(refused.value).startswith("signed.yaml: ")


def test_a_whole_decision_is_read() -> None:
    text = SIGNED.format(settles="conflict:a:b") + "  prevails: floor\n  counsel: CA-2026-4\n"
    (signed,) = read_decisions(text.encode(), "signed.yaml")
    assert (signed.prevails, signed.decided_at.astimezone(UTC)) == ("floor", datetime(2026, 5, 1, 16, tzinfo=UTC))


def test_a_contract_of_another_agency_is_refused() -> None:
    contract = SourceContract(agency="ca-long-beach-pd", connection="pier", vendor="flock")
    with pytest.raises(Invalid, match="the contract is ca-long-beach-pd's, the profile ca-hermosa-beach-pd"):
        load("hermosa-beach").expiry("own", "flock", contract, CAPTURED)


def test_a_statute_with_a_ceiling_of_its_own_shortens_every_policy(plainly: Plainly) -> None:
    from dataclasses import replace

    from hub.policy.rules import of_list

    strict = of_list(
        [{"id": "nh-1", "match": {}, "copy_at": "any", "max": {"dur": "PT3M", "clock": "captured_at"}, "min": None,
          "on_expiry": {"action": "purge", "force": "shall"}, "ref": "some statute"}], "us-ca", "retention",
    )  # fmt: skip
    overlay = replace(load_overlay("us-ca"), rules=strict)
    expiry = Profile(plainly("long-beach"), [overlay]).expiry("own", "flock", None, CAPTURED)
    assert expiry == (CAPTURED + timedelta(minutes=3), "nh-1", "some statute")
