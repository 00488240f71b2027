"""`POST /in/{connection}`: what vendors push. A 2xx means that the bytes are on the disk.

The statuses tell a sender what to do: 401 is not for it, 413 and 415 will never be taken, 503 come again.
"""

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from connectors import contract
from connectors.contract import Document, Inbound
from hub.ingest.inbox import Inbox
from hub.ingest.receivers import PATIENCE, Paused, Refused
from hub.store.spool import Full

COME_AGAIN: Final = {"Retry-After": "30"}


def router(inbox: Inbox) -> APIRouter:
    """The addresses that vendors push to.

    `/in/NAME` for senders that can set a header or a basic password; `/in/NAME/SECRET`, with whatever the sender itself
    puts behind it, for cameras that can be told nothing but an address.
    """
    routes = APIRouter()

    @routes.post("/in/{name}")
    @routes.post("/in/{name}/{key}")
    @routes.post("/in/{name}/{key}/{rest:path}")
    async def receive(request: Request, name: str, key: str = "") -> Response:
        try:
            inbound = await _inbound(inbox, name)
            kind = request.headers.get("content-type", "")
            if not _may_be(kind, inbound) or request.headers.get("content-encoding", "identity") != "identity":
                return Response(status_code=415)
            body = await _body(request, inbound.most_bytes)
            if body is None:
                return Response(status_code=413)
            pushed = contract.Request(dict(request.headers), Document(body, kind), key)
            reply = await run_in_threadpool(inbox.take, name, pushed)
        except Refused:
            return Response(status_code=401)
        except (Paused, Full, OSError):
            return Response(status_code=503, headers=COME_AGAIN)
        return Response(reply.body, reply.status, media_type=reply.content_type)

    return routes


async def _inbound(inbox: Inbox, name: str) -> Inbound:
    """What a connection may be sent; whoever is not known waits for the database, and nobody else does."""
    if (asked := inbox.ask(name)) is not None:
        await asyncio.wait([asyncio.wrap_future(asked)], timeout=PATIENCE)
    return inbox.inbound(name)


def _may_be(content_type: str, inbound: Inbound) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return any(
        kind == known or (known.endswith("*") and kind.startswith(known[:-1])) for known in inbound.content_types
    )


async def _body(request: Request, most: int) -> bytes | None:
    """The body; None as soon as it is longer than that."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)
