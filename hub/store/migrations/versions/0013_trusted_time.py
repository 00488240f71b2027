"""The newest instant that the hub has ever trusted."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; the next start believes the machine's clock."""
    op.create_table(
        "trusted_time",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trusted_time")),
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_table("trusted_time")
