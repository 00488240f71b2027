"""What every stand-in is made of: an app behind the gate, with the vendor's time and the vendor's words of refusal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Protocol, TypeVar

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .faults import Faults
from .gate import Gate, Voice
from .world import World

_JSON = msgspec.json.Encoder()
Refused = TypeVar("Refused", bound=Exception)


class Holding(Protocol):
    """What a stand-in holds, as far as its front door needs it."""

    faults: Faults
    log: list[tuple[str, str, int]]


def ticking(world: World, clock: Callable[[], datetime] | None) -> Callable[[], datetime]:
    """The vendor's time: the given one, or one that starts at `world.now` and runs on."""
    started = monotonic()
    return clock or (lambda: world.now + timedelta(seconds=monotonic() - started))


def stand(
    name: str,
    state: Holding,
    voice: Voice,
    refusal: type[Refused],
    refused: Callable[[Refused], Response],
    plainly: Callable[[int, str], Response],
) -> FastAPI:
    """An app without addresses whose `state` holds `name` and `faults`.

    `refused` words what the vendor's own code refuses, by raising `refusal`; `plainly` words what has no address here,
    from its status and a word or two.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    setattr(app.state, name, state)
    app.state.faults = state.faults

    async def refuse(_: Request, error: Exception) -> Response:
        assert isinstance(error, refusal)
        return refused(error)

    async def refuse_plainly(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return plainly(error.status_code, str(error.detail))

    app.add_exception_handler(refusal, refuse)
    app.add_exception_handler(HTTPException, refuse_plainly)
    app.add_middleware(Gate, faults=state.faults, voice=voice, log=state.log)
    return app


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(_JSON.encode(body), status_code=status, media_type="application/json")


async def object_of(request: Request) -> dict[str, Any] | None:
    """The JSON object that a request carries; None where it carries anything else."""
    try:
        body = msgspec.json.decode(await request.body())
    except msgspec.DecodeError:
        return None
    return body if isinstance(body, dict) else None
