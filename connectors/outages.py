"""`Outages`: one line in the log when a host stops answering and one when it answers again, however many ask it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from connectors.contract import Frame
from connectors.errors import ConnectorError, TryAgain
from connectors.retry import Down, Lasting

log: Final = logging.getLogger("alprhub.http")

SOON: Final = 0.05
"""Seconds of patience that are none: a wait that they ended was ended by whoever asked."""
_NOTING: Final = Lock()


class Outages:
    """Knows of all hosts that are asked with one frame which are down, and since when."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @contextmanager
    def watched(self, host: str) -> Iterator[None]:
        """Note what a request inside the block tells of its host being there, and log where that has changed."""
        try:
            yield
        except (Down, Lasting) as failed:
            if self._frame.patience() < SOON:
                raise  # whoever asked waits no longer, which tells nothing of the host
            with _NOTING:
                new = host not in self._frame.down
                self._frame.down.setdefault(host, self._frame.clock.now())
            if new:
                log.warning("%s is down: %s", host, failed)
            raise
        except TryAgain:
            raise  # it wants fewer requests, or nobody waits any more: neither tells of an outage
        except ConnectorError:
            self._is_up(host)
            raise
        self._is_up(host)

    def _is_up(self, host: str) -> None:
        with _NOTING:
            since = self._frame.down.pop(host, None)
        if since is not None:
            log.info("%s is up again after %.0f s", host, (self._frame.clock.now() - since).total_seconds())
