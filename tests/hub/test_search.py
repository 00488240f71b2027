"""Search: nothing without purpose and reason, everything on record, patterns that are never code."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain import record, write_page
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.clock import SetClock
from hub.errors import Invalid, PolicyRefused
from hub.people import Actor, Why
from hub.search.pattern import Pattern
from hub.search.query import Cursor, Mode, Query
from hub.store.wildcards import like
from hub.wiring import Hub
from normalize.plate import canonical

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
PLATES = ["7ABC123", "7ABD123", "7AB0012", "8XYZ999", "X7ABC12"]


@pytest.fixture
def stored(opened: Hub, actor: Actor, feed: Path) -> Hub:
    """A store with five plates."""
    write_page(feed, 1, [record(n, plate, f"2026-06-01T11:0{n}:00Z") for n, plate in enumerate(PLATES)])
    opened.ingest.sync.run(actor, "feed")
    return opened


@pytest.mark.parametrize(
    ("pattern", "plates"),
    [
        ("7abc-123", ["7ABC123"]),
        ("7AB?12*", ["7ABD123", "7ABC123"]),
        ("*ABC12*", ["X7ABC12", "7ABC123"]),
        ("7AB_123", []),
        ("%", None),
        ("7AB.*", ["7AB0012", "7ABD123", "7ABC123"]),
    ],
)
def test_patterns_find_newest_first(stored: Hub, actor: Actor, pattern: str, plates: list[str] | None) -> None:
    if plates is None:
        with pytest.raises(Invalid):
            stored.search.reads.find(actor, Query(WHY, plates=(pattern,)))
    else:
        assert [row.plate for row in stored.search.reads.find(actor, Query(WHY, plates=(pattern,))).rows] == plates


@pytest.mark.parametrize(
    ("why", "missing"),
    [
        (Why("", "a stolen car"), "purpose"),
        (Why("immigration_enforcement", "a stolen car"), "purpose"),
        (Why("stolen_vehicle", ""), "reason"),
        (Why("stolen_vehicle", " test "), "reason"),
    ],
)
def test_without_purpose_or_reason_nothing_is_handed_out_and_the_refusal_is_on_record(
    stored: Hub, actor: Actor, why: Why, missing: str
) -> None:
    with pytest.raises(PolicyRefused, match=missing):
        stored.search.reads.find(actor, Query(why, plates=("7ABC123",)))
    event = stored.audit.events(1)[0]
    assert (event["action"], event["outcome"], event["results"]) == ("reads.search", "refused", None)


def test_suspicion_is_not_asked_for(stored: Hub, actor: Actor) -> None:
    assert stored.search.reads.find(actor, Query(Why("stolen_vehicle", "routine patrol"), plates=("7ABC123",))).rows


def test_every_search_is_on_record_with_its_result_count_even_when_it_finds_nothing(stored: Hub, actor: Actor) -> None:
    stored.search.reads.find(actor, Query(WHY, plates=("7ABC123",)))
    stored.search.reads.find(actor, Query(WHY, plates=("NOSUCH1",)))
    nothing, one = stored.audit.events(2)
    assert (one["results"], nothing["results"]) == (1, 0)
    assert one["detail"]["query"]["plates"] == ["7ABC123"]
    assert (one["actor"], one["authenticated"], one["purpose"], one["reason"], one["case_number"]) == (
        "tester", False, "stolen_vehicle", "case of a stolen car", "26-1",
    )  # fmt: skip


def test_no_record_no_data(stored: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(stored.audit, "record", full)
    with pytest.raises(OSError, match="no space"):
        stored.search.reads.find(actor, Query(WHY, plates=("7ABC123",)))


def test_an_answer_that_nobody_put_on_record_does_not_leave(stored: Hub, actor: Actor) -> None:
    with (
        pytest.raises(RuntimeError, match="without a record"),
        stored.access.asking.question(actor, "reads.search", WHY),
    ):
        pass


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET actor = 'nobody'", "DELETE FROM audit_events"])
def test_the_record_can_only_grow(stored: Hub, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), stored.store.append() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("text", ["1.00E+05", "#REF!", "#NAME?", "123456.0", "1-Mar"])
def test_what_a_spreadsheet_wrote_is_no_plate_to_look_for(text: str) -> None:
    with pytest.raises(Invalid, match=r"plates: .*(spreadsheet|program) wrote"):
        Pattern.parse(text)


@given(st.text(max_size=30))
def test_a_pattern_holds_nothing_but_plate_characters_and_wildcards(text: str) -> None:
    try:
        pattern = Pattern.parse(text)
    except Invalid:
        return
    literal = pattern.text.replace("?", "").replace("*", "")
    assert literal
    assert canonical(literal) == literal
    assert not set(like(pattern.text).replace("_", "").replace("%", "")) & set("%_\\'\"")


def test_a_page_ends_in_a_cursor_and_the_next_begins_after_it_while_reads_come_and_go(
    stored: Hub, actor: Actor, feed: Path
) -> None:
    first = stored.search.reads.find(actor, Query(WHY, plates=("7*",), limit=2))
    assert [row.plate for row in first.rows] == ["7AB0012", "7ABD123"]
    write_page(feed, 2, [record(90, "7NEW001", "2026-06-01T11:30:00Z")])
    stored.ingest.sync.run(actor, "feed")
    assert first.next is not None
    rest = stored.search.reads.find(actor, Query(WHY, plates=("7*",), limit=2, after=Cursor.parse(first.next)))
    assert ([row.plate for row in rest.rows], rest.next) == (["7ABC123"], None)


@pytest.mark.parametrize("plates", [("7ABC123",), ("7AB*",), ("7ABC123", "7ABD123")])
@pytest.mark.parametrize("candidates", [False, True])
def test_a_page_is_full_of_what_is_not_over_however_many_newer_reads_are(
    opened: Hub, actor: Actor, feed: Path, plates: tuple[str, ...], candidates: bool
) -> None:
    passes = [(f"{'7ABC123' if n % 2 else '7ABD123'}", f"2026-06-01T11:{n:02}:00Z") for n in range(40)]
    write_page(feed, 1, [record(n, plate, at) for n, (plate, at) in enumerate(passes)])
    opened.ingest.sync.run(actor, "feed")
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET expires_at = 0 WHERE vendor_read_id NOT IN ('r3', 'r5', 'r9')"))
    query = Query(WHY, plates=plates, limit=2, candidates=candidates)
    page = opened.search.reads.find(actor, query)
    assert [row.captured_at.minute for row in page.rows] == [9, 5]
    assert page.next is not None
    rest = opened.search.reads.find(actor, replace(query, after=Cursor.parse(page.next)))
    assert ([row.captured_at.minute for row in rest.rows], rest.next) == ([3], None)


@pytest.mark.parametrize(
    ("asked", "mode", "found"),
    [
        ("7A8CI23", Mode.LOOKALIKE, {"7ABC123": "look-alike 8→B at 3, I→1 at 5"}),
        ("7ABC124", Mode.ONE_EDIT, {"7ABC123": "one edit: 4→3 at 7"}),
        ("7ABC1234", Mode.ONE_EDIT, {"7ABC123": "one edit: 4 missing at 8"}),
        ("7BC123", Mode.ONE_EDIT, {"7ABC123": "one edit: A too many at 2"}),
        ("7ABC123", Mode.ONE_EDIT, {"7ABC123": "exact", "7ABD123": "one edit: C→D at 4"}),
        ("*BC1*", Mode.PATTERN, {"7ABC123": "fits *BC1*", "X7ABC12": "fits *BC1*"}),
    ],
)
def test_every_row_says_why_it_matched(
    stored: Hub, actor: Actor, asked: str, mode: Mode, found: dict[str, str]
) -> None:
    answer = stored.search.reads.find(actor, Query(WHY, plates=(asked,), mode=mode))
    assert {row.plate: row.why for row in answer.rows} == found


def test_an_answer_says_what_each_source_could_not_tell(
    stored: Hub, actor: Actor, clock: SetClock, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stored.connections.accounts.add(actor, "other", "plain", {"folder": str(tmp_path / "other")})
    clock.advance(timedelta(hours=2))
    feed, other = stored.search.reads.find(actor, Query(WHY, plates=("7ABC123",))).coverage
    assert (feed.connection, feed.status) == ("feed", "included")
    assert [(gap.until - gap.since) for gap in feed.gaps] == [timedelta(hours=2)]
    assert (other.status, other.last_success) == ("never-synced", None)
    stored.connections.accounts.pause(actor, "feed", "contract ended")
    assert stored.search.reads.find(actor, Query(WHY, plates=("7ABC123",))).coverage[0].status == "paused"
