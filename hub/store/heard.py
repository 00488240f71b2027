"""What the receiver says of the lines that it listens to, in a file that `health` reads beside it, in no database.

A file that is older than `STALE` says nothing any more: whoever wrote it is gone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from connectors.durable import replace

NAME: Final = "listening.json"
STALE: Final = 180_000_000
"""Microseconds after which nobody listens who has not said so again."""


class HeardLine(msgspec.Struct, frozen=True):
    """A connection that is listened to: since when (µs) it is up, or is not and why; no reason yet on a first try."""

    up: bool
    since: int
    error: str | None = None


class _Said(msgspec.Struct, frozen=True):
    at: int
    lines: dict[int, HeardLine]


def say(data: Path, at: int, lines: Mapping[int, HeardLine]) -> None:
    """Say at an instant (µs) how it stands with every line, by connection."""
    replace(data / NAME, msgspec.json.encode(_Said(at, dict(lines))), 0o600)


def lines_of(data: Path, now: int) -> Mapping[int, HeardLine]:
    """How it stands with each line, by connection; nothing where nobody listens now."""
    try:
        said = msgspec.json.decode((data / NAME).read_bytes(), type=_Said)
    except (OSError, msgspec.DecodeError):
        return {}
    return said.lines if now - said.at < STALE else {}
