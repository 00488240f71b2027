"""Every command of the tree, with input that cannot do: what it says is for people, and its exit code means something.

The commands and their options are taken from the tree itself, so that one which is added tomorrow is held to the same.
"""

import builtins
import importlib
import os
import pkgutil
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

import botocore.exceptions
import httpx
import paramiko
import pydantic
import pytest
import sqlalchemy.exc
from terminal import typed
from typer.main import get_command

import alprhub.demo
import alprhub.sandbox.town
import hub.jobs.loop
import native_reader.weights
from alprhub.cli.app import app
from alprhub.cli.asking import Typed
from connectors.errors import TryAgain
from hub.store.engine import Store

OURS = ("alprhub", "hub", "connectors", "native_reader", "normalize")
CODES = {0, 2, 65, 66, 70, 75, 76, 77, 78}
LONGEST = 30.0
"""Seconds after which a command that ought to refuse is one that hangs."""
FORBIDDEN = {
    "a traceback": r"Traceback \(most recent",
    "the operating system's number": r"\[Errno",
    "a number in place of a name": r"\bconnection \d+\b|\b[a-z]+-\d+ is already running",
    "a sentence of a library": r"Field required|Extra inputs|Input should|String should|Value error|validation error|"
    r"should be a valid|No such file or directory|Is a directory|Permission denied|codec can't",
    "a colon with nothing behind it": r":\s*$",
    "nothing in place of a name": r"\bNone\b|called ''",
    "a doubled word": r"\b([A-Za-z]{2,}) \1\b",
}


@cache
def _class_names() -> re.Pattern[str]:
    """Every exception's name that is no word of English: ours, Python's, and those of what speaks to others."""
    places: list[Any] = [builtins, httpx, pydantic, sqlalchemy.exc, botocore.exceptions, paramiko.ssh_exception]
    for package in map(importlib.import_module, OURS):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations." not in module.name:
                places.append(importlib.import_module(module.name))
    names = {
        name
        for place in places
        for name, thing in vars(place).items()
        if isinstance(thing, type) and issubclass(thing, BaseException) and re.search("[a-z][A-Z]", name)
    }
    assert {"TryAgain", "AdminMustFix", "FileNotFoundError", "OperationalError"} <= names
    return re.compile(rf"\b({'|'.join(sorted(names))})\b")


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if hasattr(command, "commands"):
        for name, one in command.commands.items():
            yield from _commands(one, (*path, name))
    else:
        yield path, command


TREE = dict(_commands(get_command(app)))


class _Broken:
    """Values that no command can use, by what it asks for."""

    def __init__(self, folder: Path) -> None:
        (folder / "there.csv").write_text("nonsense\n")
        (folder / "bytes.bin").write_bytes(b"\xff\xfe\x00{")
        (folder / "empty").touch()
        files = ["none.csv", "", "bytes.bin", "there.csv", "missing/none.csv", "empty"]
        self._values = {
            Path: [str(folder / name) for name in files],
            int: ["999999", "-1", "many"],
            float: ["-7", "1e999", "much"],
            str: ["nobody", "2026-13-45", "", "two words: x=y,z", "next Tuesday"],
        }

    def of(self, parameter: Any, turn: int) -> list[str]:
        """The words that give a parameter the value of a turn."""
        if getattr(parameter, "is_flag", False):
            return [parameter.opts[0]]
        kind = parameter.type_descriptor.annotation
        kind = get_args(kind)[0] if get_origin(kind) is list else kind
        values = self._values.get(kind) or [*map(str, getattr(kind, "__members__", None) or get_args(kind)), "nonsense"]
        value = values[turn % len(values)]
        return [value] if parameter.opts[0][:1] != "-" else [f"{parameter.opts[0]}={value}"]

    def lines(self, path: tuple[str, ...], command: Any) -> Iterator[list[str]]:
        """What may be typed behind a command: all that it needs, and each of its options in turn."""
        needed = [one for one in command.params if one.required]
        others = [one for one in command.params if not one.required]
        if path != ("search",):  # questions about reads have the same options everywhere
            others = [one for one in others if one.name not in Typed.__dataclass_fields__]
        if needed:
            yield []
        for turn in range(3 if needed else 1):
            yield _split(one for parameter in needed for one in self.of(parameter, turn))
        for place, option in enumerate(others):
            yield _split(one for parameter in (*needed, option) for one in self.of(parameter, place))


def _split(words: Iterator[str]) -> list[str]:
    options, arguments = [], []
    for word in words:
        (options if word.startswith("--") else arguments).append(word)
    return [*options, "--", *arguments] if arguments else options


@contextmanager
def _patience(words: list[str]) -> Iterator[None]:
    def late(*_: object) -> None:
        raise AssertionError(f"does not end: {words}")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def faults_of(words: list[str], stdin: str = "") -> list[str]:
    """What a person could not live with in what a command says to these words."""
    with _patience(words):
        done = typed(*words, stdin=stdin)
    told = "alprhub " + " ".join(words)
    if done.exit_code == 0:
        return []
    if done.exit_code not in CODES:
        return [f"{told}: exit code {done.exit_code}: {done.exception!r} {done.stderr[-2000:]}"]
    said = done.stderr.strip() or done.stdout.strip()
    if not said:
        return [f"{told}: {done.exit_code} without a word"]
    found = [f"{told}: class name {name!r}: {said}" for name in _class_names().findall(said)]
    if done.exit_code != 2:  # what was typed is not a command: the frame's own words, in a box
        for what, pattern in FORBIDDEN.items():
            if re.search(pattern, said, re.MULTILINE | re.IGNORECASE if "doubled" in what else re.MULTILINE):
                found.append(f"{told}: {what}: {said}")
        if done.exit_code != 75 and len(said.split()) < 3:
            found.append(f"{told}: hardly a word: {said}")
    return found


@pytest.fixture(autouse=True)
def nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that would begin to serve, to show or to fetch begin, and do no more."""
    import uvicorn

    def away(*_: Any, **__: Any) -> None:
        raise TryAgain("the stand-in was not started here")

    monkeypatch.setattr(uvicorn, "run", away)
    monkeypatch.setattr(uvicorn.Server, "run", away)
    monkeypatch.setattr(os, "execve", away)
    monkeypatch.setattr(hub.jobs.loop.Loop, "run", away)
    monkeypatch.setattr(alprhub.sandbox.town.Town, "__enter__", away)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(alprhub.demo, "run", away)
    monkeypatch.setattr(native_reader.weights, "fetch_all", away)


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_no_command_answers_broken_input_in_the_words_of_a_machine(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = list(_Broken(tmp_path).lines(path, TREE[path]))
    assert [fault for line in lines for fault in faults_of([*path, *line])] == []


ABOUT_ONE = [
    path
    for path, command in TREE.items()
    for one in command.params
    if one.required and one.name in ("name", "connection")
]


@pytest.mark.parametrize("path", ABOUT_ONE, ids=" ".join)
def test_no_command_about_a_connection_speaks_like_a_machine_while_its_source_is_away_or_somebody_is_at_it(
    joined: Any, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    joined.place.rmdir()
    broken, needed = _Broken(tmp_path), [one for one in TREE[path].params if one.required]
    lines = [
        _split(
            word
            for one in needed
            for word in (["drop"] if one.name in ("name", "connection") else broken.of(one, turn))
        )
        for turn in (0, 1)
    ]
    others = [["--agency=Agency"] if path[-1] == "add" else []]
    if path == ("connections", "remove"):
        others = [["--keep-reads"], ["--purge-reads"]]
    faults = [fault for line in lines for more in others for fault in faults_of([*path, *more, *line])]
    opened = Store(f"sqlite:///{store / 'alprhub.sqlite3'}")
    with opened.lease("sync-1", "drop is being synced"), opened.lease("publish-1", "hot lists are being published"):
        faults += [fault for more in others for fault in faults_of([*path, *more, *lines[0]])]
    opened.close()
    assert faults == []


@pytest.mark.parametrize(
    "environment",
    [
        {"ALPRHUB_DATA": "/dev/null"},
        {"ALPRHUB_DATABASE_URL": "postgresql://hub:s3cret@127.0.0.1:1/hub"},
        {"ALPRHUB_DATABASE_URL": "postgresql://hub:s3cret@host:port/hub"},
        {"ALPRHUB_SECRET_KEY": "short"},
        {"ALPRHUB_PROFILE": "atlantis"},
        {"ALPRHUB_PROFILE": "none.yaml"},
        {"ALPRHUB_IMAGES": "s3://", "AWS_DEFAULT_REGION": "us-east-1"},
    ],
    ids=lambda environment: next(iter(environment)),
)
def test_a_hub_that_is_set_up_wrongly_says_so_to_every_kind_of_command(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for words in (["connections", "list"], ["policy", "show"], ["purge"], ["sync", "nobody"], ["connectors", "list"]):
        assert faults_of(words) == []
