"""Flock Safety: one full plate a lookup, hot-list alerts by webhook, custom hot lists; no feed of all reads exists."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Final, Literal, Required, TypedDict
from urllib.parse import quote, urlsplit

import msgspec
from pydantic import Field, SecretStr

from connectors import contract
from connectors.auth import BearerToken, Token, must_prove
from connectors.batches import batched
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, Gone
from connectors.fields import Fields, elements, slices, vendor_says
from connectors.hotlists import alive, one_a_plate
from connectors.http import Http
from connectors.identity import derived
from connectors.paging import by_cursor, by_number
from connectors.pictures import picture
from normalize.confidence import Scale
from normalize.fault import Unusable
from normalize.plate import canonical
from normalize.read import Camera, ImageKind, ImageRef, Match, Read
from normalize.states import CODES, snake, state
from normalize.times import from_iso, rfc3339

LOOKUP_PAGE: Final = 50
BATCH: Final = 3000
DEVICES_PAGE: Final = 100
_SUBSCRIPTIONS: Final = "/integrations/lpr/alerts/subscriptions"
STATES: Final = {  # what the API's enumeration holds: the fifty, the capital, Puerto Rico
    code: snake(code) for code in CODES if code[:3] == "US-" and code[3:] not in ("AS", "GU", "MP", "VI")
}
_KINDS: Final[tuple[tuple[str, frozenset[str], str], ...]] = (  # a form, the keys that show it, why it is no read
    ("alert", frozenset({"eventTime", "objectId"}), ""),
    ("alert", frozenset({"eventTime", "sources"}), ""),
    ("all_reads", frozenset({"eventTime", "ocr"}), ""),
    ("lookup", frozenset({"capturedAt", "plate"}), ""),
    ("device_list", frozenset({"results", "totalPages"}), "is a device list, not a read"),
    ("lookup_request", frozenset({"plate", "reason", "startDate"}), "is a lookup request, not a read"),
    ("generic_alert", frozenset({"eventTime", "title"}), "is an alert without a plate, not a read"),
    ("hot_list", frozenset({"entries"}), "is a hot list, not a read"),
    ("error", frozenset({"error"}), "is an error answer, not a read"),
    ("device_change", frozenset({"metadata"}), "is a change of a device, not a read"),
    ("device_change", frozenset({"name"}), "is a change of a device, not a read"),
    ("other", frozenset(), "has none of the forms in which Flock documents a read"),
)
_NOT_READS: Final = {kind: why for kind, _, why in _KINDS if why}


class FlockSettings(contract.Settings):
    """What an admin gets from Flock, and what the admin decides."""

    client_id: str = Field(title="Client id", description="From Flock: the machine client of your agency.")
    client_secret: SecretStr = Field(title="Client secret", description="From Flock, once; keep it nowhere else.")
    audience: str = Field("com.flocksafety.integrations", title="Audience", description="Whom the token is for.")
    base_url: str = Field("https://api.flocksafety.com/api/v3", title="API address", description="Root of the API v3.")
    token_url: str = Field(
        "https://api.flocksafety.com/oauth/token", title="Token address", description="Where tokens are issued."
    )
    image_hosts: tuple[str, ...] = Field(
        ("amazonaws.com",), title="Picture hosts", description="Domains that signed picture addresses may lead to."
    )
    requests_per_second: float = Field(
        2.0, gt=0, title="Requests a second", description="Flock publishes no limit; raise it if Flock agrees."
    )
    callback_scheme: Literal["none", "apiKey", "basic"] = Field(
        "apiKey", title="Callback scheme", description="How Flock proves itself when it pushes; Flock signs nothing."
    )
    callback_header: str = Field(
        "x-api-key", title="Callback header", description="The header that you named in the subscription."
    )
    callback_user: str = Field("", title="Callback user", description="For the scheme basic only.")
    callback_secret: SecretStr | None = Field(
        None, title="Callback secret", description="The key (apiKey) or the password (basic) of the subscription."
    )


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int


class _Results(msgspec.Struct, rename="camel"):
    """A page of reads or of devices."""

    results: list[msgspec.Raw]
    next_page_id: str | None = None
    total_pages: int = 1


class _List(msgspec.Struct):
    id: str
    name: str = ""


class _Entry(TypedDict, total=False):
    """A hot-list entry as it is sent."""

    plate: Required[str]
    reason: str
    caseNumber: str
    state: str | None
    expiry: str | None
    note: dict[str, str] | None


class _Held(_Entry):
    """A hot-list entry as it comes back."""

    id: Required[str]


class _Entries(msgspec.Struct, rename="camel"):
    entries: list[_Held]
    next_page: str | None = None


class FlockConnector(Connector[FlockSettings]):
    """Flock Safety, API v3."""

    info = contract.Info(
        key="flock",
        name="Flock Safety",
        company="Flock Group Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="flock",
        limits=contract.Limits(per_second=2.0, parallel=2, page_size=LOOKUP_PAGE, push_batch=BATCH),
        known_limits=(
            "Flock offers no feed of all reads: it answers for one full plate at a time, and pushes hot-list alerts.",
            "A lookup takes no wildcard and needs a reason; Flock's auditors see both.",
            "A lookup carries no picture, only a link to Flock's own pages; only alerts carry one, for a short time.",
            "Request rates, the life of a page id and an organisation's hot-list size are not published.",
            "A hot list at Flock holds a plate once and writes 0 for O; states outside the US are left out.",
            "Alerts in XML and callbacks with OAuth 2 are not taken: choose JSON and an API key.",
        ),
    )
    Settings = FlockSettings
    proof: ClassVar[contract.Proof] = contract.Proof.READ_BACK

    def __init__(self, settings: FlockSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        token_host = urlsplit(settings.token_url).hostname or ""
        limits = replace(self.info.limits, per_second=settings.requests_per_second)
        token = BearerToken(self._fetch_token, frame.clock.now, settings.client_secret)
        self._http = self.closing(Http(settings.base_url, frame, auth=token, limits=limits, allow=(token_host,)))
        pictures = contract.Limits(per_second=10.0, parallel=2, body_bytes=15_000_000)
        self._pictures = self.closing(Http(settings.base_url, frame, limits=pictures, allow=settings.image_hosts))

    def _fetch_token(self) -> Token:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret.get_secret_value(),
            "audience": self.settings.audience,
        }
        asked_at = self.frame.clock.now()
        answer = self._http.request("POST", self.settings.token_url, data=form, credentials=False)
        token = answer.shaped(_Token)
        return Token(token.access_token, asked_at + timedelta(seconds=token.expires_in))

    def check(self) -> str:
        """Signs in and says what the account may see; raises `AdminMustFix` where it may see nothing."""
        try:
            lists = self._lists()
        except AdminMustFix:
            # A client for lookups alone has no right to hot lists; where it has none at all this refuses too.
            self._http.get("/devices", params={"page": 1, "pageSize": 1})
            return "Flock took the client and listed its devices; the client has no right to custom hot lists."
        return f"Flock took the client, which sees {len(lists)} custom hot lists."

    def lookup(self, query: contract.Lookup) -> Iterator[Page]:
        """Every read Flock has of one full plate in the window, oldest first, 50 a page (documented).

        Raises `Unusable` before anything is sent where the plate is not one full plate or no reason is given.
        """
        plate = canonical(query.plate)
        if not plate or any(mark in query.plate for mark in "*?%_[]"):
            raise Unusable("plate", "must be one full plate: Flock takes no wildcards")
        if not query.reason.strip():
            raise Unusable("reason", "is missing: Flock asks why")
        body: dict[str, Any] = {
            "plate": plate,
            "reason": query.reason.strip(),
            "startDate": rfc3339(query.since),
            "endDate": rfc3339(query.until),
            "limit": LOOKUP_PAGE,
            "sort": [{"field": "capturedAt", "order": "asc"}],
        }
        if query.case_number:
            body["caseNumber"] = query.case_number
        if known := STATES.get(state(query.state, "US").code or ""):
            body["state"] = known
        return self._look_up(body)

    def _look_up(self, body: dict[str, Any]) -> Iterator[Page]:
        def page(cursor: str) -> _Results:
            return self._http.get(f"/reads/lookup/page/{quote(cursor, safe='')}").shaped(_Results)

        first = self._http.post("/reads/lookup", body).shaped(_Results)
        for answer in by_cursor(first, lambda reads: reads.next_page_id or None, page):
            yield Page([Record("lookup", bytes(raw)) for raw in answer.results])

    def verify(self, request: contract.Request) -> None:
        """Return where the push carries what the subscription agreed on; raises `AdminMustFix` where it does not."""
        if self.settings.callback_scheme == "none":
            return
        expected = self.settings.callback_secret
        # Without a password there is nothing to prove, whatever the name.
        if self.settings.callback_scheme == "basic" and (password := expected and expected.get_secret_value()):
            pair = f"{self.settings.callback_user}:{password}"
            expected = SecretStr("Basic " + b64encode(pair.encode()).decode())
        must_prove(request.headers, self.settings.callback_header, expected)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """Lookup answers and alerts as reads; anything else of Flock's as one record whose `parse` says what it is."""
        parts = slices(document.body)
        if isinstance(parts, list):
            for element in parts:
                yield Record(_kind(element), element)
        elif "results" in parts and "totalPages" not in parts and parts["results"].startswith(b"["):
            for element in elements(parts["results"]):
                kind = _kind(element)
                yield Record("lookup" if kind == "other" else kind, element)
        else:
            yield Record(_named(parts), document.body)

    def read_of(self, record: Record) -> Read:
        """A lookup result, an alert, or a read of the all-reads webhook of 2022."""
        if record.kind in _NOT_READS:
            raise Unusable("record", _NOT_READS[record.kind])
        fields = record.fields()
        return _looked_up(fields) if record.kind == "lookup" else _pushed(fields, alert=record.kind == "alert")

    def held_form(self, plate: str) -> str:
        """Upper case and 0 for O (documented)."""
        return canonical(plate).replace("O", "0")

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Each plate once, under a state that Flock's enumeration has, or under none."""
        kept = one_a_plate(entries, self.held_form)
        return {(form, entry.state if entry.state in STATES else None): entry for form, entry in kept.items()}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Make the list at Flock what `delta.complete` says, sending only what differs; safe to repeat.

        Raises `AdminMustFix` past the organisation's limit (413, documented).
        """
        entries = one_a_plate(alive(delta.complete, self.frame.clock.now()), self.held_form)
        wanted = {form: _entry(entry) for form, entry in entries.items()}
        list_id = self._id_of(delta.list_name)
        if list_id is None:
            fresh = list(wanted.values())
            made = self._http.post("/hotlists", {"name": delta.list_name, "entries": fresh[:BATCH]}, repeatable=False)
            self.frame.sent(len(fresh[:BATCH]))
            self._send(made.shaped(_List).id, fresh[BATCH:])
            return contract.PushReport(added=len(fresh), removed=0)
        held: dict[str, list[_Held]] = {}
        for entry in self._held(list_id):
            held.setdefault(self.held_form(entry["plate"]), []).append(entry)
        gone = [one["id"] for form, ones in held.items() if form not in wanted for one in ones]
        self._drop(list_id, gone)
        changed = [form for form, entry in wanted.items() if [*map(_terms, held.get(form, ()))] != [_terms(entry)]]
        for batch in batched(changed, BATCH):
            # Changed entries leave and come back batch by batch, so that few are missing in between.
            self._drop(list_id, [one["id"] for form in batch for one in held.get(form, ())])
            self._send(list_id, [wanted[form] for form in batch])
        return contract.PushReport(added=len(changed), removed=len(gone))

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The entries that Flock holds under a name, read page by page; raises `Gone` where there is no such list."""
        list_id = self._id_of(list_name)
        if list_id is None:
            raise Gone("Flock holds no hot list of that name")
        held = self._held(list_id)
        return (RemoteEntry(one["plate"], state(one.get("state"), "US").code, one["id"]) for one in held)

    def drop_list(self, list_name: str) -> None:
        """Delete the hot list of that name (documented), with every entry that is left in it; safe to repeat."""
        list_id = self._id_of(list_name)
        if list_id is not None:
            with suppress(Gone):
                self._http.request("DELETE", f"/hotlists/{quote(list_id, safe='')}", json=False)

    def subscriptions(self) -> Sequence[str]:
        """The ids of the alert subscriptions that this client sees: its own alone (assumed; one may be active)."""
        return [one.id for one in self._http.get(_SUBSCRIPTIONS).shaped(list[_List])]

    def unsubscribe(self) -> int:
        """Delete every alert subscription of this client (documented), so that Flock calls nobody any more."""
        held = self.subscriptions()
        for one in held:
            with suppress(Gone):
                self._http.request("DELETE", f"{_SUBSCRIPTIONS}/{quote(one, safe='')}", json=False)
        return len(held)

    def _lists(self) -> list[_List]:
        return self._http.get("/hotlists").shaped(list[_List])

    def _id_of(self, list_name: str) -> str | None:
        found = [one.id for one in self._lists() if one.name == list_name]
        if len(found) > 1:
            raise AdminMustFix("Flock holds two hot lists of that name; rename or delete one of them")
        return found[0] if found else None

    def _held(self, list_id: str) -> Iterator[_Held]:
        def page(cursor: str | None = None) -> _Entries:
            params = {"limit": BATCH} if cursor is None else {"limit": BATCH, "cursor": cursor}
            return self._http.get(f"/hotlists/{quote(list_id, safe='')}/entries", params=params).shaped(_Entries)

        for answer in by_cursor(page(), lambda entries: entries.next_page or None, page):
            yield from answer.entries

    def _send(self, list_id: str, entries: Sequence[_Entry]) -> None:
        for batch in batched(entries, BATCH):
            # Sent once: whether a plate that is there already is ignored or refused, Flock's page says both.
            self._http.post(
                f"/hotlists/{quote(list_id, safe='')}/entries/addBatch", {"entries": batch}, repeatable=False
            )
            self.frame.sent(len(batch))

    def _drop(self, list_id: str, ids: Sequence[str]) -> None:
        for batch in batched(ids, BATCH):
            self._http.post(f"/hotlists/{quote(list_id, safe='')}/entries/deleteBatch", {"ids": batch})
            self.frame.sent(0)

    def cameras(self) -> Iterator[contract.CameraInfo]:
        """The account's devices of the type camera; counting pages from 1 is assumed."""

        def page(number: int) -> _Results:
            return self._http.get("/devices", params={"page": number, "pageSize": DEVICES_PAGE}).shaped(_Results)

        def is_last(answer: _Results, number: int) -> bool:
            return not answer.results or number >= answer.total_pages

        for answer in by_number(page, lambda answer: [bytes(raw) for raw in answer.results], is_last):
            for raw in answer.results:
                with vendor_says(bytes(raw)):
                    device = Record("device", bytes(raw)).fields()
                    place = device.place("location.latitude", "location.longitude")
                    at = (place.latitude, place.longitude) if place else ()
                    camera = contract.CameraInfo(device.ident("id"), device.text_or_none("name"), *at)
                    is_camera = device.text_or_none("type") == "camera"
                if is_camera:
                    yield camera

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture behind a signed address, asked for without credentials; at most 15 MB.

        Raises `Gone` where it no longer is, which the store says with 403 once the signature has expired.
        """
        if not image.url:
            raise Gone("the read came without the address of a picture")
        over = image.expires_at is None or image.expires_at <= self.frame.clock.now()
        gone = (403, 404, 410) if over else (404, 410)
        answer = self._pictures.request("GET", image.url, json=False, credentials=False, gone=gone)
        return picture(answer.body)


def _kind(element: bytes) -> str:
    return _named(slices(element)) if element.startswith(b"{") else "other"


def _named(parts: Mapping[str, bytes] | list[bytes]) -> str:
    return next(kind for kind, keys, _ in _KINDS if keys <= set(parts))


def _looked_up(fields: Fields) -> Read:
    at = from_iso(fields.text("capturedAt"), field="capturedAt")
    return Read(
        vendor_read_id=fields.ident("id"),
        plate_raw=fields.text("plate.plate"),
        state=state(fields.text_or_none("state.state"), "US"),
        plate_confidence=fields.share("plate.confidence", Scale.UNIT),
        state_confidence=fields.share("state.confidence", Scale.UNIT),
        confidence_scale=Scale.UNIT,
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=fields.ident("device.id"), name=fields.text_or_none("device.name")),
        place=fields.place("device.location.latitude", "device.location.longitude"),
        link=fields.text_or_none("link"),
    )


def _pushed(fields: Fields, *, alert: bool) -> Read:
    at = from_iso(fields.text("eventTime"), field="eventTime")
    if not fields.has("ocr"):
        raise Unusable("ocr", "is missing: the alert names no plate")
    label = fields.text("ocr.label")
    name = fields.text_or_none("deviceName")
    # The form of 2022 has no device id; a name alone may stand for a camera in each of two networks.
    unnamed = " / ".join(part for part in (fields.text_or_none("networkName"), name) if part)
    camera = fields.ident_or_none("deviceExternalId") or unnamed
    if not camera:
        raise Unusable("deviceExternalId", "is missing, and no name stands in for it")
    # The form of 2022 brings no id of its own.
    ident = fields.ident("objectId") if alert else derived(camera, at.at.isoformat(), label)
    return Read(
        vendor_read_id=ident,
        plate_raw=label,
        state=state(fields.text_or_none("ocr.state"), "US"),
        plate_confidence=fields.share("ocr.labelConfidence", Scale.UNIT),
        state_confidence=fields.share("ocr.stateConfidence", Scale.UNIT),
        confidence_scale=Scale.UNIT,
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera, name=name),
        place=fields.place("deviceLat", "deviceLong"),
        images=_images(fields),
        matches=tuple(
            Match(
                list_name=source.text_or_none("name") or "unnamed list",
                reason=source.text_or_none("reason"),
                case_number=source.text_or_none("caseNumber"),
                audience=source.text_or_none("customHotlistAudience"),
            )
            for source in fields.each("sources")
        ),
        link=fields.text_or_none("detailsUrl"),
    )


def _images(fields: Fields) -> tuple[ImageRef, ...]:
    url = fields.text_or_none("imageUrl")
    if url is None:
        return ()
    until = None
    stamp = fields.text_or_none("imageExpiration") or fields.text_or_none("imageUrlExpiration")
    with suppress(Unusable):  # an unreadable end of a picture's address must not cost the alert
        until = from_iso(stamp, field="imageExpiration").at if stamp else None
    return (ImageRef(kind=ImageKind.VEHICLE, url=url, expires_at=until),)


def _entry(entry: Entry) -> _Entry:
    sent: _Entry = {"plate": entry.plate, "reason": entry.reason.strip(), "caseNumber": entry.case_number.strip()}
    if known := STATES.get(entry.state or ""):
        sent["state"] = known
    if entry.expires_at is not None:
        sent["expiry"] = rfc3339(entry.expires_at.replace(microsecond=0))
    if entry.note:
        sent["note"] = {"message": entry.note}
    return sent


def _terms(entry: _Entry) -> tuple[object, ...]:
    """What makes two entries of one plate the same; an unreadable end counts as what it says."""
    end: object = entry.get("expiry")
    with suppress(Unusable):
        end = from_iso(str(end)).at if end else None
    words = (entry.get(name) or "" for name in ("reason", "caseNumber", "state"))
    return (*words, end, (entry.get("note") or {}).get("message"))
