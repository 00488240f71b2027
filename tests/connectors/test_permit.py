"""What a connection proves itself with goes to its own scheme, host and port; whatever an answer says."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import respx
from pydantic import SecretStr

from connectors.auth import BearerToken, Digest, Header, QueryKey, Token
from connectors.contract import Limits, Window
from connectors.errors import AdminMustFix
from connectors.http import Http
from connectors.permit import Permit
from connectors.testing.frame import frame_at
from connectors.vendors.generic_json import GenericJsonConnector, GenericJsonSettings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = SecretStr("opens-all")
AUTHS = {
    "header": Header("X-Key", KEY),
    "query": QueryKey("key", KEY),
    "digest": Digest("hub", KEY),
    "bearer": BearerToken(lambda: Token("opens-all", NOW.replace(year=2027)), lambda: NOW, KEY),
}
MAP = {"plate": "p", "captured_at": "t", "camera_id": "c", "records": "data[]"}
READ = {"p": "9SYN001", "t": "2026-06-01T11:30:00Z", "c": "1"}


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def _http(base: str, auth: str = "header", allow: tuple[str, ...] = ()) -> Http:
    return Http(base, frame_at(NOW), auth=AUTHS[auth], limits=Limits(per_second=1e9), allow=allow)


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://vendor.example", "https://vendor.example:8443/x"),
        ("https://vendor.example", "http://vendor.example:8080/x"),
        ("https://vendor.example", "https://pictures.example/x"),
        ("https://vendor.example", "https://api.pictures.example/x"),
        ("http://camera.example:8080", "http://camera.example/x"),
        ("http://camera.example:8080", "http://camera.example:8081/x"),
        ("http://camera.example", "https://camera.example/x"),
    ],
)
def test_credentials_go_to_one_origin_alone(wire: respx.MockRouter, base: str, url: str, auth: str) -> None:
    with pytest.raises(AdminMustFix, match="nothing was sent there"):
        _http(base, auth, ("pictures.example",)).request("GET", url)
    assert not wire.calls


def test_what_proves_nothing_may_go_to_another_port_and_to_hosts_of_pictures(wire: respx.MockRouter) -> None:
    wire.get(url__regex=".*").respond(200, content=b"x")
    http = _http("http://camera.example:8080", allow=("pictures.example",))
    for url in ("http://camera.example:9000/x", "https://camera.example/x", "https://pictures.example/x"):
        http.request("GET", url, json=False, credentials=False)
    assert all("x-key" not in call.request.headers for call in wire.calls)


def test_a_link_to_http_at_a_host_behind_tls_is_asked_with_tls(wire: respx.MockRouter) -> None:
    wire.get(url__regex=".*").respond(200, json={})
    for base, url, asked in (
        ("https://vendor.example", "http://vendor.example/x?page=2&q=%20", "https://vendor.example/x?page=2&q=%20"),
        ("https://vendor.example", "http://vendor.example:80/x", "https://vendor.example/x"),
        ("https://vendor.example:8443", "http://vendor.example/x", "https://vendor.example:8443/x"),
        ("https://vendor.example:8443", "http://vendor.example:8443/x", "https://vendor.example:8443/x"),
    ):
        _http(base).request("GET", url)
        assert str(wire.calls.last.request.url) == asked
        assert wire.calls.last.request.headers["x-key"] == "opens-all"


def test_without_credentials_too_no_answer_leads_from_https_to_http(wire: respx.MockRouter) -> None:
    with pytest.raises(AdminMustFix, match="without TLS"):
        _http("https://vendor.example").request("GET", "http://vendor.example:8080/x", credentials=False)
    assert not wire.calls


@pytest.mark.parametrize("url", ["ftp://vendor.example/x", "file://vendor.example/etc/passwd", "//vendor.example/x"])
def test_nothing_but_http_is_spoken_to_anybody(url: str) -> None:
    with pytest.raises(AdminMustFix, match="nothing was sent there"):
        Permit("https://vendor.example", ()).must_hold(url, secret=False)


def test_a_vendor_at_plain_http_keeps_its_port(wire: respx.MockRouter) -> None:
    route = wire.get("http://camera.example:8080/x").respond(200, json={})
    _http("http://camera.example:8080").request("GET", "http://camera.example:8080/x")
    assert route.calls.last.request.headers["x-key"] == "opens-all"


def test_a_cookie_goes_nowhere(wire: respx.MockRouter) -> None:
    wire.get("https://vendor.example/x").respond(200, json={}, headers={"set-cookie": "session=1; Path=/"})
    http = _http("https://vendor.example")
    for _ in range(2):
        http.get("/x")
    assert all("cookie" not in call.request.headers for call in wire.calls)


def _paged(place: str) -> GenericJsonConnector:
    settings = GenericJsonSettings(
        place=place, map=MAP, paging="next_url", auth="header", auth_prefix="Bearer ", auth_secret=KEY,
        requests_per_second=1e9, image_hosts=("pictures.example",),
    )  # fmt: skip
    return GenericJsonConnector(settings, frame_at(NOW))


def test_the_next_page_behind_a_proxy_that_ends_tls_is_asked_as_the_admin_configured(wire: respx.MockRouter) -> None:
    place = "https://vendor.example/v2/reads"
    plain = wire.get(url__regex="http://.*").respond(200, json={"data": []})
    wire.get(place, params={"page": "2"}).respond(json={"data": [READ]})
    wire.get(place).respond(json={"data": [READ], "next": "http://vendor.example/v2/reads?page=2"})
    with _paged(place) as connector:
        assert sum(len(page.records) for page in connector.pull(Window(NOW, NOW))) == 2
    assert not plain.called


@pytest.mark.parametrize(
    "link",
    [
        "http://vendor.example:8080/v2/reads?page=2", "https://vendor.example:8443/v2/reads?page=2",
        "https://pictures.example/v2/reads?page=2", "https://a.pictures.example/", "//pictures.example/",
    ],
)  # fmt: skip
def test_the_next_page_elsewhere_gets_no_key_and_the_window_is_not_claimed(wire: respx.MockRouter, link: str) -> None:
    place = "https://vendor.example/v2/reads"
    wire.get(place).respond(json={"data": [READ], "next": link})
    pages = []
    with _paged(place) as connector, pytest.raises(AdminMustFix, match="nothing was sent there"):
        pages.extend(connector.pull(Window(NOW, NOW)))
    assert [call.request.url.host for call in wire.calls] == ["vendor.example"]
    assert all(page.checkpoint is None for page in pages)
