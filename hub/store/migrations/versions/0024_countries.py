"""A read has a country, and so may an entry of a hot list that names no state.

No row is changed, which takes no longer for ten million reads than for one: a read that was kept before has the
country of its state, as `hub.store.countries` tells it, and none where no state was read.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ACTIVE = "uq_hotlist_entries_active"


def upgrade() -> None:
    """Add the two columns, and let entries of one plate differ by their country."""
    op.add_column("reads", sa.Column("plate_country", sa.Text(), nullable=True))
    op.add_column("hotlist_entries", sa.Column("plate_country", sa.Text(), nullable=True))
    _index(", coalesce(plate_country, '')")


def downgrade() -> None:
    """Forget countries; of entries that differ by theirs alone the newest stays."""
    op.execute(
        "DELETE FROM hotlist_entries WHERE removed_at IS NULL AND plate_country IS NOT NULL AND EXISTS ("
        "SELECT 1 FROM hotlist_entries o WHERE o.hotlist_id = hotlist_entries.hotlist_id "
        "AND o.plate = hotlist_entries.plate AND o.plate_state IS NULL AND o.removed_at IS NULL "
        "AND coalesce(o.import_id, 0) = coalesce(hotlist_entries.import_id, 0) AND o.id > hotlist_entries.id)"
    )
    _index("")
    op.drop_column("hotlist_entries", "plate_country")
    op.drop_column("reads", "plate_country")


def _index(more: str) -> None:
    op.execute(f"DROP INDEX {_ACTIVE}")
    op.execute(
        f"CREATE UNIQUE INDEX {_ACTIVE} ON hotlist_entries "
        f"(hotlist_id, plate, coalesce(plate_state, ''), coalesce(import_id, 0){more}) WHERE removed_at IS NULL"
    )
