"""`Removals`: ending a connection step by step, so that nothing of it goes on anywhere, and certifying that."""

from contextlib import nullcontext
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from connectors.contract import Connector, Listens, ReceivesReads, Unsubscribes
from connectors.errors import ConnectorError
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.connections.accounts import Connections
from hub.connections.certificate import REFUSED, checked, written
from hub.connections.lives import EndsOfReads
from hub.connections.lives import held as held_of
from hub.connections.row import REMOVED, REMOVING, any_row
from hub.connections.same_source import remembered
from hub.connections.waiting import SpoolFolder
from hub.errors import Busy, Conflict, HubError, Invalid, NotFound, Unsettled
from hub.people import Actor, plainly
from hub.ports import Purges, Withdraws
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.provenance import provenance_of
from hub.store.vacuum import owe

MOST_NAMED: Final = 1000
"""Held reads that a certificate names."""
Reads = Literal["keep", "purge"]


class RemovalStopped(Busy):
    """A removal could not go on; what is done is done, and a repeat begins where this one stopped."""

    code = "removal_stopped"


class Removals:
    """Removes connections."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        lives: EndsOfReads,
        connections: Connections,
        publishing: Withdraws,
        expired: Purges,
        spool: SpoolFolder,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._lives = lives
        self._connections = connections
        self._publishing = publishing
        self._expired = expired
        self._spool = spool

    def remove(self, actor: Actor, name: str, *, reads: Reads, reason: str, force: str | None = None) -> dict[str, Any]:
        """End a connection and give the certificate: `certificate` and its `sha256`.

        Nothing runs any more; the vendor's subscriptions are revoked and our hot lists withdrawn there, both proved by
        looking again; the reads stay until their time is up (`keep`), or go now where they may (`purge`; those that
        are held are over now too, and go once nobody holds them); then secrets and pace are erased. Safe to kill
        and to repeat: what is done is not done again, and a connection that is removed gives its certificate. `force`
        says why it goes on without a proof: the certificate then says what is not proved, because of what. That a
        source which pushes was told to stop is never proved, and needs no `force`: what it still pushes is refused.

        Raises `RemovalStopped` naming the step that could not be done or proved, `Invalid`, `NotFound`, and `Conflict`
        where a run is under way or the removal was begun with the other choice for the reads.
        """
        if reads not in ("keep", "purge"):
            raise Invalid("reads: say whether they are kept or purged")
        if not plainly(reason) or (force is not None and not plainly(force)):
            raise Invalid("reason: a removal needs one, and so does going on without a proof")
        with self._store.read() as connection:
            row = any_row(connection, name)
        if row.state == REMOVED:
            return self.certificate(name)
        with (
            self._store.lease(f"remove-{row.id}", f"{row.name} is being removed"),
            self._store.lease(f"sync-{row.id}", f"{row.name} is being synced"),
        ):
            if reads == "purge":
                sure(self._clock)
            self._begin(actor, row, reads, reason.strip())
            steps = self._steps(row.id)
            self._at_the_vendor(actor, row, steps, force.strip() if force else None)
            self._end_reads(actor, row, steps, reads)
            done = self._finish(actor, row, steps)
        self._store.squeeze()  # the write-ahead log must not keep the secrets, sealed or not
        return done

    def certificate(self, name: str) -> dict[str, Any]:
        """The certificate of a removed connection; raises `NotFound`, and `IntegrityBroken` where it was changed."""
        table = tables.removals
        with self._store.read() as connection:
            row = connection.execute(select(table).where(table.c.name == name)).one_or_none()
        if row is None or row.certificate is None:
            raise NotFound(f"{name}: there is no certificate, since no removal of it is over")
        return checked(row.certificate, row.sha256)

    def _begin(self, actor: Actor, row: Row[Any], reads: Reads, reason: str) -> None:
        table, accounts = tables.removals, tables.connections
        with self._store.write() as connection:
            begun = connection.scalar(select(table.c.reads).where(table.c.connection_id == row.id))
            if begun not in (None, reads):
                raise Conflict(f"the removal of {row.name} was begun with --{begun}-reads: end it so")
            if begun is None:
                connection.execute(
                    insert(table).values(
                        connection_id=row.id, name=row.name, reads=reads, reason=reason, actor=actor.name,
                        started_at=to_micros(self._clock.now()),
                        steps=msgspec.json.encode({"reads": {"before": self._kept(connection, row.id)}}).decode(),
                    )
                )  # fmt: skip
                connection.execute(
                    update(accounts).where(accounts.c.id == row.id).values(state=REMOVING, state_reason=reason)
                )
            outcome = Outcome.ASKED if begun is None else Outcome.RESUMED
            self._audit.record(
                actor,
                Act.CONNECTIONS_REMOVE,
                outcome,
                target=row.name,
                within=connection,
                reads=reads,
                removal=reason,
            )

    def _at_the_vendor(self, actor: Actor, row: Row[Any], steps: dict[str, Any], force: str | None) -> None:
        connector: Connector[Any] | None = None
        closed: str | None = None
        try:
            _, connector = self._connections.open(row.name)
        except HubError as failed:
            closed = f"the account cannot be opened: {failed}"
        if not steps.get("subscriptions", {}).get("over"):
            with connector or nullcontext():
                revoked = self._revoke(row, steps, connector, closed)
            self._judge(actor, row, "subscriptions", revoked, force)
            steps["subscriptions"] = {**revoked, "over": True}
            self._keep_steps(actor, row, steps, "subscriptions")
        lists = steps.setdefault("hot_lists", {})
        for name in self._published(row.id):
            if lists.get(name, {}).get("over"):
                continue
            proof: dict[str, Any] = {"list": name, "proved": False, "error": closed}
            if connector is not None:
                proof |= self._publishing.withdraw(actor, name, row.name)
            self._judge(actor, row, f"hot list {name!r}", proof, force)
            lists[name] = {**proof, "over": True}
            self._keep_steps(actor, row, steps, "hot_lists")

    def _revoke(
        self, row: Row[Any], steps: dict[str, Any], connector: Connector[Any] | None, closed: str | None
    ) -> dict[str, Any]:
        if connector is None:
            return {"found": [], "left": None, "proved": False, "error": closed}
        if not isinstance(connector, Unsubscribes):
            if not isinstance(connector, ReceivesReads | Listens):
                return {"found": [], "left": 0, "proved": True, "note": None, "error": None}
            note = f"tell the source of {row.name} to stop pushing; {REFUSED}"
            return {"found": [], "left": None, "proved": False, "note": note, "error": None}
        before = steps.get("subscriptions", {}).get("found", [])
        subscriptions = list(before)
        try:
            subscriptions = list(dict.fromkeys([*before, *connector.subscriptions()]))
            steps["subscriptions"] = {"found": subscriptions}
            self._keep_steps(None, row, steps, "subscriptions")  # a crash after this still knows what there was
            connector.unsubscribe()
            left = len(connector.subscriptions())
        except ConnectorError as failed:
            return {"found": subscriptions, "left": None, "proved": False, "error": str(failed)}
        return {"found": subscriptions, "left": left, "proved": not left, "error": None}

    def _judge(self, actor: Actor, row: Row[Any], step: str, proof: dict[str, Any], force: str | None) -> None:
        """Return if a step is proved, or if `force` says why to go on without; else raise `RemovalStopped`.

        What only a person can do at the source (`note`) stops nothing, since no repeat could prove it: the certificate
        says that it is not proved.
        """
        if proof["proved"] or proof.get("note"):
            return
        why = proof.get("error") or "it is not proved that nothing is left there"
        if force is None:
            self._audit.record(actor, Act.CONNECTIONS_REMOVE, Outcome.STOPPED, target=row.name, step=step, error=why)
            raise RemovalStopped(
                f"the removal of {row.name} stopped at its {step}: {why}. Nothing runs any more; repeat the command to"
                " go on, or add --force with the reason to go on without this proof"
            )
        proof["forced"] = force

    def _end_reads(self, actor: Actor, row: Row[Any], steps: dict[str, Any], reads: Reads) -> None:
        step = steps["reads"]
        if step.get("over"):
            return
        now = self._clock.now()
        if reads == "purge":
            if row.retention_vendor is None:
                raise Unsettled(
                    f"nobody knows how long reads of {row.name} must be kept, since its connector {row.connector!r} was"
                    " never here: install it, or name it in ALPRHUB_ALLOW_CONNECTORS, and repeat the command"
                )
            self._lives.finish(row.id, provenance_of(row))
            table = tables.quarantine
            with self._store.write() as connection:
                connection.execute(
                    update(table).where(table.c.connection_id == row.id).values(expires_at=to_micros(now))
                )
            self._expired.purge(actor)
        held, names = held_of(self._store, row.id, MOST_NAMED)
        with self._store.read() as connection:
            left = self._kept(connection, row.id)
        purged = max(step["before"] - left, 0) if reads == "purge" else 0
        step |= {"policy": reads, "purged": purged, "kept": left, "held": held, "held_reads": names, "over": True}
        self._keep_steps(actor, row, steps, "reads")

    def _finish(self, actor: Actor, row: Row[Any], steps: dict[str, Any]) -> dict[str, Any]:
        """Erase secrets and pace, and certify, in one transaction."""
        table, accounts = tables.removals, tables.connections
        now = self._clock.now()
        with self._store.write() as connection:
            begun = connection.execute(select(table).where(table.c.connection_id == row.id)).one()
            text, digest = written(
                row, begun, steps, self._spool.waiting(), actor, now, self._store.traces, self._store.zone()
            )
            connection.execute(
                update(accounts)
                .where(accounts.c.id == row.id)
                .values(
                    state=REMOVED, removed_at=to_micros(now), settings=remembered(row.settings), sealed=b"",
                    sealed_key="", every_seconds=None, checkpoint=None, checkpoint_at=None,
                )
            )  # fmt: skip
            connection.execute(
                update(table)
                .where(table.c.id == begun.id)
                .values(ended_at=to_micros(now), certificate=text, sha256=digest)
            )
            files = tables.taken_files
            connection.execute(delete(files).where(files.c.connection_id == row.id))
            self._audit.record(
                actor, Act.CONNECTIONS_REMOVE, Outcome.DONE, target=row.name, within=connection, sha256=digest,
                results=steps["reads"]["purged"],
            )  # fmt: skip
            owe(connection, to_micros(now))
        return checked(text, digest)

    def _steps(self, connection_id: int) -> dict[str, Any]:
        table = tables.removals
        with self._store.read() as connection:
            steps = connection.scalar(select(table.c.steps).where(table.c.connection_id == connection_id))
        return dict(msgspec.json.decode(steps or "{}"))

    def _keep_steps(self, actor: Actor | None, row: Row[Any], steps: dict[str, Any], step: str) -> None:
        table = tables.removals
        with self._store.write() as connection:
            connection.execute(
                update(table).where(table.c.connection_id == row.id).values(steps=msgspec.json.encode(steps).decode())
            )
            if actor is not None:
                self._audit.record(
                    actor, Act.CONNECTIONS_REMOVE, Outcome.STEP, target=row.name, within=connection, step=step
                )

    def _published(self, connection_id: int) -> list[str]:
        table, lists = tables.publications, tables.hotlists
        with self._store.read() as connection:
            return list(
                connection.scalars(
                    select(lists.c.name)
                    .join(table, table.c.hotlist_id == lists.c.id)
                    .where(table.c.connection_id == connection_id)
                    .order_by(lists.c.name)
                )
            )

    def _kept(self, connection: Connection, connection_id: int) -> int:
        table = tables.ledger
        return connection.scalar(select(func.count()).where(table.c.connection_id == connection_id)) or 0
