"""Notices on their way to people, and which connections the hub paused by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add them; nothing is known of who paused what is paused now."""
    op.add_column("connections", sa.Column("paused_by_hub", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "notices",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_subject"), "notices", ["subject"])
    op.create_table(
        "notice_deliveries",
        sa.Column("notice_id", _BIG, nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_notice_deliveries_notice_id")),
        sa.PrimaryKeyConstraint("notice_id", "way", name=op.f("pk_notice_deliveries")),
    )
    op.create_index(
        "ix_notice_deliveries_waiting",
        "notice_deliveries",
        ["way", "notice_id"],
        sqlite_where=sa.text("sent_at IS NULL"),
        postgresql_where=sa.text("sent_at IS NULL"),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("notice_deliveries")
    op.drop_table("notices")
    op.drop_column("connections", "paused_by_hub")
