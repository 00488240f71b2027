"""`Activate`: which policy is in force, and putting another in force once it is known what that would do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, func, insert, select

from hub.audit.record import Actor, Audit
from hub.clock import Clock, sure
from hub.errors import Conflict, Invalid, NotFound
from hub.policy.decisions import Decision
from hub.policy.document import FOLDER
from hub.policy.profile import InForce, Profile, load, of_bytes
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros

AT_FIRST: Final = "the settings' profile, put in force by the first start"


class Change(NamedTuple):
    """What a policy would do to one connection's reads that get their end from one of its rules."""

    connection: str
    rule: str
    reads: int
    shorter: int
    longer: int
    kept_short: int
    """Those that it would let live longer, if that were signed (`lengthening`): they keep the end that they have."""
    end_now: int
    """Those that would be over at once, and purged; they are among `shorter`."""


class Activate:
    """Knows what is in force."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        effect: Callable[[Profile], Sequence[Change]],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._effect = effect

    def preview(self, name: str, decisions: Sequence[Decision] = ()) -> list[Change]:
        """What putting a profile in force would do, by connection and rule; changes nothing.

        Raises `NotFound`, `Invalid`, and `PolicyConflict` or `PolicyRefused` where it cannot be put in force.
        """
        profile = load(name, decisions)
        profile.activation().demand()
        return list(self._effect(profile))

    def activate(self, actor: Actor, name: str, reason: str, decisions: Sequence[Decision] = ()) -> int:
        """Put a profile in force with what was signed about it; gives the policy's id.

        Reads that are kept get their new ends from `Recompute`, and what opens the hub from now on follows the new
        policy. Raises as `preview` does, and `Conflict` where it is in force already.
        """
        if not reason.strip():
            raise Invalid("reason: say why the policy changes")
        load(name, decisions).activation().demand()
        row, now = _row(name, decisions), to_micros(sure(self._clock))
        reads, recomputes = tables.reads, tables.recomputes
        with self._store.write() as connection:
            before = _newest(connection)
            if before is not None and before.digest == row["digest"]:
                raise Conflict(f"{name} is in force already, with the same decisions")
            ident = _insert(connection, row, now, actor, reason.strip())
            last = connection.scalar(select(func.coalesce(func.max(reads.c.id), 0)))
            connection.execute(
                insert(recomputes).values(policy_id=ident, started_at=now, started_by=actor.name, last_id=last)
            )
            self._audit.record(
                actor, "policy.activate", "done", target=name, within=connection, digest=row["digest"],
                before=before.digest if before else None, change=reason.strip(),
                settles=[one.settles for one in decisions],
            )  # fmt: skip
        return ident


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
            row = _newest(connection)
        return None if row is None else of_row(row)

    def profile(self) -> Profile:
        """The profile in force."""
        return self.now().profile

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

    def history(self, before: int | None = None, within: Connection | None = None) -> list[tuple[int, Profile]]:
        """Every policy that was ever in force, up to the one before `before`, and since when (µs), oldest first."""
        table = tables.policies
        found = select(table.c.id, table.c.activated_at).order_by(table.c.id)
        with self._reading(within) as connection:
            rows = connection.execute(found if before is None else found.where(table.c.id < before)).all()
            return [(row.activated_at, self.of(row.id, connection)) for row in rows]

    def clauses(self) -> dict[str, str]:
        """The clause of every rule that ever gave a read its end: the newest policy's, where several have the rule."""
        return {rule.id: rule.clause for _, profile in self.history() for rule in profile.rules}

    @contextmanager
    def _reading(self, within: Connection | None) -> Iterator[Connection]:
        if within is not None:
            yield within
            return
        with self._store.read() as connection:
            yield connection


def begin(store: Store, audit: Audit, clock: Clock, name: str) -> Profile:
    """The profile in force; where none was ever, the one of this name is put in force, and the audit says so.

    What stands in its way is in the audit too: an agency that has not decided yet runs by the safe defaults.
    """
    with store.read() as connection:
        found = _newest(connection)
    if found is not None:
        return of_row(found)
    profile, row, actor = load(name), _row(name, ()), Actor.of_process()
    state = profile.activation()
    with store.write() as connection:
        found = _newest(connection)
        if found is not None:  # somebody else's first start
            return of_row(found)
        _insert(connection, row, to_micros(clock.now()), actor, AT_FIRST)
        audit.record(
            actor, "policy.activate", "automatic", target=name, within=connection, digest=row["digest"],
            change=AT_FIRST, conflicts=[one.id for one in state.conflicts], without_ceiling=list(state.without_ceiling),
        )  # fmt: skip
    return profile


def of_row(row: Row[Any]) -> Profile:
    """The profile as it was put in force, whatever its file says today."""
    decisions = msgspec.json.decode(row.decisions)
    if not decisions and row.document == _built_in(row.profile):
        return load(row.profile)
    beside = Path(row.profile).parent if _is_file(row.profile) else None
    return of_bytes(row.document.encode(), row.profile, [Decision.model_validate(one) for one in decisions], beside)


def _built_in(name: str) -> str | None:
    file = FOLDER.joinpath(f"{name}.yaml")
    return file.read_text() if not _is_file(name) and file.is_file() else None


def _is_file(name: str) -> bool:
    return "/" in name or name.endswith((".yaml", ".yml"))


def _row(name: str, decisions: Sequence[Decision]) -> Mapping[str, str]:
    document = Path(name).read_text() if _is_file(name) else _built_in(name)
    if document is None:
        raise NotFound(f"no policy profile is called {name!r}")
    signed = msgspec.json.encode([one.model_dump(mode="json") for one in decisions], order="sorted").decode()
    digest = sha256(f"{document}\n{signed}".encode()).hexdigest()
    return {"profile": name, "digest": digest, "document": document, "decisions": signed}


def _newest(connection: Connection) -> Row[Any] | None:
    table = tables.policies
    return connection.execute(select(table).order_by(table.c.id.desc()).limit(1)).one_or_none()


def _insert(connection: Connection, row: Mapping[str, str], now: int, actor: Actor, reason: str) -> int:
    table = tables.policies
    made = insert(table).values(**row, activated_at=now, activated_by=actor.name, reason=reason).returning(table.c.id)
    return int(connection.execute(made).scalar_one())
