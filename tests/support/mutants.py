"""Mutants: small faults that the suite must notice. `python tests/support/mutants.py` puts each in and runs its tests.

Each is in `tests/mutants/*.toml`: what is wrong then, the file, a text that stands in it once, what stands there
instead, and the tests that must fail. A mutant that survives, a text that is no longer there, and a test that fails
without a mutant all fail the run. The tree itself is never touched: each worker has a copy.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Literal

import memory

ROOT: Final = Path(__file__).parents[2]
LISTS: Final = ROOT / "tests" / "mutants"
PATIENCE_S: Final = 60
"""A test that a mutant makes wait for ever has failed after so long."""
_LEFT_OUT: Final = shutil.ignore_patterns(
    ".venv*", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"
)
_ALL_PASSED: Final = 0
_SOME_FAILED: Final = 1
Outcome = Literal["died", "survived", "broke"]


@dataclass(frozen=True)
class Mutant:
    """A fault: `says` what is wrong then, where and how it is made, and who must notice."""

    says: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...]

    def source(self, root: Path) -> str:
        """The file with the fault in it; raises `LookupError` where the text does not stand in it exactly once."""
        whole = (root / self.file).read_text("utf-8")
        if (times := whole.count(self.text)) != 1:
            raise LookupError(
                f"{self.says}: stands {times} times in {self.file}, and must stand there once: {self.text}"
            )
        return whole.replace(self.text, self.instead)

    def strangers(self, root: Path) -> list[str]:
        """Those of its tests that there are not."""
        return [test for test in self.tests if not _is_there(root, test)]


def listed() -> list[Mutant]:
    """Every mutant, in the order of the lists."""
    return [
        Mutant(one["says"], one["file"], one["text"], one["instead"], tuple(one["tests"]))
        for file in sorted(LISTS.glob("*.toml"))
        for one in tomllib.loads(file.read_text("utf-8"))["mutant"]
    ]


def _is_there(root: Path, test: str) -> bool:
    file, _, name = test.partition("::")
    path = root / file
    name = name.partition("[")[0]
    return path.is_file() and re.search(rf"^def {re.escape(name)}\(", path.read_text("utf-8"), re.MULTILINE) is not None


class Copy:
    """A copy of the tree in which one mutant at a time lives."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "tree"
        self._temporary = folder / "tmp"
        shutil.copytree(ROOT, self._root, ignore=_LEFT_OUT)

    def tried(self, mutant: Mutant) -> tuple[Outcome, str]:
        """What became of a mutant, and what its tests said."""
        path = self._root / mutant.file
        whole = path.read_text("utf-8")
        path.write_text(mutant.source(self._root), "utf-8")
        Path(cache_from_source(str(path))).unlink(missing_ok=True)
        try:
            code, said = self.run(mutant.tests)
        finally:
            path.write_text(whole, "utf-8")
        return {_SOME_FAILED: "died", _ALL_PASSED: "survived"}.get(code, "broke"), said  # type: ignore[return-value]

    def run(self, tests: Sequence[str], *more: str) -> tuple[int, str]:
        """pytest's exit code, and what it said."""
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", "--tb=short"),
            *(f"--timeout={PATIENCE_S}", f"--basetemp={self._temporary}", *more, *tests),
        ]
        # Nothing is compiled to disk: a file that is written twice in a second would be taken for the same.
        ours = {"PYTHONPATH": str(self._root), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command, cwd=self._root, env=os.environ | ours, capture_output=True, text=True, check=False,
                timeout=10 * PATIENCE_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return -1, "pytest did not end"
        return done.returncode, done.stdout + done.stderr


@contextmanager
def copies(number: int) -> Iterator[list[Copy]]:
    """Copies of the tree, in memory where there is any to spare; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="alprhub-mutants-", dir=memory.folder()) as folder:
        made = []
        for one in range(number):
            (here := Path(folder) / str(one)).mkdir()
            made.append(Copy(here))
        yield made


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Try every mutant; 0 where all died."""
    parser = argparse.ArgumentParser(description="Put each mutant in and run the tests that must fail.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--only", action="append", help="only the mutants whose sentence or file has this in it; may be repeated"
    )
    parser.add_argument("--show", action="store_true", help="show what the tests said where a mutant did not die")
    given = parser.parse_args()
    mutants = [one for one in listed() if any(word in one.says or word in one.file for word in given.only or [""])]
    begun, outcomes = time.monotonic(), dict.fromkeys(("died", "survived", "broke"), 0)
    with copies(given.workers) as trees, ThreadPoolExecutor(given.workers) as pool:
        sound = sorted({test for mutant in mutants for test in mutant.tests})
        parts = [part for start in range(given.workers) if (part := sound[start :: given.workers])]
        for code, said in pool.map(lambda pair: pair[0].run(pair[1]), zip(trees, parts, strict=False)):
            if code != _ALL_PASSED:
                _tell(f"{said}\nThese tests fail, or are not there, without any mutant")
                return 2
        free: SimpleQueue[Copy] = SimpleQueue()
        for tree in trees:
            free.put(tree)

        def tried(mutant: Mutant) -> tuple[Outcome, str, float]:
            tree, since = free.get(), time.monotonic()
            try:
                return *tree.tried(mutant), time.monotonic() - since
            finally:
                free.put(tree)

        for mutant, (outcome, said, took) in zip(mutants, pool.map(tried, mutants), strict=True):
            outcomes[outcome] += 1
            _tell(f"{outcome:>8}  {took:5.1f} s  {mutant.says} ({mutant.file})")
            if given.show and outcome != "died":
                _tell(said)
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    _tell(f"{outcomes['died']} of {len(mutants)} mutants died, in {minutes} min {seconds} s")
    return 0 if outcomes["died"] == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
