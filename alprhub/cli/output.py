"""What the command line prints: JSON for programs, tables for people, plain words on stderr for what went wrong."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from alprhub.cli.options import by_option
from alprhub.harmless import complain, harmless
from alprhub.plain import print_json
from alprhub.screen import screen
from connectors.errors import AdminMustFix, ConnectorError, Gone, RecordRejected, TryAgain, VendorChanged, sentence
from connectors.faults import faults
from connectors.file_words import refusal
from hub.errors import (
    AdminMustAct,
    Busy,
    Conflict,
    Faults,
    HubError,
    IntegrityBroken,
    Invalid,
    NotFound,
    PolicyRefused,
    Stopped,
    Unsettled,
)
from hub.settings import HubSettings
from hub.store import refused
from hub.words import moment, span, yes
from normalize.fault import Unusable

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

EXIT_CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (Invalid, 65),
    (NotFound, 66),
    (Gone, 66),
    (RecordRejected, 65),
    (Unusable, 65),
    (IntegrityBroken, 70),
    (Busy, 75),
    (Unsettled, 78),
    (Stopped, 75),
    (Conflict, 65),
    (TryAgain, 75),
    (VendorChanged, 76),
    (PolicyRefused, 77),
    (AdminMustAct, 78),
    (AdminMustFix, 78),
)
"""Exit codes by class of error, the first that fits, after sysexits.h: 65 the input does not do, 66 not there, 70 what
is kept is damaged or alprhub has a defect, 75 the same again later may do, 76 the vendor does not keep its protocol, 77
refused, 78 an admin must act."""
DEFECT: Final = 70
ADMIN: Final = 78
_OURS: Final = (
    "This is a defect of alprhub and not of what you typed. Please report it to whoever gave you alprhub: the command,"
    " the version (alprhub --version) and the lines above, once plates and names are struck out of them."
)

console: Final = screen()
"""What people see; a vendor's words and a person's reasons are text and never markup, and a pipe cuts nothing short."""
beside: Final = screen(stderr=True)
"""What people see before they answer a question: beside stdout, which may be a document for a program."""


def print_rows(
    rows: Sequence[Any],
    columns: Sequence[str] | Mapping[str, str],
    as_json: bool,
    nothing: str = "nothing",
    zone: tzinfo = UTC,
    out: Console = console,
) -> None:
    """The rows as a JSON list, or as a table of the named columns for people, times in `zone`.

    Columns are fields, or fields and what people call them.
    """
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print(nothing)
        return
    heads = columns.values() if isinstance(columns, Mapping) else [column.replace("_", " ") for column in columns]
    table = Table(*heads, box=None, header_style="bold")
    for row in rows:
        table.add_row(*[cell(_field(row, column), zone) for column in columns])
    out.print(table)


def _field(row: Any, name: str) -> Any:
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)


def cell(value: Any, zone: tzinfo = UTC) -> str:
    """A value as people read it: a time in `zone`, a truth as a word, a span in days and hours, a number rounded."""
    match value:
        case None:
            text = ""
        case bool():
            text = yes(value)
        case datetime():
            text = moment(value, zone)
        case timedelta():
            text = span(value)
        case float():
            text = f"{value:.5f}".rstrip("0").rstrip(".")
        case list() | tuple():
            text = ", ".join(cell(item, zone) for item in value)
        case _:
            text = str(value)
    return harmless(text.replace("\n", " "))


@contextmanager
def failures() -> Iterator[None]:
    """Turn what went wrong into plain words on stderr and the exit code of its class.

    One line, or one for each fault where an input has several. Only what nobody foresaw, a defect of ours, shows where
    in the program it happened.
    """
    try:
        yield
    except typer.Abort:
        raise _ending("nothing was done: the question was answered with no, or not at all", code=65) from None
    except (typer.Exit, typer.BadParameter):
        raise
    except BrokenPipeError:
        raise  # the reader closed the pipe; typer ends in silence
    except Exception as failed:
        raise _end_of(failed) from None


def _end_of(failed: Exception) -> typer.Exit:
    """The words for an error on stderr, and the exit that goes with it."""
    code = next((code for kind, code in EXIT_CODES if isinstance(failed, kind)), DEFECT)
    sentences: tuple[str, ...] = (sentence(failed),)
    match failed:
        case Faults():
            sentences = (failed.of, *map(by_option, failed.sentences))
        case Invalid() | PolicyRefused() | Conflict() | NotFound():
            sentences = (by_option(sentences[0]),)
        case HubError() | ConnectorError() | Unusable():
            pass
        case ValidationError() if failed.title == HubSettings.__name__:
            sentences, code = ("", *_of_settings(failed)), ADMIN
        case DBAPIError() | NoConnectionLeft() if (known := refused.refusal(failed)) is not None:
            sentences, code = known[:1], known[1]
        case UnicodeEncodeError():
            sentences, code = ("an argument is not UTF-8: type it again in a terminal that is set to UTF-8",), 65
        case OSError():  # one without errno is raised by us, with a whole sentence
            sentences, code = (str(failed) if failed.errno is None else refusal(failed),), ADMIN
        case _:
            complain("".join(traceback.format_exception(failed)).rstrip())
            sentences = (_OURS,)
    return _ending(*sentences, code=code)


def _of_settings(wrong: ValidationError) -> list[str]:
    """What is wrong with the hub's own settings, each by the name of its environment variable."""
    names = {f"{name}:": f"ALPRHUB_{name.upper()}:" for name in HubSettings.model_fields}
    sentences = []
    for fault in faults(wrong, HubSettings):
        name = fault.where.partition(".")[0]
        sentences.append(str(fault).replace(f"{name}:", names.get(f"{name}:", name), 1))
    return sentences


def _ending(text: str, *sentences: str, code: int) -> typer.Exit:
    """Words on stderr, and the exit that goes with it; several sentences stand on a line each."""
    lines = [" ".join(part.split()) for part in (text, *sentences) if part]
    if text and len(lines) == 2:
        lines = [": ".join(lines)]
    elif text and len(lines) > 2:
        lines = [f"{lines[0]}:", *(f"  {line}" for line in lines[1:])]
    complain("\n".join(lines))
    return typer.Exit(code)
