"""What SQLite leaves in the middle of its pages is overwritten, and nothing else is."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import hub.store.slack as slack
from hub.store.slack import blank

SIZE = 1024
GONE = b"GONE-"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database in the hub's way, whose rows came and went in no order."""
    path = tmp_path / "a.sqlite3"
    with_rows = connect(path)
    with_rows.execute("CREATE TABLE one (id INTEGER PRIMARY KEY, word TEXT)")
    with_rows.execute("CREATE TABLE other (word TEXT PRIMARY KEY) WITHOUT ROWID")
    with_rows.execute("CREATE INDEX by_word ON one (word)")
    chance = random.Random(3)
    words = [f"{chance.randrange(10**6):06}{end}" for end in ("GONE-", "LIVING") for _ in range(4000)]
    chance.shuffle(words)
    with_rows.execute("BEGIN")
    with_rows.executemany("INSERT INTO one (word) VALUES (?)", [(word,) for word in words])
    with_rows.executemany("INSERT OR IGNORE INTO other VALUES (?)", [(word,) for word in words])
    with_rows.execute("INSERT INTO one (word) VALUES (?)", ("x" * 9 * SIZE,))  # lies on pages of its own
    for table in ("one", "other"):
        with_rows.execute(f"DELETE FROM {table} WHERE word LIKE '%GONE-'")
    with_rows.execute("COMMIT")
    with_rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with_rows.close()
    return path


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in (f"page_size = {SIZE}", "journal_mode = WAL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def rows(path: Path) -> list[str]:
    connection = connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found = [word for table in ("one", "other") for (word,) in connection.execute(f"SELECT word FROM {table}")]
    connection.close()
    return found


def test_copies_of_rows_that_are_gone_are_overwritten_and_every_other_row_is_there(file: Path) -> None:
    before = rows(file)
    assert GONE in file.read_bytes()  # though it was deleted securely
    assert blank(file)
    assert GONE not in file.read_bytes()
    assert rows(file) == before
    assert len(before) > 7000


def test_where_nothing_is_left_nothing_is_written(file: Path) -> None:
    assert blank(file)
    content = file.read_bytes()
    assert blank(file)
    assert file.read_bytes() == content


def test_pages_that_others_remember_do_not_bring_it_back(file: Path) -> None:
    other = connect(file)
    other.execute("PRAGMA cache_size = -65536")
    other.execute("BEGIN IMMEDIATE")
    for table in ("one", "other"):
        other.execute(f"UPDATE {table} SET word = word || '!' WHERE word LIKE '1%LIVING'")  # now it has read them
    other.execute("COMMIT")
    assert blank(file)
    for table in ("one", "other"):
        other.execute(f"UPDATE {table} SET word = word || '?' WHERE word LIKE '%LIVING'")
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    assert GONE not in file.read_bytes()
    assert rows(file)


def test_it_goes_by_pieces_and_lets_writers_in_between(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack, "_AT_ONCE", 4 * SIZE)
    other, written = connect(file), 0

    @contextmanager
    def turn() -> Iterator[None]:
        nonlocal written
        other.execute("INSERT INTO one (word) VALUES ('ANEW')")
        written += 1
        yield

    assert blank(file, turn)
    other.close()
    assert GONE not in file.read_bytes()
    assert rows(file).count("ANEW") == written > 1


@pytest.fixture
def reader(file: Path) -> Iterator[None]:
    """Somebody who looks at an earlier moment for long."""
    earlier, writer = connect(file), connect(file)
    earlier.execute("BEGIN")
    earlier.execute("SELECT count(*) FROM one").fetchone()
    writer.execute("INSERT INTO one (word) VALUES ('ANEW')")
    yield
    earlier.close()
    writer.close()


def test_where_a_reader_is_in_the_way_it_says_so_and_touches_nothing(
    file: Path, reader: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack, "PATIENCE_S", 0.01)
    before = file.read_bytes()
    assert not blank(file)
    assert file.read_bytes() == before
