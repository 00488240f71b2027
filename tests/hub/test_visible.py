"""What has expired is gone at the instant, and one module says when that is."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select, text

from hub.store import tables
from hub.store.instant import to_micros
from hub.store.visible import LISTED, is_visible, listed, visible, visible_sql
from hub.wiring import Hub

ROOT = Path(__file__).parents[2]
COMPARES = re.compile(r"expires_at\s*>(?!=)")


def test_no_other_module_says_what_is_visible() -> None:
    files = [file for folder in ("hub", "alprhub", "flows") for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > 150
    copies = [file.relative_to(ROOT).as_posix() for file in files if COMPARES.search(file.read_text())]
    assert [copy for copy in copies if "/migrations/" not in copy] == ["hub/store/visible.py"]


def test_all_forms_agree_to_the_microsecond(opened: Hub) -> None:
    ends = datetime(2026, 6, 1, 12, tzinfo=UTC)
    reads = tables.reads
    row = {
        "id": 1, "connection_id": 1, "vendor_read_id": "r1", "plate_id": 1, "plate_raw": "9SYN001", "camera_id": 1,
        "captured_at": 0, "zone": "stated", "received_at": 0, "ingested_at": 0, "obtained": "pull",
        "expires_at": to_micros(ends), "rule": "own",
    }  # fmt: skip
    with opened.store.write() as connection:
        connection.execute(reads.insert(), row)
        for now, seen in ((ends - timedelta(microseconds=1), True), (ends, False)):
            bound = {"now": to_micros(now)}
            core = connection.scalars(select(reads.c.id).where(visible(reads, bound["now"]))).all()
            assert (core == [1], is_visible(ends, now)) == (seen, seen)
            for sql in (visible_sql("r"), visible_sql("r", off_index=True)):
                found = connection.scalars(text(f"SELECT r.id FROM reads r WHERE {sql}"), bound).all()
                assert (found == [1]) == seen


def test_an_entry_is_listed_until_its_end_and_for_ever_without_one(opened: Hub) -> None:
    entries = tables.entries
    said = {"reason": "stolen", "case_number": "C-1", "alert": "none", "added_at": 0, "added_by": "o"}
    with opened.store.write() as connection:
        connection.execute(tables.hotlists.insert(), {"id": 1, "name": "stolen", "owner": "o", "made_at": 0})
        for ident, end in ((1, None), (2, 7), (3, 8)):
            plate = f"9SYN00{ident}"
            row = {"id": ident, "hotlist_id": 1, "plate": plate, "plate_key": plate, "expires_at": end}
            connection.execute(entries.insert(), {**row, **said})
        assert connection.scalars(select(entries.c.id).where(listed(7)).order_by(entries.c.id)).all() == [1, 3]
        sql = f"SELECT id FROM hotlist_entries WHERE {LISTED} ORDER BY id"
        assert connection.scalars(text(sql), {"now": 7}).all() == [1, 3]
