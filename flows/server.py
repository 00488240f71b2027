"""Starting Prefect's server as an agency should: it reports to nobody, and its pages find its own address."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

DAYS_KEPT = 30
"""How long Prefect keeps finished runs; the hub's own record is longer (`hub.jobs.record.KEPT`)."""


def environment(host: str, port: int, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of the server; what somebody has set stays."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - it says where, nothing is bound
    address = f"http://{shown}:{port}"
    ours = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_UI_API_URL": f"{address}/api",
        "PREFECT_UI_URL": address,
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(DAYS_KEPT * 86_400),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"P{DAYS_KEPT}D",
    }
    return {**ours, **given}


def serve_prefect(host: str, port: int) -> None:
    """Become Prefect's server on an address; never returns."""
    program = Path(sys.executable).with_name("prefect")
    arguments = [str(program), "server", "start", "--host", host, "--port", str(port)]
    os.execve(program, arguments, environment(host, port))  # noqa: S606 - no shell is wanted
