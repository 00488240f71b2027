"""What nobody needs of a record may arrive damaged: every connector that shares the path reads it all the same."""

import json
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest
from every_wire import AXIS, BODIES, EVENT, HIKVISION, MAP, ONVIF, SHARP, document, offline

from connectors.answer import Answer
from connectors.contract import Document
from connectors.damage import LETTERS, MARKUP
from connectors.errors import RecordRejected, VendorChanged
from connectors.mapping import Mapping
from connectors.registry import connector
from normalize.read import Read

XML: dict[str, tuple[str, str]] = {
    "hikvision": ("hikvision", HIKVISION),
    "axis log": ("axis", AXIS),
    "axis onvif": ("axis", ONVIF),
    "genetec": ("genetec", SHARP),
    "generic_webhook": ("generic_webhook", EVENT),
}
AT = "2026-06-01T15:15:30+00:00"


class Told(NamedTuple):
    """What a connector made of a body: its reads, and the refusals of the rest."""

    reads: list[Read]
    refused: list[str]


def told(key: str, body: bytes, content_type: str = "") -> Told:
    found, kind = Told([], []), offline(key)
    try:
        for record in kind.records(Document(body, content_type)):
            try:
                found.reads.append(kind.parse(record))
            except RecordRejected as refused:
                found.refused.append(str(refused))
    except VendorChanged as changed:
        found.refused.append(str(changed))
    return found


def utf8_with(before: bytes, after: bytes) -> Callable[[str], bytes]:
    return lambda text: text.encode().replace(before, after)


SLIPS: dict[str, tuple[str, Callable[[str], bytes], str]] = {
    "a byte of another charset": ("Gate#", utf8_with(b"#", b"\xe3"), LETTERS),
    "a character cut in half": ("Gate#", utf8_with(b"#", "ñ".encode()[:1]), LETTERS),
    "a control character": ("Gate#1", utf8_with(b"#", b"\x02"), LETTERS),
    "a reference to no character": ("Gate&#0;", str.encode, LETTERS),
    "a bare ampersand": ("Gate & Yard", str.encode, MARKUP),
    "an ampersand in an address": ("http://192.0.2.9/p?a=1&amp=2&b=3", str.encode, MARKUP),
    "an entity of HTML": ("Gate&nbsp;1&copy;", str.encode, MARKUP),
    "an entity that nobody knows": ("Gate&yard;", str.encode, MARKUP),
    "a bare bracket": ("Gate <3 m", str.encode, MARKUP),
}


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("who", XML)
def test_one_slip_in_a_name_costs_no_read_and_is_kept_with_it(who: str, slip: str) -> None:
    key, template = XML[who]
    name, written, noted = SLIPS[slip]
    found = told(key, written(document(template, name)))
    assert found.refused == []
    [read] = found.reads
    assert (read.plate_raw, read.captured_at.isoformat(), read.damaged) == ("9SYN042", AT, (noted,))


@pytest.mark.parametrize("who", XML)
def test_padding_behind_a_text_is_no_damage(who: str) -> None:
    key, template = XML[who]
    body = document(template, "Gate#", "9SYN042#").encode().replace(b"#", b"\x00\x00") + b"\x00\r\n\x00"
    [read] = told(key, body).reads
    assert (read.plate_raw, read.damaged) == ("9SYN042", ())


@pytest.mark.parametrize("wrong", ["Gate & Yard", "Gate & Yards"])
@pytest.mark.parametrize("charset", ["UTF-16", "UTF-16-LE", "UTF-16-BE"])
def test_a_slip_is_mended_in_two_bytes_a_character_too(charset: str, wrong: str) -> None:
    found = told("generic_webhook", document(EVENT, wrong, "京A12345", "utf-16").encode(charset))
    assert [(read.plate, read.camera.name, read.damaged) for read in found.reads] == [("京A12345", wrong, (MARKUP,))]


@pytest.mark.parametrize(("charset", "plate"), [("GBK", "京A12345"), ("EUC-KR", "12허3456")])
def test_a_byte_that_is_none_of_the_declared_charset_leaves_all_others_in_it(charset: str, plate: str) -> None:
    body = document(EVENT, "Gate#", plate, charset).encode(charset).replace(b"#", b"\xff")
    found = told("generic_webhook", body)
    assert found.refused == []
    assert [(read.plate, read.damaged) for read in found.reads] == [(plate, (LETTERS,))]


@pytest.mark.parametrize("who", XML)
@pytest.mark.parametrize("byte", [b"\xe3", b"\x02"])
def test_a_plate_is_read_whole_or_not_at_all(who: str, byte: bytes) -> None:
    key, template = XML[who]
    found = told(key, document(template, "Gate", "9SYN#042").encode().replace(b"#", byte))
    assert (found.reads, found.refused) == ([], ["plate_raw: holds a character that arrived damaged"])


@pytest.mark.parametrize("who", XML)
@pytest.mark.parametrize("slip", ["9SYN0&2", "9SYN<042", "9SYN0&copy;2", "9SYN0&amp2", "9SYN]]>042"])
def test_no_slip_of_markup_is_mended_into_a_plate(who: str, slip: str) -> None:
    key, template = XML[who]
    found = told(key, document(template, "Gate", slip).encode())
    assert found.reads == []
    [refused] = found.refused
    assert "markup" in refused or "cut short" in refused


@pytest.mark.parametrize("slip", [b"9SYN\\042", b"9SYN\n042", b"9SYN\t042"])
@pytest.mark.parametrize("key", ["generic_webhook", "rekor", "unifi", "genetec", "verkada"])
def test_no_slip_in_json_is_mended_into_a_plate(key: str, slip: bytes) -> None:
    found = told(key, json.dumps(BODIES[key]).encode().replace(b"9SYN042", slip))
    assert found.reads == []
    assert [refused[:23] for refused in found.refused] == ["plate_raw: holds markup"]


@pytest.mark.parametrize("who", XML)
def test_what_was_written_as_it_should_be_is_a_plate_beside_a_slip_elsewhere(who: str) -> None:
    key, template = XML[who]
    [read] = told(key, document(template, "Gate & Yard", "京A-12345 &#xC9;").encode()).reads
    assert (read.plate, read.damaged) == ("京A12345E", (MARKUP,))


def test_no_slip_is_mended_into_a_camera_or_a_candidate() -> None:
    found = told("generic_webhook", document(EVENT, "Gate").encode().replace(b"gate-1", b"gate & 1"))
    assert (found.reads, found.refused) == ([], ["camera.id: holds markup that arrived damaged"])
    other = HIKVISION.replace(
        "<confidenceLevel>", "<originalLicensePlate>9SYN0&3</originalLicensePlate><confidenceLevel>"
    )
    [read] = told("hikvision", document(other, "Gate").encode()).reads
    assert [candidate.text for candidate in read.candidates] == ["9SYN042"]


def test_what_a_form_parts_in_a_plate_is_no_plate() -> None:
    form = "plate=PLATE&at=2026-06-01T15:15:30Z&cam=gate-1&name=Gate & Yard"
    kind = "application/x-www-form-urlencoded"
    [read] = told("generic_webhook", form.replace("PLATE", "9SYN042").encode(), kind).reads
    assert (read.camera.name, read.damaged) == ("Gate & Yard", (MARKUP,))
    found = told("generic_webhook", form.replace("PLATE", "9SYN0&2").encode(), kind)
    assert (found.reads, found.refused) == ([], ["plate_raw: holds markup that arrived damaged"])


def test_a_control_character_behind_a_plate_may_have_been_one_of_its_characters() -> None:
    found = told("hikvision", document(HIKVISION, "Gate", "9SYN04#").encode().replace(b"#", b"\x02"))
    assert (found.reads, found.refused) == ([], ["plate_raw: holds a character that arrived damaged"])


def test_a_time_and_a_camera_are_read_whole_or_not_at_all() -> None:
    for whole, hurt in ((b"15:15:30Z", b"15:15:3\xe3Z"), (b"gate-1", b"gate-\xe3")):
        found = told("generic_webhook", document(EVENT, "Gate").encode().replace(whole, hurt))
        assert found.reads == []
        assert len(found.refused) == 1


def test_a_number_that_nobody_needs_may_be_damaged() -> None:
    gps = "<latitude>33#</latitude><longitude>-118</longitude>"
    wires = {
        "hikvision": HIKVISION.replace(">91<", ">9#<"),
        "axis": AXIS.replace("<COUNTRY>", "<THRESHOLD>0.9#</THRESHOLD><COUNTRY>"),
        "genetec": SHARP.replace("<CameraName>", "<ConfidenceScore>8#</ConfidenceScore><CameraName>"),
        "generic_webhook": EVENT.replace("<at>", f"<sure>0.9#</sure>{gps}<at>"),
    }
    more = {"confidence": "sure", "latitude": "latitude", "longitude": "longitude"}
    for key, template in wires.items():
        given = {"map": Mapping.model_validate({**MAP, **more})} if key == "generic_webhook" else {}
        one = connector(key).offline(**given)
        [record] = one.records(Document(document(template, "Gate").encode().replace(b"#", b"\xe3"), ""))
        read = one.parse(record)
        assert (read.plate, read.plate_confidence, read.place, read.damaged) == ("9SYN042", None, None, (LETTERS,))


@pytest.mark.parametrize("line", [b"UTC=178032693\xe3", b"RealUTC=178032693\xe3\r\nEvents[0].UTC=1780326930"])
def test_a_count_of_seconds_is_read_whole_or_not_at_all(line: bytes) -> None:
    body = b"Events[0].TrafficCar.PlateNumber=9SYN042\r\nEvents[0].TrafficCar.MachineName=c\r\nEvents[0]." + line
    found = told("dahua", body + b"\r\n")
    assert found.reads == []
    assert len(found.refused) == 1


def test_two_ids_that_were_damaged_alike_stay_two() -> None:
    ids = []
    for byte in (b"\xe3", b"\xe4"):
        body = document(HIKVISION.replace("<ANPR>", "<UUID>u-#</UUID><ANPR>"), "Gate").encode().replace(b"#", byte)
        [read] = told("hikvision", body).reads
        ids.append(read.vendor_read_id)
    assert len(set(ids)) == 2
    assert all(ident.startswith("derived-") for ident in ids)


@pytest.mark.parametrize("mark", ["\ufffd", "\x00"])
@pytest.mark.parametrize("field", ["name", "id"])
def test_a_mark_of_damage_that_its_sender_passes_on_is_damage(mark: str, field: str) -> None:
    body = {"plate": "9SYN042", "at": "2026-06-01T15:15:30Z", "cam": "c", "name": "Gate", "id": "u-1"}
    one = connector("generic_webhook").offline(map=Mapping.model_validate({**MAP, "read_id": "id"}))
    [record] = one.records(Document(json.dumps(body | {field: f"a{mark}b"}).encode(), ""))
    read = one.parse(record)
    assert read.damaged == (LETTERS,)
    assert read.vendor_read_id.startswith("derived-") is (field == "id")
    [record] = one.records(Document(json.dumps(body).encode(), ""))
    assert one.parse(record).damaged == ()


@pytest.mark.parametrize("charset", ["GBK", "gb2312", "GB18030"])
@pytest.mark.parametrize("who", XML)
def test_the_charset_that_xml_declares_is_believed(who: str, charset: str) -> None:
    key, template = XML[who]
    [read] = told(key, document(template, "北门", "京A12345", charset).encode(charset)).reads
    assert (read.plate, read.damaged) == ("京A12345", ())


@pytest.mark.parametrize(
    ("charset", "name"),
    [("Big5", "北門"), ("EUC-KR", "북문"), ("Shift_JIS", "北門"), ("windows-1252", "Tür"), ("UTF-16", "北门")],
)
@pytest.mark.parametrize("who", ["hikvision", "genetec", "generic_webhook"])
def test_names_in_any_charset_are_names(who: str, charset: str, name: str) -> None:
    key, template = XML[who]
    [read] = told(key, document(template, name, declared=charset).encode(charset)).reads
    assert (read.plate, read.camera.name, read.damaged) == ("9SYN042", name, ())


def test_a_charset_that_nobody_knows_costs_what_is_written_in_it_alone() -> None:
    body = document(EVENT, "Gate#", declared="x-vendor").encode().replace(b"#", b"\xe3\xa0")
    [read] = told("generic_webhook", body).reads
    assert (read.plate, read.damaged) == ("9SYN042", (LETTERS,))


def test_plates_that_are_asked_for_may_come_in_another_charset() -> None:
    plate = (
        "<Plate><captureTime>20260601T081530-700</captureTime><plateNumber>京A12345</plateNumber><picName>p-1</picName>"
        "</Plate>"
    )
    body = f'<?xml version="1.0" encoding="GBK"?><Plates>{plate}{plate.replace("p-1", "p-2")}</Plates>'.encode("gbk")
    assert [read.plate for read in told("hikvision", body).reads] == ["京A12345"] * 2


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY e "9SYN042">]><event><plate>&e;</plate><name>a & b</name></event>',
        b"<event><plate>9SYN042</plate><name>a & b",
        b"<event><plate>9SYN042</plate><name>a & b</plate></event>",
    ],
)
def test_mending_opens_no_door_and_makes_nothing_whole(body: bytes) -> None:
    found = told("generic_webhook", body)
    assert (found.reads, found.refused) == ([], ["is cut short or not XML"])


# JSON: the same kinds, on every connector that reads it.


JSON = {key: json.dumps(body, ensure_ascii=False) for key, body in BODIES.items()}
JSON_SLIPS: dict[str, Callable[[str], bytes]] = {
    "a byte of another charset": lambda text: text.encode().replace(b"NAME", b"Gate\xe3"),
    "a raw control character": lambda text: text.encode().replace(b"NAME", b"Ga\x02te"),
    "a raw line end": lambda text: text.encode().replace(b"NAME", b"Ga\nte"),
    "a backslash that escapes nothing": lambda text: text.encode().replace(b"NAME", b"C:\\Photos"),
    "half a surrogate": lambda text: text.encode().replace(b"NAME", b"Gate\\ud83d"),
    "NaN for a number": lambda text: text.encode().replace(b'"NAME"', b"NaN"),
    "a comma behind the last member": lambda text: text.encode().replace(b"}", b",}", 1),
}


@pytest.mark.parametrize("slip", JSON_SLIPS)
@pytest.mark.parametrize("key", JSON)
def test_one_slip_in_json_costs_no_read(key: str, slip: str) -> None:
    one = offline(key)
    [record] = one.records(Document(JSON_SLIPS[slip](JSON[key]), ""))
    assert one.parse(record).plate == "9SYN042"


@pytest.mark.parametrize("key", JSON)
def test_padding_behind_a_text_of_json_is_no_damage(key: str) -> None:
    one = offline(key)
    body = JSON[key].replace("9SYN042", "9SYN042\\u0000\\u0000").replace("NAME", "Gate\\u0000")
    [record] = one.records(Document(body.encode() + b"\x00\x00", ""))
    assert (one.parse(record).plate_raw, one.parse(record).damaged) == ("9SYN042", ())


@pytest.mark.parametrize("plate", ["京A12345", "12하3456", "12허3456", "12호3456", "12회3456", "豫A12345"])
@pytest.mark.parametrize("slip", JSON_SLIPS)
def test_a_slip_elsewhere_leaves_a_plate_that_is_written_in_escapes_as_it_is(slip: str, plate: str) -> None:
    body = JSON["generic_webhook"].replace("9SYN042", json.dumps(plate)[1:-1])
    one = offline("generic_webhook")
    [record] = one.records(Document(JSON_SLIPS[slip](body), ""))
    assert one.parse(record).plate_raw == plate


@pytest.mark.parametrize("key", [key for key in JSON if key != "boss4"])
def test_a_blank_line_between_json_lines_is_no_record(key: str) -> None:
    found = told(key, b"\xef\xbb\xbf" + b"\n \r\n\n".join([JSON[key].encode()] * 3) + b"\n\n")
    assert ([read.plate for read in found.reads], found.refused) == (["9SYN042"] * 3, [])


@pytest.mark.parametrize("key", ["generic_webhook", "generic_json"])
def test_what_was_mended_in_json_is_kept_with_the_read(key: str) -> None:
    one, noted = offline(key), {}
    for slip, write in JSON_SLIPS.items():
        [record] = one.records(Document(write(JSON[key]), ""))
        noted[slip] = one.parse(record).damaged
    assert noted == {
        "a byte of another charset": (LETTERS,), "a raw control character": (LETTERS,), "a raw line end": (MARKUP,),
        "a backslash that escapes nothing": (MARKUP,), "half a surrogate": (LETTERS,), "NaN for a number": (MARKUP,),
        "a comma behind the last member": (MARKUP,),
    }  # fmt: skip


@pytest.mark.parametrize("key", [key for key in JSON if key != "boss4"])
def test_a_broken_line_of_json_lines_costs_itself_alone(key: str) -> None:
    found = told(
        key, b"\n".join([JSON[key].encode(), JSON[key].encode()[:-9], b'{"error": 500}', JSON[key].encode(), b""])
    )
    assert [read.plate for read in found.reads] == ["9SYN042"] * 2
    assert len(found.refused) == 2


def test_an_answer_to_a_pull_is_mended_as_a_push_is() -> None:
    for slip, write in JSON_SLIPS.items():
        answer = Answer(200, {}, write('[{"id": 7, "name": "NAME", "sure": "NAME"}]'))
        assert answer.is_json(), slip
        assert answer.json()[0]["id"] == 7
        assert len(answer.shaped(list[msgspec.Raw])) == 1
    for broken in (b'[{"id": 7, "name": "a', b"<html>\x02</html>", b"\x00"):
        assert not Answer(200, {}, broken).is_json()
        with pytest.raises(VendorChanged):
            Answer(200, {}, broken).json()
