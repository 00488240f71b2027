"""Which key seals a connection's secrets, how often it runs, and how it was removed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add what a connection's life needs; which key sealed what is there already is left open."""
    op.add_column("connections", sa.Column("sealed_key", sa.Text(), nullable=False, server_default=""))
    op.add_column("connections", sa.Column("every_seconds", sa.Integer(), nullable=True))
    op.add_column("connections", sa.Column("removed_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "removals",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("connection_id", _BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reads", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_removals_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removals")),
        sa.UniqueConstraint("connection_id", name=op.f("uq_removals_connection_id")),
    )


def downgrade() -> None:
    """Forget them again; a connection that was removed stays, paused, for as long as it has reads."""
    op.drop_table("removals")
    op.execute("UPDATE connections SET state = 'paused' WHERE state IN ('removing', 'removed')")
    for column in ("removed_at", "every_seconds", "sealed_key"):
        op.drop_column("connections", column)
