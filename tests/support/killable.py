"""Processes of their own for what tests kill, forked from a server that has imported what they need."""

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

PRELOADED: Final = ["victim", "connectors.vendors.flock", "connectors.vendors.rekor", "psycopg"]
_processes: Final = multiprocessing.get_context("forkserver")


def process(target: Callable[..., Any], *args: Any) -> ForkServerProcess:
    """One that is not started yet.

    Python's server of forks looks for what it is told to import where its environment says, not where pytest found it,
    and is silent about what it does not find: each process would import all of it again, which takes most of a second.
    """
    _processes.set_forkserver_preload(PRELOADED)
    with patch.dict(os.environ, PYTHONPATH=str(Path(__file__).parent)):
        ensure_running()
    return _processes.Process(target=target, args=args, daemon=True)  # ends with a test that fails
