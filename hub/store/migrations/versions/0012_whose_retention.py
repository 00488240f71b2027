"""Whose retention holds for a connection stands on its row, so that policy knows it without the connector.

What was added before is noted by the next start of a process that has its connector; until then nothing is said of it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it."""
    op.add_column("connections", sa.Column("retention_vendor", sa.Text()))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("connections", "retention_vendor")
