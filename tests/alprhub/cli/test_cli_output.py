"""Tables for people: times in a zone, truths as words, numbers rounded, and a vendor's text that stays text."""

import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer
from rich.progress import Progress, TextColumn
from rich.table import Table

import alprhub
from alprhub.cli.output import cell, failures, print_rows
from alprhub.harmless import complain, guard_the_log
from alprhub.plain import print_json
from alprhub.screen import screen
from connectors.errors import TryAgain, VendorChanged

PACIFIC = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True)
class Row:
    """A row as services give them."""

    at: datetime
    fine: bool
    name: str


ROW = Row(datetime(2026, 11, 30, 22, 5, tzinfo=UTC), True, "Pier")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (ROW.at, "2026-11-30 14:05 PST"),
        (timedelta(seconds=717_089), "8 d 7 h"),
        (33.861712345, "33.86171"),
        (2.0, "2"),
        (["a", True, None], "a, yes, "),
        ("Pier\x1b[2J\x07 Ave\n3", "Pier\ufffd[2J\ufffd Ave 3"),
        ("Peñasco ¶2 → 3", "Peñasco ¶2 → 3"),
    ],
    ids=str,
)
def test_a_value_is_shown_as_people_read_it(value: Any, shown: str) -> None:
    assert cell(value, PACIFIC) == shown


def test_a_time_without_the_agencys_zone_is_shown_in_utc_and_says_so() -> None:
    assert cell(ROW.at) == "2026-11-30 22:05 UTC"


def test_columns_are_fields_or_fields_with_what_people_call_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([ROW], {"at": "time", "fine": "proved"}, False, zone=PACIFIC)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["time", "proved"]
    assert row.split() == ["2026-11-30", "14:05", "PST", "yes"]
    print_rows([{"vendor_id": "c1"}], ("vendor_id",), False)
    assert capsys.readouterr().out.split() == ["vendor", "id", "c1"]


def test_programs_get_utc_and_truths_whatever_people_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([ROW], {"at": "time"}, True, zone=PACIFIC)
    assert '"at": "2026-11-30T22:05:00Z"' in (shown := capsys.readouterr().out)
    assert '"fine": true' in shown


HOSTILE = "Pier\x1b]0;owned\x07\x1b[2J\x9b31m \u202eevA\u2066\u200b\x7f\x00\r\tAve"
HARMLESS = "Pier\ufffd]0;owned\ufffd\ufffd[2J\ufffd31m \ufffdevA\ufffd\ufffd\ufffd\ufffd  Ave"


@pytest.mark.parametrize(
    "words",
    [HOSTILE, f"line\n{HOSTILE}", "\u2028\u2029", "a\u00a0b", "\ud83d", "\ue000", "\U000e0041"],
    ids=ascii,
)
def test_no_words_steer_a_terminal_whichever_way_they_are_printed(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    console, beside = screen(), screen(stderr=True)
    for out in (console, beside, screen(markup=True), screen(force_terminal=True, color_system=None)):
        out.print(words)
        out.print(words, soft_wrap=True, style="yellow")
        table = Table(words, title=words)
        table.add_row(words)
        out.print(table)
        with Progress(TextColumn("{task.description}", markup=False), console=out) as progress:
            progress.add_task(words)
        with out.status(words):
            pass
    complain(words)
    print_rows([{"name": words}], {"name": words}, False)
    print_rows([], ("name",), False, nothing=words)
    print_json({"name": words, words: [words]})
    shown = capsys.readouterr()
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Zhl]", "", shown.out + shown.err).replace("\r", "")  # how progress is drawn anew
    assert drawn.replace("\n", "").isprintable()
    assert not re.search("owned\x07|\x1b\\]|\x9b|\u202e", shown.out + shown.err)


def test_what_went_wrong_is_told_without_what_steers(capsys: pytest.CaptureFixture[str]) -> None:
    for failed in (TryAgain(HOSTILE), VendorChanged(HOSTILE), OSError(HOSTILE), RuntimeError(HOSTILE)):
        with pytest.raises(typer.Exit), failures():
            raise failed
        told = capsys.readouterr().err
        assert told.replace("\n", "").isprintable()
        assert "evA" in told


def test_a_line_of_the_log_is_told_without_what_steers(capsys: pytest.CaptureFixture[str]) -> None:
    guard_the_log()
    assert logging.lastResort is not None
    record = logging.makeLogRecord({"msg": "%s is down: %s", "args": ("vendor.example", HOSTILE), "levelno": 30})
    assert logging.lastResort.format(record) == f"vendor.example is down: {HARMLESS}"


def test_a_program_reads_in_json_what_the_vendor_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (HOSTILE, "\U000e0041\U0001f693", "Peñasco ¶2 → 3 \u00a0"):
        print_json({"name": words})
        assert json.loads(capsys.readouterr().out) == {"name": words}
    print_json({"name": "Peñasco"})
    assert "Peñasco" in capsys.readouterr().out


def test_words_that_steer_nothing_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ("Peñasco ¶2 → 3", "京A12345 · أ", "[bold]not markup[/]", "a\nb", " two  blanks"):
        screen().print(words)
        assert capsys.readouterr().out == f"{words}\n"


def test_nothing_is_printed_past_the_door() -> None:
    """Every word of the program goes through `Screen`, `complain` or `print_json`; the stand-ins are no part of it."""
    past = re.compile(r"(?<![\w.])print\(|sys\.std(out|err)\.write|typer\.(echo|secho)|traceback\.print|[^\w]Console\(")
    doors = {"harmless.py", "screen.py", "plain.py"}
    root = Path(alprhub.__file__).parent
    found = [
        f"{path.name}: {line.strip()}"
        for path in root.rglob("*.py")
        if "sandbox" not in path.parts and path.name not in doors
        for line in path.read_text("utf-8").splitlines()
        if past.search(line)
    ]
    assert [line for line in found if not line.startswith('app.py: typer.echo(f"alprhub {version(')] == []
