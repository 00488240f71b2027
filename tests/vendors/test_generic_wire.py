"""The three connectors that need no code: vendors nobody has seen, proofs, paging and files, by settings alone."""

import base64
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import new as hmac
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import drops
import httpx
import msgspec
import pytest
import respx
from pydantic import ValidationError
from terminal import typed

from connectors.contract import Connector, Document, Frame, Page, Request, Window
from connectors.errors import AdminMustFix, Gone, HostNotAllowed, NotARead, RecordRejected, TryAgain, VendorChanged
from connectors.registry import connector
from connectors.vendors.generic_csv import GenericCsvConnector, GenericCsvSettings
from connectors.vendors.generic_json import GenericJsonConnector, GenericJsonSettings
from connectors.vendors.generic_webhook import GenericWebhookConnector, GenericWebhookSettings
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import open_hub
from normalize.read import ImageKind, ImageRef, Read

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PAGES = Path(__file__).parents[2] / "docs" / "vendors"
SECRET = "synthetic-push-secret"
JPEG = b"\xff\xd8\xff\xe0synthetic\xff\xd9"
API = "https://api.acme.example/v2/reads"
LEAST = {"plate": "p", "captured_at": "t", "camera_id": "c"}


class _Clock:
    def now(self) -> datetime:
        return NOW


def _frame(slept: list[float] | None = None) -> Frame:
    return Frame(_Clock(), (slept if slept is not None else []).append)


def _hook(**told: Any) -> GenericWebhookConnector:
    return GenericWebhookConnector(GenericWebhookSettings(**{"webhook_secret": SECRET, **told}), _frame())


def _json(**told: Any) -> GenericJsonConnector:
    given = {"place": API, "map": {**LEAST, "records": "rows[]"}, "requests_per_second": 1e6, **told}
    return GenericJsonConnector(GenericJsonSettings(**given), _frame())


def _told(made: Connector[Any], body: bytes, content_type: str = "application/json") -> list[Read | RecordRejected]:
    found: list[Read | RecordRejected] = []
    for record in made.unpack(Document(body, content_type)):
        try:
            found.append(made.parse(record))
        except RecordRejected as refused:
            found.append(refused)
    return found


def _reads(made: Connector[Any], body: Any, content_type: str = "application/json") -> list[Read]:
    found = _told(made, body if isinstance(body, bytes) else json.dumps(body).encode(), content_type)
    reads = [one for one in found if isinstance(one, Read)]
    assert len(reads) == len(found), [str(one) for one in found]
    return reads


def _maps(key: str) -> list[dict[str, Any]]:
    """The maps on a vendor's page, as they stand there."""
    page = (PAGES / f"{key}.md").read_text("utf-8")
    return [json.loads(text) for text in re.findall(r"^```json map\n(.*?)^```$", page, re.M | re.S)]


# Two vendors that nobody has seen.

NESTED = {
    "schema": "plategaze/4",
    "unit": {"serial": "PG-0042", "label": "Harbour mast", "fix": {"n": "33.8622", "e": "-118.3995"}},
    "payload": {
        "passages": [
            {
                "uid": 77001,
                "seen": {"utcMicros": "1780300800123456"},
                "ocr": {
                    "best": {"chars": "9syn 042", "score": 947},
                    "others": [{"chars": "9SYNO42", "score": 512}, {"chars": "9SYN0A2", "score": None}],
                },
                "issuer": {"iso": "USA", "region": "Nev."},
                "car": {"brand": "VW", "paint": "Dark-Blue", "shape": "Kombi"},
                "heading": "NW",
                "shots": {
                    "wide": base64.b64encode(JPEG).decode(),
                    "tight": "https://shots.plategaze.example/77001.jpg",
                },
            },
            {"uid": 77002, "seen": {"utcMicros": "1780300801000000"}, "ocr": {"best": {"chars": "--"}}},
            {"uid": 77003, "seen": {"utcMicros": None}, "ocr": {"best": {"chars": "9SYN043"}}},
        ]
    },
}
NESTED_MAP = {
    "records": "payload.passages[]",
    "no_plate": "--",
    "plate": "ocr.best.chars",
    "read_id": "uid",
    "captured_at": {"path": "seen.utcMicros", "format": "us"},
    "camera_id": "/unit.serial",
    "camera_name": "/unit.label",
    "latitude": "/unit.fix.n",
    "longitude": "/unit.fix.e",
    "confidence": {"path": "ocr.best.score", "scale": "0-999"},
    "candidates": {"path": "ocr.others[]", "text": "chars", "confidence": {"path": "score", "scale": "0-999"}},
    "country": "issuer.iso",
    "state": {"path": "issuer.region", "values": {"Nev.": "NV", "Cal.": "CA"}},
    "make": "car.brand",
    "colour": "car.paint",
    "body": {"path": "car.shape", "values": {"kombi": "station wagon"}},
    "direction": {"path": "heading", "values": {"N": "0", "NW": "315"}},
    "direction_of": "north",
    "image": "shots.wide",
    "plate_image": "shots.tight",
}
XML = (
    b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<kz:Meldung xmlns:kz="urn:kz-leser:2" nr="5512">
  <kz:Ort kennung="AB-7"><kz:Name>Pe\xf1asco Br\xfccke</kz:Name></kz:Ort>
  <kz:Fahrzeug lauf="1">
    <kz:Zeit datum="01.06.2026" uhr="09:15:30,250"/>
    <kz:Zeichen land="US" gebiet="us-az" guete="88,0">9SYN-777</kz:Zeichen>
    <kz:Bild art="gesamt">data:image/jpeg;base64,"""
    + base64.b64encode(JPEG)
    + b"""</kz:Bild>
  </kz:Fahrzeug>
  <kz:Fahrzeug lauf="2">
    <kz:Zeit datum="01.06.2026" uhr="09:15:31,000"/>
    <kz:Zeichen/>
  </kz:Fahrzeug>
</kz:Meldung>"""
)
XML_MAP = {
    "records": "Fahrzeug[]",
    "plate": "Zeichen",
    "captured_at": {
        "path": "Zeit.@datum", "plus": ["Zeit.@uhr"], "format": "%d.%m.%Y %H:%M:%S,%f", "zone": "Europe/Berlin",
    },
    "camera_id": "^Ort.@kennung",
    "camera_name": "^Ort.Name",
    "read_id": {"path": "/@nr", "plus": ["@lauf"], "between": "-"},
    "state": "Zeichen.@gebiet",
    "confidence": {"path": "Zeichen.@guete", "split": ",", "take": 1, "scale": "0-100"},
    "image": "Bild",
}  # fmt: skip


def test_an_unknown_vendors_nested_json_is_read_by_settings_alone() -> None:
    hook = _hook(map=json.dumps(NESTED_MAP), image_hosts=["plategaze.example"])
    first, none, refused = _told(hook, json.dumps(NESTED).encode())
    assert isinstance(first, Read)
    assert (first.vendor_read_id, first.plate, first.plate_state) == ("77001", "9SYN042", "US-NV")
    assert first.captured_at == datetime(2026, 6, 1, 8, 0, 0, 123456, UTC)
    assert (first.camera.id, first.camera.name) == ("PG-0042", "Harbour mast")
    assert first.place is not None
    assert (first.place.latitude, first.place.longitude) == (33.8622, -118.3995)
    assert first.plate_confidence == pytest.approx(947 / 999)
    assert [(one.text, one.confidence and round(one.confidence, 3)) for one in first.candidates] == [
        ("9SYNO42", 0.513), ("9SYN0A2", None),
    ]  # fmt: skip
    assert (first.vehicle.make.code, first.vehicle.colour.code, first.vehicle.body.code) == ("VOLK", "DBL", "SW")
    assert (first.direction, first.direction_of) == (315, "north")
    assert [(one.kind, one.data, one.url) for one in first.images] == [
        (ImageKind.FRAME, JPEG, None), (ImageKind.PLATE, None, "https://shots.plategaze.example/77001.jpg"),
    ]  # fmt: skip
    assert isinstance(none, NotARead)
    assert str(refused) == "captured_at: is missing or empty (at seen.utcMicros)"


def test_an_unknown_vendors_xml_is_read_by_settings_alone() -> None:
    first, refused = _told(_hook(map=XML_MAP), XML, "application/xml")
    assert isinstance(first, Read)
    assert (first.vendor_read_id, first.plate, first.plate_state) == ("5512-1", "9SYN777", "US-AZ")
    assert first.captured_at == datetime(2026, 6, 1, 7, 15, 30, 250_000, UTC)
    assert (first.camera.id, first.camera.name) == ("AB-7", "Peñasco Brücke")
    assert first.plate_confidence == 0.88
    assert [one.data for one in first.images] == [JPEG]
    assert isinstance(refused, NotARead)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of commands."""
    for name in ("ALPRHUB_DATABASE_URL", "ALPRHUB_IMAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALPRHUB_AGENCY", "Agency")
    monkeypatch.setenv("ALPRHUB_PROFILE", "hermosa-beach")
    monkeypatch.setenv("ALPRHUB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def _run(*words: object, stdin: bytes | None = None) -> Any:
    return typed(*words, stdin=stdin)


def test_a_map_is_tried_on_a_sample_in_a_file_or_pasted(data: Path, tmp_path: Path) -> None:
    sample, kept, settings = (tmp_path / name for name in ("push.json", "map.json", "settings.json"))
    sample.write_text(json.dumps(NESTED))
    kept.write_text(json.dumps(NESTED_MAP, indent=1))
    settings.write_text(json.dumps({"map": NESTED_MAP}))
    ways = [
        _run("connectors", "parse", "generic_webhook", sample, "--set", f"map=@{kept}", "--json"),
        _run("connectors", "parse", "generic_webhook", sample, "--set", f"map={json.dumps(NESTED_MAP)}", "--json"),
        _run("connectors", "parse", "generic_webhook", sample, "--settings", settings, "--json"),
        _run(
            "connectors", "parse", "generic_webhook", "-", "--settings", settings, "--json", stdin=sample.read_bytes()
        ),
        _run(
            "connectors", "parse", "generic_webhook", sample, "--settings", "-", "--json", stdin=settings.read_bytes()
        ),
    ]
    for done in ways:
        told = json.loads(done.stdout)
        assert [read["plate"] for read in told["reads"]] == ["9SYN042"]
        assert [item["field"] for item in told["left_out"]] == ["plate"]
        assert [item["field"] for item in told["quarantined"]] == ["captured_at"]
        assert told["quarantined"][0]["reason"] == "is missing or empty (at seen.utcMicros)"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ('map={"plate": "a[", "captured_at": "t", "camera_id": "c"}', "map.plate.path.0: "),
        ('map={"plate": "a"}', "map.captured_at is missing"),
        ('map={"plate": ', "map: is no JSON object"),
        ("map=@no-such-file.json", "map: the file 'no-such-file.json' is not there"),
        ("map=[1]", "map: "),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused_in_one_line(data: Path, tmp_path: Path, given: str, says: str) -> None:
    (tmp_path / "push.json").write_text("{}")
    for command in (("connectors", "parse", "generic_webhook", tmp_path / "push.json"),
                    ("connections", "add", "acme", "generic_webhook")):  # fmt: skip
        done = _run(*command, "--set", given)
        assert (done.exit_code, done.stdout) == (65, "")
        assert done.stderr.startswith(says)


def test_standard_input_holds_one_thing_only(data: Path) -> None:
    done = _run("connectors", "parse", "generic_webhook", "-", "--settings", "-", stdin=b"{}")
    assert done.exit_code == 65


def test_a_pushed_message_of_an_unknown_vendor_becomes_a_read_of_the_hub(data: Path, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(
        json.dumps({"map": NESTED_MAP, "webhook_secret": SECRET, "reply_body": "OK"})
    )
    added = _run("connections", "add", "plategaze", "generic_webhook", "--settings", tmp_path / "settings.json",
                 "--agency", HubSettings().agency)  # fmt: skip
    assert added.exit_code == 0, added.stderr
    # Reads live for a time only, so this one was taken just now.
    recent = {"utcMicros": str(int(datetime.now(UTC).timestamp() * 1e6) - 60_000_000)}
    body = {**NESTED, "payload": {"passages": [{**NESTED["payload"]["passages"][0], "seen": recent}]}}  # type: ignore[index]
    pushed = Request({"x-alprhub-key": SECRET}, Document(json.dumps(body).encode()))
    with open_hub(HubSettings()) as hub:
        with hub.ingest.receiving() as inbox:
            assert inbox.take("plategaze", pushed).body == b"OK"
            inbox.keep()
        assert hub.connections.accounts.list()[0].connector == "generic_webhook"
        with hub.store.read() as connection:
            rows = connection.exec_driver_sql("SELECT vendor_read_id FROM reads").all()
    assert [row[0] for row in rows] == ["77001"]


# Vendors that have no connector of their own, by the maps that stand on the pages.


def test_blue_iris_is_read_by_the_map_on_the_page() -> None:
    mapping = _maps("generic_webhook")[0]
    found = {
        "success": True, "processMs": 65, "moduleName": "License Plate Reader",
        "timestampUTC": "Mon 01 Jun 2026 08:00:00 GMT",
        "predictions": [
            {"confidence": 0.94, "label": "Plate: 9SYN 042", "plate": "9SYN 042", "valid_ocr_annotation": True},
            {"confidence": 0.72, "label": "Plate: 9SYN043", "x_min": 3},
        ],
    }  # fmt: skip
    dump = [
        {"api": "objects", "found": {"success": False, "predictions": [{"label": "car"}]}},
        {"api": "alpr", "found": found},
    ]
    other, first, second = _told(_hook(map=mapping), json.dumps({"camera": "Gate 1", "ai": dump}).encode())
    assert isinstance(other, NotARead)
    assert isinstance(first, Read)
    assert isinstance(second, Read)
    assert [(one.plate, one.plate_confidence, one.camera.id) for one in (first, second)] == [
        ("9SYN042", 0.94, "Gate 1"), ("9SYN043", 0.72, "Gate 1"),
    ]  # fmt: skip
    assert first.captured_at == datetime(2026, 6, 1, 8, tzinfo=UTC)
    assert first.engine == "License Plate Reader"


def test_the_public_samples_of_blue_iris_are_read_by_that_map(shared: Path) -> None:
    for path in sorted((shared / "vendors" / "samples" / "blueiris_codeproject").iterdir()):
        told = json.loads(path.read_text())
        plates = [one["plate"].replace(" ", "") for each in told for one in each["found"]["predictions"]]
        reads = _reads(_hook(map=_maps("generic_webhook")[0]), {"camera": "1", "ai": told})
        assert [read.plate for read in reads] == plates
        assert plates


def test_alpr_sh_is_read_by_the_map_on_the_page() -> None:
    mapping = _maps("generic_webhook")[1]
    recognised = {
        "id": "rec_01SYN", "event": "recognition.created", "tenant_id": "ten_1", "plate": "SYN9A42", "confidence": 0.97,
        "captured_at": "2026-06-01T08:00:00.123456Z", "camera_id": "cam_7", "source": "camera",
    }  # fmt: skip
    [read] = _reads(_hook(map=mapping), recognised)
    assert (read.vendor_read_id, read.plate, read.camera.id) == ("rec_01SYN", "SYN9A42", "cam_7")
    for other in ("alert.triggered", "webhook.test", "something.new"):
        [outcome] = _told(_hook(map=mapping), json.dumps({**recognised, "event": other}).encode())
        assert isinstance(outcome, NotARead)
    del recognised["camera_id"]
    assert _reads(_hook(map=mapping), recognised)[0].camera.id == "api"


def test_carmens_agent_and_cloud_are_read_by_the_maps_on_the_pages() -> None:
    vehicle = {
        "plate": {"found": True, "unicodeText": "9SYN042", "country": "USA", "state": "CA", "confidence": 61,
                  "textConfidence": 93},
        "mmr": {"make": "Ford"}, "markings": [], "bounds": {},
    }  # fmt: skip
    answer = {"version": "1.4", "data": {"vehicles": [vehicle]}}
    pictures = [{"mimeType": "image/jpeg", "data": base64.b64encode(JPEG).decode()}]
    pushed = {"detectionTimestamp": 1780300800123, "event": answer, "attachments": pictures}
    [edge] = _reads(_hook(map=_maps("generic_webhook")[2]), pushed)
    assert (edge.plate, edge.plate_state, edge.plate_confidence) == ("9SYN042", "US-CA", 0.93)
    assert [one.data for one in edge.images] == [JPEG]

    event = {
        "event": answer,
        "attachmentURLs": ["https://files.carmen.example/1.jpg"],
        "creationTimestamp": 1780300800123.5,
    }
    cloud = _json(map=_maps("generic_json")[0], image_hosts=["files.carmen.example"])
    [stored] = _reads(cloud, {"events": [event], "continuationToken": "abc"})
    assert stored.captured_at == datetime(2026, 6, 1, 8, 0, 0, 123_500, UTC)
    assert [one.url for one in stored.images] == ["https://files.carmen.example/1.jpg"]


def test_spot_ais_report_is_read_as_last_sightings_by_the_map_on_the_page() -> None:
    plate = {
        "plate": "9SYN042",
        "visits": 3,
        "first_seen": "2026-05-01T08:00:00.000Z",
        "last_seen": "2026-06-01T08:00:00.000Z",
    }
    [read] = _reads(_json(map=_maps("generic_json")[1]), {"plates": [plate], "summary": {}, "timeseries": []})
    assert (read.plate, read.camera.id, read.captured_at) == ("9SYN042", "lobby", datetime(2026, 6, 1, 8, tzinfo=UTC))
    with pytest.raises(VendorChanged, match="nothing at records"):
        _told(
            _json(map=_maps("generic_json")[1]),
            b'{"message": "no", "statusCode": 422, "name": "InvalidDateRangeError"}',
        )


# Bodies of every kind.


def test_parts_beside_the_document_are_pictures_of_the_read() -> None:
    edge = b"--edge\r\n"
    body = (
        edge + b'Content-Disposition: form-data; name="shot"; filename="a.jpg"\r\n\r\n' + JPEG
        + b"\r\n" + edge + b'Content-Disposition: form-data; name="lane"\r\n\r\n7\r\n'
        + edge + b'Content-Disposition: form-data; name="meta"\r\n\r\n{"p": "9SYN042", "t": "2026-06-01T08:00:00Z"}\r\n'
        b"--edge--\r\n"
    )  # fmt: skip
    hook = _hook(map={**LEAST, "camera_id": "part:lane", "image": "part:shot", "plate_image": "part:a.jpg"})
    for kind in ("multipart/form-data; boundary=edge", "application/octet-stream"):
        [record] = hook.unpack(Document(body, kind))
        assert record.payload == b'{"p": "9SYN042", "t": "2026-06-01T08:00:00Z"}'
        read = hook.parse(record)
        assert (read.camera.id, [one.data for one in read.images]) == ("7", [JPEG, JPEG])


def test_a_part_that_only_begins_as_a_document_does_is_none() -> None:
    parts = (b"<b", b"{x", XML)
    body = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="%d"\r\n\r\n%s\r\n' % numbered for numbered in enumerate(parts)
    )
    first, none = _told(_hook(map=XML_MAP), body + b"--edge--\r\n", "multipart/form-data; boundary=edge")
    assert isinstance(first, Read)
    assert first.plate == "9SYN777"
    assert isinstance(none, NotARead)


def test_a_form_may_say_a_thing_twice_and_a_cut_or_foreign_body_is_kept_whole() -> None:
    hook = _hook(map={**LEAST, "camera_name": "n[1]"})
    form = b"p=9SYN042&t=2026-06-01T08%3A00%3A00Z&c=1&n=a&n=b"
    assert _reads(hook, form, "application/x-www-form-urlencoded")[0].camera.name == "b"
    for body in (
        b"",
        b"p",
        b"{",
        b"<a><b></a>",
        b"\xff\xd8\xff",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    ):
        with pytest.raises(VendorChanged):
            _told(hook, body)


# Who may push, and what is answered.


def _signed(content: bytes, key: str = SECRET) -> bytes:
    return hmac(key.encode(), content, sha256).digest()


def _request(body: bytes, **headers: str) -> Request:
    return Request({name.replace("_", "-"): value for name, value in headers.items()}, Document(body))


def test_a_push_is_believed_by_its_secret_and_by_nothing_else() -> None:
    hook = _hook()
    hook.verify(_request(b"{}", x_alprhub_key=SECRET))
    for wrong in (
        _request(b"{}"),
        _request(b"{}", x_alprhub_key="no"),
        _request(b"{}", x_signature=_signed(b"{}").hex()),
    ):
        with pytest.raises(AdminMustFix):
            hook.verify(wrong)
    for proof in ("secret", "hmac"):
        bare = GenericWebhookConnector(GenericWebhookSettings(proof=proof), _frame())
        with pytest.raises(AdminMustFix):
            bare.verify(_request(b"{}", x_alprhub_key="", x_signature=hmac(b"", b"{}", sha256).hexdigest()))
        with pytest.raises(AdminMustFix, match="webhook_secret"):
            bare.check()
    assert hook.check()


def test_a_signature_is_checked_in_the_form_that_the_settings_say() -> None:
    body = b'{"plate": "9SYN042"}'
    raw = _signed(body)
    forms = {
        raw.hex(): {},
        raw.hex().upper(): {},
        f"sha256={raw.hex()}": {"signature_prefix": "sha256="},
        f"{'0' * 64}, {raw.hex()}": {},
        base64.b64encode(raw).decode(): {"signature_encoding": "base64"},
        base64.urlsafe_b64encode(raw).decode().rstrip("="): {"signature_encoding": "base64"},
    }
    for text, told in forms.items():
        hook = _hook(proof="hmac", signature_header="X-Acme-Signature", **told)
        hook.verify(_request(body, x_acme_signature=text))
        for wrong in (_request(body + b" ", x_acme_signature=text), _request(body),
                      _request(body, x_acme_signature="ü !"),
                      _request(body, x_alprhub_key=SECRET)):  # fmt: skip
            with pytest.raises(AdminMustFix):
                hook.verify(wrong)


@pytest.mark.parametrize(("signed", "unit"), [("timestamp.body", "s"), ("body|timestamp", "ms")])
def test_a_signed_message_that_is_too_old_is_refused(signed: str, unit: str) -> None:
    hook = _hook(proof="hmac", signed=signed, timestamp_unit=unit, tolerance_seconds=60)

    def pushed(seconds: float, stamp: str | None = None) -> Request:
        at = (NOW + timedelta(seconds=seconds)).timestamp()
        text = stamp if stamp is not None else str(int(at * (1000 if unit == "ms" else 1)))
        content = f"{text}.{{}}" if signed == "timestamp.body" else f"{{}}|{text}"
        return _request(b"{}", x_signature=_signed(content.encode()).hex(), x_timestamp=text)

    for fresh in (-59, 0, 59):
        hook.verify(pushed(fresh))
    for wrong in (pushed(-61), pushed(61), pushed(0, ""), pushed(0, "soon"), pushed(0, "9" * 30)):
        with pytest.raises(AdminMustFix, match="timestamp"):
            hook.verify(wrong)


def test_the_sender_hears_what_the_settings_say() -> None:
    told = _hook(reply_status=202, reply_content_type="text/plain", reply_body="RECEIVED").reply(_request(b"{}"))
    assert (told.status, told.content_type, told.body) == (202, "text/plain", b"RECEIVED")
    for wrong in ({"reply_status": 500}, {"reply_content_type": "text/plain\r\nx: y"},
                  {"proof": "hmac", "signature_header": " "},
                  {"image_hosts": ["https://a.example/"]}, {"reply_status": 204, "reply_body": "no"}):  # fmt: skip
        with pytest.raises(ValidationError):
            GenericWebhookSettings(**wrong)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def test_pictures_are_fetched_by_https_from_the_named_hosts_only(wire: respx.MockRouter) -> None:
    hook = _hook(map={**LEAST, "image": "i[]"}, image_hosts=["a.example", "b.example"])
    addresses = [
        "https://a.example/1.jpg", "https://cdn.b.example/2.jpg?k=1", "http://a.example/3.jpg", "https://c.example/4.jpg",
        "https://a.example.evil.example/5.jpg", "https://user@c.example/a.example.jpg", "6.jpg",
    ]  # fmt: skip
    [read] = _reads(hook, {"p": "9SYN042", "t": "2026-06-01T08:00:00Z", "c": 1, "i": addresses})
    assert [one.url for one in read.images] == [*addresses[:2], *addresses[3:5]]  # people are told of the last two
    wire.get("https://a.example/1.jpg").respond(content=JPEG)
    wire.get("https://cdn.b.example/2.jpg").respond(200, html="<html>no</html>")
    assert hook.fetch_image(read.images[0]) == JPEG
    with pytest.raises(VendorChanged):
        hook.fetch_image(read.images[1])
    for number, url in enumerate(addresses[2:], 2):
        with pytest.raises(HostNotAllowed if number in (3, 4) else Gone):
            hook.fetch_image(ImageRef(kind=ImageKind.FRAME, url=url))
    with pytest.raises(HostNotAllowed):
        _hook().fetch_image(read.images[0])


# JSON that is asked for.

WINDOW = Window(NOW - timedelta(minutes=90, microseconds=-500), NOW)


def _row(number: int) -> dict[str, Any]:
    return {"p": f"9SYN{number:03d}", "t": "2026-06-01T08:00:00Z", "c": 1}


def _plates(made: GenericJsonConnector, pages: list[Page]) -> list[str]:
    return [made.parse(record).plate for page in pages for record in page.records]


def _asked(call: Any) -> dict[str, str]:
    return {
        name: values[0] for name, values in parse_qs(call.request.url.query.decode(), keep_blank_values=True).items()
    }


@pytest.mark.parametrize(
    ("told", "since", "until"),
    [
        ({}, "2026-06-01T10:30:00Z", "2026-06-01T12:00:00Z"),
        ({"time_format": "s"}, "1780309800", "1780315200"),
        ({"time_format": "ms"}, "1780309800000", "1780315200000"),
        ({"time_format": "us"}, "1780309800000500", "1780315200000000"),
        ({"time_format": "%d/%m/%Y %H:%M", "zone": "America/Los_Angeles"}, "01/06/2026 03:30", "01/06/2026 05:00"),
    ],
)
def test_a_window_is_asked_for_in_the_vendors_words(wire: respx.MockRouter, told: Any, since: str, until: str) -> None:
    route = wire.get(API).respond(json={"rows": [_row(1)]})
    made = _json(
        place=API + "?tenant=7",
        since_name="from",
        until_name="to",
        size_name="limit",
        parameters={"kind": "lpr"},
        **told,
    )
    pages = list(made.pull(WINDOW))
    assert _plates(made, pages) == ["9SYN001"]
    assert [page.checkpoint for page in pages] == [None, {"until": NOW.isoformat()}]
    expected = {"from": since, "to": until, "limit": "100", "kind": "lpr", "tenant": "7"}
    assert _asked(route.calls.last) == expected


def test_a_post_asks_in_its_body(wire: respx.MockRouter) -> None:
    route = wire.post(API).respond(json={"rows": []})
    list(_json(method="POST", since_name="from", parameters={"a": "b"}, time_format="ms").pull(WINDOW))
    assert msgspec.json.decode(route.calls.last.request.content) == {"a": "b", "from": 1780309800000}


@pytest.mark.parametrize(
    ("told", "header", "query"),
    [
        ({"auth": "header", "auth_prefix": "Bearer "}, ("authorization", "Bearer k3y"), {}),
        ({"auth": "header", "auth_name": "X-Key"}, ("x-key", "k3y"), {}),
        (
            {"auth": "basic", "auth_user": "hub"},
            ("authorization", "Basic " + base64.b64encode(b"hub:k3y").decode()),
            {},
        ),
        ({"auth": "query", "auth_name": "api_key"}, None, {"api_key": "k3y"}),
    ],
)
def test_the_secret_travels_as_the_vendor_wants_it_and_with_every_page(
    wire: respx.MockRouter, told: Any, header: Any, query: dict[str, str]
) -> None:
    route = wire.get(API).mock(
        side_effect=[
            httpx.Response(200, json={"rows": [_row(1)], "next": "?after=2"}),
            httpx.Response(200, json={"rows": []}),
        ]
    )
    made = _json(auth_secret="k3y", paging="next_url", **told)
    assert _plates(made, list(made.pull(WINDOW))) == ["9SYN001"]
    assert [_asked(call) for call in route.calls] == [query, {**query, "after": "2"}]
    assert all(header is None or call.request.headers[header[0]] == header[1] for call in route.calls)


def test_pages_are_followed_by_address_cursor_and_number(wire: respx.MockRouter) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        at = int(request.url.params.get("n", 1))
        rows = [_row(at)] if at < 4 else []
        return httpx.Response(
            200,
            json={"rows": rows, "meta": {"url": f"{API}?n={at + 1}" if rows else None, "n": at + 1 if rows else ""}},
        )

    wire.get(API).mock(side_effect=answer)
    for told in (
        {"paging": "next_url", "next_path": "meta.url"},
        {"paging": "cursor", "next_path": "meta.n", "page_name": "n"},
        {"paging": "page", "page_name": "n"},
    ):
        made = _json(**told)
        assert _plates(made, list(made.pull(WINDOW))) == ["9SYN001", "9SYN002", "9SYN003"]


def test_numbered_pages_may_end_with_not_found(wire: respx.MockRouter) -> None:
    wire.get(API).mock(side_effect=[httpx.Response(200, json={"rows": [_row(1)]}), httpx.Response(404)])
    made = _json(paging="page", first_page=0)
    assert _plates(made, list(made.pull(WINDOW))) == ["9SYN001"]
    wire.get(API).respond(404)
    with pytest.raises(Gone):
        list(_json(paging="page").pull(WINDOW))


@pytest.mark.parametrize(
    ("told", "answer", "error"),
    [
        ({"paging": "next_url"}, {"json": {"rows": [], "next": API}}, VendorChanged),
        ({"paging": "cursor"}, {"json": {"rows": [], "next": "same"}}, VendorChanged),
        ({"paging": "cursor"}, {"json": {"rows": [], "next": {"a": 1}}}, VendorChanged),
        ({"paging": "page"}, {"json": {"rows": [_row(1)]}}, VendorChanged),
        ({"paging": "next_url"}, {"json": {"rows": [], "next": "https://elsewhere.example/"}}, AdminMustFix),
        ({}, {"json": {"error": "no rows today"}}, VendorChanged),
        ({"map": LEAST}, {"json": {"error": "no rows today"}}, VendorChanged),
        ({}, {"html": "<html>maintenance</html>"}, VendorChanged),
        ({}, {"content": b'{"rows": ['}, VendorChanged),
        ({"lines": True}, {"html": "<html>maintenance</html>"}, VendorChanged),
        ({}, {"status_code": 401}, AdminMustFix),
        ({}, {"status_code": 302}, VendorChanged),
        ({}, {"status_code": 503}, TryAgain),
    ],
)
def test_an_answer_that_is_not_the_vendors_is_never_no_reads(
    wire: respx.MockRouter, told: Any, answer: Any, error: Any
) -> None:
    wire.get(API).respond(**answer)
    with pytest.raises(error):
        list(_json(**told).pull(WINDOW))


@pytest.mark.parametrize("name", ["error", "errors", "fault", "Error"])
def test_an_error_beside_an_empty_list_is_no_answer_without_reads(wire: respx.MockRouter, name: str) -> None:
    wire.get(API).respond(json={"rows": [], name: {"message": "quota of 9SYN042 used up"}})
    with pytest.raises(VendorChanged, match=f"an error in its member {name}") as refused:
        list(_json().pull(WINDOW))
    assert "9SYN042" not in str(refused.value)


@pytest.mark.parametrize("value", [None, "", [], {}, False, 0])
def test_a_member_for_errors_that_holds_none_is_no_error(wire: respx.MockRouter, value: Any) -> None:
    wire.get(API).respond(json={"rows": [], "error": value})
    assert [list(page.records) for page in _json().pull(WINDOW)] == [[], []]


def test_lines_and_an_answer_without_content_are_answers(wire: respx.MockRouter) -> None:
    made = _json(lines=True, map=LEAST)
    wire.get(API).respond(content="\n".join(json.dumps(_row(number)) for number in (1, 2)).encode() + b"\n")
    assert _plates(made, list(made.pull(WINDOW))) == ["9SYN001", "9SYN002"]
    wire.get(API).respond(content=b"\n")
    assert _plates(made, list(made.pull(WINDOW))) == []
    wire.get(API).respond(204)
    assert _plates(_json(), list(_json().pull(WINDOW))) == []
    wire.get(API).respond(json=[_row(1)])
    assert _json(map=LEAST).check().endswith("1 record on its first page.")


def test_pictures_at_the_address_are_asked_for_with_the_account_and_others_without(wire: respx.MockRouter) -> None:
    made = _json(
        auth="header", auth_name="x-key", auth_secret="k3y", image_hosts=["cdn.example"], map={**LEAST, "image": "i"}
    )
    near = wire.get("https://api.acme.example/img/1.jpg").respond(content=JPEG)
    far = wire.get("https://cdn.example/2.jpg").respond(content=JPEG)
    [one, two, none] = _reads(
        made, [{**_row(1), "i": i} for i in ("/img/1.jpg", "https://cdn.example/2.jpg", "https://x.example/3.jpg")]
    )
    assert [made.fetch_image(read.images[0]) for read in (one, two)] == [JPEG, JPEG]
    assert near.calls.last.request.headers["x-key"] == "k3y"
    assert "x-key" not in far.calls.last.request.headers
    with pytest.raises(HostNotAllowed):
        made.fetch_image(none.images[0])


def test_a_setting_of_the_interface_that_cannot_be_meant_is_refused() -> None:
    for wrong in ({"auth": "header"}, {"time_format": "minutes"}, {"next_path": "a..b"}, {"place": "sftp://u:p@h/x"}):
        with pytest.raises(ValidationError) as refused:
            GenericJsonSettings(**{"place": API, **wrong})
        assert next(iter(wrong)) in str(refused.value)


# Files in a place.


def _drop(tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / "reads").mkdir(exist_ok=True)
    for name, text in files.items():
        (tmp_path / "reads" / name).write_text(text, "utf-8")
        os.utime(tmp_path / "reads" / name, (NOW.timestamp() - 600,) * 2)


def test_csv_files_are_taken_once_through_the_map(tmp_path: Path) -> None:
    mapping = {
        "plate": "Plate No.", "captured_at": {"path": "When", "format": "%m/%d/%Y %H:%M:%S", "zone": "America/Chicago"},
        "camera_id": "=mast-1", "image": "Picture",
    }  # fmt: skip
    rows = "PLATE NO.;when;Picture\n9SYN042;06/01/2026 03:00:00;a.jpg\n9SYN043;soon;\n"
    _drop(tmp_path, {"a.csv": rows, "b.csv": "Number;When\nx;y\n", "c.txt": "no"})
    (tmp_path / "reads" / "a.jpg").write_bytes(JPEG)
    made = GenericCsvConnector(GenericCsvSettings(place=str(tmp_path), map=mapping, delimiter=";"), _frame())
    pages: list[Page] = []
    with pytest.raises(VendorChanged, match=r"b\.csv': .* Plate No\.; it has Number, When\. .*--set map=@FILE"):
        pages.extend(made.pull(WINDOW))
    first, second = pages[0].records
    read = made.parse(first)
    assert (read.plate, read.captured_at, read.camera.id) == ("9SYN042", datetime(2026, 6, 1, 8, tzinfo=UTC), "mast-1")
    assert made.fetch_image(read.images[0]) == JPEG
    with pytest.raises(RecordRejected, match=r"captured_at: is not in the format of the map \(at When\)"):
        made.parse(second)
    (tmp_path / "reads" / "b.csv").unlink()
    again = list(made.pull(drops.window(WINDOW.since, NOW, pages)))
    assert [list(page.records) for page in again] == [[]]
    assert made.check() == "The place answers with 1 file; the newest has 2 rows in columns that fit the map."


def test_csv_files_without_a_header_are_taken_by_the_numbers_of_their_columns(tmp_path: Path) -> None:
    mapping = {"plate": "2", "captured_at": "1", "camera_id": "=mast-1", "state": "4", "make": "9"}
    rows = "2026-06-01T08:00:00Z;9SYN042;;CA\n2026-06-01T08:00:01Z;9SYN043;;NV;\n9SYN044\n"
    _drop(tmp_path, {"a.csv": rows})
    made = GenericCsvConnector(GenericCsvSettings(place=str(tmp_path), map=mapping), _frame())
    (page,) = made.pull(WINDOW)
    first, second, third = page.records
    assert [(made.parse(record).plate, made.parse(record).plate_state) for record in (first, second)] == [
        ("9SYN042", "US-CA"), ("9SYN043", "US-NV"),
    ]  # fmt: skip
    with pytest.raises(RecordRejected, match="row: has 1 cell, the longest of the first rows has 4"):
        made.parse(third)
    assert made.check() == "The place answers with 1 file; the newest has 3 rows in columns that fit the map."


def test_json_files_of_a_place_are_taken_once_through_the_map(tmp_path: Path) -> None:
    _drop(tmp_path, {"a.json": json.dumps({"rows": [_row(1), {"p": 7}]}), "b.json": '{"rows": ['})
    made = _json(place=str(tmp_path))
    pages: list[Page] = []
    with pytest.raises(VendorChanged, match="cut short"):
        pages.extend(made.pull(WINDOW))
    assert made.parse(pages[0].records[0]).plate == "9SYN001"
    assert drops.taken(pages) == {"a.json"}
    with pytest.raises(Gone):
        made.fetch_image(ImageRef(kind=ImageKind.FRAME, url="../a.jpg"))


def test_senders_that_use_our_names_need_no_map() -> None:
    body = {
        "plate": "9SYN042",
        "captured_at": "2026-06-01T08:00:00Z",
        "camera_id": "c",
        "color": "red",
        "confidence": 0.5,
    }
    for key in ("generic_webhook", "generic_json"):
        [read] = _reads(connector(key).offline(), body)
        assert (read.plate, read.vehicle.colour.code, read.plate_confidence) == ("9SYN042", "RED", 0.5)


def test_an_account_with_a_map_is_the_same_after_it_was_kept(tmp_path: Path) -> None:
    told = {"map": {**XML_MAP, "only": {"/@nr": ["5512"]}}, "webhook_secret": SECRET, "image_hosts": ["a.example"]}
    with open_hub(HubSettings(data=tmp_path)) as hub:
        hub.connections.accounts.add(Actor("tester"), "kz", "generic_webhook", told)
        _, opened = hub.connections.accounts.open("kz")
    assert opened.settings == GenericWebhookSettings(**told)
    assert _told(opened, XML)[0] == _told(_hook(map=XML_MAP), XML)[0]
