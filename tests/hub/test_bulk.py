"""Many rows go into SQLite in few statements."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from hub.store.bulk import MOST, insert_many


@pytest.mark.parametrize("number", [0, 1, 31, 32, 33, 127, 160, 512, 999, 1187])
def test_every_row_is_there_in_its_order_after_few_statements(tmp_path: Path, number: int) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'base'}")
    wanted = [(ident, f"9SYN{ident:04d}", None if ident % 3 else b"\x00'") for ident in range(number)]
    ran: list[str] = []
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE plates (id INTEGER, plate TEXT, note BLOB)")
        connection.connection.driver_connection.set_trace_callback(ran.append)  # type: ignore[union-attr]
        insert_many(connection, "plates", ("id", "plate", "note"), wanted)
        connection.connection.driver_connection.set_trace_callback(None)  # type: ignore[union-attr]
        found = connection.exec_driver_sql("SELECT id, plate, note FROM plates ORDER BY rowid").all()
    engine.dispose()
    assert [tuple(row) for row in found] == wanted
    assert len([sql for sql in ran if sql.startswith("INSERT")]) <= number // MOST + 2


def test_a_refusal_of_the_database_quotes_no_row(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'base'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE plates (id INTEGER PRIMARY KEY, plate TEXT)")
        with pytest.raises(IntegrityError) as refused:
            insert_many(connection, "plates", ("id", "plate"), [(1, "9SYN001"), (1, "9SYN002")])
    engine.dispose()
    assert "9SYN" not in str(refused.value)
