"""What long work remembers: rounds of standing look-ups, hosts of pictures that were given up, the deadline first."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
STATEMENT_TIMEOUT = "0"  # it goes through what grows with every read: hours, where there are very many

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WANTED = sa.text("state = 'wanted'")


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "rounds",
        sa.Column("connection_id", _BIG, nullable=False, autoincrement=False),
        sa.Column("since", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("until", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("goes_on", sa.Boolean(), nullable=False),
        sa.Column("after_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_rounds_connection_id")),
        sa.PrimaryKeyConstraint("connection_id", "since", "until", name=op.f("pk_rounds")),
    )
    op.create_table(
        "picture_hosts",
        sa.Column("connection_id", _BIG, nullable=False, autoincrement=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("given_up", sa.Integer(), nullable=False),
        sa.Column("again_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_picture_hosts_connection_id")),
        sa.PrimaryKeyConstraint("connection_id", "origin", name=op.f("pk_picture_hosts")),
    )
    op.drop_index("ix_images_wanted", table_name="images")
    op.create_index(
        "ix_images_wanted", "images", ["url_expires_at", "id"], sqlite_where=_WANTED, postgresql_where=_WANTED
    )


def downgrade() -> None:
    """Forget them; the next runs begin anew."""
    op.drop_index("ix_images_wanted", table_name="images")
    op.create_index("ix_images_wanted", "images", ["id"], sqlite_where=_WANTED, postgresql_where=_WANTED)
    op.drop_table("picture_hosts")
    op.drop_table("rounds")
