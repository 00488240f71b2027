"""A file that a drop could not take is remembered with what is wrong with it, and told once."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; every file that is remembered was taken."""
    op.add_column("taken_files", sa.Column("fault", sa.Text(), nullable=True))


def downgrade() -> None:
    """Forget the files that were not taken."""
    op.execute("DELETE FROM taken_files WHERE fault IS NOT NULL")
    op.drop_column("taken_files", "fault")
