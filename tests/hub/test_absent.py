"""A name that nothing has is answered with the names that there are."""

import pytest

from hub.absent import absent


@pytest.mark.parametrize(
    ("name", "there", "says"),
    [
        ("rekr", ["rekor"], "there is no source called 'rekr'; did you mean 'rekor'?"),
        ("rekr", ["flock", "rekor"], "there is no source called 'rekr'; did you mean 'rekor'?"),
        ("nobody", ["flock", "rekor"], "there is no source called 'nobody'; there are: flock, rekor"),
        ("nobody", ["flock"], "there is no source called 'nobody'; there is only: flock"),
        ("nobody", [], "there is no source called 'nobody'; there is none yet: make one"),
        (" ", ["flock", "rekor"], "the name of a source is missing; there are: flock, rekor"),
        ("", [], "the name of a source is missing; there is none yet: make one"),
    ],
)
def test_the_nearest_is_named_else_all_or_how_the_first_is_made(name: str, there: list[str], says: str) -> None:
    assert absent("source", name, there, "make one") == says
