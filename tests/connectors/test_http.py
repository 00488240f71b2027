"""The one module that speaks HTTP, against answers that no server would give twice."""

import logging
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import respx
from pydantic import SecretStr

from connectors.auth import BearerToken, QueryKey, Token, must_prove
from connectors.contract import Frame, Limits
from connectors.errors import AdminMustFix, Closed, ConnectorError, Gone, TryAgain, VendorChanged
from connectors.http import Http
from connectors.transport import trust

BASE = "https://vendor.example/api"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRET = "s3cr3t-of-the-vendor"
FAST = Limits(per_second=1e9, body_bytes=1000)


class _Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class _Tokens:
    """Hands out token-1, token-2 …, each good for an hour."""

    def __init__(self, clock: _Clock) -> None:
        self.given = 0
        self._clock = clock

    def __call__(self) -> Token:
        self.given += 1
        return Token(f"token-{self.given}", self._clock.at + timedelta(hours=1))


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def http(clock: _Clock, slept: list[float]) -> Http:
    return Http(
        BASE, Frame(clock, slept.append, chance=lambda: 1.0), auth=QueryKey("api_key", SecretStr(SECRET)), limits=FAST
    )


@pytest.fixture
def wire() -> respx.MockRouter:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, VendorChanged), (302, VendorChanged), (400, VendorChanged), (401, AdminMustFix), (402, AdminMustFix),
        (403, AdminMustFix), (404, Gone), (409, VendorChanged), (410, Gone), (413, AdminMustFix), (422, VendorChanged),
        (429, TryAgain), (500, TryAgain), (502, TryAgain), (503, TryAgain),
    ],
)  # fmt: skip
def test_each_status_is_named_by_what_happens_next(
    http: Http, wire: respx.MockRouter, status: int, error: type[ConnectorError]
) -> None:
    route = wire.get(f"{BASE}/x").respond(status, json={"error": "no"}, headers={"location": "https://evil.example/"})
    with pytest.raises(error):
        http.get("/x")
    assert (route.call_count > 1) == (error is TryAgain)


def test_an_address_may_have_its_own_word_for_gone(http: Http, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/x").respond(403)
    with pytest.raises(Gone):
        http.request("GET", "/x", gone=(403,))
    wire.get(f"{BASE}/y").respond(404)
    with pytest.raises(VendorChanged):
        http.request("GET", "/y", gone=())


def test_a_throttle_is_waited_out_for_the_seconds_it_names(
    http: Http, wire: respx.MockRouter, slept: list[float]
) -> None:
    wire.get(f"{BASE}/x").side_effect = [
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(200, json={}),
    ]
    assert http.get("/x").json() == {}
    assert slept == [7.0]


@pytest.mark.parametrize("over", ["0", "Mon, 01 Jun 2026 11:59:00 GMT"])
def test_a_throttle_that_is_over_at_once_leaves_the_usual_waits(
    http: Http, wire: respx.MockRouter, slept: list[float], over: str
) -> None:
    busy = httpx.Response(429, headers={"Retry-After": over})
    wire.get(f"{BASE}/x").side_effect = [busy, busy, busy, httpx.Response(200, json={})]
    http.get("/x")
    assert slept == [0.5, 1.0, 2.0]


def test_a_throttle_may_name_a_date(http: Http, wire: respx.MockRouter, slept: list[float]) -> None:
    until = {"Retry-After": "Mon, 01 Jun 2026 12:00:09 GMT"}
    wire.get(f"{BASE}/x").side_effect = [httpx.Response(503, headers=until), httpx.Response(200, json={})]
    http.get("/x")
    assert slept == [9.0]


def test_what_fails_is_not_tried_again_once_the_asker_would_be_gone(clock: _Clock, wire: respx.MockRouter) -> None:
    left = [10.0]
    frame = Frame(clock, lambda seconds: left.append(left[-1] - seconds), lambda: left[-1], chance=lambda: 1.0)
    http = Http(BASE, frame, limits=FAST)
    down = wire.get(f"{BASE}/x").respond(503)
    with pytest.raises(TryAgain, match="answered 503"):
        http.get("/x")
    assert left == [10.0, 9.5, 8.5, 6.5, 2.5]  # the next wait would have been 8 seconds
    assert down.call_count == 5
    page = wire.get(f"{BASE}/y").respond(200, text="<html>", headers={"Content-Type": "text/html"})
    with pytest.raises(VendorChanged, match="a web page"):
        http.get("/y")
    assert page.call_count == 3
    left.append(0.0)
    with pytest.raises(TryAgain, match="nothing was sent"):
        http.get("/x")
    assert down.call_count == 5


def test_a_long_wait_is_left_to_the_next_run(http: Http, wire: respx.MockRouter, slept: list[float]) -> None:
    wire.get(f"{BASE}/x").respond(429, headers={"Retry-After": "3600"})
    with pytest.raises(TryAgain) as failed:
        http.get("/x")
    assert failed.value.after == timedelta(hours=1)
    assert slept == []


@pytest.mark.parametrize("wish", ["9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT"], ids=["digits", "a date"])
def test_a_wish_without_measure_is_a_day(http: Http, wire: respx.MockRouter, wish: str) -> None:
    wire.get(f"{BASE}/x").respond(429, headers={"Retry-After": wish})
    with pytest.raises(TryAgain) as failed:
        http.get("/x")
    assert failed.value.after == timedelta(days=1)


def test_waits_grow_and_patience_ends_by_what_was_slept(http: Http, wire: respx.MockRouter, slept: list[float]) -> None:
    wire.get(f"{BASE}/x").respond(500)
    with pytest.raises(TryAgain):
        http.get("/x")
    assert slept[:4] == [0.5, 1.0, 2.0, 4.0]
    assert 90 <= sum(slept) < 110


def test_a_person_who_waits_hears_soon_that_a_service_is_down_and_each_time_that_it_is_tried_again(
    clock: _Clock, wire: respx.MockRouter, slept: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[str, float]] = []
    frame = Frame(clock, slept.append, chance=lambda: 1.0, waits=lambda failed, wait: told.append((failed, wait)))
    wire.get(f"{BASE}/x").respond(503)
    with caplog.at_level(logging.WARNING), pytest.raises(TryAgain):
        Http(BASE, frame, limits=FAST).get("/x")
    assert slept == [0.5, 1.0, 2.0, 4.0, pytest.approx(7.5, abs=0.1)]
    assert caplog.text == "", "nor is it told twice"
    assert [wait for _, wait in told] == slept
    assert all("vendor.example answered 503" in failed for failed, _ in told)


def test_a_person_waits_out_a_throttle_as_a_schedule_does(
    clock: _Clock, wire: respx.MockRouter, slept: list[float]
) -> None:
    throttled = httpx.Response(429, headers={"Retry-After": "40"})
    wire.get(f"{BASE}/x").side_effect = [throttled, throttled, httpx.Response(200, json={})]
    frame = Frame(clock, slept.append, chance=lambda: 1.0, waits=lambda *_: None)
    assert Http(BASE, frame, limits=FAST).get("/x").json() == {}
    assert slept == [40.0, 40.0]


@pytest.mark.parametrize(("chance", "waits"), [(0.0, [0.25, 0.5, 1.0]), (0.5, [0.375, 0.75, 1.5])])
def test_waits_are_spread_between_half_of_a_ceiling_and_all_of_it(
    clock: _Clock, wire: respx.MockRouter, slept: list[float], chance: float, waits: list[float]
) -> None:
    wire.get(f"{BASE}/x").side_effect = [httpx.Response(503)] * 3 + [httpx.Response(200, json={})]
    Http(BASE, Frame(clock, slept.append, chance=lambda: chance), limits=FAST).get("/x")
    assert slept == waits


def test_two_that_fail_together_do_not_come_back_together(clock: _Clock, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/x").respond(503)
    waits: list[list[float]] = [[], []]
    for slept in waits:
        with pytest.raises(TryAgain):
            Http(BASE, Frame(clock, slept.append), limits=FAST).get("/x")
    assert waits[0] != waits[1]


@pytest.mark.parametrize(
    "nonsense",
    [b"soon", b"-5", b"1e9", b"\xb2", "\u0665".encode(), b"1.5", b"0x10", b"Fri, 99 Jun 9999 12:00:00 GMT", b" ", b","],
)
def test_a_nonsense_wish_is_ignored(http: Http, wire: respx.MockRouter, slept: list[float], nonsense: bytes) -> None:
    answers = [httpx.Response(429, headers=[(b"Retry-After", nonsense)]), httpx.Response(200, json={})]
    wire.get(f"{BASE}/x").side_effect = answers
    http.get("/x")
    assert slept == [0.5]


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b"<!doctype html><html><body>Sign in</body></html>", "text/html", "web page"),
        (b'{"results": [1, 2', "application/json", "cut short"),
        (b"\xff\xfe", "application/json", "cut short"),
        (b"[" * 900, "application/json", "cut short"),
    ],
)
def test_a_good_status_with_a_bad_body_is_never_no_data(
    http: Http, wire: respx.MockRouter, body: bytes, kind: str, says: str
) -> None:
    route = wire.get(f"{BASE}/x").respond(200, content=body, headers={"content-type": kind})
    with pytest.raises(VendorChanged, match=says) as changed:
        http.get("/x")
    assert changed.value.body == body
    assert route.call_count > 1, "a proxy's maintenance page deserves another look"


def test_one_web_page_between_answers_is_forgiven(http: Http, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/x").side_effect = [httpx.Response(200, html="<html>"), httpx.Response(200, json=[1])]
    assert http.get("/x").json() == [1]


def test_an_answer_of_another_shape_says_where(http: Http, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/x").respond(200, json={"a": "text"})
    with pytest.raises(VendorChanged, match=r"\$\[\.\.\.\]"):
        http.get("/x").shaped(dict[str, int])


def test_an_empty_answer_is_not_json_when_somebody_looks(http: Http, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/x").respond(200)
    with pytest.raises(VendorChanged):
        http.get("/x").json()


def test_a_body_without_end_is_not_read(http: Http, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/x").respond(200, content=b"[" + b"1," * 2000 + b"1]")
    with pytest.raises(VendorChanged, match="larger than 1,000 bytes"):
        http.get("/x")


def test_a_broken_encoding_is_an_outage(http: Http, wire: respx.MockRouter) -> None:
    stream = httpx.ByteStream(b"not gzip")
    wire.get(f"{BASE}/x").mock(return_value=httpx.Response(200, stream=stream, headers={"content-encoding": "gzip"}))
    with pytest.raises(TryAgain, match="a compression that cannot be undone"):
        http.get("/x")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x", "https://vendor.example.evil.example/x", "ftp://vendor.example/x",
        "http://pictures.example/x", "https://notpictures.example/x",
    ],
)  # fmt: skip
def test_only_named_hosts_are_spoken_to(clock: _Clock, wire: respx.MockRouter, url: str) -> None:
    http = Http(BASE, Frame(clock, lambda _: None), limits=FAST, allow=("pictures.example",))
    with pytest.raises(AdminMustFix, match="host"):
        http.request("GET", url)
    assert not wire.calls


def test_a_named_host_covers_what_lies_below_it(clock: _Clock, wire: respx.MockRouter) -> None:
    wire.get("https://a.pictures.example/x").respond(200, content=b"x")
    http = Http(BASE, Frame(clock, lambda _: None), limits=FAST, allow=("pictures.example",))
    assert http.request("GET", "https://a.pictures.example/x", json=False).body == b"x"


def test_a_refused_token_is_renewed_once(clock: _Clock, wire: respx.MockRouter) -> None:
    tokens = _Tokens(clock)
    auth = BearerToken(tokens, clock.now, SecretStr(SECRET))
    http = Http(BASE, Frame(clock, lambda _: None), auth=auth, limits=FAST)
    wire.get(f"{BASE}/x", headers={"Authorization": "Bearer token-1"}).respond(401)
    wire.get(f"{BASE}/x", headers={"Authorization": "Bearer token-2"}).respond(200, json={})
    http.get("/x")
    assert tokens.given == 2


def test_a_second_refusal_asks_a_person(clock: _Clock, wire: respx.MockRouter) -> None:
    tokens = _Tokens(clock)
    auth = BearerToken(tokens, clock.now, SecretStr(SECRET))
    http = Http(BASE, Frame(clock, lambda _: None), auth=auth, limits=FAST)
    route = wire.get(f"{BASE}/x").respond(401)
    with pytest.raises(AdminMustFix):
        http.get("/x")
    assert (tokens.given, route.call_count) == (2, 2)


def test_a_token_is_used_until_shortly_before_its_end(clock: _Clock) -> None:
    tokens = _Tokens(clock)
    auth = BearerToken(tokens, clock.now, SecretStr(SECRET))
    for minutes, token in ((0, "token-1"), (59, "token-1"), (59.6, "token-2")):
        clock.at = NOW + timedelta(minutes=minutes)
        assert auth.headers() == {"Authorization": f"Bearer {token}"}


def test_secrets_reach_no_log_and_no_error(
    clock: _Clock, wire: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for logger in ("httpx", "httpcore", "alprhub.http"):
        caplog.set_level(logging.DEBUG, logger=logger)
    http = Http(BASE, Frame(clock, lambda _: None), auth=QueryKey("api_key", SecretStr(SECRET)), limits=FAST)
    wire.get(f"{BASE}/ok").respond(200, json={})
    wire.get(f"{BASE}/no").respond(403, json={"error": f"the key {SECRET} may not"})
    wire.get(f"{BASE}/bad").respond(400, json={"error": "no plate 9SYN001"})
    wire.get(f"{BASE}/down").mock(side_effect=httpx.ConnectError(f"no way to ?api_key={SECRET}"))
    told = []
    http.get("/ok")
    for path in ("/no", "/bad", "/down"):
        with pytest.raises(ConnectorError) as failed:
            http.get(path)
        told.append(f"{failed.value!r} {failed.value} {failed.value.__cause__!r}")
    assert "the key *** may not" in told[0]
    said = caplog.text + " ".join(told)
    assert SECRET not in said
    assert "9SYN001" not in said
    assert "vendor.example 200" in caplog.text


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("late"), httpx.RemoteProtocolError("reset")])
def test_what_may_have_arrived_is_not_sent_twice(http: Http, wire: respx.MockRouter, failure: Exception) -> None:
    route = wire.post(f"{BASE}/x").mock(side_effect=failure)
    with pytest.raises(TryAgain, match="not sent again"):
        http.post("/x", {}, repeatable=False)
    assert route.call_count == 1


def test_a_server_error_may_have_been_carried_out(http: Http, wire: respx.MockRouter) -> None:
    route = wire.post(f"{BASE}/x").respond(500)
    with pytest.raises(TryAgain, match="not sent again"):
        http.post("/x", {}, repeatable=False)
    assert route.call_count == 1


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), httpx.ConnectTimeout("late")])
def test_what_never_left_is_sent_again(http: Http, wire: respx.MockRouter, failure: Exception) -> None:
    wire.post(f"{BASE}/x").side_effect = [failure, httpx.Response(429), httpx.Response(200, json=1)]
    assert http.post("/x", {}, repeatable=False).json() == 1


def test_requests_keep_the_pace_that_was_agreed(clock: _Clock, wire: respx.MockRouter, slept: list[float]) -> None:
    wire.get(f"{BASE}/x").respond(200, json={})
    http = Http(BASE, Frame(clock, slept.append), limits=Limits(per_second=0.1))
    for _ in range(3):
        http.get("/x")
    assert [round(wait) for wait in slept] == [10, 20]


def test_threads_that_share_a_vendor_ask_no_more_at_a_time_than_it_allows(
    clock: _Clock, wire: respx.MockRouter
) -> None:
    under_way, most, lock, go_on = 0, 0, threading.Lock(), threading.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
            if under_way == 3:
                go_on.set()
        go_on.wait(5)
        with lock:
            under_way -= 1
        return httpx.Response(200, json={})

    wire.get(f"{BASE}/x").mock(side_effect=answer)
    http = Http(BASE, Frame(clock, lambda _: None), limits=Limits(per_second=1e9, parallel=3))
    with ThreadPoolExecutor(12) as pool:
        assert len(list(pool.map(lambda _: http.get("/x"), range(24)))) == 24
    assert most == 3


def test_a_token_is_fetched_even_where_one_request_at_a_time_is_allowed(clock: _Clock, wire: respx.MockRouter) -> None:
    def fetch() -> Token:
        http.request("POST", f"{BASE}/token", credentials=False)
        return Token("token-1", clock.at + timedelta(hours=1))

    wire.post(f"{BASE}/token").respond(200, json={})
    wire.get(f"{BASE}/x").respond(200, json={})
    auth = BearerToken(fetch, clock.now, SecretStr(SECRET))
    http = Http(BASE, Frame(clock, lambda _: None), auth=auth, limits=Limits(per_second=1e9, parallel=1))
    assert http.get("/x").json() == {}


def test_whoever_waits_for_a_place_longer_than_his_asker_sends_nothing(clock: _Clock, wire: respx.MockRouter) -> None:
    busy, go_on = threading.Event(), threading.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        busy.set()
        go_on.wait(5)
        return httpx.Response(200, json={})

    route = wire.get(f"{BASE}/x").mock(side_effect=answer)
    http = Http(BASE, Frame(clock, lambda _: None, lambda: 0.05), limits=Limits(per_second=1e9, parallel=1))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(http.get, "/x")
        busy.wait(5)
        with pytest.raises(TryAgain, match="nothing was sent"):
            http.get("/x")
        go_on.set()
        first.result()
    assert route.call_count == 1


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(one.levelname, one.getMessage()) for one in caplog.records if one.levelno >= logging.INFO]


def test_an_outage_is_one_line_when_it_begins_and_one_when_it_ends(
    clock: _Clock, wire: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="alprhub.http")

    def sleep(seconds: float) -> None:
        clock.at += timedelta(seconds=seconds)

    frame, auth = Frame(clock, sleep), QueryKey("api_key", SecretStr(SECRET))
    route = wire.get(f"{BASE}/x")
    http = Http(BASE, frame, auth=auth, limits=FAST)
    plate = {"plate": "9SYN001"}
    route.respond(200, json={})
    http.get("/x", params=plate)
    assert said(caplog) == [], "what goes well is no news"
    route.mock(side_effect=httpx.ConnectError(f"no way to ?api_key={SECRET}"))
    for _ in range(3):
        with pytest.raises(TryAgain):
            http.get("/x", params=plate)
    route.respond(503)
    other = Http(BASE, frame, auth=auth, limits=FAST)
    with pytest.raises(TryAgain):
        other.get("/x", params=plate)
    assert said(caplog) == [
        (
            "WARNING",
            "vendor.example is down: no connection to vendor.example: see whether it is on, and this machine's network",
        )
    ]
    route.respond(200, html="<html>under maintenance</html>")
    with pytest.raises(VendorChanged):
        other.get("/x", params=plate)
    assert len(said(caplog)) == 1
    down = clock.at - NOW
    route.respond(200, json={})
    other.get("/x", params=plate)
    http.get("/x", params=plate)
    assert said(caplog)[1:] == [("INFO", f"vendor.example is up again after {down.total_seconds():.0f} s")]
    route.respond(500)
    with pytest.raises(TryAgain):
        http.get("/x", params=plate)
    assert [level for level, _ in said(caplog)] == ["WARNING", "INFO", "WARNING"]
    assert SECRET not in caplog.text
    assert "9SYN001" not in caplog.text


@pytest.mark.parametrize("status", [429, 404, 401, 400])
def test_a_throttle_and_a_refusal_are_no_outage(
    http: Http, wire: respx.MockRouter, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.INFO, logger="alprhub.http")
    wire.get(f"{BASE}/x").respond(status)
    with pytest.raises(ConnectorError):
        http.get("/x")
    assert said(caplog) == []


def test_pushed_requests_must_hold_the_secret() -> None:
    secret = SecretStr(SECRET)
    must_prove({"x-key": SECRET}, "X-Key", secret)
    for headers, expected in (({}, secret), ({"x-key": "wrong"}, secret), ({"x-key": ""}, SecretStr("")), ({}, None)):
        with pytest.raises(AdminMustFix) as refused:
            must_prove(headers, "X-Key", expected)
        assert SECRET not in str(refused.value)


class _Saying(BaseHTTPRequestHandler):
    """Answers every GET with an empty object, and keeps the connection open for the next."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _sockets_to(port: int) -> int:
    """How many connections of this process lead to a local port."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                with socket.socket(fileno=os.dup(int(name))) as one:
                    if one.family == socket.AF_INET:  # a worker of the suite has sockets of the machine's own too
                        found += one.getpeername()[1] == port
    return found


class _Dripping:
    """A server that sends one byte of its answer after the other, and never comes to the end."""

    def __init__(self, first: bytes) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._first = first
        self._over = threading.Event()
        self.begun = threading.Event()
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listening.accept()
                with caller, suppress(OSError):
                    caller.sendall(self._first)
                    self.begun.set()
                    while not self._over.wait(0.02):
                        caller.sendall(b"x")

    def close(self) -> None:
        self._over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"],
    ids=["before the status", "inside the headers", "inside the body"],
)
def test_patience_counts_inside_an_answer_that_drips(clock: _Clock, first: bytes) -> None:
    server = _Dripping(first)
    try:
        http = Http(server.url, Frame(clock, lambda _: None), limits=FAST, patience=timedelta(seconds=0.2))
        with pytest.raises(TryAgain, match=r"took the request and did not answer whole within 0\.2 s$"):
            http.get("/x")
    finally:
        server.close()


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"], ids=["at once", "inside"])
def test_patience_counts_behind_a_proxy_too(clock: _Clock, first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = _Dripping(first)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    try:
        for host in ("vendor.example", "127.0.0.1"):
            http = Http(f"http://{host}", Frame(clock, lambda _: None), limits=FAST, patience=timedelta(seconds=0.2))
            with pytest.raises(TryAgain, match=r"did not answer whole within 0\.2 s$"):
                http.get("/x")
            http.close()
    finally:
        proxy.close()


@pytest.mark.parametrize("proxy", ["socks9://127.0.0.1:1", "http://[::1"])
def test_a_proxy_that_cannot_be_gone_through_asks_a_person(
    clock: _Clock, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(AdminMustFix, match="HTTPS_PROXY"):
        Http(BASE, Frame(clock, lambda _: None), limits=FAST).get("/x")


def test_certificates_that_cannot_be_read_ask_a_person(
    clock: _Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust.cache_clear()
    try:
        for name in ("none.pem", "empty.pem"):
            (tmp_path / "empty.pem").write_text("no certificate")
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
            with pytest.raises(AdminMustFix, match=f"SSL_CERT_FILE names '.*{name}'"):
                Http(BASE, Frame(clock, lambda _: None), limits=FAST).get("/x")
    finally:
        trust.cache_clear()


def test_whoever_waits_no_longer_ends_an_answer_that_drips(clock: _Clock) -> None:
    server = _Dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
    try:
        http = Http(server.url, Frame(clock, lambda _: None, patience=lambda: 0.2), limits=FAST)
        with pytest.raises(TryAgain):
            http.get("/x")
    finally:
        server.close()


@respx.mock
def test_where_a_person_waits_nothing_is_asked_twice(clock: _Clock, slept: list[float]) -> None:
    route = respx.get(f"{BASE}/x").mock(side_effect=[httpx.Response(503), httpx.Response(200, json={})])
    once = Http(BASE, Frame(clock, slept.append, once=True), limits=FAST)
    with pytest.raises(TryAgain, match="503"):
        once.get("/x")
    assert (route.call_count, slept) == (1, [])
    assert once.get("/x").status == 200


def test_a_closed_one_sends_nothing_and_says_so(http: Http, wire: respx.MockRouter) -> None:
    route = wire.get(f"{BASE}/x").respond(200, json={})
    http.get("/x")
    http.close()
    http.close()
    with pytest.raises(Closed, match=r"nothing was sent to vendor\.example: this connection was closed"):
        http.get("/x")
    assert route.call_count == 1


def test_closing_gives_the_connections_back_to_the_machine(clock: _Clock) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Saying) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        http = Http(f"http://127.0.0.1:{server.server_port}", Frame(clock, lambda _: None), limits=FAST)
        http.get("/x")
        assert _sockets_to(server.server_port) == 1  # it is kept for the next request
        http.close()
        assert _sockets_to(server.server_port) == 0
        server.shutdown()


def test_one_that_nobody_closed_is_told_of(clock: _Clock, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/x").respond(200, json={})
    http = Http(BASE, Frame(clock, lambda _: None), limits=FAST)
    http.get("/x")
    with pytest.warns(ResourceWarning, match=r"the connections to vendor\.example were never closed"):
        http.__del__()


def test_what_is_under_way_when_it_is_closed_ends_as_closed(clock: _Clock) -> None:
    server = _Dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
    try:
        http = Http(server.url, Frame(clock, lambda _: None), limits=FAST, patience=timedelta(seconds=0.5))
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(http.get, "/x")
            server.begun.wait(5)
            http.close()
            with pytest.raises(Closed):
                asked.result()
    finally:
        server.close()
