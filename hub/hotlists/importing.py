"""`Import`: very many entries of a list, stored in short turns, in force together from one instant on.

Entries lie in their table under the number of an import that is not in force, and those that it ends are marked with
it: nobody sees either. One short transaction puts the import in force (`activate`). What it ended is then noted as
removed, in turns (`finish`). An import that was killed before that instant is swept away, one killed after it is
finished, when the next one begins or in the night.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, func, insert, select, text, update

from hub.hotlists.withdrawals import Removal, may_be, struck
from hub.store import tables
from hub.store.engine import Store

BATCH: Final = 2000
"""Entries in one turn."""
DOING: Final = "a hot list is being imported"


class Begun(NamedTuple):
    """An import that is not over: its number, its list, whether that is new, and the last entry before it."""

    id: int
    hotlist_id: int
    makes: bool
    after_id: int
    activated_at: int | None
    withdrawn: str


class EndedEntry(NamedTuple):
    """An entry that an import ends, and why."""

    entry_id: int
    reason: str


def begin(store: Store, name: str, owner: str, now: int) -> Begun:
    """Begin an import into a list; where there is none of that name it is made, and nobody sees it yet.

    What is withdrawn from then on is told to it. A power cut may take it back, with all that follows it.
    """
    lists, entries, imports = tables.hotlists, tables.entries, tables.hotlist_imports
    with store.write(durable=False, doing=DOING) as connection:
        ident = connection.scalar(select(lists.c.id).where(lists.c.name == name))
        makes = ident is None
        if makes:
            new = insert(lists).values(name=name, owner=owner, made_at=now).returning(lists.c.id)
            ident = connection.execute(new).scalar_one()
        after = connection.scalar(select(func.max(entries.c.id))) or 0
        row = insert(imports).values(hotlist_id=ident, makes=makes, after_id=after).returning(*imports.c)
        return Begun._make(connection.execute(row).one())


def bring(store: Store, begun: Begun, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Store entries that are in force once the import is; a power cut may take them back until then."""
    with store.write(durable=False, doing=DOING) as connection:
        store.insert(
            connection,
            tables.entries,
            ("hotlist_id", "import_id", *columns),
            [(begun.hotlist_id, begun.id, *row) for row in rows],
        )


def end(store: Store, begun: Begun, actor: str, ended: Sequence[EndedEntry]) -> None:
    """Mark entries that end when the import is in force."""
    entries = tables.entries
    for reason in sorted({ending.reason for ending in ended}):
        for ids in _turns([ending.entry_id for ending in ended if ending.reason == reason]):
            with store.write(durable=False, doing=DOING) as connection:
                connection.execute(
                    update(entries)
                    .where(text(store.one_of("id", "ids")).bindparams(ids=store.as_list(ids)))
                    .where(entries.c.removed_at.is_(None))
                    .values(ended_by=begun.id, removed_by=actor, removed_reason=reason)
                )


def withdraw(connection: Connection, hotlist_id: int, removal: Removal) -> None:
    """Tell imports into a list that are not in force yet that an entry was withdrawn: a removal beats them."""
    imports = tables.hotlist_imports
    pending = select(imports).where(imports.c.hotlist_id == hotlist_id, imports.c.activated_at.is_(None))
    for row in connection.execute(pending).all():
        known = [*msgspec.json.decode(row.withdrawn), removal[:4]]
        note = msgspec.json.encode(known).decode()
        connection.execute(update(imports).where(imports.c.id == row.id).values(withdrawn=note))


def activate(connection: Connection, begun: Begun, now: int) -> None:
    """Put an import in force, but for what was withdrawn since it began."""
    imports, entries = tables.hotlist_imports, tables.entries
    row = update(imports).where(imports.c.id == begun.id).values(activated_at=now).returning(imports.c.withdrawn)
    for plate, state, by, reason in msgspec.json.decode(connection.execute(row).scalar_one()):
        of_it = update(entries).where(entries.c.hotlist_id == begun.hotlist_id, may_be(plate, state))
        of_it = of_it.where(entries.c.import_id == begun.id, entries.c.removed_at.is_(None))
        connection.execute(of_it.values(struck(Removal(plate, state, by, reason, now))))


def drop(connection: Connection, begun: Begun) -> None:
    """Forget an import, of which nothing is left; a list that it made is there from then on."""
    imports = tables.hotlist_imports
    connection.execute(imports.delete().where(imports.c.id == begun.id))


def unfinished(connection: Connection) -> list[tuple[str, Begun]]:
    """Every import that is not over, with the name of its list."""
    imports, lists = tables.hotlist_imports, tables.hotlists
    rows = connection.execute(select(lists.c.name, *imports.c).join(lists, lists.c.id == imports.c.hotlist_id))
    return [(row[0], Begun._make(row[1:])) for row in rows]


def finish(store: Store, begun: Begun) -> None:
    """Settle an import that is in force, sweep one away that is not; safe to be killed and repeated.

    One that is over by now, whoever finished it, is left alone.
    """
    entries, imports = tables.entries, tables.hotlist_imports
    with store.read() as connection:
        found = connection.execute(select(imports.c.activated_at).where(imports.c.id == begun.id)).one_or_none()
        if found is None:
            return
        at = found.activated_at
        left = select(entries.c.id).where(entries.c.id > begun.after_id, entries.c.import_id == begun.id)
        if at is not None:
            left = select(entries.c.id).where(
                entries.c.hotlist_id == begun.hotlist_id, entries.c.removed_at.is_(None), entries.c.ended_by == begun.id
            )
        entry_ids = list(connection.scalars(left))
    sql = "UPDATE hotlist_entries SET removed_at = :at WHERE" if at is not None else "DELETE FROM hotlist_entries WHERE"
    for ids in _turns(entry_ids):
        bound = {"ids": store.as_list(ids), **({"at": at} if at is not None else {})}
        with store.write(durable=False, doing=DOING) as connection:
            connection.execute(text(f"{sql} {store.one_of('id', 'ids')}"), bound)
    with store.write(doing=DOING) as connection:
        drop(connection, begun)
        if begun.makes and at is None:
            connection.execute(tables.hotlists.delete().where(tables.hotlists.c.id == begun.hotlist_id))


def _turns(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
