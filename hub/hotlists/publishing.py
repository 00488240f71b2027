"""`Publishing`: making every source's copy of a list agree with ours, and proving it by reading back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

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
from hub.audit.record import Actor, Audit
from hub.clock import Clock
from hub.hotlists.lists import Hotlists
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros


@dataclass(frozen=True, slots=True)
class Published:
    """What is known of one list at one connection. `verified` is true only after the vendor's copy was compared."""

    connection: str
    added: int
    removed: int
    verified: bool
    proof: str
    missing: int = 0
    unexpected: int = 0
    error: str | None = None


class Publishing:
    """Pushes lists to connections and reads them back."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        hotlists: Hotlists,
        opened: Callable[[str], tuple[Any, Connector[Any]]],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._hotlists = hotlists
        self._open = opened

    def publish(self, actor: Actor, list_name: str, connection_name: str) -> Published:
        """Make a connection's copy agree with the list, then read it back and compare.

        A failure is part of the answer, and on record, so that one vendor's outage never hides another's.
        """
        account, connector = self._open(connection_name)
        if not isinstance(connector, PushesHotlists):
            return self._matched_here(connection_name, connector)
        with self._store.lease(f"publish-{account.id}", f"hot lists are being published to {account.name}"):
            list_id, entries = self._hotlists.in_force(list_name)
            self._intend(list_id, account.id)
            try:
                pushed = connector.push(self._delta(connector, list_name, entries))
            except ConnectorError as failed:
                result = Published(connection_name, 0, 0, False, "none", error=str(failed))
            else:
                self._note(list_id, account.id, pushed_at=self._clock.now())
                result = self._compared(connector, connection_name, list_name, entries, pushed)
            self._settle(actor, "hotlists.publish", list_name, list_id, account.id, result, bool(entries))
        return result

    def verify(self, actor: Actor, list_name: str, connection_name: str) -> Published:
        """Read a connection's copy and compare it with the list, sending nothing."""
        account, connector = self._open(connection_name)
        if not isinstance(connector, PushesHotlists):
            return self._matched_here(connection_name, connector)
        list_id, entries = self._hotlists.in_force(list_name)
        result = self._compared(connector, connection_name, list_name, entries, PushReport(0, 0))
        self._settle(actor, "hotlists.verify", list_name, list_id, account.id, result, bool(entries))
        return result

    def withdraw(self, actor: Actor, list_name: str, connection_name: str) -> dict[str, Any]:
        """Take a list away from a connection: empty it there, delete it where that can be done, and read it back.

        Gives `list`, `proved` (true only after a read-back that found nothing), `proof`, `left` (entries that are still
        there, None where nobody could look), `deleted` and `error`. Safe to repeat; a failure is part of the answer.
        """
        account, connector = self._open(connection_name)
        told = {"list": list_name, "proof": "none", "left": None, "deleted": False}
        if not isinstance(connector, PushesHotlists):
            return {**told, "proved": True, "left": 0, "error": None}
        with self._store.lease(f"publish-{account.id}", f"hot lists are being published to {account.name}"):
            list_id, _ = self._hotlists.in_force(list_name)
            deleted = False
            try:
                result = self._compared(connector, connection_name, list_name, [], PushReport(0, 0))
                if not result.verified:
                    pushed = connector.push(self._delta(connector, list_name, []))
                    result = self._compared(connector, connection_name, list_name, [], pushed)
            except ConnectorError as failed:
                result = Published(connection_name, 0, 0, False, "none", error=str(failed))
            error = result.error
            if result.verified and isinstance(connector, DropsHotlists):
                deleted, error = self._dropped(connector, list_name)
            self._settle(actor, "hotlists.retract", list_name, list_id, account.id, result, False)
        left = None if result.error or connector.proof is Proof.ACCEPTED else result.unexpected
        return {
            **told, "proved": result.verified, "proof": result.proof, "left": left, "deleted": deleted, "error": error,
        }  # fmt: skip

    def _dropped(self, connector: Any, list_name: str) -> tuple[bool, str | None]:
        """Whether an emptied list is gone from the vendor's side too, and what stood against it."""
        try:
            connector.drop_list(list_name)
            list(connector.list_remote(list_name))
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

    def _delta(self, connector: PushesHotlists, list_name: str, entries: list[Entry]) -> Delta:
        """What must change at the vendor, found by looking there and not by what we remember of the last push."""
        remote = {(connector.held_form(one.plate), one.state): one for one in self._before(connector, list_name)}
        wanted = connector.as_held(entries)
        return Delta(
            list_name=list_name,
            add=[entry for key, entry in wanted.items() if key not in remote],
            remove=[
                Entry(one.plate, "no longer on the list", "", one.state)
                for key, one in remote.items()
                if key not in wanted
            ],
            complete=entries,
        )

    def _before(self, connector: PushesHotlists, list_name: str) -> list[RemoteEntry]:
        try:
            return list(connector.list_remote(list_name))
        except Gone:
            return []
        except TryAgain:
            if connector.proof is Proof.RECEIPT:
                return []  # the file before this one was never acknowledged, so nothing of it counts
            raise

    def _compared(
        self, connector: PushesHotlists, name: str, list_name: str, entries: list[Entry], pushed: PushReport
    ) -> Published:
        proof = connector.proof
        if proof is Proof.ACCEPTED:
            return Published(name, pushed.added, pushed.removed, False, proof.value)
        wanted = connector.as_held(entries).keys()
        try:
            remote = list(connector.list_remote(list_name))
        except Gone:
            remote = []
        except ConnectorError as failed:
            return Published(name, pushed.added, pushed.removed, False, proof.value, len(wanted), 0, str(failed))
        held = {(connector.held_form(one.plate), one.state) for one in remote}
        missing, unexpected = len(wanted - held), len(held - wanted)
        verified = not missing and not unexpected
        return Published(name, pushed.added, pushed.removed, verified, proof.value, missing, unexpected)

    def _intend(self, list_id: int, connection_id: int) -> None:
        """Know from now on that a list may be there, even if the process ends before the push does."""
        table = tables.publications
        key = (table.c.hotlist_id == list_id) & (table.c.connection_id == connection_id)
        with self._store.write() as connection:
            if connection.scalar(select(table.c.connection_id).where(key)) is None:
                connection.execute(table.insert().values(hotlist_id=list_id, connection_id=connection_id))

    def _note(self, list_id: int, connection_id: int, pushed_at: datetime) -> None:
        table = tables.publications
        with self._store.write() as connection:
            key = (table.c.hotlist_id == list_id) & (table.c.connection_id == connection_id)
            connection.execute(delete(table).where(key))
            connection.execute(
                table.insert().values(hotlist_id=list_id, connection_id=connection_id, pushed_at=to_micros(pushed_at))
            )

    def _settle(
        self,
        actor: Actor,
        action: str,
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
                "done" if result.verified else "unproved",
                target=f"{list_name} at {result.connection}",
                within=connection,
                added=result.added,
                removed=result.removed,
                missing=result.missing,
                unexpected=result.unexpected,
                proof=result.proof,
                error=result.error,
            )
