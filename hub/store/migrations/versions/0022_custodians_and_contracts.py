"""Certificates get to their custodian, with a proof; a connection has a contract, and its owner is on certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add letters, and contracts."""
    op.add_column("connections", sa.Column("contract", sa.Text(), nullable=True))
    op.add_column("certificates", sa.Column("owner", sa.Text(), nullable=True))
    op.create_table(
        "contracts",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("connection_id", _BIG, nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_contracts_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
    )
    op.create_index(op.f("ix_contracts_connection_id"), "contracts", ["connection_id"])
    op.create_table(
        "certificate_deliveries",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("custodian", sa.Text(), nullable=False),
        sa.Column("first_id", _BIG, nullable=False),
        sa.Column("last_id", _BIG, nullable=False),
        sa.Column("certificates", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_deliveries")),
        sa.UniqueConstraint("way", "last_id", name=op.f("uq_certificate_deliveries_way")),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("certificate_deliveries")
    op.drop_table("contracts")
    op.drop_column("certificates", "owner")
    op.drop_column("connections", "contract")
