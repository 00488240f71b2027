"""What the demonstration says to people: each step as it happens, and in the end what came of it."""

import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.status import Status
from rich.table import Table

from alprhub.screen import screen
from hub import words
from hub.ingest.job import Pulling
from hub.search.one import Listed, Whole
from normalize.states import postal

_WHY: Final = "--purpose stolen_vehicle --reason 'trying the demonstration'"
_WHAT: Final = {
    "flock": "answers for the plates on your lists",
    "rekor": "a feed of all that its cameras see",
    "motorola": "files that arrive in a folder",
    "native": "your own camera, its pictures read by the hub",
}


@dataclass
class Story:
    """What people are shown beside the counts that programs get."""

    names: dict[str, str]
    cameras: dict[str, int]
    hits: int
    cars: int
    newest: list[Whole]
    pictured: int | None
    zone: ZoneInfo
    camera_names: dict[str, str]
    periods: dict[str, str]
    destroyed: list[dict[str, Any]] = field(default_factory=list)
    certificates: int = 0


class Teller:
    """Says what happens, with a sign of life while it does; quiet, it says nothing but that sign, on stderr."""

    def __init__(self, quiet: bool) -> None:
        wide = None if (sys.stderr if quiet else sys.stdout).isatty() else 160
        self.console = screen(stderr=quiet, markup=True, emoji=True, width=wide)
        self._quiet = quiet
        self._status: Status | None = None
        self._tick = "\u2713" if self.console.encoding.startswith("utf") else "+"

    @contextmanager
    def step(self, doing: str) -> Iterator[Callable[[str], None]]:
        """One step: `doing` while it lasts, and what its callable is given when it is over (empty: nothing)."""
        started, outcome = time.monotonic(), [""]
        with self.console.status(doing, spinner="line") as self._status:
            yield lambda text: outcome.__setitem__(0, text)
        if outcome[0]:
            self.did(outcome[0], time.monotonic() - started)

    def did(self, text: str, seconds: float = 0.0) -> None:
        """One thing that has been done."""
        if not self._quiet:
            took = f" [dim]{words.span(seconds)}[/dim]" if seconds >= 1 else ""
            self.console.print(f"[green]{self._tick}[/green] {escape(text)}{took}")

    def counting(self, doing: str) -> Callable[[Pulling], None]:
        """A callback that shows beside the running step how many reads a sync has brought."""

        def tell(now: Pulling) -> None:
            if self._status is not None:
                self._status.update(f"{doing}: {words.count(now.kept.pulled, 'read')} so far")

        return tell

    def tell(self, result: dict[str, Any], story: Story, folder: Path) -> None:
        """All that came of it, and what to try next."""
        self._sources(result, story)
        self._hits(story)
        self._lists(result, story)
        self._destroyed(story)
        self._try(story, folder)

    def _head(self, text: str) -> None:
        self.console.print(f"\n[bold cyan]{escape(text)}[/bold cyan]")

    def _sources(self, result: dict[str, Any], story: Story) -> None:
        self._head("What your sources saw in a week")
        table = _table("source", "what it is", "cameras", "reads kept", "not readable")
        for row in result["connections"]:
            key = row["key"]
            numbers = (story.cameras[key], row["stored"], row["quarantined"])
            table.add_row(story.names[key], _WHAT[key], *(f"{number:,}" for number in numbers))
        self.console.print(table)
        native = result["native"]
        self.console.print(
            f"Your own camera: {words.count(native['plates'], 'plate')} in "
            f"{words.count(native['pictures'], 'picture')}, read here by {escape(native['engine'])}."
        )

    def _hits(self, story: Story) -> None:
        self._head("Cars on your list")
        self.console.print(
            f"[bold]{words.count(story.cars, 'car')} on your list passed, {words.count(story.hits, 'time')} in all; "
            "nobody has looked at them yet.[/bold] Compare picture, plate and state before anybody is stopped."
        )
        table = _table("time", "plate", "state", "camera", "vehicle", "why it is on the list", "to check")
        for whole in story.newest:
            read, hit = whole.read, whole.hits[0]
            camera = story.camera_names.get(read.camera, read.camera)
            state = postal(read.plate_state) if read.plate_state else "not read"
            table.add_row(
                words.moment(read.captured_at, story.zone), f"[bold]{escape(read.plate)}[/bold]", state, escape(camera),
                escape(whole.vehicle.words()) or "not told", escape(f"{hit.reason}, case {hit.case_number}"),
                _to_check(hit),
            )  # fmt: skip
        self.console.print(table)
        if story.hits > len(story.newest):
            self.console.print(f"[dim]and {story.hits - len(story.newest)} more[/dim]")

    def _lists(self, result: dict[str, Any], story: Story) -> None:
        self._head("Your list at every source, and the car that was taken off it")
        table = _table("source", "sent", "taken off", "how it is known")
        for row in result["publish"]:
            table.add_row(
                story.names[row["connection"]], words.count(row["added"], "car"), words.count(row["removed"], "car"),
                _proof(row),
            )  # fmt: skip
        self.console.print(table)

    def _destroyed(self, story: Story) -> None:
        self._head("What was destroyed, and why")
        table = _table("source", "reads", "because policy says")
        for row in story.destroyed:
            period = story.periods.get(row["rule"])
            why = f"{period and f'kept {period} and no longer: '}{row['clause']}"
            table.add_row(story.names[row["connection"]], f"{row['reads']:,}", escape(why))
        self.console.print(table)
        self.console.print(
            f"{words.count(story.certificates, 'certificate')} of destruction for your custodian of records, "
            "checked: none was changed since."
        )

    def _try(self, story: Story, folder: Path) -> None:
        self._head("Try it yourself: the first line once, then any of the others")
        alprhub = _as_typed()
        shown = story.newest[0].read.id if story.newest else 1
        commands = [
            f"export ALPRHUB_DATA={shlex.quote(str(folder))}",
            f"{alprhub} search '9X*' {_WHY}",
            f"{alprhub} reads show {shown} {_WHY}",
            f"{alprhub} export '9X*' --out reads-{folder.stat().st_ctime_ns // 10**9}.csv {_WHY}",
            f"{alprhub} retention certificates",
            f"{alprhub} connections list",
            f"{alprhub} connectors list",
        ]
        if story.pictured is not None:
            out = f"read-{story.pictured}-{folder.stat().st_ctime_ns // 10**9}.jpg"
            commands.insert(3, f"{alprhub} reads picture {story.pictured} --which frame --out {out} {_WHY}")
        for command in commands:
            self.console.print(f"  {command}", markup=False, soft_wrap=True)
        self.console.print("\nFor a hub of your own, not for this one: ten stand-ins, with cars that pass every minute")
        own = ["unset ALPRHUB_DATA", "alprhub sandbox"]
        if alprhub != "alprhub":  # what the stand-ins print begins with that word
            own.insert(1, f'export PATH={shlex.quote(str(Path(sys.argv[0]).absolute().parent))}:"$PATH"')
        for command in own:
            self.console.print(f"  {command}", markup=False, soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold dim", pad_edge=False)
    for name in columns:
        right = name in ("cameras", "reads kept", "not readable", "sent", "taken off", "reads")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    return table


def _to_check(hit: Listed) -> str:
    if hit.state_match == "mismatch":
        return "[bold red]another state than on the list[/bold red]"
    if hit.kind == "folded":
        return "[yellow]characters that look alike[/yellow]"
    if hit.state_match == "unknown":
        return "[yellow]no state was read[/yellow]"
    return "picture"


def _proof(row: dict[str, Any]) -> str:
    if not row["verified"]:
        return "[bold red]not proved[/bold red]"
    sentences = {
        "read_back": "[green]proved[/green]: asked afterwards, it holds exactly your list, without that car",
        "receipt": "[green]proved[/green]: it confirmed the very file that was sent, without that car",
        "matched_by_hub": "nothing to send: the hub compares what this camera sees itself",
        "accepted": "it took the list and offers no way to ask what it holds",
    }
    return sentences.get(row["proof"], "") or str(row["proof"])


def _as_typed() -> str:
    """The command as it can be typed where the person stands: its path from here, or its name where that finds it."""
    program = Path(sys.argv[0])
    installed = shutil.which("alprhub")
    if installed and program.resolve() == Path(installed).resolve():
        return "alprhub"
    here = program.absolute()
    return shlex.quote(str(here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here))
