"""The gate, and the read it lets through."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from normalize.fault import Unusable
from normalize.gate import CLOCK_AHEAD, accept
from normalize.read import Camera, ImageKind, ImageRef, Read
from normalize.times import Zone

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def _read(**more: Any) -> Read:
    told: dict[str, Any] = {
        "vendor_read_id": "1", "plate_raw": "9syn-001", "captured_at": NOW, "zone": Zone.IN_DATA,
        "camera": Camera(id="c"), **more,
    }  # fmt: skip
    return Read(**told)


def test_a_good_read_passes_as_it_is() -> None:
    read = _read(captured_at=NOW + CLOCK_AHEAD)
    assert accept(read, NOW) is read


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"plate_raw": "***"}, "plate_raw"), ({"plate_raw": "A" * 16}, "plate_raw"),
        ({"captured_at": NOW + CLOCK_AHEAD + timedelta(microseconds=1)}, "captured_at"),
    ],
)  # fmt: skip
def test_what_is_not_fit_to_be_kept_names_its_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(Unusable) as refused:
        accept(_read(**more), NOW)
    assert refused.value.field == field


def test_a_plate_of_fifteen_characters_passes() -> None:
    assert accept(_read(plate_raw="A" * 15), NOW)


def test_marks_on_letters_do_not_make_a_plate_too_long() -> None:
    assert accept(_read(plate_raw="ঢাকা মেট্রো-গ ১১-২২২২"), NOW)


def test_what_follows_from_the_plate_cannot_disagree_with_it() -> None:
    read = _read()
    assert (read.plate, read.plate_key, read.plate_state) == ("9SYN001", "95YN001", None)
    with pytest.raises(ValidationError):
        _read(plate="OTHER")


def test_equal_content_is_equal_and_nothing_can_be_changed() -> None:
    assert _read() == _read()
    with pytest.raises(ValidationError):
        _read().plate_raw = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    "more",
    [
        {"captured_at": NOW.replace(tzinfo=None)}, {"captured_at": NOW.astimezone(None).replace(tzinfo=None)},
        {"plate_confidence": 1.1}, {"vendor_read_id": ""}, {"vendor_read_id": "x" * 251}, {"direction": 361},
        {"surprise": 1},
    ],
)  # fmt: skip
def test_a_read_that_could_not_be_is_not_made(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _read(**more)


def test_json_has_times_with_a_z_and_no_pictures() -> None:
    read = _read(images=(ImageRef(kind=ImageKind.PLATE, data=b"\xff\xd8\xff"),))
    text = read.model_dump_json()
    assert '"captured_at":"2026-06-01T12:00:00Z"' in text
    assert '"images":[{"kind":"plate","url":null,"expires_at":null}]' in text


@pytest.mark.parametrize("lost", ["\x02", "\x00", "\x7f", "\x9f", "\ue000", "\ufdd0"])
def test_a_sign_that_stands_for_nothing_may_be_a_character_of_the_plate_that_is_lost(lost: str) -> None:
    with pytest.raises(ValidationError, match="where a character may be lost"):
        _read(plate_raw=f"9SYN{lost}042")


@pytest.mark.parametrize("between", [" ", "\t", "\u200b", "\xad", "\u00a0", "-", "·"])
def test_what_stands_between_characters_or_is_copied_with_them_costs_no_read(between: str) -> None:
    assert accept(_read(plate_raw=f"9SYN{between}042"), NOW).plate == "9SYN042"
