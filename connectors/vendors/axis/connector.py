"""A camera's pushes are taken, its log is asked for, and its block list is a hot list."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from pydantic import SecretStr

from connectors import contract, xml
from connectors.answer import Answer
from connectors.auth import Digest, pushed_by_ours
from connectors.contract import Connector, Document, Entry, Page, Record, RemoteEntry
from connectors.encoding import in_utf8
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.fields import slices
from connectors.hotlists import alive, one_a_plate
from connectors.http import Http
from connectors.multipart import parts
from connectors.pictures import picture
from connectors.vendors.axis.block_list import mark_of, plates_of
from connectors.vendors.axis.pictures import APP, IMAGE
from connectors.vendors.axis.reads import read_of_log, read_of_notification, read_of_push
from connectors.vendors.axis.records import SINGLE_QUOTED, logged_events, records_of_parts, records_of_xml
from connectors.vendors.axis.settings import AxisSettings
from normalize.fault import NoRead
from normalize.plate import canonical
from normalize.read import ImageRef, Read

MOST_EVENTS: Final = 100_000
"""What a camera keeps at most."""
SLICE: Final = timedelta(hours=1)
"""How much of a window is asked for at a time: a busy hour stays far below what one answer may hold."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_HEARTBEAT: Final = ("system", "identify", "ALPV", "services")


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
            events = list(logged_events(answer.body, xml.element(answer.body)))
            if len(events) >= MOST_EVENTS:
                raise VendorChanged(f"{MOST_EVENTS} or more events in one hour: the camera keeps no more")
            yield Page(events, {"until": end.isoformat()})
            start = end

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def unpack(self, document: Document) -> Iterator[Record]:
        """A push with its pictures, a log of events, or ONVIF notifications as records."""
        body = document.body
        posted = parts(document)
        if posted is not None:
            yield from records_of_parts(posted, body)
        elif SINGLE_QUOTED.match(body):
            yield Record("heartbeat", body)
        elif in_utf8(body[:64]).lstrip()[:1] == b"<":
            yield from records_of_xml(body)
        else:
            elements = slices(body)
            for payload in elements if isinstance(elements, list) else [body]:
                if isinstance(elements, dict) and "lists" in elements:
                    raise VendorChanged("is the setting of lists, not reads", body)
                yield Record("push", payload)

    def read_of(self, record: Record) -> Read:
        """A pushed event, an event of the log, or an ONVIF notification; the same car gives the same read id."""
        if record.kind == "log":
            return read_of_log(xml.fields(record), self.settings)
        if record.kind == "onvif":
            return read_of_notification(record, self.settings)
        if record.kind == "heartbeat":
            raise NoRead("record", "a heartbeat carries no read")
        if record.kind == "pictures":
            raise NoRead("record", "has pictures alone")
        fields = record.fields()
        if not fields.has("carID") and not fields.has("plateText") and any(map(fields.has, _HEARTBEAT)):
            raise NoRead("record", "a heartbeat carries no read")
        return read_of_push(fields, record.attachments, self.settings)

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture from the camera's card; raises `Gone` where a newer one has taken its place."""
        if not image.url or not IMAGE.fullmatch(image.url):
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
        mark = mark_of(delta.list_name)
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
        mark = mark_of(list_name)
        yield from (RemoteEntry(canonical(plate)) for plate, note in self._block_list() if note == mark)

    def _block_list(self) -> list[tuple[str, str]]:
        return plates_of(self._ask("block_list.cgi").body)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
