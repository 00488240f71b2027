"""The contract as tests: what every connector promises, ours and third parties' alike."""

import builtins
import io
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Final, get_args

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.contract import ABILITIES, Connector, Document, Evidence, Frame, Inbound, Proof, Record, Reply, Request
from connectors.contract import abilities as abilities_of
from connectors.errors import AdminMustFix, NotARead, RecordRejected, VendorChanged
from connectors.quality import SECRET_NAME
from connectors.testing import examples, hostile
from connectors.testing.spoil import spots
from normalize.read import Read

SECRET: Final = "s3cr3t-that-nobody-may-see"  # noqa: S105 - it opens nothing
LIGHT: Final = hypothesis.settings(
    deadline=None,  # how many examples there are, the profile says that the caller has loaded: 100 where there is none
    # One suite runs for many connectors, so the same test is called on many objects; none of them keeps anything.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
MOST_SPOTS: Final = 300
"""Places of one record that are spoilt one by one; lists of hundreds of candidates teach nothing new."""


class Contract:
    """The tests of one connector; `contract` makes a class of them in one line.

    Subclass it by hand to add tests of your own beside the contract's.
    """

    connector: ClassVar[type[Connector[Any]]]
    fixtures: ClassVar[Path]
    key: ClassVar[str | None] = None
    page: ClassVar[Path | None] = None
    settings: ClassVar[Mapping[str, Any]] = {}
    _offline: ClassVar[Connector[Any]]
    _unpacked: ClassVar[list[Record]]
    _first: ClassVar[dict[tuple[str, bool], Record]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each example, hostile body, twist and text, named by it."""
        cases: dict[str, Mapping[str, Any]] = {
            "example": {path.name: path for path in examples.documents(self.fixtures)},
            "foreign": hostile.FOREIGN,
            "payload": hostile.PAYLOADS,
            "twist": hostile.TWISTS,
            "hurt": {**hostile.TEXTS, **hostile.VALUES},
        }
        for name in cases.keys() & set(metafunc.fixturenames):
            metafunc.parametrize(name, list(cases[name].values()), ids=list(cases[name]))

    # Who it is

    def test_says_who_it_is(self) -> None:
        info = self.connector.info
        assert re.fullmatch(r"[a-z][a-z0-9_]{1,23}", info.key)
        assert info.key == (self.key or info.key)
        assert info.name.strip()
        assert info.company.strip()
        assert isinstance(info.evidence, Evidence)
        assert info.retention_vendor
        assert info.known_limits
        assert all(limit.endswith(".") for limit in info.known_limits)
        assert 0 < info.limits.page_size <= 10_000
        assert info.limits.parallel >= 1
        assert info.limits.per_second > 0
        assert info.look_back.total_seconds() >= 0

    def test_abilities_are_whole(self) -> None:
        cls: Any = self.connector
        abilities = abilities_of(cls)
        assert abilities
        assert set(abilities) <= set(ABILITIES)
        assert all(callable(getattr(cls, ABILITIES[name])) for name in abilities)
        if "pushes_hotlists" in abilities:
            assert isinstance(cls.proof, Proof)
            assert callable(cls.list_remote)
            assert callable(cls.held_form)
            assert callable(cls.as_held)
        if "unsubscribes" in abilities:
            assert callable(cls.subscriptions)
        if "receives_reads" in abilities:
            assert isinstance(cls.inbound, Inbound)
            assert cls.inbound.content_types
            assert cls.inbound.most_bytes > 0

    def test_settings_explain_themselves(self) -> None:
        for name, field in self.connector.Settings.model_fields.items():
            assert field.title, f"{name} has no title"
            assert field.description, f"{name} has no description"

    def test_has_a_page_that_knows_its_settings(self) -> None:
        if self.page is None:
            pytest.skip("no page was named")
        page = self.page.read_text(encoding="utf-8")
        missing = [name for name in self.connector.Settings.model_fields if f"`{name}`" not in page]
        assert not missing, f"{self.page.name} does not tell of {missing}"

    # What it makes of what the vendor sends

    def test_has_examples(self) -> None:
        assert examples.documents(self.fixtures), f"{self.fixtures} has no example file"

    def test_example_gives_what_was_reviewed(self, example: Path) -> None:
        outcomes = examples.outcomes(self.offline(), example.read_bytes(), example.name)
        kept = examples.golden(example)
        if not kept.exists():
            kept.write_text(json.dumps(outcomes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            pytest.fail(f"{kept.name} was written just now: read it, and keep it if it is right")
        assert outcomes == json.loads(kept.read_text(encoding="utf-8"))

    def test_every_golden_file_has_its_example(self) -> None:
        assert not examples.orphans(self.fixtures)

    def test_parsing_is_pure(self) -> None:
        connector = self.offline()
        for record in self.records():
            before = bytes(record.payload)
            outcomes: list[Read | str] = []
            for _ in range(2):
                try:
                    outcomes.append(connector.parse(record))
                except RecordRejected as refused:
                    outcomes.append(str(refused))
            assert outcomes[0] == outcomes[1]
            assert record.payload == before

    def test_no_sentence_of_a_refusal_quotes_a_plate(self) -> None:
        connector = self.offline()
        assert not [sentence for record in self.records() if "9SYN" in (sentence := _refusal(connector, record))]

    # What it does when it is made, and what it shows

    def test_construction_touches_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = self.filled()

        def refuse(*_args: object, **_kwargs: object) -> None:
            raise AssertionError("a connector did something when it was made")

        frame = Frame(clock=_NoClock(), sleep=refuse)
        with monkeypatch.context() as here:
            for where, name in _DEEDS:
                here.setattr(where, name, refuse)
            connector = self.connector(settings, frame)
        assert connector.settings is settings

    def test_a_closed_one_asks_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []
        with self.connector(self.filled(), Frame(clock=_NoClock(), sleep=_nothing)) as connector:
            pass
        connector.close()  # a second time is as good as once
        with monkeypatch.context() as here:
            for name in ("getaddrinfo", "create_connection"):
                here.setattr(socket, name, lambda *_args, _name=name, **_kwargs: asked.append(_name))
            with suppress(Exception):
                connector.check()
        assert not asked, "it was asked over a connection that its `close` did not close"

    def test_secrets_stay_secret(self) -> None:
        settings = self.filled()
        connector = self.connector(settings, Frame(clock=_NoClock(), sleep=_nothing))
        shown = [
            repr(settings),
            str(settings),
            settings.model_dump_json(),
            str(settings.model_dump()),
            repr(connector),
            str(connector),
        ]
        assert SECRET not in " ".join(shown)

    def test_settings_named_like_secrets_are_kept_as_secrets(self) -> None:
        fields = self.connector.Settings.model_fields
        open_ones = [name for name in fields if SECRET_NAME.search(name) and not _is_secret(fields[name].annotation)]
        assert not open_ones, f"{open_ones} should be SecretStr"

    def test_a_push_that_proves_nothing_is_refused(self) -> None:
        if not hasattr(self.connector, "verify"):
            return
        wrong = {"authorization": "Basic bm9ib2R5Ondyb25n", "x-alprhub-key": "wrong", "x-api-key": "wrong"}
        pushes = [Request({}, Document(b"")), Request(wrong, Document(b""), key="wrong")]
        for settings in (self.filled(), self.filled(secrets=False)):
            connector: Any = self.connector(settings, Frame(clock=_NoClock(), sleep=_nothing))
            for push in pushes:
                with pytest.raises(AdminMustFix) as refused:
                    connector.verify(push)
                assert SECRET not in str(refused.value)

    def test_the_reply_to_a_push_is_pure(self) -> None:
        connector = self.offline()
        for path in examples.documents(self.fixtures):
            request = Request({}, Document(path.read_bytes(), name=path.name))
            reply = connector.reply(request)
            assert isinstance(reply, Reply)
            assert reply == connector.reply(request)

    # What it does with what nobody should send

    def test_what_is_no_answer_is_never_no_reads(self, foreign: bytes) -> None:
        connector = self.offline()
        try:
            records = list(connector.unpack(Document(foreign)))
        except VendorChanged:
            return
        assert records, "it was taken for an answer without reads"
        for record in records:
            with pytest.raises(RecordRejected) as refused:
                connector.parse(record)
            assert not isinstance(refused.value, NotARead), "it was left out quietly"

    def test_a_hostile_body_is_refused_in_words(self, payload: bytes) -> None:
        connector = self.offline()
        _must_unpack(connector, payload)
        for kind in {record.kind for record in self.records()}:
            assert "9SYN" not in _refusal(connector, Record(kind, payload))

    def test_an_example_gone_wrong_is_refused_in_words(self, twist: Callable[[bytes], bytes]) -> None:
        connector = self.offline()
        for path in examples.documents(self.fixtures):
            _must_unpack(connector, twist(path.read_bytes()))
        for record in self.first_of_each().values():
            _refusal(connector, record._replace(payload=twist(record.payload)))

    def test_a_hostile_value_anywhere_is_a_read_or_a_refusal_that_does_not_quote_it(self, hurt: Any) -> None:
        connector = self.offline()
        for (_, is_read), record in self.first_of_each().items():
            for spot in spots(record.payload)[:MOST_SPOTS]:
                sentence = _refusal(connector, record._replace(payload=spot.put(hurt)))
                # What is no read to begin with may carry the reason that our own `unpack` wrote there.
                assert "9SYN" not in sentence or not is_read

    @LIGHT
    @given(data=st.data())
    def test_a_spoilt_record_is_a_read_or_a_refusal(self, data: st.DataObject) -> None:
        connector = self.offline()
        record = data.draw(st.sampled_from(self.records() or [Record("no example", b"{}")]))
        places = spots(record.payload)
        if places:
            spot = data.draw(st.sampled_from(places))
            payload = spot.drop() if data.draw(st.booleans()) else spot.put(data.draw(_VALUES))
        else:
            cut = data.draw(st.integers(0, len(record.payload)))
            payload = record.payload[:cut] + data.draw(st.binary(max_size=20)) + record.payload[cut:]
        _refusal(connector, record._replace(payload=payload))

    @LIGHT
    @given(data=st.data())
    def test_random_bytes_are_a_refusal(self, data: st.DataObject) -> None:
        connector = self.offline()
        payload = data.draw(st.binary(max_size=200) | _VALUES.map(lambda value: json.dumps(value).encode()))
        part = data.draw(st.integers(0, 3))
        for kind in {record.kind for record in self.records()}:
            _refusal(connector, Record(kind, payload, part))

    @LIGHT
    @given(data=st.data())
    def test_unpacking_anything_gives_records_or_says_that_the_vendor_changed(self, data: st.DataObject) -> None:
        connector = self.offline()
        body = data.draw(st.sampled_from([p.read_bytes() for p in examples.documents(self.fixtures)] or [b""]))
        cut = data.draw(st.integers(0, len(body)))
        noise = data.draw(st.binary(max_size=20))
        _must_unpack(
            connector, data.draw(st.sampled_from([noise, body[:cut], body[:cut] + noise + body[cut:], noise + body]))
        )

    # What the tests need

    def offline(self) -> Connector[Any]:
        """The connector for parsing alone; made once, since parsing leaves nothing behind."""
        cls = type(self)
        if "_offline" not in vars(cls):
            cls._offline = self.connector.offline(**self.settings)
        return cls._offline

    def records(self) -> list[Record]:
        """Every record of the examples; unpacked once."""
        cls = type(self)
        if "_unpacked" not in vars(cls):
            cls._unpacked = examples.records(self.offline(), self.fixtures)
        return cls._unpacked

    def first_of_each(self) -> dict[tuple[str, bool], Record]:
        """Of each kind of record the first that is a read (True) and the first that is none (False); found once."""
        cls = type(self)
        if "_first" not in vars(cls):
            connector, cls._first = self.offline(), {}
            for record in self.records():
                cls._first.setdefault((record.kind, not _refusal(connector, record)), record)
        return cls._first

    def filled(self, *, secrets: bool = True) -> Any:
        """Settings with whatever is required, and every secret set; without `secrets`, only those that must be."""
        fields = self.connector.Settings.model_fields
        wanted = [
            name for name in fields if fields[name].is_required() or (secrets and _is_secret(fields[name].annotation))
        ]
        given = {name: value for name, value in self.settings.items() if name in fields}
        return self.connector.Settings(**{name: _filled(fields[name].annotation, name) for name in wanted} | given)


def contract(
    connector: type[Connector[Any]],
    fixtures: Path,
    *,
    key: str | None = None,
    page: Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> type[Contract]:
    """The tests of a connector: `TestAcme = contract(AcmeConnector, Path(__file__).parent / "acme")` runs them all.

    `fixtures` is the folder of its examples, each with its golden file; `key` the key that it must have; `page` the
    page that tells of its settings; `settings` what parsing needs where defaults do not do.
    """
    members = {"connector": connector, "fixtures": fixtures, "key": key, "page": page, "settings": settings or {}}
    return type(f"ContractOf{connector.__name__}", (Contract,), members)


_DEEDS: Final = (
    *((builtins, name) for name in ("open", "print")),
    *((io, name) for name in ("open", "open_code")),
    *((os, name) for name in ("open", "listdir", "scandir", "mkdir", "system")),
    *((socket, name) for name in ("socket", "getaddrinfo", "create_connection")),
    (subprocess, "Popen"),
    (time, "sleep"),
)
"""What a constructor has no business with."""


class _NoClock:
    def now(self) -> Any:
        raise AssertionError("a connector looked at the clock when it was made")


def _nothing(_seconds: float) -> None:
    """A sleep that returns at once."""


def _refusal(connector: Connector[Any], record: Record) -> str:
    """Why a record is no read; empty where it is one. Anything but a read or a refusal fails the test."""
    try:
        assert isinstance(connector.parse(record), Read)
    except RecordRejected as refused:
        return str(refused)
    return ""


def _must_unpack(connector: Connector[Any], body: bytes) -> None:
    with suppress(VendorChanged):
        for record in connector.unpack(Document(body)):
            assert isinstance(record, Record)
            _refusal(connector, record)


def _is_secret(kind: Any) -> bool:
    return SecretStr in (get_args(kind) or (kind,))


def _filled(kind: Any, name: str) -> Any:
    options = [option for option in get_args(kind) or (kind,) if option is not type(None)]
    return SecretStr(SECRET) if SecretStr in options else f"https://{name.replace('_', '-')}.example"


_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from([*hostile.TEXTS.values(), *hostile.VALUES.values()]),
)
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
