"""Runs one stand-in in a process of its own: `python -m alprhub.sandbox flock --port 0 --seed 7 --passes 10000`.

Prints one line of JSON when it is ready (vendor, url, settings, now) and serves until it is stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime

from . import Faults, Service, World, flock_settings, rekor_settings
from .flock import flock_app
from .rekor import rekor_app


def main(arguments: list[str] | None = None) -> int:
    """Serve one vendor until interrupted; the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m alprhub.sandbox", description="Stand-in for a vendor's service.")
    parser.add_argument("vendor", choices=("flock", "rekor"))
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--passes", type=int, default=2000)
    parser.add_argument("--vehicles", type=int, default=400)
    parser.add_argument("--now", type=datetime.fromisoformat, help="end of the world, ISO 8601 with a zone")
    parser.add_argument("--faults", type=json.loads, default={}, help='JSON object, like {"malformed": 0.01}')
    chosen = parser.parse_args(arguments)
    now = chosen.now or datetime.now(UTC)
    world = World(chosen.seed, now, vehicles=chosen.vehicles, passes=chosen.passes, vendors=(chosen.vendor,))
    faults = Faults(**({"seed": chosen.seed} | chosen.faults))
    if chosen.vendor == "flock":
        app = flock_app(world, faults=faults)
    else:
        app = rekor_app(world, faults=faults)
        app.state.rekor.prepare()
    with Service(app, chosen.port) as service:
        if chosen.vendor == "flock":
            app.state.flock.origin = service.url
        settings = (flock_settings if chosen.vendor == "flock" else rekor_settings)(service.url)
        ready = {"vendor": chosen.vendor, "url": service.url, "settings": settings, "now": now.isoformat()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        try:
            service.wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
