"""What a run counted, as people read it."""

import pytest

from hub.jobs.told import told

CODES = ("quarantined", "born_expired", "wanted_images", "duplicates", "kept_short", "pulled", "stored", "unexpected")


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, ""),
        ({"pulled": 0, "hits": 0}, ""),
        ({"pulled": 1240, "stored": 1200, "hits": 1, "pictures": 2}, "1,240 came, 1,200 new, 1 hit, 2 pictures"),
        ({"hits": 2, "pictures": 1, "pictures_left": 1}, "2 hits, 1 picture, 1 picture still to fetch"),
        ({"some_day": 3}, "3 some day"),
    ],
)
def test_counts_are_said_in_words_and_nothing_is_not_said(counts: dict[str, int], said: str) -> None:
    assert told(counts) == said


def test_what_a_purge_removed_is_said_as_reads_of_each_connection_whatever_its_name() -> None:
    counts = {"flock": 12, "north_gate": 1, "hits": 2, "rekor": 0}
    assert told(counts, "purge") == "12 reads of flock, 1 read of north_gate, 2 reads of hits"


def test_no_name_of_the_code_is_among_the_words() -> None:
    said = told(dict.fromkeys(CODES, 2))
    for code in CODES:
        assert code not in said
        assert code.replace("_", " ") not in said
