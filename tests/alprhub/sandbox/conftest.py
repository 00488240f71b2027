"""One server for a whole run; each test puts a fresh stand-in behind it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from alprhub.sandbox import Faults, Service, World
from alprhub.sandbox.flock import AUDIENCE, CLIENT_ID, CLIENT_SECRET, FlockState, flock_app
from alprhub.sandbox.rekor import API_KEY, RekorState, rekor_app

# Makes `import flock_openapi` work; no other folder of tests is put there, since one of them is named alprhub.
sys.path.append(str(Path(__file__).parent))

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


class Stage:
    """An ASGI app that hands every request to the app on stage."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@dataclass
class MovableClock:
    """The vendor's time, which a test moves."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass
class Flock:
    """A Flock stand-in with a client that has not asked for a token yet."""

    state: FlockState
    faults: Faults
    http: httpx.Client
    clock: MovableClock
    url: str

    def token(self, **changes: str) -> httpx.Response:
        fields = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
                  "audience": AUDIENCE} | changes  # fmt: skip
        return self.http.post("/oauth/token", data=fields)

    def log_in(self) -> None:
        self.http.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(f"/api/v3{path}", params=query)

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.http.request(method, f"/api/v3{path}", json=body)

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.send("POST", path, body)

    def look_up(self, plate: str, **changes: Any) -> httpx.Response:
        body = {"plate": plate, "reason": "theft, report 24-1", "startDate": "2025-05-01T00:00:00Z",
                "endDate": "2025-06-01T12:00:00Z"} | changes  # fmt: skip
        return self.post("/reads/lookup", {name: value for name, value in body.items() if value is not None})


@dataclass
class Rekor:
    """A Rekor stand-in with a client that carries the key."""

    state: RekorState
    faults: Faults
    http: httpx.Client
    clock: MovableClock
    url: str

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(path, params={"api_key": API_KEY} | query)

    def plates(self, **query: Any) -> list[Any]:
        answered = self.get("/api/search/plate", **query)
        assert answered.status_code == 200, answered.text
        found: list[Any] = answered.json()
        return found

    def import_csv(self, pk: int, text: str | bytes, **changes: str) -> httpx.Response:
        raw = text.encode() if isinstance(text, str) else text
        return self.http.post(
            "/api/alert-group-import-csv/",
            params={"api_key": API_KEY},
            data={"name": "import", "pk": str(pk), "async": "True"} | changes,
            files={"files": ("list.csv", raw, "text/csv")},
        )


@dataclass
class Receiver:
    """A customer's endpoint that keeps what it was sent; `answers` are the next statuses, then 200."""

    url: str
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.url.path == "/token":
            self.forms.append({name: str(value) for name, value in (await request.form()).items()})
            self.headers.append(dict(request.headers))
            await JSONResponse({"access_token": "from-the-subscriber"})(scope, receive, send)
            return
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        await JSONResponse({}, status_code=self.answers.pop(0) if self.answers else 200)(scope, receive, send)


@contextmanager
def _serving() -> Iterator[tuple[Stage, str]]:
    stage = Stage()
    with Service(stage) as service:
        yield stage, service.url


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, str]]:
    with _serving() as served:
        yield served


@pytest.fixture(scope="session")
def receiving_stage() -> Iterator[tuple[Stage, str]]:
    with _serving() as served:
        yield served


@pytest.fixture(scope="session")
def world() -> World:
    return World(7, NOW, passes=600)


@pytest.fixture
def client(stage: tuple[Stage, str]) -> Iterator[httpx.Client]:
    # Nothing here is encrypted, and loading certificates would take longer than a test.
    with httpx.Client(base_url=stage[1], trust_env=False, timeout=10, verify=False) as client:
        yield client


@pytest.fixture
def stranger(stage: tuple[Stage, str], client: httpx.Client, world: World) -> Flock:
    """Flock, met without a token."""
    clock = MovableClock()
    app = flock_app(world, clock=clock)
    stage[0].app = app
    app.state.flock.origin = stage[1]
    return Flock(app.state.flock, app.state.faults, client, clock, stage[1])


@pytest.fixture
def flock(stranger: Flock) -> Flock:
    """Flock, met with a token."""
    stranger.log_in()
    return stranger


@pytest.fixture
def rekor(stage: tuple[Stage, str], client: httpx.Client, world: World) -> Rekor:
    clock = MovableClock()
    app = rekor_app(world, clock=clock)
    stage[0].app = app
    return Rekor(app.state.rekor, app.state.faults, client, clock, stage[1])


@pytest.fixture
def receiver(receiving_stage: tuple[Stage, str]) -> Receiver:
    made = Receiver(f"{receiving_stage[1]}/hook")
    receiving_stage[0].app = made
    return made


@pytest.fixture
def pass_of(world: World) -> Callable[[str, int], Any]:
    """The n-th of a vendor's passes."""
    return lambda vendor, index: world.passes[vendor][index]
