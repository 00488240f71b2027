"""Flock's webhook subscriptions for hot-list alerts; who may be called, and with which credentials."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from .state import FlockState, Refusal, answer, json_object, nothing, rfc3339

REDACTED = "********"  # documented: that secrets are redacted; invented: with what

# documented: what each scheme must bring along
_REQUIRED = {
    "none": (),
    "apiKey": ("key", "headerName"),
    "basic": ("username", "password", "headerName"),
    "oauth2": ("tokenEndpoint", "clientId", "clientSecret", "grantType", "headerName"),
}
_SECRET = ("key", "password", "clientSecret")
_PATH = "/integrations/lpr/alerts/subscriptions"
_MISSING = "Subscription Not Found"

router = APIRouter()


@router.get(_PATH)
async def list_all(request: Request) -> Response:
    """Every subscription, its secrets redacted."""
    state = _admit(request)
    return answer([redacted(subscription) for subscription in state.subscriptions.values()])


@router.post(_PATH)
async def create(request: Request) -> Response:
    """201 with the subscription; 400 for a missing or bad field, 409 when another one is active."""
    state = _admit(request)
    wanted = _understand(await json_object(request))
    _only_active(state, wanted, None)
    stamp = rfc3339(state.clock())
    subscription = {"id": str(uuid4()), **wanted, "createdAt": stamp, "updatedAt": stamp}
    state.subscriptions[subscription["id"]] = subscription
    return answer(redacted(subscription), 201)


@router.put(_PATH)
async def replace(request: Request) -> Response:
    """200 after a full replacement of the subscription whose id stands in the body; 404 when there is none."""
    state = _admit(request)
    body = await json_object(request)
    if not isinstance(body.get("id"), str):
        raise Refusal(400, "id is required")
    subscription = state.subscriptions.get(body["id"])
    if subscription is None:
        raise Refusal(404, _MISSING)
    wanted = _understand(body)
    _only_active(state, wanted, body["id"])
    fresh = {
        "id": subscription["id"],
        **wanted,
        "createdAt": subscription["createdAt"],
        "updatedAt": rfc3339(state.clock()),
    }
    state.subscriptions[fresh["id"]] = fresh
    return answer(redacted(fresh))


@router.get(_PATH + "/{subscription_id}")
async def fetch(request: Request, subscription_id: str) -> Response:
    """One subscription, its secrets redacted; 404 when there is none."""
    subscription = _admit(request).subscriptions.get(subscription_id)
    if subscription is None:
        raise Refusal(404, _MISSING)
    return answer(redacted(subscription))


@router.delete(_PATH + "/{subscription_id}")
async def delete(request: Request, subscription_id: str) -> Response:
    """204 once it is gone; 404 when there is none."""
    if _admit(request).subscriptions.pop(subscription_id, None) is None:
        raise Refusal(404, _MISSING)
    return nothing()


def redacted(subscription: dict[str, Any]) -> dict[str, Any]:
    """A copy that can be shown: keys, passwords, client secrets and custom token fields are masked."""
    shown = deepcopy(subscription)
    for part in shown["credentials"].values():
        if isinstance(part, dict):
            part.update((name, REDACTED) for name in _SECRET if name in part)
            if isinstance(part.get("customFields"), dict):
                part["customFields"] = dict.fromkeys(part["customFields"], REDACTED)
    return shown


def _admit(request: Request) -> FlockState:
    state: FlockState = request.app.state.flock
    state.admit(request)
    return state


def _only_active(state: FlockState, wanted: dict[str, Any], own_id: str | None) -> None:
    """documented: one active subscription per customer and vendor; 409 on create (invented: on update too)."""
    others = [other for other in state.subscriptions.values() if other["id"] != own_id and other["enabled"]]
    if wanted["enabled"] and others:
        raise Refusal(409, "An active subscription exists already.")


def _understand(body: dict[str, Any]) -> dict[str, Any]:
    url = body.get("callbackUrl")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise Refusal(400, "callbackUrl is required and must be a URL")
    if body.get("contentType") not in ("application/json", "application/xml"):
        raise Refusal(400, "contentType must be application/json or application/xml")
    audience = body.get("customHotlistAudienceFilter", "organization")
    if audience not in ("any", "organization"):
        raise Refusal(400, "customHotlistAudienceFilter must be any or organization")
    wanted: dict[str, Any] = {
        "callbackUrl": url,
        "credentials": _credentials(body.get("credentials")),
        "contentType": body["contentType"],
        "customHotlistAudienceFilter": audience,
    }
    # invented: both default to what a new customer would expect, off and on; no default is documented
    for name, default in (("enabledFirstResponderJurisdictionAlerts", False), ("enabled", True)):
        wanted[name] = body.get(name, default)
        if not isinstance(wanted[name], bool):
            raise Refusal(400, f"{name} must be true or false")
    if "name" in body:
        if not isinstance(body["name"], str):
            raise Refusal(400, "name must be a string")
        wanted["name"] = body["name"]
    return wanted


def _credentials(credentials: Any) -> dict[str, Any]:
    scheme = credentials.get("scheme") if isinstance(credentials, dict) else None
    if not isinstance(credentials, dict) or not isinstance(scheme, str) or scheme not in _REQUIRED:
        raise Refusal(400, "credentials.scheme must be none, apiKey, basic or oauth2")
    part = credentials.get(scheme, {})
    for name in _REQUIRED[scheme]:
        if not isinstance(part, dict) or not isinstance(part.get(name), str) or not part[name]:
            raise Refusal(400, f"credentials.{scheme}.{name} is required")
    if scheme == "oauth2" and part.get("tokenScheme", "body") not in ("body", "basic"):
        raise Refusal(400, "credentials.oauth2.tokenScheme must be body or basic")
    return {"scheme": scheme} if scheme == "none" else {"scheme": scheme, scheme: part}
