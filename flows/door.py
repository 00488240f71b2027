"""Where flows find the hub: their own process opens one from the environment, a caller may lend its own."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from prefect.runtime import flow_run

from connectors.errors import ConnectorError
from hub.errors import AdminMustAct, HubError
from hub.jobs.jobs import Jobs
from hub.wiring import Hub, open_hub

_lent: ContextVar[Hub | None] = ContextVar("lent_hub", default=None)


@contextmanager
def lend(hub: Hub) -> Iterator[None]:
    """Let flows that run inside this block use `hub` instead of opening one."""
    token = _lent.set(hub)
    try:
        yield
    finally:
        _lent.reset(token)


class FlowFailed(Exception):
    """A flow that failed, without its error's text: a vendor may echo a plate, and Prefect keeps what it is told."""


@contextmanager
def the_hub() -> Iterator[Hub]:
    """The lent hub, or a new one from the environment; what goes wrong leaves as `FlowFailed`, without its text.

    That holds for errors that nobody foresaw too: a database's message quotes the row that it would not take.
    """
    lent = _lent.get()
    try:
        if lent is not None:
            yield lent
            return
        with open_hub() as hub:
            yield hub
    except AdminMustAct as failed:  # the hub's own words, to whoever set it up
        raise FlowFailed(str(failed)) from None
    except (ConnectorError, HubError):
        raise FlowFailed("the hub refused: its own record and `alprhub connections health` say more") from None
    except Exception as failed:
        frames = traceback.extract_tb(failed.__traceback__)
        at = next((frame for frame in reversed(frames) if "site-packages" not in frame.filename), frames[-1])
        where = f"{at.name}, line {at.lineno} of {Path(at.filename).name}"
        raise FlowFailed(f"a defect of the hub at {where}") from None


@contextmanager
def the_jobs() -> Iterator[Jobs]:
    """The jobs of the hub that flows use."""
    with the_hub() as hub:
        yield Jobs(hub, f"Prefect {flow_run.id or ''}".strip())
