"""What a vendor's service can do wrong, switched on and off while it runs, and the same for the same seed.

`Faults` is only the wish list and the decisions; `gate.py` plays the faults of the transport and each stand-in
plays the faults of its records. All of it is invented: no vendor documents how it fails.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeVar

from .world import Pass

KINDS = ("dropped_key", "wrong_type", "impossible_time", "empty_plate", "garbage")

_GARBAGE: tuple[Any, ...] = (None, 7, "\u0000\ufffd not a record", [], True)
_IMPOSSIBLE = "2023-02-30T25:61:61Z"
_IMPOSSIBLE_EPOCH = 99_999_999_999_999_999

T = TypeVar("T")


def _today() -> datetime:
    return datetime.now(UTC)


class Anatomy(NamedTuple):
    """Where the parts that a fault may hit sit in one vendor's record: paths of keys from the record's root.

    `times` hold text or epoch numbers (an impossible one of the same type replaces them), `plates` text,
    `required` the keys that may be dropped.
    """

    times: tuple[tuple[str, ...], ...]
    plates: tuple[tuple[str, ...], ...]
    required: tuple[tuple[str, ...], ...]


@dataclass
class Faults:
    """The faults of one service. Every field may be set at any moment, from any thread; all are off at first.

    - `malformed`: share 0–1 of records that are bad for good, chosen by id; `malformed_kinds` narrows how.
      `bad` then maps the vendor's id of each bad record served so far to its kind.
    - `duplicate`: share 0–1 of records that come twice, half of them again on the next page.
    - `late`: the number that `requests` must reach before the `late_share` of records shows up.
    - `delayed`: share 0–1 of records that show up only `delay_seconds` after they were captured, by the time that
      `today` tells; a stand-in whose records are asked for by time plays it.
    - `throttle`: every n-th request gets 429, with `retry_after` as seconds, as an HTTP date, or without.
    - `truncate`: every n-th body is cut short; `truncate_how` "body" ends cleanly after half of it,
      "connection" breaks off before the promised length.
    - `html`: every n-th answer is a web page with status 200.
    - `slow`: seconds before each answer.
    - `repeat_cursor`: every page names itself as the next one. A service without cursors ignores it.
    - `expire_token`: the next request that carries a credential finds it refused, once.

    `requests` counts every request so far, whatever its answer.
    """

    seed: int = 0
    malformed: float = 0.0
    malformed_kinds: tuple[str, ...] = KINDS
    duplicate: float = 0.0
    late: int = 0
    late_share: float = 0.1
    delayed: float = 0.0
    delay_seconds: float = 0.0
    throttle: int = 0
    retry_after: Literal["seconds", "date", "none"] = "seconds"
    retry_seconds: int = 1
    truncate: int = 0
    truncate_how: Literal["body", "connection"] = "body"
    html: int = 0
    slow: float = 0.0
    repeat_cursor: bool = False
    expire_token: bool = False
    requests: int = 0
    bad: dict[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    today: Callable[[], datetime] = _today
    _down_for: int = 0
    _down_until: float = 0.0
    _down_reset: bool = False

    def outage(self, requests: int = 0, seconds: float = 0.0, *, reset: bool = False) -> None:
        """Be down for the next `requests` requests or for `seconds` of real time, whichever lasts longer.

        Answers 503 meanwhile, or resets the connection if `reset`. `outage()` ends a running one.
        """
        self._down_for, self._down_until, self._down_reset = requests, self.clock() + seconds, reset

    def down(self) -> Literal["no", "answer", "reset"]:
        """Whether this request meets an outage; counts it off."""
        if self._down_for <= 0 and self.clock() >= self._down_until:
            return "no"
        self._down_for -= 1
        return "reset" if self._down_reset else "answer"

    def heal(self) -> None:
        """Switch every fault off; the seed, the count of requests and the record of bad ids stay."""
        fresh = Faults()
        kept = {"seed", "requests", "bad", "clock", "today"}
        for name in vars(fresh):
            if name not in kept:
                setattr(self, name, getattr(fresh, name))

    def due(self, every: int) -> bool:
        """Whether the request being served is an n-th one; never for 0."""
        return every > 0 and self.requests % every == 0

    def take_expiry(self) -> bool:
        """Whether the credential of this request is to be refused; true once per setting of `expire_token`."""
        taken, self.expire_token = self.expire_token, False
        return taken

    @property
    def touch_records(self) -> bool:
        """Whether any fault concerns single records; False means that pages may be served as prepared."""
        return self.malformed > 0 or self.duplicate > 0 or self.late > 0 or self.delayed > 0

    def is_bad(self, record_id: str) -> bool:
        """Whether a record is one of the malformed ones, served or not."""
        return self.malformed > 0 and self._chance("malformed", record_id) < self.malformed

    def is_hidden(self, record_id: str, captured_at: int | None = None) -> bool:
        """Whether a record is late and its hour has not come; `captured_at` is microseconds since 1970."""
        if self.requests < self.late and self._chance("late", record_id) < self.late_share:
            return True
        return captured_at is not None and self.is_delayed(record_id) and self._micros() < captured_at + self._delay()

    def is_delayed(self, record_id: str) -> bool:
        """Whether a record is one of those that show up some time after they were captured."""
        return self.delayed > 0 and self._chance("delayed", record_id) < self.delayed

    def is_twice(self, record_id: str) -> Literal["no", "here", "next"]:
        """Whether a record is served twice, and where its copy goes: behind itself or on the next page."""
        chance = self._chance("duplicate", record_id) if self.duplicate > 0 else 1.0
        if chance >= self.duplicate:
            return "no"
        return "here" if chance < self.duplicate / 2 else "next"

    def kind_of(self, record_id: str) -> str:
        """In which way a bad record is bad; always the same for the same seed and kinds."""
        kinds = self.malformed_kinds
        return kinds[int(self._chance("kind", record_id) * len(kinds))]

    def spoil(self, record: dict[str, Any], record_id: str, anatomy: Anatomy) -> Any:
        """The record as it goes out: untouched, or a spoilt copy, which is then noted in `bad`."""
        if not self.is_bad(record_id):
            return record
        kind = self.kind_of(record_id)
        self.bad[record_id] = kind
        pick = self._chance("place", record_id)
        if kind == "garbage":
            return _pick(_GARBAGE, pick)
        spoilt = deepcopy(record)
        if kind == "dropped_key":
            place = _pick(anatomy.required, pick)
            _parent(spoilt, place).pop(place[-1], None)
        elif kind == "wrong_type":
            place = _pick(anatomy.plates + anatomy.times, pick)
            _parent(spoilt, place)[place[-1]] = {"value": 1}
        elif kind == "impossible_time":
            for place in anatomy.times:
                holder = _parent(spoilt, place)
                holder[place[-1]] = _IMPOSSIBLE if isinstance(holder.get(place[-1]), str) else _IMPOSSIBLE_EPOCH
        else:
            for place in anatomy.plates:
                _parent(spoilt, place)[place[-1]] = ""
        return spoilt

    def told(
        self, passes: Sequence[Pass], tell: Callable[[Pass], dict[str, Any]], anatomy: Anatomy, page: int
    ) -> list[Any]:
        """What `tell` says of passes, in order, with the faults of the records: `spoil` and then `spread`."""
        records = [tell(item) for item in passes]
        if not self.touch_records:
            return records
        names = [item.id for item in passes]
        spoilt = [self.spoil(record, name, anatomy) for record, name in zip(records, names, strict=True)]
        return self.spread(spoilt, names, page)

    def spread(self, items: Sequence[T], ids: Sequence[str], page: int, times: Sequence[int] = ()) -> list[T]:
        """The items in order without the late ones and with the copies of the repeated ones.

        `ids` names each item, and `times` says when it was captured where records may be delayed. A copy goes behind
        its item or `page` places further, so onto the next page.
        """
        spread: list[T] = []
        later: dict[int, list[T]] = {}
        captured: Sequence[int | None] = times or [None] * len(ids)
        for item, record_id, captured_at in zip(items, ids, captured, strict=True):
            if self.is_hidden(record_id, captured_at):
                continue
            for place in [place for place in later if place <= len(spread)]:
                spread.extend(later.pop(place))
            spread.append(item)
            twice = self.is_twice(record_id)
            if twice == "here":
                spread.append(item)
            elif twice == "next":
                later.setdefault(len(spread) - 1 + page, []).append(item)
        for copies in later.values():
            spread.extend(copies)
        return spread

    def _micros(self) -> int:
        return (self.today() - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    def _delay(self) -> int:
        return int(self.delay_seconds * 1_000_000)

    def _chance(self, purpose: str, record_id: str) -> float:
        digest = hashlib.blake2b(f"{self.seed}:{purpose}:{record_id}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64


def _pick(choices: Sequence[T], chance: float) -> T:
    return choices[int(chance * len(choices))]


def _parent(record: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    holder = record
    for key in place[:-1]:
        holder = holder[key]
    return holder
