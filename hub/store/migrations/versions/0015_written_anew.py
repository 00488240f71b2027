"""SQLite's file is written anew after a purge: since when that is due, and which certificates it is done for."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_PURGED_BEFORE = """
INSERT INTO vacuum_due (id, since)
SELECT 1, max(coalesce(closed_at, opened_at)) FROM certificates HAVING count(*) > 0
"""


def upgrade() -> None:
    """Add it; what was purged by an earlier version is written over once more."""
    op.create_table(
        "vacuum_due",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=True),
        sa.Column("certificate_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vacuum_due")),
    )
    op.add_column("certificates", sa.Column("traces", sa.Text(), nullable=True))
    op.add_column("certificates", sa.Column("rewritten_at", sa.BigInteger(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_PURGED_BEFORE)


def downgrade() -> None:
    """Forget it."""
    op.drop_column("certificates", "rewritten_at")
    op.drop_column("certificates", "traces")
    op.drop_table("vacuum_due")
