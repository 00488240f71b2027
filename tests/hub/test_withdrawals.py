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


def test_a_state_takes_what_names_no_state_with_it_and_other_states_stay(lists: Hotlists, actor: Actor) -> None:
    every = [entry("9SYN004"), entry("9SYN004", None), entry("9SYN004", None, country="MX"), entry("9SYN004", "US-NV")]
    lists.load(actor, LIST, every)
    done = lists.withdraw(actor, LIST, "9SYN004", "US-CA", "recovered")
    assert (done.removed, set(done.states)) == (2, {"US-CA", None})
    assert {one for one in force(lists) if one[0] == "9SYN004"} == {("9SYN004", None), ("9SYN004", "US-NV")}
    lists.load(actor, LIST, every)
    assert {one for one in force(lists) if one[0] == "9SYN004"} == {("9SYN004", None), ("9SYN004", "US-NV")}


@sqlite
def test_a_state_that_only_an_entry_without_one_stood_for_is_kept_off_and_no_other(
    lists: Hotlists, actor: Actor
) -> None:
    lists.load(actor, LIST, [entry("9SYN004", None)])
    assert lists.withdraw(actor, LIST, "9SYN004", "US-CA", "recovered").removed == 1
    every = [entry("9SYN004", None, 2), entry("9SYN004", "US-CA", 3), entry("9SYN004", "US-NV", 4)]
    assert lists.load(actor, LIST, every).withheld == (2, 3)
    assert ("9SYN004", "US-NV") in force(lists)
    assert lists.readmit(actor, LIST, "9SYN004", "US-CA", "stolen again") == 1
    assert lists.load(actor, LIST, every).withheld == ()


def test_a_state_takes_what_an_import_on_its_way_brings_without_one(lists: Hotlists, actor: Actor) -> None:
    def withdrawn(what: str, *_: Any) -> None:
        if what == "entries stored":
            lists.withdraw(actor, LIST, "9SYN002", "US-CA", "recovered")

    more = [entry("9SYN002", None, 3), entry("9SYN002", "US-NV", 4)]
    lists.load(actor, LIST, more, progress=withdrawn)
    assert force(lists) == [("9SYN002", "US-NV")]
    assert lists.load(actor, LIST, [*more, entry("9SYN002", "US-OR", 5)]).withheld == (3,)


@sqlite
@pytest.mark.parametrize("state", [None, "US-CA"])
def test_what_is_not_in_force_now_can_be_withdrawn_and_is_remembered(
    lists: Hotlists, actor: Actor, clock: SetClock, state: str | None
) -> None:
    lists.load(actor, LIST, [entry("9SYN008", expires_at=clock.now() + timedelta(hours=1)), entry("9SYN009")])
    lists.load(actor, LIST, [SECOND], complete=True, removing=9)
    clock.advance(timedelta(hours=2))
    lists.load(actor, LIST, [entry("9SYN007", expires_at=clock.now() + timedelta(hours=1))])
    clock.advance(timedelta(hours=2))
    for plate in ("9SYN007", "9SYN008", "9SYN009"):
        assert lists.withdraw(actor, LIST, plate, state, "recovered").removed == 0
        with pytest.raises(NotFound):
            lists.withdraw(actor, LIST, plate, state, "again")
    later = [entry(f"9SYN00{number}", line=number) for number in (7, 8, 9)]
    assert lists.load(actor, LIST, later).withheld == (7, 8, 9)


@sqlite
def test_what_only_an_import_that_fails_brings_is_withdrawn_all_the_same(lists: Hotlists, actor: Actor) -> None:
    def withdrawn(what: str, done: int, _: Any) -> None:
        if what == "entries stored" and done:
            lists.withdraw(actor, LIST, "8SYN000", "US-CA", "recovered")
            raise Invalid("it fails")

    with pytest.raises(Invalid, match="it fails"):
        lists.load(actor, LIST, many(0, 2001), progress=withdrawn)
    assert lists.load(actor, LIST, [entry("8SYN000", line=9)]).withheld == (9,)


@sqlite
def test_a_slip_of_the_hand_is_not_remembered_and_what_is_said_ahead_is(lists: Hotlists, actor: Actor) -> None:
    with pytest.raises(NotFound, match="none that could come back; to keep off a plate that it never had"):
        lists.withdraw(actor, LIST, "9SYN099", None, "recovered")
    assert lists.withdraw(actor, LIST, "9SYN099", None, "recovered", ahead=True).removed == 0
    assert lists.load(actor, LIST, [entry("9SYN099", line=2), entry("9SYN099", "US-NV", 3)]).withheld == (2, 3)
    assert lists.readmit(actor, LIST, "9SYN099", None, "stolen again") == 1


@sqlite
def test_it_stays_off_its_own_list_alone(lists: Hotlists, actor: Actor) -> None:
    assert lists.load(actor, "another", [entry("9SYN009")]).added == 1
    assert lists.load(actor, "another", [FIRST, entry("9SYN009")]).added == 1
    with pytest.raises(NotFound):
        lists.withdraw(actor, LIST, "9SYN009", None, "recovered")
    assert lists.load(actor, "another", [FIRST, entry("9SYN009")]).unchanged == 2


@sqlite
def test_a_removal_names_the_other_lists_on_which_that_plate_is_in_force(
    lists: Hotlists, actor: Actor, clock: SetClock
) -> None:
    over = clock.now() + timedelta(hours=1)
    for name, listed in (
        ("another", SECOND), ("a third", entry("9SYN003")), ("over", entry("9SYN002", expires_at=over)),
        ("gone", SECOND),
    ):  # fmt: skip
        lists.load(actor, name, [listed])
    lists.withdraw(actor, "gone", "9SYN002", None, "recovered")
    clock.advance(timedelta(hours=2))
    lists.load(actor, LIST, [entry("9SYN002", "US-NV")])
    assert lists.withdraw(actor, LIST, "9SYN002", "US-CA", "recovered").still_on == ("another",)


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
