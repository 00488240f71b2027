"""What Plate Recognizer pushes is taken, and ParkPow's visits are pulled."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from connectors import contract, table
from connectors.auth import Header, pushed_by_ours
from connectors.contract import Connector, Document, Page, Record
from connectors.encoding import in_utf8
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.fields import Fields
from connectors.http import Http
from connectors.multipart import parts
from connectors.paging import by_cursor
from connectors.pictures import is_picture, picture
from connectors.vendors.platerecognizer.reads import read_of_event, read_of_visit
from connectors.vendors.platerecognizer.records import form_field, records_of, visit_ends, visit_fields
from connectors.vendors.platerecognizer.rows import NEEDED, csv_rows, event_of_row
from connectors.vendors.platerecognizer.settings import PlateRecognizerSettings, is_set
from normalize.fault import NoRead
from normalize.read import ImageRef, Read

_VISITS: Final = "/visit-list/"
_EVENTS: Final = (None, "recognition", "image.done")


class _Visits(msgspec.Struct):
    """A page of visits."""

    results: list[msgspec.Raw]
    next: str | None = None


class PlateRecognizerConnector(Connector[PlateRecognizerSettings]):
    """Plate Recognizer's webhooks, answers and CSV, and ParkPow's visits."""

    info = contract.Info(
        key="platerecognizer",
        name="Plate Recognizer",
        company="ParkPow, Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="platerecognizer",
        limits=contract.Limits(per_second=1.0, page_size=100),
        look_back=timedelta(hours=12),
        known_limits=(
            "No event has an id: the id of a read is derived from camera, instant and plate, so that a webhook sent"
            " again and the same line of Stream's CSV are one read.",
            "Nothing pushed is signed; one fixed header is all the proof there is.",
            "Snapshot names no camera unless its caller did; such reads get the camera of the settings.",
            "On-premises answers tell times without a zone: the setting decides, or UTC is guessed.",
            "ParkPow keeps visits: a begin and an end are two reads; an end that comes more than twelve hours after its"
            " begin is not seen, nor are other sightings in between.",
            "The names of ParkPow's fields are those of its document of 2020 and of public code.",
            "ParkPow's tags are no hot lists, so none is pushed.",
        ),
    )
    Settings = PlateRecognizerSettings
    inbound = contract.Inbound(("application/json", "multipart/*", "application/x-www-form-urlencoded"))

    @cached_property
    def _http(self) -> Http:
        token = self.settings.parkpow_token
        if token is None or not is_set(token):
            raise AdminMustFix("parkpow_token: is not set, and ParkPow tells of visits only to who shows one")
        limits = replace(self.info.limits, per_second=self.settings.requests_per_second)
        auth = Header("Authorization", token, "Token ")
        return self.closing(Http(self.settings.parkpow_url, self.frame, auth=auth, limits=limits))

    @cached_property
    def _pictures(self) -> Http:
        limits = contract.Limits(body_bytes=15_000_000)
        return self.closing(Http(self.settings.parkpow_url, self.frame, limits=limits, allow=self.settings.image_hosts))

    def check(self) -> str:
        """Asks ParkPow for the last hour where a token is set, and says what could not be checked."""
        pushed = "Webhooks are taken" if is_set(self.settings.webhook_secret) else "Webhooks are not: no secret is set"
        if not is_set(self.settings.parkpow_token):
            return f"{pushed}. No ParkPow token is set, so nothing could be asked and no visits are pulled."
        now = self.frame.clock.now()
        visits = len(self._page(now - timedelta(hours=1), now).results)
        return f"ParkPow took the token and told of {visits} visits of the last hour. {pushed}."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every visit that began in the window, page by page; the checkpoint moves once all of them were given.

        Nothing where no token is set: such an account only sends.
        """
        if not is_set(self.settings.parkpow_token):
            return

        def page(number: str) -> _Visits:
            return self._page(window.since, window.until, number)

        for answer in by_cursor(page("1"), _next, page):
            yield Page([record for raw in answer.results for record in visit_ends(bytes(raw))])
        yield Page((), {"until": window.until.isoformat()})

    def _page(self, since: datetime, until: datetime, number: str = "1") -> _Visits:
        params = {"start": _text(since), "end": _text(until), "ordering": "start_date", "page": number}
        answer = self._http.get(_VISITS, params=params)
        if answer.body.lstrip()[:1] == b"[":  # ParkPow's own server of 2020
            return _Visits(answer.shaped(list[msgspec.Raw]))
        return answer.shaped(_Visits)

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def unpack(self, document: Document) -> Iterable[Record]:
        """Each plate of a webhook, an answer, a line of CSV or of JSON Lines; each end of a visit.

        An event without plates is one record that is no read. Raises `VendorChanged` for errors, statistics and
        whatever else is none of these.
        """
        attachments: Mapping[str, bytes] = {}
        body = in_utf8(document.body)
        form_parts = parts(document)
        if form_parts is not None:
            if form_parts and all(is_picture(part.body) for part in form_parts):
                return [Record("pictures", document.body)]
            fields = [part.body for part in form_parts if part.name == "json"] or [
                part.body for part in form_parts if not is_picture(part.body) and not part.name
            ]
            if len(fields) != 1:
                raise VendorChanged("is a form without the one field `json` that tells of plates", body)
            body = in_utf8(fields[0])
            attachments = {part.name or part.filename: part.body for part in form_parts if is_picture(part.body)}
        elif body.lstrip()[:1] not in (b"{", b"["):
            form = form_field(body)
            if form is None and (rows := csv_rows(document.body)) is not None:
                return rows
            body = body if form is None else form
        return records_of(body, attachments)

    def read_of(self, record: Record) -> Read:
        """One result of an event, one line of CSV, one end of a visit."""
        if record.kind == "pictures":
            raise NoRead("record", "has pictures alone")
        if record.kind in ("csv", "broken_row"):
            return read_of_event(event_of_row(Fields(table.cells(record, NEEDED))), record, self.settings)
        if record.kind == "visit":
            return read_of_visit(visit_fields(record), "end" if record.part else "start", self.settings)
        fields = record.fields()
        data = fields.inside("data") or fields
        if fields.text_or_none("hook.event") not in _EVENTS and not data.has("results"):
            raise NoRead("hook.event", "is none that tells of plates")
        return read_of_event(data, record, self.settings)

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture of a visit, at most 15 MB, asked for without the token; raises `Gone` where it no longer is."""
        if not image.url:
            raise Gone("the read came without the address of a picture")
        return picture(self._pictures.request("GET", image.url, json=False, credentials=False).body)


def _next(answer: _Visits) -> str | None:
    if not answer.next:
        return None
    pages = parse_qs(urlsplit(answer.next).query).get("page")
    if not pages:
        raise VendorChanged("the address of the next page names no page")
    return pages[0]


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(sep=" ", timespec="seconds")
