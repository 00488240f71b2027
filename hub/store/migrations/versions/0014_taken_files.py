"""One row for every file of a drop that was taken, in the place of one text for all of them."""

from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_DROPS = ("boss4", "generic_csv", "generic_json", "genetec", "motorola", "native")
"""The connectors that kept what they had taken in their checkpoint."""


def upgrade() -> None:
    """Add them, and carry over what checkpoints remember."""
    made = op.create_table(
        "taken_files",
        sa.Column("connection_id", _BIG, nullable=False, autoincrement=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_taken_files_connection_id")),
        sa.PrimaryKeyConstraint("connection_id", "name", name=op.f("pk_taken_files")),
    )
    connections = sa.table("connections", sa.column("id"), sa.column("connector"), sa.column("checkpoint"))
    drops = sa.select(connections).where(connections.c.connector.in_(_DROPS), connections.c.checkpoint.is_not(None))
    for row in op.get_bind().execute(drops).all():
        kept = msgspec.json.decode(row.checkpoint)
        taken = kept.pop("taken", None)
        if taken is None:
            continue
        rows = [{"connection_id": row.id, "name": name.encode(), **_mark(mark)} for name, mark in taken.items()]
        op.bulk_insert(made, rows)
        text = msgspec.json.encode(kept or {"waiting": {}}).decode()
        op.execute(connections.update().where(connections.c.id == row.id).values(checkpoint=text))


def downgrade() -> None:
    """Forget them: every file is taken once more, and the reads in it are known already."""
    op.drop_table("taken_files")


def _mark(mark: int | list[int | str]) -> dict[str, int | None]:
    """Size and time as each connector wrote them: a size alone, or with ns or an instant."""
    if isinstance(mark, int):
        return {"size": mark, "modified": None}
    size, at = mark
    if isinstance(at, str):
        since = datetime.fromisoformat(at) - datetime.fromtimestamp(0, UTC)
        at = since // timedelta(microseconds=1) * 1000
    return {"size": int(size), "modified": at}
