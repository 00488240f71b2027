"""prefect.yaml declares the deployments that `alprhub prefect worker` makes, and no others."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.settings import HubSettings
from hub.wiring import open_hub

ROOT = Path(__file__).parents[2]
DECLARED: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]


def _schedule(schedule: Any) -> dict[str, Any]:
    """A schedule without the moment that it was made at."""
    told = dict(schedule.model_dump(mode="json"))
    if not told.get("anchor_date", "").startswith(("2019", "2020")):
        told.pop("anchor_date", None)
    return told


def test_it_declares_what_a_worker_makes(tmp_path: Path) -> None:
    from prefect.client.schemas.schedules import construct_schedule

    from flows.deployments import POOL, deployments
    from flows.door import lend

    with open_hub(HubSettings(data=tmp_path)) as hub, lend(hub):
        made = deployments(POOL)
    wanted = {
        str(one.entrypoint): (
            one.name,
            one.work_pool_name,
            one.tags,
            [_schedule(each.schedule) for each in one.schedules],
        )
        for one in made
    }
    declared = {
        one["entrypoint"].replace("/", ".").replace(".py:", "."): (
            one["name"],
            one["work_pool"]["name"],
            one["tags"],
            [_schedule(construct_schedule(**each)) for each in one["schedules"]],
        )
        for one in DECLARED
    }
    assert declared == wanted
    assert len(DECLARED) == len(made)


@pytest.mark.parametrize("declared", DECLARED, ids=lambda one: one["entrypoint"])
def test_what_it_names_is_a_flow_that_needs_no_parameters_and_describes_itself(declared: dict[str, Any]) -> None:
    from prefect.flows import load_flow_from_entrypoint

    file, _, name = declared["entrypoint"].partition(":")
    flow = load_flow_from_entrypoint(f"{ROOT / file}:{name}")
    assert flow.name == name
    assert not flow.parameters.required
    assert flow.description
    assert "description" not in declared, "Prefect takes the flow's own, which cannot drift"
