"""Plate text: canonical and folded."""

import json
import string
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.plate import LOOKALIKES, canonical, fold, length

LIGHT = settings(max_examples=200, deadline=None)


@LIGHT
@given(st.text(max_size=40))
def test_canonical_twice_is_canonical_once(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@LIGHT
@given(st.text(alphabet=string.ascii_uppercase + string.digits, max_size=12))
def test_a_plain_plate_stays_as_it_is(text: str) -> None:
    assert canonical(text) == canonical(text.lower()) == canonical(f" {'-'.join(text)} ") == text


@LIGHT
@given(st.text(max_size=40))
def test_folding_twice_is_folding_once_and_keeps_the_length(text: str) -> None:
    folded = fold(canonical(text))
    assert fold(folded) == folded
    assert len(folded) == len(canonical(text))


@pytest.mark.parametrize(
    ("raw", "plate"),
    [
        ("8abc 123", "8ABC123"), ("BÖ-X.1", "BOX1"), ("ﬁ1", "FI1"), ("٣٤٥", "345"), ("①2", "12"), ("ＡＢ１", "AB1"),
        ("粤B·12345", "粤B12345"), ("NULL", "NULL"), ("NOPLATE", "NOPLATE"), ("***", ""), ("", ""), ("🚗", ""),
        ("☆CA☆", "CA"), ("A\u200bB", "AB"), ("=1+1", "11"), ("ⅷ", "VIII"), ("12\u1100\u11613456", "12가3456"),
        ("12가 3456", "12가3456"), ("か\u30991234", "が1234"), ("ﾊﾟ1", "パ1"), ("ハ1", "ハ1"), ("Й1", "Й1"),
        ("أ12", "أ12"), ("বা ১", "বা1"), ("S\u0301\u0323X", "SX"), ("9\u30991", "91"),
    ],
)  # fmt: skip
def test_what_people_would_agree_is_on_the_metal(raw: str, plate: str) -> None:
    assert canonical(raw) == plate


def test_a_character_counts_once_whatever_stands_on_it() -> None:
    assert [length(canonical(raw)) for raw in ("12가3456", "が1234", "ঢাকা মেট্রো-গ ১১-২২২২")] == [7, 5, 12]


@LIGHT
@given(st.text(alphabet="かハﾊ가가ЙИأকা\u0301\u3099\u309a\u0654\u0323A9ſ-", max_size=12))
def test_marks_on_letters_of_any_script_keep_the_form_the_same(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@pytest.mark.parametrize("group", LOOKALIKES)
def test_all_of_a_class_fold_alike(group: str) -> None:
    assert len({fold(char) for char in group}) == 1


def test_classes_do_not_meet() -> None:
    assert all(not set(one) & set(other) for one, other in combinations(LOOKALIKES, 2))
    folded = {fold(char) for char in string.ascii_uppercase + string.digits}
    assert len(folded) == 36 - sum(len(group) - 1 for group in LOOKALIKES)


def test_naughty_strings_do_no_harm(shared: Path) -> None:
    for text in json.loads((shared / "oracles" / "naughty" / "blns.json").read_text(encoding="utf-8")):
        plate = canonical(text)
        assert canonical(plate) == plate
        assert not set(plate) & set(" -.*'\"<>;\x00")
