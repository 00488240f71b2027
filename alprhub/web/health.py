"""`GET /health`: whether pushes can be taken now, for a supervisor or a proxy. A stranger learns nothing else."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from alprhub.web.inbound import COME_AGAIN
from hub.ingest.inbox import Inbox


def router(inbox: Inbox) -> APIRouter:
    """The address that says 200 while pushes are taken, and 503 while they cannot be."""
    routes = APIRouter()

    @routes.get("/health")
    def health() -> Response:
        if inbox.takes():
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unavailable"}, 503, headers=COME_AGAIN)

    return routes
