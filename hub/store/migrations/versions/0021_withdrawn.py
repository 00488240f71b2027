"""What a person withdrew from a hot list stays off it, until somebody lets it come back."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_INDEX = "ix_hotlist_entries_withdrawn"
_BY_IMPORTS = "('expired', 'changed by an import', 'not in the complete list')"


def upgrade() -> None:
    """Mark what was withdrawn; what an import has brought back since then, nobody is taken to have withdrawn."""
    op.add_column("hotlist_entries", sa.Column("withdrawn", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        "UPDATE hotlist_entries SET withdrawn = true WHERE removed_at IS NOT NULL AND removed_reason IS NOT NULL "
        f"AND removed_reason NOT IN {_BY_IMPORTS} AND NOT EXISTS ("
        "SELECT 1 FROM hotlist_entries s WHERE s.hotlist_id = hotlist_entries.hotlist_id "
        "AND s.plate_key = hotlist_entries.plate_key AND s.plate = hotlist_entries.plate "
        "AND s.removed_at IS NULL AND coalesce(s.plate_state, '') = coalesce(hotlist_entries.plate_state, ''))"
    )
    op.execute(f"CREATE INDEX {_INDEX} ON hotlist_entries (hotlist_id) WHERE withdrawn")


def downgrade() -> None:
    """Forget what may not come back."""
    op.execute(f"DROP INDEX {_INDEX}")
    op.drop_column("hotlist_entries", "withdrawn")
