"""A recompute goes through the reads of every connection: that of one alone was never begun."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the connection of recomputes."""
    op.drop_column("recomputes", "connection_id")


def downgrade() -> None:
    """Add it again, as nobody's."""
    op.add_column(
        "recomputes", sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
