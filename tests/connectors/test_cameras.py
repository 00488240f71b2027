"""One rule for cameras at every connector: one device is one camera, and a record that names none loses no read."""

import json
from typing import Any

import pytest
from every_wire import AXIS, BODIES, EVENT, HIKVISION, ONVIF, SHARP, document, offline

from connectors.cameras import camera_of, likeness, mac_of, with_colons
from connectors.contract import Document
from connectors.registry import connector
from normalize.read import Read

NAMES = ("camera_id", "device", "SourceUrl", "SourceName", "LPRCameraID", "LPRCameraName", "LprCameraName", "DeviceID",
         "cam", "name", "CameraName", "macAddress")  # fmt: skip


def read_of(key: str, body: bytes, **settings: Any) -> Read:
    one = connector(key).offline(**settings) if settings else offline(key)
    [record] = one.records(Document(body, ""))
    return one.parse(record)


def nameless(value: Any) -> Any:
    """The same without whatever names a camera."""
    if isinstance(value, dict):
        return {name: nameless(inner) for name, inner in value.items() if name not in NAMES}
    return [nameless(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("key", BODIES)
def test_a_record_that_names_no_camera_is_of_the_unnamed_one(key: str) -> None:
    assert read_of(key, json.dumps(nameless(BODIES[key])).encode()).camera.id == "unnamed"


@pytest.mark.parametrize(
    ("key", "template"),
    [("hikvision", HIKVISION), ("axis", AXIS), ("axis", ONVIF), ("genetec", SHARP), ("generic_webhook", EVENT)],
)
def test_the_same_in_xml(key: str, template: str) -> None:
    for name in NAMES:
        template = template.replace(f"<{name}>", "<other>").replace(f"</{name}>", "</other>")
    camera = read_of(key, document(template, "Gate").encode()).camera.id
    assert camera == ("unnamed/1" if key == "hikvision" else "unnamed")


@pytest.mark.parametrize(("key", "setting"), [("hikvision", "camera_id"), ("axis", "camera_id"), ("dahua", "camera_id"),
                                              ("platerecognizer", "unnamed_camera")])  # fmt: skip
def test_what_the_admin_called_it_comes_first_and_its_own_address_next(key: str, setting: str) -> None:
    bodies = {**BODIES, "hikvision": document(HIKVISION.replace("macAddress", "other"), "Gate")}
    body = bodies[key].encode() if isinstance(bodies[key], str) else json.dumps(nameless(bodies[key])).encode()
    address = {} if key == "platerecognizer" else {"base_url": "http://gate.example:8080"}
    ending = "/1" if key == "hikvision" else ""
    assert read_of(key, body, **address, **{setting: "PIER"}).camera.id == f"PIER{ending}"
    if address:
        assert read_of(key, body, **address).camera.id == f"gate.example{ending}"


def test_a_name_stands_in_for_an_id() -> None:
    body = {name: value for name, value in BODIES["generic_webhook"].items() if name != "cam"}
    camera = read_of("generic_webhook", json.dumps(body).encode()).camera
    assert (camera.id, camera.name) == ("NAME", "NAME")


SPELLINGS = [
    "74:ac:b9:00:00:01",
    "74-AC-B9-00-00-01",
    "74acb9000001",
    "74ACB9000001",
    "74ac.b900.0001",
    "74.ac.b9.00.00.01",
    "74:AC:B9:0:0:1",
    "74 ac b9 00 00 01",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_device_is_one_camera_however_its_address_is_written(spelling: str) -> None:
    unifi = json.dumps(BODIES["unifi"]).replace("74ACB9000001", spelling).encode()
    assert read_of("unifi", unifi).camera.id == "74ACB9000001"
    pushed = document(HIKVISION, "Gate").replace("02:00:5e:10:00:02", spelling).encode()
    assert read_of("hikvision", pushed).camera.id == "74:ac:b9:00:00:01/1"
    plate = b"<captureTime>20260601T081530-700</captureTime><plateNumber>9SYN042</plateNumber>"
    asked = b"<Plates><Plate>" + plate + b"</Plate></Plates>"
    assert read_of("hikvision", asked, camera_id=spelling, channel=1).camera.id == "74:ac:b9:00:00:01/1"
    seen = json.dumps({**BODIES["axis"], "camera_info": {"MACAddress": spelling}}).encode()
    assert read_of("axis", seen).camera.id == "74ACB9000001"
    for body in (json.dumps({**BODIES["generic_webhook"], "cam": f" {spelling} "}), EVENT.replace("gate-1", spelling)):
        assert read_of("generic_webhook", body.replace("PLATE", "9SYN042").encode()).camera.id == "74ACB9000001"
    row = f"plate,at,cam,name\n9SYN042,2026-06-01T15:15:30Z,{spelling},Gate\n"
    assert read_of("generic_csv", row.encode()).camera.id == "74ACB9000001"


def test_what_is_no_address_stays_as_it_is() -> None:
    for text in ("gate", "74:ac:b9", "74:ac-b9:00:00:01", "1-2-3-4-5-6", "74:ac:b9:0:0:100", "GATE12345678", ""):
        assert mac_of(text) is None
        assert with_colons(text) == text
    assert camera_of(None, "", setting=None, address="") == "unnamed"


def test_the_spellings_of_an_id_have_their_likeness_in_common() -> None:
    assert len({likeness(text) for text in (*SPELLINGS, " 74acb9000001 ")}) == 1
    assert len({likeness(f"{text}/1") for text in SPELLINGS}) == 1
    assert len({likeness(text) for text in ("Gate 1", "gate  1", " GATE 1")}) == 1
    assert len({likeness(text) for text in ("gate-1", "gate-01", "gate1", "gate-1/1", "74acb9000001/1")}) == 5
