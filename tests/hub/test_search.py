"""Search: nothing without purpose and reason, everything on record, patterns that are never code."""

import fnmatch
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import postgres
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain import PlainConnector, record, write_page
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import hub.connections.accounts as accounts
import hub.search.plates as plates_step
import hub.search.reads as reads_step
from connectors.contract import Document
from hub.audit.record import Actor, Why
from hub.clock import SetClock
from hub.errors import Invalid, PolicyRefused
from hub.search.pattern import Pattern
from hub.search.query import Cursor, Mode, Query
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub
from normalize.plate import canonical, fold

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
PLATES = ["7ABC123", "7ABD123", "7AB0012", "8XYZ999", "X7ABC12"]


@pytest.fixture
def stored(opened: Hub, actor: Actor, feed: Path) -> Hub:
    """A store with five plates."""
    write_page(feed, 1, [record(n, plate, f"2026-06-01T11:0{n}:00Z") for n, plate in enumerate(PLATES)])
    opened.sync.run(actor, "feed")
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
            stored.search.find(actor, Query(WHY, plates=(pattern,)))
    else:
        assert [row.plate for row in stored.search.find(actor, Query(WHY, plates=(pattern,))).rows] == plates


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
        stored.search.find(actor, Query(why, plates=("7ABC123",)))
    event = stored.audit.events(1)[0]
    assert (event["action"], event["outcome"], event["results"]) == ("reads.search", "refused", None)


def test_suspicion_is_not_asked_for(stored: Hub, actor: Actor) -> None:
    assert stored.search.find(actor, Query(Why("stolen_vehicle", "routine patrol"), plates=("7ABC123",))).rows


def test_every_search_is_on_record_with_its_result_count_even_when_it_finds_nothing(stored: Hub, actor: Actor) -> None:
    stored.search.find(actor, Query(WHY, plates=("7ABC123",)))
    stored.search.find(actor, Query(WHY, plates=("NOSUCH1",)))
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
        stored.search.find(actor, Query(WHY, plates=("7ABC123",)))


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET actor = 'nobody'", "DELETE FROM audit_events"])
def test_the_record_can_only_grow(stored: Hub, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), stored.store.write() as connection:
        connection.execute(text(statement))


@given(st.text(max_size=30))
def test_a_pattern_holds_nothing_but_plate_characters_and_wildcards(text: str) -> None:
    try:
        pattern = Pattern.parse(text)
    except Invalid:
        return
    literal = pattern.text.replace("?", "").replace("*", "")
    assert literal
    assert canonical(literal) == literal
    assert not set(pattern.like().replace("_", "").replace("%", "")) & set("%_\\'\"")


def test_a_page_ends_in_a_cursor_and_the_next_begins_after_it_while_reads_come_and_go(
    stored: Hub, actor: Actor, feed: Path
) -> None:
    first = stored.search.find(actor, Query(WHY, plates=("7*",), limit=2))
    assert [row.plate for row in first.rows] == ["7AB0012", "7ABD123"]
    write_page(feed, 2, [record(90, "7NEW001", "2026-06-01T11:30:00Z")])
    stored.sync.run(actor, "feed")
    assert first.next is not None
    rest = stored.search.find(actor, Query(WHY, plates=("7*",), limit=2, after=Cursor.parse(first.next)))
    assert ([row.plate for row in rest.rows], rest.next) == (["7ABC123"], None)


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
    answer = stored.search.find(actor, Query(WHY, plates=(asked,), mode=mode))
    assert {row.plate: row.why for row in answer.rows} == found


def test_an_answer_says_what_each_source_could_not_tell(
    stored: Hub, actor: Actor, clock: SetClock, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stored.connections.add(actor, "other", "plain", {"folder": str(tmp_path / "other")})
    clock.advance(timedelta(hours=2))
    feed, other = stored.search.find(actor, Query(WHY, plates=("7ABC123",))).coverage
    assert (feed.connection, feed.status) == ("feed", "included")
    assert [(gap.until - gap.since) for gap in feed.gaps] == [timedelta(hours=2)]
    assert (other.status, other.last_success) == ("never-synced", None)
    stored.connections.pause(actor, "feed", "contract ended")
    assert stored.search.find(actor, Query(WHY, plates=("7ABC123",))).coverage[0].status == "paused"


SHORT = st.text("AB01", min_size=1, max_size=5)
PATTERNS = st.text("AB01?*", min_size=1, max_size=6).filter(lambda text: set(text) - set("?*"))
READS = st.lists(
    st.tuples(SHORT, st.sampled_from(["us-ca", "us-nv", None]), st.integers(0, 59), st.sampled_from(["c0", "c1"])),
    max_size=25,
)


def naive(reads: list[tuple[str, str | None, int, str]], query: Query, visible_from: int) -> list[int]:
    """What a scan in plain Python finds: the numbers of the reads, newest first."""

    def means(plate: str) -> bool:
        if not query.plates:
            return True
        if query.mode is Mode.LOOKALIKE:
            return fold(plate) in {fold(asked) for asked in query.plates}
        if query.mode is Mode.ONE_EDIT:
            return any(edits(plate, asked) for asked in query.plates)
        return any(fnmatch.fnmatchcase(plate, asked) for asked in query.plates)

    found = [
        (minute, number)
        for number, (plate, state, minute, camera) in enumerate(reads)
        if means(plate)
        and minute >= visible_from
        and (not query.states or (state and f"US-{state[3:].upper()}") in query.states)
        and (not query.cameras or camera in query.cameras)
    ]
    return [number for _, number in sorted(found, reverse=True)]


def edits(one: str, other: str) -> bool:
    """Whether two texts are at most one wrong, missing or added character apart."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) <= 1
    return any(other[:at] + other[at + 1 :] == one for at in range(len(other)))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def emptied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that examples of one test share; each empties it first."""
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            url = SecretStr(stack.enter_context(postgres.database(request.getfixturevalue("pg_server"))))
        folder = tmp_path_factory.mktemp("search")
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(accounts, "connector", lambda *_: PlainConnector)
        settings = HubSettings(data=folder / "data", database_url=url)
        hub = stack.enter_context(open_hub(settings, SetClock(NOON)))
        hub.connections.add(Actor("tester"), "feed", "plain", {"folder": str(folder)})
        yield hub


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    reads=READS,
    plates=st.lists(PATTERNS, max_size=3),
    mode=st.sampled_from(Mode),
    states=st.sampled_from([(), ("US-CA",), ("US-CA", "US-NV")]),
    cameras=st.sampled_from([(), ("c1",)]),
    limit=st.integers(1, 6),
    expired=st.integers(0, 30),
    many=st.sampled_from([0, 2, 2000]),
)
def test_the_fast_path_finds_what_a_plain_scan_finds_in_the_same_order(
    emptied: Hub, reads: Any, plates: Any, mode: Mode, states: Any, cameras: Any, limit: int, expired: int, many: int
) -> None:
    if mode is not Mode.PATTERN:
        plates = [plate.replace("?", "").replace("*", "") for plate in plates]
    query = Query(
        WHY,
        plates=tuple(plates),
        mode=mode,
        states=states,
        cameras=cameras,
        limit=limit,
        since=NOON - timedelta(hours=2),
    )
    actor = Actor("tester")
    account, connector = emptied.connections.open("feed")
    clock = emptied.clock
    assert isinstance(clock, SetClock)
    clock.advance(NOON - clock.now())
    body = [
        record(n, plate, f"2026-06-01T11:{minute:02d}:00Z", state=state, camera=camera)
        for n, (plate, state, minute, camera) in enumerate(reads)
    ]
    emptied.intake.take(connector, account.id, connector.unpack(Document(msgspec.json.encode(body))), obtained="pull")
    # Reads of the first minutes expire, some purged and some not, before anybody asks.
    clock.advance(datetime(2026, 7, 1, 11, tzinfo=UTC) + timedelta(minutes=expired // 2, microseconds=-1) - clock.now())
    emptied.retention.purge(actor)
    clock.advance(timedelta(minutes=expired - expired // 2))
    pages, after = [], None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plates_step, "MANY", many)
        patch.setattr(reads_step, "WALK", 3)
        while True:
            answer = emptied.search.find(actor, replace(query, after=after))
            pages += [row.id for row in answer.rows]
            if answer.next is None:
                break
            after = Cursor.parse(answer.next)
    with emptied.store.read() as connection:
        numbers = {row[0]: int(row[1][1:]) for row in connection.execute(text("SELECT id, vendor_read_id FROM reads"))}
    assert [numbers[ident] for ident in pages] == naive(reads, query, expired)
    clock.advance(timedelta(days=60))
    emptied.retention.purge(actor)
