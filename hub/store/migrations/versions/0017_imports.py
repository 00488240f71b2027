"""An import of a hot list takes many short turns, and is in force from one instant on."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ACTIVE = "uq_hotlist_entries_active"


def upgrade() -> None:
    """Add imports that are not over, which entries they bring, and which they end."""
    op.create_table(
        "hotlist_imports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("hotlist_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("makes", sa.Boolean(), nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn", sa.Text(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(["hotlist_id"], ["hotlists.id"], name=op.f("fk_hotlist_imports_hotlist_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotlist_imports")),
        sqlite_autoincrement=True,
    )
    for name in ("import_id", "ended_by"):
        op.add_column("hotlist_entries", sa.Column(name, sa.BigInteger(), nullable=True))
    _index(", coalesce(import_id, 0)")


def downgrade() -> None:
    """Forget them, with what is not in force."""
    op.execute(
        "DELETE FROM hotlist_entries WHERE import_id IN (SELECT id FROM hotlist_imports WHERE activated_at IS NULL)"
    )
    op.execute(
        "UPDATE hotlist_entries SET removed_at = (SELECT activated_at FROM hotlist_imports WHERE id = ended_by) "
        "WHERE removed_at IS NULL AND ended_by IN (SELECT id FROM hotlist_imports WHERE activated_at IS NOT NULL)"
    )
    _index("")
    for name in ("ended_by", "import_id"):
        op.drop_column("hotlist_entries", name)
    op.drop_table("hotlist_imports")


def _index(more: str) -> None:
    op.execute(f"DROP INDEX {_ACTIVE}")
    op.execute(
        f"CREATE UNIQUE INDEX {_ACTIVE} ON hotlist_entries (hotlist_id, plate, coalesce(plate_state, ''){more}) "
        "WHERE removed_at IS NULL"
    )
