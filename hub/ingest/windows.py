"""Which times a run asks for: where the last one stopped, what somebody named, what was missed. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from connectors.contract import Window
from hub.errors import Invalid
from hub.store.instant import from_micros, to_micros
from hub.store.runs import TimeSpan, holes, latest

FIRST_WINDOW: Final = timedelta(days=1)
"""How far the very first pull of a connection reaches back when nobody says otherwise."""
LONGEST_WINDOW: Final = timedelta(days=1)
"""What takes longer is pulled in several windows, oldest first, so that each that ends well is covered for good."""


class WindowToPull(NamedTuple):
    """One window to pull.

    `goes_on`: it begins where the checkpoint ends, so its pages may move the checkpoint from `stands_at` on. `again`:
    it pulls what was missed, and the checkpoint stays.
    """

    window: Window
    goes_on: bool = False
    stands_at: datetime | None = None
    again: bool = False


class KnownProgress(NamedTuple):
    """What is known of a connection's progress: its checkpoint, until when that vouches, what runs have covered."""

    checkpoint: dict[str, Any]
    until: datetime | None
    spans: Sequence[TimeSpan]

    def at(self, now: datetime) -> "KnownProgress":
        """The same as of `now`: a checkpoint that lies in the future vouches for nothing.

        The clock was ahead. What else it remembers, such as the files that were taken, still holds.
        """
        if self.until is None or to_micros(self.until) <= latest(to_micros(now)):
            return self
        return self._replace(checkpoint=without_time(self.checkpoint), until=None)

    @property
    def takes_everything(self) -> bool:
        """Whether the source is taken whole by every run, as file drops are: its checkpoint speaks of no time."""
        return bool(self.checkpoint) and self.until is None


def named(kept: KnownProgress, since: datetime, until: datetime) -> WindowToPull:
    """The window that somebody named; raises `Invalid` where it ends before it begins."""
    if since >= until:
        raise Invalid("since: must lie before until")
    return WindowToPull(Window(since, until, kept.checkpoint), not kept.checkpoint, kept.until)


def going_on(kept: KnownProgress, end: datetime, look_back: timedelta, oldest: datetime) -> WindowToPull | None:
    """The first window from where the last run stopped, at most a day long; None where no time has passed since.

    It begins no earlier than `oldest`: what was captured before would be over on arrival.
    """
    reached = [kept.until] if kept.until is not None else []
    if kept.spans:
        reached.append(from_micros(kept.spans[0 if kept.takes_everything else -1].until))
    if not reached:
        return _leg(kept, end - FIRST_WINDOW, end, None)
    # Whichever says less is right: neither vouches for what the other missed.
    stands = max(min(reached), oldest)
    longest = end if kept.takes_everything else stands + LONGEST_WINDOW
    return _leg(kept, stands - look_back, min(longest, end), stands)


def after(leg: WindowToPull, kept: KnownProgress, end: datetime, look_back: timedelta) -> WindowToPull | None:
    """The window after one that was pulled to its end; None at the end."""
    stands = leg.window.until
    return _leg(kept, stands - look_back, min(stands + LONGEST_WINDOW, end), stands) if stands < end else None


def _leg(kept: KnownProgress, since: datetime, until: datetime, stands: datetime | None) -> WindowToPull | None:
    return WindowToPull(Window(since, until, kept.checkpoint), True, stands) if since < until else None


def missed(kept: KnownProgress, since: datetime | None, until: datetime | None, now: datetime) -> list[TimeSpan]:
    """What no run has covered until `now`; with times all between them, covered or not. Raises `Invalid`."""
    if since is None and until is None:
        return list(holes(kept.spans, kept.spans[0].since, to_micros(now))) if kept.spans else []
    end = min(until or now, now)
    begin = since or (from_micros(kept.spans[0].since) if kept.spans else end - FIRST_WINDOW)
    if begin >= end:
        raise Invalid("since: must lie before until")
    return [TimeSpan(to_micros(begin), to_micros(end))]


def windows(spans: Sequence[TimeSpan], look_back: timedelta, oldest: datetime) -> Iterator[Window]:
    """Windows over spans, oldest first, each a day at most and with its look-back; none that ends before `oldest`."""
    for span in spans:
        start, end = from_micros(span.since), from_micros(span.until)
        while start < end:
            until = min(start + LONGEST_WINDOW, end)
            if until > oldest:
                yield Window(start - look_back, until)
            start = until


def until_of(checkpoint: Mapping[str, Any]) -> datetime | None:
    """Until when a checkpoint vouches for everything, if it speaks of time."""
    until = checkpoint.get("until")
    return datetime.fromisoformat(until) if until else None


def without_time(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """A checkpoint that vouches for no time any more."""
    return {name: value for name, value in checkpoint.items() if name != "until"}


def span_of(window: Window, now: datetime | None = None) -> TimeSpan:
    """The time of a window, until `now` at most: nobody can vouch for what has not happened yet."""
    until = window.until if now is None else max(min(window.until, now), window.since)
    return TimeSpan(to_micros(window.since), to_micros(until))
