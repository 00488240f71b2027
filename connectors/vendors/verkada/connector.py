"""Verkada: reads asked for camera by camera, signed webhooks, and License Plates of Interest as hot lists."""

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
from pydantic import Field, SecretStr

from connectors import contract
from connectors.auth import BearerToken, Token
from connectors.batches import batched
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, ConnectorError, Gone, VendorChanged
from connectors.fields import Fields, elements, slices, vendor_says
from connectors.hotlists import alive, as_csv, one_a_plate
from connectors.http import Http
from connectors.identity import derived_id
from connectors.paging import by_cursor
from connectors.pictures import picture
from normalize.confidence import Scale, scaled
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, ImageKind, ImageRef, Read
from normalize.states import state
from normalize.times import Moment, from_epoch

LARGEST_PAGE: Final = 200
LISTS_PAGE: Final = 1000
ONE_BY_ONE: Final = 20
"""Up to so many plates are sent singly, which Verkada answers at once; more of them go in a file."""
FILE_ROWS: Final = 1000
TOKEN_LIFE: Final = timedelta(minutes=30)
SKEW: Final = timedelta(seconds=60)
"""How far a push's own time may lie from the hub's (documented)."""
_IMAGES: Final = "/cameras/v1/analytics/lpr/images"
_PLATES: Final = "/cameras/v1/analytics/lpr/license_plate_of_interest"
_DEVICES: Final = "/cameras/v1/devices"
_MILLIS: Final = 100_000_000_000
"""From here on a count is one of milliseconds: as seconds it would lie three thousand years ahead."""
_MARK: Final = re.compile(r" \[([^\[\]]+)\]$")
_JSON: Final = {"Content-Type": "application/json"}
_Cursor = str | int | None


class VerkadaSettings(contract.Settings):
    """What an admin sets up in Command, and where the organisation's data lies."""

    api_key: SecretStr = Field(title="API key", description="From Command, with rights to read cameras and edit LPOIs.")
    base_url: str = Field(
        "https://api.verkada.com", title="API address", description="The host of the organisation's region."
    )
    camera_ids: tuple[str, ...] = Field(
        (), title="Cameras", description="The cameras that read plates; without any, every camera is asked."
    )
    page_size: int = Field(
        LARGEST_PAGE, ge=1, le=LARGEST_PAGE, title="Page size", description="Reads asked for at a time."
    )
    image_hosts: tuple[str, ...] = Field(
        ("verkada.com", "verkadagov.com"), title="Picture hosts",
        description="Domains that signed picture addresses may lead to.",
    )  # fmt: skip
    requests_per_second: float = Field(
        5.0, gt=0, title="Requests a second", description="Verkada allows 300 a minute to the whole organisation."
    )
    webhook_secret: SecretStr | None = Field(
        None, title="Webhook secret", description="What the webhook was given; without it nothing pushed is believed."
    )


class _Token(msgspec.Struct):
    token: str


class _Detections(msgspec.Struct):
    detections: list[msgspec.Raw]
    next_page_token: _Cursor = None


class _Devices(msgspec.Struct):
    cameras: list[msgspec.Raw]
    next_page_token: _Cursor = None


class _Plate(msgspec.Struct):
    license_plate: str
    description: str | None = None


class _Plates(msgspec.Struct):
    license_plate_of_interest: list[_Plate]
    next_page_token: _Cursor = None


class _Held(NamedTuple):
    """A plate as Verkada holds it, and whose it is: the lists of ours that its description names, at its end."""

    plate: str
    text: str
    lists: tuple[str, ...]

    def described(self, lists: Sequence[str]) -> str:
        """The description that names other lists."""
        return self.text + "".join(f" [{name}]" for name in lists)


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
        pictures = contract.Limits(per_second=10.0, parallel=2, body_bytes=15_000_000)
        self._pictures = self.closing(Http(settings.base_url, frame, limits=pictures, allow=settings.image_hosts))

    def _fetch_token(self) -> Token:
        key = {"x-api-key": self.settings.api_key.get_secret_value()}
        asked_at = self.frame.clock.now()
        answer = self._http.request("POST", "/token", headers=key, credentials=False)
        return Token(answer.shaped(_Token).token, asked_at + TOKEN_LIFE)

    def check(self) -> str:
        """Signs in and counts the cameras; raises `AdminMustFix` where the key does not open them."""
        found = sum(1 for _ in self.cameras())
        asked = len(self.settings.camera_ids) or "all"
        return f"Verkada took the key, which sees {found} cameras; {asked} of them are asked for reads."

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
                for answer in self._paged(
                    _IMAGES, _Detections, {**asked, "page_size": self.settings.page_size, **more}
                ):
                    yield Page([_detection(bytes(raw), camera) for raw in answer.detections])
            except (Gone, VendorChanged) as refused:
                wrong = wrong or refused
        if wrong is not None:
            raise VendorChanged(f"not every camera could be asked, name those that read plates: {wrong}")

    def _paged(self, path: str, shape: type[Any], params: Mapping[str, Any]) -> Iterator[Any]:
        """Every page of an answer; a token is a number here and text there (documented)."""

        def page(cursor: str | None = None) -> Any:
            token = {} if cursor is None else {"page_token": cursor}
            return self._http.get(path, params={**params, **token}).shaped(shape)

        return by_cursor(page(), lambda answer: str(answer.next_page_token) if answer.next_page_token else None, page)

    def cameras(self) -> Iterator[contract.CameraInfo]:
        """Every camera of the organisation, whether it reads plates or not."""
        for answer in self._paged(_DEVICES, _Devices, {"page_size": LARGEST_PAGE}):
            for raw in answer.cameras:
                with vendor_says(bytes(raw)):
                    device = Record("device", bytes(raw)).fields()
                    place = device.place("location_lat", "location_lon")
                    at = (place.latitude, place.longitude) if place else ()
                    camera = contract.CameraInfo(device.ident("camera_id"), device.text_or_none("name"), *at)
                yield camera

    def verify(self, request: contract.Request) -> None:
        """Return where Verkada signed the push within the last minute; raises `AdminMustFix` where it did not."""
        secret = self.settings.webhook_secret
        if secret is None or not secret.get_secret_value():
            raise AdminMustFix("no secret is set for what Verkada pushes, so nothing pushed is believed")
        stamp, _, given = request.headers.get("verkada-signature", "").partition("|")
        signed = request.document.body + b"|" + stamp.encode()
        expected = hmac.new(secret.get_secret_value().encode(), signed, sha256).hexdigest()
        if not hmac.compare_digest(given.strip().lower().encode(), expected.encode()):
            raise AdminMustFix("the push does not hold a signature made with the secret that was agreed")
        # What is signed was written by Verkada, but a time that is none must still not become an error of ours.
        count = int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) < 16 else 0
        at = count / 1000 if count >= _MILLIS else count
        if abs(self.frame.clock.now().timestamp() - at) > SKEW.total_seconds():
            raise AdminMustFix("the push was signed more than a minute ago, or its clock is wrong")

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """A webhook, or the detections of an answer; raises `VendorChanged` for errors and all else."""
        body = document.body
        names = slices(body)
        if isinstance(names, list):
            raise VendorChanged("is a list, which no answer of Verkada's is", body)
        if "detections" in names:
            # The answer does not name the camera that was asked; where there is but one it can be no other.
            only = self.settings.camera_ids[0] if len(self.settings.camera_ids) == 1 else None
            yield from (_detection(raw, only) for raw in elements(names["detections"]))
        elif "webhook_type" in names:
            yield Record("webhook", body)
        elif {"id", "message"} <= set(names):
            raise VendorChanged("is an error answer, not a read", body)
        else:
            raise VendorChanged("is neither a webhook of Verkada's nor an answer with detections", body)

    def read_of(self, record: Record) -> Read:
        """A webhook of the type `lpr`, or a detection with the camera that was asked."""
        fields = record.fields()
        if record.kind == "detection":
            told = fields.inside("detection")
            if told is None:
                raise Unusable("detection", "is missing")
            at = _when(told, "timestamp")
            pictures = ((ImageKind.PLATE, "image_url"), (ImageKind.VEHICLE, "vehicle_image_url"))
            return _read(fields.ident("camera_id"), told, told.text("license_plate"), at, at, pictures)
        kind = fields.text_or_none("webhook_type")
        if kind is None or kind.casefold() != "lpr":
            raise NoRead("webhook_type", "is none that tells of plates")
        data = fields.inside("data")
        if data is None:
            raise Unusable("data", "is missing")
        created = _when(data, "created")
        at = _when(data, "detected") if data.has("detected") else created
        plate = data.text("license_plate_number")
        return _read(data.ident("camera_id"), data, plate, at, created, ((ImageKind.PLATE, "image_url"),))

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
        name = _markable(delta.list_name)
        wanted = one_a_plate(alive(delta.complete, self.frame.clock.now()), self.held_form)
        held = {self.held_form(one.plate): one for one in self._held()}
        fresh = {form: _described(entry, name) for form, entry in wanted.items() if form not in held}
        gone, added, removed, by_hand = list[str](), len(fresh), 0, 0
        for form, one in held.items():
            others = [other for other in one.lists if other != name]
            if form not in wanted and name in one.lists:
                removed += 1
                if others:
                    self._describe(one.plate, one.described(others))
                else:
                    gone.append(one.plate)
            elif form in wanted and not one.lists:
                by_hand += 1
            elif form in wanted and name not in one.lists:
                added += 1
                self._describe(one.plate, one.described([*one.lists, name]))
            elif form in wanted and not others and one.described([name]) != _described(wanted[form], name):
                self._describe(one.plate, _described(wanted[form], name))
        self._drop(gone)
        self._create(fresh)
        if by_hand:
            raise AdminMustFix(
                f"{by_hand} plates of the list are at Verkada by somebody's hand; remove them there or from the list"
            )
        return contract.PushReport(added=added, removed=removed)

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The plates that bear the list's mark; none at all is an empty list, since Verkada has but one."""
        name = _markable(list_name)
        return (RemoteEntry(one.plate, None, one.plate) for one in self._held() if name in one.lists)

    def _held(self) -> Iterator[_Held]:
        for answer in self._paged(_PLATES, _Plates, {"page_size": LISTS_PAGE}):
            for one in answer.license_plate_of_interest:
                text, lists = (one.description or "").rstrip(), list[str]()
                while found := _MARK.search(text):
                    text = text[: found.start()]
                    lists.insert(0, found[1])
                yield _Held(one.license_plate, text, tuple(lists))

    def _describe(self, plate: str, description: str) -> None:
        body = msgspec.json.encode({"description": description})
        self._http.request("PATCH", _PLATES, params={"license_plate": plate}, content=body, headers=_JSON)

    def _create(self, fresh: Mapping[str, str]) -> None:
        if len(fresh) <= ONE_BY_ONE:
            for plate, description in fresh.items():
                self._http.post(_PLATES, {"license_plate": plate, "description": description}, repeatable=False)
            return
        for batch in batched(fresh.items(), FILE_ROWS):
            self._upload("POST", as_csv(("License Plate", "Name"), batch))

    def _drop(self, plates: Sequence[str]) -> None:
        if len(plates) <= ONE_BY_ONE:
            for plate in plates:
                with suppress(Gone):
                    self._http.request("DELETE", _PLATES, params={"license_plate": plate})
            return
        for batch in batched(plates, FILE_ROWS):
            self._upload("DELETE", as_csv(("License Plate",), [(plate,) for plate in batch]))

    def _upload(self, method: str, csv: bytes) -> None:
        files = {"file": ("plates.csv", csv, "text/csv")}
        self._http.request(method, f"{_PLATES}/batch", files=files, repeatable=method == "DELETE")


def _detection(raw: bytes, camera: str | None) -> Record:
    """A detection's own bytes beside the camera that was asked, which they do not name."""
    return Record("detection", b'{"camera_id":' + msgspec.json.encode(camera) + b',"detection":' + raw + b"}")


def _read(
    camera: str, told: Fields, plate: str, at: Moment, created: Moment, pictures: Sequence[tuple[ImageKind, str]]
) -> Read:
    urls = ((kind, told.text_or_none(name)) for kind, name in pictures)
    # Detection and webhook of one car have camera, second and plate in common (seen in public code), and nothing else.
    second = Moment(created.at.replace(microsecond=0), created.zone)
    return Read(
        vendor_read_id=derived_id(camera, second, plate),
        plate_raw=plate,
        state=state(told.text_or_none("license_plate_state"), "US"),
        plate_confidence=scaled(told.decimal_or_none("confidence"), Scale.UNIT, "confidence"),
        confidence_scale=Scale.UNIT,
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera),
        images=tuple(ImageRef(kind=kind, url=url) for kind, url in urls if url and "://" in url),
    )


def _when(fields: Fields, name: str) -> Moment:
    """The instant of a count of seconds or of milliseconds: Verkada writes both in one object (documented)."""
    count = fields.decimal(name)
    return from_epoch(count, "ms" if count >= _MILLIS else "s", name)


def _described(entry: Entry, name: str) -> str:
    """What Verkada shows of an entry: reason and case, and the list that it is on."""
    return " ".join(f"{entry.reason} {entry.case_number}".split()) + f" [{name}]"


def _markable(list_name: str) -> str:
    if "[" in list_name or "]" in list_name:
        raise AdminMustFix("a list for Verkada may have no square brackets in its name: they mark its plates there")
    return " ".join(list_name.split())
