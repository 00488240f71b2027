"""`Changes`: other settings, other secrets, another kind of source, each tried before it takes the place of the old."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args, get_type_hints

import msgspec
from sqlalchemy import Row, update

from connectors.contract import Frame, Info, Settings
from connectors.faults import unknown
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.connections.accounts import Connections, live_check, ours
from hub.connections.kinds import KindChanges
from hub.connections.lives import EndsOfReads
from hub.connections.row import settled
from hub.connections.same_source import SameSource, sources_of
from hub.connections.secrets import closed, is_secret, sealed, secret_names, unsealed, validated
from hub.errors import Busy, Conflict, Faults, Invalid
from hub.governing.in_force import Governing
from hub.people import Actor
from hub.policy.provenance import Provenance
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.provenance import provenance_of
from hub.store.vacuum import owe
from hub.store.vault import Vault

ORIGINS: Final[tuple[str, ...]] = get_args(get_type_hints(Info)["origin"])


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do. `fields` are names alone; `end_now` of the `reads` kept would expire at once.

    `reads` is None where the retention stays as it is. A rule that keeps longer holds for what comes: what is kept
    already keeps the end that it was given.
    """

    connection: str
    fields: list[str]
    rule_before: str
    rule_after: str
    clause: str
    reads: int | None
    end_now: int


@dataclass(frozen=True, slots=True)
class Changed:
    """What was changed, what the live check found, and how many reads got a sooner end."""

    preview: Preview
    check: str
    shortened: int


class Changes:
    """Changes configured accounts."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        vault: Vault,
        frame: Frame,
        governing: Governing,
        lives: EndsOfReads,
        agency: str,
        connections: Connections,
        kinds: KindChanges,
        same_source: SameSource,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._vault = vault
        self._frame = frame
        self._governing = governing
        self._lives = lives
        self._agency = agency
        self._connections = connections
        self._kinds = kinds
        self._same_source = same_source

    def preview(
        self,
        name: str,
        values: dict[str, Any],
        *,
        unset: Sequence[str] = (),
        kind: str | None = None,
        agency: str | None = None,
    ) -> Preview:
        """What a change would do, without doing it; raises as `change` does."""
        return self._plan(name, values, unset, kind, agency)[0]

    def change(
        self,
        actor: Actor,
        name: str,
        values: dict[str, Any],
        *,
        unset: Sequence[str] = (),
        kind: str | None = None,
        agency: str | None = None,
        expire: bool = False,
        check: bool = True,
    ) -> Changed:
        """Change settings that are no secrets, the kind of source (`own`, `commercial`, `native_reader`) or the agency.

        Raises `Invalid` naming the setting, `Conflict` where reads would expire at once and `expire` does not say that
        they may, `PolicyRefused` where another kind loosens what is promised (`KindChanges.propose`) or another
        connection promises more of the source that it points to then (`SameSource`), and a
        `ConnectorError` where the account does not work so; nothing is changed then.
        """
        preview, row, after, settings = self._plan(name, values, unset, kind, agency)
        if after.origin != row.kind:
            self._kinds.demand(actor, name, provenance_of(row, after.vendor), after)
        there = settings.model_dump(mode="json")
        if sources_of(there) - sources_of(msgspec.json.decode(row.settings)):
            self._same_source.demand(actor, Act.CONNECTIONS_CHANGE, name, row.connector, there, after)
        if preview.reads is not None:
            sure(self._clock)
        if preview.end_now and not expire:
            raise Conflict(
                f"{preview.end_now} of {preview.reads} reads would expire at once under rule {preview.rule_after}"
                f" ({preview.clause}): repeat with --yes if that is meant"
            )
        connector = self._connections.kind(row.connector)
        outcome = live_check(connector, settings, self._frame) if check and (values or unset) else "not checked"
        with self._store.write() as connection:
            self._same(settled(connection, name), row)
            connection.execute(
                update(tables.connections)
                .where(tables.connections.c.id == row.id)
                .values(
                    kind=after.origin,
                    agency=row.agency if agency is None else self._agency,
                    **sealed(self._vault, name, settings),
                )
            )
            self._audit.record(
                actor, Act.CONNECTIONS_CHANGE, Outcome.DONE, target=name, within=connection, fields=preview.fields,
                rule_before=preview.rule_before, rule_after=preview.rule_after, end_now=preview.end_now,
            )  # fmt: skip
        if preview.reads is None:
            return Changed(preview, outcome, 0)
        # After the change, so that what comes meanwhile is under the new rule already; a repeat finishes a crash.
        return Changed(preview, outcome, self._lives.follow(row.id, after))

    def rotate(self, actor: Actor, name: str, secrets: dict[str, Any], *, check: bool = True) -> str:
        """Put new secrets in the place of the old ones after a live check with the new, and say what it found.

        The old ones are gone afterwards; where they cannot be opened any more, every one that is needed must be given.
        Raises `Invalid` for what is no secret of this connector, and a
        `ConnectorError` where the account does not work with them; the old ones stay in force then.
        """
        with self._store.read() as connection:
            row = settled(connection, name)
        kind = self._connections.kind(row.connector)
        known = secret_names(kind)
        if not secrets:
            raise Invalid(f"settings: a new secret is missing; {name} has {', '.join(known) or 'none'}")
        if other := sorted(set(secrets) - set(known)):
            raise Invalid(f"{other[0]}: is no secret of {row.connector}; there are: {', '.join(known) or 'none'}")
        held = msgspec.json.decode(row.settings) if closed(self._vault, row) else unsealed(self._vault, row)
        settings = validated(kind, {**held, **secrets}, kept=held.keys() - secrets.keys())
        outcome = live_check(kind, settings, self._frame) if check else "not checked"
        self._vault.begin_anew()
        with self._store.write() as connection:
            self._same(settled(connection, name), row)
            connection.execute(
                update(tables.connections)
                .where(tables.connections.c.id == row.id)
                .values(**sealed(self._vault, name, settings))
            )
            self._audit.record(
                actor, Act.CONNECTIONS_ROTATE, Outcome.DONE, target=name, within=connection, fields=sorted(secrets)
            )
            owe(connection, to_micros(self._clock.now()))
        self._store.squeeze()
        return outcome

    def secrets_of(self, name: str) -> dict[str, bool]:
        """The secret settings of a connection, and whether each one is set; all may be where none can be opened."""
        with self._store.read() as connection:
            row = settled(connection, name)
        if closed(self._vault, row):
            return dict.fromkeys(secret_names(self._connections.kind(row.connector)), True)
        held = unsealed(self._vault, row)
        return {field: bool(held.get(field)) for field in secret_names(self._connections.kind(row.connector))}

    def _plan(
        self, name: str, values: dict[str, Any], unset: Sequence[str], origin: str | None, agency: str | None
    ) -> tuple[Preview, Row[Any], Provenance, Settings]:
        with self._store.read() as connection:
            row = settled(connection, name)
        if origin is not None and origin not in ORIGINS:
            raise Invalid(f"kind: must be one of {', '.join(ORIGINS)}")
        if agency is not None:
            ours(self._agency, agency)
        kind = self._connections.kind(row.connector)
        vendor = row.retention_vendor or kind.info.retention_vendor
        before = provenance_of(row, vendor)
        after = provenance_of(row, vendor, origin)
        known, wrong, held = kind.Settings.model_fields, list[str](), unsealed(self._vault, row)
        for field in (*values, *unset):
            if field in unset and field in held and field not in known:
                continue  # a setting of before, which the connector has no more
            if field not in known:
                wrong.append(unknown(field, list(known), f"{row.connector} has"))
            elif is_secret(known[field]):
                wrong.append(f"{field}: is a secret, which is changed by alprhub connections rotate {name}")
        if wrong:
            raise Faults("", wrong)
        wanted = {key: value for key, value in {**held, **values}.items() if key not in unset}
        settings = validated(kind, wanted, kept=held.keys() - values.keys())
        try:
            was = validated(kind, held, kept=held)
            fields = [field for field in known if getattr(settings, field) != getattr(was, field)]
        except Faults:  # what was kept fits no more, and this is how it is put right
            fields = [field for field in known if field in values or field in unset]
        if after.origin != row.kind:
            fields.append("kind")
        if agency is not None and row.agency != self._agency:
            fields.append("agency")
        profile = self._governing.profile()
        rules = [profile.rule_for(*provenance) for provenance in (before, after)]
        reads, end_now = None, 0
        if origin is not None or agency is not None:
            reads, end_now = self._lives.effect(row.id, after)
        preview = Preview(name, fields, rules[0].id, rules[1].id, rules[1].clause, reads, end_now)
        return preview, row, after, settings

    def _same(self, now: Row[Any], then: Row[Any]) -> None:
        if any(getattr(now, one) != getattr(then, one) for one in ("sealed", "settings", "kind", "contract")):
            raise Busy(f"{now.name} was changed by somebody else meanwhile: look at it again, then repeat this")
