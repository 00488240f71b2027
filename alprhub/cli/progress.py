"""How far long work is, on a terminal's stderr and nowhere else; and its end at the next piece once somebody asks."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, get_ident
from types import FrameType
from typing import Any, Final

import typer
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from alprhub.cli.output import cell
from alprhub.harmless import complain
from alprhub.screen import screen
from hub.errors import Stopped
from hub.words import count, span

console: Final = screen(stderr=True, width=None)
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Work:
    """Long work of a command: draws the progress that services report, and stops them once somebody asked for that."""

    def __init__(self, lines: Progress, at_once: bool) -> None:
        self._lines = lines
        self._at_once = at_once
        self._tasks = dict[str, tuple[TaskID, float, int]]()
        self._stop = Event()
        self._waiting = dict[int, TaskID]()
        self.signal: int | None = None
        """The signal that asked for an end."""
        self.done: dict[str, int] = {}
        """How many of each thing are done, for the sentence on what was kept."""

    def told(self, what: str, done: int, total: int | None = None) -> None:
        """Draw how many of `what` are done; raises `Stopped` once somebody asked for an end."""
        now = time.monotonic()
        _, since, first = self._tasks.get(what, (None, now, done))
        self.done[what] = done
        self.say(what, line(what, done, total, done - first, now - since), first)

    def say(self, key: str, text: str, first: int = 0) -> None:
        """Draw a line, in place of the one with the same key; raises `Stopped` once somebody asked for an end."""
        if key not in self._tasks:
            self._tasks[key] = (self._lines.add_task(text, total=None), time.monotonic(), first)
        self._lines.update(self._tasks[key][0], description=text)
        self.go_on()

    def go_on(self) -> None:
        """Raise `Stopped` once somebody asked for an end."""
        if self._stop.is_set():
            raise Stopped("somebody stopped it")

    def sleep(self, seconds: float) -> None:
        """Wait, and no longer than until somebody asks for an end, which raises `Stopped`."""
        self._stop.wait(seconds)
        if (line := self._waiting.pop(get_ident(), None)) is not None:
            self._lines.remove_task(line)
        self.go_on()

    def waits(self, failed: str, seconds: float) -> None:
        """Draw what a vendor's service refused, and when it is tried again; gone once that is over."""
        if (before := self._waiting.pop(get_ident(), None)) is not None:
            self._lines.remove_task(before)
        self._waiting[get_ident()] = self._lines.add_task(_wait(failed, seconds), total=None)

    def ask_for_the_end(self, number: int, _frame: FrameType | None = None) -> None:
        """End at the next piece; asked a second time, at once."""
        if self._stop.is_set():
            raise KeyboardInterrupt
        self.signal = number
        self._stop.set()
        if self._at_once:
            raise Stopped("somebody stopped it")
        self._lines.add_task("stopping as soon as this piece is done; once more stops at once", total=None)


@contextmanager
def working(kept: Callable[[Work], str], as_json: bool = False, at_once: bool = False) -> Iterator[Work]:
    """Draw the progress of the work inside the block, and end it at Ctrl-C or SIGTERM.

    The work ends between two pieces; with `at_once` it ends anywhere, where that does no harm. `kept` then gives the
    one line on stderr: what is kept, and how to go on. The exit code is 130 or 143.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    lines = Progress(*columns, console=console, disable=as_json or not console.is_terminal, transient=True)
    work = Work(lines, at_once)
    before = {number: signal.signal(number, work.ask_for_the_end) for number in SIGNALS}
    try:
        with lines:
            yield work
    except (Stopped, KeyboardInterrupt):
        if work.signal is None:
            raise
        complain(f"stopped: {kept(work)}")
        raise typer.Exit(128 + work.signal) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, _known(handler))


def say_wait(failed: str, seconds: float) -> None:
    """Say on a terminal what a vendor's service refused, and when it is tried again."""
    if console.is_terminal:
        console.print(_wait(failed, seconds))


def _wait(failed: str, seconds: float) -> str:
    return f"waiting: {cell(failed)}; tried again in {span(max(round(seconds), 1))}"


def line(what: str, done: int, total: int | None, here: int, seconds: float) -> str:
    """How far something is: `1,240 of 100,002 plates, 14 h left at 2/s`; `here` were done in so many seconds."""
    if total is None:
        return f"{done:,} {what}"
    share = f"{done:,} of {count(total, what, what)}"
    if here <= 0 or seconds < 1 or done >= total:
        return share
    rate = here / seconds
    return f"{share}, {span((total - done) / rate)} left at {f'{rate:,.0f}' if rate >= 10 else f'{rate:.2g}'}/s"


def _known(handler: Any) -> Any:
    """A handler as Python can set it again: one that was not set from Python is given as None."""
    return signal.SIG_DFL if handler is None else handler
