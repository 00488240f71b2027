"""Values as JSON, in the one form that the command line and the web give."""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from alprhub.harmless import escaped


def plain(value: Any) -> Any:
    """The value as JSON has it: times in UTC with Z, a model or a data class as its fields; raises `TypeError`."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        # A file's name that is not UTF-8 holds signs that no document may.
        return value.encode("utf-8", "backslashreplace").decode() if type(value) is str else value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"no JSON for {type(value).__name__}")


def print_json(value: Any) -> None:
    """One JSON document on stdout; times in UTC with Z."""
    sys.stdout.write(escaped(msgspec.json.format(msgspec.json.encode(plain(value)), indent=2).decode()) + "\n")
