"""README.md: its commands are run as they are printed, beside stand-ins for the vendors; what it says is not is not."""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from terminal import typed

import docs
from alprhub.demo import SCHEDULE
from alprhub.sandbox import Sandbox, open_sandbox
from connectors.registry import connector

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text("utf-8")
WHY: Final = ("--purpose", "stolen_vehicle", "--reason", "a case of a stolen car")
AGENCY: Final = "Marisol Beach PD"
LASTING: Final = {"run", "serve", "sandbox"}
"""They go on until somebody ends them; their own tests start them."""
NEEDS_MORE: Final = {("read",): "photos and the weights of a reading engine"}
ASKS: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    ("init",): (
        "--agency",
        AGENCY,
        "--profile",
        "hermosa-beach",
        "--zone",
        "America/Los_Angeles",
        "--decisions",
        str(SCHEDULE),
    ),
    ("connections", "add"): ("--settings", "flock.json", "--agency", AGENCY),
}
"""What it would ask a person for."""
MEANT: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    ("holds", "place"): (
        "--read", "READ", "--case", "26-0117", "--hold", "discovery", "--review-at",
        "12/31/2035", *WHY,
    ),
    ("connections", "remove"): ("--reason", "the contract has ended"),
    ("backup",): ("kept",),
}  # fmt: skip
"""What stands for an ellipsis that is no purpose and no reason."""
ENDS: Final = {("connections", "health"): {0, 75, 78}, ("notices", "test"): {78}, ("doctor",): {0, 75, 78}}
"""How else than with 0 a command may end here: no way out is set."""


def _words() -> list[list[str]]:
    """What a person types, in its order; a connection is removed after all that is done with it."""
    found = [words for block in docs.blocks(PAGE) if block.is_shell for _, words in docs.commands(block)]
    return sorted(found, key=lambda words: words[:2] == ["connections", "remove"])


def _filled(words: list[str], read: str) -> list[str]:
    """The words with what a person would put in place of each ellipsis."""
    filled: list[str] = []
    for word in words:
        if word != docs.LEFT_OUT:
            filled.append(word)
        elif filled[-1] == "--purpose":
            filled.append(WHY[1])
        elif filled[-1] == "--reason":
            filled.append(WHY[3])
        else:
            filled += MEANT.get(tuple(words[:2])) or MEANT[tuple(words[:1])]
    for path, more in ASKS.items():
        if tuple(words[: len(path)]) == path:
            filled += more
    return [read if word in {"READ", "4711"} else word for word in filled]


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """An empty folder beside a made-up town, with the files that the page names."""
    for name in [name for name in os.environ if name.startswith("ALPRHUB_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("ALPRHUB_DATA", str(home / "alprhub"))
    with open_sandbox(tmp_path / "town", seed=7, now=datetime.now(UTC), passes=150, pictures=0) as sandbox:
        (home / "flock.json").write_text(json.dumps({**sandbox.flock, "requests_per_second": 1000}))
        (home / "rekor.json").write_text(json.dumps({**sandbox.rekor, "requests_per_second": 1000}))
        (home / "hotlist.csv").write_text("plate,state,reason,case\n7ABC123,CA,stolen,26-0117\n")
        (home / "payload.json").write_bytes((ROOT / "tests" / "vendors" / "rekor" / "alert.json").read_bytes())
        yield sandbox


@pytest.mark.slow
def test_its_commands_run_as_they_are_printed(town: Sandbox) -> None:
    every, read = _words(), ""
    for words in every:
        if words[0] in LASTING or tuple(words[:1]) in NEEDS_MORE or words[0] == "prefect":
            continue
        if words == ["reads", "show", "4711", *words[3:]]:
            read = _any_read()
        path = tuple(words[:2])
        if path == ("connections", "dry-run"):  # the page joins one vendor; the second is joined alike
            _done(["connections", "add", "city-rekor", "rekor", "--settings", "rekor.json", "--agency", AGENCY])
        if path == ("holds", "place"):
            _done(["sync", "city-rekor"])
            read = _any_read()
        _done(_filled(words, read))
    assert Path("reads.zip").is_file()
    assert {words[0] for words in every} >= LASTING | {"init", "search", "lookup", "export", "gaps", "backfill"}


def _done(words: list[str]) -> str:
    result = typed(*words)
    said = f"alprhub {' '.join(words)}\n{result.output}\n{result.stderr}"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(said) from result.exception
    assert result.exit_code in ENDS.get(tuple(words[:2]), {0}), said
    return str(result.stdout)


def _any_read() -> str:
    return str(json.loads(_done(["search", "--connection", "city-rekor", *WHY, "--json"]))["rows"][0]["id"])


def test_what_it_is_not_yet_is_so() -> None:
    (told,) = re.findall(r"## What it is not, yet\n+(.+?)(?:\n## |\Z)", PAGE, re.DOTALL)
    words = " ".join(told.split())
    assert "There are no accounts" in words
    assert not {"accounts", "people", "alerts"} & set(_commands())
    assert "nobody is alerted" in words
    assert "Rekor's list export and Motorola's receipts rest on facts" in words
    for key, unsure in (("rekor", "columns are assumed"), ("motorola", "receipt")):
        assert connector(key).info.evidence != "live"
        assert unsure in (ROOT / "docs" / "vendors" / f"{key}.md").read_text("utf-8")


def _commands() -> list[str]:
    import cli_page

    return [path[1] for path, _ in cli_page.commands()]


def test_every_page_that_it_links_to_is_there() -> None:
    linked = [to for to in re.findall(r"\]\(([^)#]+)", PAGE) if "://" not in to]
    assert linked
    assert [to for to in linked if not (ROOT / to).exists()] == []


def test_every_exit_code_that_it_explains_is_one_and_no_other() -> None:
    from alprhub.cli.output import EXIT_CODES

    (told,) = re.findall(r"the exit code names their class: (.+?)\n`", PAGE, re.DOTALL)
    explained = {int(code) for code in re.findall(r"\b(\d+) [a-z(]", told)}
    assert explained == {2, *(code for _, code in EXIT_CODES)}
