"""Absence is never taken for emptiness: an error with status 200, or null for a list, claims no window.

Every connector that asks over HTTP is given the same answers, whatever it asks for.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import httpx
import pytest
from wires import NOW, SETTINGS, WINDOW, able, answering, made

from connectors.contract import Lookup
from connectors.errors import ConnectorError
from connectors.registry import available, connector

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


def _must_refuse(name: str, ask: Callable[[Any], Iterable[Any]]) -> None:
    """Each answer that is none is refused, and nothing that came before that claims to be whole."""
    for what, body in ANSWERS.items():
        if (name, what) in NOT_MEANT or (what == "a list of errors" and not name.startswith("generic")):
            continue
        got: list[Any] = []
        with answering(lambda _, body=body: httpx.Response(200, content=body)), made(name) as one:
            try:
                got.extend(ask(one))
            except ConnectorError:
                assert [page for page in got if page.checkpoint is not None] == [], what
            else:
                pytest.fail(f"{what} was taken for an answer")


def test_every_connector_that_asks_over_http_is_among_these() -> None:
    asks = {key for key in available() if {"base_url", "parkpow_url"} & connector(key).Settings.model_fields.keys()}
    assert asks <= {name.partition(" ")[0] for name in SETTINGS}


@pytest.mark.parametrize(("name", "_"), able("pull"))
def test_no_window_is_claimed(name: str, _: str) -> None:
    _must_refuse(name, lambda one: one.pull(WINDOW))


@pytest.mark.parametrize(("name", "_"), able("lookup"))
def test_no_question_about_a_plate_is_answered(name: str, _: str) -> None:
    _must_refuse(name, lambda one: one.lookup(Lookup("9SYN042", WINDOW.since, NOW, "stolen vehicle")))


@pytest.mark.parametrize(("name", "ability"), able("list_remote", "cameras"))
def test_no_list_and_no_camera_is_known_to_be_gone(name: str, ability: str) -> None:
    asked = ("Sandbox list",) if ability == "list_remote" else ()

    def ask(one: Any) -> list[Any]:
        list(getattr(one, ability)(*asked))
        return []

    _must_refuse(name, ask)
