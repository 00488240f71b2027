"""What health says of certificates of destruction that have not reached the custodian of records."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

from sqlalchemy import ColumnElement, Connection, exists, func, select

from hub.connections.card import FAILING, LATE, Card
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.words import count, moment, span

SOON: Final = timedelta(hours=2)
"""How long a certificate may be on its way: what its purge could not deliver, the next ones try again."""
SETTINGS: Final = "ALPRHUB_CUSTODIAN_FOLDER, ALPRHUB_CUSTODIAN_BUCKET or ALPRHUB_CUSTODIAN_EMAIL"
DELIVER: Final = "ALPRHUB_CUSTODIAN_FOLDER=FOLDER alprhub retention deliver"
_LETTERS: Final = tables.certificate_deliveries
_CERTIFIED: Final = tables.certificates


def delivery_cards(
    store: Store, now: datetime, zone: tzinfo, ways: Sequence[str], partner: tuple[str, str] | None
) -> list[Card]:
    """A card for each way by which something waits too long, or one where the policy names a `partner` and no way is
    set; `partner` is who destroys with the agency, and the clause that says so."""
    with store.read() as connection:
        if not ways:
            return [] if partner is None else _nowhere(connection, zone, *partner)
        return [card for way in ways if (card := _waiting(connection, now, zone, way)) is not None]


def _nowhere(connection: Connection, zone: tzinfo, partner: str, clause: str) -> list[Card]:
    # By what is on record: the shell that asks may lack the settings by which the services deliver.
    arrived = exists().where(
        _LETTERS.c.delivered_at.is_not(None),
        _LETTERS.c.first_id <= _CERTIFIED.c.id,
        _LETTERS.c.last_id >= _CERTIFIED.c.id,
    )
    number, first = _closed_after(connection, 0, ~arrived)
    if not number:
        return []
    since = from_micros(first)
    sentence = (
        f"{count(number, 'certificate')} of destruction, the oldest from {moment(since, zone)}, went nowhere: the"
        f" policy ({clause}) names the {partner}, and no place of theirs is set here."
    )
    return [
        Card(
            LATE, "Certificates reach nobody", sentence,
            f"Set {SETTINGS}, for the services too (as alprhub.env has it), so that every later one goes there with its"
            " purge. The command below, with a folder that is there, brings them those that there are, and ends this.",
            DELIVER, "certificates_nowhere", plain=sentence, since=since,
        )
    ]  # fmt: skip


def _waiting(connection: Connection, now: datetime, zone: tzinfo, way: str) -> Card | None:
    last = connection.scalar(select(func.max(_LETTERS.c.last_id)).where(_LETTERS.c.way == way)) or 0
    number, first = _closed_after(connection, last)
    oldest = [first] if number else []
    letters = connection.execute(
        select(_LETTERS).where(_LETTERS.c.way == way, _LETTERS.c.delivered_at.is_(None)).order_by(_LETTERS.c.id)
    ).all()
    tried = any(letter.tries for letter in letters)
    number += sum(letter.certificates for letter in letters)
    oldest += [letter.made_at for letter in letters]
    if not number or (not tried and min(oldest) > to_micros(now - SOON)):
        return None
    since = from_micros(min(oldest))
    custodian = letters[0].custodian if letters else "custodian of records"
    plain = (
        f"{count(number, 'certificate')} of destruction, waiting since {moment(since, zone)} ({span(now - since)} ago),"
        f" {'is' if number == 1 else 'are'} not proved to have reached the {custodian} by {way}"
    )
    error = next((letter.error for letter in reversed(letters) if letter.error), None)
    return Card(
        FAILING, f"Certificates do not get out by {way}", f"{plain}: {error}." if error else f"{plain}.",
        "Mend that, then deliver them with the command below; every purge tries again by itself.",
        "alprhub retention deliver", "certificates_undelivered", plain=f"{plain}.", about=way, since=since,
    )  # fmt: skip


def _closed_after(connection: Connection, last: int, *only: ColumnElement[bool]) -> tuple[int, int]:
    """How many closed certificates there are above a number, and when the first of them was closed (µs)."""
    closed = (_CERTIFIED.c.closed_at.is_not(None), _CERTIFIED.c.id > last, *only)
    number, first = connection.execute(select(func.count(), func.min(_CERTIFIED.c.closed_at)).where(*closed)).one()
    return int(number), int(first or 0)
