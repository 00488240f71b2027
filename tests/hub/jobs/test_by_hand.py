"""What a person runs is on record as it ended, and the person hears what went wrong."""

import errno
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from connectors.errors import TryAgain
from hub.errors import Stopped
from hub.jobs.by_hand import by_hand
from hub.jobs.jobs import Jobs
from hub.jobs.record import JobRuns
from hub.wiring import Hub


@pytest.mark.parametrize("how", [Stopped("enough"), KeyboardInterrupt()])
def test_what_a_person_stops_is_stopped_and_not_failed(jobs: Jobs, opened: Hub, how: BaseException) -> None:
    with pytest.raises(type(how)), by_hand(opened, "purge"):
        raise how
    (run,) = jobs.runs.newest(1)
    assert (run.outcome, run.error) == ("stopped", "somebody stopped it before it was done")


@pytest.mark.parametrize(
    "gone", [OperationalError("UPDATE", None, Exception("gone")), OSError(errno.EMFILE, "Too many open files")]
)
def test_an_error_reaches_the_person_although_the_database_takes_no_record_of_it(
    opened: Hub, monkeypatch: pytest.MonkeyPatch, gone: Exception
) -> None:
    end = JobRuns.end

    def away(runs: JobRuns, *how: Any) -> None:
        end(runs, *how)
        raise gone

    monkeypatch.setattr(JobRuns, "end", away)
    with pytest.raises(TryAgain, match="feed is off"), by_hand(opened, "sync", "feed"):
        raise TryAgain("feed is off")
