"""A wire that misbehaves, for every connector that asks over HTTP: throttles, redirects, logins, refusals."""

from typing import Any

import httpx
import pytest
from wires import NOW, SETTINGS, WINDOW, able, answering, made

from connectors.contract import Lookup
from connectors.errors import AdminMustFix, ConnectorError, TryAgain
from connectors.registry import connector

ASKING = [(name, ability) for name, ability in able("pull", "lookup")]
DIGEST = [name for name in SETTINGS if name in ("axis", "dahua", "hikvision")]


def _ask(one: Any, ability: str) -> None:
    if ability == "pull":
        list(one.pull(WINDOW))
    else:
        list(one.lookup(Lookup("9SYN042", WINDOW.since, NOW, "stolen vehicle")))


@pytest.mark.parametrize("wish", ["0", "Mon, 01 Jun 2020 00:00:00 GMT"])
@pytest.mark.parametrize(("name", "ability"), ASKING)
def test_a_throttle_never_takes_a_connectors_own_back_off(name: str, ability: str, wish: str) -> None:
    slept: list[float] = []
    throttled = httpx.Response(429, headers=[(b"Retry-After", wish.encode("latin-1"))])
    with answering(lambda _: throttled) as wire, made(name, slept) as one, pytest.raises(TryAgain):
        _ask(one, ability)
    waits = [wait for wait in slept if wait > 0.01 and wait != 0.2]
    asked = [call for call in wire.calls if "token" not in call.request.url.path]
    assert [wait for wait in waits if wait in (0.5, 1.0, 2.0, 4.0, 8.0)][:5] == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert len(asked) < 16


@pytest.mark.parametrize("to", ["http://vendor.example/x", "https://evil.example/x"])
@pytest.mark.parametrize(("name", "ability"), ASKING)
def test_no_redirect_takes_a_connectors_credentials_elsewhere(name: str, ability: str, to: str) -> None:
    with answering(lambda _: httpx.Response(307, headers={"location": to})) as wire, made(name) as one:
        with pytest.raises(ConnectorError) as told:
            _ask(one, ability)
        assert {(call.request.url.scheme, call.request.url.port) for call in wire.calls} == {("https", None)}
        assert "evil.example" not in {call.request.url.host for call in wire.calls}
    assert "s3cr3t" not in str(told.value)


@pytest.mark.parametrize("name", DIGEST)
def test_a_login_that_is_not_known_is_named(name: str) -> None:
    for asks in ('Digest realm="cam", nonce="a", algorithm=SHA3-999', 'Digest realm="cam", nonce="a", qop="auth-int"'):
        refused = httpx.Response(401, headers={"www-authenticate": asks})
        with (
            answering(lambda _, refused=refused: refused),
            made(name) as one,
            pytest.raises(AdminMustFix, match="a kind of digest login that is not known here"),
        ):
            _ask(one, "pull")


@pytest.mark.parametrize(("name", "ability"), ASKING)
def test_a_refusal_quotes_no_secret_and_no_plate(name: str, ability: str) -> None:
    secrets = [value for value in SETTINGS[name].values() if str(value).startswith("s3cr3t")]
    says = {"error": {"message": f"no {' '.join(secrets)} for plate 9syn042 or 9SYN 042"}}
    with (
        answering(lambda _: httpx.Response(403, json=says)),
        made(name) as one,
        pytest.raises(ConnectorError) as told,
    ):
        _ask(one, ability)
    for part in ("s3cr3t", "9syn", "9SYN", "042"):
        assert part not in str(told.value)


def test_every_secret_of_these_settings_is_one() -> None:
    for name, told in SETTINGS.items():
        kind = connector(name.partition(" ")[0])
        for setting, value in told.items():
            if str(value).startswith("s3cr3t"):
                assert "Secret" in str(kind.Settings.model_fields[setting].annotation)
