"""What the Flock stand-in holds, and the few things that all its endpoints need."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ..faults import Faults
from ..world import TOWN, Camera, Pass, World, to_micros

# documented: the enumeration of states in the OpenAPI file, in the words of the wire
STATES = {
    "AL": "alabama", "AK": "alaska", "AZ": "arizona", "AR": "arkansas", "CA": "california", "CO": "colorado",
    "CT": "connecticut", "DE": "delaware", "DC": "washington_dc", "FL": "florida", "GA": "georgia", "HI": "hawaii",
    "ID": "idaho", "IL": "illinois", "IN": "indiana", "IA": "iowa", "KS": "kansas", "KY": "kentucky",
    "LA": "louisiana", "ME": "maine", "MD": "maryland", "MA": "massachusetts", "MI": "michigan", "MN": "minnesota",
    "MS": "mississippi", "MO": "missouri", "MT": "montana", "NE": "nebraska", "NV": "nevada",
    "NH": "new_hampshire", "NJ": "new_jersey", "NM": "new_mexico", "NY": "new_york", "NC": "north_carolina",
    "ND": "north_dakota", "OH": "ohio", "OK": "oklahoma", "OR": "oregon", "PA": "pennsylvania",
    "RI": "rhode_island", "SC": "south_carolina", "SD": "south_dakota", "TN": "tennessee", "TX": "texas",
    "UT": "utah", "VT": "vermont", "VA": "virginia", "WA": "washington", "WV": "west_virginia",
    "WI": "wisconsin", "WY": "wyoming", "PR": "puerto_rico",
}  # fmt: skip
STATE_WORDS = frozenset(STATES.values())

# documented: the three scopes that the API pages name
LOOKUP, READ_LISTS, WRITE_LISTS = "plate-reads:lookup", "custom-hotlists:read", "custom-hotlists:write"
ALL_SCOPES = frozenset({LOOKUP, READ_LISTS, WRITE_LISTS})

NETWORK, NETWORK_ID = f"{TOWN} CA PD", "72d97364-0000-4000-a000-00000000ca00"
BAD_TOKEN = "The token is either expired or invalid."  # documented  # noqa: S105
FORBIDDEN = "Forbidden"  # invented: only the status is documented

_JSON = msgspec.json.Encoder()


class Refusal(Exception):
    """An answer that is not the one asked for: a status and the body {"error": …}."""

    def __init__(self, status: int, error: str | dict[str, Any]) -> None:
        super().__init__(status, error)
        self.status, self.error = status, error


class Invalid(Refusal):
    """422 for one field.

    invented: the file names a ValidationError answer and does not contain it; this is the shape of the
    published 413 of the image upload, whose parts are the published `Error` schema.
    """

    def __init__(self, place: str, message: str) -> None:
        parts = [{"field": place, "message": message}]
        super().__init__(422, {"code": "validation_error", "message": message, "errors": parts})


@dataclass
class Hotlist:
    """One custom hot list: `entries` maps an entry's id to it, oldest first."""

    id: str
    name: str
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def plates(self) -> set[str]:
        """The plates as Flock holds them, with 0 for O."""
        return {entry["plate"] for entry in self.entries.values()}


@dataclass
class FlockState:
    """Everything the Flock stand-in knows; tests read and set it through `app.state.flock`.

    `origin` is where its own picture links point to. `lookups` is the vendor's search audit: one dict of
    plate, reason, caseNumber, startDate, endDate, results for every lookup answered with reads. `deliveries`
    lists (callback URL, status) of every webhook sent, status 0 where nobody answered.
    """

    world: World
    faults: Faults
    clock: Callable[[], datetime]
    client_id: str
    client_secret: str
    audience: str
    scopes: frozenset[str] = ALL_SCOPES
    token_seconds: int = 3600  # documented as an example; another page says 24 hours
    page_seconds: int = 900  # invented: how long a page id lives
    entry_limit: int = 100_000  # invented: entries an organisation may hold over all its lists
    device_changes_a_day: int = 100  # invented: daily limit of creating, and of decommissioning
    image_seconds: int = 3600  # invented: how long a signed picture link lives
    refuse_duplicate_batch: bool = False  # documented both ways: ignored in the text, 400 in the error list
    origin: str = "http://127.0.0.1"
    organization_id: str = "5a9f1e34-0000-4000-a000-00000000f10c"
    tokens: dict[str, float] = field(default_factory=dict)
    pages: dict[str, Any] = field(default_factory=dict)
    hotlists: dict[str, Hotlist] = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    devices: dict[str, dict[str, Any]] = field(default_factory=dict)
    decommissioned: set[str] = field(default_factory=set)
    device_creations: int = 0
    lookups: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[tuple[str, int]] = field(default_factory=list)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    by_plate: dict[str, list[Pass]] = field(default_factory=dict)
    by_id: dict[str, Pass] = field(default_factory=dict)

    def __post_init__(self) -> None:
        by_plate: defaultdict[str, list[Pass]] = defaultdict(list)
        for passing in self.world.passes["flock"]:
            by_plate[passing.plate].append(passing)
            self.by_id[passing.id] = passing
        self.by_plate = dict(by_plate)
        for index, camera in enumerate(self.world.cameras["flock"]):
            self.devices[camera.id] = device(camera, self.world.now, bare=index == 0)

    def add_pass(self, passing: Pass) -> None:
        """Let one more car pass a Flock camera; it is found by the next lookup."""
        self.by_plate.setdefault(passing.plate, []).append(passing)
        self.by_id[passing.id] = passing

    def grant(self) -> tuple[str, int]:
        """A new token and its life in seconds."""
        life = self.token_seconds
        issued = time.monotonic()
        claims = {"sub": self.client_id, "aud": self.audience, "scope": " ".join(sorted(self.scopes)),
                  "exp": int(self.clock().timestamp()) + life, "jti": uuid4().hex}  # fmt: skip
        head = _base64(_JSON.encode({"alg": "HS256", "typ": "JWT"})) + "." + _base64(_JSON.encode(claims))
        seal = hmac.digest(self.client_secret.encode(), head.encode(), hashlib.sha256)
        token = f"{head}.{_base64(seal)}"
        self.tokens[token] = issued + life
        return token, life

    def admit(self, request: Request, scope: str | None = None) -> None:
        """Let a bearer of a live token pass: 401 without one, 403 when the client lacks the scope."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if self.faults.take_expiry():
            self.tokens.pop(token, None)
        if kind.lower() != "bearer" or self.tokens.get(token, 0.0) <= time.monotonic():
            self.tokens.pop(token, None)
            raise Refusal(401, BAD_TOKEN)
        if scope is not None and scope not in self.scopes:
            raise Refusal(403, FORBIDDEN)

    def image_url(self, passing: Pass) -> tuple[str, datetime]:
        """A signed link to the picture of a pass and the moment at which it dies.

        documented: signed and with an expiry; invented: the form of the link.
        """
        until = self.clock() + timedelta(seconds=self.image_seconds)
        stamp = str(to_micros(until))
        return f"{self.origin}/signed/{passing.id}.jpg?expires={stamp}&signature={self.sign(passing.id, stamp)}", until

    def sign(self, pass_id: str, stamp: str) -> str:
        """The signature of a picture link."""
        return hmac.new(self.client_secret.encode(), f"{pass_id}:{stamp}".encode(), "sha256").hexdigest()


def device(camera: Camera, since: datetime, *, bare: bool) -> dict[str, Any]:
    """A camera as a `Device`; a bare one lacks network and metadata, as in the published example."""
    location = {
        "latitude": camera.latitude, "longitude": camera.longitude, "streetAddress": camera.street,
        "city": TOWN, "state": "california", "country": "US",
    }  # fmt: skip
    stamp = rfc3339(since - timedelta(days=400))
    record: dict[str, Any] = {"id": camera.id, "type": "camera", "name": camera.name, "location": location}
    if not bare:
        record["network"] = {"id": NETWORK_ID, "name": NETWORK}
        record["metadata"] = {}
    return record | {"createdAt": stamp, "modifiedAt": stamp}


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and Z, as documented for every time of the API."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(_JSON.encode(body), status_code=status, media_type="application/json")


def nothing() -> Response:
    """204 without a body."""
    return Response(status_code=204)


async def json_object(request: Request) -> dict[str, Any]:
    """The request's JSON object; 400 for anything else."""
    try:
        body = msgspec.json.decode(await request.body())
    except msgspec.DecodeError:
        raise Refusal(400, "The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Refusal(400, "The request body must be a JSON object.")
    return body


async def form(request: Request) -> dict[str, str]:
    """The fields of a form-urlencoded body; 400 for another content type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refusal(400, "The token request must be form-urlencoded.")
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def moment_of(value: Any, place: str) -> datetime:
    """An ISO 8601 date-time with a zone; 422 for anything else."""
    if isinstance(value, str) and "T" in value.upper():
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            return moment
    raise Invalid(place, f"{place} must be an ISO 8601 date-time with a zone")


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
