"""What is found amiss is said, and not green: days that differ, certificates that wait, plates that a vendor kept."""

from datetime import date

import pytest

from hub.jobs.jobs import Jobs
from hub.jobs.proved import added_up, probed
from hub.people import Actor
from hub.proofs.canary import Probe
from hub.proofs.reconcile import DayOfReceipt, Reconciled
from hub.retention.unkept import Lying
from hub.store import tables
from hub.wiring import Hub

ACTOR = Actor("tester")


def days(*said: str | None) -> Reconciled:
    """A day for each of what is said of one; nothing is said where it adds up."""
    return Reconciled([DayOfReceipt("feed", date(2026, 6, 1), *(0,) * 11, one) for one in said], Lying())


@pytest.mark.parametrize(
    ("account", "overdue", "said"),
    [
        (days(None, None), 0, None),
        (days("one is missing"), 0, "1 day of receipt does not add up (alprhub retention reconcile)"),
        (
            days("one", "two", None),
            3,
            "2 days of receipt do not add up (alprhub retention reconcile); 3 certificates of destruction wait too long"
            " for the custodian's signature (alprhub retention certificates --open)",
        ),
    ],
)
def test_what_does_not_add_up_and_what_nobody_confirms_is_not_proved(
    account: Reconciled, overdue: int, said: str | None
) -> None:
    done = added_up(account, overdue)
    assert done.unproved == said
    assert done.counts["unconfirmed"] == overdue


def probe(connection: str, outcome: str) -> Probe:
    """What a vendor said to a canary."""
    return Probe(1, connection, outcome, None, None, None)


def test_a_plate_that_a_vendor_kept_and_an_answer_that_did_not_come_are_not_proved() -> None:
    done = probed([probe("gate", "not_found"), probe("pier", "found"), probe("pier", "found"), probe("quay", "failed")])
    assert done.counts == {"not_found": 1, "found": 2, "failed": 1}
    assert done.unproved == (
        "still there although it had to be purged: pier; no answer: quay (alprhub retention canary list)"
    )


@pytest.mark.parametrize("outcome", ["not_found", "not_asked"])
def test_a_plate_that_is_not_found_and_a_paused_source_are_nothing_to_look_at(outcome: str) -> None:
    assert probed([probe("gate", outcome)]).unproved is None


def test_a_reconciliation_that_finds_a_difference_is_on_record_as_not_proved(jobs: Jobs, opened: Hub) -> None:
    with opened.store.write() as connection:
        ident = connection.scalar(tables.connections.select())
        connection.execute(tables.days.insert().values(connection_id=ident, day=20_000, pulled=3))
    (run,) = jobs.run_due(ACTOR, "reconcile")
    assert (run.outcome, run.counts["differences"]) == ("unproved", 1)
    assert run.error == "1 day of receipt does not add up (alprhub retention reconcile)"
    assert not run.good


def test_a_canary_that_finds_a_breach_is_on_record_as_not_proved(
    jobs: Jobs, opened: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(opened.canaries), "probe", lambda *_: [probe("feed", "found")])
    (run,) = jobs.run_due(ACTOR, "canary")
    assert (run.outcome, run.counts) == ("unproved", {"found": 1})
    assert "still there although it had to be purged: feed" in str(run.error)
