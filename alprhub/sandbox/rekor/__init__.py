"""A stand-in for Rekor Scout (OpenALPR): its web server's API, and agents that push what they see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ..faults import Faults
from ..gate import Gate, Voice
from ..world import World
from . import alert_lists, search
from .agent import TEST_CALL, Agent, alpr_alert, alpr_group, alpr_results, heartbeat, push
from .records import best_uuid
from .state import AlertList, Entry, Refusal, RekorState

__all__ = [
    "API_KEY", "TEST_CALL", "Agent", "AlertList", "Entry", "RekorState", "alpr_alert", "alpr_group", "alpr_results",
    "best_uuid", "heartbeat", "push", "rekor_app",
]  # fmt: skip

API_KEY = "sandbox-key-rekor"  # opens nothing but this stand-in

# invented: no 429 and no 503 is documented for Scout
_VOICE = Voice(b"Request was throttled.", b"Service Unavailable", b"text/plain; charset=utf-8")


def rekor_app(
    world: World,
    *,
    faults: Faults | None = None,
    clock: Callable[[], datetime] | None = None,
    api_key: str = API_KEY,
) -> FastAPI:
    """The stand-in as an ASGI app with Scout's addresses at the root.

    `clock` tells the vendor's time (it starts at `world.now` and runs on by default). What the vendor holds
    is `app.state.rekor`, a `RekorState`; its faults are `app.state.faults`.
    """
    started = monotonic()
    state = RekorState(
        world=world,
        faults=faults if faults is not None else Faults(seed=world.seed),
        clock=clock or (lambda: world.now + timedelta(seconds=monotonic() - started)),
        api_key=api_key,
    )
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.rekor, app.state.faults = state, state.faults
    app.add_exception_handler(Refusal, _refuse)
    app.add_exception_handler(HTTPException, _refuse_plainly)
    app.add_middleware(Gate, faults=state.faults, voice=_VOICE, log=state.log)
    for module in (search, alert_lists):
        app.include_router(module.router)
    return app


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return PlainTextResponse(error.text, status_code=error.status)


async def _refuse_plainly(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(str(error.detail), status_code=error.status_code)
