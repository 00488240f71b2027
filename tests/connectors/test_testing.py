"""The contract suite finds what it is there to find: a connector that breaks one promise fails the test of it."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, SecretStr

from connectors import contract as border
from connectors.auth import pushed_by_ours
from connectors.contract import Connector, Document, Record, Request
from connectors.fields import elements, slices
from connectors.testing import Contract, contract, hostile
from connectors.testing.spoil import spots
from normalize.fault import NoRead, Unusable
from normalize.read import Camera, Read
from normalize.times import from_iso

READ = {"id": "a-1", "plate": "9SYN042", "at": "2026-06-01T08:15:02Z", "camera": "7"}


class _Settings(border.PushSettings):
    """What an admin gets."""

    api_key: SecretStr = Field(title="API key", description="From the vendor.")


class Plain(Connector[_Settings]):
    """A connector that keeps every promise."""

    info = border.Info(
        key="plain",
        name="Plain",
        company="Plain Inc.",
        evidence=border.Evidence.DOCUMENTS,
        retention_vendor="plain",
        known_limits=("It is made for tests.",),
    )
    Settings = _Settings

    def check(self) -> str:
        """Nothing to check."""
        return "Here."

    def verify(self, request: Request) -> None:
        """Only what holds the secret."""
        pushed_by_ours(request, self.settings)

    def unpack(self, document: Document) -> Iterable[Record]:
        """The reads of a list."""
        return [Record("read", raw) for raw in elements(document.body)]

    def read_of(self, record: Record) -> Read:
        """One read."""
        fields = record.fields()
        at = from_iso(fields.text("at"), field="at")
        return Read(
            vendor_read_id=fields.ident("id"),
            plate_raw=fields.text("plate"),
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=fields.ident("camera")),
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Examples with their golden file, and a page."""
    (tmp_path / "reads.json").write_text(json.dumps([READ, {**READ, "plate": None}]))
    suite = contract(Plain, tmp_path)()
    with pytest.raises(pytest.fail.Exception, match="was written just now"):
        suite.test_example_gives_what_was_reviewed(tmp_path / "reads.json")
    return tmp_path


def _broken(folder: Path, **broken: Any) -> Contract:
    return contract(type("Broken", (Plain,), broken), folder)()


def test_a_connector_that_keeps_its_promises_passes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = contract(Plain, folder, key="plain")()
    suite.test_says_who_it_is()
    suite.test_abilities_are_whole()
    suite.test_settings_explain_themselves()
    suite.test_has_examples()
    suite.test_example_gives_what_was_reviewed(folder / "reads.json")
    suite.test_every_golden_file_has_its_example()
    suite.test_parsing_is_pure()
    suite.test_construction_touches_nothing(monkeypatch)
    suite.test_secrets_stay_secret()
    suite.test_settings_named_like_secrets_are_kept_as_secrets()
    suite.test_a_push_that_proves_nothing_is_refused()
    suite.test_the_reply_to_a_push_is_pure()
    for foreign in hostile.FOREIGN.values():
        suite.test_what_is_no_answer_is_never_no_reads(foreign)


def test_it_holds_a_connector_to_its_key_and_to_its_page(folder: Path) -> None:
    with pytest.raises(AssertionError):
        contract(Plain, folder, key="other")().test_says_who_it_is()
    page = folder / "page.md"
    page.write_text("`webhook_header` and `webhook_secret`")
    with pytest.raises(AssertionError, match="api_key"):
        contract(Plain, folder, page=page)().test_has_a_page_that_knows_its_settings()


@pytest.mark.parametrize(
    "wrong", [{"known_limits": ()}, {"known_limits": ("no full stop",)}, {"company": " "}, {"retention_vendor": ""}]
)
def test_it_finds_who_says_too_little(folder: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        _broken(folder, info=replace(Plain.info, **wrong)).test_says_who_it_is()


def test_it_finds_half_an_ability(folder: Path) -> None:
    with pytest.raises((AssertionError, AttributeError)):
        _broken(folder, push=lambda self, delta: None).test_abilities_are_whole()


def test_it_finds_a_golden_file_that_no_longer_fits_and_one_that_is_alone(folder: Path) -> None:
    (folder / "gone.reads.json").write_text("[]")
    with pytest.raises(AssertionError):
        contract(Plain, folder)().test_every_golden_file_has_its_example()
    (folder / "reads.json").write_text(json.dumps([{**READ, "plate": "9SYN043"}]))
    with pytest.raises(AssertionError):
        contract(Plain, folder)().test_example_gives_what_was_reviewed(folder / "reads.json")


def test_it_finds_parsing_that_remembers(folder: Path) -> None:
    count = iter(range(100))

    def read_of(self: Any, record: Record) -> Read:
        return Plain.read_of(self, record).model_copy(update={"vendor_read_id": str(next(count))})

    with pytest.raises(AssertionError):
        _broken(folder, read_of=read_of).test_parsing_is_pure()


def test_it_finds_work_in_the_constructor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opens(self: Any, settings: Any, frame: Any) -> None:
        Plain.__init__(self, settings, frame)
        Path(__file__).read_text()

    with monkeypatch.context() as patched, pytest.raises(AssertionError, match="did something"):
        _broken(folder, __init__=opens).test_construction_touches_nothing(patched)
    looks = {"__init__": lambda self, settings, frame: frame.clock.now()}
    with monkeypatch.context() as patched, pytest.raises(AssertionError, match="clock"):
        _broken(folder, **looks).test_construction_touches_nothing(patched)


def test_it_finds_a_secret_that_shows(folder: Path) -> None:
    shows = {"__repr__": lambda self: self.settings.api_key.get_secret_value()}
    with pytest.raises(AssertionError):
        _broken(folder, **shows).test_secrets_stay_secret()

    class Open(_Settings):
        client_secret: str = ""

    with pytest.raises(AssertionError, match="client_secret"):
        _broken(folder, Settings=Open).test_settings_named_like_secrets_are_kept_as_secrets()


def test_it_finds_an_open_door(folder: Path) -> None:
    with pytest.raises(pytest.fail.Exception):
        _broken(folder, verify=lambda self, request: None).test_a_push_that_proves_nothing_is_refused()


def test_it_finds_a_web_page_taken_for_no_reads(folder: Path) -> None:
    def unpack(self: Any, document: Document) -> Iterable[Record]:
        return [Record("read", raw) for raw in elements(document.body)] if document.body[:1] == b"[" else []

    with pytest.raises(AssertionError, match="without reads"):
        _broken(folder, unpack=unpack).test_what_is_no_answer_is_never_no_reads(hostile.WEB_PAGE)


def test_it_finds_an_error_left_out_quietly(folder: Path) -> None:
    def read_of(self: Any, record: Record) -> Read:
        raise NoRead("record", "is nothing")

    def unpack(self: Any, document: Document) -> Iterable[Record]:
        slices(document.body)
        return [Record("read", document.body)]

    with pytest.raises(AssertionError, match="quietly"):
        _broken(folder, unpack=unpack, read_of=read_of).test_what_is_no_answer_is_never_no_reads(b'{"error": "no"}')


@pytest.mark.slow
def test_it_finds_what_breaks_on_hostile_input(folder: Path) -> None:
    def read_of(self: Any, record: Record) -> Read:
        told = json.loads(record.payload)
        return Plain.read_of(self, record._replace(payload=json.dumps({**told, "plate": told["plate"][:9]}).encode()))

    broken = _broken(folder, read_of=read_of)
    with pytest.raises(TypeError):
        broken.test_a_hostile_value_anywhere_is_a_read_or_a_refusal_that_does_not_quote_it(hostile.VALUES["true"])
    with pytest.raises(json.JSONDecodeError):
        broken.test_a_hostile_body_is_refused_in_words(hostile.PAYLOADS["nothing"])
    with pytest.raises(Exception, match=r"not subscriptable|distinct failures"):
        broken.test_a_spoilt_record_is_a_read_or_a_refusal()


def test_it_finds_a_refusal_that_quotes_a_plate(folder: Path) -> None:
    def read_of(self: Any, record: Record) -> Read:
        plate = record.fields().text_or_none("plate") or ""
        if plate != "9SYN042":
            raise Unusable("plate", f"{plate} is not known")
        return Plain.read_of(self, record)

    quoting = _broken(folder, read_of=read_of)
    with pytest.raises(AssertionError):
        quoting.test_a_hostile_value_anywhere_is_a_read_or_a_refusal_that_does_not_quote_it(hostile.TEXTS["a query"])


# The data


def test_hostile_bodies_are_data_and_hold_what_they_say() -> None:
    assert set(hostile.FOREIGN) <= set(hostile.PAYLOADS)
    assert all(isinstance(body, bytes) for body in hostile.PAYLOADS.values())
    assert hostile.PAYLOADS["gzip"][:2] == b"\x1f\x8b"
    assert b"<!ENTITY" in hostile.PAYLOADS["an entity bomb"]
    assert all(isinstance(text, str) for text in hostile.TEXTS.values())


@pytest.mark.parametrize("name", hostile.TWISTS)
def test_a_twist_changes_a_body_and_takes_any(name: str) -> None:
    twist = hostile.TWISTS[name]
    body = b'{"a": [1, {"b": "text"}],\n "c": null}\n'
    assert twist(body) != body
    assert isinstance(twist(b""), bytes)
    assert isinstance(twist(b"\xff\x00<a>"), bytes)


def test_a_spot_is_spoilt_and_the_rest_stays() -> None:
    told = [json.loads(spot.put("X")) for spot in spots(b'{"a": [1, {"b": 2}]}')]
    assert told == [{"a": "X"}, {"a": ["X", {"b": 2}]}, {"a": [1, "X"]}, {"a": [1, {"b": "X"}]}]
    assert json.loads(spots(b'{"a": 1, "b": 2}')[0].drop()) == {"b": 2}
    first, second = spots(b'<r a="1"><b>two</b> </r>')
    assert (first.put("<&"), second.put("<&")) == (
        b'<r a="&lt;&amp;"><b>two</b> </r>',
        b'<r a="1"><b>&lt;&amp;</b> </r>',
    )
    assert spots(b"plain, text") == []


@pytest.mark.slow
def test_the_connectors_themselves_need_nothing_of_the_suite() -> None:
    code = (
        "import sys\n"
        "from connectors.registry import available, connector\n"
        "import connectors.quality, alprhub.cli.app\n"
        "kinds = [connector(key) for key in available()]\n"
        "assert len(kinds) > 3\n"
        "sys.exit(','.join(name for name in ('pytest', 'hypothesis', 'respx') if name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stderr.strip() == ""
