"""The databases that tests copy are what a hub makes of an empty one by its migrations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import postgres
import pytest
from pydantic import SecretStr
from registries import PLAIN
from sqlalchemy import text
from sqlalchemy.engine import URL

from hub.clock import SetClock
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.wiring import Hub, open_hub

ON_SQLITE = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master",
    "SELECT name, page_size, encoding, journal_mode, auto_vacuum FROM (SELECT 'of the file' AS name), "
    "pragma_page_size, pragma_encoding, pragma_journal_mode, pragma_auto_vacuum",
    "SELECT user_version, application_id FROM pragma_user_version, pragma_application_id",
)
DRAWN = {"event_id", "body", "document", "leaf", "roots"}
"""Columns that hold the number that an event draws, or a digest of it."""
OURS = "c.relnamespace = 'public'::regnamespace AND c.relkind NOT IN ('t')"
ON_POSTGRESQL = (
    "SELECT c.relname, c.relkind, c.relpersistence, c.relhassubclass, c.reloptions, c.relacl, c.relrowsecurity, "
    f"pg_get_userbyid(c.relowner), pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid) FROM pg_class c "
    f"WHERE {OURS}",
    "SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation, "
    "a.attstorage, a.attcompression, a.attidentity, a.attgenerated, a.attstattarget, "
    "pg_get_expr(d.adbin, d.adrelid) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
    f"LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE {OURS}",
    "SELECT c.relname, i.indisunique, i.indisvalid, pg_get_indexdef(i.indexrelid) FROM pg_class c "
    f"JOIN pg_index i ON i.indexrelid = c.oid WHERE {OURS}",
    "SELECT c.relname, k.conname, pg_get_constraintdef(k.oid), k.convalidated FROM pg_class c "
    f"JOIN pg_constraint k ON k.conrelid = c.oid WHERE {OURS}",
    "SELECT p.relname, c.relname FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid "
    f"JOIN pg_class p ON p.oid = i.inhparent WHERE {OURS}",
    f"SELECT c.relname, pg_get_triggerdef(t.oid) FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid "
    f"WHERE NOT t.tgisinternal AND {OURS}",
    "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
    "AND prokind = 'f'",
    "SELECT extname, extversion FROM pg_extension",
    "SELECT datcollate, datctype, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()",
)


def told(store: Store) -> dict[str, list[Any]]:
    """Everything that a database says of itself, and every row in it, but for the number that an event draws."""
    with store.read() as connection:
        catalogue = {
            sql: connection.execute(text(sql)).all() for sql in (ON_SQLITE if store.is_sqlite else ON_POSTGRESQL)
        }
        first = next(iter(catalogue.values()))
        tables = (
            [row[1] for row in first if row[0] == "table"]
            if store.is_sqlite
            else [row[0] for row in first if row[1] in "rp"]
        )
        rows = {
            name: [
                {column: value for column, value in row.items() if column not in DRAWN}
                for row in connection.execute(text(f'SELECT * FROM "{name}"')).mappings()
            ]
            for name in tables
        }
    return {what: sorted(map(repr, found)) for what, found in {**catalogue, **rows}.items()}


@pytest.fixture
def by_itself(settings: HubSettings, clock: SetClock, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Hub]:
    """A hub that found an empty database of the same kind."""
    given = HubSettings(data=tmp_path / "alone")
    if settings.database_url is None:
        with open_hub(given, clock, registry=PLAIN) as hub:
            yield hub
        return
    server: URL = request.getfixturevalue("pg_server")
    with (
        postgres.database(server) as url,
        open_hub(given.model_copy(update={"database_url": SecretStr(url)}), clock, registry=PLAIN) as hub,
    ):
        yield hub


def _but_its_number(rows: Any) -> Any:
    """A database's rows without the number by which its hub is known: no two hubs have the same."""
    return [row for row in rows if "'name': 'hub'" not in row] if isinstance(rows, list) else rows


def test_a_hub_on_a_copy_is_the_hub_that_migrated_by_itself(opened: Hub, by_itself: Hub) -> None:
    copied, made = told(opened.store), told(by_itself.store)
    assert copied.keys() == made.keys()
    for what, rows in made.items():
        assert _but_its_number(copied[what]) == _but_its_number(rows), what
    assert len(made["alembic_version"]) == 1
    assert len(made) > 20, "a database says more than that of itself"
    if opened.store.is_sqlite:
        for hub in (opened, by_itself):
            file = Path(str(hub.store.url.database))
            assert [oct(path.stat().st_mode & 0o777) for path in (file.parent, file)] == ["0o700", "0o600"]
