"""Measurements, each as a ratio against a raw limit or a peer in the same run."""

import os
from pathlib import Path

# The policy that measured hubs begin with leaves something to a schedule, which must be signed.
os.environ.setdefault("ALPRHUB_DECISIONS", str(Path(__file__).parents[1] / "alprhub" / "demo-schedule.yaml"))
