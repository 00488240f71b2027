"""What a test kills, in a process of its own."""

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import two
from pydantic import SecretStr
from registries import PLAIN

import hub.retention.months as months
import hub.retention.purge as purging
import hub.retention.recompute as recomputing
from hub.audit.record import Audit
from hub.clock import SetClock
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

ACTOR = Actor("victim")
SOME = 200
"""Reads in one transaction of whoever calls `in_small_steps`."""


def in_small_steps() -> None:
    """Let purge and recompute do little in one transaction, so that there are many moments between two."""
    purging.BATCH = months.BATCH = recomputing.BATCH = SOME  # type: ignore[misc]
    purging.MOST = recomputing.MOST = SOME  # type: ignore[misc]


def sync(data: str, url: str | None, name: str, since: str, until: str, marker: str) -> None:
    """Run one sync; `marker` appears when it begins."""
    settings = HubSettings(data=Path(data), database_url=SecretStr(url) if url else None)
    with open_hub(settings, registry=PLAIN) as hub:
        Path(marker).touch()
        hub.ingest.sync.run(ACTOR, name, datetime.fromisoformat(since), datetime.fromisoformat(until))
    sys.exit(0)


def purge(data: str, url: str | None, now: str, marker: str, at_the_end: bool = False) -> None:
    """Run one purge at a set time; `at_the_end`, it dies when every row is gone and no index and file is tidied."""
    if at_the_end:
        purging.forget_removed = _die  # type: ignore[attr-defined]
    _run(data, url, now, marker, lambda hub: hub.retention.expired.purge(ACTOR))


def recompute(data: str, url: str | None, now: str, marker: str) -> None:
    """Run one recompute at a set time."""
    _run(data, url, now, marker, lambda hub: hub.retention.recompute.run(ACTOR))


def activate(data: str, url: str | None, now: str, marker: str, half_way: bool) -> None:
    """Approve the profile that is proposed, which puts it in force.

    `half_way`, it dies in its transaction, when all is written but that it is on record.
    """

    def work(hub: Hub) -> None:
        if half_way:
            _dies_at("policy.activate")
        hub.access.approvals.approve(two.SECOND, 1)

    _run(data, url, now, marker, work)


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dies_at(fatal: str) -> None:
    record = Audit.record

    def dies(audit: Audit, actor: Actor, action: str, *more: Any, **detail: Any) -> None:
        if action == fatal:
            _die()
        record(audit, actor, action, *more, **detail)

    Audit.record = dies  # type: ignore[method-assign]


def _run(data: str, url: str | None, now: str, marker: str, work: Callable[[Hub], Any]) -> None:
    """Open a hub at a set time and work; `marker` appears when it begins."""
    in_small_steps()
    settings = HubSettings(data=Path(data), database_url=SecretStr(url) if url else None)
    with open_hub(settings, SetClock(datetime.fromisoformat(now)), registry=PLAIN) as hub:
        Path(marker).touch()
        work(hub)
    sys.exit(0)
