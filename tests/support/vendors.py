"""A vendor's stand-in in a process of its own, for tests that kill ours."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stand_in(vendor: str, *, passes: int, faults: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """The settings that a connector needs to reach it."""
    command = [sys.executable, "-m", "alprhub.sandbox", vendor, "--port", "0", "--passes", str(passes)]
    process = subprocess.Popen([*command, "--faults", json.dumps(faults or {})], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["settings"]
    finally:
        process.kill()
        process.communicate()
