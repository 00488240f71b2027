"""What Prefect may know of a run: names, counts, and whether somebody should look; never anybody's words."""

import logging
from collections.abc import Sequence
from typing import Any, Final

from httpx import HTTPError
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.exceptions import FailedRun, PrefectException
from prefect.states import Completed, Failed

from flows.door import FlowFailed
from hub import words
from hub.jobs.record import JobRun
from hub.jobs.told import told, word

log: Final = logging.getLogger("alprhub.runner")

MARKS = {"failed": "failed", "unproved": "not proved", "stopped": "stopped"}


def state_of(runs: Sequence[JobRun]) -> State[dict[str, int]]:
    """The final state of a flow run: green only where each run went well; its message has numbers and names alone."""
    total: dict[str, int] = {}
    for run in runs:
        for name, number in run.counts.items():
            total[name] = total.get(name, 0) + number
    sentence = told(total, runs[0].job if runs else "") or "nothing new"
    if runs and FlowRunContext.get() is not None:
        _table(runs)
    bad = [run for run in runs if not run.good]
    if not runs:
        return Completed(message="nothing was due", data=total)
    if not bad:
        return Completed(message=sentence, data=total)
    which = words.named([f"{run.subject or run.job} ({MARKS.get(run.outcome, run.outcome)})" for run in bad])
    return Failed(message=f"{which}: `alprhub runs --bad` says why; of all: {sentence}")


def _table(runs: Sequence[JobRun]) -> None:
    job = runs[0].job
    try:
        create_table_artifact(
            rows_of(runs),
            key=f"alprhub-{job}",
            description=f"What `{job}` did; what came to nothing is left out.",
        )
    except (PrefectException, HTTPError):  # the work is done, and the hub's own record has it
        log.warning("Prefect's server took no table of what %s did; alprhub runs has it", job)


def rows_of(runs: Sequence[JobRun]) -> list[dict[str, Any]]:
    """A row a run, in the words of `alprhub runs`; all rows have the same columns, none of zeros alone."""
    counted = dict.fromkeys(name for run in runs for name, number in run.counts.items() if number)
    return [
        {
            "what": run.subject or run.job,
            "result": MARKS.get(run.outcome, "good"),
            "took": words.span((run.ended_at or run.started_at) - run.started_at),
            **{word(name, job=run.job): run.counts.get(name, 0) for name in counted},
        }
        for run in runs
    ]


class _NoTraceback(logging.Filter):
    """A run that ends as failed on purpose is no crash: its message says enough, and says nobody's words."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the traceback away where there was no error."""
        if record.exc_info and isinstance(record.exc_info[1], (FailedRun, FlowFailed)):
            record.msg, record.args = f"The run ended as failed: {record.exc_info[1]}", ()
            record.exc_info = None
        return True


logging.getLogger("prefect.flow_runs").addFilter(_NoTraceback())
