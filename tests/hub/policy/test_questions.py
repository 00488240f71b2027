"""Questions about reads, asked of the real hub under each department's manual."""

from collections.abc import Iterator

import manuals
import pytest

from hub.clock import SetClock
from hub.errors import PolicyRefused
from hub.people import Actor, Why
from hub.policy.profile import names
from hub.search.query import Query
from hub.settings import HubSettings
from hub.wiring import Hub


@pytest.fixture(params=names())
def ruled(request: pytest.FixtureRequest, settings: HubSettings, clock: SetClock) -> Iterator[Hub]:
    """A hub under each profile in turn."""
    with manuals.under(settings, clock, request.param) as hub:
        yield hub


def good(hub: Hub) -> Why:
    """A purpose of the department's, a reason and a case."""
    return Why(hub.governing.profile.purposes[0], "report of a stolen car", "26-1")


@pytest.mark.clause("palm-springs 430.1 ¶2")
@pytest.mark.clause(
    "hermosa-beach 429.3 ¶1", "westminster 462.2 ¶1", "hayward 429.1 USE-01", lacks="purposes of hot-list entries"
)
def test_a_purpose_that_is_none_of_the_manuals_is_refused_and_on_record(ruled: Hub, actor: Actor) -> None:
    for purpose in ("immigration_enforcement", "curiosity", ruled.governing.profile.purposes[0].upper()):
        why = Why(purpose, good(ruled).reason)
        for ask in (
            lambda why=why: ruled.search.reads.find(actor, Query(why, plates=("9SYN001",))),
            lambda why=why: ruled.search.lookups.ask(actor, "9SYN001", why),
        ):
            with pytest.raises(PolicyRefused, match="purpose"):
                ask()
            event = ruled.audit.events(1)[0]
            assert (event["outcome"], event["purpose"], event["results"]) == ("refused", purpose, None)


@pytest.mark.clause(
    "hermosa-beach 429.4(a)", "westminster 462.3(a)", "hayward 429.3(a)", "palm-springs 430.6(a); 430.7(a)"
)
@pytest.mark.clause("palm-springs 430.7(g)", lacks="the event number, or that none is applicable")
def test_a_question_without_a_purpose_or_with_a_hollow_reason_is_refused(ruled: Hub, actor: Actor) -> None:
    for said in ("", " ", "test", "N/A", "x"):
        for why, missing in ((Why(said, good(ruled).reason), "purpose"), (Why(good(ruled).purpose, said), "reason")):
            with pytest.raises(PolicyRefused, match=missing):
                ruled.search.reads.find(actor, Query(why, plates=("9SYN001",)))


@pytest.mark.clause("hermosa-beach 429.4(b)", "westminster 462.3(b)", "hayward 429.3(b)", "palm-springs 430.6(b)")
def test_nobody_has_to_suspect_anything(ruled: Hub, actor: Actor) -> None:
    answer = ruled.search.reads.find(
        actor, Query(Why(ruled.governing.profile.purposes[0], "routine patrol"), plates=("9SYN001",))
    )
    assert answer.rows == []


@pytest.mark.clause(
    "hermosa-beach 429.3.1(d)",
    "westminster 462.2.1(d)",
    "hayward 429.2.1(d)",
    "palm-springs 430.4[Admin](d)",
    "long-beach 6.3.6 s1",
    lacks="accounts of persons and their organisation",
)
@pytest.mark.clause("palm-springs 430.9 ¶2", lacks="the sources that were asked")
def test_the_record_of_a_question_says_who_when_what_and_why_even_if_nothing_was_found(
    ruled: Hub, actor: Actor, clock: SetClock
) -> None:
    ruled.search.reads.find(actor, Query(good(ruled), plates=("9SYN001",)))
    event = ruled.audit.events(1)[0]
    assert (event["at"], event["actor"], event["results"]) == (clock.now(), "tester", 0)
    assert event["detail"]["query"]["plates"] == ["9SYN001"]
    assert Why(event["purpose"], event["reason"], event["case_number"]) == good(ruled)


@pytest.mark.clause(
    "hermosa-beach 429.6(a)",
    "westminster 462.5(a)",
    "hayward 429.5(a); 429.6(b)",
    "palm-springs 430.9(a)",
    lacks="accounts of persons, and the views that are not made yet",
)
def test_a_question_that_cannot_be_put_on_record_is_not_answered(
    ruled: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(ruled.audit, "record", full)
    with pytest.raises(OSError, match="no space"):
        ruled.search.reads.find(actor, Query(good(ruled), plates=("9SYN001",)))
    with pytest.raises(OSError, match="no space"):
        ruled.search.lookups.ask(actor, "9SYN001", good(ruled))
