"""Policies that were in force, holds, links, certificates of destruction, recomputes, canaries, each day's counts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
STATEMENT_TIMEOUT = "0"  # it goes through what grows with every read: hours, where there are very many

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NEW = ("policies", "holds", "held_reads", "links", "certificates", "recomputes", "canaries", "days")


def upgrade() -> None:
    """Add the tables; a read that was held before has no hold to its name and stays held."""
    op.create_table(
        "policies",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("decisions", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=False),
        sa.Column("activated_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
    )
    op.create_table(
        "holds",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_number", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("review_at", sa.BigInteger(), nullable=False),
        sa.Column("query", sa.Text(), nullable=True),
        sa.Column("offence", sa.Text(), nullable=True),
        sa.Column("committed_on", sa.Text(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_table(
        "held_reads",
        sa.Column("hold_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("read_id", _BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("hold_id", "read_id", name=op.f("pk_held_reads")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_held_reads_read_id"), "held_reads", ["read_id"])
    op.create_table(
        "links",
        sa.Column("read_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("case_number", sa.Text(), nullable=False),
        sa.Column("linked_by", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("read_id", "case_number", name=op.f("pk_links")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "certificates",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("connection_id", _BIG, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("policy_id", _BIG, nullable=True),
        sa.Column("captured_first", sa.BigInteger(), nullable=True),
        sa.Column("captured_last", sa.BigInteger(), nullable=True),
        *(
            sa.Column(counted, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for counted in ("reads", "payloads", "pictures", "hits", "quarantined")
        ),
        sa.Column("rows_digest", sa.Text(), server_default="", nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("previous", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("custodian", sa.Text(), nullable=True),
        sa.Column("countersigned_by", sa.Text(), nullable=True),
        sa.Column("countersigned_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
    )
    op.create_index(
        "uq_certificates_open", "certificates", ["connection_id", "rule"], unique=True,
        sqlite_where=sa.text("closed_at IS NULL"), postgresql_where=sa.text("closed_at IS NULL"),
    )  # fmt: skip
    op.create_table(
        "recomputes",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("policy_id", _BIG, nullable=False),
        sa.Column("connection_id", _BIG, nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("after_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        *(
            sa.Column(counted, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for counted in ("changed", "shortened", "lengthened")
        ),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recomputes")),
    )
    op.create_table(
        "canaries",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("connection_id", _BIG, nullable=False),
        sa.Column("plate", sa.Text(), nullable=False),
        sa.Column("plate_state", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("probed_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("oldest_found_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canaries")),
    )
    op.create_table(
        "days",
        sa.Column("connection_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        *(
            sa.Column(counted, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for counted in ("pulled", "stored", "duplicates", "quarantined", "born_expired", "purged")
        ),
        sa.PrimaryKeyConstraint("connection_id", "day", name=op.f("pk_days")),
        sqlite_with_rowid=False,
    )
    op.add_column("audit_events", sa.Column("policy_id", sa.BigInteger(), nullable=True))
    doomed = sa.text("state = 'doomed'")
    op.create_index("ix_images_doomed", "images", ["id"], sqlite_where=doomed, postgresql_where=doomed)


def downgrade() -> None:
    """Forget them again; what was held stays held, what was destroyed stays so."""
    op.drop_index("ix_images_doomed", table_name="images")
    op.drop_column("audit_events", "policy_id")
    for table in reversed(_NEW):
        op.drop_table(table)
