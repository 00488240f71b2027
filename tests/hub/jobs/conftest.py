"""A hub whose vendor is a folder, and its jobs."""

import pytest
from folderhub import clock, feed, opened

from hub.jobs.jobs import Jobs
from hub.wiring import Hub

__all__ = ["clock", "feed", "opened"]


@pytest.fixture
def jobs(opened: Hub) -> Jobs:
    """The jobs of that hub."""
    return Jobs(opened, "tests")
