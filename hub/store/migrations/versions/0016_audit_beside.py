"""On SQLite the audit log has a file of its own; events of a transaction wait in the database until it is committed."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_COLUMNS = "at, actor, authenticated, action, target, purpose, reason, case_number, detail, results, outcome, policy_id"
_WAITING = """
CREATE TABLE audit_waiting (
  id INTEGER NOT NULL CONSTRAINT pk_audit_waiting PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))),
  at BIGINT NOT NULL, actor TEXT NOT NULL, authenticated BOOLEAN NOT NULL, action TEXT NOT NULL, target TEXT,
  purpose TEXT, reason TEXT, case_number TEXT, detail TEXT NOT NULL, results BIGINT, outcome TEXT NOT NULL,
  policy_id BIGINT
)
"""
_LOCKED = "CREATE TRIGGER audit_no_{} BEFORE {} ON {} BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END"


def upgrade() -> None:
    """Have every event wait for its place in the log, those too that are there already."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute(_WAITING)
    op.execute(f"INSERT INTO audit_waiting ({_COLUMNS}) SELECT {_COLUMNS} FROM audit_events ORDER BY id")
    op.execute("DROP TABLE audit_events")
    op.execute(_LOCKED.format("change", "UPDATE", "audit_waiting"))


def downgrade() -> None:
    """Keep events in the database again; those in the log's file stay there."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("authenticated", sa.Boolean(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("target", "purpose", "reason", "case_number")),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("results", sa.BigInteger()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index("ix_audit_at", "audit_events", ["at"], unique=False)
    op.execute(f"INSERT INTO audit_events ({_COLUMNS}) SELECT {_COLUMNS} FROM audit_waiting ORDER BY id")
    op.execute("DROP TABLE audit_waiting")
    for verb in ("UPDATE", "DELETE"):
        op.execute(_LOCKED.format(verb.lower(), verb, "audit_events"))
