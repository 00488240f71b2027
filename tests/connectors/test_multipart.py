"""Multipart bodies as cameras frame them: whatever the frame lacks, what is whole inside it is read."""

import json
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Callable
from typing import Any

import pytest

from connectors.contract import Document
from connectors.errors import NotARead, RecordRejected, VendorChanged
from connectors.mapping import Mapping
from connectors.multipart import MOST_PARTS, is_no_event, parts
from connectors.registry import connector
from normalize.read import Read

JPEG = b"\xff\xd8\xff\xe0\x00\x10synthetic--edge\r\n\n\xff\xd9"
HIKVISION = (
    b"<EventNotificationAlert><macAddress>02:00:5e:10:00:02</macAddress><channelID>1</channelID>"
    b"<dateTime>2026-06-01T15:15:30Z</dateTime><eventType>ANPR</eventType><ANPR><licensePlate>9SYN042</licensePlate>"
    b"<confidenceLevel>91</confidenceLevel></ANPR></EventNotificationAlert>"
)
RECOGNIZER = json.dumps(
    {"data": {"camera_id": "c", "timestamp": "2026-06-01T15:15:30Z", "results": [{"plate": "9SYN042", "score": 0.9}]}}
).encode()
AXIS = b'{"carID": "7", "plateText": "9SYN042", "capture_timestamp": "1780326930000"}'
DAHUA = (
    b"Code=TrafficJunction;action=Pulse;index=0;"
    b'data={"TrafficCar":{"PlateNumber":"9SYN042","MachineName":"c"},"UTC":1780326930}'
)
GENERIC = b'{"p": "9SYN042", "t": "2026-06-01T15:15:30Z", "c": "c"}'
SENDERS: dict[str, tuple[str, bytes]] = {
    "hikvision": ("anpr.xml", HIKVISION),
    "platerecognizer": ("json", RECOGNIZER),
    "axis": ("event", AXIS),
    "dahua": ("info", DAHUA),
    "generic_webhook": ("event", GENERIC),
}
PICTURE = {"hikvision": "vehiclePicture.jpg", "platerecognizer": "upload"}


def framed(name: str, event: bytes, picture: str, *, end: bytes = b"\r\n", close: bytes = b"--edge--\r\n") -> bytes:
    def part(field: str, file: str, kind: str, body: bytes) -> bytes:
        head = f'Content-Disposition: form-data; name="{field}"{file}\nContent-Type: {kind}\n\n'
        return b"--edge" + end + head.encode().replace(b"\n", end) + body + end

    kind = "application/xml" if event.startswith(b"<") else "text/plain"
    return part(name, "", kind, event) + part(picture, f'; filename="{picture}"', "image/jpeg", JPEG) + close


def outcomes(key: str, body: bytes, kind: str = "multipart/form-data; boundary=edge") -> list[Read | RecordRejected]:
    mapped = {"plate": "p", "captured_at": "t", "camera_id": "c", "image": "part:shot"}
    given: dict[str, Any] = {"map": Mapping.model_validate(mapped)} if key == "generic_webhook" else {}
    one = connector(key).offline(**given)
    told: list[Read | RecordRejected] = []
    for record in one.records(Document(body, kind)):
        try:
            told.append(one.parse(record))
        except RecordRejected as refused:
            told.append(refused)
    return told


FRAMES: dict[str, Callable[[str, bytes, str], bytes]] = {
    "by the book": framed,
    "with a preamble": lambda *told: b"This is multipart.\r\n" + framed(*told),
    "lines that end in LF": lambda *told: framed(*told, end=b"\n", close=b"--edge--\n"),
    "a blank line behind a delimiter": lambda *told: framed(*told).replace(
        b"--edge\r\nContent", b"--edge\n\r\nContent"
    ),
    "a delimiter twice": lambda *told: b"--edge\r\n" + framed(*told),
    "no end": lambda *told: framed(*told, close=b""),
    "no end and no last line end": lambda *told: framed(*told, close=b"").removesuffix(b"\r\n"),
    "an end without a line end": lambda *told: framed(*told, close=b"--edge--"),
    "something behind the end": lambda *told: framed(*told) + b"\r\n\x00\x00",
    "a header over two lines": lambda *told: framed(*told).replace(b"form-data; name", b"form-data;\r\n name"),
    "blanks behind a delimiter": lambda *told: framed(*told).replace(b"--edge\r\nC", b"--edge \t\r\nC"),
}


BOUND = "multipart/form-data; boundary=edge"
KINDS = [  # what stands before the first delimiter tells no boundary: there the header must
    (frame, kind) for frame in FRAMES for kind in (BOUND, "multipart/form-data", "")
    if frame != "with a preamble" or kind == BOUND
]  # fmt: skip


@pytest.mark.parametrize(("frame", "kind"), KINDS)
@pytest.mark.parametrize("key", SENDERS)
def test_an_event_and_its_picture_are_read_from_every_frame(key: str, frame: str, kind: str) -> None:
    body = FRAMES[frame](*SENDERS[key], PICTURE.get(key, "shot"))
    [read] = outcomes(key, body, kind)
    assert isinstance(read, Read), str(read)
    assert (read.plate, [image.data for image in read.images]) == ("9SYN042", [JPEG])


@pytest.mark.parametrize("key", ["hikvision", "platerecognizer", "axis", "dahua", "generic_webhook"])
def test_a_part_needs_no_headers(key: str) -> None:
    _, event = SENDERS[key]
    for end in (b"\r\n", b"\n"):
        body = b"--edge" + end + event + end + b"--edge--" + end
        [read] = outcomes(key, body, "multipart/x-mixed-replace; boundary=edge")
        assert isinstance(read, Read), str(read)
        assert read.plate == "9SYN042"


def test_a_boundary_that_is_written_with_its_dashes_is_found() -> None:
    [read] = outcomes("hikvision", framed(*SENDERS["hikvision"], "a.jpg"), "multipart/form-data; boundary=--edge")
    assert isinstance(read, Read)


@pytest.mark.parametrize("key", ["hikvision", "axis", "generic_webhook"])
def test_one_document_that_is_called_multipart_is_read(key: str) -> None:
    for kind in ("multipart/form-data; boundary=edge", "multipart/form-data"):
        [read] = outcomes(key, SENDERS[key][1], kind)
        assert isinstance(read, Read)


@pytest.mark.parametrize("key", SENDERS)
def test_a_picture_that_is_cut_short_costs_itself_alone(key: str) -> None:
    body = framed(*SENDERS[key], PICTURE.get(key, "shot"), close=b"")[:-12]
    [read] = outcomes(key, body)
    assert isinstance(read, Read)
    assert (read.plate, read.images) == ("9SYN042", ())


@pytest.mark.parametrize("key", SENDERS)
def test_an_event_that_may_be_cut_short_is_never_taken_for_pictures_alone(key: str) -> None:
    name, event = SENDERS[key]
    part = f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
    pictures = framed(name, event, "shot").removeprefix(part + event + b"\r\n")[: -len(b"--edge--\r\n")]
    pictures = pictures[pictures.index(b"--edge", 1) :] if pictures.count(b"--edge\r\nContent") > 1 else pictures
    for body in (pictures + part + event[:-20], pictures[:-12], part + event[:-20]):
        with pytest.raises(VendorChanged, match="cut short"):
            outcomes(key, body)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "Base64"])
@pytest.mark.parametrize("key", SENDERS)
def test_a_part_is_read_in_the_encoding_that_it_travels_in(key: str, encoding: str) -> None:
    name, event = SENDERS[key]
    sent = encodebytes(event) if encoding.lower() == "base64" else b2a_qp(event, istext=False)
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    shot = b"--edge\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n"
    shot += b'Content-Disposition: form-data; name="shot"; filename="shot.jpg"\r\n\r\n' + encodebytes(JPEG)
    body = head.encode() + sent + b"\r\n" + shot + b"\r\n--edge--\r\n"
    [read] = outcomes(key, body)
    assert isinstance(read, Read), str(read)
    assert read.plate == "9SYN042"
    assert JPEG in [part.body for part in parts(Document(body, "")) or ()]


@pytest.mark.parametrize("key", SENDERS)
def test_a_part_that_is_not_in_the_encoding_that_it_names_is_read_as_it_is(key: str) -> None:
    name, event = SENDERS[key]
    told = framed(name, event, "shot").replace(b"Content-Type", b"Content-Transfer-Encoding: base64\r\nContent-Type")
    [read] = outcomes(key, told)
    assert isinstance(read, Read), str(read)


@pytest.mark.parametrize("key", sorted({*SENDERS} - {"generic_webhook"}))
def test_what_cannot_be_read_beside_a_picture_is_no_picture(key: str) -> None:
    body = framed(SENDERS[key][0], b"what nobody knows: 9SYN042", "shot")
    try:
        told = outcomes(key, body)
    except VendorChanged:
        return
    assert not any(isinstance(outcome, Read | NotARead) for outcome in told), str(told)


@pytest.mark.parametrize("key", SENDERS)
def test_pictures_alone_are_no_read(key: str) -> None:
    head = b'--edge\r\nContent-Disposition: form-data; name="a"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    [outcome] = outcomes(key, head + JPEG + b"\r\n" + head + JPEG + b"\r\n--edge--\r\n")
    assert isinstance(outcome, NotARead)


def test_a_part_that_counts_its_bytes_needs_no_end() -> None:
    text = b"Events[0].TrafficCar.PlateNumber=9SYN042"
    counted = b"--edge\r\nContent-Length: %d\r\n\r\n" % len(text) + text
    assert [part.body for part in parts(Document(counted, "multipart/mixed; boundary=edge")) or ()] == [text]
    with pytest.raises(VendorChanged, match="cut short"):
        parts(Document(counted[:-1], "multipart/mixed; boundary=edge"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"nothing of the kind", "is not the multipart body that it says it is"),
        (b"--edge\r\n\r\n", "cut short"),
        (
            b"--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n" * (MOST_PARTS + 1) + b"--edge--",
            "more than 64 parts",
        ),
    ],
)
def test_what_holds_no_parts_is_kept_whole(body: bytes, says: str) -> None:
    for key in SENDERS:
        with pytest.raises(VendorChanged):
            outcomes(key, body)
    if says != "cut short":
        with pytest.raises(VendorChanged, match=says):
            parts(Document(body, "multipart/form-data; boundary=edge"))


def test_as_many_parts_as_may_be_are_read() -> None:
    body = b"--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n" * MOST_PARTS + b"--edge--"
    assert len(parts(Document(body, "multipart/form-data; boundary=edge")) or ()) == MOST_PARTS


@pytest.mark.parametrize("said", ["image/bmp", "Image/BMP", " IMAGE/bmp ; name=car.bmp"])
def test_a_picture_of_a_kind_that_nobody_keeps_is_no_event_however_its_kind_is_written(said: str) -> None:
    body = f"--edge\r\nContent-Type:{said}\r\n\r\nBM\x01\r\n--edge--\r\n".encode()
    [part] = parts(Document(body, "multipart/form-data; boundary=edge")) or ()
    assert (part.content_type, is_no_event(part)) == ("image/bmp", True)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_that_nothing_ends_are_whole_where_the_last_has_its_end(end: bytes) -> None:
    lines = end.join([b"Events[0].TrafficCar.PlateNumber=9SYN042", b"Events[0].UTC=1780326930"])
    body = b"--edge\r\nContent-Type: text/plain\r\n\r\n" + lines
    [part] = parts(Document(body + end, "multipart/mixed; boundary=edge")) or ()
    assert part.body == lines
    with pytest.raises(VendorChanged, match="cut short"):
        parts(Document(body, "multipart/mixed; boundary=edge"))


@pytest.mark.parametrize("before", [b"", b"This is multipart.\r\n"])
def test_the_parts_of_a_form_are_its_fields_whatever_stands_before_them(before: bytes) -> None:
    fields = {"p": b"9SYN042", "t": b"2026-06-01T15:15:30Z", "c": b"c"}
    part = b'--edge\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    body = before + b"".join(part % (name.encode(), value) for name, value in fields.items()) + b"--edge--\r\n"
    [read] = outcomes("generic_webhook", body)
    assert isinstance(read, Read)
    assert (read.plate, read.camera.id) == ("9SYN042", "c")


def test_each_part_is_in_its_own_charset() -> None:
    head = b"--edge\r\nContent-Type: application/json; charset=gbk\r\n\r\n"
    body = head + '{"p": "京A12345", "t": "2026-06-01T15:15:30Z", "c": "c"}'.encode("gbk") + b"\r\n--edge--\r\n"
    [read] = outcomes("generic_webhook", body, "multipart/mixed; boundary=edge")
    assert isinstance(read, Read)
    assert read.plate == "京A12345"
