"""What the record of a publication says."""

import pytest

from connectors.contract import Proof
from hub.hotlists.publishing import Published
from hub.jobs.catalogue import NO_WAY_TO_LOOK, Done, published_as

READ_BACK, ACCEPTED = str(Proof.READ_BACK), str(Proof.ACCEPTED)
PROVED = {"added": 1, "removed": 0, "missing": 0, "unexpected": 0}


@pytest.mark.parametrize(
    ("published", "done"),
    [
        (Published("feed", 1, 0, True, READ_BACK), Done(PROVED)),
        (Published("feed", 1, 0, False, READ_BACK, error="feed is off"), Done(PROVED, "feed is off")),
        (Published("feed", 1, 0, False, ACCEPTED, error="feed is off"), Done(PROVED, "feed is off")),
        (Published("feed", 1, 0, False, ACCEPTED), Done(PROVED, NO_WAY_TO_LOOK)),
        (
            Published("feed", 1, 0, False, READ_BACK, 1200, 2),
            Done(
                PROVED | {"missing": 1200, "unexpected": 2},
                "the vendor's copy differs from ours: 1,200 missing there, 2 not on our list",
            ),
        ),
    ],
)
def test_what_is_not_proved_says_why(published: Published, done: Done) -> None:
    assert published_as(published) == done


def test_what_nobody_knows_is_not_counted() -> None:
    assert published_as(Published("feed", None, None, False, READ_BACK, None, None, "feed is off")).counts == {}
