"""On PostgreSQL a read that gets another end stays where it is: no index but one of ranges of pages holds ends.

Pages are filled to nine tenths from now on, so that there is room beside a row for its next version. What is kept stays
as it lies; the first recompute makes the room.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
STATEMENT_TIMEOUT = "0"  # it goes through what grows with every read: hours, where there are very many

_MAKE = ["make", "captured_at", "colour", "body"]


def upgrade() -> None:
    """Make the two indexes that held ends anew; nothing on SQLite."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.drop_index("ix_reads_make", "reads")
    op.drop_index("ix_reads_expires_at", "reads")
    op.create_index("ix_reads_make", "reads", _MAKE)
    op.create_index(
        "ix_reads_expires_at", "reads", ["expires_at"], postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
    )  # fmt: skip
    for month in _months():
        op.execute(f"ALTER TABLE {month} SET (fillfactor = 90)")


def downgrade() -> None:
    """Make them with every end again."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.drop_index("ix_reads_make", "reads")
    op.drop_index("ix_reads_expires_at", "reads")
    op.create_index("ix_reads_make", "reads", [*_MAKE, "expires_at"])
    op.create_index("ix_reads_expires_at", "reads", ["expires_at"])
    for month in _months():
        op.execute(f"ALTER TABLE {month} RESET (fillfactor)")


def _months() -> list[str]:
    months = sa.text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reads'::regclass")
    return list(op.get_bind().scalars(months))
