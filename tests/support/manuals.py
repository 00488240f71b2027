"""The five real manuals in force, with the decisions signed that three of them need first."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml
from registries import PLAIN

from hub.clock import Clock
from hub.policy.contract import Term
from hub.policy.decisions import Decision
from hub.ports import Registry
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

SCHEDULED = {
    "westminster": ("wm-d1", "wm-server", "P2Y"),
    "hayward": ("hw-d1", "hw-server", "P2Y"),
    "hermosa-beach": ("hb-d3", "hb-other", "P30D"),
}
"""What must be decided before the manual can be in force, and the rule whose number the decision gives."""


def decided(settles: str, rule: str, dur: str = "P2Y") -> Decision:
    """A signed decision that gives a rule the number of a retention schedule."""
    return Decision(
        settles=settles,
        answer=f"the schedule says {dur}",
        decided_by="R. Chief",
        title="Chief of Police",
        decided_at=datetime(2026, 5, 1, tzinfo=UTC),
        why="resolution 26-17 of the council",
        counsel="opinion 26-4 of the city attorney",
        ceilings={rule: Term(dur=dur, clock="captured_at", ref="Resolution 26-17, item 4")},
    )


def written(folder: Path, *signed: Decision) -> Path:
    """A file of decisions, as whoever signed them hands it over."""
    file = folder / "decisions.yaml"
    told = [decision.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for decision in signed]
    file.write_text(yaml.safe_dump({"decisions": told}), "utf-8")
    return file


@contextmanager
def under(
    settings: HubSettings, clock: Clock, department: str, *signed: Decision, registry: Registry = PLAIN
) -> Iterator[Hub]:
    """A hub under a department's own manual, with what it needs signed, and what is given beside."""
    if department in SCHEDULED and SCHEDULED[department][0] not in {decision.settles for decision in signed}:
        signed = (decided(*SCHEDULED[department]), *signed)
    file = written(settings.data.parent, *signed) if signed else None
    settings = settings.model_copy(update={"profile": department, "decisions": file})
    with open_hub(settings, clock, registry=registry) as hub:
        yield hub
