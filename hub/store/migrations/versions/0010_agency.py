"""Whose hub this is. A hub that has connections is that of the agency that they are of."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it."""
    op.create_table(
        "agency",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("named_at", sa.BigInteger(), nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
    )
    op.execute(
        "INSERT INTO agency (id, name, named_at, named_by) "
        "SELECT 1, agency, added_at, 'the upgrade' FROM connections ORDER BY id DESC LIMIT 1"
    )


def downgrade() -> None:
    """Forget it; connections keep the name."""
    op.drop_table("agency")
