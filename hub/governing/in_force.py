"""`Governing`: the policy in force, whichever process has put it in force, and those that were before it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Row, func, insert, select

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import HubError, NotFound, PolicyRefused
from hub.people import Actor
from hub.policy.contract import SourceContract
from hub.policy.decisions import Decision
from hub.policy.document import FOLDER
from hub.policy.profile import InForce, Profile, load, of_bytes, own_overlays
from hub.policy.provenance import Provenance
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros

FOR_EVER: Final = timedelta(days=36_500)
AT_FIRST: Final = "the settings' profile, put in force by the first start"


class Governing:
    """The policy in force at any moment, whichever process has put it in force, and those before it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, Profile] = {}

    def now(self, within: Connection | None = None) -> InForce:
        """The policy in force; in a write transaction (`within`) it stays so until that is over."""
        with self._reading(within) as connection:
            ident = int(connection.scalar(select(func.max(tables.policies.c.id))) or 0)
            return InForce(ident, self.of(ident, connection))

    def profile_or_none(self) -> Profile | None:
        """The policy in force; None where none ever was."""
        with self._store.read() as connection:
            row = newest(connection)
        return None if row is None else of_row(row)

    def profile(self) -> Profile:
        """The profile in force."""
        return self.now().profile

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the policy in force counts days, months and nights."""
        return self.profile().zone

    def zone_now(self) -> ZoneInfo:
        """`zone`, for whoever asks it again each time."""
        return self.zone

    def life(self, of: Provenance, now: datetime) -> timedelta:
        """How long a read that is captured now will live; a hundred years where nothing says that it is ever over."""
        try:
            return self.profile().expiry(*of, now).at - now
        except PolicyRefused:
            return FOR_EVER

    def of(self, ident: int, within: Connection | None = None) -> Profile:
        """The profile of a policy; raises `NotFound`."""
        known = self._known.get(ident)
        if known is None:
            with self._reading(within) as connection:
                table = tables.policies
                row = connection.execute(select(table).where(table.c.id == ident)).one_or_none()
            if row is None:
                raise NotFound(f"there is no policy {ident}")
            known = self._known[ident] = of_row(row)
        return known

    def edited(self) -> str | None:
        """The file of the policy in force, where that says now what was never put in force; None where it does not.

        What is in force is what was kept; a file that is gone says nothing.
        """
        with self._store.read() as connection:
            row = newest(connection)
        if row is None or not _is_file(row.profile) or not Path(row.profile).is_file():
            return None
        try:
            says = row_of(row.profile, ())
        except (HubError, OSError, UnicodeDecodeError):
            return str(row.profile)
        return None if all(says[part] == getattr(row, part) for part in ("document", "overlays")) else str(row.profile)

    def history(
        self, before: int | None = None, within: Connection | None = None, through: int | None = None
    ) -> list[tuple[int, Profile]]:
        """Every policy that was ever in force and since when (µs), oldest first.

        Up to the one before `before`, or with `through` up to that one.
        """
        table = tables.policies
        query = select(table.c.id, table.c.activated_at).order_by(table.c.id)
        if before is not None:
            query = query.where(table.c.id < before)
        if through is not None:
            query = query.where(table.c.id <= through)
        with self._reading(within) as connection:
            rows = connection.execute(query).all()
            return [(row.activated_at, self.of(row.id, connection)) for row in rows]

    def clauses(self) -> dict[str, str]:
        """The clause of every rule of a policy or a contract that ever gave a read its end: the newest one's, where
        several have the rule."""
        table = tables.contracts
        query = select(table.c.document).where(table.c.document.is_not(None)).order_by(table.c.id)
        with self._store.read() as connection:
            agreed = [SourceContract.model_validate_json(document) for document in connection.scalars(query)]
        rules = [rule for _, profile in self.history() for rule in profile.rules]
        return {rule.id: rule.clause for rule in (*(rule for one in agreed for rule in one.rules()), *rules)}

    @contextmanager
    def _reading(self, within: Connection | None) -> Iterator[Connection]:
        if within is not None:
            yield within
            return
        with self._store.read() as connection:
            yield connection


def begin(
    store: Store, audit: Audit, clock: Clock, actor: Actor, name: str, decisions: Sequence[Decision] = ()
) -> Profile:
    """The profile in force; where none was ever, the one of this name is put in force with what is signed about it.

    Raises `PolicyConflict` or `PolicyRefused` where it cannot be: where it leaves something to a schedule, a decision
    must give the number. What else an agency has not decided yet runs by the safe defaults.
    """
    with store.read() as connection:
        policy = newest(connection)
    if policy is not None:
        return of_row(policy)
    profile, row = load(name, decisions), row_of(name, decisions)
    profile.activation().demand()
    with store.write() as connection:
        policy = newest(connection)
        if policy is not None:  # somebody else's first start
            return of_row(policy)
        keep(connection, row, to_micros(clock.now()), actor, AT_FIRST)
        audit.record(
            actor, Act.POLICY_ACTIVATE, Outcome.AUTOMATIC, target=name, within=connection, digest=row["digest"],
            change=AT_FIRST, settles=[decision.settles for decision in decisions],
        )  # fmt: skip
    return profile


def of_row(row: Row[Any]) -> Profile:
    """The profile as it was put in force, whatever its file says today."""
    return of_kept(row.profile, row.document, row.decisions, row.overlays)


def of_kept(name: str, document: str, decisions: str, overlays: str) -> Profile:
    """The profile of a document as it was kept, of what was signed about it, and of its own overlays (both JSON)."""
    agreed = [Decision.model_validate(entry) for entry in msgspec.json.decode(decisions)]
    if document == _built_in(name):
        return load(name, agreed)
    # A policy that was kept before its overlays were has them where they lay.
    beside = Path(name).parent if _is_file(name) else None
    return of_bytes(document.encode(), name, agreed, beside, msgspec.json.decode(overlays))


def _built_in(name: str) -> str | None:
    file = FOLDER.joinpath(f"{name}.yaml")
    return file.read_text() if not _is_file(name) and file.is_file() else None


def _is_file(name: str) -> bool:
    return "/" in name or name.endswith((".yaml", ".yml"))


def row_of(name: str, decisions: Sequence[Decision]) -> Mapping[str, str]:
    """What is kept of a policy and of what was signed about it; raises `NotFound`."""
    document = Path(name).read_text() if _is_file(name) else _built_in(name)
    if document is None:
        raise NotFound(f"no policy profile is called {name!r}")
    own = own_overlays(document.encode(), name, Path(name).parent) if _is_file(name) else {}
    overlays = msgspec.json.encode(own, order="sorted").decode()
    signed = msgspec.json.encode([decision.model_dump(mode="json") for decision in decisions], order="sorted").decode()
    digest = sha256(f"{document}\n{signed}{overlays if own else ''}".encode()).hexdigest()
    return {"profile": name, "digest": digest, "document": document, "decisions": signed, "overlays": overlays}


def newest(connection: Connection) -> Row[Any] | None:
    """The policy that was put in force last; None where none ever was."""
    table = tables.policies
    return connection.execute(select(table).order_by(table.c.id.desc()).limit(1)).one_or_none()


def keep(
    connection: Connection,
    row: Mapping[str, str],
    now: int,
    actor: Actor,
    reason: str,
    approval: int | None = None,
) -> int:
    """Keep a policy as the one in force from now (µs) on; gives its id. The first start's has no `approval`."""
    table = tables.policies
    about = {"activated_at": now, "activated_by": actor.name, "reason": reason, "approval_id": approval}
    return int(connection.execute(insert(table).values(**row, **about).returning(table.c.id)).scalar_one())
