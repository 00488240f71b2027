"""The cards of what waits for a second person, and of what was approved and is not done."""

from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from sqlalchemy import Row, select

from hub.access.lasting import DUE_AT, UNDONE, still_open
from hub.connections.card import LATE, OK, Card
from hub.proposals import Action
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.visible import visible
from hub.words import moment, span

SOON: Final = timedelta(hours=24)
"""How long before its time is over what waits is late."""
CUT_SHORT: Final = timedelta(minutes=15)
"""How long what was approved may be on its way."""
_MEANING: Final = {
    Action.HOLD: "a hold that keeps reads already; else they fall back to their own ends",
    Action.DESTROY: "a court's order to destroy reads; else nothing is destroyed",
    Action.CLASSIFY: "the class of a case's offence; else the hold stays as it is",
    Action.POLICY: "another policy; else the one in force stays",
    Action.CONTRACT: "another contract of a connection; else the one in force stays",
    Action.KIND: "another kind of source; else the connection stays what it is",
    Action.CLOCK: "that the machine's clock is right; else nothing is purged or shortened by it",
}
_TABLE: Final = tables.approvals


def approval_cards(store: Store, now: datetime, zone: tzinfo) -> list[Card]:
    """A card for every proposal that waits, for every approved one that is in its grace, and for every one that was cut
    short and can still go on."""
    waits = _TABLE.c.verdict.is_(None) & visible(_TABLE, to_micros(now))
    in_grace = UNDONE & (to_micros(now) < DUE_AT)
    undone = UNDONE & (to_micros(now - CUT_SHORT) >= DUE_AT) & still_open(to_micros(now))
    columns = (
        *(_TABLE.c.id, _TABLE.c.action, _TABLE.c.verdict, _TABLE.c.proposed_by, _TABLE.c.proposed_at),
        *(_TABLE.c.expires_at, _TABLE.c.decided_by, _TABLE.c.decided_at, _TABLE.c.grace, _TABLE.c.words),
    )
    with store.read() as connection:
        rows = connection.execute(select(*columns).where(waits | in_grace | undone).order_by(_TABLE.c.id)).all()
    return [_card(row, now, zone) for row in rows]


def _card(row: Row[Any], now: datetime, zone: tzinfo) -> Card:
    if row.verdict is None:
        return _waits(row, now, zone)
    return _in_grace(row, now, zone) if now < from_micros(row.decided_at + row.grace) else _undone(row, zone)


def _waits(row: Row[Any], now: datetime, zone: tzinfo) -> Card:
    until = from_micros(row.expires_at)
    sentence = (
        f"Approval {row.id}, which {row.proposed_by} proposed, waits for a second person until {moment(until, zone)}"
        f" (for {span(until - now)} more): {_MEANING[Action(row.action)]}."
    )
    return Card(
        LATE if until - now <= SOON else OK, f"Approval {row.id} waits for a second person", sentence,
        "Somebody other than who proposed it looks at it, and approves or refuses it.",
        f"alprhub approvals show {row.id}", "approval_waits", needs_person=True, plain=sentence, about=str(row.id),
        since=from_micros(row.proposed_at),
    )  # fmt: skip


def _in_grace(row: Row[Any], now: datetime, zone: tzinfo) -> Card:
    due = from_micros(row.decided_at + row.grace)
    plain = (
        f"Approval {row.id}, which {row.proposed_by} proposed and {row.decided_by} approved, is carried out"
        f" {moment(due, zone)} (in {span(due - now)}) unless somebody stops it: {_MEANING[Action(row.action)]}."
    )
    return Card(
        OK, f"Approval {row.id} loosens what is promised", f"{plain} It is to {row.words}.",
        "Look at what it loosens; until then anybody but who proposed it stops it (alprhub approvals refuse"
        f" {row.id} --reason WHY), and who proposed it takes it back (alprhub approvals withdraw {row.id}).",
        f"alprhub approvals show {row.id}", "approval_in_grace", plain=plain, about=str(row.id),
        since=from_micros(row.decided_at),
    )  # fmt: skip


def _undone(row: Row[Any], zone: tzinfo) -> Card:
    decided = from_micros(row.decided_at)
    sentence = (
        f"Approval {row.id} was approved by {row.decided_by} {moment(decided, zone)} and is not carried out to its end."
    )
    return Card(
        LATE, f"Approval {row.id} is not carried out", sentence,
        "Whoever approved it repeats that, and it goes on or says what stands in its way.",
        f"alprhub approvals approve {row.id}", "approval_not_carried_out",
        plain=sentence, about=str(row.id), since=decided,
    )  # fmt: skip
