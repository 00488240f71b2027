"""Pattern of life: when a plate usually goes, and where."""

from datetime import datetime, timedelta

import pytest
from town import PLATE, WHY, Town, local

from hub.clock import SetClock
from hub.people import Actor


def test_a_pattern_counts_passes_by_weekday_and_hour_in_all_and_at_each_place(town: Town, actor: Actor) -> None:
    monday, tuesday = local(1, 8.5), local(2, 17.2)
    town.saw((PLATE, "c1", monday), (PLATE, "c1", monday + timedelta(days=7)), (PLATE, "c2", tuesday))
    town.saw(
        (PLATE, "c9", monday + timedelta(seconds=5)), (PLATE, "c2", tuesday + timedelta(hours=1)), connection="other"
    )
    for camera in ("c1", "c9"):
        town.place(camera, site="Pier")
    answer = town.ask.pattern(actor, WHY, PLATE)
    assert (answer.passes, answer.zone) == (4, "America/Los_Angeles")
    cells = {(day, hour): n for day, hours in enumerate(answer.week) for hour, n in enumerate(hours) if n}
    assert cells == {(0, 8): 2, (1, 17): 1, (1, 18): 1}
    assert [len(hours) for hours in answer.week] == [24] * 7
    assert [(one.site, one.camera, one.connections, one.passes) for one in answer.places] == [
        ("Pier", None, ["feed", "other"], 2),
        (None, "c2", ["feed"], 1),
        (None, "c2", ["other"], 1),
    ]
    assert (answer.places[0].week[0][8], sum(map(sum, answer.places[0].week))) == (2, 2)
    assert (answer.first_at, answer.last_at) == (monday, monday + timedelta(days=7))
    assert [(one.connection, one.reads) for one in answer.connections] == [("feed", 3), ("other", 2)]


@pytest.mark.parametrize(
    ("moments", "cells"),
    [
        (["2026-03-08T09:59:00+00:00", "2026-03-08T10:01:00+00:00"], {(6, 1): 1, (6, 3): 1}),  # two o'clock is skipped
        (["2026-11-01T08:30:00+00:00", "2026-11-01T09:30:00+00:00"], {(6, 1): 2}),  # one o'clock comes twice
        (["2026-06-02T06:59:30+00:00", "2026-06-02T07:00:00+00:00"], {(0, 23): 1, (1, 0): 1}),
    ],
)
def test_hours_are_those_of_the_agencys_clock_through_every_change(
    town: Town, actor: Actor, clock: SetClock, moments: list[str], cells: dict[tuple[int, int], int]
) -> None:
    passed = [datetime.fromisoformat(moment) for moment in moments]
    clock.advance(passed[-1] + timedelta(days=1) - clock.now())
    town.saw(*((PLATE, "c1", moment) for moment in passed))
    week = town.ask.pattern(actor, WHY, PLATE).week
    assert {(day, hour): n for day, hours in enumerate(week) for hour, n in enumerate(hours) if n} == cells
