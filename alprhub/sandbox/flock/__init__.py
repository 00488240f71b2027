"""A stand-in for Flock Safety's API v3: the same addresses, the same refusals, nothing behind it but a `World`."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ..faults import Faults
from ..gate import Voice
from ..stand import stand, ticking
from ..world import World, from_micros
from . import devices, hotlists, lookup, subscriptions
from .state import FlockState, Refusal, answer, form
from .webhooks import alert_body, push_alert, push_read, read_body, sources_of

__all__ = [
    "AUDIENCE", "CLIENT_ID", "CLIENT_SECRET", "FlockState", "alert_body", "flock_app", "push_alert", "push_read",
    "read_body", "sources_of",
]  # fmt: skip

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret-flock"  # noqa: S105 - opens nothing but this stand-in
AUDIENCE = "com.flocksafety.integrations"  # documented

_VOICE = Voice(b'{"error":"Throttled"}', b'{"error":"Service Unavailable"}', b"application/json")


def flock_app(
    world: World,
    *,
    faults: Faults | None = None,
    clock: Callable[[], datetime] | None = None,
    client_id: str = CLIENT_ID,
    client_secret: str = CLIENT_SECRET,
    audience: str = AUDIENCE,
) -> FastAPI:
    """The stand-in as an ASGI app: `/oauth/token` at the root, everything else below `/api/v3`.

    `clock` tells the vendor's time (it starts at `world.now` and runs on by default). What the vendor holds
    is `app.state.flock`, a `FlockState`; its faults are `app.state.faults`.
    """
    state = FlockState(
        world=world,
        faults=faults if faults is not None else Faults(seed=world.seed),
        clock=ticking(world, clock),
        client_id=client_id,
        client_secret=client_secret,
        audience=audience,
    )
    app = stand("flock", state, _VOICE, Refusal, _refused, _plainly)
    app.add_api_route("/oauth/token", _token, methods=["POST"])
    app.add_api_route("/signed/{pass_id}.jpg", _picture, methods=["GET"])
    for module in (lookup, hotlists, subscriptions, devices):
        app.include_router(module.router, prefix="/api/v3")
    return app


async def _token(request: Request) -> Response:
    """A bearer token for a machine client; 400 malformed, 401 unknown client, 403 missing or wrong audience."""
    state: FlockState = request.app.state.flock
    fields = await form(request)
    if fields.get("grant_type") != "client_credentials":
        raise Refusal(400, "grant_type must be client_credentials")
    if not fields.get("client_id") or not fields.get("client_secret"):
        raise Refusal(400, "client_id and client_secret are required")
    known = fields["client_id"] == state.client_id
    if not known or not hmac.compare_digest(fields["client_secret"].encode(), state.client_secret.encode()):
        raise Refusal(401, "Client credentials invalid")
    if fields.get("audience") != state.audience:
        raise Refusal(403, "Invalid or missing audience")
    token, life = state.grant()
    return answer({"access_token": token, "token_type": "Bearer", "expires_in": life})


async def _picture(request: Request, pass_id: str) -> Response:
    """The JPEG of a signed link, without any bearer; 403 once it has expired or when the signature is wrong."""
    state: FlockState = request.app.state.flock
    stamp = request.query_params.get("expires", "")
    given = request.query_params.get("signature", "")
    right = hmac.compare_digest(given.encode(), state.sign(pass_id, stamp).encode())
    if not right or from_micros(int(stamp)) <= state.clock() or pass_id not in state.by_id:
        raise Refusal(403, "Request has expired")
    # Drawing needs OpenCV and numpy, which nothing else of this service does.
    from ..pictures import plate_jpeg

    jpeg = await run_in_threadpool(plate_jpeg, state.by_id[pass_id].plate, seed=state.world.seed)
    return Response(jpeg, media_type="image/jpeg")


def _refused(refusal: Refusal) -> Response:
    return answer({"error": refusal.error}, refusal.status)


def _plainly(status: int, words: str) -> Response:
    return answer({"error": words}, status)
