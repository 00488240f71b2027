"""What takes two people is proposed and approved; how far a hold's placing is has columns of its own.

A hold or an order without an `approval_id` was approved by name, before approvals: its first person typed the second
one's name.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_HOLDS = sa.table(
    "holds",
    *(sa.column(name) for name in ("id", "query", "asked", "reached", "whole", "booking", "disposed", "approved_by")),
)


def upgrade() -> None:
    """Add approvals, and take the JSON of holds apart."""
    op.create_table(
        "approvals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("attachment", sa.LargeBinary(), nullable=True),
        sa.Column("attachment_sha256", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("carried_out_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index("ix_approvals_target", "approvals", ["action", "target"])
    with op.batch_alter_table("holds") as holds:
        holds.alter_column("approved_by", existing_type=sa.Text(), nullable=True)
        holds.add_column(sa.Column("approval_id", sa.BigInteger(), nullable=True))
        holds.add_column(sa.Column("asked", sa.Text(), nullable=True))
        holds.add_column(sa.Column("reached", sa.Text(), nullable=True))
        holds.add_column(sa.Column("whole", sa.Boolean(), nullable=False, server_default=sa.true()))
        holds.add_column(sa.Column("booking", sa.Text(), nullable=True))
        holds.add_column(sa.Column("disposed", sa.Text(), nullable=True))
    connection = op.get_bind()
    for ident, query in connection.execute(sa.select(_HOLDS.c.id, _HOLDS.c.query)).tuples().all():
        told = json.loads(query or "{}")
        asked = told.get("asked")
        values = {
            "asked": None if asked is None else json.dumps(asked, sort_keys=True),
            "reached": told.get("after"),
            "whole": told.get("whole", True),
            "booking": told.get("booking"),
            "disposed": told.get("disposed"),
        }
        connection.execute(sa.update(_HOLDS).where(_HOLDS.c.id == ident).values(values))
    with op.batch_alter_table("holds") as holds:
        holds.drop_column("query")
    op.add_column("orders", sa.Column("approval_id", sa.BigInteger(), nullable=True))
    op.add_column("orders", sa.Column("proposed_by", sa.Text(), nullable=True))
    op.execute("UPDATE orders SET proposed_by = carried_out_by")
    op.add_column("policies", sa.Column("approval_id", sa.BigInteger(), nullable=True))
    op.add_column("certificates", sa.Column("destroyed_by", sa.Text(), nullable=True))
    op.add_column("certificates", sa.Column("countersigned_note", sa.Text(), nullable=True))


def downgrade() -> None:
    """Forget approvals, and put the JSON together again."""
    op.drop_column("certificates", "countersigned_note")
    op.drop_column("certificates", "destroyed_by")
    op.drop_column("policies", "approval_id")
    op.drop_column("orders", "proposed_by")
    op.drop_column("orders", "approval_id")
    op.add_column("holds", sa.Column("query", sa.Text(), nullable=True))
    connection = op.get_bind()
    kept = sa.select(_HOLDS.c.id, _HOLDS.c.asked, _HOLDS.c.reached, _HOLDS.c.whole, _HOLDS.c.booking, _HOLDS.c.disposed)
    for ident, asked, reached, whole, booking, disposed in connection.execute(kept).tuples().all():
        told = {"asked": None if asked is None else json.loads(asked), "after": reached, "whole": bool(whole)}
        told |= {name: said for name, said in (("booking", booking), ("disposed", disposed)) if said is not None}
        connection.execute(sa.update(_HOLDS).where(_HOLDS.c.id == ident).values(query=json.dumps(told)))
    connection.execute(sa.update(_HOLDS).where(_HOLDS.c.approved_by.is_(None)).values(approved_by=""))
    with op.batch_alter_table("holds") as holds:
        for name in ("approval_id", "asked", "reached", "whole", "booking", "disposed"):
            holds.drop_column(name)
        holds.alter_column("approved_by", existing_type=sa.Text(), nullable=False)
    op.drop_index("ix_approvals_target", "approvals")
    op.drop_table("approvals")
