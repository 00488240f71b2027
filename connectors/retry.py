"""`Retry`: one request is sent until it is answered or patience ends, and every wait is a little different."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential

from connectors.contract import Frame
from connectors.errors import TryAgain, VendorChanged

A = TypeVar("A")

FIRST_WAIT: Final = timedelta(seconds=0.5)
LONGEST_WAIT: Final = timedelta(seconds=15)
AT_A_TERMINAL: Final = timedelta(seconds=15)
"""How long a service that is down is tried where a person waits: long enough for what passes, and told of soon."""
_LONGEST_WISH: Final = 86_400
_DIGITS: Final = 12
_CEILING: Final = wait_exponential(multiplier=FIRST_WAIT.total_seconds(), max=LONGEST_WAIT.total_seconds())


class PassingFailure(TryAgain):
    """A failure worth another try within this request."""


class Down(PassingFailure):
    """A failure of the service itself, which counts as an outage; a throttle (429) is none."""


class Lasting(TryAgain):
    """An outage like `Down`, not tried again: the request may have been carried out, or seconds change nothing."""


class Retry:
    """Tries again what failed in passing, for as long as `patience` and the frame's own asker allow.

    Each wait lies between half of a ceiling and the ceiling itself, which doubles from `FIRST_WAIT` to `LONGEST_WAIT`:
    what failed at the same instant, in many threads or hubs, does not come back at the same instant. The vendor's own
    wish (`Retry-After`) can make a wait longer and never shorter.
    """

    def __init__(self, frame: Frame, patience: timedelta) -> None:
        self._frame = frame
        self._patience = patience

    def until_answered(self, send: Callable[[], A]) -> A:
        """What `send` gives once it does not raise `PassingFailure`; raises `TryAgain` where patience ends before that.

        A failure caused by a `VendorChanged` ends as that error: the request was tried again only to be sure.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(PassingFailure),
            stop=self._has_no_patience,
            wait=self._wait,
            before_sleep=self._tell,
            sleep=self._frame.sleep,
            reraise=True,
        )
        try:
            return retrying(send)
        except PassingFailure as failed:
            if isinstance(failed.__cause__, VendorChanged):
                raise failed.__cause__ from None
            raise TryAgain(str(failed), failed.after) from None
        except Lasting as failed:
            raise TryAgain(str(failed), failed.after) from None

    def _has_no_patience(self, state: RetryCallState) -> bool:
        return self._frame.once or _gone_by(state) >= self._patience_with(_failure(state)).total_seconds()

    def _wait(self, state: RetryCallState) -> float:
        failed = _failure(state)
        wished = failed.after if isinstance(failed, PassingFailure) else None
        ceiling = _CEILING(state)
        wait = ceiling * (1 + self._frame.chance()) / 2
        if self._frame.waits is not None and isinstance(failed, Down):
            wait = min(wait, max(self._patience_with(failed).total_seconds() - _gone_by(state), 0.0))
        if wished is not None:
            wait = max(wait, wished.total_seconds())
        too_long = wished is not None and wished > self._patience_with(failed)
        if failed is not None and (too_long or wait >= self._frame.patience()):
            raise failed
        return wait

    def _patience_with(self, failed: BaseException | None) -> timedelta:
        """A person hears soon that a service is down; one that only throttles is waited for as always."""
        if self._frame.waits is not None and isinstance(failed, Down):
            return min(self._patience, AT_A_TERMINAL)
        return self._patience

    def _tell(self, state: RetryCallState) -> None:
        failed = _failure(state)
        if self._frame.waits is not None and failed is not None and state.next_action is not None:
            self._frame.waits(str(failed), state.next_action.sleep)


def _gone_by(state: RetryCallState) -> float:
    """The longer of time slept and time gone by: under a stopped clock or a fake sleep, retries must end too."""
    return max(state.idle_for, state.seconds_since_start or 0.0)


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Retry-After in both its forms, seconds or an HTTP date; None where it is absent or nonsense."""
    wished = (text or "").strip()
    if wished.isascii() and wished.isdigit():
        return timedelta(seconds=min(int(wished[:_DIGITS]), _LONGEST_WISH))
    try:
        at = parsedate_to_datetime(wished)
    except (ValueError, TypeError, OverflowError):
        return None
    until = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    return min(max(until, timedelta()), timedelta(seconds=_LONGEST_WISH))
