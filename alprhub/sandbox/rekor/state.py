"""What the Rekor Scout stand-in holds, and the few things that all its endpoints need."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..faults import Faults
from ..world import Pass, World, to_micros
from .records import ANATOMY, best_uuid, encode, millis, plate_record


class Refusal(Exception):
    """An answer that is not the one asked for: a status and plain text (documented for 400)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text


@dataclass(frozen=True, slots=True)
class Entry:
    """One plate of an alert list; `state` is like us-ca, or empty."""

    plate: str
    description: str
    state: str


@dataclass
class AlertList:
    """One alert list. `entries` maps plates to entries; `imports` counts the files it took."""

    id: int
    name: str
    list_type: str = "Blacklist"  # documented: Blacklist or Whitelist
    entries: dict[str, Entry] = field(default_factory=dict)
    imports: int = 0


@dataclass
class RekorState:
    """Everything the Scout stand-in knows; tests read and set it through `app.state.rekor`."""

    world: World
    faults: Faults
    clock: Callable[[], datetime]
    api_key: str
    default_topn: int = 1000  # invented: documented is only that there is a cap
    max_topn: int = 5000  # invented
    image_days: int = 7  # invented: how far back the agents' rolling buffer of pictures reaches
    import_replaces: bool = True  # invented: whether an import replaces a list or is merged is unpublished
    lists_as_array: bool = False  # invented: v2 lists as a bare array and not as an object with `results`
    max_import_rows: int = 250_000  # seen as advice to split files; invented: that more is refused
    lists: dict[int, AlertList] = field(default_factory=dict)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    by_uuid: dict[str, Pass] = field(default_factory=dict)
    _times: list[int] = field(default_factory=list)
    _pages: list[bytes | None] = field(default_factory=list)
    _carried: list[tuple[int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.passes = list(self.world.passes["rekor"])
        self._times = [millis(passing) for passing in self.passes]
        self._pages = [None] * len(self.passes)
        self.by_uuid = {best_uuid(passing): passing for passing in self.passes}

    def add_pass(self, passing: Pass) -> None:
        """Let one more car pass; it must not lie before the last one."""
        if self._times and millis(passing) < self._times[-1]:
            raise ValueError("passes are added in the order of time")
        self.passes.append(passing)
        self._times.append(millis(passing))
        self._pages.append(None)
        self.by_uuid[best_uuid(passing)] = passing

    def prepare(self) -> None:
        """Encode every record now, so that serving a window costs little more than joining bytes."""
        for index in range(len(self.passes)):
            self._encoded(index)

    def window(self, start: int | None, end: int | None) -> range:
        """The places in `passes` of everything between two times in ms, both ends included (invented)."""
        low = 0 if start is None else bisect_left(self._times, start)
        high = len(self._times) if end is None else bisect_left(self._times, end + 1)
        return range(low, max(low, high))

    def page(self, places: list[int] | range, topn: int) -> bytes:
        """The JSON array of at most `topn` records, with the faults of the records if any are on."""
        if not self.faults.touch_records:
            return b"[" + b",".join([self._encoded(place) for place in places[:topn]]) + b"]"
        # A copy that this search finds in its own place anyway would stand before older reads.
        records = [record for place, record in self._carried if place not in places]
        self._carried = []
        for place in places:
            if len(records) >= topn:
                break
            name = best_uuid(self.passes[place])
            if self.faults.is_hidden(name, self.passes[place].captured_at):
                continue
            record = self._encoded(place)
            if self.faults.is_bad(name):
                record = encode(self.faults.spoil(plate_record(self.passes[place]), name, ANATOMY))
            records.append(record)
            twice = self.faults.is_twice(name)
            if twice == "here":
                records.append(record)
            elif twice == "next":  # Scout has no pages, so the copy comes with the next answer
                self._carried.append((place, record))
        return b"[" + b",".join(records[:topn]) + b"]"

    def admit(self, request: Request) -> None:
        """Let the right `api_key` of the query pass; 401 otherwise (documented: where it goes)."""
        if self.faults.take_expiry() or request.query_params.get("api_key") != self.api_key:
            raise Refusal(401, "Unauthorized")

    def _encoded(self, place: int) -> bytes:
        record = self._pages[place]
        if record is None:
            record = self._pages[place] = encode(plate_record(self.passes[place]))
        return record


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(encode(body), status_code=status, media_type="application/json")


def state_of(request: Request) -> RekorState:
    """The stand-in's state, once the request has shown its key."""
    state: RekorState = request.app.state.rekor
    state.admit(request)
    return state


def moment_of(request: Request, name: str) -> int | None:
    """A query parameter's ISO 8601 time in ms, or None; 400 when it is no time. A bare time is UTC (invented)."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, f"Invalid {name}") from None
    return to_micros(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) // 1000


def whole_of(request: Request, name: str, default: int, *, least: int = 1) -> int:
    """A query parameter's whole number from `least`; 400 for anything else."""
    text = request.query_params.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise Refusal(400, f"Invalid {name}")
    return int(text)
