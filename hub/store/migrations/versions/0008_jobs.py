"""What ran by itself, and when a list was changed last."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "job_runs",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("runner", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("alive_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), server_default="{}", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_runs")),
    )
    op.create_index("ix_job_runs_last", "job_runs", ["job", "subject", "started_at"])
    op.create_index("ix_job_runs_started", "job_runs", ["started_at"])
    op.create_index(
        "ix_job_runs_open", "job_runs", ["alive_at"],
        sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    op.add_column("hotlists", sa.Column("changed_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Forget them."""
    op.drop_column("hotlists", "changed_at")
    op.drop_table("job_runs")
