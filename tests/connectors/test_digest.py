"""Digest logins as devices ask for them: several kinds at once, kinds that nobody knows, challenges that are none."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
import respx
from pydantic import SecretStr

from connectors.auth import Digest, OneLogin
from connectors.contract import Limits
from connectors.errors import AdminMustFix
from connectors.http import Http
from connectors.testing.frame import frame_at

BASE = "http://camera.example:8080"
LOGIN = Digest("hub", SecretStr("s3cr3t-of-the-camera"))
MD5 = 'Digest realm="cam", qop="auth", nonce="abc", algorithm=MD5'
SHA = 'Digest realm="cam", qop="auth", nonce="def", algorithm=SHA-256'
SHORT = 'Digest realm="cam", qop="auth", nonce="ghi", algorithm=SHA-512-256'
ODD = 'Digest realm="cam", qop="auth", nonce="jkl", algorithm=SHA3-999'
WHOLE = 'Digest realm="cam", qop="auth-int", nonce="mno"'


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def _http(auth: Digest = LOGIN) -> Http:
    return Http(BASE, frame_at(datetime(2026, 6, 1, 12, tzinfo=UTC)), auth=auth, limits=Limits(per_second=1e9))


def _asks(*challenges: str) -> httpx.Response:
    return httpx.Response(401, headers=[("www-authenticate", challenge) for challenge in challenges])


@pytest.mark.parametrize(
    ("challenges", "answered"),
    [
        ((MD5,), "MD5"),
        ((SHA, MD5), "SHA-256"),
        ((ODD, MD5), "MD5"),
        ((WHOLE, SHA), "SHA-256"),
        ((SHORT,), "SHA-512-256"),
        (('Basic realm="cam"', SHA), "SHA-256"),
        ((f'Basic realm="a, Digest b", charset="UTF-8", {SHA}, Negotiate',), "SHA-256"),
        ((f"{ODD}, {SHA}",), "SHA-256"),
        (('Digest realm="cam", qop="auth-int,auth", nonce="abc"',), "MD5"),
        (('Digest realm="cam", qop="AUTH", nonce="abc", stale',), "MD5"),
        (('Digest realm="cam", qop="", nonce="abc"',), "MD5"),
        (('Digest Realm="cam", Nonce="abc"',), "MD5"),
        (('Digest qop="auth"', MD5), "MD5"),
    ],
)
def test_of_several_challenges_the_first_that_is_known_is_answered(
    wire: respx.MockRouter, challenges: tuple[str, ...], answered: str
) -> None:
    route = wire.get(f"{BASE}/x").mock(side_effect=[_asks(*challenges), httpx.Response(200, json={})])
    _http().get("/x")
    said = route.calls.last.request.headers["authorization"]
    assert said.startswith('Digest username="hub"')
    assert f"algorithm={answered}," in f"{said},"
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    ("protected", "said"),
    [('qop="auth", ', True), ('qop="AUTH", ', True), ('qop="auth-int,auth", ', True), ('qop="", ', False), ("", False)],
)
def test_a_device_that_does_not_say_what_it_wants_protected_is_answered_as_older_ones_are(
    wire: respx.MockRouter, protected: str, said: bool
) -> None:
    challenge = f'Digest realm="cam", {protected}nonce="abc"'
    route = wire.get(f"{BASE}/x").mock(side_effect=[_asks(challenge), httpx.Response(200, json={})])
    _http().get("/x")
    assert ("qop=auth," in route.calls.last.request.headers["authorization"]) is said
    assert ("cnonce" in route.calls.last.request.headers["authorization"]) is said


@pytest.mark.parametrize("login", [LOGIN, OneLogin("hub", SecretStr("s3cr3t-of-the-camera"))], ids=["digest", "one"])
@pytest.mark.parametrize(
    ("challenges", "named"),
    [
        ((ODD,), "SHA3-999 with auth"),
        ((WHOLE,), "MD5 with auth-int"),
        ((ODD, WHOLE), "SHA3-999 with auth, MD5 with auth-int"),
        (('Digest realm="cam", qop="auth"',), "MD5 with auth"),
        (('Digest realm="cam", nonce="a", algorithm="\x1b[2J, secret plate"',), "a nameless one"),
    ],
)
def test_a_kind_that_is_not_known_asks_a_person_and_is_named(
    wire: respx.MockRouter, challenges: tuple[str, ...], named: str, login: Digest
) -> None:
    route = wire.get(f"{BASE}/x").mock(return_value=_asks(*challenges))
    with pytest.raises(AdminMustFix, match="a kind of digest login that is not known here") as refused:
        _http(login).get("/x")
    assert named in str(refused.value)
    assert "camera.example:8080" in str(refused.value)
    assert route.call_count == 1


def test_a_device_that_wants_the_password_itself_does_not_get_it(wire: respx.MockRouter) -> None:
    route = wire.get(f"{BASE}/x").mock(return_value=_asks('Basic realm="cam"'))
    with pytest.raises(AdminMustFix, match=r"another kind of login \(basic\)"):
        _http().get("/x")
    assert all("authorization" not in call.request.headers for call in route.calls)


def test_a_password_that_is_refused_is_told_as_before(wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/x").mock(return_value=_asks(MD5))
    with pytest.raises(AdminMustFix, match="refuses the key, or the user and password"):
        _http().get("/x")
