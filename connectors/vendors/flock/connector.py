"""Plates are looked up, alerts are taken, and custom hot lists are made what ours say."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlsplit

import msgspec
from pydantic import SecretStr

from connectors import contract
from connectors.auth import BearerToken, Token, must_prove
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, Gone
from connectors.fields import elements, slices, vendor_says
from connectors.hotlists import alive, one_a_plate
from connectors.http import Http
from connectors.paging import by_cursor, by_number
from connectors.pictures import picture
from connectors.vendors.flock.entries import STATES, held_form, sent_form
from connectors.vendors.flock.forms import NOT_READS, form_of, kind_of
from connectors.vendors.flock.hotlists import BATCH, HotLists, Listed
from connectors.vendors.flock.reads import read_of_lookup, read_of_push
from connectors.vendors.flock.settings import FlockSettings
from normalize.fault import Unusable
from normalize.plate import canonical
from normalize.read import ImageRef, Read
from normalize.states import state
from normalize.times import rfc3339

LOOKUP_PAGE: Final = 50
DEVICES_PAGE: Final = 100
_SUBSCRIPTIONS: Final = "/integrations/lpr/alerts/subscriptions"


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int


class _Results(msgspec.Struct, rename="camel"):
    """A page of reads or of devices."""

    results: list[msgspec.Raw]
    next_page_id: str | None = None
    total_pages: int = 1


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
        self._hot_lists = HotLists(self._http, frame)
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
            lists = self._hot_lists.all()
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
                yield Record(kind_of(element), element)
        elif "results" in parts and "totalPages" not in parts and parts["results"].startswith(b"["):
            for element in elements(parts["results"]):
                kind = kind_of(element)
                yield Record("lookup" if kind == "other" else kind, element)
        else:
            yield Record(form_of(parts), document.body)

    def read_of(self, record: Record) -> Read:
        """A lookup result, an alert, or a read of the all-reads webhook of 2022."""
        if record.kind in NOT_READS:
            raise Unusable("record", NOT_READS[record.kind])
        fields = record.fields()
        return read_of_lookup(fields) if record.kind == "lookup" else read_of_push(fields, alert=record.kind == "alert")

    def held_form(self, plate: str) -> str:
        """Upper case and 0 for O (documented)."""
        return held_form(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Each plate once, under a state that Flock's enumeration has, or under none."""
        kept = one_a_plate(entries, self.held_form)
        return {(form, entry.state if entry.state in STATES else None): entry for form, entry in kept.items()}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Make the list at Flock what `delta.complete` says, sending only what differs; safe to repeat.

        Raises `AdminMustFix` past the organisation's limit (413, documented).
        """
        entries = one_a_plate(alive(delta.complete, self.frame.clock.now()), self.held_form)
        wanted = {form: sent_form(entry) for form, entry in entries.items()}
        list_id = self._hot_lists.id_of(delta.list_name)
        if list_id is not None:
            return self._hot_lists.change(list_id, wanted)
        self._hot_lists.make(delta.list_name, list(wanted.values()))
        return contract.PushReport(added=len(wanted), removed=0)

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The entries that Flock holds under a name, read page by page; raises `Gone` where there is no such list."""
        list_id = self._hot_lists.id_of(list_name)
        if list_id is None:
            raise Gone("Flock holds no hot list of that name")
        held = self._hot_lists.held(list_id)
        return (RemoteEntry(entry["plate"], state(entry.get("state"), "US").code, entry["id"]) for entry in held)

    def drop_list(self, list_name: str) -> None:
        """Delete the hot list of that name (documented), with every entry that is left in it; safe to repeat."""
        list_id = self._hot_lists.id_of(list_name)
        if list_id is not None:
            self._hot_lists.delete(list_id)

    def subscriptions(self) -> Sequence[str]:
        """The ids of the alert subscriptions that this client sees: its own alone (assumed; one may be active)."""
        return [subscription.id for subscription in self._http.get(_SUBSCRIPTIONS).shaped(list[Listed])]

    def unsubscribe(self) -> int:
        """Delete every alert subscription of this client (documented), so that Flock calls nobody any more."""
        held = self.subscriptions()
        for ident in held:
            with suppress(Gone):
                self._http.request("DELETE", f"{_SUBSCRIPTIONS}/{quote(ident, safe='')}", json=False)
        return len(held)

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
