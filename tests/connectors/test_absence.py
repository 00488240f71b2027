"""Absence is never taken for emptiness: an error with status 200, or null for a list, claims no window.

Every connector that asks over HTTP is given the same answers, whatever it asks for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
import respx

from connectors.contract import Connector, Lookup, Window
from connectors.errors import ConnectorError
from connectors.registry import available, connector
from connectors.testing.frame import frame_at

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(minutes=30), NOW)
BASE = "https://vendor.example"
MAP = {"plate": "p", "captured_at": "t", "camera_id": "c"}
SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "axis": {"base_url": BASE, "user": "hub", "password": "s3cr3t-pass", "zone": "UTC"},
    "dahua": {"base_url": BASE, "password": "s3cr3t-pass", "zone": "UTC"},
    "flock": {"client_id": "hub", "client_secret": "s3cr3t-pass"},
    "generic_json": {"place": f"{BASE}/reads", "map": {**MAP, "records": "data[]"}},
    "generic_json of lists": {"place": f"{BASE}/reads", "map": MAP},
    "generic_json by number": {"place": f"{BASE}/reads", "map": {**MAP, "records": "data[]"}, "paging": "page"},
    "generic_json by address": {"place": f"{BASE}/reads", "map": {**MAP, "records": "data[]"}, "paging": "next_url"},
    "generic_json that leaves out": {
        "place": f"{BASE}/reads",
        "map": {**MAP, "records": "data[]", "only": {"kind": ["lpr"]}},
    },
    "generic_json of lines": {"place": f"{BASE}/reads", "map": MAP, "lines": True},
    "hikvision": {"base_url": BASE, "user": "hub", "password": "s3cr3t-pass", "zone": "UTC", "hot_list": "block"},
    "nj_snap": {"base_url": BASE, "api_key": "s3cr3t-key", "zone": "UTC"},
    "platerecognizer": {"parkpow_token": "s3cr3t-key", "parkpow_url": BASE, "zone": "UTC"},
    "rekor": {"api_key": "s3cr3t-key", "base_url": BASE},
    "rhombus": {"api_key": "s3cr3t-key", "base_url": BASE},
    "verkada": {"api_key": "s3cr3t-key", "base_url": BASE, "camera_ids": ["one"]},
}
ANSWERS: Final[Mapping[str, bytes]] = {
    "null": b"null",
    "an empty object": b"{}",
    "nothing": b"",
    "null for data": b'{"data": null, "status": "error", "error": "token expired"}',
    "null for everything": b'{"data":null,"results":null,"events":null,"detections":null,"entries":null,"items":null}',
    "an error for data": b'{"data": {"error": "token expired"}}',
    "an error in a list": b'{"data": [{"error": "token expired"}]}',
    "a list of errors": b'[{"error": "token expired"}]',
    "an error": b'{"error": {"code": 401, "message": "token expired"}}',
    "a message": b'{"message": "token expired"}',
    "a problem": b'{"title": "Unauthorized", "status": 401}',
    "a text": b'"token expired"',
    "false": b"false",
    "XML of an error": b"<Error><message>token expired</message></Error>",
    "XML of a refusal": b"<ResponseStatus><statusCode>4</statusCode><statusString>no</statusString></ResponseStatus>",
    "words": b"Error: token expired",
}
NOT_MEANT: Final = {("generic_json of lines", "nothing")}
"""How JSON lines say that there are none. A list of errors is refused record by record: no vendor documents one."""
TOKEN = {"access_token": "s3cr3t-token", "token": "s3cr3t-token", "expires_in": 3600, "token_type": "Bearer"}


@contextmanager
def _answering(body: bytes) -> Iterator[None]:
    def answer(asked: httpx.Request) -> httpx.Response:
        if "token" in asked.url.path:  # who we are was proved; it is the answer that is none
            return httpx.Response(200, json=TOKEN)
        return httpx.Response(200, content=body)

    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=answer)
        yield


def _made(name: str) -> Connector[Any]:
    kind = connector(name.partition(" ")[0])
    fast = {"requests_per_second": 1e6} if "requests_per_second" in kind.Settings.model_fields else {}
    return kind(kind.Settings.model_validate({**SETTINGS[name], **fast}), frame_at(NOW))


def _with(*abilities: str) -> list[tuple[str, str]]:
    return [(name, each) for name in SETTINGS for each in abilities if hasattr(connector(name.partition(" ")[0]), each)]


def _must_refuse(name: str, ask: Callable[[Any], Iterable[Any]]) -> None:
    """Each answer that is none is refused, and nothing that came before that claims to be whole."""
    for what, body in ANSWERS.items():
        if (name, what) in NOT_MEANT or (what == "a list of errors" and not name.startswith("generic")):
            continue
        got: list[Any] = []
        with _answering(body), _made(name) as made:
            try:
                got.extend(ask(made))
            except ConnectorError:
                assert [page for page in got if page.checkpoint is not None] == [], what
            else:
                pytest.fail(f"{what} was taken for an answer")


def test_every_connector_that_asks_over_http_is_among_these() -> None:
    asks = {key for key in available() if {"base_url", "parkpow_url"} & connector(key).Settings.model_fields.keys()}
    assert asks <= {name.partition(" ")[0] for name in SETTINGS}


@pytest.mark.parametrize(("name", "_"), _with("pull"))
def test_no_window_is_claimed(name: str, _: str) -> None:
    _must_refuse(name, lambda made: made.pull(WINDOW))


@pytest.mark.parametrize(("name", "_"), _with("lookup"))
def test_no_question_about_a_plate_is_answered(name: str, _: str) -> None:
    _must_refuse(name, lambda made: made.lookup(Lookup("9SYN042", WINDOW.since, NOW, "stolen vehicle")))


@pytest.mark.parametrize(("name", "ability"), _with("list_remote", "cameras"))
def test_no_list_and_no_camera_is_known_to_be_gone(name: str, ability: str) -> None:
    asked = ("Sandbox list",) if ability == "list_remote" else ()

    def ask(made: Any) -> list[Any]:
        list(getattr(made, ability)(*asked))
        return []

    _must_refuse(name, ask)
