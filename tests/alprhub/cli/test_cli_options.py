"""What is wrong is said of the option that a person typed, and not of a field that nobody sees."""

from typing import Any

import pytest

WHY = ("--purpose=stolen_vehicle", "--reason=needed in court", "--case=26-1")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("holds", "place", "9SYN001", *WHY, "--hold=evidence", "--review-at=1/1/2020"), "--review-at: "),
        (("holds", "place", "9SYN001", *WHY, "--hold=evidense", "--review-at=12/31/2035"), "--hold: 'evidense' is no"),
        (
            ("holds", "place", "9SYN001", *WHY, "--hold=case", "--review-at=1h", "--committed-on=June"),
            "--committed-on: ",
        ),
        (("connections", "change", "drop", "--kind=nobody's"), "--kind: "),
        (("connections", "schedule", "drop", "--every=often"), "--every: "),
        (("search", "9SYN*", *WHY, "--kind=police"), "--kind: 'police' is not known; there are: "),
        (("search", "9SYN*", *WHY, "--min-confidence=2"), "--min-confidence: "),
        (("hotlists", "withdraw", "wanted", "9SYN001", "--reason="), "--reason: "),
    ],
)
def test_a_wrong_value_is_told_by_its_option(run: Any, joined: Any, words: tuple[str, ...], named: str) -> None:
    done = run(*words)
    assert (done.code, done.out) == (65, "")
    assert done.err.startswith(named)


def test_a_word_that_is_nearly_one_is_answered_with_that_one_alone(run: Any, joined: Any) -> None:
    done = run("holds", "place", "9SYN001", *WHY, "--hold=evidense", "--review-at=12/31/2035")
    assert done.err == "--hold: 'evidense' is no kind of hold; did you mean 'evidence'?\n"
    done = run("search", "9SYN001", "--purpose=stolen_vehicl", "--reason=needed in court")
    assert done.err == "purpose: 'stolen_vehicl' is none of this agency's; did you mean 'stolen_vehicle'?\n"


def test_what_is_no_option_of_the_command_keeps_its_name(run: Any, joined: Any) -> None:
    done = run("connections", "add", "two words", "motorola", *joined.settings)
    assert done.err.startswith("name: ")
