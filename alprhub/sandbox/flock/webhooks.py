"""What Flock sends by itself: a hot-list alert to each subscriber, and the all-reads form of 2022."""

from __future__ import annotations

import base64
from typing import Any

from ..callbacks import caller, post
from ..faults import Anatomy
from ..world import Pass
from .hotlists import held_plate
from .state import NETWORK, NETWORK_ID, STATES, FlockState, moment_of, rfc3339

ANATOMY = Anatomy(
    times=(("eventTime",),),
    plates=(("ocr", "label"),),
    required=(("objectId",), ("eventTime",), ("ocr",), ("deviceExternalId",)),
)
READ_ANATOMY = ANATOMY._replace(required=(("eventTime",), ("ocr",), ("deviceName",)))
# invented: the pixels of the 2022 form, whose fields are documented and whose frame is not
_BOX = {"x": 812, "y": 604, "height": 58, "width": 121}


def sources_of(state: FlockState, passing: Pass) -> list[dict[str, Any]]:
    """The custom lists that a pass hits, as an alert names them; [] for no hit.

    documented: an expired entry alerts no more. invented: a list's entry with a state asks for that state, and
    reads are compared with 0 for O, as the entries are kept.
    """
    sources = []
    plate, now = held_plate(passing.plate), state.clock()
    for hotlist in state.hotlists.values():
        for entry in hotlist.entries.values():
            if entry["plate"] != plate:
                continue
            if "expiry" in entry and moment_of(entry["expiry"], "expiry") <= now:
                continue
            if "state" in entry and (passing.state is None or STATES[passing.state] != entry["state"]):
                continue
            sources.append({"name": hotlist.name, "reason": entry["reason"], "caseNumber": entry["caseNumber"],
                          "customHotlistAudience": "organization"})  # fmt: skip
    return sources


def alert_body(state: FlockState, passing: Pass, sources: list[dict[str, Any]]) -> dict[str, Any]:
    """A documented `LprHotlistAlert`; `objectId` is the id of the read and the key to drop repeats by."""
    url, until = state.image_url(passing)
    return {
        "deviceLat": passing.camera.latitude, "deviceLong": passing.camera.longitude, "deviceName": passing.camera.name,
        "deviceExternalId": passing.camera.id, "networkName": NETWORK, "networkExternalId": NETWORK_ID,
        "objectId": passing.id, "eventTime": rfc3339(passing.time), "imageUrl": url, "imageExpiration": rfc3339(until),
        "detailsUrl": f"{state.origin}/alerts/{passing.id}", "ocr": _ocr(passing), "sources": sources,
    }  # fmt: skip


def read_body(state: FlockState, passing: Pass) -> dict[str, Any]:
    """The all-reads form of 2022: no `objectId` and no `sources`, the plate's box in pixels."""
    url, until = state.image_url(passing)
    return {
        "deviceLat": passing.camera.latitude, "deviceLong": passing.camera.longitude, "deviceName": passing.camera.name,
        "networkName": NETWORK, "imageUrl": url, "imageExpiration": rfc3339(until), "eventTime": rfc3339(passing.time),
        "ocr": _ocr(passing) | _BOX,
    }  # fmt: skip


def push_alert(
    state: FlockState, passing: Pass, sources: list[dict[str, Any]] | None = None, *, times: int = 1
) -> list[int]:
    """Send the alert of one pass to every enabled subscription; the statuses that came back, 0 for no answer.

    `sources` None takes the lists that the pass truly hits and sends nothing without a hit. assumed:
    delivery is at least once, so the same body may come again (`times`, or the fault `duplicate`).
    A subscription that wants XML raises ValueError: its form is published nowhere.
    """
    sources = sources_of(state, passing) if sources is None else sources
    if not sources:
        return []
    body = state.faults.spoil(alert_body(state, passing, sources), passing.id, ANATOMY)
    copies = times + (state.faults.is_twice(passing.id) != "no")
    statuses = []
    for subscription in [kept for kept in state.subscriptions.values() if kept["enabled"]]:
        if subscription["contentType"] != "application/json":
            raise ValueError("the XML form of an alert is not published")
        headers = _headers(subscription["credentials"])
        statuses += [_post(state, subscription["callbackUrl"], body, headers) for _ in range(copies)]
    return statuses


def push_read(
    state: FlockState, passing: Pass, callback_url: str, *, header_name: str = "x-api-key", key: str | None = None
) -> int:
    """Send one read in the form of 2022 with the key in a header of the customer's choice; the status, or 0."""
    body = state.faults.spoil(read_body(state, passing), passing.id, READ_ANATOMY)
    return _post(state, callback_url, body, {} if key is None else {header_name: key})


def _ocr(passing: Pass) -> dict[str, Any]:
    state, sure = (None, None) if passing.state is None else (STATES[passing.state], passing.state_confidence)
    return {"label": passing.plate, "labelConfidence": passing.confidence, "state": state, "stateConfidence": sure}


def _headers(credentials: dict[str, Any]) -> dict[str, str]:
    scheme = credentials["scheme"]
    part = credentials.get(scheme, {})
    if scheme == "apiKey":
        return {part["headerName"]: part["key"]}
    if scheme == "basic":
        return {part["headerName"]: _basic(part["username"], part["password"])}
    if scheme == "oauth2":
        return {part["headerName"]: f"Bearer {_fetch_token(part)}"}
    return {}


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _fetch_token(part: dict[str, Any]) -> str:
    """The subscriber's own token, asked for at its token endpoint as the subscription says."""
    fields = {"grant_type": part["grantType"], **part.get("customFields", {})}
    if "scope" in part:
        fields["scope"] = part["scope"]
    headers = {}
    if part.get("tokenScheme", "body") == "basic":
        headers["Authorization"] = _basic(part["clientId"], part["clientSecret"])
    else:
        fields |= {"client_id": part["clientId"], "client_secret": part["clientSecret"]}
    answered = caller().post(part["tokenEndpoint"], data=fields, headers=headers)
    return str(answered.raise_for_status().json()["access_token"])


def _post(state: FlockState, url: str, body: Any, headers: dict[str, str]) -> int:
    status = post(url, body, headers)
    state.deliveries.append((url, status))
    return status
