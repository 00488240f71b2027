"""A hub whose vendor is a folder, and its jobs."""

from datetime import timedelta

import pytest
from folderhub import clock, feed, opened

from hub.jobs.jobs import Jobs
from hub.people import Actor
from hub.wiring import Hub

__all__ = ["clock", "feed", "opened"]


@pytest.fixture
def jobs(opened: Hub) -> Jobs:
    """The jobs of that hub, whose connection `feed` is pulled each minute."""
    opened.connections.schedule(Actor("tester"), "feed", timedelta(minutes=1))
    return Jobs(opened, "tests")
