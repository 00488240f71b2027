"""Many rows go into SQLite in few statements."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from hub.store.bulk import SIZES, insert_many


@pytest.mark.parametrize("number", [1, 31, 32, 33, 127, 160, 512, 1000, 1187])
def test_every_row_is_there_in_its_order_after_few_statements(tmp_path: Path, number: int) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'base'}")
    wanted = [(ident, f"9SYN{ident:04d}", None if ident % 3 else b"\x00'") for ident in range(number)]
    ran = []
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE plates (id INTEGER, plate TEXT, note BLOB)")
        event.listen(connection, "before_cursor_execute", lambda *told: ran.append(told[2]))
        insert_many(connection, "plates", ("id", "plate", "note"), wanted)
        found = connection.exec_driver_sql("SELECT id, plate, note FROM plates ORDER BY rowid").all()
    engine.dispose()
    assert [tuple(row) for row in found] == wanted
    assert len(ran) - 1 <= number // SIZES[0] + len(SIZES) + 3 + 1
