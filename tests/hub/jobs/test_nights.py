"""Nights are those of the policy in force, in a process that was open before it was."""

from datetime import datetime
from pathlib import Path

import two
import yaml

from hub.clock import SetClock
from hub.jobs.jobs import Jobs
from hub.people import Actor
from hub.policy.document import FOLDER
from hub.wiring import Hub

ACTOR = Actor("tester")
EVENING = datetime.fromisoformat("2026-06-01T20:00:00Z")
NIGHT_IN_NEW_YORK = datetime.fromisoformat("2026-06-02T07:30:00Z")


def test_nightly_jobs_follow_the_zone_of_the_policy_that_was_put_in_force_meanwhile(
    opened: Hub, jobs: Jobs, clock: SetClock, tmp_path: Path
) -> None:
    clock.advance(EVENING - clock.now())
    assert [run.outcome for run in jobs.run_due(ACTOR, "months")] == ["done"]
    clock.advance(NIGHT_IN_NEW_YORK - clock.now())
    assert jobs.due("months") == []  # in Los Angeles it is half past midnight
    data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text())
    data["agency"]["timezone"] = "America/New_York"
    (file := tmp_path / "eastern.yaml").write_text(yaml.safe_dump(data))
    two.activate(opened, ACTOR, str(file), "the council has decided it")
    assert [task.job for task in jobs.due("months")] == ["months"]
