"""How long what one proposed waits for the second person, in its grace, and for its end, and what state that is."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, case, or_

from hub.proposals import Action, State
from hub.store import tables
from hub.store.instant import from_micros
from hub.store.visible import visible

_TABLE: Final = tables.approvals
_MICRO: Final = timedelta(microseconds=1)
LASTS: Final[Mapping[Action, timedelta]] = {
    Action.HOLD: timedelta(hours=72),
    Action.DESTROY: timedelta(days=7),
    Action.CLASSIFY: timedelta(days=14),
    Action.POLICY: timedelta(days=14),
    Action.CONTRACT: timedelta(days=14),
    Action.KIND: timedelta(days=14),
    Action.CLOCK: timedelta(hours=72),
}
"""How long a proposal waits for its second person. A hold keeps reads at once, and so it waits the shortest."""
RESUMED: Final[Mapping[Action, timedelta]] = {
    Action.HOLD: timedelta(hours=24),
    Action.DESTROY: LASTS[Action.DESTROY],
    Action.CLASSIFY: timedelta(hours=24),
    Action.POLICY: timedelta(hours=24),
    Action.CONTRACT: timedelta(hours=24),
    Action.KIND: timedelta(hours=24),
    Action.CLOCK: timedelta(hours=24),
}
"""How long what is approved may still be carried out where that was cut short.

A part of what an order names may be destroyed by then, and so the order may be finished for as long as it could wait.
"""
AFTER_GRACE: Final = timedelta(days=14)
"""The same for what had a grace: nobody need be there at the hour in which it ends."""
UNDONE: Final = (_TABLE.c.verdict == "approved") & _TABLE.c.carried_out_at.is_(None)
DUE_AT: Final = _TABLE.c.decided_at + _TABLE.c.grace
"""From when on (µs) what was approved is carried out."""
_LASTING: Final = [(_TABLE.c.action == str(of), time // _MICRO) for of, time in RESUMED.items()]


def state_of(row: Row[Any], now: datetime) -> State:
    """What has become of a proposal until now."""
    if row.verdict is None:
        return "waits" if now < from_micros(row.expires_at) else "lapsed"
    if row.carried_out_at is not None:
        return "carried_out"
    if row.verdict == "approved":
        due = from_micros(row.decided_at + row.grace)
        if now < due:
            return "in_grace"
        if now >= due + (AFTER_GRACE if row.grace else RESUMED[Action(row.action)]):
            return "overtaken"
    verdict: State = row.verdict
    return verdict


def still_open(now: int) -> ColumnElement[bool]:
    """Which of what was approved may still be carried out at an instant (µs), or is in its grace."""
    lasting = case((_TABLE.c.grace > 0, AFTER_GRACE // _MICRO), *_LASTING)
    return now < DUE_AT + lasting


def undecided(now: int, *, stops: bool) -> ColumnElement[bool]:
    """What nobody has decided in time; for who `stops` it also what has a grace and is not carried out."""
    waits = _TABLE.c.verdict.is_(None) & visible(_TABLE, now)
    return or_(waits, UNDONE & (_TABLE.c.grace > 0)) if stops else waits
