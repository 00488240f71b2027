"""A vehicle whose plate was not read is no read and no fault, at every connector that can hear of one."""

import json
from typing import Any

import pytest
from every_wire import AXIS, BODIES, HIKVISION, ONVIF, SHARP, document, offline

from connectors.contract import Document
from connectors.errors import NotARead, RecordRejected
from connectors.fields import Fields
from connectors.plates import is_none, plate_at
from normalize.fault import Unusable
from normalize.read import Read

FIELDS: dict[str, tuple[str, str]] = {
    "rekor": ("best_plate_number", "best_confidence"),
    "flock": ("plate.plate", "plate.confidence"),
    "unifi": ("alarm.triggers.0.value", ""),
    "axis": ("plateText", "plateConfidence"),
    "dahua": ("Picture.Plate.PlateNumber", "Picture.Plate.Confidence"),
    "platerecognizer": ("data.results.0.plate", "data.results.0.score"),
    "genetec": ("PlateRead", ""),
    "verkada": ("data.license_plate_number", "data.confidence"),
    "boss4": ("0.VehicleLicensePlateID", ""),
    "generic_webhook": ("plate", ""),
    "generic_json": ("plate", ""),
    "nj_snap": ("plateHits.0.plateNumber", ""),
    "rhombus": ("events.0.vehicleLicensePlate", ""),
}
"""Where each JSON has its plate, and how sure the camera was of it."""
MORE: dict[str, Any] = {
    "nj_snap": {"plateHits": [{"plateNumber": "9SYN042", "eventDateTime": "2026-06-01T15:15:30Z", "cameraID": "c"}]},
    "rhombus": {"events": [
        {"vehicleLicensePlate": "9SYN042", "eventTimestamp": 1780326930000, "uuid": "u", "deviceUuid": "d"},
    ]},
}  # fmt: skip


def put(body: Any, path: str, value: Any) -> Any:
    whole = inside = json.loads(json.dumps(body))
    *steps, last = path.split(".")
    for step in steps:
        inside = inside[int(step)] if isinstance(inside, list) else inside[step]
    inside[last] = value
    return whole


def outcome(key: str, body: bytes) -> Read | RecordRejected:
    one = offline(key)
    [record] = one.records(Document(body, ""))
    try:
        return one.parse(record)
    except RecordRejected as refused:
        return refused


@pytest.mark.parametrize("word", ["", None, "-", "无车牌", "无 车牌", "無車牌"])
@pytest.mark.parametrize("key", FIELDS)
def test_a_plate_that_is_empty_or_says_that_there_is_none_is_no_read(key: str, word: Any) -> None:
    told = outcome(key, json.dumps(put({**BODIES, **MORE}[key], FIELDS[key][0], word)).encode())
    assert isinstance(told, NotARead), str(told)


@pytest.mark.parametrize("word", ["No Plate", "NOPLATE", "unknown", "Unlicensed", "N/A"])
@pytest.mark.parametrize("key", [key for key, (_, sure) in FIELDS.items() if sure])
def test_a_word_that_may_be_a_plate_is_none_where_the_camera_was_not_sure_at_all(key: str, word: str) -> None:
    plate, sure = FIELDS[key]
    body = put(put(BODIES[key], plate, word), sure, 0)
    assert isinstance(outcome(key, json.dumps(body).encode()), NotARead)


@pytest.mark.parametrize("word", ["blank", "No plate number", "No plate found", "unread", "NaN", "0", "000000"])
def test_what_is_written_for_no_plate_is_none_where_the_camera_was_not_sure_at_all(word: str) -> None:
    assert is_none(word, 0)
    assert not is_none(word, 0.9)


@pytest.mark.parametrize("word", ["未上牌", "无法识别", "无牌照", "空"])
def test_what_no_plate_has_on_it_is_none_however_sure_the_camera_was(word: str) -> None:
    assert is_none(word, 0.9)


@pytest.mark.parametrize("word", ["unread", "No plate found", "000000", 0, "NaN"])
def test_an_alarm_that_tells_no_confidence_tells_of_no_plate_all_the_same(word: Any) -> None:
    told = outcome("unifi", json.dumps(put(BODIES["unifi"], FIELDS["unifi"][0], word)).encode())
    assert isinstance(told, NotARead), str(told)


@pytest.mark.parametrize("key", [key for key, (_, sure) in FIELDS.items() if sure])
def test_a_vanity_plate_that_the_camera_is_sure_of_is_a_read(key: str) -> None:
    plate, sure = FIELDS[key]
    told = outcome(key, json.dumps(put(put(BODIES[key], plate, "NOPLATE"), sure, 1)).encode())
    assert isinstance(told, Read), str(told)


@pytest.mark.parametrize("key", [key for key in FIELDS if key not in ("unifi", "dahua", "platerecognizer", "genetec")])
def test_a_plate_that_is_not_there_at_all_is_a_broken_record(key: str) -> None:
    body = json.dumps(put({**BODIES, **MORE}[key], FIELDS[key][0], "HERE")).replace(
        f'"{FIELDS[key][0].rpartition(".")[2]}"', '"renamed"', 1
    )
    told = outcome(key, body.encode())
    assert isinstance(told, RecordRejected)
    assert not isinstance(told, NotARead)


@pytest.mark.parametrize(
    ("key", "template"), [("hikvision", HIKVISION), ("axis", AXIS), ("axis", ONVIF), ("genetec", SHARP)]
)
@pytest.mark.parametrize("word", ["", "无车牌", "-"])
def test_the_same_in_xml(key: str, template: str, word: str) -> None:
    body = document(template, "Gate", word).replace(">91<", ">0<")
    assert isinstance(outcome(key, body.encode()), NotARead)


@pytest.mark.parametrize(
    ("word", "sure", "is_read"), [("noPlate", "0", False), ("无车牌", "88", False), ("NOPLATE", "88", True)]
)
def test_the_words_of_a_camera_count_where_it_was_not_sure(word: str, sure: str, is_read: bool) -> None:
    body = document(HIKVISION, "Gate", word).replace(">91<", f">{sure}<")
    assert isinstance(outcome("hikvision", body.encode()), Read) is is_read


def test_an_agents_vehicle_is_no_read() -> None:
    body = {"data_type": "vehicle", "epoch_start": 1780326930000, "best_uuid": "u", "camera_id": 7}
    assert isinstance(outcome("rekor", json.dumps(body).encode()), NotARead)


def test_an_agents_best_plate_may_stand_in_either_of_its_places() -> None:
    body = put(put(BODIES["rekor"], "best_plate_number", ""), "best_plate", {"plate": "9SYN043"})
    told = outcome("rekor", json.dumps(body).encode())
    assert isinstance(told, Read)
    assert told.plate == "9SYN043"


@pytest.mark.parametrize("text", ["NOTAG", "no tag", "No-Tag", "no / tag", "N.O.T.A.G"])
def test_a_vendors_own_word_for_no_plate_counts_however_it_is_parted_and_however_sure_the_camera_was(text: str) -> None:
    assert is_none(text, 0.9, ("notag",))
    assert not is_none(text, 0.9)


@pytest.mark.parametrize("text", ["<none>", "NO PLATE!"])
def test_a_vendors_own_word_may_hold_any_sign(text: str) -> None:
    assert is_none(text, 0.9, ("<none>", "no plate!"))
    assert not is_none(text, 0.9)


@pytest.mark.parametrize("text", ["-", " . ", "_", "???", "–", "—", "- -"])
def test_signs_alone_are_no_plate(text: str) -> None:
    assert is_none(text, 0.9)


@pytest.mark.parametrize(("numbers", "plate"), [(True, "123456"), (False, None)])
def test_a_number_is_a_plate_only_where_the_vendor_writes_plates_of_digits_alone_as_numbers(
    numbers: bool, plate: str | None
) -> None:
    fields = Fields({"plate": 123456})
    if plate is None:
        with pytest.raises(Unusable, match="plate: is not text"):
            plate_at(fields, "plate", numbers=numbers)
    else:
        assert plate_at(fields, "plate", numbers=numbers) == plate


def test_stars_are_no_word_for_nothing_since_whoever_masks_plates_should_be_noticed() -> None:
    assert not is_none("***", 0)
    assert not is_none("####", None)
