"""The index of plates and times no longer holds when a read ends: a new end would write it again for every read."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index of plates and times anew."""
    op.drop_index("ix_reads_plate", "reads")
    op.create_index("ix_reads_plate", "reads", ["plate_id", "captured_at"])


def downgrade() -> None:
    """Make it with the ends again."""
    op.drop_index("ix_reads_plate", "reads")
    op.create_index("ix_reads_plate", "reads", ["plate_id", "captured_at", "expires_at"])
