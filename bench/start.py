"""Start-up: CPU seconds of commands that do next to nothing, beside those of Python doing nothing."""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

ALPRHUB: Final = ("-c", "from alprhub.cli import main; main()")
NOTHING: Final = ("-c", "pass")
INIT: Final = ("init", "--agency", "Bench", "--profile", "hermosa-beach", "--zone", "America/Los_Angeles")
SEARCH: Final = ("search", "9SYN001", "--purpose", "stolen_vehicle", "--reason", "measuring a start")
COMMANDS: Final = (
    ("alprhub --help", ("--help",)),
    ("alprhub --version", ("--version",)),
    ("alprhub search --help", ("search", "--help")),
    ("alprhub search", SEARCH),
)


def cpu(words: tuple[str, ...], data: Path) -> float:
    """User and system seconds of one run of Python."""
    null = os.open(os.devnull, os.O_RDWR)
    before = os.times()
    started = os.posix_spawn(
        sys.executable,
        (sys.executable, *words),
        {**os.environ, "ALPRHUB_DATA": str(data)},
        file_actions=[(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)],
    )
    os.close(null)
    _, status = os.waitpid(started, 0)
    if status:
        raise SystemExit(f"{' '.join(words)}: ended with {os.waitstatus_to_exitcode(status)}")
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def best(words: tuple[str, ...], data: Path, runs: int) -> float:
    """The least of several runs: whoever works beside us only makes a run longer."""
    return min(cpu(words, data) for _ in range(runs))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure how long commands take to start.")
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        cpu((*ALPRHUB, *INIT), data)
        nothing = best(NOTHING, data, runs)
        print(f"{'python -c pass':24}{nothing:7.3f} s of CPU, the least of {runs} runs")
        for name, words in COMMANDS:
            seconds = best((*ALPRHUB, *words), data, runs)
            print(f"{name:24}{seconds:7.3f} s of CPU, {seconds / nothing:5.1f} times as much")


if __name__ == "__main__":
    main()
