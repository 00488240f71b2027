"""A read carries the floor under which it was kept, what loosens policy waits, and what was destroyed stays away."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add floors, graces, alarms, tombstones, and the overlays of policies."""
    op.add_column("reads", sa.Column("floor_at", sa.BigInteger(), nullable=True))
    op.add_column("policies", sa.Column("overlays", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("approvals", sa.Column("grace", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.create_table(
        "alarms",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_table(
        "tombstones",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tombstones")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("tombstones")
    op.drop_table("alarms")
    op.drop_column("approvals", "grace")
    op.drop_column("policies", "overlays")
    op.drop_column("reads", "floor_at")
