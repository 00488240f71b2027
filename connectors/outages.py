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
"""Patience below so many seconds counts as none: the asker ended the request, so the host is not at fault."""
_NOTING: Final = Lock()


class Outages:
    """Which hosts are down, of all that one frame asks, and since when."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @contextmanager
    def watched(self, host: str) -> Iterator[None]:
        """Note from a request inside the block whether its host is up, and log where that has changed."""
        try:
            yield
        except (Down, Lasting) as failed:
            if self._frame.patience() < SOON:
                raise  # the asker's patience is over, which tells nothing of the host
            with _NOTING:
                new = host not in self._frame.down
                self._frame.down.setdefault(host, self._frame.clock.now())
            if new:  # a person who waits hears of it anyway, and not twice
                log.log(logging.WARNING if self._frame.waits is None else logging.INFO, "%s is down: %s", host, failed)
            raise
        except TryAgain:
            raise  # a throttle, or the asker's patience is over: neither is an outage
        except ConnectorError:
            self._is_up(host)
            raise
        self._is_up(host)

    def _is_up(self, host: str) -> None:
        with _NOTING:
            since = self._frame.down.pop(host, None)
        if since is not None:
            log.info("%s is up again after %.0f s", host, (self._frame.clock.now() - since).total_seconds())
