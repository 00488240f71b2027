"""How far rounds of standing look-ups have come is kept, on either database."""

from pathlib import Path

from hub.ingest.rounds import Round, Rounds
from hub.store.runs import TimeSpan
from hub.wiring import Hub

HOUR = 3_600_000_000
FIRST, SECOND = TimeSpan(0, 10 * HOUR), TimeSpan(9 * HOUR, 12 * HOUR)


def test_a_round_is_where_it_was_left_until_it_is_over(opened: Hub, feed: Path) -> None:
    rounds = Rounds(opened.store)
    assert rounds.begun(1, None) is None
    assert rounds.begin(1, FIRST, True, 0) == Round(FIRST)
    rounds.asked(1, Round(FIRST, 7, 3, 1))
    assert rounds.begun(1, None) == FIRST
    assert rounds.begin(1, FIRST, True, 0) == Round(FIRST, 7, 3, 1)
    rounds.over(1, FIRST)
    assert rounds.begun(1, None) is None


def test_a_round_of_a_named_time_is_found_by_its_beginning_and_in_nobodys_way(opened: Hub, feed: Path) -> None:
    rounds = Rounds(opened.store)
    rounds.begin(1, FIRST, False, 0)
    assert (rounds.begun(1, None), rounds.begun(1, FIRST.since), rounds.begun(1, 5)) == (None, FIRST, None)
    rounds.begin(1, SECOND, True, 0)
    assert (rounds.begun(1, None), rounds.begun(1, FIRST.since)) == (SECOND, FIRST)


def test_rounds_of_times_that_are_over_on_arrival_are_forgotten(opened: Hub, feed: Path) -> None:
    rounds = Rounds(opened.store)
    rounds.begin(1, FIRST, False, 0)
    rounds.begin(1, SECOND, True, 11 * HOUR)
    assert rounds.begun(1, FIRST.since) is None
