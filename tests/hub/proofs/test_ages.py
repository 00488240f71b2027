"""The report of ages: what is kept and by which clause, what should be gone, and what explains the oldest."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import manuals
import pytest
import two
from hypothesis import given
from hypothesis import strategies as st
from plain import record, write_page
from registries import Having
from sqlalchemy import insert, text

from hub.cases.holds import NewHold
from hub.clock import SetClock
from hub.people import Actor
from hub.policy.durations import Duration
from hub.proofs import ages
from hub.proofs.ages import Ages, AgesReport
from hub.proofs.calendar import reached
from hub.settings import HubSettings
from hub.store import tables
from hub.store.instant import to_micros
from hub.wiring import Hub, open_hub

ACTOR = Actor("auditor")
CAPTURED = datetime(2026, 6, 1, 11, tzinfo=UTC)
DAY = timedelta(days=1)
FROM = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def springs(settings: HubSettings, clock: SetClock, plain_vendor: Having, tmp_path: Path) -> Iterator[Hub]:
    """A hub under Palm Springs' manual with two reads of a feed, an hour apart."""
    with open_hub(
        settings.model_copy(update={"profile": "palm-springs", "decisions": None}), clock, registry=plain_vendor
    ) as hub:
        folder = tmp_path / "feed"
        folder.mkdir()
        hub.connections.accounts.add(ACTOR, "feed", "plain", {"folder": str(folder)})
        reads = [record(n, f"9SYN00{n}", (CAPTURED - n * timedelta(hours=1)).isoformat()) for n in (0, 1)]
        write_page(folder, 1, reads)
        hub.ingest.sync.run(ACTOR, "feed")
        yield hub


def hold(hub: Hub, case: str, *, reason: str = "trial is pending", released: bool = False) -> int:
    """A hold on everything that is kept."""
    now = to_micros(hub.clock.now())
    with hub.store.write() as connection:
        made = connection.execute(
            insert(tables.holds)
            .values(
                kind="litigation", case_number=case, reason=reason, placed_by="a", approved_by="b", placed_at=now,
                review_at=now, released_at=now if released else None,
            )
            .returning(tables.holds.c.id)
        ).scalar_one()  # fmt: skip
        connection.execute(text("INSERT INTO held_reads (hold_id, read_id) SELECT :id, id FROM reads"), {"id": made})
        connection.execute(text("UPDATE reads SET held = :held"), {"held": not released})
    return int(made)


def booked(hub: Hub, bookings: dict[int, str]) -> AgesReport:
    """The report of a hub whose evidence store has booked these holds."""
    return Ages(
        hub.store,
        hub.audit,
        hub.clock,
        hub.governing.in_force,
        hub.governing.sources,
        SimpleNamespace(bookings=lambda _: bookings),
        hub.connections.spool,
    ).report(ACTOR)


def test_what_is_kept_is_told_by_source_rule_and_age_with_its_clause(springs: Hub, clock: SetClock) -> None:
    (young,) = springs.proofs.ages.report(ACTOR).kept
    assert (young.connection, young.rule, young.clause) == ("feed", "ps-unlinked", "430.8 ¶2 s3")
    assert (young.band, young.reads, young.held, young.oldest) == ("up to P30D", 2, 0, CAPTURED - timedelta(hours=1))
    clock.advance(CAPTURED + 30 * DAY - clock.now() - timedelta(minutes=30))
    report = springs.proofs.ages.report(ACTOR)
    assert [(one.band, one.reads) for one in report.kept] == [("up to P30D", 1), ("P30D to P1Y", 1)]


@pytest.mark.parametrize(
    ("department", "rule", "clause", "end"),
    [
        ("hermosa-beach", "hb-flock", "429.5 ¶2 s4", "2026-07-01T11:00:00Z"),
        ("westminster", "wm-server", "462.4 ¶2 s1-s2; Resolution 26-17, item 4", "2028-06-01T11:00:00Z"),
        ("hayward", "hw-server", "429.4 ¶2 s1-s2; Resolution 26-17, item 4", "2028-06-01T11:00:00Z"),
        ("palm-springs", "ps-unlinked", "430.8 ¶2 s3", "2026-07-01T11:00:00Z"),
        ("long-beach", "lb-own", "6.3.4 ¶1", "2028-06-01T11:00:00Z"),
    ],
)
def test_under_every_manual_ages_and_the_account_are_right_up_to_the_end_at_it_and_after_the_purge(
    settings: HubSettings, clock: SetClock, plain_vendor: Having, tmp_path: Path, department: str, rule: str,
    clause: str, end: str,
) -> None:  # fmt: skip
    with manuals.under(settings, clock, department) as hub:
        hub.connections.accounts.add(ACTOR, "feed", "plain", {"folder": str(tmp_path)})
        old = record(9, "9SYN009", "2020-06-01T11:00:00Z")
        write_page(tmp_path, 1, [*(record(n, f"9SYN00{n}", CAPTURED.isoformat()) for n in (0, 1)), {"id": "bad"}, old])
        hub.ingest.sync.run(ACTOR, "feed")
        with hub.store.read() as connection:
            first = int(connection.scalar(text("SELECT min(id) FROM reads")) or 0)

        def told() -> tuple[list[tuple[str, str | None, int, int]], list[tuple[str, str | None, str, int]]]:
            assert hub.proofs.reconciliation.run(ACTOR).differences == []
            report = hub.proofs.ages.report(ACTOR)
            return (
                [(one.rule, one.clause, one.reads, one.held) for one in report.kept],
                [(one.rule, one.clause, one.kind, one.reads) for one in report.violations],
            )

        two.place(hub, ACTOR, NewHold("discovery", "26-1", "asked for", clock.now() + DAY), reads=[first])
        clock.advance(datetime.fromisoformat(end) - timedelta(microseconds=1) - clock.now())
        assert told() == ([(rule, clause, 2, 1)], [])
        clock.advance(timedelta(microseconds=1))
        assert told() == ([(rule, clause, 2, 1)], [(rule, clause, "unpurged", 1)])
        hub.retention.expired.purge(ACTOR)
        assert told() == ([(rule, clause, 1, 1)], [])
        hub.cases.holds.release(ACTOR, 1, "the trial is over")
        assert told() == ([(rule, clause, 1, 0)], [(rule, clause, "unpurged", 1)])
        hub.retention.expired.purge(ACTOR)
        assert told() == ([], [])


def test_what_is_expired_and_not_purged_is_a_violation_that_says_how_late_it_is(springs: Hub, clock: SetClock) -> None:
    assert springs.proofs.ages.report(ACTOR).violations == []
    clock.advance(CAPTURED + 32 * DAY - clock.now())
    (late,) = springs.proofs.ages.report(ACTOR).violations
    assert (late.kind, late.rule, late.reads, late.late_seconds) == (
        "unpurged", "ps-unlinked", 2, 49 * 3600
    )  # fmt: skip
    springs.retention.expired.purge(ACTOR)
    after = springs.proofs.ages.report(ACTOR)
    assert (after.kept, after.violations) == ([], [])


def test_a_read_whose_row_promises_it_more_than_the_policy_allows_is_found(springs: Hub, clock: SetClock) -> None:
    with springs.store.write() as connection:
        connection.execute(text("UPDATE reads SET expires_at = expires_at * 2"))
    assert springs.proofs.ages.report(ACTOR).violations == []
    clock.advance(CAPTURED + 30 * DAY - clock.now())
    springs.retention.expired.purge(ACTOR)
    (past,) = springs.proofs.ages.report(ACTOR).violations
    assert (past.kind, past.rule, past.clause, past.reads) == ("past_ceiling", "ps-unlinked", "430.8 ¶2 s3", 2)
    assert past.late_seconds == 3600


def test_a_linked_read_is_no_violation_until_its_year_is_over(springs: Hub, clock: SetClock) -> None:
    with springs.store.write() as connection:
        connection.execute(text("UPDATE reads SET expires_at = expires_at * 2"))
        connection.execute(
            text("INSERT INTO links (read_id, case_number, linked_by, linked_at) SELECT id, '26-1', 'a', 0 FROM reads")
        )
    clock.advance(300 * DAY)
    assert springs.proofs.ages.report(ACTOR).violations == []
    clock.advance(70 * DAY)
    (past,) = springs.proofs.ages.report(ACTOR).violations
    assert (past.kind, past.rule, past.clause) == ("past_ceiling", "ps-downloaded", "430.8 ¶3")


def test_between_one_and_two_years_a_held_read_is_in_its_band_and_an_unheld_one_is_a_violation(
    springs: Hub, clock: SetClock
) -> None:
    made = hold(springs, "26-1")
    clock.advance(500 * DAY)
    held = springs.proofs.ages.report(ACTOR)
    assert [(one.band, one.reads, one.held) for one in held.kept] == [("P1Y to P2Y", 2, 2)]
    assert (held.violations, held.explanations, held.signable) == ([], [], True)
    with springs.store.write() as connection:
        connection.execute(text("UPDATE holds SET released_at = 0 WHERE id = :id"), {"id": made})
        connection.execute(text("UPDATE reads SET held = false"))
    (late,) = springs.proofs.ages.report(ACTOR).violations
    assert (late.kind, late.reads) == ("unpurged", 2)


@pytest.mark.clause("palm-springs 430.9(e) s4")
def test_a_report_cannot_be_signed_until_what_is_older_than_two_years_is_held_and_booked(
    springs: Hub, clock: SetClock
) -> None:
    with springs.store.read() as connection:
        reads = list(connection.scalars(text("SELECT id FROM reads ORDER BY captured_at DESC")))
    asked = NewHold("litigation", "26-1", "trial is pending", clock.now() + 30 * DAY)
    made = two.place(springs, ACTOR, asked, reads=reads[:1])
    clock.advance(datetime(2028, 6, 1, 11, tzinfo=UTC) - clock.now())
    springs.retention.expired.purge(ACTOR)
    report = springs.proofs.ages.report(ACTOR)
    assert [(one.band, one.reads, one.held) for one in report.kept] == [("over P2Y", 1, 1)]
    (told,) = report.explanations
    assert (told.hold, told.kind, told.case_number, told.reason) == (made.id, "litigation", "26-1", "trial is pending")
    assert (told.missing, report.signable) == (("booking number",), False)
    springs.cases.holds.book(ACTOR, made.id, "E-77")
    report = springs.proofs.ages.report(ACTOR)
    assert (report.explanations[0].booking, report.violations, report.signable) == ("E-77", [], True)


def test_what_is_older_than_two_years_needs_hold_case_reason_and_booking_or_the_report_cannot_be_signed(
    springs: Hub, clock: SetClock
) -> None:
    made = hold(springs, "26-1")
    clock.advance(datetime(2028, 6, 1, 10, 30, tzinfo=UTC) - clock.now())
    missing = booked(springs, {})
    assert (missing.explain_older_than, missing.explain_clause) == ("P2Y", "430.9(e)")
    (one,) = missing.explanations
    assert (one.hold, one.case_number, one.reason, one.reads) == (made, "26-1", "trial is pending", 1)
    assert (one.missing, missing.signable) == (("booking number",), False)
    whole = booked(springs, {made: "E-77"})
    assert (whole.explanations[0].booking, whole.explanations[0].missing, whole.signable) == ("E-77", (), True)
    clock.advance(timedelta(hours=1))
    assert booked(springs, {made: "E-77"}).explanations[0].reads == 2


def test_a_hold_without_a_reason_or_one_that_was_released_explains_nothing(springs: Hub, clock: SetClock) -> None:
    made = hold(springs, "26-1", reason=" ")
    clock.advance(800 * DAY)
    assert booked(springs, {made: "E-77"}).explanations[0].missing == ("reason",)
    with springs.store.write() as connection:
        connection.execute(text("UPDATE holds SET released_at = 0"))
    report = booked(springs, {made: "E-77"})
    assert (report.explanations, report.unexplained, report.signable) == ([], 2, False)


def test_a_policy_that_asks_for_no_explanation_gets_none(opened: Hub, actor: Actor) -> None:
    report = opened.proofs.ages.report(actor)
    assert (report.explain_older_than, report.explanations, report.signable) == (None, [], True)


def test_on_sqlite_nothing_but_the_ages_themselves_goes_through_every_read(opened: Hub) -> None:
    if opened.store.is_sqlite:
        bound = {"now": 1, "oldest": 1, "connection_id": 1}
        for statement, index in (
            (ages._LATE, "ix_reads_expires_at"),
            (ages._OLD, "ix_reads_camera"),
            (ages._UNHELD, "ix_reads_captured"),
        ):
            with opened.store.read() as connection:
                plan = [row[-1] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), bound)]
            assert any(index in step for step in plan), plan
            assert "SCAN reads" not in plan


def test_the_report_holds_no_plate_and_is_on_record(springs: Hub) -> None:
    assert "9SYN" not in repr(springs.proofs.ages.report(ACTOR))
    event = springs.audit.events(1)[0]
    assert (event["action"], event["results"], event["detail"]["violations"]) == ("retention.ages", 2, 0)


@given(
    st.integers(0, 200_000_000_000_000).map(lambda count: FROM + timedelta(microseconds=count)),
    st.sampled_from(["P30D", "P1Y", "P24M", "P2Y", "P1M"]),
)
def test_an_age_is_reached_at_the_instant_of_its_ceiling_and_not_one_before(now: datetime, period: str) -> None:
    zone, life = ZoneInfo("America/Los_Angeles"), Duration.parse(period)
    at = reached(life, now, zone)
    assert life.ceiling(at, zone) <= now < life.ceiling(at + timedelta(microseconds=1), zone)
