"""Flock's devices: listed by place and page, created, changed and decommissioned."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from .lookup import miles
from .state import (
    NETWORK,
    NETWORK_ID,
    FlockState,
    Invalid,
    Refusal,
    answer,
    json_object,
    nothing,
    rfc3339,
)

PAGE = 100  # invented: the default size of a page; invented too: pages count from 1, the radius is in miles

router = APIRouter()


@router.get("/devices")
async def list_page(request: Request) -> Response:
    """A page of the devices: `results`, `totalItems`, `totalPages`; 422 for a bad number or a third of a place."""
    state = _admit(request)
    numbers = {name: _number(request, name) for name in ("latitude", "longitude", "radius")}
    page, size = _whole(request, "page", 1), _whole(request, "pageSize", PAGE)
    devices = [device for device in state.devices.values() if device["id"] not in state.decommissioned]
    latitude, longitude, radius = numbers["latitude"], numbers["longitude"], numbers["radius"]
    if latitude is not None and longitude is not None and radius is not None:
        devices = [device for device in devices if _near(device, latitude, longitude, radius)]
    elif any(value is not None for value in numbers.values()):
        raise Invalid("radius", "latitude, longitude and radius go together")
    pages = max(1, -(-len(devices) // size))
    results = devices[(page - 1) * size : page * size]
    return answer({"results": results, "totalItems": len(devices), "totalPages": pages})


@router.post("/devices")
async def create(request: Request) -> Response:
    """201 with the new device, of type external; 422 without name or place, 429 over the day's limit."""
    state = _admit(request)
    body = await json_object(request)
    if not isinstance(body.get("name"), str) or not body["name"].strip():
        raise Invalid("name", "name is required")
    location = _location(body.get("location"))
    metadata = _metadata(body.get("metadata", {}))
    if state.device_creations >= state.device_changes_a_day:
        raise Refusal(429, f"The number of devices that can be created per day is exceeded. {_invented(state)}")
    state.device_creations += 1
    stamp = rfc3339(state.clock())
    device: dict[str, Any] = {
        "id": str(uuid4()), "type": "external", "name": body["name"], "location": location,
        "network": {"id": NETWORK_ID, "name": NETWORK}, "metadata": metadata, "createdAt": stamp, "modifiedAt": stamp,
    }  # fmt: skip
    state.devices[device["id"]] = device
    return answer(device, 201)


@router.get("/devices/{device_id}")
async def fetch(request: Request, device_id: str) -> Response:
    """One device; 404 when there is none."""
    return answer(_find(_admit(request), device_id))


@router.patch("/devices/{device_id}")
async def change(request: Request, device_id: str) -> Response:
    """204 after a change of name, metadata or place; 422 when none of them is given or one is bad."""
    state = _admit(request)
    device = _find(state, device_id)
    body = await json_object(request)
    changes: dict[str, Any] = {}
    if "name" in body:
        if not isinstance(body["name"], str):
            raise Invalid("name", "name must be a string")
        changes["name"] = body["name"]
    if "metadata" in body:
        changes["metadata"] = _metadata(body["metadata"])
    if "location" in body:
        changes["location"] = _location(body["location"])
    if not changes:
        raise Invalid("body", "at least one of name, metadata, location is required")
    device.update(changes, modifiedAt=rfc3339(state.clock()))
    return nothing()


@router.post("/devices/{device_id}/decommission")
async def decommission(request: Request, device_id: str) -> Response:
    """204; the device stays readable by its id and leaves the list (invented: that it leaves the list)."""
    state = _admit(request)
    device = _find(state, device_id)
    if len(state.decommissioned) >= state.device_changes_a_day:
        raise Refusal(429, f"The number of devices that can be decommissioned per day is exceeded. {_invented(state)}")
    state.decommissioned.add(device["id"])
    return nothing()


def _admit(request: Request) -> FlockState:
    state: FlockState = request.app.state.flock
    state.admit(request)
    return state


def _find(state: FlockState, device_id: str) -> dict[str, Any]:
    device = state.devices.get(device_id)
    if device is None:
        raise Refusal(404, "device not found")
    return device


def _near(device: dict[str, Any], latitude: float, longitude: float, radius: float) -> bool:
    place = device["location"]
    if "latitude" not in place or "longitude" not in place:
        return False
    return miles(place["latitude"], place["longitude"], latitude, longitude) <= radius


def _number(request: Request, name: str) -> float | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise Invalid(name, f"{name} must be a number") from None


def _whole(request: Request, name: str, default: int) -> int:
    number = _number(request, name)
    if number is None:
        return default
    if not number.is_integer() or number < 1:
        raise Invalid(name, f"{name} must be a whole number from 1")
    return int(number)


def _location(location: Any) -> dict[str, Any]:
    """documented: latitude and longitude, or else one of street address, city and state."""
    if not isinstance(location, dict):
        raise Invalid("location", "location is required")
    has_point = all(isinstance(location.get(name), int | float) for name in ("latitude", "longitude"))
    if not has_point and not any(isinstance(location.get(name), str) for name in ("streetAddress", "city", "state")):
        raise Invalid("location", "location needs latitude and longitude, or an address")
    return location


def _metadata(metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, dict):
        raise Invalid("metadata", "metadata must be an object")
    return metadata


def _invented(state: FlockState) -> str:
    """What no page of Flock's tells is said to be this stand-in's own."""
    return f"({state.device_changes_a_day} is this stand-in's number: Flock publishes none)"
