"""AXIS License Plate Verifier: what a camera pushes, its own log of events, its pictures and its block list."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element

from pydantic import SecretStr

from connectors import contract, xml
from connectors.answer import Answer
from connectors.auth import Digest, pushed_by_ours
from connectors.contract import Connector, Document, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.fields import Fields, slices, vendor_says
from connectors.hotlists import alive, one_a_plate
from connectors.http import Http
from connectors.multipart import Part, parts
from connectors.pictures import is_picture, picture
from connectors.vendors.axis.settings import AxisSettings
from connectors.vendors.axis.times import abbreviated, instant
from connectors.vendors.axis.words import LOG, ONVIF, PUSH, Names, car_of, serial_of, short, state_of, unescaped
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Match, Read
from normalize.times import Moment

APP: Final = "/local/fflprapp/"
MOST_EVENTS: Final = 100_000
"""What a camera keeps at most."""
SLICE: Final = timedelta(hours=1)
"""How much of a window is asked for at a time: a busy hour stays far below what one answer may hold."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_READING: Final = 64
_MICROSECOND: Final = timedelta(microseconds=1)
_HEARTBEAT: Final = ("system", "identify", "ALPV", "services")
_SINGLE_QUOTED: Final = re.compile(rb"\s*\{\s*'(system|identify|ALPV|services)'\s*:")
_IMAGE: Final = re.compile(r"/local/fflprapp/tools\.cgi\?action=getImage&name=\w[\w./-]*")
_KINDS: Final = {"plate": ImageKind.PLATE, "vehicle": ImageKind.VEHICLE}


class AxisConnector(Connector[AxisSettings]):
    """Cameras that run AXIS License Plate Verifier."""

    info = contract.Info(
        key="axis",
        name="AXIS License Plate Verifier",
        company="Axis Communications AB",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="axis",
        limits=contract.Limits(per_second=5.0, parallel=1, page_size=1000),
        known_limits=(
            "Of a car's events (new, update, lost) the first that arrives makes the read and the others are repeats of"
            " it: a text that changes later is not taken over. Let the camera send `lost` alone for the final text, or"
            " `new` too for an alert ten seconds earlier.",
            "A camera counts cars from the start again when it restarts, so the hour is part of a read's id: a car seen"
            " over the turn of an hour can give two reads.",
            "A camera keeps its newest 100 000 events, and its pictures until the card is full.",
            "The log tells whole seconds of local time; abbreviations such as CST need the time zone setting.",
            "Directions are in or out as the camera was set up, not degrees, so a read has none.",
            "Axis signs nothing it pushes; a secret in a header or in the address is all the proof there is.",
            "The block list takes one plate at a time, holds no expiry, and is shared with whoever runs the camera:"
            " only entries that carry the hub's mark are ever removed.",
        ),
    )
    Settings = AxisSettings
    proof: ClassVar[contract.Proof] = contract.Proof.READ_BACK
    inbound = contract.Inbound(content_types=("application/json", "multipart/*", "application/xml", "text/xml"))

    def __init__(self, settings: AxisSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        self._http = self.closing(
            Http(
                settings.base_url,
                frame,
                auth=Digest(settings.user, settings.password or SecretStr("")),
                limits=self.info.limits,
            )
        )

    def check(self) -> str:
        """Asks the camera for its lists; raises `AdminMustFix` where the login does not open them."""
        if not self.settings.base_url and self.settings.webhook_secret:
            return "What the camera pushes is taken; it has no address here, so nothing was asked of it."
        lists = slices(self._ask("list_mgmt.cgi", json=True).body)
        if not isinstance(lists, dict) or "lists" not in lists:
            raise VendorChanged("the camera does not tell its lists")
        return "The camera took the login and told its lists."

    def _ask(self, program: str, *, json: bool = False, **params: str | int) -> Answer:
        if not self.settings.base_url:
            raise AdminMustFix("the camera's address is not set")
        return self._http.get(APP + program, params=params, json=json)

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """The camera's log, an hour at a time, oldest first; both ends count as inside. Nothing without an address.

        Raises `VendorChanged` where one hour holds as many events as a camera keeps: older ones would be missing.
        """
        if not self.settings.base_url:
            return
        start = window.since
        while start < window.until:
            end = min(start + SLICE, window.until)
            answer = self._ask("events.cgi", timestampfrom=_micros(start), timestampto=_micros(end))
            found = list(self._events(answer.body, xml.element(answer.body)))
            if len(found) >= MOST_EVENTS:
                raise VendorChanged(f"{MOST_EVENTS} or more events in one hour: the camera keeps no more")
            yield Page(found, {"until": end.isoformat()})
            start = end

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def unpack(self, document: Document) -> Iterator[Record]:
        """A push with its pictures, a log of events, or ONVIF notifications as records."""
        body = document.body
        found = parts(document)
        if found is not None:
            yield from _posted(found, body)
        elif _SINGLE_QUOTED.match(body):
            yield Record("heartbeat", body)
        elif body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
            yield from self._from_xml(body)
        else:
            told = slices(body)
            for payload in told if isinstance(told, list) else [body]:
                if isinstance(told, dict) and "lists" in told:
                    raise VendorChanged("is the setting of lists, not reads", body)
                yield Record("push", payload)

    def _from_xml(self, body: bytes) -> Iterator[Record]:
        root = xml.element(body)
        name = xml.local(root.tag)
        if name == "events":
            yield from self._events(body, root)
            return
        count = len(_notifications(root))
        if not count:
            raise VendorChanged("is neither a log of events nor a notification", body)
        yield from (Record("onvif", body, part) for part in range(count))

    def _events(self, body: bytes, root: Element) -> Iterator[Record]:
        if xml.local(root.tag) != "events":
            raise VendorChanged("is no log of events", body)
        if any(xml.local(child.tag) == "vcount" for child in root):
            raise VendorChanged("is a count of events, not reads", body)
        yield from (Record("log", payload) for payload in xml.cut(body, "event"))

    def read_of(self, record: Record) -> Read:
        """A pushed event, an event of the log, or an ONVIF notification; the same car gives the same read id."""
        if record.kind == "log":
            return self._logged(xml.fields(record))
        if record.kind == "onvif":
            return self._notified(record)
        if record.kind == "heartbeat":
            raise NoRead("record", "a heartbeat carries no read")
        fields = record.fields()
        if not fields.has("carID") and not fields.has("plateText") and any(map(fields.has, _HEARTBEAT)):
            raise NoRead("record", "a heartbeat carries no read")
        return self._pushed(fields, record.attachments)

    def _pushed(self, fields: Fields, attached: Mapping[str, bytes]) -> Read:
        serial = fields.text_or_none("camera_info.SerialNumber") or fields.text_or_none("camera_info.MACAddress")
        sender = fields.text_or_none("sensorProviderID")
        kind = _KINDS.get((fields.text_or_none("imageType") or "").lower(), ImageKind.FRAME)
        images = [ImageRef(kind=kind if first else _other(kind), data=data) for first, data in _numbered(attached)]
        for name in ("ImageArray", "imageArray"):
            for item in fields.each(name):
                if data := item.picture_or_none("BinaryImage"):
                    shows = (item.text_or_none("ImageType") or "").lower()
                    images.append(ImageRef(kind=_KINDS.get(shows, kind), data=data))
        told = self._common(fields, PUSH, serial_of(serial) or sender, instant(fields, self.settings.zone))
        brought = {image.kind for image in images}
        addresses = self._addresses(fields.items("imagesURI"), told["camera"].id)
        return Read(
            **told | {"camera": Camera(id=told["camera"].id, name=None if sender == "defaultID" else sender)},
            place=fields.place("geotag.lat", "geotag.lon"),
            images=(*images, *(image for image in addresses if image.kind not in brought)),
        )

    def _logged(self, fields: Fields) -> Read:
        at = abbreviated(fields.text("MOD_TS"), self.settings.zone, "MOD_TS")
        told = self._common(fields, LOG, None, at)
        pictures = [fields.text_or_none("LP_BMP"), fields.text_or_none("ROI_BMP")]
        return Read(**told, images=self._addresses(pictures, told["camera"].id))

    def _notified(self, record: Record) -> Read:
        try:
            messages = _notifications(xml.element(record.payload))
        except VendorChanged as changed:
            raise Unusable("record", str(changed)) from None
        if record.part >= len(messages):
            raise Unusable("record", "has fewer notifications than the record says")
        nodes = list(messages[record.part].iter())
        items = {str(n.get("Name")): n.get("Value") for n in nodes if xml.local(n.tag) == "SimpleItem"}
        said = next((n.get("UtcTime") for n in nodes if xml.local(n.tag) == "Message" and n.get("UtcTime")), None)
        fields = Fields({"UtcTime": said, **items})
        if not any(map(fields.has, ONVIF.plates)) or fields.text_or_none("isDetected") == "0":
            raise NoRead("record", "the notification tells of no plate")
        data = fields.picture_or_none("lpImage")
        return Read(
            **self._common(
                fields, ONVIF, serial_of(fields.text_or_none("MACAddress")), instant(fields, self.settings.zone)
            ),
            images=(ImageRef(kind=ImageKind.PLATE, data=data),) if data else (),
        )

    def _common(self, fields: Fields, names: Names, camera: str | None, at: Moment) -> dict[str, Any]:
        """What all three wires tell, under the names of one."""
        readings: dict[str, str] = {}
        for name in names.plates:
            if text := unescaped(fields.text_or_none(name)):
                readings.setdefault(canonical(text), text)
        if not readings and fields.text_or_none("carState") == "lost":
            raise NoRead(names.plates[0], "the event says no more than that the car has left")
        if not readings:
            raise Unusable(names.plates[0], "is missing or empty")
        address = urlsplit(self.settings.base_url).hostname
        camera = camera or serial_of(self.settings.camera_id) or address or "camera"
        confidence = scaled(fields.decimal_or_none(names.confidence), Scale.UNIT, names.confidence)
        raw = next(iter(readings.values()))
        others = [Candidate(text=text) for text in readings.values() if text != raw and len(text) <= LONGEST_READING]
        on_list = fields.text_or_none(names.list_name)
        model = fields.text_or_none("vehicle_info.model")
        return {
            "vendor_read_id": f"{camera}-{car_of(fields, names)}-{at.at:%Y%m%dT%H}",
            "plate_raw": raw,
            "state": state_of(fields, names),
            "plate_confidence": confidence,
            "confidence_scale": Scale.UNIT if confidence is not None else None,
            "candidates": (Candidate(text=raw, confidence=confidence), *others) if others else (),
            "captured_at": at.at,
            "zone": at.zone,
            "camera": Camera(id=camera),
            "vehicle": vehicle.Vehicle(
                make=vehicle.make(fields.text_or_none("vehicle_info.brand")),
                model=model and model[:100],
                colour=vehicle.colour(fields.text_or_none(names.colour)),
                body=vehicle.body(fields.text_or_none(names.body)),
            ),
            "matches": (Match(list_name=on_list[:500], reason=short(fields.text_or_none(names.list_note))),)
            if on_list
            else (),
        }

    def _addresses(self, told: Iterable[Any], camera: str) -> tuple[ImageRef, ...]:
        """Where the camera of this connection has the pictures; none where the camera cannot be asked or is another."""
        ours = serial_of(self.settings.camera_id) in (None, camera)
        if not self.settings.base_url or not self.settings.fetch_images or not ours:
            return ()
        plain = ["".join(text.split()) for text in told if isinstance(text, str)]
        whole = [text if text.startswith("/") else APP + text for text in plain]
        return tuple(
            ImageRef(kind=ImageKind.PLATE if re.search(r"\dlp_", text) else ImageKind.FRAME, url=text)
            for text in whole
            if _IMAGE.fullmatch(text) and ".." not in text and len(text) <= 1000
        )

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture from the camera's card; raises `Gone` where a newer one has taken its place."""
        if not image.url or not _IMAGE.fullmatch(image.url):
            raise Gone("the read came without the address of a picture")
        return picture(self._http.get(image.url, json=False).body)

    def held_form(self, plate: str) -> str:
        """Upper case without blanks: a camera's own lists keep a blank that its readings lack."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Each plate once and without a state, which the camera has no room for."""
        return {(form, None): entry for form, entry in one_a_plate(entries, self.held_form).items()}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Make the marked entries of the camera's block list agree with `delta.complete`; safe to repeat.

        Entries without the hub's mark are somebody else's and stay. Raises `AdminMustFix`, once everything else was
        sent, where such an entry has the plate of one of ours: the camera then tells of the car under that entry.
        """
        mark = _mark(delta.list_name)
        wanted = one_a_plate(alive(delta.complete, self.frame.clock.now()), self.held_form)
        ours, others = dict[str, str](), set[str]()
        for plate, note in self._block_list():
            if note == mark:
                ours[canonical(plate)] = plate
            else:
                others.add(canonical(plate))
        gone = [plate for form, plate in ours.items() if form not in wanted]
        new = [plate for plate in wanted if plate not in ours and plate not in others]
        for plate in gone:
            self._change("delplate", plate)
        for plate in new:
            self._change("addplate", f"{plate},,{mark}")
            self.frame.sent(1)
        if clashes := sum(plate in others for plate in wanted):
            raise AdminMustFix(
                f"{clashes} entries stand on the camera's block list without the hub's mark; the rest is"
            )
        return contract.PushReport(added=len(new), removed=len(gone))

    def _change(self, api: str, plate: str) -> None:
        answer = self._ask("api.cgi", api=api, list=self.settings.list_word, plate=plate)
        if b"<html" in answer.body[:500].lower():
            raise VendorChanged("the camera answered a change of its list with a web page", answer.body)

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The entries of the camera's block list that carry this hot list's mark."""
        mark = _mark(list_name)
        yield from (RemoteEntry(canonical(plate)) for plate, note in self._block_list() if note == mark)

    def _block_list(self) -> list[tuple[str, str]]:
        """Every plate of the camera's block list as it stands there, with its description."""
        body = self._ask("block_list.cgi").body
        root = xml.element(body)
        if xml.local(root.tag) != "bw_list" or root.get("mode", "block") != "block":
            raise VendorChanged("is not the camera's block list", body)
        with vendor_says(body):
            rows = [(child.text or "").split(",", 2) for child in root if xml.local(child.tag) == "s"]
            if not all(row[0].strip() for row in rows):
                raise Unusable("bw_list.s", "has no plate")
        return [(row[0].strip(), row[2].strip() if len(row) > 2 else "") for row in rows]


def _posted(found: Sequence[Part], body: bytes) -> Iterator[Record]:
    """The events of a multipart push, the first of them with the pictures."""
    events = [part for part in found if part.body.lstrip()[:1] in (b"{", b"[") and not is_picture(part.body)]
    if not events:
        raise VendorChanged("is multipart without an event", body)
    pictures = {f"{number}-{part.name or part.filename}": part.body
                for number, part in enumerate(found) if is_picture(part.body)}  # fmt: skip
    for number, part in enumerate(events):
        heartbeat = _SINGLE_QUOTED.match(part.body)
        if not heartbeat:
            slices(part.body)
        yield Record("heartbeat" if heartbeat else "push", part.body, 0, {} if number else pictures)


def _numbered(attached: Mapping[str, bytes]) -> Iterator[tuple[bool, bytes]]:
    """Pictures in their order, each with whether it is the first."""
    known = (data for data in attached.values() if is_picture(data))
    return ((not number, data) for number, data in enumerate(known))


def _other(kind: ImageKind) -> ImageKind:
    """What a second picture shows: the plate, unless the first one does."""
    return ImageKind.FRAME if kind is ImageKind.PLATE else ImageKind.PLATE


def _notifications(root: Element) -> list[Element]:
    return [each for each in root.iter() if xml.local(each.tag) == "NotificationMessage"]


def _mark(list_name: str) -> str:
    """What the hub writes into the description of an entry, so that it knows its own again; never a comma."""
    return f"alprhub/{quote(list_name, safe='')}"


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
