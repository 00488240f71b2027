"""Each event of the audit log has a place in a tree, and events of a transaction wait until the log has them.

On SQLite the log is a file of its own, which is taken over when a hub is next opened (`hub.store.audit_file`).
"""

import msgspec
import sqlalchemy as sa
from alembic import op

from hub.store.audit_rows import former_event, micros_of, take_over

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SAID = "actor, authenticated, action, target, purpose, reason, case_number, results, outcome, policy_id"
_NAMES = f"at, {_SAID}, detail"
_VALUES = ", ".join(f":{name}" for name in _NAMES.split(", "))
_LOCKS = {
    "sqlite": "CREATE TRIGGER audit_no_change BEFORE UPDATE ON audit_waiting "
    "BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END",
    "postgresql": "CREATE TRIGGER audit_no_change BEFORE UPDATE ON audit_waiting "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
}
_LOCK = (
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
)


def upgrade() -> None:
    """Take over every event, in its order."""
    database = op.get_bind()
    if database.dialect.name == "sqlite":
        op.rename_table("audit_waiting", "audit_waited")
        op.execute("DROP TRIGGER audit_no_change")
        _make_waiting()
        for row in database.execute(sa.text("SELECT * FROM audit_waited ORDER BY id")).all():
            event = former_event(row)
            body = msgspec.json.encode(event).decode()
            database.execute(
                sa.text("INSERT INTO audit_waiting (id, event_id, body) VALUES (:id, :event_id, :body)"),
                {"id": row.id, "event_id": event["event_id"], "body": body},
            )
        op.execute(
            "UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM sqlite_sequence WHERE name LIKE 'audit_waite%')"
            " WHERE name = 'audit_waiting'"
        )
        op.execute("DROP TABLE audit_waited")
        _make_keys()
        return
    op.execute("DROP TRIGGER audit_append_only ON audit_events")
    op.execute("ALTER TABLE audit_events RENAME CONSTRAINT pk_audit_events TO pk_audit_former")
    op.execute("ALTER INDEX ix_audit_at RENAME TO ix_audit_former")
    op.rename_table("audit_events", "audit_former")
    _make_waiting()
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("actor", "action", "outcome", "document")),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_events_event_id")),
    )
    op.create_index("ix_audit_at", "audit_events", ["at"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("roots", sa.LargeBinary(), nullable=False),
    )
    op.execute("INSERT INTO audit_head (size, roots) VALUES (0, '')")
    _make_keys()
    take_over(database, "audit_former")
    op.drop_table("audit_former")
    op.execute(_LOCK)


def downgrade() -> None:
    """Forget the tree, and keep the events."""
    database = op.get_bind()
    waiting = database.execute(sa.text("SELECT id, event_id, body FROM audit_waiting ORDER BY id")).all()
    op.drop_table("audit_waiting")
    op.drop_table("audit_keys")
    op.drop_table("audit_deliveries")
    op.drop_table("audit_checkpoints")
    if database.dialect.name == "sqlite":
        _make_former("audit_waiting", sa.Column("event_id", sa.Text(), nullable=False), sqlite_autoincrement=True)
        for row in waiting:
            sql = f"INSERT INTO audit_waiting (id, event_id, {_NAMES}) VALUES (:id, :event_id, {_VALUES})"
            database.execute(sa.text(sql), {"id": row.id, "event_id": row.event_id, **_columns(row.body)})
        op.execute(_LOCKS["sqlite"])
        return
    documents = database.execute(sa.text("SELECT document FROM audit_events ORDER BY id")).scalars().all()
    op.drop_table("audit_events")
    op.drop_table("audit_head")
    _make_former("audit_events")
    op.create_index("ix_audit_at", "audit_events", ["at"], unique=False)
    for document in [*documents, *(row.body for row in waiting)]:
        database.execute(sa.text(f"INSERT INTO audit_events ({_NAMES}) VALUES ({_VALUES})"), _columns(document))
    op.execute(_LOCK)


def _make_waiting() -> None:
    op.create_table(
        "audit_waiting",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_waiting")),
        sqlite_autoincrement=True,
    )
    op.execute(_LOCKS[op.get_bind().dialect.name])


def _make_keys() -> None:
    op.create_table(
        "audit_keys",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_keys")),
        sa.UniqueConstraint("public", name=op.f("uq_audit_keys_public")),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_checkpoints")),
    )
    op.create_table(
        "audit_deliveries",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("first", "size", "at")),
        sa.Column("sha256", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("place", "proof", "error")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_deliveries")),
    )


def _make_former(name: str, *more: sa.Column[str], **options: bool) -> None:
    op.create_table(
        name,
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        *more,
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("authenticated", sa.Boolean(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        *(sa.Column(column, sa.Text()) for column in ("target", "purpose", "reason", "case_number")),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("results", sa.BigInteger()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        **options,
    )


def _columns(document: str) -> dict[str, object]:
    event = msgspec.json.decode(document)
    detail = msgspec.json.encode(event["detail"]).decode()
    return {**{name: event[name] for name in _SAID.split(", ")}, "at": micros_of(event), "detail": detail}
