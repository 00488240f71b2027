"""What Prefect logs of a server that is away: one line each time, without pages of how it noticed."""

import logging
import warnings
from collections.abc import Iterator
from typing import Any, Final

import httpx
from websockets.exceptions import WebSocketException

AWAY: Final = (httpx.TransportError, ConnectionError, TimeoutError, WebSocketException)
"""Errors by which a server that is away, or is just starting, is noticed."""
UNREACHED: Final = "Failed to reach API"
LOGGERS: Final = ("prefect", "asyncio")
WATCHERS: Final = "Observer"
"""They watch for runs that somebody cancels on the server's pages, and do nothing else: where they end, it is away."""


def quiet() -> None:
    """From now on records of Prefect's about a server that is away have no traceback, in every logger of it."""
    made = logging.getLogRecordFactory()
    if getattr(made, "quiet", False):
        return

    def record(*args: Any, **more: Any) -> logging.LogRecord:
        one = made(*args, **more)
        if one.exc_info and one.name.split(".")[0] in LOGGERS:
            said, why = one.getMessage(), _away(one.exc_info[1])
            if why or WATCHERS in one.name or WATCHERS in said:
                one.msg, one.args = f"{said} ({why})" if why else said, ()
                one.exc_info = one.exc_text = None
        return one

    record.quiet = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(record)
    # Its own coroutines, which it forgets when it ends by an absence.
    warnings.filterwarnings("ignore", message="coroutine 'Runner", category=RuntimeWarning)


def _away(raised: BaseException | None) -> str | None:
    """In words, that an error only says that the server is away; None where it says anything else."""
    for one in _chain(raised):
        if isinstance(one, AWAY) or UNREACHED in str(one):
            return "Prefect's server gives no answer"
        if isinstance(one, httpx.HTTPStatusError) and one.response.is_server_error:
            return f"Prefect's server answered {one.response.status_code}"
    return None


def _chain(raised: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came of, groups opened."""
    waiting, seen = [raised], set[int]()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
