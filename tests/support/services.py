"""Every service of a hub, by the place where callers find it."""

from typing import Any

from hub.once import made_once
from hub.wiring import Hub


def rooms_of(hub: Hub) -> dict[str, Any]:
    """Every room, made."""
    return {name: getattr(hub, name) for name, thing in vars(Hub).items() if isinstance(thing, made_once)}


def services_of(hub: Hub) -> dict[str, Any]:
    """Every service as `room.service`, made; a room that has none in it is one itself."""
    found: dict[str, Any] = {}
    for name, room in rooms_of(hub).items():
        inside = [key for key, thing in vars(type(room)).items() if isinstance(thing, made_once)]
        found |= {f"{name}.{key}": getattr(room, key) for key in inside} or {name: room}
    return found
