"""What the command line prints: JSON for programs, tables for people, one line on stderr for what went wrong."""

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any, Final

import msgspec
import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from connectors.errors import AdminMustFix, ConnectorError, Gone, TryAgain, VendorChanged
from hub.errors import Conflict, HubError, IntegrityBroken, Invalid, NeedsAdmin, NotFound, PolicyRefused
from hub.settings import HubSettings
from hub.words import moment, span, yes

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

EXIT_CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (Invalid, 65),
    (NotFound, 66),
    (Gone, 66),
    (IntegrityBroken, 70),
    (Conflict, 75),
    (TryAgain, 75),
    (VendorChanged, 76),
    (PolicyRefused, 77),
    (AdminMustFix, 78),
    (NeedsAdmin, 78),
)
"""Exit codes by class of error, after sysexits.h: 65 bad input, 66 not there, 70 broken, 75 try again, 76 the vendor
does not keep its protocol, 77 refused, 78 an admin must act."""

console: Final = Console(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else 250)
"""What people see; a vendor's words and a person's reasons are text and never markup, and a pipe cuts nothing short."""


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"no JSON for {type(value).__name__}")


def print_json(value: Any) -> None:
    """One JSON document on stdout; times in UTC with Z."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(_walk(value)), indent=2).decode() + "\n")


def _walk(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _walk(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_walk(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return _walk(_plain(value))


def print_rows(
    rows: Sequence[Any],
    columns: Sequence[str] | Mapping[str, str],
    as_json: bool,
    nothing: str = "nothing",
    zone: tzinfo = UTC,
) -> None:
    """The rows as a JSON list, or as a table of the named columns for people, times in `zone`.

    Columns are fields, or fields and what people call them.
    """
    if as_json:
        print_json(rows)
        return
    if not rows:
        console.print(nothing)
        return
    heads = columns.values() if isinstance(columns, Mapping) else [column.replace("_", " ") for column in columns]
    table = Table(*heads, box=None, header_style="bold")
    for row in rows:
        table.add_row(*[cell(_field(row, column), zone) for column in columns])
    console.print(table)


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
            text = ", ".join(cell(one, zone) for one in value)
        case _:
            text = str(value)
    # A vendor's text may hold escapes that hide or rewrite what stands on the screen.
    return "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text)


@contextmanager
def failures() -> Iterator[None]:
    """Turn what went wrong into one line on stderr and the exit code of its class."""
    try:
        yield
    except (HubError, ConnectorError) as failed:
        code = next((code for kind, code in EXIT_CODES if isinstance(failed, kind)), 1)
        raise _told(str(failed), code) from None
    except ValidationError as wrong:
        if wrong.title != HubSettings.__name__:
            raise
        first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _told(f"ALPRHUB_{'_'.join(map(str, first['loc'])).upper()}: {first['msg']}", 78) from None
    except ArgumentError:
        raise _told("ALPRHUB_DATABASE_URL: cannot be understood", 78) from None
    except DBAPIError as failed:
        if failed.statement is not None:
            raise
        code = 75 if isinstance(failed, OperationalError) else 78
        raise _told(f"the database cannot be opened: {failed.orig}", code) from None
    except UnicodeEncodeError:
        raise _told("an argument is not UTF-8", 65) from None
    except OSError as failed:
        raise _told(f"{failed.filename or 'the store'}: {failed.strerror or type(failed).__name__}", 78) from None


def _told(text: str, code: int) -> typer.Exit:
    """One line on stderr, and the exit that goes with it."""
    sys.stderr.write(f"{' '.join(text.split())}\n")
    return typer.Exit(code)
