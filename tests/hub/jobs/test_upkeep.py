"""Health says what the hub does for itself and has not done."""

from datetime import timedelta
from pathlib import Path

import pytest
import two
import yaml
from plain import record, write_page

from connectors.errors import TryAgain
from hub.clock import SetClock
from hub.connections.card import Card
from hub.jobs.by_hand import by_hand
from hub.jobs.catalogue import DueTask
from hub.jobs.jobs import Jobs
from hub.jobs.proved import Done
from hub.people import Actor
from hub.policy.document import FOLDER
from hub.wiring import Hub

ACTOR = Actor("tester")
HOUR = timedelta(hours=1)
LIFE = timedelta(days=31)


def concerns(hub: Hub) -> list[Card]:
    """What health says of the hub, but that nobody has said here where certificates go."""
    return [card for card in hub.connections.health.around() if card.code != "certificates_nowhere"]


def fails(_: Actor) -> Done:
    raise TryAgain("the folder of pictures gives no answer")


def ran(jobs: Jobs, clock: SetClock, job: str, times: int) -> None:
    """So many runs of a job that failed, an hour apart."""
    for _ in range(times):
        jobs.run(ACTOR, DueTask(job, "", fails))
        clock.advance(HOUR)


def about(hub: Hub) -> list[tuple[str, str]]:
    return [(card.code, card.about) for card in concerns(hub)]


def keep_a_read(hub: Hub, feed: Path) -> None:
    write_page(feed, 1, [record(1, "9SYN001", "2026-06-01T11:01:00Z")])
    hub.ingest.sync.run(ACTOR, "feed")


def test_a_new_hub_has_nothing_to_say(opened: Hub, clock: SetClock) -> None:
    assert concerns(opened) == []
    clock.advance(LIFE)
    assert concerns(opened) == []


def test_a_purge_that_fails_every_hour_needs_a_person(jobs: Jobs, opened: Hub, clock: SetClock) -> None:
    began = clock.now()
    ran(jobs, clock, "purge", 72)
    (card,) = concerns(opened)
    assert (card.code, card.about, card.status, card.needs_person) == ("job_fails", "purge", "failing", True)
    assert card.happened == (
        "72 runs in a row of purge failed since 2026-06-01 05:00 PDT (3 d ago): the folder of pictures gives no answer."
        " What is over is out of sight, and stays on the disk until a purge ends well."
    )
    assert (card.command, card.since) == ("alprhub purge", began)
    assert "pictures" not in card.plain


@pytest.mark.parametrize(
    ("job", "enough"),
    [
        ("purge", 2),
        ("holds", 2),
        ("recompute", 4),
        ("notices", 4),
        ("months", 1),
        ("reconcile", 1),
        ("canary", 1),
        ("checkpoint", 2),
        ("audit", 1),
    ],
)
def test_a_job_needs_a_person_once_it_failed_often_enough(
    jobs: Jobs, opened: Hub, clock: SetClock, job: str, enough: int
) -> None:
    ran(jobs, clock, job, enough - 1)
    assert about(opened) == []
    ran(jobs, clock, job, 1)
    assert about(opened) == [("job_fails", job)]
    ran(jobs, clock, job, 1)
    jobs.run(ACTOR, DueTask(job, "", lambda _: Done({}, "three days differ")))
    assert ("job_fails", job) not in about(opened), "it did its work, whatever it found"


def test_a_run_that_was_stopped_is_no_failure(jobs: Jobs, opened: Hub, clock: SetClock) -> None:
    ran(jobs, clock, "purge", 1)
    entry = jobs.runs.begin("purge", "", "tests")
    assert entry is not None
    entry.end("stopped")
    assert about(opened) == []


def test_what_is_over_and_was_never_destroyed_needs_a_person(opened: Hub, feed: Path, clock: SetClock) -> None:
    keep_a_read(opened, feed)
    clock.advance(LIFE)
    (card,) = concerns(opened)
    assert (card.code, card.status, card.needs_person, card.command) == ("not_purged", "failing", True, "alprhub purge")
    assert card.title.startswith("What is over has not been destroyed since 2026-0")
    assert card.happened.startswith("No purge has ever ended well here; the oldest of what is over should have gone ")
    with by_hand(opened, "purge"):
        opened.retention.expired.purge(ACTOR)
    assert concerns(opened) == []
    opened.retention.vacuum.run(ACTOR)
    clock.advance(LIFE)
    assert concerns(opened) == [], "nobody has a schedule here, and nothing is over"


def test_what_is_over_for_less_than_three_hours_waits_for_its_purge(opened: Hub, feed: Path, clock: SetClock) -> None:
    keep_a_read(opened, feed)
    clock.advance(timedelta(days=29, hours=20))
    seen = list[list[Card]]()
    while not (seen and seen[-1]):
        seen.append(concerns(opened))
        clock.advance(HOUR)
        assert len(seen) < 24
    with opened.store.read() as connection:
        ended = connection.exec_driver_sql("SELECT expires_at FROM reads").scalar_one()
    looked = clock.now() - HOUR
    assert 3 <= (looked.timestamp() - ended / 1e6) / 3600 < 4


def test_what_is_held_is_not_over(opened: Hub, feed: Path, clock: SetClock) -> None:
    keep_a_read(opened, feed)
    with opened.store.write() as connection:
        connection.exec_driver_sql("UPDATE reads SET held = true")
    clock.advance(LIFE)
    assert concerns(opened) == []


def test_a_schedule_that_no_longer_runs_needs_a_person_before_anything_is_over(
    jobs: Jobs, opened: Hub, clock: SetClock
) -> None:
    jobs.run_due(ACTOR, "purge")
    clock.advance(3 * HOUR - timedelta(seconds=1))
    assert concerns(opened) == []
    clock.advance(timedelta(seconds=1))
    (card,) = concerns(opened)
    assert card.title == "What is over has not been destroyed since 2026-06-01 05:00 PDT"
    assert card.happened == "No purge has ended well since 2026-06-01 05:00 PDT (3 h ago)."


def test_a_purge_that_takes_long_and_lives_is_left_to_it(jobs: Jobs, opened: Hub, clock: SetClock) -> None:
    jobs.run_due(ACTOR, "purge")
    clock.advance(4 * HOUR)
    entry = jobs.runs.begin("purge", "", "tests")
    assert entry is not None
    assert concerns(opened) == []
    jobs.runs._alive.clear()
    clock.advance(timedelta(minutes=2))
    assert about(opened) == [("not_purged", "")]
    entry.end("done")


def over_for_days(hub: Hub, feed: Path, clock: SetClock) -> None:
    """A read that was captured ten days before, and is kept."""
    at = clock.now() - timedelta(days=10)
    write_page(feed, 1, [record(1, "9SYN001", at.isoformat())])
    hub.ingest.sync.run(ACTOR, "feed", at - HOUR)


def test_a_read_that_a_shorter_policy_ended_is_late_since_that_and_not_since_its_new_end(
    opened: Hub, feed: Path, clock: SetClock, tmp_path: Path
) -> None:
    over_for_days(opened, feed, clock)
    document = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text("utf-8"))
    for rule in document["retention"]["rules"]:
        rule["max"] = {"dur": "P5D", "clock": "captured_at"}
    file = tmp_path / "shorter.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    two.activate(opened, ACTOR, str(file), "a shorter schedule")
    clock.advance(timedelta(minutes=5))
    (past,) = opened.proofs.ages.report(ACTOR).violations
    assert (past.kind, past.late_seconds) == ("past_ceiling", 300)
    assert opened.retention.recompute.run(ACTOR)["shortened"] == 1
    clock.advance(timedelta(minutes=5))
    (late,) = opened.proofs.ages.report(ACTOR).violations
    assert (late.kind, late.late_seconds) == ("unpurged", 300)
    assert concerns(opened) == [], "it is over for minutes, and a purge is due every hour"
    clock.advance(3 * HOUR)
    (card,) = concerns(opened)
    assert "should have gone 2026-06-01 05:05 PDT (3 h 5 min ago)" in card.happened
