"""The calls that a vendor makes by itself, to a receiver of the customer's."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
import msgspec


def post(url: str, body: Any, headers: dict[str, str]) -> int:
    """POST a value as JSON and give the status; 0 where nobody answered within ten seconds."""
    try:
        answered = caller().post(
            url, content=msgspec.json.encode(body), headers={"Content-Type": "application/json", **headers}
        )
    except httpx.TransportError:
        return 0
    return answered.status_code


@cache
def caller() -> httpx.Client:
    """The one client for all calls: making a new one for each would cost more than the call.

    It heeds no proxy of the environment, since receivers are on this machine.
    """
    return httpx.Client(timeout=10, trust_env=False, limits=httpx.Limits(keepalive_expiry=2))
