"""UniFi Protect's alarms: who is believed, which reading is the plate, and what becomes of a repeated call."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Document, Frame, Request
from connectors.errors import AdminMustFix, NotARead, RecordRejected, VendorChanged
from connectors.vendors.unifi import UnifiConnector, UnifiSettings
from normalize.read import Read

FIXTURES = Path(__file__).parent / "unifi"


class _NoClock:
    def now(self) -> Any:
        raise AssertionError("nobody needs the time here")


def _made(**settings: Any) -> UnifiConnector:
    return UnifiConnector(UnifiSettings(**settings), Frame(_NoClock(), lambda _: None))


def _reads(body: bytes, content_type: str = "application/json") -> list[Read]:
    made = _made()
    return [made.parse(record) for record in made.unpack(Document(body, content_type))]


def _alarm(**trigger: Any) -> bytes:
    told = {"device": "00SYN0A0A219", "key": "license_plate_unknown", "timestamp": 1778574287999, **trigger}
    return json.dumps({"alarm": {"name": "a", "triggers": [told]}, "timestamp": 1778574289018}).encode()


def test_the_plate_is_the_triggers_value_and_the_groups_name_only_a_candidate() -> None:
    [read] = _reads((FIXTURES / "alarm.json").read_bytes())
    assert read.plate == "9SYN201"
    assert [candidate.text for candidate in read.candidates] == ["9SYNZ01"]


@pytest.mark.parametrize("name", ["Car of Bob", "9syn201", "9SYN-201", "", None, "A VERY LONG NAME"])
def test_a_groups_name_that_is_no_other_reading_is_not_kept(name: str | None) -> None:
    [read] = _reads(_alarm(value="9SYN201", group={"name": name}))
    assert read.candidates == ()


def test_the_time_is_the_triggers_and_not_when_it_was_sent() -> None:
    [read] = _reads(_alarm(value="9SYN201"))
    assert read.captured_at.isoformat() == "2026-05-12T08:24:47.999000+00:00"


def test_a_repeated_call_is_the_same_read() -> None:
    first, again = _reads(_alarm(value="9SYN201")), _reads(_alarm(value=" 9SYN201 "))
    assert first[0].vendor_read_id == again[0].vendor_read_id


@pytest.mark.parametrize("change", [{"value": "9SYN202"}, {"timestamp": 1778574288000}, {"device": "00SYN0A0A21A"}])
def test_another_plate_instant_or_camera_is_another_read(change: dict[str, Any]) -> None:
    [one], [other] = _reads(_alarm(value="9SYN201")), _reads(_alarm(**{"value": "9SYN201", **change}))
    assert one.vendor_read_id != other.vendor_read_id


def test_an_alarm_about_a_plate_of_interest_is_kept_beside_the_plain_one_of_the_same_event() -> None:
    [plain] = _reads((FIXTURES / "alarm.json").read_bytes())
    [wanted] = _reads((FIXTURES / "alarm_of_interest.json").read_bytes())
    assert (plain.pass_id, plain.matches) == (wanted.pass_id, ())
    assert plain.vendor_read_id != wanted.vendor_read_id
    assert wanted.matches[0].reason == "Gate plates"


def test_no_plate_is_written_into_an_id() -> None:
    [read] = _reads(_alarm(value="9SYN201", eventId="e1"))
    assert "9SYN" not in read.vendor_read_id


def test_a_picture_is_taken_from_the_data_address() -> None:
    [read] = _reads((FIXTURES / "alarm.json").read_bytes())
    assert read.images[0].data is not None
    assert read.images[0].data.startswith(b"\xff\xd8\xff")


def test_a_picture_is_given_to_no_read_where_an_alarm_tells_of_several() -> None:
    made = _made()
    records = list(made.unpack(Document((FIXTURES / "alarm_several.json").read_bytes())))
    assert [made.parse(record).images for record in records[:2]] == [(), ()]
    for record in records[2:]:
        with pytest.raises(NotARead):
            made.parse(record)


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_a_call_without_a_body_is_no_read_and_no_failure(body: bytes) -> None:
    made = _made()
    [record] = made.unpack(Document(body, ""))
    with pytest.raises(NotARead):
        made.parse(record)


@pytest.mark.parametrize("body", [b"{'alarm': {}}", b'{"alarm": {"triggers": [', b"<html></html>", b"[]", b'"alarm"'])
def test_what_is_no_alarm_is_never_taken_for_no_reads(body: bytes) -> None:
    with pytest.raises(VendorChanged):
        list(_made().unpack(Document(body)))


@pytest.mark.parametrize("body", [b'{"alarm": null}', b'{"alarm": []}', b'{"alarm": {"triggers": {}}}'])
def test_an_alarm_of_another_shape_is_refused_and_kept(body: bytes) -> None:
    made = _made()
    with pytest.raises((RecordRejected, VendorChanged)):
        [made.parse(record) for record in made.unpack(Document(body))]


def test_an_alarm_is_believed_only_with_the_secret() -> None:
    made = _made(webhook_secret="right", webhook_header="X-Synthetic")
    document = Document(_alarm(value="9SYN201"))
    made.verify(Request({"x-synthetic": "right"}, document))
    made.verify(Request({}, document, key="right"))
    for headers in ({}, {"x-synthetic": "wrong"}, {"x-alprhub-key": "right"}):
        with pytest.raises(AdminMustFix):
            made.verify(Request(headers, document))


def test_without_a_secret_nothing_is_believed_and_the_check_says_so() -> None:
    with pytest.raises(AdminMustFix):
        _made().verify(Request({"x-alprhub-key": ""}, Document(b"{}")))
    with pytest.raises(AdminMustFix, match="no push secret"):
        _made().check()
    assert "reads come" in _made(webhook_secret="right").check()
