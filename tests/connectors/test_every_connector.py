"""Promises that the house makes on behalf of every connector there is."""

import builtins
import json
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.contract import ABILITIES, Connector, Document, Evidence, Frame, Proof, Record, abilities
from connectors.errors import RecordRejected, VendorChanged
from connectors.registry import available, connector
from normalize.read import Read

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "vendors"
GOLDEN = ".reads.json"
SECRET = "s3cr3t-that-nobody-may-see"
LIGHT = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _class_of(key: str) -> type[Connector[Any]]:
    return connector(key)


def _documents(key: str) -> list[Path]:
    folder = FIXTURES / key
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.is_file() and not path.name.endswith(GOLDEN)]


@cache
def _records(key: str) -> list[Record]:
    made = _class_of(key).offline()
    found: list[Record] = []
    for path in _documents(key):
        try:
            found += made.unpack(Document(path.read_bytes(), name=path.name))
        except VendorChanged:
            continue
    return found


def _outcomes(made: Connector[Any], body: bytes, name: str) -> list[dict[str, Any]]:
    """What the command line would print of a file: a read, a refusal, or the refusal of the whole file."""
    try:
        records = list(made.unpack(Document(body, name=name)))
    except VendorChanged as changed:
        return [{"changed": str(changed)}]
    told = []
    for record in records:
        outcome: dict[str, Any] = {"kind": record.kind, "part": record.part}
        try:
            outcome["read"] = made.parse(record).model_dump(mode="json", exclude_defaults=True)
        except RecordRejected as refused:
            outcome["rejected"] = str(refused)
        told.append(outcome)
    return told


def _filled(kind: Any, name: str) -> Any:
    options = [option for option in get_args(kind) or (kind,) if option is not type(None)]
    return SecretStr(SECRET) if SecretStr in options else f"https://{name.replace('_', '-')}.example"


def _settings(cls: type[Connector[Any]]) -> Any:
    """Settings with every secret set and whatever else is required."""
    filled = {
        name: _filled(field.annotation, name)
        for name, field in cls.Settings.model_fields.items()
        if field.is_required() or SecretStr in (get_args(field.annotation) or (field.annotation,))
    }
    return cls.Settings(**filled)


every = pytest.mark.parametrize("key", available())
golden = pytest.mark.parametrize(
    ("key", "path"),
    [pytest.param(key, path, id=f"{key}-{path.name}") for key in available() for path in _documents(key)],
)


@every
def test_has_fixtures(key: str) -> None:
    _class_of(key)
    assert _documents(key), f"tests/vendors/{key} has no example file"


@golden
def test_example_gives_what_was_reviewed(key: str, path: Path) -> None:
    told = _outcomes(_class_of(key).offline(), path.read_bytes(), path.name)
    kept = path.with_name(path.stem + GOLDEN)
    if not kept.exists():
        kept.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        pytest.fail(f"{kept.name} was written just now: read it, and keep it if it is right")
    assert told == json.loads(kept.read_text(encoding="utf-8"))


@every
def test_every_golden_file_has_its_example(key: str) -> None:
    stems = {path.stem for path in _documents(key)}
    folder = FIXTURES / key
    kept = [path.name for path in folder.iterdir() if path.name.endswith(GOLDEN)] if folder.is_dir() else []
    assert not [name for name in kept if name.removesuffix(GOLDEN) not in stems]


@every
def test_construction_touches_nothing(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = _class_of(key)
    told = _settings(cls)

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a connector did something when it was made")

    for where, name in ((builtins, "open"), (socket, "socket"), (socket, "getaddrinfo"), (socket, "create_connection")):
        monkeypatch.setattr(where, name, refuse)
    made = cls(told, Frame(clock=_NoClock(), sleep=refuse))  # type: ignore[arg-type]
    assert made.settings is told


class _NoClock:
    def now(self) -> Any:
        raise AssertionError("a connector looked at the clock when it was made")


@every
def test_says_who_it_is(key: str) -> None:
    info = _class_of(key).info
    assert info.key == key
    assert info.name.strip()
    assert info.company.strip()
    assert isinstance(info.evidence, Evidence)
    assert info.retention_vendor
    assert info.known_limits
    assert all(limit.endswith(".") for limit in info.known_limits)
    assert 0 < info.limits.page_size <= 10_000
    assert info.limits.parallel >= 1


@every
def test_abilities_are_whole(key: str) -> None:
    cls = _class_of(key)
    assert abilities(cls)
    assert set(abilities(cls)) <= set(ABILITIES)
    if "pushes_hotlists" in abilities(cls):
        assert isinstance(cls.proof, Proof)  # type: ignore[attr-defined]
        assert callable(cls.list_remote)  # type: ignore[attr-defined]
        assert callable(cls.held_form)  # type: ignore[attr-defined]
        assert callable(cls.as_held)  # type: ignore[attr-defined]


@every
def test_has_a_page_that_knows_its_settings(key: str) -> None:
    cls = _class_of(key)
    page = (ROOT / "docs" / "vendors" / f"{key}.md").read_text(encoding="utf-8")
    missing = [name for name in cls.Settings.model_fields if f"`{name}`" not in page]
    assert not missing, f"docs/vendors/{key}.md does not tell of {missing}"


@every
def test_settings_explain_themselves(key: str) -> None:
    for name, field in _class_of(key).Settings.model_fields.items():
        assert field.title, f"{name} has no title"
        assert field.description, f"{name} has no description"


@every
def test_secrets_stay_secret(key: str) -> None:
    cls = _class_of(key)
    told = _settings(cls)
    made = cls(told, Frame(clock=_NoClock(), sleep=lambda _: None))
    shown = [repr(told), str(told), told.model_dump_json(), str(told.model_dump()), repr(made), str(made)]
    assert SECRET not in " ".join(shown)


@every
def test_parsing_is_pure(key: str) -> None:
    made = _class_of(key).offline()
    for record in _records(key):
        before = bytes(record.payload)
        outcomes = []
        for _ in range(2):
            try:
                outcomes.append(made.parse(record))
            except RecordRejected as refused:
                outcomes.append(str(refused))
        assert outcomes[0] == outcomes[1]
        assert record.payload == before


@every
def test_no_sentence_of_a_refusal_quotes_a_plate(key: str) -> None:
    made = _class_of(key).offline()
    assert not [said for record in _records(key) if "9SYN" in (said := _refusal(made, record))]


def _refusal(made: Connector[Any], record: Record) -> str:
    """Why a record is no read; empty where it is one. Anything but a read or a refusal fails the test."""
    try:
        assert isinstance(made.parse(record), Read)
    except RecordRejected as refused:
        return str(refused)
    return ""


_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["\x00", "🚗" * 10, "=1+1", "x" * 5000, "2026-03-08T02:30:00", "9999-99-99", -1, 0, 1e17, [], {}]),
)
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for name in value:
            found += _paths(value[name], (*path, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            found += _paths(value[index], (*path, index))
    return found


def _spoilt(document: Any, path: tuple[Any, ...], value: Any, *, drop: bool) -> Any:
    spoilt = json.loads(json.dumps(document))
    at = spoilt
    for step in path[:-1]:
        at = at[step]
    if drop:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return spoilt


@every
@LIGHT
@given(data=st.data())
def test_a_spoilt_record_is_a_read_or_a_refusal(key: str, data: st.DataObject) -> None:
    made = _class_of(key).offline()
    record = data.draw(st.sampled_from(_records(key) or [Record("no example", b"{}")]))
    try:
        document = msgspec.json.decode(record.payload)
    except msgspec.DecodeError:
        document = {}
    paths = _paths(document)
    if not paths:
        return
    spoilt = _spoilt(document, data.draw(st.sampled_from(paths)), data.draw(_VALUES), drop=data.draw(st.booleans()))
    payload = json.dumps(spoilt).encode()
    _refusal(made, Record(record.kind, payload, record.part, record.attachments))


@every
@LIGHT
@given(payload=st.binary(max_size=200) | _VALUES.map(lambda value: json.dumps(value).encode()), part=st.integers(0, 3))
def test_random_bytes_are_a_refusal(key: str, payload: bytes, part: int) -> None:
    made = _class_of(key).offline()
    for kind in {record.kind for record in _records(key)}:
        _refusal(made, Record(kind, payload, part))


@every
@pytest.mark.parametrize("payload", [b"[" * 100_000, b'{"a":' * 50_000, b"\xff" * 1000, b'"' + b"9" * 1_000_000 + b'"'])
def test_monsters_are_refused(key: str, payload: bytes) -> None:
    made = _class_of(key).offline()
    for kind in {record.kind for record in _records(key)}:
        _refusal(made, Record(kind, payload))
    _must_unpack(made, payload)


def _must_unpack(made: Connector[Any], body: bytes) -> None:
    with suppress(VendorChanged):
        for record in made.unpack(Document(body)):
            assert isinstance(record, Record)
            _refusal(made, record)


@every
@LIGHT
@given(data=st.data())
def test_unpacking_anything_gives_records_or_says_that_the_vendor_changed(key: str, data: st.DataObject) -> None:
    made = _class_of(key).offline()
    body = data.draw(st.sampled_from([path.read_bytes() for path in _documents(key)] or [b""]))
    cut = data.draw(st.integers(0, len(body)))
    noise = data.draw(st.binary(max_size=20))
    _must_unpack(made, data.draw(st.sampled_from([noise, body[:cut], body[:cut] + noise + body[cut:], noise + body])))
