"""A case's reads: Long Beach keeps them until the statute of limitations, and never silently for ever."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from hub.errors import Invalid
from hub.policy.contract import SourceContract, Term
from hub.policy.limitations import load_limitations
from hub.policy.profile import Profile, load

Plainly = Callable[[str], dict[str, Any]]
CAPTURED = datetime(2026, 1, 30, 8, tzinfo=UTC)
COMMITTED = date(2026, 1, 29)
ORDINARY = datetime(2028, 1, 30, 8, tzinfo=UTC)
REVIEW = datetime(2029, 1, 30, 8, tzinfo=UTC)


def test_the_table_has_every_section_of_the_code_that_sets_a_period() -> None:
    table = load_limitations()
    assert {one.ref for one in table.classes} == {f"Pen. Code {one}" for one in ("799", "800", "801", "801.5", "802")}
    assert {one.limit for one in table.classes} == {None, "P1Y", "P2Y", "P3Y", "P4Y", "P6Y"}


@pytest.mark.parametrize(
    ("offence", "until", "section"),
    [
        ("felony_8_years", "2032-01-30T08:00:00Z", "800"),
        ("fraud", "2030-01-30T08:00:00Z", "801.5"),
        ("felony", "2029-01-30T08:00:00Z", "801"),
    ],
)
def test_a_cases_reads_live_from_the_day_of_the_offence_until_its_limit(offence: str, until: str, section: str) -> None:
    life = load("long-beach").case_life("own", "flock", None, CAPTURED, offence=offence, committed_on=COMMITTED)
    assert life.until is not None
    assert (life.until.at, life.until.rule) == (datetime.fromisoformat(until), "lb-case")
    assert (life.task, life.review_at, life.clause) == (None, None, f"6.3.4 ¶2; Pen. Code {section}")


def test_a_short_limit_takes_nothing_from_the_life_that_every_read_has() -> None:
    life = load("long-beach").case_life("own", "flock", None, CAPTURED, offence="misdemeanor", committed_on=COMMITTED)
    assert life.until is not None
    assert (life.until.at, life.until.rule) == (ORDINARY, "lb-own")


def test_a_leap_day_of_the_offence_rounds_up() -> None:
    life = load("long-beach").case_life(
        "own", "x", None, CAPTURED, offence="felony_8_years", committed_on=date(2024, 2, 28)
    )
    assert life.until is not None
    assert life.until.at == datetime(2030, 3, 1, 8, tzinfo=UTC)  # the period begins as 29 February does


@pytest.mark.parametrize(
    ("offence", "committed", "task"),
    [
        (None, COMMITTED, "classify_offence"),
        (None, None, "classify_offence"),
        ("felony", None, "state_commission_date"),
        ("no_limit", COMMITTED, "review_case"),
        ("no_limit", None, "review_case"),
    ],
)
def test_what_has_no_end_has_a_task_and_a_day_to_look_again(
    offence: str | None, committed: date | None, task: str
) -> None:
    life = load("long-beach").case_life("own", "flock", None, CAPTURED, offence=offence, committed_on=committed)
    assert (life.until, life.task, life.review_at) == (None, task, REVIEW)


def test_an_unknown_class_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="offence: 'arson' is no class; there are: no_limit, "):
        load("long-beach").case_life("own", "flock", None, CAPTURED, offence="arson", committed_on=COMMITTED)


def test_a_contracts_ceiling_holds_for_a_cases_reads_too() -> None:
    profile = load("long-beach")
    term = Term(dur="P30D", clock="captured_at", ref="§ 2")
    contract = SourceContract(agency=profile.id, connection="pier", vendor="flock", ceiling=term)
    for offence in ("felony", None):
        life = profile.case_life("own", "flock", contract, CAPTURED, offence=offence, committed_on=COMMITTED)
        assert life.until is not None
        assert (life.until.at, life.until.rule) == (datetime(2026, 3, 1, 8, tzinfo=UTC), "pier-ceiling")


def test_where_a_policy_has_no_rule_for_cases_they_live_as_linked_reads_do() -> None:
    life = load("palm-springs").case_life("own", "flock", None, CAPTURED)
    assert life.until is not None
    assert (life.until.at, life.until.rule, life.task) == (datetime(2027, 1, 30, 8, tzinfo=UTC), "ps-downloaded", None)
    vendors = load("long-beach").case_life("own", "flock", None, CAPTURED, copy="vendor", offence="felony")
    assert vendors.until is not None
    assert vendors.until.rule == "lb-own"


def test_what_waits_for_a_court_is_looked_at_again(plainly: Plainly) -> None:
    data = plainly("long-beach")
    data["retention"]["rules"][2]["until"] = "litigation_resolved"
    life = Profile(data, []).case_life("own", "flock", None, CAPTURED, offence="felony", committed_on=COMMITTED)
    assert (life.until, life.task, life.review_at) == (None, "review_case", REVIEW)
