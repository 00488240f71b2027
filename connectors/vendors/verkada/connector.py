"""Cameras are asked for reads, webhooks are taken, and plates of interest are hot lists."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from connectors import contract
from connectors.auth import BearerToken, Token
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.counted import counted
from connectors.errors import AdminMustFix, ConnectorError, Gone, VendorChanged
from connectors.fields import elements, slices, vendor_says
from connectors.hotlists import alive, one_a_plate
from connectors.http import Http
from connectors.pictures import picture
from connectors.vendors.verkada.changes import Changes
from connectors.vendors.verkada.interest import FILE_ROWS, PlatesOfInterest, markable
from connectors.vendors.verkada.pages import Cursor, paged
from connectors.vendors.verkada.reads import detection_record, read_of_detection, read_of_webhook
from connectors.vendors.verkada.settings import LARGEST_PAGE, VerkadaSettings
from connectors.vendors.verkada.signatures import must_be_signed
from normalize.fault import Unusable
from normalize.plate import canonical
from normalize.read import ImageRef, Read

TOKEN_LIFE: Final = timedelta(minutes=30)
_IMAGES: Final = "/cameras/v1/analytics/lpr/images"
_DEVICES: Final = "/cameras/v1/devices"


class _Token(msgspec.Struct):
    token: str


class _Detections(msgspec.Struct):
    detections: list[msgspec.Raw]
    next_page_token: Cursor = None


class _Devices(msgspec.Struct):
    cameras: list[msgspec.Raw]
    next_page_token: Cursor = None


class VerkadaConnector(Connector[VerkadaSettings]):
    """Verkada Command's API v1 and its LPR webhook."""

    info = contract.Info(
        key="verkada",
        name="Verkada",
        company="Verkada, Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="verkada",
        limits=contract.Limits(per_second=5.0, page_size=LARGEST_PAGE, push_batch=FILE_ROWS),
        known_limits=(
            "Reads are asked for one camera at a time; the API does not say which cameras read plates.",
            "A detection has no id, and a webhook has one that no detection names: the id of a read is derived from"
            " camera, second and plate, so that both are one read.",
            "Only the webhook tells state and confidence, and the instant to the millisecond.",
            "A webhook is tried twice, two seconds each; what got lost comes with the next pull.",
            "How long a signed picture address lives is not published.",
            "An organisation has one list of plates of interest, without expiry or state: lists of ours are told apart"
            " by a mark at the end of the description.",
            "A plate that somebody entered by hand is left alone and stops the push.",
            "That single calls take a plate in the query and batches a CSV file is seen in public code.",
        ),
    )
    Settings = VerkadaSettings
    proof: ClassVar[contract.Proof] = contract.Proof.READ_BACK

    def __init__(self, settings: VerkadaSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        limits = replace(self.info.limits, per_second=settings.requests_per_second)
        token = BearerToken(self._fetch_token, frame.clock.now, settings.api_key, header="x-verkada-auth")
        self._http = self.closing(Http(settings.base_url, frame, auth=token, limits=limits))
        self._interest = PlatesOfInterest(self._http)
        pictures = contract.Limits(per_second=10.0, parallel=2, body_bytes=15_000_000)
        self._pictures = self.closing(Http(settings.base_url, frame, limits=pictures, allow=settings.image_hosts))

    def _fetch_token(self) -> Token:
        key = {"x-api-key": self.settings.api_key.get_secret_value()}
        asked_at = self.frame.clock.now()
        answer = self._http.request("POST", "/token", headers=key, credentials=False)
        return Token(answer.shaped(_Token).token, asked_at + TOKEN_LIFE)

    def check(self) -> str:
        """Signs in and counts the cameras; raises `AdminMustFix` where the key does not open them."""
        cameras = sum(1 for _ in self.cameras())
        asked = len(self.settings.camera_ids) or "all"
        return f"Verkada took the key, which sees {counted(cameras, 'camera')}; {asked} of them are asked for reads."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every read of the window, camera by camera; the checkpoint moves once every camera was asked.

        What one camera refuses is raised after the others were asked.
        """
        yield from self._asked(window.since, window.until)
        yield Page((), {"until": window.until.isoformat()})

    def lookup(self, query: contract.Lookup) -> Iterator[Page]:
        """Every read of one full plate in the window, camera by camera (the filter is documented).

        Raises `Unusable` before anything is sent where there is no plate to ask for.
        """
        plate = canonical(query.plate)
        if not plate or any(mark in query.plate for mark in "*?%_[]"):
            raise Unusable("plate", "must be one full plate")
        yield from self._asked(query.since, query.until, license_plate=plate)

    def _asked(self, since: datetime, until: datetime, **more: str) -> Iterator[Page]:
        wrong: ConnectorError | None = None
        for camera in self.settings.camera_ids or [camera.id for camera in self.cameras()]:
            asked = {"camera_id": camera, "start_time": int(since.timestamp()), "end_time": int(until.timestamp())}
            try:
                for answer in paged(
                    self._http, _IMAGES, _Detections, {**asked, "page_size": self.settings.page_size, **more}
                ):
                    yield Page([detection_record(bytes(raw), camera) for raw in answer.detections])
            except (Gone, VendorChanged) as refused:
                wrong = wrong or refused
        if wrong is not None:
            raise VendorChanged(f"not every camera could be asked, name those that read plates: {wrong}")

    def cameras(self) -> Iterator[contract.CameraInfo]:
        """Every camera of the organisation, whether it reads plates or not."""
        for answer in paged(self._http, _DEVICES, _Devices, {"page_size": LARGEST_PAGE}):
            for raw in answer.cameras:
                with vendor_says(bytes(raw)):
                    device = Record("device", bytes(raw)).fields()
                    place = device.place("location_lat", "location_lon")
                    at = (place.latitude, place.longitude) if place else ()
                    camera = contract.CameraInfo(device.ident("camera_id"), device.text_or_none("name"), *at)
                yield camera

    def verify(self, request: contract.Request) -> None:
        """Return where Verkada signed the push within the last minute; raises `AdminMustFix` where it did not."""
        must_be_signed(request, self.settings.webhook_secret, self.frame.clock.now)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """A webhook, or the detections of an answer; raises `VendorChanged` for errors and all else."""
        body = document.body
        names = slices(body)
        if isinstance(names, list):
            raise VendorChanged("is a list, which no answer of Verkada's is", body)
        if "detections" in names:
            # The answer does not name the camera that was asked; where there is but one it can be no other.
            only = self.settings.camera_ids[0] if len(self.settings.camera_ids) == 1 else None
            yield from (detection_record(raw, only) for raw in elements(names["detections"]))
        elif "webhook_type" in names:
            yield Record("webhook", body)
        elif {"id", "message"} <= set(names):
            raise VendorChanged("is an error answer, not a read", body)
        else:
            raise VendorChanged("is neither a webhook of Verkada's nor an answer with detections", body)

    def read_of(self, record: Record) -> Read:
        """A webhook of the type `lpr`, or a detection with the camera that was asked."""
        fields = record.fields()
        return read_of_detection(fields) if record.kind == "detection" else read_of_webhook(fields)

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture behind a signed address, asked for without the token; at most 15 MB.

        Raises `Gone` where it no longer is: an address whose life nobody knows answers 403 or 404 once it has ended.
        """
        if not image.url:
            raise Gone("the read came without the address of a picture")
        answer = self._pictures.request("GET", image.url, json=False, credentials=False, gone=(403, 404, 410))
        return picture(answer.body)

    def held_form(self, plate: str) -> str:
        """Upper case without blanks and hyphens: nothing is published of how Verkada rewrites plates."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Each plate once, and without a state: Verkada's list has none."""
        return {(form, None): entry for form, entry in one_a_plate(entries, self.held_form).items()}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Make what Verkada holds under the list's mark what `delta.complete` says; safe to repeat.

        Raises `AdminMustFix` where Verkada holds a plate of the list that somebody entered by hand, after all others
        were sent.
        """
        name = markable(delta.list_name)
        wanted = one_a_plate(alive(delta.complete, self.frame.clock.now()), self.held_form)
        held = {self.held_form(plate.plate): plate for plate in self._interest.held()}
        changes = Changes(held, wanted, name)
        for plate, description in changes.descriptions().items():
            self._interest.describe(plate, description)
        self._interest.drop(changes.dropped())
        self._interest.create(changes.fresh)
        if changes.by_hand:
            raise AdminMustFix(
                f"{len(changes.by_hand)} plates of the list are at Verkada by somebody's hand;"
                " remove them there or from the list"
            )
        return contract.PushReport(added=changes.added, removed=len(changes.leaving))

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The plates that bear the list's mark; none at all is an empty list, since Verkada has but one."""
        name = markable(list_name)
        return (RemoteEntry(held.plate, None, held.plate) for held in self._interest.held() if name in held.lists)
