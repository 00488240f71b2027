"""The cards of removals that are over without every proof: what a person must see to, once nothing else tells of it."""

from datetime import tzinfo
from shlex import quote

import msgspec
from sqlalchemy import Row, select

from hub.connections.card import FAILING, Card
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros
from hub.words import moment, named


def removed_unproved(store: Store, zone: tzinfo) -> list[tuple[str, Card]]:
    """A card for every removal whose certificate misses a proof, with the connection's name; they stay for good."""
    table = tables.removals
    ended = (
        select(table.c.name, table.c.ended_at, table.c.certificate)
        .where(table.c.certificate.is_not(None))
        .order_by(table.c.id)
    )
    with store.read() as connection:
        rows = connection.execute(ended).all()
    return [(row.name, card) for row in rows if (card := _card(row, zone)) is not None]


def _card(row: Row[tuple[str, int | None, str | None]], zone: tzinfo) -> Card | None:
    missing = msgspec.json.decode(row.certificate or "{}").get("proof_missing")
    if not missing or row.ended_at is None:
        return None
    since = from_micros(row.ended_at)
    # What is missing names kinds of things and hot lists; why it is missing may be a vendor's words, and stays inside.
    sentence = f"{row.name} was removed {moment(since, zone)}. Not proved: {named(missing, most=len(missing))}."
    return Card(
        FAILING, f"{row.name} was removed without proof: {named(missing)}", sentence,
        "Have a person see at the vendor or the source that nothing of it is left there. The certificate says of each"
        " why it is not proved and what is still to do.",
        f"alprhub connections certificate {quote(row.name)}", "removed_unproved", plain=sentence, since=since,
    )  # fmt: skip
