"""Every connector that asks over HTTP, set up so that one stand-in for the wire can answer whatever it asks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import respx

from connectors.contract import Connector, Window
from connectors.registry import connector
from connectors.testing.frame import frame_at

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(minutes=30), NOW)
BASE = "https://vendor.example"
MAP = {"plate": "p", "captured_at": "t", "camera_id": "c"}
SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "axis": {"base_url": BASE, "user": "hub", "password": "s3cr3t-pass", "zone": "UTC"},
    "dahua": {"base_url": BASE, "password": "s3cr3t-pass", "zone": "UTC"},
    "flock": {"client_id": "hub", "client_secret": "s3cr3t-pass"},
    "generic_json": {"place": f"{BASE}/reads", "map": {**MAP, "records": "data[]"}},
    "generic_json of lists": {"place": f"{BASE}/reads", "map": MAP},
    "generic_json by number": {"place": f"{BASE}/reads", "map": {**MAP, "records": "data[]"}, "paging": "page"},
    "generic_json by address": {"place": f"{BASE}/reads", "map": {**MAP, "records": "data[]"}, "paging": "next_url"},
    "generic_json that leaves out": {
        "place": f"{BASE}/reads",
        "map": {**MAP, "records": "data[]", "only": {"kind": ["lpr"]}},
    },
    "generic_json of lines": {"place": f"{BASE}/reads", "map": MAP, "lines": True},
    "hikvision": {"base_url": BASE, "user": "hub", "password": "s3cr3t-pass", "zone": "UTC", "hot_list": "block"},
    "nj_snap": {"base_url": BASE, "api_key": "s3cr3t-key", "zone": "UTC"},
    "platerecognizer": {"parkpow_token": "s3cr3t-key", "parkpow_url": BASE, "zone": "UTC"},
    "rekor": {"api_key": "s3cr3t-key", "base_url": BASE},
    "rhombus": {"api_key": "s3cr3t-key", "base_url": BASE},
    "verkada": {"api_key": "s3cr3t-key", "base_url": BASE, "camera_ids": ["one"]},
}
"""Settings by the connector's key, and what is special about them."""
_TOKEN: Final = {"access_token": "s3cr3t-token", "token": "s3cr3t-token", "expires_in": 3600, "token_type": "Bearer"}


@contextmanager
def answering(answer: Callable[[httpx.Request], httpx.Response]) -> Iterator[respx.MockRouter]:
    """Answer every request so, but for those that ask for a token: who we are is proved."""

    def told(asked: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=_TOKEN) if "token" in asked.url.path else answer(asked)

    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=told)
        yield router


def made(name: str, slept: list[float] | None = None) -> Connector[Any]:
    """The connector of one of the settings; what it waits goes to `slept`."""
    kind = connector(name.partition(" ")[0])
    fast = {"requests_per_second": 1e6} if "requests_per_second" in kind.Settings.model_fields else {}
    return kind(kind.Settings.model_validate({**SETTINGS[name], **fast}), frame_at(NOW, slept))


def able(*abilities: str) -> list[tuple[str, str]]:
    """The settings whose connector has an ability, and which."""
    return [(name, each) for name in SETTINGS for each in abilities if hasattr(connector(name.partition(" ")[0]), each)]
