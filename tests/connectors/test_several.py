"""Several documents in one body are several reads, and what stands around a document costs no read."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from every_wire import BODIES, EVENT, HIKVISION, MAP, SHARP, document, offline

from connectors.contract import Document, Window
from connectors.damage import MARKUP
from connectors.errors import RecordRejected
from connectors.mapping import Mapping
from connectors.registry import connector
from connectors.several import apart
from connectors.testing.frame import frame_at

JSON = {key: json.dumps(body) for key, body in BODIES.items()}
XML = {"hikvision": HIKVISION, "genetec": SHARP, "generic_webhook": EVENT}
NOW = datetime(2026, 6, 2, tzinfo=UTC)
BOM = b"\xef\xbb\xbf"
TOGETHER: dict[str, Callable[[bytes, bytes], bytes]] = {
    "behind one another": lambda one, two: one + two,
    "with a blank line between": lambda one, two: one + b"\r\n\r\n" + two + b"\r\n",
    "with a byte order mark each": lambda one, two: BOM + one + b"\n" + BOM + two,
    "as a sequence of records": lambda one, two: b"\x1e" + one + b"\n\x1e" + two + b"\n",
    "with NUL behind each": lambda one, two: one + b"\0" + two + b"\0",
    "with a comma between": lambda one, two: one + b",\n" + two + b",\n",
}
AROUND: dict[str, Callable[[bytes], bytes]] = {
    "what no page runs": lambda one: b")]}'\n" + one,
    "what no page runs, with a comma": lambda one: b")]}',\n" + one,
    "an endless loop": lambda one: b"for(;;);" + one,
    "the sign that begins a record": lambda one: b"\x1e" + one + b"\n",
    "NUL": lambda one: one + b"\0\0",
    "a comma": lambda one: one + b",\r\n",
    "the sign that ends a file": lambda one: one + b"\r\n\x1a",
}


def plates(key: str, body: bytes) -> list[str]:
    one = offline(key)
    return [one.parse(record).plate for record in one.records(Document(body, ""))]


@pytest.mark.parametrize("how", TOGETHER)
@pytest.mark.parametrize("key", JSON)
def test_json_behind_json_is_two_reads(key: str, how: str) -> None:
    one = JSON[key].encode()
    assert plates(key, TOGETHER[how](one, one.replace(b"9SYN042", b"9SYN043"))) == ["9SYN042", "9SYN043"]


@pytest.mark.parametrize("how", TOGETHER)
@pytest.mark.parametrize("key", XML)
def test_two_roots_are_two_reads(key: str, how: str) -> None:
    one, two = (document(XML[key], "Gate", plate).encode() for plate in ("9SYN042", "9SYN043"))
    assert plates(key, TOGETHER[how](one, two)) == ["9SYN042", "9SYN043"]


@pytest.mark.parametrize("key", XML)
def test_of_two_documents_one_that_is_cut_short_costs_itself_alone(key: str) -> None:
    one, two = document(XML[key], "Gate").encode(), document(XML[key], "Gate", "9SYN043").encode()
    kind = offline(key)
    whole, cut = kind.records(Document(one + two[:-30], ""))
    assert kind.parse(whole).plate == "9SYN042"
    with pytest.raises(RecordRejected):
        kind.parse(cut)


@pytest.mark.parametrize("how", AROUND)
@pytest.mark.parametrize("key", JSON)
def test_what_stands_around_a_document_costs_no_read(key: str, how: str) -> None:
    assert plates(key, AROUND[how](JSON[key].encode())) == ["9SYN042"]


@pytest.mark.parametrize("key", XML)
def test_the_end_of_a_section_that_never_began_is_text(key: str) -> None:
    one = offline(key)
    [record] = one.records(Document(document(XML[key], "Gate [[1]]> x").encode(), ""))
    assert (one.parse(record).plate, one.parse(record).damaged) == ("9SYN042", (MARKUP,))


def test_a_list_of_records_in_several_documents_is_taken_whole() -> None:
    kind = connector("generic_json").offline(map=Mapping.model_validate({**MAP, "records": "reads[]"}))
    read = {"plate": "9SYN042", "at": "2026-06-01T15:15:30Z", "cam": "c"}
    body = json.dumps({"reads": [read, {**read, "plate": "9SYN043"}]}) + json.dumps({"reads": [read]})
    assert len(list(kind.unpack(Document(body.encode(), "")))) == 3


@pytest.mark.parametrize("body", [
    b'{"a": "}{"}', b"[1, 2]", b"<a><a>1</a><a>2</a></a>", b"<a/>", b"<a>x</a>\r\n<!-- b -->", b'{"a": 1',
    b"<a><b></a>", b"plate,at\n1,2", b"", b"{}x", b"<a>1</a> text", b'{"a": "x"y"}{"b": 1}',
])  # fmt: skip
def test_what_is_one_document_or_none_is_not_cut(body: bytes) -> None:
    assert apart(body) == []


def test_a_dropped_file_that_was_appended_to_is_two_reads(tmp_path: Path) -> None:
    (tmp_path / "reads").mkdir()
    one, two = (document(SHARP, "Gate", plate) for plate in ("9SYN042", "9SYN043"))
    (tmp_path / "reads" / "a.xml").write_text(one + two)
    kind = connector("genetec")
    given = {"place": str(tmp_path), "file_pattern": "*.xml", "settle_seconds": 0}
    with kind(kind.Settings.model_validate(given), frame_at(NOW)) as opened:
        records = [record for page in opened.pull(Window(NOW, NOW)) for record in page.records]
        assert [opened.parse(record).plate for record in records] == ["9SYN042", "9SYN043"]
