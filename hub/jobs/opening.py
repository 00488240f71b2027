"""`opened_in_time`: the schedules wait for a hub that cannot be opened yet, as they do for one that is away later."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from typing import Final

from hub.jobs.record import AWAY
from hub.settings import HubSettings
from hub.store.refused import passes
from hub.wiring import Hub, open_hub

log: Final = logging.getLogger("alprhub.jobs")

AGAIN: Final = timedelta(seconds=30)


def opened_in_time(
    stack: ExitStack,
    stop: threading.Event,
    again: timedelta = AGAIN,
    opened: Callable[[], AbstractContextManager[Hub]] = open_hub,
) -> Hub | None:
    """The environment's hub, open until the stack is closed; None where `stop` was set before it could be opened.

    A disk that is full, or a database that is away, is said once and waited for; what else refuses it is raised.
    """
    logged = False
    while True:
        try:
            hub = stack.enter_context(opened())
        except AWAY as failed:
            if (why := passes(failed, HubSettings())) is None:
                raise
            if not logged:
                log.error("%s. Nothing runs until then; it is tried again every %d s", why, again.total_seconds())
            logged = True
            if stop.wait(again.total_seconds()):
                return None
        else:
            if logged:
                log.warning("the hub could be opened, and the schedules begin")
            return hub
