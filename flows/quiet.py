"""What Prefect logs of a server that is away: one line each time, without pages of how it noticed."""

import logging
import warnings
from collections.abc import Iterator
from typing import Any, Final

import httpx
from websockets.exceptions import WebSocketException

AWAY: Final = (httpx.TransportError, ConnectionError, TimeoutError, WebSocketException)
"""Errors that a request meets while the server is away or just starting."""
UNREACHED: Final = "Failed to reach API"
LOGGERS: Final = ("prefect", "asyncio")
WATCHERS: Final = "Observer"
"""Prefect's observers, which only watch for runs cancelled on the server's pages: one ends when the server is away."""


def quiet() -> None:
    """Strip the traceback from each record that Prefect logs about a server that is away, from now on."""
    factory = logging.getLogRecordFactory()
    if getattr(factory, "quiet", False):
        return

    def record(*args: Any, **more: Any) -> logging.LogRecord:
        entry = factory(*args, **more)
        if entry.exc_info and entry.name.split(".")[0] in LOGGERS:
            message, why = entry.getMessage(), _away(entry.exc_info[1])
            if why or WATCHERS in entry.name or WATCHERS in message:
                entry.msg, entry.args = f"{message} ({why})" if why else message, ()
                entry.exc_info = entry.exc_text = None
        return entry

    record.quiet = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(record)
    # Prefect leaves its own coroutines unawaited when it ends because the server is away.
    warnings.filterwarnings("ignore", message="coroutine 'Runner", category=RuntimeWarning)


def _away(raised: BaseException | None) -> str | None:
    """The sentence for an error that comes of a server that is away; None for any other error."""
    for error in _chain(raised):
        if isinstance(error, AWAY) or UNREACHED in str(error):
            return "Prefect's server gives no answer"
        if isinstance(error, httpx.HTTPStatusError) and error.response.is_server_error:
            return f"Prefect's server answered {error.response.status_code}"
    return None


def _chain(raised: BaseException | None) -> Iterator[BaseException]:
    """An error, its causes and contexts, and the members of exception groups among them."""
    waiting, seen = [raised], set[int]()
    while waiting:
        error = waiting.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        waiting += [error.__cause__, error.__context__]
        if isinstance(error, BaseExceptionGroup):
            waiting += error.exceptions
