"""The reader is measured by what a photo shows, and where a truth was corrected the bench knows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.photos import SLIPS, Slip, alike, photos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    slipped = next(iter(SLIPS))
    rows = {"us": [(slipped, "5ZZX123"), ("a.jpg", "5ZZX123")], "eu": [("b.jpg", "ZZ123QQ")]}
    for part, texts in rows.items():
        (tmp_path / part).mkdir()
        lines = [f"{name}\t10\t10\t100\t50\t{text}\n" for name, text in texts]
        (tmp_path / part / "truth.tsv").write_text("".join(lines))
    return tmp_path


def test_a_truth_that_is_wrong_beyond_doubt_is_corrected_in_one_character_and_only_there(folder: Path) -> None:
    told = {photo.path.name: (photo.text, photo.said) for photo in photos(folder)}
    slipped = next(iter(SLIPS))
    assert told == {
        slipped: ("BZZX123", "5ZZX123"), "a.jpg": ("5ZZX123", "5ZZX123"), "b.jpg": ("ZZ123QQ", "ZZ123QQ"),
    }  # fmt: skip


def test_a_truth_that_was_mended_stays_as_it_is() -> None:
    slip = Slip(2, "E", "3", "open to the left")
    assert [slip.corrected(text) for text in ("7ZEX123", "7Z3X123", "7Z")] == ["7Z3X123", "7Z3X123", "7Z"]


def test_a_correction_is_of_characters_that_are_not_taken_for_each_other_anyway_and_says_why() -> None:
    for slip in SLIPS.values():
        assert alike(slip.says) != alike(slip.shows)
        assert slip.why
