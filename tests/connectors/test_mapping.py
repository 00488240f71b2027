"""Maps: the reference page as it stands there, each rule by itself, and any map over any document."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from effort import tries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.contract import Connector, Document, Record
from connectors.errors import NotARead, RecordRejected, VendorChanged
from connectors.mapping import IDENTITY, Candidates, Mapping, Picture, Share, Time, documents
from connectors.mapping.path import compiled
from connectors.registry import connector
from normalize.read import Read

PAGE = Path(__file__).parents[2] / "docs" / "mapping.md"
LIGHT = settings(max_examples=tries(60, 300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
JPEG = b"\xff\xd8\xff\xe0synthetic\xff\xd9"
LEAST = {"plate": "p", "captured_at": "t", "camera_id": "c"}
TOLD = {"p": "9SYN042", "t": "2026-06-01T08:00:00Z", "c": "cam"}


class _Example(NamedTuple):
    language: str
    payload: str
    map: dict[str, Any]
    expected: list[dict[str, Any]]


def _examples() -> Iterator[_Example]:
    blocks = re.findall(r"^```(\w+) (payload|map|reads)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert [kind for _, kind, _ in blocks] == ["payload", "map", "reads"] * (len(blocks) // 3)
    for at in range(0, len(blocks), 3):
        payload, mapped, reads = blocks[at : at + 3]
        yield _Example(payload[0], payload[2].strip(), json.loads(mapped[2]), json.loads(reads[2]))


def _outcomes(made: Connector[Any], document: Document) -> list[Read | RecordRejected]:
    told: list[Read | RecordRejected] = []
    for record in made.unpack(document):
        try:
            told.append(made.parse(record))
        except RecordRejected as refused:
            told.append(refused)
    return told


def _through(mapping: dict[str, Any], body: bytes | str | object, key: str = "generic_webhook") -> list[Any]:
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return _outcomes(connector(key).offline(map=Mapping.model_validate(mapping)), Document(raw))


def _one(more: dict[str, Any], **told: Any) -> Read:
    [outcome] = _through({**LEAST, **more}, {**TOLD, **told})
    assert isinstance(outcome, Read), str(outcome)
    return outcome


def _refusal(more: dict[str, Any], **told: Any) -> str:
    [outcome] = _through({**LEAST, **more}, {**TOLD, **told})
    assert isinstance(outcome, RecordRejected)
    return str(outcome)


def _at(dumped: Any, path: str) -> Any:
    for step in path.split("."):
        dumped = dumped[int(step)] if isinstance(dumped, list) else dumped[step]
    return dumped


@pytest.mark.parametrize("example", list(_examples()), ids=lambda example: example.language)
def test_the_page_of_maps_says_what_happens(example: _Example) -> None:
    key = "generic_csv" if example.language == "csv" else "generic_webhook"
    found = _through(example.map, example.payload, key)
    assert len(found) == len(example.expected)
    for outcome, expected in zip(found, example.expected, strict=True):
        if "refused" in expected or "left out" in expected:
            assert str(outcome) == expected.get("refused", expected.get("left out"))
            assert isinstance(outcome, NotARead) == ("left out" in expected)
        else:
            dumped = json.loads(outcome.model_dump_json())
            assert {path: _at(dumped, path) for path in expected} == pytest.approx(expected)


def test_the_page_of_maps_names_every_field_and_every_option() -> None:
    page = PAGE.read_text("utf-8")
    names = {*Mapping.model_fields, *Time.model_fields, *Share.model_fields, *Picture.model_fields}
    assert not [name for name in {*names, *Candidates.model_fields} if f"`{name}`" not in page]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"plate": "a..b"}, ("plate", "path")),
        ({"plate": "a[b]"}, ("plate", "path")),
        ({"plate": "a[0"}, ("plate", "path")),
        ({"plate": 'a."b'}, ("plate", "path")),
        ({"plate": "part:"}, ("plate", "path")),
        ({"plate": []}, ("plate", "path")),
        ({"plate": 7}, ("plate",)),
        ({"plate": {"path": "p", "colour": "red"}}, ("plate", "colour")),
        ({"plate": {"path": "p", "case": "camel"}}, ("plate", "case")),
        ({"plate": {"path": "p", "split": ","}}, ("plate",)),
        ({"plate": {"path": "p", "split": ",", "take": 0}}, ("plate",)),
        ({"plate": {"path": "p", "like": "no place"}}, ("plate", "like")),
        ({"plate": {"path": "p", "like": "a*{}"}}, ("plate", "like")),
        ({"captured_at": {"path": "t", "zone": "Mars/Olympus"}}, ("captured_at", "zone")),
        ({"captured_at": {"path": "t", "format": "%H:%M"}}, ("captured_at", "format")),
        ({"captured_at": {"path": "t", "format": "%Y-%m-%d"}}, ("captured_at", "format")),
        ({"captured_at": {"path": "t", "format": "%Q"}}, ("captured_at", "format")),
        ({"captured_at": {"path": "t", "format": "minutes"}}, ("captured_at", "format")),
        ({"confidence": {"path": "s", "scale": "0-10"}}, ("confidence", "scale")),
        ({"image": {"path": "i", "form": "gif"}}, ("image", "form")),
        ({"latitude": "n"}, ()),
        ({"records": "^up"}, ()),
        ({"nonsense": "x"}, ("nonsense",)),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused_naming_the_place(wrong: dict[str, Any], named: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        Mapping.model_validate({**LEAST, **wrong})
    [error] = refused.value.errors()
    assert error["loc"][: len(named)] == named
    assert error["msg"]


@pytest.mark.parametrize("missing", LEAST)
def test_a_map_without_a_field_that_every_read_needs_is_refused(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        Mapping.model_validate({name: path for name, path in LEAST.items() if name != missing})


def test_a_map_is_the_same_after_it_was_kept() -> None:
    told = {**LEAST, "captured_at": {"path": ["t", "u"], "zone": "America/New_York", "format": ["iso", "ms"]}}
    for mapping in (IDENTITY, Mapping.model_validate(told)):
        assert Mapping.model_validate(json.loads(mapping.model_dump_json())) == mapping
    assert Mapping.model_validate(json.dumps(told)) == Mapping.model_validate(told)
    with pytest.raises(ValidationError, match="no JSON object"):
        Mapping.model_validate('{"plate": ')


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b", "ab"), ("a.l[0].x", "l0"), ("a.l.1.x", "l1"), ("a.l[-1].x", "l1"), ("a.l[].x", "l0"), ("a.l.*.x", "l0"),
        ('"d.e"', "de"), ("d.e", "de"), ("=word", "word"), ("/a.b", "ab"), ("j.k[0]", "jk"), ("a.b[0]", "ab"),
        ('a."b"', "ab"), ("one[].x", "1x"), ("one[0].x", "1x"), ("n.", "dot"), (["none", "a.b"], "ab"), ("0", "zero"),
    ],
)  # fmt: skip
def test_a_path_leads_where_the_page_says(path: Any, expected: str) -> None:
    told = {
        "a": {"b": "ab", "l": [{"x": "l0"}, {"x": "l1"}]}, "d.e": "de", "j": '{"k": ["jk"]}', "one": {"x": "1x"},
        "n.": "dot", "0": "zero",
    }  # fmt: skip
    assert _one({"model": path}, **told).vehicle.model == expected


@pytest.mark.parametrize("path", ["none", "a.none", "a.l[7].x", "a.l.x", "a.b.c", "^a", "part:x", "a.l[1].y"])
def test_a_path_that_leads_nowhere_finds_nothing(path: str) -> None:
    assert _one({"model": path}, a={"b": "ab", "l": [{"x": "l0"}, {"y": None}]}).vehicle.model is None


@pytest.mark.parametrize(
    ("said", "options", "expected"),
    [
        ("  Foo  ", {}, "Foo"),
        ("x: Foo (y)", {"remove_prefix": "x:", "remove_suffix": "(y)"}, "Foo"),
        ("a,b , c", {"split": ",", "take": 2}, "b"),
        ("a,b , c", {"split": ",", "take": -1}, "c"),
        ("a,b , c", {"split": ",", "take": 4}, None),
        ("Plate: Foo", {"like": "Plate: {}"}, "Foo"),
        ("[12] Plate: Foo; lane 3", {"like": "*Plate: {}; *"}, "Foo"),
        ("Foo at gate", {"like": "{} at gate"}, "Foo"),
        ("Foo at gates", {"like": "{} at gate"}, None),
        ("a-b-c-d", {"like": "*-{}-*-d"}, "b"),
        ("other", {"like": "Plate: {}"}, None),
        ("foo", {"case": "upper"}, "FOO"),
        ("FOO", {"case": "lower"}, "foo"),
        ("PKW", {"values": {"pkw": "car", "LKW": "truck"}}, "car"),
        ("n/s", {"values": {"N/S": None}}, None),
        ("else", {"values": {"N/S": None}}, "else"),
        ("", {"default": "said"}, "said"),
        ("n/s", {"values": {"N/S": None}, "default": "said"}, "said"),
        (7, {}, "7"),
        (7.5, {}, "7.5"),
        (True, {}, "true"),
        ("a", {"plus": ["p", "none"], "between": "/"}, "a/9SYN042"),
    ],
)
def test_a_transform_does_what_the_page_says(said: Any, options: dict[str, Any], expected: str | None) -> None:
    assert _one({"model": {"path": "m", **options}}, m=said).vehicle.model == expected


@pytest.mark.parametrize(
    ("said", "options", "expected", "zone"),
    [
        ("2026-06-01T08:00:00+02:00", {}, "2026-06-01T06:00:00+00:00", "in_data"),
        ("2026-06-01 08:00:00", {}, "2026-06-01T08:00:00+00:00", "guessed"),
        ("2026-06-01 08:00:00", {"zone": "America/Los_Angeles"}, "2026-06-01T15:00:00+00:00", "configured"),
        (1780300800, {"format": "s"}, "2026-06-01T08:00:00+00:00", "in_data"),
        ("1780300800.5", {"format": "s"}, "2026-06-01T08:00:00.500000+00:00", "in_data"),
        ("1780300800123", {"format": "ms"}, "2026-06-01T08:00:00.123000+00:00", "in_data"),
        ("1780300800123456", {"format": "us"}, "2026-06-01T08:00:00.123456+00:00", "in_data"),
        (1780300800123456789, {"format": "ns"}, "2026-06-01T08:00:00.123456+00:00", "in_data"),
        ("Mon, 01 Jun 2026 08:00:00 GMT", {"format": "rfc1123"}, "2026-06-01T08:00:00+00:00", "in_data"),
        ("Mon 01 Jun 2026 08:00:00 GMT", {"format": "rfc1123"}, "2026-06-01T08:00:00+00:00", "in_data"),
        ("01.06.2026 08:00 +0200", {"format": "%d.%m.%Y %H:%M %z"}, "2026-06-01T06:00:00+00:00", "in_data"),
        ("01.06.26 08:00", {"format": ["iso", "%d.%m.%y %H:%M"]}, "2026-06-01T08:00:00+00:00", "guessed"),
        ("2026:06:01 08.00.00", {"format": "%Y:%m:%d %H.%M.%S", "zone": "UTC"}, "2026-06-01T08:00:00+00:00",
         "configured"),
    ],
)  # fmt: skip
def test_a_time_in_any_usual_form_is_an_instant(said: Any, options: Any, expected: str, zone: str) -> None:
    read = _one({"captured_at": {"path": "t", **options}}, t=said)
    assert (read.captured_at.isoformat(), read.zone.value) == (expected, zone)


@pytest.mark.parametrize(
    ("more", "told", "says"),
    [
        ({"plate": "q"}, {}, "plate: is missing or empty (at q)"),
        ({"plate": ["q", "q.r"]}, {}, "plate: is missing or empty (at q or q.r)"),
        ({}, {"c": {}}, "camera_id: is not text but a list or an object (at c)"),
        ({}, {"t": 1780300800123}, "captured_at: is a number: say in `format` what it counts (at t)"),
        ({}, {"t": "1780300800.5"}, "captured_at: is a number: say in `format` what it counts (at t)"),
        ({"captured_at": {"path": "t", "format": "s"}}, {"t": 1780300800123}, "captured_at: no instant"),
        ({"captured_at": {"path": "t", "format": "s"}}, {"t": "soon"}, "captured_at: is not a number (at t)"),
        ({"captured_at": {"path": "t", "format": "rfc1123"}}, {"t": "soon"}, "captured_at: is not an RFC 1123 time"),
        ({"captured_at": {"path": "t", "zone": "America/Denver"}}, {"t": "2026-03-08T02:30:00"}, "did not exist"),
        ({"confidence": "s"}, {"s": 94}, "confidence: is outside 0-1 (at s)"),
        ({"confidence": "s"}, {"s": "sure"}, "confidence: is not a number (at s)"),
        ({"latitude": "n", "longitude": "e"}, {"n": "north", "e": 1}, "latitude: is not a number (at n)"),
        ({"latitude": "n", "longitude": "e"}, {"n": 91, "e": 1}, "latitude: must be 90 or less"),
        ({"direction": "d"}, {"d": 361}, "direction: must be 360 or less"),
        ({"model": "m"}, {"m": "x" * 5000}, "model: is longer than 4000 characters (at m)"),
        ({"model": "m"}, {"m": 10**31}, "model: is too large (at m)"),
        ({}, {"p": 1e5}, "plate: is a number"),
        ({}, {"p": 100000.5}, "plate: is a number"),
        ({}, {"p": -12345}, "plate: is a number"),
        ({}, {"p": True}, "plate: is a number"),
        ({}, {"p": "9SYN\x00042"}, "plate_raw: holds a character that arrived damaged"),
        ({}, {"c": "gate\x001"}, "camera.id: holds a character that arrived damaged"),
    ],
)
def test_a_record_that_cannot_be_a_read_is_refused_naming_field_and_path(more: Any, told: Any, says: str) -> None:
    assert says in _refusal(more, **told)


@pytest.mark.parametrize("plate", [None, "", "  ", "-", "???", "无车牌", "无 车牌"])
def test_a_vehicle_without_a_plate_is_no_read(plate: Any) -> None:
    [outcome] = _through({**LEAST, "plate": ["p", "q.r"]}, {**TOLD, "p": plate})
    assert isinstance(outcome, NotARead)


def test_a_word_that_may_be_a_plate_is_one_unless_the_reader_was_not_sure_at_all() -> None:
    more = {"confidence": "s"}
    assert [_one(more, p="NOPLATE", s=s).plate for s in (0.9, None)] == ["NOPLATE"] * 2
    [outcome] = _through({**LEAST, **more}, {**TOLD, "p": "No Plate", "s": 0})
    assert isinstance(outcome, NotARead)
    assert _one(more, p="9SYN042", s=0).plate == "9SYN042"


def test_a_number_that_is_no_plate_is_told_as_it_was_written() -> None:
    body = (
        '{"p": "9SYN042", "t": "2026-06-01T08:00:00Z", "c": 1e5, "n": 2.50, "s": 0.930, "lat": 33.8620, "lon": -118e0}'
    )
    mapped = {**LEAST, "camera_name": "n", "confidence": "s", "latitude": "lat", "longitude": "lon"}
    for written in (body, f'{{"inside": {json.dumps(body)}}}'):
        below = mapped if written is body else {k: f"inside.{v}" for k, v in mapped.items()}
        [read] = _through(below, written)
        assert (read.camera.id, read.camera.name, read.plate_confidence) == ("1e5", "2.50", 0.93)
        assert (read.place.latitude, read.place.longitude) == (33.862, -118)


def test_a_candidate_that_is_none_costs_no_read() -> None:
    body = {**TOLD, "o": [{"x": 1e5}, {"x": "9SYNO42"}]}
    [read] = _through({**LEAST, "candidates": {"path": "o[]", "text": "x"}}, body)
    assert [candidate.text for candidate in read.candidates] == ["9SYNO42"]


PAIRS = 'Code=Plate;action=Pulse;index=0;data={\n "car": {"p": "9SYN042", "t": "2026-06-01T08:00:00Z"}, "c": "a;b=c" }'


@pytest.mark.parametrize(
    ("body", "below"),
    [
        ("p=9SYN042\r\nt=2026-06-01T08:00:00Z\r\nc=cam\r\n", ""),
        ("p=9SYN042;t=2026-06-01T08:00:00Z;c=cam;", ""),
        ("p = 9SYN042\n\n# c=no\nt = 2026-06-01T08:00:00Z\nc = cam", ""),
        ("Car.p=9SYN042\nCar.t=2026-06-01T08:00:00Z\nCar.c=cam", "Car."),
        ("Events[0].p=9SYN042\nEvents[0].t=2026-06-01T08:00:00Z\nEvents[0].c=cam", "Events[0]."),
    ],
)
def test_lines_of_name_and_value_are_a_document(body: str, below: str) -> None:
    mapped = {name: below + where for name, where in LEAST.items()}
    for kind in (
        "text/plain",
        "",
        "application/x-www-form-urlencoded" if "\n" in body else "text/plain; charset=utf-8",
    ):
        for key in ("generic_webhook", "generic_json"):
            made = connector(key).offline(map=Mapping.model_validate(mapped))
            [read] = _outcomes(made, Document(body.encode(), kind))
            assert (read.plate, read.camera.id) == ("9SYN042", "cam")


def test_several_events_of_one_text_are_several_reads_and_json_goes_to_its_own_end() -> None:
    lines = "".join(f"Events[{n}].p=9SYN04{n}\nEvents[{n}].t=2026-06-01T08:00:00Z\nEvents[{n}].c=7\n" for n in (0, 1))
    assert [read.plate for read in _through({**LEAST, "records": "Events[]"}, lines)] == ["9SYN040", "9SYN041"]
    [read] = _through({"plate": "data.car.p", "captured_at": "data.car.t", "camera_id": "data.c"}, PAIRS)
    assert (read.plate, read.camera.id) == ("9SYN042", "a;b=c")


def test_each_part_of_a_stream_is_a_document_with_the_pictures_behind_it() -> None:
    part = "--edge\r\nContent-Type: {}\r\n\r\n"
    text = part.format("text/plain") + "p=9SYN04{}\r\nt=2026-06-01T08:00:0{}Z\r\nc=7\r\n\r\n"
    body = (
        text.format(1, 1).encode()
        + part.format("image/jpeg").encode() + JPEG + b"\r\n"
        + part.format("text/plain").encode() + b"Heartbeat\r\n"
        + part.format("application/json").encode() + json.dumps({**TOLD, "p": "9SYN042"}).encode() + b"\r\n"
        + part.format("application/json").encode() + b'{"p": \r\n'
        + part.format("image/jpeg").encode() + JPEG + b"\r\n--edge--\r\n"
    )  # fmt: skip
    told = {"map": Mapping.model_validate({**LEAST, "image": "part:1"})}
    for kind, key in product(("multipart/x-mixed-replace; boundary=edge", ""), ("generic_webhook", "generic_json")):
        first, beat, second, broken = _outcomes(connector(key).offline(**told), Document(body, kind))
        assert (first.plate, [image.data for image in first.images]) == ("9SYN041", [JPEG])
        assert (second.plate, second.images) == ("9SYN042", ())
        assert isinstance(beat, NotARead)
        assert not isinstance(broken, NotARead | Read)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_json_in_any_utf_is_read(encoding: str) -> None:
    told = {**TOLD, "n": "北门"}
    mapped = {**LEAST, "camera_name": "n"}
    for body, key in product((told, [told, told]), ("generic_webhook", "generic_json")):
        for read in _through(mapped, json.dumps(body, ensure_ascii=False).encode(encoding), key):
            assert (read.plate, read.camera.name, read.damaged) == ("9SYN042", "北门", ())


@pytest.mark.parametrize("charset", ["gbk", "utf-16", "iso-8859-1", "x-none"])
def test_the_charset_of_a_content_type_is_believed_where_the_bytes_do_not_say_otherwise(charset: str) -> None:
    hook = connector("generic_webhook").offline(map=Mapping.model_validate({**LEAST, "camera_name": "n"}))
    name = "Tür" if charset == "iso-8859-1" else "北门"
    text = json.dumps({**TOLD, "n": name}, ensure_ascii=False)
    kind = f"application/json; charset={charset}"
    bodies = [text.encode()] if charset == "x-none" else [text.encode(), text.encode(charset)]
    for body in bodies:  # some say a charset and write UTF-8
        [record] = hook.records(Document(body, kind))
        read = hook.parse(record)
        assert (read.plate, read.camera.name, read.damaged) == ("9SYN042", name, ())


def test_pictures_come_in_every_form_and_no_read_is_lost_over_one() -> None:
    data = base64.b64encode(JPEG).decode()
    for said in (data, f"data:image/jpeg;base64,{data}", f" {data[:8]}\n{data[8:]} "):
        [image] = _one({"plate_image": "i"}, i=said).images
        assert (image.kind.value, image.data) == ("plate", JPEG)
    assert [one.data for one in _one({"image": "i[].d"}, i=[{"d": data}, {"d": "no"}, {"d": data}]).images] == [
        JPEG
    ] * 2
    for said in (
        "no picture",
        7,
        None,
        "AAAA",
        "data:image/jpeg;base64,%%%",
        [],
        "ü",
        {"#text": 7},
        "http://[",
        "x" * 9000,
    ):
        assert _one({"image": "i", "plate_image": {"path": "i", "form": "url"}}, i=said).images == ()


def test_a_read_without_an_id_has_one_that_stays_the_same() -> None:
    first, again = _one({}), _one({"camera_name": "n"}, n="other")
    assert first.vendor_read_id == again.vendor_read_id
    assert first.vendor_read_id.startswith("derived-")
    assert _one({}, c="other").vendor_read_id != first.vendor_read_id
    assert _one({"read_id": "i"}, i=7).vendor_read_id == "7"
    assert _one({"read_id": "i"}, i=None).vendor_read_id == first.vendor_read_id


def test_a_record_is_kept_as_the_bytes_that_arrived() -> None:
    body = b'{"events": [ {"p":"9SYN042" ,"t":"2026-06-01T08:00:00Z","c":1.0}, {"p": 7}], "x": 1}'
    mapping = Mapping.model_validate({**LEAST, "records": "events"})
    assert [record.payload for record in documents.records(Document(body), mapping)] == [body[13:64], b'{"p": 7}']
    out = Mapping.model_validate({**LEAST, "records": "events", "camera_id": "/x"})
    assert [(record.payload, record.part) for record in documents.records(Document(body), out)] == [
        (body, 0),
        (body, 1),
    ]


def test_elements_of_xml_are_kept_alone_where_that_says_the_same() -> None:
    one, two = b'<r q="1"><p>9SYN042</p><t>2026-06-01T08:00:00Z</t><c>1</c></r>', b"<r><p>9SYN043</p></r>"
    alone = Mapping.model_validate({**LEAST, "records": "list.r"})
    body = b"<a><list>" + one + two + b"</list></a>"
    assert [record.payload for record in documents.records(Document(body), alone)] == [one, two]
    prefixed = body.replace(b"<a>", b'<a xmlns:n="urn:a">').replace(b"<p>", b"<n:p>").replace(b"</p>", b"</n:p>")
    elsewhere = body.replace(b"</a>", b"<r/></a>")
    for other in (prefixed, elsewhere):
        assert [record.part for record in documents.records(Document(other), alone)] == [0, 1]
    for each in (body, prefixed, elsewhere):
        read, refused = _through({**LEAST, "records": "list.r"}, each)
        assert (read.plate, str(refused)) == ("9SYN042", "captured_at: is missing or empty (at t)")


@pytest.mark.parametrize("body", [b'{"x": 1, "r": [{}, {}]}', b"<a><x>1</x><r><p/></r><r><p/></r></a>"])
def test_a_document_too_large_to_be_kept_with_each_of_its_records_is_kept_once(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MOST_BYTES", len(body))
    with pytest.raises(VendorChanged, match="too many to be kept whole"):
        _through({**LEAST, "records": "r", "camera_id": "/x"}, body)
    assert len(_through({**LEAST, "records": "r"}, body)) == 2


def test_a_document_without_the_place_of_its_records_is_not_taken_for_an_empty_one() -> None:
    for told in ({"error": "no"}, {"events": None, "data": {}}, [], 7):
        with pytest.raises(VendorChanged, match=r"nothing at records|neither JSON"):
            _through({**LEAST, "records": "data.events[]"}, told)
    assert _through({**LEAST, "records": "data.events[]"}, {"data": {"events": []}}) == []
    assert _through({**LEAST, "records": "events", "only": {"/kind": ["lpr"]}}, {"kind": "test"}) == []


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ("data[]", {"data": None, "status": "error", "error": "token expired"}),
        ("data[]", {"data": None}),
        ("data", {"data": None}),
        ("data.events[]", {"data": {"events": None}}),
        ("data.events[]", {"data": None}),
        ("devices[].events[]", {"devices": [{"events": None}]}),
        ("devices[].events[]", {"devices": [{"events": [TOLD]}, {"events": None, "error": "offline"}]}),
        ("devices[].events[]", {"devices": [{"error": "offline"}]}),
        ("events", '{"events": "null"}'),
        ("data[]", '{"data": [' + json.dumps(TOLD) + ']}\n{"data": null}'),
    ],
)
@pytest.mark.parametrize("around", [{}, {"engine": "/by"}], ids=["inside", "reaching out"])
def test_null_where_a_list_should_be_is_no_answer_unless_the_map_says_so(
    records: str, told: Any, around: dict[str, str]
) -> None:
    for key in ("generic_webhook", "generic_json"):
        with pytest.raises(VendorChanged, match=r"null where a list|nothing at records|holds one thing alone"):
            _through({**LEAST, **around, "records": records}, told, key)


def test_null_is_an_empty_list_where_the_map_says_so() -> None:
    for around in ({}, {"engine": "/by"}):
        told = {**LEAST, **around, "null_is_empty": True}
        assert _through({**told, "records": "data[]"}, {"data": None}) == []
        some = {"devices": [{"events": None}, {"events": [TOLD]}]}
        assert len(_through({**told, "records": "devices[].events[]"}, some)) == 1


def test_an_empty_element_of_xml_is_an_empty_list() -> None:
    assert _through({**LEAST, "records": "list[]"}, b"<a><list/></a>") == []


@pytest.mark.parametrize(
    "alone", [{"error": "token expired"}, {"code": 401, "message": "no"}, {}, "token expired", 7, True]
)
@pytest.mark.parametrize("around", [{}, {"engine": "/by"}], ids=["inside", "reaching out"])
def test_one_thing_alone_where_a_list_should_be_is_a_record_only_if_the_map_finds_something_in_it(
    alone: Any, around: dict[str, str]
) -> None:
    told = {**LEAST, **around, "records": "data[]"}
    for body in ({"data": alone}, {"data": [alone]}):
        with pytest.raises(VendorChanged, match="one thing alone"):
            _through(told, body)
    assert [read.plate for read in _through(told, {"data": TOLD})] == ["9SYN042"]
    (refused,) = _through(told, {"data": {"t": TOLD["t"]}})
    assert str(refused) == "plate: is missing or empty (at p)"
    (left_out,) = _through({**told, "only": {"kind": ["lpr"]}}, {"data": [{"kind": "heartbeat"}]})
    assert isinstance(left_out, NotARead)


_NAMES = st.sampled_from(["a", "b", "p", "0", "#text", "@x", "a.b", ""])
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**40), 10**40), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from([
        "9SYN042", "2026-06-01T08:00:00Z", "2026-03-08 02:30:00", "1780300800", 1780300800, '{"a": ["b"]}', "[" * 3000,
        "1e99", "\x00", "x" * 5000, "https://a.example/x.jpg", "data:,", "Mon 01 Jun 2026",
        "\ud800", "nan", "-1", 1e300,
    ]),
)  # fmt: skip
_DOCUMENTS = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4)
)
_PATHS = st.one_of(
    st.sampled_from(["a", "b", "p", ".", "^a", "^", "/", "/a", "a[]", "a[].b", "a.*.p", "a[0]", "a[-1]", "[]", "*",
                     "=9SYN1", "part:x", '"a.b"', "#text", "@x", "=1780300800", "=2026-06-01T08:00:00Z", "^^b"]),
    st.text(max_size=6),
)  # fmt: skip
_OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "path": _PATHS | st.lists(_PATHS, min_size=1, max_size=2),
    "plus": st.lists(_PATHS, max_size=2),
    "remove_prefix": st.text(max_size=2),
    "like": st.sampled_from(["{}", "a{}", "*a{}b*", "{}*x", "x{}"]),
    "case": st.sampled_from(["upper", "lower"]),
    "values": st.dictionaries(st.text(max_size=3), st.none() | st.text(max_size=70), max_size=2),
    "default": st.text(max_size=70),
}


def _sources(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    optional = {**{name: told for name, told in _OPTIONS.items() if name != "path"}, **more}
    return _PATHS | st.fixed_dictionaries({"path": _OPTIONS["path"]}, optional=optional)


_FORMATS = st.sampled_from(["iso", "rfc1123", "s", "ms", "us", "ns", "%Y-%m-%d %H", "%d/%m/%y %I%p %z", "%c"])
_SHARES = _sources(scale=st.sampled_from(["0-1", "0-100", "0-999"]))
_PICTURES = _sources(form=st.sampled_from(["auto", "base64", "url"]))
_TIMES = _sources(format=_FORMATS, zone=st.sampled_from(["UTC", "America/Denver", "Asia/Kathmandu"]))
_KINDS = {Time: _TIMES, Share: _SHARES, Picture: _PICTURES}
_SPECIAL = {
    "records": _PATHS,
    "only": st.dictionaries(_PATHS, st.lists(st.sampled_from(["", "a", "true"]), max_size=2), max_size=1),
    "no_plate": st.lists(st.text(max_size=2), max_size=1),
    "direction_of": st.sampled_from(["north", "picture"]),
    "candidates": _PATHS
    | st.fixed_dictionaries({"path": _PATHS}, optional={"text": _sources(), "confidence": _SHARES}),
    "captured_at": _TIMES,
    **dict.fromkeys(("confidence", "state_confidence"), _SHARES),
    **dict.fromkeys(("make_confidence", "colour_confidence", "body_confidence"), _SHARES),
    "state_codes": st.sampled_from(["postal", "ncic"]),
    **dict.fromkeys(("image", "vehicle_image", "plate_image"), _PICTURES),
}
_FIELDS = {name: _SPECIAL.get(name, _sources()) for name in Mapping.model_fields}
_MAPS = st.fixed_dictionaries(
    {name: st.just(path) | _FIELDS[name] for name, path in LEAST.items()},
    optional={name: told for name, told in _FIELDS.items() if name not in LEAST},
)


def _is_read_or_refusal(made: Connector[Any], body: bytes, content_type: str) -> None:
    try:
        outcomes = _outcomes(made, Document(body, content_type))
    except VendorChanged:
        return
    assert all(isinstance(outcome, Read | RecordRejected) for outcome in outcomes)


@LIGHT
@given(
    told=_MAPS,
    document=_DOCUMENTS | st.dictionaries(_NAMES, _LEAVES).map(lambda more: {**TOLD, **more}),
    more=st.binary(max_size=5),
)
def test_any_map_over_any_document_gives_reads_or_refusals(told: Any, document: Any, more: bytes) -> None:
    try:
        mapping = Mapping.model_validate(told)
    except ValidationError:
        return
    assert Mapping.model_validate(json.loads(mapping.model_dump_json())) == mapping
    made = connector("generic_webhook").offline(map=mapping)
    body = json.dumps(document).encode()
    for content in (body, body + more, b'{"a": 1}\n' + body, b"a=" + body, b"<a b='c'>9SYN<b/><a>1</a><a>2</a></a>"):
        _is_read_or_refusal(made, content, "application/json")
    cells = {name: json.dumps(value) for name, value in document.items()} if isinstance(document, dict) else {}
    row = Record("row", json.dumps(cells).encode())
    with suppress(RecordRejected):
        connector("generic_csv").offline(map=mapping).parse(row)


@LIGHT
@given(text=st.text(alphabet='ab.[]*"^/=@ 01-', max_size=12))
def test_any_text_is_a_path_or_is_refused(text: str) -> None:
    with suppress(ValueError):
        assert compiled(text).text == text
