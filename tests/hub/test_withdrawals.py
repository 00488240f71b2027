"""What was withdrawn from a hot list stays off it, and most of a list goes only where somebody agreed to how many."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.clock import SetClock
from hub.errors import Invalid, NotFound
from hub.hotlists.lists import Hotlists, NewEntry
from hub.hotlists.withdrawals import RemovesMost
from hub.people import Actor
from hub.wiring import Hub

LIST = "wanted"
sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


def entry(plate: str, state: str | None = "US-CA", line: int = 0, **more: Any) -> NewEntry:
    return NewEntry(plate, "stolen", "26-1", state, line=line, **more)


FIRST, SECOND = entry("9SYN001", line=2), entry("9SYN002", line=3)


@pytest.fixture
def lists(opened: Hub, actor: Actor) -> Hotlists:
    """The lists of a hub, with two entries on one; the first is withdrawn."""
    opened.hotlists.lists.load(actor, LIST, [FIRST, SECOND])
    opened.hotlists.lists.withdraw(actor, LIST, "9SYN001", None, "recovered")
    return opened.hotlists.lists


def force(lists: Hotlists) -> list[tuple[str, str | None]]:
    return [(one.plate, one.state) for one in lists.in_force(LIST)[1]]


@pytest.mark.parametrize("complete", [False, True])
def test_an_old_file_brings_back_nothing_that_was_withdrawn(lists: Hotlists, actor: Actor, complete: bool) -> None:
    for _ in range(2):
        done = lists.load(actor, LIST, [FIRST, SECOND], complete=complete)
        assert (done.added, done.unchanged, done.removed, done.withheld) == (0, 1, 0, (2,))
        assert force(lists) == [("9SYN002", "US-CA")]


@sqlite
def test_neither_other_terms_nor_another_spelling_bring_it_back(lists: Hotlists, actor: Actor) -> None:
    newer = NewEntry("9syn-001", "stolen again", "26-9", "US-CA", "high", line=7)
    assert lists.load(actor, LIST, [newer]).withheld == (7,)


@sqlite
def test_without_a_state_on_either_side_nobody_knows_that_it_is_another_vehicle(lists: Hotlists, actor: Actor) -> None:
    assert lists.load(actor, LIST, [entry("9SYN001", None, 4), entry("9SYN001", "US-NV", 5)]).withheld == (4,)
    assert force(lists) == [("9SYN001", "US-NV"), ("9SYN002", "US-CA")]
    lists.load(actor, LIST, [entry("9SYN003", None)])
    lists.withdraw(actor, LIST, "9SYN003", None, "recovered")
    assert lists.load(actor, LIST, [entry("9SYN003", "US-CA", 6)]).withheld == (6,)


@sqlite
def test_what_stands_beside_what_was_withdrawn_stays(lists: Hotlists, actor: Actor) -> None:
    both = [entry("9SYN004"), entry("9SYN004", None)]
    lists.load(actor, LIST, both)
    lists.withdraw(actor, LIST, "9SYN004", "US-CA", "recovered")
    assert lists.load(actor, LIST, [*both, SECOND], complete=True).removed == 0
    assert ("9SYN004", None) in force(lists)


@sqlite
def test_it_stays_off_its_own_list_alone(lists: Hotlists, actor: Actor) -> None:
    assert lists.load(actor, "another", [FIRST]).added == 1


def test_it_comes_back_once_somebody_said_why_and_a_file_names_it(lists: Hotlists, opened: Hub, actor: Actor) -> None:
    with pytest.raises(Invalid, match="reason: to let a plate come back needs one"):
        lists.readmit(actor, LIST, "9SYN001", None, " ")
    with pytest.raises(NotFound, match="of US-NV was not withdrawn"):
        lists.readmit(actor, LIST, "9SYN001", "US-NV", "stolen again")
    assert lists.readmit(actor, LIST, "9syn 001", None, "stolen again") == 1
    event = opened.audit.events(1)[0]
    assert (event["action"], event["actor"], event["target"]) == ("hotlists.readmit", "tester", LIST)
    assert (event["detail"]["readmission"], event["detail"]["plate"]) == ("stolen again", "9SYN001")
    assert force(lists) == [("9SYN002", "US-CA")]
    assert lists.load(actor, LIST, [FIRST]).added == 1
    with pytest.raises(NotFound):
        lists.readmit(actor, LIST, "9SYN001", None, "again")
    lists.withdraw(actor, LIST, "9SYN001", None, "recovered again")
    assert lists.load(actor, LIST, [FIRST]).withheld == (2,)


@sqlite
def test_what_an_import_has_ended_was_withdrawn_by_nobody(lists: Hotlists, actor: Actor, clock: SetClock) -> None:
    lists.load(actor, LIST, [SECOND, entry("9SYN005"), entry("9SYN006", expires_at=clock.now() + timedelta(hours=1))])
    lists.load(actor, LIST, [SECOND, entry("9SYN006", expires_at=clock.now() + timedelta(hours=1))], complete=True)
    clock.advance(timedelta(hours=2))
    done = lists.load(actor, LIST, [SECOND, entry("9SYN005"), entry("9SYN006")])
    assert (done.added, done.withheld) == (2, ())


@sqlite
def test_a_removal_during_an_import_that_fails_is_as_final(lists: Hotlists, actor: Actor) -> None:
    def entries() -> Any:
        yield SECOND
        lists.withdraw(actor, LIST, "9SYN002", None, "recovered")
        yield entry("9SYN0*")

    with pytest.raises(Invalid):
        lists.load(actor, LIST, entries())
    assert lists.load(actor, LIST, [SECOND]).withheld == (3,)


@sqlite
def test_a_removal_during_an_import_is_final_for_the_next_one_too(lists: Hotlists, actor: Actor) -> None:
    def withdrawn(what: str, *_: Any) -> None:
        if what == "entries stored":
            lists.withdraw(actor, LIST, "9SYN002", None, "recovered")

    newer = [NewEntry("9SYN002", "another reason", "26-2", "US-CA", line=3), entry("9SYN002", "US-NV", 4)]
    lists.load(actor, LIST, newer, progress=withdrawn)
    assert force(lists) == []
    assert lists.load(actor, LIST, newer).withheld == (3, 4)


@sqlite
def test_the_import_has_on_record_how_many_it_withheld(lists: Hotlists, opened: Hub, actor: Actor) -> None:
    lists.load(actor, LIST, [FIRST, SECOND, SECOND, NewEntry("9SYN002", "sought", "26-2", "US-CA", line=5)])
    detail = opened.audit.events(1)[0]["detail"]
    assert (detail["withheld"], detail["differing"], detail["removed"]) == (1, 1, 0)


@sqlite
def test_an_entry_that_is_over_already_is_not_brought(lists: Hotlists, actor: Actor, clock: SetClock) -> None:
    done = lists.load(actor, LIST, [entry("9SYN007", expires_at=clock.now()), SECOND])
    assert (done.added, done.unchanged, done.expired) == (0, 1, 1)


def many(first: int, last: int) -> list[NewEntry]:
    return [entry(f"8SYN{number:03}") for number in range(first, last)]


@sqlite
def test_a_complete_list_removes_most_only_where_somebody_agreed_to_so_many(opened: Hub, actor: Actor) -> None:
    lists = opened.hotlists.lists
    lists.load(actor, LIST, many(0, 10))
    with pytest.raises(RemovesMost) as most:
        lists.load(actor, LIST, many(6, 12), complete=True)
    assert str(most.value) == (
        "of the 10 entries in force on wanted, 6 would be removed: the complete list names 6 plates, and 4 of those"
        " that are in force"
    )
    assert (most.value.code, most.value.gone) == ("removes_most", 6)
    with pytest.raises(RemovesMost):
        lists.load(actor, LIST, many(6, 12), complete=True, removing=5)
    assert len(force(lists)) == 10
    assert lists.load(actor, LIST, many(6, 12), complete=True, removing=6).removed == 6
    assert lists.load(actor, LIST, many(9, 12), complete=True).removed == 3
    assert lists.load(actor, LIST, many(20, 21)).removed == 0


@sqlite
def test_what_is_over_is_neither_counted_as_in_force_nor_as_removed(opened: Hub, actor: Actor, clock: SetClock) -> None:
    lists = opened.hotlists.lists
    until = clock.now() + timedelta(hours=1)
    lists.load(actor, LIST, [*many(0, 2), *(entry(f"7SYN00{n}", expires_at=until) for n in range(5))])
    clock.advance(timedelta(hours=2))
    assert lists.load(actor, LIST, many(0, 1), complete=True).removed == 1


@sqlite
def test_a_list_of_which_all_was_withdrawn_asks_nobody(lists: Hotlists, opened: Hub, actor: Actor) -> None:
    lists.withdraw(actor, LIST, "9SYN002", None, "recovered")
    assert lists.load(actor, LIST, many(0, 1), complete=True).added == 1
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM hotlist_entries WHERE withdrawn")) == 2
