"""The audit log as a tree: whatever is done to its rows behind the hub's back is found, and named."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, text

from hub.audit.verification import Copy, Verification, Verified
from hub.people import Actor
from hub.store.audit_rows import head
from hub.transparency.checkpoint import Checkpoint
from hub.transparency.leaf import leaf
from hub.transparency.tree import EMPTY, WIDTH, Frontier
from hub.wiring import Hub

EVENTS = 40


@pytest.fixture
def written(opened: Hub, actor: Actor) -> Hub:
    """A log of some events."""
    for number in range(EVENTS):
        opened.audit.record(actor, "test.told", "done", target=f"{number}", number=number)
    return opened


def verified(hub: Hub, *checkpoints: Checkpoint, copies: Sequence[Copy] = ()) -> Verified:
    return Verification(hub.store, checkpoints, copies).run()


@contextmanager
def behind_its_back(hub: Hub) -> Iterator[Connection]:
    """The log, for somebody who has the database's password."""
    locks = ("audit_no_update", "audit_no_delete") if hub.store.is_sqlite else ("audit_append_only",)
    with hub.store.append() as connection:
        for lock in locks:
            on = "" if hub.store.is_sqlite else " ON audit_events"
            connection.execute(text(f"DROP TRIGGER IF EXISTS {lock}{on}"))
        yield connection


def test_a_log_that_nobody_touched_is_whole(written: Hub) -> None:
    found = verified(written)
    assert found.whole
    assert found.faults == ()
    with written.store.read_log() as connection:
        assert (found.size, found.root) == (head(connection).size, head(connection).root)
    assert found.size > EVENTS


def test_what_is_appended_while_the_log_is_looked_through_is_no_fault(
    written: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    see = Verification._see

    def meanwhile(self: Verification, row: Any) -> None:
        see(self, row)
        if row.id < 4:
            written.audit.record(actor, "test.meanwhile", "done")

    monkeypatch.setattr("hub.audit.verification.BATCH", 5)
    monkeypatch.setattr(Verification, "_see", meanwhile)
    assert verified(written).whole


EDITS = {
    "what it says": "UPDATE audit_events SET document = replace(document, 'e', 'a') WHERE id = :id",
    "a blank of it": "UPDATE audit_events SET document = document || ' ' WHERE id = :id",
    "its hash": "UPDATE audit_events SET leaf = :hash WHERE id = :id",
    "who": "UPDATE audit_events SET actor = 'somebody else' WHERE id = :id",
    "when": "UPDATE audit_events SET at = at + 1 WHERE id = :id",
    "what": "UPDATE audit_events SET action = 'test.nothing' WHERE id = :id",
    "what came of it": "UPDATE audit_events SET outcome = 'refused' WHERE id = :id",
    "its id": "UPDATE audit_events SET event_id = 'another' WHERE id = :id",
    "that it was": "DELETE FROM audit_events WHERE id = :id",
}


@pytest.mark.parametrize("sql", EDITS.values(), ids=EDITS)
def test_one_edit_is_found_and_the_event_named(written: Hub, sql: str) -> None:
    for ident in (1, 17, verified(written).size):
        with behind_its_back(written) as connection:
            row = connection.execute(text("SELECT * FROM audit_events WHERE id = :id"), {"id": ident}).mappings().one()
            connection.execute(text(sql), {"id": ident, "hash": EMPTY} if ":hash" in sql else {"id": ident})
        found = verified(written)
        assert [fault.event for fault in found.faults] == [ident]
        assert f"event {ident} " in found.faults[0].said
        with behind_its_back(written) as connection:
            connection.execute(text("DELETE FROM audit_events WHERE id = :id"), {"id": ident})
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO audit_events ({names}) VALUES ({values})"), dict(row))
        assert verified(written).whole


def test_events_that_changed_places_are_found(written: Hub) -> None:
    with behind_its_back(written) as connection:
        for step in ({"before": 7, "after": -1}, {"before": 9, "after": 7}, {"before": -1, "after": 9}):
            connection.execute(text("UPDATE audit_events SET id = :after WHERE id = :before"), step)
    assert [fault.said for fault in verified(written).faults] == [
        "event 7 was changed: it was written as event 9", "event 9 was changed: it was written as event 7",
    ]  # fmt: skip


def test_an_event_that_was_put_in_is_found_whatever_its_number(written: Hub) -> None:
    size = verified(written).size
    for ident in (-3, size + 1, size + 20):
        with behind_its_back(written) as connection:
            connection.execute(
                text(
                    "INSERT INTO audit_events (id, event_id, at, actor, action, outcome, document, leaf)"
                    " SELECT :id, 'put in', at, actor, action, outcome, document, leaf FROM audit_events WHERE id = 5"
                ),
                {"id": ident},
            )
        assert not verified(written).whole
        with behind_its_back(written) as connection:
            connection.execute(text("DELETE FROM audit_events WHERE id = :id"), {"id": ident})
    assert verified(written).whole


def test_a_number_far_ahead_ends_the_look_and_is_named(written: Hub) -> None:
    size = verified(written).size
    with behind_its_back(written) as connection:
        connection.execute(
            text(
                "INSERT INTO audit_events (id, event_id, at, actor, action, outcome, document, leaf)"
                " SELECT 1000000000000, 'put in', at, actor, action, outcome, document, leaf FROM audit_events"
                " WHERE id = 5"
            )
        )
    assert verified(written).faults[0].said == f"events {size + 1:,} to 999,999,999,999 are missing"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", ["document = CAST(document AS BLOB)", "leaf = 'abc'", "leaf = x'00'"])
def test_a_value_of_another_kind_is_named_as_a_change(written: Hub, change: str) -> None:
    with behind_its_back(written) as connection:
        connection.execute(text(f"UPDATE audit_events SET {change} WHERE id = 7"))
    assert verified(written).faults[0].event == 7


def test_a_smaller_change_hides_no_larger_one(written: Hub) -> None:
    kept = verified(written)
    checkpoint, copies = Checkpoint("log", kept.size, kept.root), [Copy(1, leaves(written))]
    remade(written, {9: "somebody else"})
    with behind_its_back(written) as connection:
        connection.execute(text("UPDATE audit_events SET at = at + 1 WHERE id = 2"))
    assert [fault.event for fault in verified(written, checkpoint, copies=copies).faults] == [2, 9]
    assert [fault.code for fault in verified(written, checkpoint).faults] == ["changed", "checkpoint"]


def test_the_newest_events_are_missed_too(written: Hub) -> None:
    size = verified(written).size
    with behind_its_back(written) as connection:
        connection.execute(text("DELETE FROM audit_events WHERE id > :kept"), {"kept": size - 3})
    assert [fault.said for fault in verified(written).faults] == [f"events {size - 2} to {size} are missing"]


def remade(hub: Hub, change: dict[int, str], drop: int | None = None) -> None:
    """The log as somebody writes it who knows how it is made, and has the database's password."""
    with behind_its_back(hub) as connection:
        rows = connection.execute(text("SELECT * FROM audit_events ORDER BY id")).mappings().all()
        connection.execute(text("DELETE FROM audit_events"))
        tree = Frontier()
        for row in rows:
            if row["id"] == drop:
                continue
            event = msgspec.json.decode(row["document"])
            actor = change.get(row["id"], row["actor"])
            made = leaf({**event, "actor": actor}, tree.size)
            tree.append(made.hash)
            values = {**row, "id": tree.size, "actor": actor, "document": made.document.decode(), "leaf": made.hash}
            names = ", ".join(values)
            bound = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO audit_events ({names}) VALUES ({bound})"), values)
        head = {"size": tree.size, "roots": b"".join(tree.roots)}
        connection.execute(text("UPDATE audit_head SET size = :size, roots = :roots"), head)


def leaves(hub: Hub) -> bytes:
    with hub.store.read_log() as connection:
        return b"".join(map(bytes, connection.scalars(text("SELECT leaf FROM audit_events ORDER BY id"))))


def test_who_makes_every_hash_anew_is_found_by_what_others_keep(written: Hub, actor: Actor) -> None:
    kept = verified(written)
    checkpoint, copies = Checkpoint("log", kept.size, kept.root), [Copy(1, leaves(written)[: 30 * WIDTH])]
    written.audit.record(actor, "test.later", "done")
    assert verified(written, checkpoint, copies=copies).whole
    remade(written, {12: "somebody else"})
    assert verified(written).whole
    assert [fault.said for fault in verified(written, checkpoint).faults] == [
        f"the first {kept.size} events are not those over which a checkpoint was signed"
    ]
    assert verified(written, checkpoint, copies=copies).faults[0].event == 12


@pytest.mark.parametrize("drop", [1, 20, EVENTS])
def test_one_event_that_is_gone_without_a_trace_is_found_by_what_others_keep(written: Hub, drop: int) -> None:
    kept = verified(written)
    checkpoint, copies = Checkpoint("log", kept.size, kept.root), [Copy(1, leaves(written))]
    remade(written, {}, drop)
    assert verified(written).whole
    found = verified(written, checkpoint, copies=copies)
    assert found.faults[0].event == drop
    assert not verified(written, checkpoint).whole


def test_a_thousand_edits_at_random_are_all_located(written: Hub) -> None:
    chance, size = random.Random(7), verified(written).size
    edits = list(EDITS.values())
    with behind_its_back(written) as connection:
        rows = {row["id"]: row for row in connection.execute(text("SELECT * FROM audit_events")).mappings()}
    for _ in range(1000):
        ident, sql = chance.randint(1, size), chance.choice(edits)
        with behind_its_back(written) as connection:
            connection.execute(text(sql), {"id": ident, "hash": EMPTY} if ":hash" in sql else {"id": ident})
        assert [fault.event for fault in verified(written).faults] == [ident], sql
        with behind_its_back(written) as connection:
            connection.execute(text("DELETE FROM audit_events WHERE id = :id"), {"id": ident})
            row = rows[ident]
            names, bound = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO audit_events ({names}) VALUES ({bound})"), dict(row))
