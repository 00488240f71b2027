"""Cells, sites, kinds of source, candidates; a ledger for uniqueness; PostgreSQL keeps reads in months."""

from typing import Any

import h3.api.basic_int as h3
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
STATEMENT_TIMEOUT = "0"  # it goes through what grows with every read: hours, where there are very many

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OLD = (
    *("id", "connection_id", "vendor_read_id", "plate_id", "plate_raw", "plate_state", "plate_confidence"),
    *("state_confidence", "camera_id", "captured_at", "zone", "received_at", "ingested_at", "latitude", "longitude"),
    *("make", "colour", "body", "obtained", "expires_at", "rule", "held"),
)
_AT_ONCE = 10_000
_PAIRS = (  # two characters in a row are too short for a trigram
    "CREATE FUNCTION plate_pairs(plate text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS "
    "$$ SELECT coalesce(array_agg(substr(plate, n, 2)), '{}') FROM generate_series(1, length(plate) - 1) AS n $$",
    "CREATE INDEX ix_plates_pairs ON plates USING gin (plate_pairs(plate))",
)


def upgrade() -> None:
    """Move the reads over into the new form, with the cell of each that has a place."""
    op.add_column("cameras", sa.Column("site", sa.Text(), nullable=True))
    op.add_column("connections", sa.Column("kind", sa.Text(), nullable=False, server_default="own"))
    op.execute("UPDATE connections SET kind = 'native_reader' WHERE connector = 'native'")
    op.create_table(
        "ledger",
        sa.Column("connection_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("vendor_read_id", sa.Text(), nullable=False),
        sa.Column("read_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "vendor_read_id", name=op.f("pk_ledger")),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO ledger SELECT connection_id, vendor_read_id, id FROM reads ORDER BY 1, 2")
    op.create_table(
        "candidates",
        sa.Column("read_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("rank", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("plate_id", _BIG, nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("captured_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("read_id", "rank", name=op.f("pk_candidates")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_candidates_plate", "candidates", ["plate_id", "captured_at", "expires_at"])
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        for statement in _PAIRS:
            op.execute(statement)
    _forget_indexes()
    if postgresql:
        op.execute("ALTER TABLE reads RENAME CONSTRAINT pk_reads TO pk_reads_before")
    op.rename_table("reads", "reads_before")
    _create_reads(postgresql)
    columns = ", ".join(_OLD)
    op.execute(f"INSERT INTO reads ({columns}) SELECT {columns} FROM reads_before")
    op.drop_table("reads_before")
    _fill_cells()
    op.create_index("ix_reads_plate", "reads", ["plate_id", "captured_at", "expires_at"])
    op.create_index("ix_reads_captured", "reads", ["captured_at", "id"])
    op.create_index("ix_reads_camera", "reads", ["camera_id", "captured_at"])
    op.create_index("ix_reads_cell", "reads", ["cell", "captured_at"])
    op.create_index("ix_reads_make", "reads", ["make", "captured_at", "colour", "body", "expires_at"])
    _create_kept_indexes()


def _create_reads(postgresql: bool) -> None:
    key = ("id", "captured_at") if postgresql else ("id",)
    op.create_table(
        "reads",
        *_columns(),
        sa.Column("cell", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_reads")),
        postgresql_partition_by="RANGE (captured_at)",
    )
    if postgresql:
        # Making months ahead moves out of here what belongs to one of them.
        op.execute("CREATE TABLE reads_rest PARTITION OF reads DEFAULT")


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", _BIG, autoincrement=False, nullable=False),
        sa.Column("connection_id", _BIG, nullable=False),
        sa.Column("vendor_read_id", sa.Text(), nullable=False),
        sa.Column("plate_id", _BIG, nullable=False),
        sa.Column("plate_raw", sa.Text(), nullable=False),
        sa.Column("plate_state", sa.Text(), nullable=True),
        sa.Column("plate_confidence", sa.Double(), nullable=True),
        sa.Column("state_confidence", sa.Double(), nullable=True),
        sa.Column("camera_id", _BIG, nullable=False),
        sa.Column("captured_at", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("ingested_at", sa.BigInteger(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("make", sa.Text(), nullable=True),
        sa.Column("colour", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("obtained", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
    ]


def _fill_cells() -> None:
    connection, last = op.get_bind(), 0
    where = "FROM reads r JOIN cameras c ON c.id = r.camera_id WHERE r.id > :last"
    place = "coalesce(r.latitude, c.latitude) AS latitude, coalesce(r.longitude, c.longitude) AS longitude"
    some = sa.text(f"SELECT r.id, {place} {where} ORDER BY r.id LIMIT {_AT_ONCE}")
    while rows := connection.execute(some, {"last": last}).all():
        last = rows[-1].id
        cells = [
            {"id": row.id, "cell": h3.latlng_to_cell(row.latitude, row.longitude, 8)}
            for row in rows
            if row.latitude is not None and row.longitude is not None
        ]
        if cells:
            connection.execute(sa.text("UPDATE reads SET cell = :cell WHERE id = :id"), cells)


def _forget_indexes() -> None:
    for name in ("ix_reads_camera", "ix_reads_captured", "ix_reads_expires_at", "ix_reads_held", "ix_reads_plate"):
        op.drop_index(name, table_name="reads")


def _create_kept_indexes() -> None:
    op.create_index("ix_reads_expires_at", "reads", ["expires_at"])
    held = sa.text("held")
    op.create_index("ix_reads_held", "reads", ["id"], sqlite_where=held, postgresql_where=held)


def downgrade() -> None:
    """Go back to one table with its own uniqueness; candidates, cells and sites are forgotten."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    _forget_indexes()
    for name in ("ix_reads_cell", "ix_reads_make"):
        op.drop_index(name, table_name="reads")
    if postgresql:
        op.execute("ALTER TABLE reads RENAME CONSTRAINT pk_reads TO pk_reads_after")
    op.rename_table("reads", "reads_after")
    op.create_table(
        "reads",
        *_columns(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reads")),
        sa.UniqueConstraint("connection_id", "vendor_read_id", name=op.f("uq_reads_connection_id")),
    )
    columns = ", ".join(_OLD)
    op.execute(f"INSERT INTO reads ({columns}) SELECT {columns} FROM reads_after")
    for table in ("reads_after", "candidates", "ledger"):
        op.drop_table(table)
    op.create_index("ix_reads_plate", "reads", ["plate_id", "captured_at"])
    op.create_index("ix_reads_captured", "reads", ["captured_at", "id"])
    op.create_index("ix_reads_camera", "reads", ["camera_id", "captured_at"])
    _create_kept_indexes()
    if postgresql:
        op.execute("DROP INDEX ix_plates_pairs")
        op.execute("DROP FUNCTION plate_pairs")
    op.drop_column("connections", "kind")
    op.drop_column("cameras", "site")
