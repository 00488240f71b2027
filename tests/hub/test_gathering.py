"""Several lines of one plate and state: the most serious counts, and what the others say is not lost."""

from itertools import permutations
from typing import Any

from hub.hotlists.gathering import Key, Terms, gathered

KEY: Key = ("9SYN001", "US-CA")
NOW = 1_000
FELONY = Terms("armed suspect", "26-1", "high", None, None, 2)
EXPIRED = Terms("expired registration", "26-2", "low", None, None, 3)
STOLEN = Terms("stolen", "26-3", "medium", "red", None, 4)


def _one(*lines: Terms) -> Any:
    told = gathered([(KEY, line) for line in lines], NOW)
    return told.terms[KEY]


def test_the_highest_alert_counts_and_its_note_has_what_the_others_say() -> None:
    for lines in permutations((FELONY, EXPIRED, STOLEN)):
        assert _one(*lines) == FELONY._replace(
            note="also low: expired registration, case 26-2; also medium: stolen, case 26-3"
        )
    assert _one(EXPIRED, STOLEN).note == "red; also low: expired registration, case 26-2"


def test_of_one_alert_the_line_that_lasts_longest_counts_and_then_the_first() -> None:
    until = [FELONY._replace(expires_at=at, line=line) for line, at in enumerate((2_000, None, 3_000, None), 2)]
    assert _one(*until).line == 3
    assert _one(until[0], until[2]).line == 4
    assert _one(FELONY._replace(line=9), FELONY._replace(line=3, reason="another")).line == 3


def test_a_line_that_is_over_counts_least() -> None:
    over = FELONY._replace(expires_at=NOW)
    assert _one(over, EXPIRED).reason == "expired registration"


def test_lines_are_told_that_differ_and_counted_that_do_not() -> None:
    other: Key = ("9SYN001", None)
    lines = [(KEY, FELONY), (other, FELONY), (KEY, EXPIRED), (KEY, FELONY._replace(line=7)), (KEY, EXPIRED)]
    told = gathered(lines, NOW)
    assert (told.differing, told.repeated, len(told.terms)) == (((2, 3),), 2, 2)
    assert told.terms[other] == FELONY
    same = gathered([(KEY, FELONY), (KEY, FELONY._replace(line=7))], NOW)
    assert (same.terms, same.differing, same.repeated) == ({KEY: FELONY}, (), 1)


def test_a_note_tells_of_some_others_and_counts_the_rest() -> None:
    lines = [EXPIRED._replace(line=line, case_number=f"26-{line}") for line in range(10, 20)]
    assert str(_one(FELONY, *lines).note).endswith("case 26-14; and 5 more")
