"""`POST /in/{connection}`: what vendors push. A 2xx means that the bytes are on the disk.

The statuses tell a sender what to do: 401 is not for it, 413 will never be taken, 503 come again. What a sender that
proved itself calls its body decides nothing: its bytes do, and what nobody can read waits in quarantine.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from alprhub.web.bodies import Bodies, NoRoom, TooLarge
from alprhub.web.unpacked import packing, room_for, unpacked
from connectors import contract
from connectors.contract import Document, Inbound
from hub.ingest.documents import still_packed
from hub.ingest.inbox import Inbox
from hub.ingest.receivers import Paused, Refused
from hub.store.spool import Full

COME_AGAIN: Final = {"Retry-After": "30"}
DRAINED: Final = 1 << 20
"""Bytes of a stranger's body that are read for nothing, so that the answer arrives; of a larger one no more is read."""


def router(inbox: Inbox) -> APIRouter:
    """The addresses that vendors push to.

    `/in/NAME` for senders that can set a header or a basic password; `/in/NAME/SECRET`, with whatever the sender itself
    puts behind it, for cameras that can be told nothing but an address.
    """
    routes = APIRouter()
    bodies = Bodies()

    @routes.post("/in/{name}")
    @routes.post("/in/{name}/")
    @routes.post("/in/{name}/{key}")
    @routes.post("/in/{name}/{key}/{rest:path}")
    async def receive(request: Request, name: str, key: str = "") -> Response:
        headers = dict(request.headers)
        kind, length = headers.get("content-type", ""), _length(headers)
        try:
            inbound = await _inbound(inbox, name)
            inbox.admit(name, headers, key)
            if length is not None and length > inbound.most_bytes:
                raise TooLarge
            async with bodies.read(request.stream(), inbound.most_bytes) as body:
                came = contract.Request(headers, Document(body, kind), key)
                how = packing(body, headers.get("content-encoding", ""))
                if not how:
                    reply = await run_in_threadpool(inbox.take, name, came)
                else:
                    with bodies.room(room_for(body, inbound.most_bytes)):
                        reply = await run_in_threadpool(_take_packed, inbox, name, came, how, inbound.most_bytes)
        except Refused:
            return Response(status_code=401, headers=None if length is not None and length <= DRAINED else _CLOSE)
        except TooLarge:
            await run_in_threadpool(inbox.turn_away, name, f"had more than {inbound.most_bytes:,} bytes")
            return Response(status_code=413)
        except ClientDisconnect:
            return Response(status_code=400)  # the sender is gone and gets no answer
        except (Paused, Full, NoRoom, OSError):
            return Response(status_code=503, headers=COME_AGAIN)
        return Response(reply.body, reply.status, media_type=reply.content_type)

    return routes


_CLOSE: Final = {"Connection": "close"}


async def _inbound(inbox: Inbox, name: str) -> Inbound:
    """What a connection may be sent; whoever is not known waits for the database, and nobody else does."""
    if (asked := inbox.ask(name)) is not None:
        await asyncio.wait([asyncio.wrap_future(asked.answered)], timeout=asked.patience)
    return inbox.inbound(name)


def _take_packed(inbox: Inbox, name: str, came: contract.Request, how: str, most: int) -> contract.Reply:
    """Take a packed push unpacked, or as it came where it cannot be unpacked; its sender may have signed the one or
    the other."""
    document = came.document
    body = unpacked(document.body, how, most)
    if body is None:
        return inbox.take(name, replace(came, document=still_packed(document, how)))
    return inbox.take(name, replace(came, document=replace(document, body=body)), came)


def _length(headers: Mapping[str, str]) -> int | None:
    """The length of the body by its header; None where it comes in chunks or the header is no number."""
    if "transfer-encoding" in headers:
        return None
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else None
