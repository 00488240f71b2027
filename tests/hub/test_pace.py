"""Long work takes short turns, on a fast machine and on a slow one."""

import pytest

from hub.store.pace import TurnPace


@pytest.mark.parametrize("rows_a_second", [3_000, 20_000, 400_000])
def test_turns_become_as_long_as_they_shall_be_whatever_the_machine_does(rows_a_second: int) -> None:
    now, took = [0.0], []
    pace = TurnPace(2_000, 10, 1_000_000, lambda: now[0])
    for _ in range(20):
        with pace.turn(pace.rows) as begins:
            now[0] += 5  # somebody else's turn, which is waited for
            begins()
            now[0] += pace.rows / rows_a_second
            took.append(pace.rows / rows_a_second)
    assert took[-1] == pytest.approx(0.05, rel=0.05)
    assert max(took[10:]) < 0.1


def test_a_slow_turn_halves_the_next_at_once_and_a_fast_one_at_most_doubles_it() -> None:
    now = [0.0]
    pace = TurnPace(1_000, 400, 3_000, lambda: now[0])
    expected = {10.0: 500, 0.000_01: 1_000}
    for seconds, rows in expected.items():
        with pace.turn(pace.rows) as begins:
            begins()
            now[0] += seconds
        assert pace.rows == rows
    for _ in range(5):
        with pace.turn(pace.rows) as begins:
            begins()
    assert pace.rows == 3_000
    for _ in range(5):
        with pace.turn(pace.rows) as begins:
            begins()
            now[0] += 10
    assert pace.rows == 400
    with pace.turn(pace.rows):  # there was nothing to do
        pass
    assert pace.rows == 400
