"""`Publishing`: making every source's copy of a list agree with ours, and proving it by reading back."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, select, update

from connectors.contract import (
    Connector,
    Delta,
    DropsHotlists,
    Entry,
    Proof,
    PushesHotlists,
    PushReport,
    RemoteEntry,
)
from connectors.errors import ConnectorError, Gone, TryAgain
from hub.absent import no_connection
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import Busy, HubError, NotFound, PolicyRefused, Stopped
from hub.governing.sources import Sources
from hub.hotlists.deadline import held_there, in_time
from hub.hotlists.lists import Hotlists
from hub.people import Actor
from hub.ports import Opens
from hub.progress import Progress, untold
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros


@dataclass(frozen=True, slots=True)
class Published:
    """What is known of one list at one connection. `verified` is true only after the vendor's copy was compared.

    `added` and `removed` are what the vendor's copy shows where it could be read back, also where a push failed in its
    middle; else what was handed over. None: nobody knows. `missing` and `unexpected` are by how many entries the copy
    differs from the list. `closed_by` is the clause of a contract that forbids that hot lists go there: the list that
    the copy is compared with has no entries then.
    """

    connection: str
    added: int | None
    removed: int | None
    verified: bool
    proof: str
    missing: int | None = 0
    unexpected: int | None = 0
    error: str | None = None
    closed_by: str | None = None


class Publishing:
    """Pushes lists to connections and reads them back."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        hotlists: Hotlists,
        accounts: Opens,
        sources: Sources,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._hotlists = hotlists
        self._accounts = accounts
        self._sources = sources

    def publish(self, actor: Actor, list_name: str, connection_name: str, progress: Progress = untold) -> Published:
        """Make a connection's copy agree with the list, then read it back and compare.

        A failure is part of the answer, and on record, so that one vendor's outage never hides another's; so is an
        account that cannot be opened, and one to which somebody else is publishing now. What `progress` raises ends the
        push where it is, which is on record too; the next one sends what is left. Where its contract forbids that hot
        lists go to it, what may be there of the list is taken away. Raises `NotFound` where there is no such connection
        or list, and `PolicyRefused`, on record, where such a contract leaves nothing to take away.
        """
        ident = self._id(connection_name)
        list_id, entries, clause = self._due(list_name, connection_name)
        if clause is not None and connection_name in self.closed([list_name])[list_name]:
            raise self._refused(actor, list_name, connection_name, clause)
        try:
            _, connector = self._accounts.open(connection_name)
        except (HubError, ValidationError) as closed:
            result = Published(connection_name, 0, 0, False, "none", None, None, _unopened(closed), clause)
            self._settle(actor, Act.HOTLISTS_PUBLISH, list_name, list_id, ident, result, bool(entries))
            return result
        if not isinstance(connector, PushesHotlists):
            return self._matched_here(connection_name, connector)
        connector = in_time(connector)
        try:
            with (
                connector,
                self._store.lease(f"publish-{ident}", f"hot lists are being published to {connection_name}"),
            ):
                list_id, entries, clause = self._due(list_name, connection_name)
                self._intend(list_id, ident)
                try:
                    result = self._pushed(connector, connection_name, list_name, list_id, ident, entries, progress)
                    result = replace(result, closed_by=clause)
                except Stopped as asked:
                    result = Published(connection_name, None, None, False, "none", None, None, str(asked), clause)
                    self._settle(actor, Act.HOTLISTS_PUBLISH, list_name, list_id, ident, result, bool(entries))
                    raise
                self._settle(actor, Act.HOTLISTS_PUBLISH, list_name, list_id, ident, result, bool(entries))
        except Busy:
            busy = "somebody else is publishing to it now; nothing was sent"
            return Published(connection_name, 0, 0, False, "none", None, None, busy)
        return result

    def closed(self, hotlists: Iterable[str]) -> Mapping[str, Collection[str]]:
        """The connections that each of these lists is kept from by their contracts; one that may have the list already
        is not among them, since it is to be taken away there."""
        lists, table, accounts = tables.hotlists, tables.publications, tables.connections
        forbidding = self._sources.forbidding("hot_lists").keys()
        query = (
            select(lists.c.name, accounts.c.name)
            .join(table, table.c.hotlist_id == lists.c.id)
            .join(accounts, accounts.c.id == table.c.connection_id)
        )
        with self._store.read() as connection:
            there = set(connection.execute(query).tuples())
        return {name: {at for at in forbidding if (name, at) not in there} for name in hotlists}

    def _due(self, list_name: str, connection_name: str) -> tuple[int, list[Entry], str | None]:
        """A list's id, what a connection is to have of it, and the clause of its contract where that is nothing."""
        list_id, entries = self._hotlists.in_force(list_name)
        clause = self._sources.forbidding("hot_lists").get(connection_name)
        return list_id, entries if clause is None else [], clause

    def _refused(self, actor: Actor, list_name: str, connection_name: str, clause: str) -> PolicyRefused:
        refusal = f"{connection_name}: its contract forbids that hot lists go to it ({clause}); nothing was sent"
        self._audit.record(
            actor, Act.HOTLISTS_PUBLISH, Outcome.REFUSED, target=list_name, connection=connection_name, refusal=refusal
        )
        return PolicyRefused(refusal)

    def verify(self, actor: Actor, list_name: str, connection_name: str) -> Published:
        """Read a connection's copy and compare it with the list, sending nothing; where its contract forbids that hot
        lists go to it, with none."""
        ident = self._id(connection_name)
        list_id, entries, clause = self._due(list_name, connection_name)
        try:
            _, connector = self._accounts.open(connection_name)
        except (HubError, ValidationError) as closed:
            result = Published(connection_name, 0, 0, False, "none", None, None, _unopened(closed))
        else:
            if not isinstance(connector, PushesHotlists):
                return self._matched_here(connection_name, connector)
            with in_time(connector) as connector:
                result = self._compared(connector, connection_name, list_name, entries, PushReport(0, 0))
        result = replace(result, closed_by=clause)
        self._settle(actor, Act.HOTLISTS_VERIFY, list_name, list_id, ident, result, bool(entries))
        return result

    def withdraw(self, actor: Actor, list_name: str, connection_name: str) -> dict[str, Any]:
        """Take a list away from a connection: empty it there, delete it where that can be done, and read it back.

        Gives `list`, `proved` (true only after a read-back that found nothing), `proof`, `left` (entries that are still
        there, None where nobody could look), `deleted` and `error`. Safe to repeat; a failure is part of the answer.
        """
        account, connector = self._accounts.open(connection_name)
        proof = {"list": list_name, "proof": "none", "left": None, "deleted": False}
        if not isinstance(connector, PushesHotlists):
            return {**proof, "proved": True, "left": 0, "error": None}
        with connector, self._store.lease(f"publish-{account.id}", f"hot lists are being published to {account.name}"):
            list_id, _ = self._hotlists.in_force(list_name)
            deleted = False
            try:
                result = self._compared(connector, connection_name, list_name, [], PushReport(0, 0))
                if not result.verified:
                    before = self._before(connector, list_name)
                    pushed = connector.push(self._delta(connector, list_name, [], before))
                    result = self._compared(connector, connection_name, list_name, [], pushed)
            except ConnectorError as failed:
                result = Published(connection_name, 0, 0, False, "none", error=str(failed))
            error = result.error
            if result.verified and isinstance(connector, DropsHotlists):
                deleted, error = self._dropped(connector, list_name)
            self._settle(actor, Act.HOTLISTS_RETRACT, list_name, list_id, account.id, result, False)
        left = None if result.error or connector.proof is Proof.ACCEPTED else result.unexpected
        return {
            **proof, "proved": result.verified, "proof": result.proof, "left": left, "deleted": deleted, "error": error,
        }  # fmt: skip

    def _dropped(self, connector: Any, list_name: str) -> tuple[bool, str | None]:
        """Whether an emptied list is gone from the vendor's side too, and what stood against it."""
        try:
            connector.drop_list(list_name)
            list(held_there(connector, list_name))
        except Gone:
            return True, None
        except ConnectorError as failed:
            return False, f"it is empty, and could not be deleted: {failed}"
        return False, "it is empty, and still there"

    def _matched_here(self, name: str, connector: Connector[Any]) -> Published:
        """A source without lists of its own: its reads are matched by the hub, in the transaction that keeps them."""
        if connector.info.origin == "native_reader":
            return Published(name, 0, 0, True, "matched_by_hub")
        return Published(name, 0, 0, False, "none", error=f"{connector.info.name} takes no hot lists")

    def _pushed(
        self,
        connector: PushesHotlists,
        name: str,
        list_name: str,
        list_id: int,
        ident: int,
        entries: list[Entry],
        progress: Progress,
    ) -> Published:
        """Push what differs and compare; a failed push is compared too, to find what of it arrived."""
        try:
            before = self._before(connector, list_name)
        except ConnectorError as failed:
            return Published(name, 0, 0, False, "none", None, None, str(failed))
        held = {(connector.held_form(entry.plate), entry.state) for entry in before}
        delta = self._delta(connector, list_name, entries, before)
        try:
            with _telling(connector, name, len(delta.add), progress) as telling:
                pushed = telling.push(delta)
        except ConnectorError as failed:
            return self._cut_short(connector, name, list_name, entries, held, str(failed))
        self._note(list_id, ident, pushed_at=self._clock.now())
        return self._compared(connector, name, list_name, entries, pushed, held)

    def _cut_short(
        self,
        connector: PushesHotlists,
        name: str,
        list_name: str,
        entries: list[Entry],
        before: set[tuple[str, str | None]],
        failed: str,
    ) -> Published:
        """What is at the vendor after a push that failed: none of it, a part, or all of it after all."""
        if connector.proof is Proof.ACCEPTED:
            unknown = f"{failed}; nobody can look how much of it arrived"
            return Published(name, None, None, False, "none", None, None, unknown)
        comparison = self._compared(connector, name, list_name, entries, PushReport(0, 0), before)
        if comparison.verified:
            return comparison
        if comparison.error is not None:
            unknown = (
                f"{failed}; how much of it arrived is not known, since the copy cannot be read: {comparison.error}"
            )
            return replace(comparison, added=None, removed=None, proof="none", error=unknown)
        if comparison.added or comparison.removed:
            arrived = f"{comparison.added or 0:,} of {len(connector.as_held(entries).keys() - before):,} new entries"
            failed = f"{failed}; before that {arrived} arrived, and {comparison.removed or 0:,} went"
        return replace(comparison, error=failed)

    def _delta(
        self, connector: PushesHotlists, list_name: str, entries: list[Entry], before: list[RemoteEntry]
    ) -> Delta:
        """What must change at the vendor, found by looking there and not by what we remember of the last push."""
        remote = {(connector.held_form(entry.plate), entry.state): entry for entry in before}
        wanted = connector.as_held(entries)
        return Delta(
            list_name=list_name,
            add=[entry for key, entry in wanted.items() if key not in remote],
            remove=[
                Entry(entry.plate, "no longer on the list", "", entry.state)
                for key, entry in remote.items()
                if key not in wanted
            ],
            complete=entries,
        )

    def _before(self, connector: PushesHotlists, list_name: str) -> list[RemoteEntry]:
        try:
            return list(held_there(connector, list_name))
        except Gone:
            return []
        except TryAgain:
            if connector.proof is Proof.RECEIPT:
                return []  # the file before this one was never acknowledged, so nothing of it counts
            raise

    def _compared(
        self,
        connector: PushesHotlists,
        name: str,
        list_name: str,
        entries: list[Entry],
        pushed: PushReport,
        before: set[tuple[str, str | None]] | None = None,
    ) -> Published:
        """What the vendor's copy shows; with `before`, its entries before a push, also how much of the push arrived."""
        proof = connector.proof
        if proof is Proof.ACCEPTED:
            return Published(name, pushed.added, pushed.removed, False, proof.value, None, None)
        wanted = connector.as_held(entries).keys()
        try:
            remote = list(held_there(connector, list_name))
        except Gone:
            remote = []
        except ConnectorError as failed:
            return Published(name, pushed.added, pushed.removed, False, proof.value, None, None, str(failed))
        held = {(connector.held_form(entry.plate), entry.state) for entry in remote}
        missing, unexpected = len(wanted - held), len(held - wanted)
        added, removed = pushed.added, pushed.removed
        if before is not None:
            added, removed = len((held & wanted) - before), len(before - wanted - held)
        return Published(name, added, removed, not missing and not unexpected, proof.value, missing, unexpected)

    def _id(self, name: str) -> int:
        table = tables.connections
        with self._store.read() as connection:
            there = select(table.c.name, table.c.id).where(table.c.removed_at.is_(None)).order_by(table.c.name)
            idents: dict[str, int] = dict(connection.execute(there).tuples().all())
        if name not in idents:
            raise NotFound(no_connection(name, list(idents)))
        return idents[name]

    def _intend(self, list_id: int, connection_id: int) -> None:
        """Note, before the push, that a list may be at the vendor: the process may end before the push does."""
        table = tables.publications
        key = (table.c.hotlist_id == list_id) & (table.c.connection_id == connection_id)
        with self._store.write() as connection:
            if connection.scalar(select(table.c.connection_id).where(key)) is None:
                connection.execute(table.insert().values(hotlist_id=list_id, connection_id=connection_id))

    def _note(self, list_id: int, connection_id: int, pushed_at: datetime) -> None:
        """Note that no earlier comparison proves the copy any more; what it found wrong stands until the next one is
        done."""
        table = tables.publications
        key = (table.c.hotlist_id == list_id) & (table.c.connection_id == connection_id)
        with self._store.write() as connection:
            connection.execute(update(table).where(key).values(pushed_at=to_micros(pushed_at), verified_at=None))

    def _settle(
        self,
        actor: Actor,
        action: Act,
        list_name: str,
        list_id: int,
        connection_id: int,
        result: Published,
        holds_entries: bool,
    ) -> None:
        """Put the outcome on record. A copy that is proved to be empty is no publication any more."""
        table = tables.publications
        key = (table.c.hotlist_id == list_id) & (table.c.connection_id == connection_id)
        values = {
            "proof": result.proof,
            "missing": result.missing,
            "unexpected": result.unexpected,
            "error": result.error,
            "verified_at": to_micros(self._clock.now()) if result.verified else None,
        }
        with self._store.write() as connection:
            if result.verified and not holds_entries:
                connection.execute(delete(table).where(key))
            elif connection.scalar(select(table.c.connection_id).where(key)) is None:
                connection.execute(table.insert().values(hotlist_id=list_id, connection_id=connection_id, **values))
            else:
                connection.execute(table.update().where(key).values(**values))
            self._audit.record(
                actor,
                action,
                Outcome.DONE if result.verified else Outcome.UNPROVED,
                target=f"{list_name} at {result.connection}",
                within=connection,
                added=result.added,
                removed=result.removed,
                missing=result.missing,
                unexpected=result.unexpected,
                proof=result.proof,
                error=result.error,
            )


def _unopened(closed: Exception) -> str:
    """Why an account cannot be opened; what pydantic says of its settings may hold what was typed."""
    why = str(closed) if isinstance(closed, HubError) else "its settings do not fit its connector any more"
    return f"the account cannot be opened, so nothing was sent: {why}"


def _telling(connector: Any, name: str, entries: int, progress: Progress) -> Any:
    """The same connector, which tells how many entries it has sent."""
    sent = 0

    def count_sent(more: int) -> None:
        nonlocal sent
        sent += more
        connector.frame.sent(more)
        progress(f"entries sent to {name}", sent, max(entries, sent))

    count_sent(0)
    return type(connector)(connector.settings, replace(connector.frame, sent=count_sent))
