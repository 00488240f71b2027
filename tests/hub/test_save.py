"""Saving: whole pages or nothing, once however often they come."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads import payload_of
from plain import record, write_page
from sqlalchemy import text

from connectors.errors import AdminMustFix, TryAgain
from hub.clock import SetClock
from hub.errors import Conflict, IntegrityBroken
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.search.query import Query
from hub.store.codec import compress, decompress, field_names
from hub.wiring import Hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
AT = "2026-06-01T11:{:02d}:00Z"


def count(hub: Hub, table: str) -> int:
    with hub.store.read() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def test_a_page_is_kept_once_however_often_it_comes(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [record(n, f"7ZZZ{n:03d}", AT.format(n)) for n in range(20)])
    first = opened.sync.run(actor, "feed")
    second = opened.sync.run(actor, "feed")
    assert (first.pulled, first.stored, first.duplicates) == (20, 20, 0)
    assert (second.pulled, second.stored, second.duplicates) == (20, 0, 20)
    assert count(opened, "reads") == count(opened, "payloads") == count(opened, "plates") == 20


def test_a_read_that_stands_twice_in_one_page_is_kept_once(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [record(1, "7ZZZ001", AT.format(1)), record(1, "7ZZZ001", AT.format(1))])
    saved = opened.sync.run(actor, "feed")
    assert (saved.stored, saved.duplicates) == (1, 1)


def test_two_cars_with_one_plate_are_one_plate_and_two_reads(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [record(1, "7ZZZ001", AT.format(1)), record(2, "7zzz 001", AT.format(2), state="us-nv")])
    opened.sync.run(actor, "feed")
    assert (count(opened, "plates"), count(opened, "reads")) == (1, 2)
    found = opened.search.find(actor, Query(WHY, plates=("7ZZZ001",))).rows
    assert [(row.plate_raw, row.plate_state) for row in found] == [("7zzz 001", "US-NV"), ("7ZZZ001", "US-CA")]


def test_a_record_that_cannot_be_a_read_is_quarantined_with_field_and_reason(
    opened: Hub, actor: Actor, feed: Path
) -> None:
    write_page(
        feed,
        1,
        [
            record(1, "7ZZZ001", AT.format(1)),
            {"id": "r2", "at": AT.format(2)},
            record(3, "7ZZZ003", "soon"),
            record(4, "---", AT.format(4)),
            record(5, "7ZZZ005", "2026-06-03T00:00:00Z"),
            "not even an object",
        ],
    )
    saved = opened.sync.run(actor, "feed")
    assert (saved.pulled, saved.stored, saved.quarantined) == (6, 1, 5)
    assert {(group.field, group.count) for group in opened.quarantine.groups(actor)} == {
        ("plate", 1),
        ("captured_at", 1),
        ("plate_raw", 1),
        ("record", 1),
    } | {("captured_at", 1)}
    assert opened.sync.run(actor, "feed").quarantined == 5
    assert count(opened, "quarantine") == 5  # the same bytes are kept once


def test_a_replayed_record_lands_as_if_it_had_come_right_at_first(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    write_page(feed, 1, [record(5, "7ZZZ005", "2026-06-01T12:20:00Z"), record(6, "7ZZZ006", "never")])
    assert opened.sync.run(actor, "feed").quarantined == 2  # the first lies twenty minutes ahead of our clock
    with opened.store.write() as connection:  # the fix: delivery is now known to have been later
        connection.execute(text("UPDATE quarantine SET received_at = received_at + 1800000000"))
    clock.advance(timedelta(hours=1))
    replayed = opened.quarantine.replay(actor, "feed")
    assert (replayed.stored, replayed.quarantined) == (1, 1)
    assert count(opened, "quarantine") == 1  # what is refused again stays
    assert [row.plate for row in opened.search.find(actor, Query(WHY, plates=("7ZZZ*",))).rows] == ["7ZZZ005"]
    again = opened.quarantine.replay(actor, "feed")
    assert (again.stored, again.quarantined, count(opened, "quarantine")) == (0, 1, 1)


def test_a_read_whose_life_was_over_before_it_came_is_counted_and_not_kept(
    opened: Hub, actor: Actor, feed: Path
) -> None:
    write_page(feed, 1, [record(1, "7ZZZ001", "2026-05-02T12:00:00Z"), record(2, "7ZZZ002", "2026-05-02T12:00:01Z")])
    saved = opened.sync.run(actor, "feed")
    assert (saved.stored, saved.born_expired) == (1, 1)


def test_everything_before_an_outage_is_kept_and_the_next_run_goes_on(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [record(1, "7ZZZ001", AT.format(1))])
    write_page(feed, 2, [record(2, "7ZZZ002", AT.format(2))], ".broken")
    with pytest.raises(TryAgain):
        opened.sync.run(actor, "feed")
    assert count(opened, "reads") == 1
    (feed / "page-002.broken.json").rename(feed / "page-002.json")
    assert opened.sync.run(actor, "feed").stored == 1
    with opened.store.read() as connection:
        outcomes = connection.scalars(text("SELECT outcome FROM runs ORDER BY id")).all()
    assert outcomes == ["TryAgain", "done"]


def test_an_error_in_the_middle_of_a_page_leaves_nothing_of_it(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.store import saving

    write_page(feed, 1, [record(1, "7ZZZ001", AT.format(1))])
    monkeypatch.setattr(saving, "_account", lambda *_: (_ for _ in ()).throw(RuntimeError("disk full")))
    with pytest.raises(RuntimeError):
        opened.sync.run(actor, "feed")
    for table in ("reads", "plates", "payloads", "cameras"):
        assert count(opened, table) == 0
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT checkpoint FROM connections")) is None


def test_two_runs_of_one_connection_never_overlap(opened: Hub, actor: Actor, feed: Path) -> None:
    account, _ = opened.connections.open("feed")
    with (
        opened.store.lease(f"sync-{account.id}"),
        pytest.raises(Conflict, match=r"feed is being synced by another process since .* P[SD]T; try again"),
    ):
        opened.sync.run(actor, "feed")
    assert opened.sync.run(actor, "feed").pulled == 0


def test_a_paused_connection_does_not_run(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.connections.pause(actor, "feed", "contract ended")
    with pytest.raises(Conflict, match="contract ended"):
        opened.sync.run(actor, "feed")
    opened.connections.resume(actor, "feed")
    opened.sync.run(actor, "feed")


def test_what_only_a_person_can_mend_pauses_the_connection(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plain import PlainConnector

    def revoked(*_: object) -> None:
        raise AdminMustFix("the key was revoked")

    monkeypatch.setattr(PlainConnector, "pull", revoked)
    with pytest.raises(AdminMustFix):
        opened.sync.run(actor, "feed")
    (account,) = opened.connections.list()
    assert (account.state, account.state_reason) == ("paused", "the key was revoked")


def test_the_raw_payload_can_be_had_again_byte_for_byte(opened: Hub, actor: Actor, feed: Path) -> None:
    sent = [
        b'{"id" : "r1","plate":"7ZZZ001",\n "at":"2026-06-01T11:00:00.10Z"}',
        b'{"plate":"7ZZZ002","at":"2026-06-01T11:00:00Z", "id":"r2","more":{"7ZZZ002":1.50e40}}',
    ]
    (feed / "page-001.json").write_bytes(b"[" + sent[0] + b"]")
    (feed / "page-002.json").write_bytes(b"[ " + sent[1] + b" ]")
    opened.sync.run(actor, "feed")
    with opened.store.read() as connection:
        ids = connection.scalars(text("SELECT id FROM reads ORDER BY vendor_read_id")).all()
        assert [payload_of(opened, read_id) for read_id in ids] == sent


def test_a_changed_payload_is_noticed(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [record(1, "7ZZZ001", AT.format(1)), record(2, "7ZZZ002", AT.format(2))])
    opened.sync.run(actor, "feed")
    with opened.store.write() as connection:
        connection.execute(text("UPDATE payloads SET payload = (SELECT max(payload) FROM payloads)"))
    with opened.store.read() as connection:
        ids = connection.scalars(text("SELECT id FROM reads")).all()
        with pytest.raises(IntegrityBroken):
            [payload_of(opened, read_id) for read_id in ids]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    )
)
def test_a_dictionary_holds_no_value_and_no_name_with_a_digit(value: object) -> None:
    names = field_names(msgspec.json.encode({"plate": "7ZZZ001", "7ZZZ001": "x", "deep": value}))
    assert b"7ZZZ001" not in names
    assert msgspec.json.decode(names)["plate"] == ""
    payload = msgspec.json.encode(value)
    assert decompress(compress(payload, names), names) == payload


def test_no_row_points_at_a_row_that_is_not_there(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.hotlists.load(actor, "wanted", [NewEntry("7ZZZ001", "stolen", "26-1", "US-CA")])
    write_page(feed, 1, [record(n, f"7ZZZ{n:03d}", AT.format(n), picture="p") for n in range(9)])
    opened.sync.run(actor, "feed")
    parents = [
        ("reads", "plates", "plate_id"),
        ("reads", "cameras", "camera_id"),
        ("reads", "connections", "connection_id"),
        ("payloads", "reads", "read_id"),
        ("payloads", "dictionaries", "dictionary_id"),
        ("images", "reads", "read_id"),
        ("hits", "reads", "read_id"),
    ]
    with opened.store.read() as connection:
        for child, parent, column in parents:
            strays = f"SELECT count(*) FROM {child} WHERE {column} NOT IN (SELECT id FROM {parent})"
            assert connection.scalar(text(strays)) == 0


def test_hostile_plate_text_goes_in_and_comes_out_unchanged(opened: Hub, actor: Actor, feed: Path) -> None:
    nasty = ["NULL", "' OR 1=1;--", "=cmd|' /C calc'!A0", "NO PLATE", "TÖSYN123", "\u202e7ZZZ", "VOID", "京A12345"]
    write_page(feed, 1, [record(n, plate, AT.format(n)) for n, plate in enumerate(nasty)])
    assert opened.sync.run(actor, "feed").stored == len(nasty)
    with opened.store.read() as connection:
        kept = connection.scalars(text("SELECT plate_raw FROM reads ORDER BY id")).all()
    assert kept == nasty
    assert [row.plate_raw for row in opened.search.find(actor, Query(WHY, plates=("NULL",))).rows] == ["NULL"]
