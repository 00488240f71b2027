"""The web application: everything that is served, put together."""

from fastapi import FastAPI

from alprhub.web import health, inbound
from hub.ingest.inbox import Inbox


def web_app(inbox: Inbox) -> FastAPI:
    """The application over an inbox; it describes itself to nobody."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(inbound.router(inbox))
    app.include_router(health.router(inbox))
    return app
