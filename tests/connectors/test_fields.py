"""Reading hostile JSON, and what a hot list comes down to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract import Entry
from connectors.errors import VendorChanged
from connectors.fields import Fields, elements, slices, vendor_says
from connectors.hotlists import alive, one_a_plate
from normalize.confidence import Scale
from normalize.fault import Unusable

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DATA: dict[str, Any] = {
    "text": " x ", "empty": " ", "null": None, "number": 1.5, "whole": 7, "yes": True, "huge": 10**40, "nul": "a\x00b",
    "padded": "x\x00\x00",
    "long": "x" * 5000, "list": [1], "inner": {"text": "y", "null": None}, "objects": [{"a": 1}, 2],
    "picture": "/9j/4AAQ", "zero": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("getter", "path", "value"),
    [
        ("text", "text", "x"), ("text", "padded", "x"),
        ("text", "nul", "a\ufffdb"),
        ("text_or_none", "empty", None), ("text_or_none", "null", None), ("number", "whole", 7),
        ("text_or_none", "none", None), ("text", "inner.text", "y"), ("text_or_none", "null.deeper", None),
        ("number_or_none", "inner.null", None), ("ident", "whole", "7"), ("ident", "text", "x"), ("ident", "zero", "0"),
        ("items", "none", []), ("has", "null", False), ("has", "inner.text", True), ("inside", "null", None),
        ("picture_or_none", "picture", b"\xff\xd8\xff\xe0\x00\x10"), ("picture_or_none", "text", None),
        ("picture_or_none", "number", None),
    ],
)  # fmt: skip
def test_each_getter_gives_what_was_asked_for(getter: str, path: str, value: object) -> None:
    assert getattr(Fields(DATA), getter)(path) == value


@pytest.mark.parametrize(
    ("getter", "path", "names"),
    [
        ("text", "none", "none"), ("text", "empty", "empty"), ("text", "number", "number"),
        ("text", "long", "long"), ("text", "text.deeper", "text.deeper"), ("number", "yes", "yes"),
        ("number", "text", "text"), ("number", "huge", "huge"), ("number", "none", "none"), ("ident", "yes", "yes"),
        ("ident", "huge", "huge"), ("ident", "number", "number"), ("items", "text", "text"), ("inside", "list", "list"),
    ],
)  # fmt: skip
def test_each_refusal_names_its_path(getter: str, path: str, names: str) -> None:
    with pytest.raises(Unusable) as refused:
        getattr(Fields(DATA), getter)(path)
    assert refused.value.field == names


def test_paths_grow_as_one_goes_deeper() -> None:
    inner = Fields(DATA).inside("inner")
    assert inner is not None
    with pytest.raises(Unusable) as refused:
        inner.text("none")
    assert refused.value.field == "inner.none"
    with pytest.raises(Unusable) as refused:
        list(Fields(DATA).each("objects"))
    assert refused.value.field == "objects.1"


@pytest.mark.parametrize(
    ("latitude", "longitude", "there"),
    [
        (34.1, -118.2, True),
        (0, 0, False),
        (0, -118.2, True),
        (None, 1, False),
        (-10000, -10000, False),
        (-10000.5, 5, False),
    ],
)
def test_no_fix_is_no_place(latitude: object, longitude: object, there: bool) -> None:
    assert bool(Fields({"a": latitude, "b": longitude}).place("a", "b")) == there


def test_slices_are_the_bytes_that_came() -> None:
    assert slices(b'{"a" : [1,  2], "b":{ }}') == {"a": b"[1,  2]", "b": b"{ }"}
    assert elements(b'\xef\xbb\xbf [ 1 , {"a":1} ]') == [b"1", b'{"a":1}']


@pytest.mark.parametrize("body", [b"", b"7", b'"x"', b"null", b"[1", b"{'a': 1}", b"[" * 10_000, b"\xff", b'{"a":1}x'])
def test_what_is_no_document_is_kept_and_named(body: bytes) -> None:
    with pytest.raises(VendorChanged) as changed:
        slices(body)
    assert changed.value.body == body


def test_an_object_is_no_list() -> None:
    with pytest.raises(VendorChanged, match="not a list"):
        elements(b"{}")


def test_an_unusable_answer_is_a_changed_vendor() -> None:
    with pytest.raises(VendorChanged, match="id: is missing") as changed, vendor_says(b"{}"):
        Fields({}).ident("id")
    assert changed.value.body == b"{}"


def test_what_has_expired_is_not_handed_on() -> None:
    ends = (None, NOW + timedelta(seconds=1), NOW, NOW - timedelta(days=1))
    assert len(alive([Entry(str(n), "r", "c", expires_at=end) for n, end in enumerate(ends)], NOW)) == 2


def test_one_entry_a_plate_and_no_state_where_two_disagree() -> None:
    entries = [Entry("O1", "first", "c", "US-CA"), Entry("01", "second", "c", "US-NV"), Entry("2", "r", "c", "US-CA")]
    kept = one_a_plate([*entries, entries[2]], lambda plate: plate.replace("O", "0"))
    assert {form: (entry.reason, entry.state) for form, entry in kept.items()} == {
        "01": ("first", None), "2": ("r", "US-CA"),
    }  # fmt: skip


def test_the_first_that_is_there_is_named_or_the_first_of_all() -> None:
    fields = Fields({"b": 1, "c": 2, "n": None})
    assert (fields.first("a", "b", "c"), fields.first("n", "c"), fields.first("x", "y")) == ("b", "c", "x")


def test_a_confidence_is_a_share_of_its_scale() -> None:
    fields = Fields({"sure": 93.5, "half": 0.5})
    assert (fields.share("sure", Scale.PERCENT), fields.share("half", Scale.UNIT)) == (0.935, 0.5)
    assert fields.share("absent", Scale.UNIT) is None
