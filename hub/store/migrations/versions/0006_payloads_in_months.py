"""Payloads know when their read was captured; on PostgreSQL they lie in months, as the reads do."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
STATEMENT_TIMEOUT = "0"  # it goes through what grows with every read: hours, where there are very many

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEPT = "read_id, kind, part, dictionary_id, payload, sha256, details"


def upgrade() -> None:
    """Move the payloads over, each beside its read; a payload without a read belongs to nothing and is left behind."""
    postgresql = _before()
    op.create_table(
        "payloads",
        *_columns(),
        sa.Column("captured_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*(("read_id", "captured_at") if postgresql else ("read_id",)), name="pk_payloads"),
        postgresql_partition_by="RANGE (captured_at)",
    )
    if postgresql:
        op.execute("CREATE TABLE payloads_rest PARTITION OF payloads DEFAULT")
        for name, bounds in op.get_bind().execute(
            sa.text(
                "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i "
                "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'reads'::regclass AND c.relname <> "
                "'reads_rest'"
            )
        ):
            op.execute(f"CREATE TABLE {name.replace('reads', 'payloads')} PARTITION OF payloads {bounds}")
    op.execute(
        f"INSERT INTO payloads ({_KEPT}, captured_at) SELECT {_KEPT}, captured_at FROM payloads_before p "
        "JOIN (SELECT id, captured_at FROM reads) r ON r.id = p.read_id"
    )
    op.drop_table("payloads_before")


def downgrade() -> None:
    """Put them back into one table."""
    _before()
    op.create_table("payloads", *_columns(), sa.PrimaryKeyConstraint("read_id", name="pk_payloads"))
    op.execute(f"INSERT INTO payloads ({_KEPT}) SELECT {_KEPT} FROM payloads_before")
    op.drop_table("payloads_before")


def _before() -> bool:
    """Put the table out of the way; gives whether this is PostgreSQL, where its key would keep the name."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute("ALTER TABLE payloads RENAME CONSTRAINT pk_payloads TO pk_payloads_before")
    op.rename_table("payloads", "payloads_before")
    return postgresql


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("read_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("dictionary_id", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
    ]
