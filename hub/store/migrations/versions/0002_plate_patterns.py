"""An index on the inside of plates: trigrams, for patterns that do not begin with what is known."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
STATEMENT_TIMEOUT = "0"  # it goes through what grows with every read: hours, where there are very many


def upgrade() -> None:
    """Index the plates that are there; from here on saving and purging keep the index in step."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute("CREATE INDEX ix_plates_inside ON plates USING gin (plate gin_trgm_ops)")
        op.execute("CREATE INDEX ix_plates_prefix ON plates (plate text_pattern_ops)")
        return
    # Two marks at the end let the last two characters be found as the beginning of a trigram.
    op.execute("CREATE VIEW plates_marked AS SELECT id, plate || '$$' AS text FROM plates")
    op.execute(
        "CREATE VIRTUAL TABLE plates_inside USING fts5(text, content='plates_marked', content_rowid='id', "
        "tokenize='trigram case_sensitive 1')"
    )
    op.execute("CREATE VIRTUAL TABLE plates_trigrams USING fts5vocab(plates_inside, row)")
    op.execute("INSERT INTO plates_inside(plates_inside) VALUES ('rebuild')")


def downgrade() -> None:
    """Drop the index."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX ix_plates_inside")
        op.execute("DROP INDEX ix_plates_prefix")
        return
    op.execute("DROP TABLE plates_trigrams")
    op.execute("DROP TABLE plates_inside")
    op.execute("DROP VIEW plates_marked")
