"""A stand-in for Rekor Scout (OpenALPR): its web server's API, and agents that push what they see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response

from ..faults import Faults
from ..gate import Voice
from ..stand import stand, ticking
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
    state = RekorState(
        world=world,
        faults=faults if faults is not None else Faults(seed=world.seed),
        clock=ticking(world, clock),
        api_key=api_key,
    )
    app = stand("rekor", state, _VOICE, Refusal, _refused, _plainly)
    for module in (search, alert_lists):
        app.include_router(module.router)
    return app


def _refused(refusal: Refusal) -> Response:
    return PlainTextResponse(refusal.text, status_code=refusal.status)


def _plainly(status: int, words: str) -> Response:
    return PlainTextResponse(words, status_code=status)
