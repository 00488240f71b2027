"""What a spreadsheet wrote is taken for no plate and for no id."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from normalize.read import Camera, Read
from normalize.spreadsheet import damage, error, number
from normalize.times import Zone

DAMAGED = [
    "1.00E+05", "1E+05", "1.23457e+11", "1,23457E+11", "1.0E7", " 9.99E+10 ",
    "#REF!", "#N/A", "#NAME?", "#DIV/0!", "#VALUE!", "#NULL!", "#SPILL!", "#GETTING_DATA", "########", "#BEZUG!", "#NV",
    "#¡REF!", "#¿NOMBRE?", "Err:502", "#ERR508",
    "123456.0", "123456,00", "1-Mar", "12-Sep", "Sep-12", "1-Mar-26", "3/1/2026", "3/1/26", "2026-03-01",
    "2026-03-01 00:00:00", "12345.6", "1.5", "1,234,567", "-12345.6", "01.03.2026", "1.3.26", "01.03.", "03-01-2026",
    "2026/3/1", "2026.03.01", "01.03.2026 00:00", "12:30", "12:30:05", "1:05 PM", "1.00 E+05", "１.００E+05",
    "０１．０３．２０２６", "01. Mrz", "01.Mrz", "1-mar", "12-sept", "01-févr", "Mrz 26", "mars-26", "1-мар",
    "12-MAR-2026", "3月1日", "2026年3月1日", "3월 1일", "#N/B", "#I/T", "#Н/Д", "#REF!123", "#HIÁNYZIK",
    "＃ＮＡＭＥ？", "#9SYN001", "#SYN001", "<b>9SYN001</b>", "9SYN&amp;001", "9SYN&#48;01", r"9SYN\u0030", "9SYN<001",
]  # fmt: skip
WHOLE = [
    "1E5", "100E05", "1E-05", "1-MAR", "MAR1", "7ABC-123", "7 ABC 123", "1.ABC.123", "=\"1E5\"", "'1E5",
    "REF", "12-34-AB", "1234-11-30", "12.345.67", "NULL", "ERR502X", "京A·12345",
    "AB.123.CD", "1-ABC-234", "12-ABC-3", "12-MAR-3", "B-MW 1234", "b-mw 1234", "12-345-67", "123-45-678", "12-10-26",
    "品川 330 さ 12-34", "・・12", "12-34", "ABC-1234", "mar-1234", "SET-2026", "abc 1d23", "MAR-26", "1 ABC 234",
    "AB 12 CD", "R&R 12", "12가 3456", "A 123 BC 77", "34 ABC 123",
]  # fmt: skip


def _read(plate: str, camera: str = "gate-1") -> Read:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    return Read(vendor_read_id="1", plate_raw=plate, captured_at=at, zone=Zone.IN_DATA, camera=Camera(id=camera))


@pytest.mark.parametrize("text", DAMAGED)
def test_a_number_a_date_or_an_error_of_a_spreadsheet_is_no_plate(text: str) -> None:
    with pytest.raises(ValidationError, match=r"plate_raw[\s\S]*(spreadsheet|program)"):
        _read(text)


@pytest.mark.parametrize("text", WHOLE)
def test_what_people_and_cameras_write_is_a_plate(text: str) -> None:
    assert damage(text) is None
    assert _read(text).plate


def test_a_number_with_its_fraction_is_told_to_nobody() -> None:
    assert "123456" not in (damage("123456.0") or "")


@pytest.mark.parametrize(
    ("text", "is_error", "is_number"),
    [
        ("#REF!", True, False), (" #N/A\t", True, False), ("＃ＲＥＦ！", True, False), ("1.23457E+11", False, True),
        (" 1.23457E+11 ", False, True), ("１．２３Ｅ＋１１", False, True), ("id 1.23E+11", False, False),
        ("#REF! of 7", False, False), ("9SYN001", False, False),
    ],
)  # fmt: skip
def test_an_id_is_an_error_or_a_number_of_a_spreadsheet_whatever_blanks_and_letters_it_is_in(
    text: str, is_error: bool, is_number: bool
) -> None:
    assert (error(text), number(text)) == (is_error, is_number)


@pytest.mark.parametrize("text", ["1." + "2" * 40 + "E+11", "#" * 40, "1.3.2026 " + "x" * 40])
def test_no_more_of_a_cell_is_told_than_shows_what_it_is(text: str) -> None:
    told = damage(text) or ""
    assert text[:20] in told
    assert text[:21] not in told


@pytest.mark.parametrize("text", ["1.23457E+11", "#REF!"])
def test_a_camera_that_a_spreadsheet_wrote_is_none(text: str) -> None:
    with pytest.raises(ValidationError, match="a spreadsheet wrote"):
        _read("9SYN001", text)


def test_a_camera_may_be_called_like_a_day() -> None:
    assert _read("9SYN001", "1-Mar").camera.id == "1-Mar"
