"""What cameras push is taken, their plates are asked for, and their block group is the hot list."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from xml.sax.saxutils import escape

from pydantic import SecretStr

from connectors import contract, xml
from connectors.answer import Answer
from connectors.auth import OneLogin, pushed_by_ours
from connectors.contract import Connector, Document, Entry, Page, Record, RemoteEntry
from connectors.encoding import in_utf8
from connectors.errors import AdminMustFix, VendorChanged
from connectors.hotlists import alive, one_a_plate
from connectors.http import Http
from connectors.multipart import is_no_event, parts
from connectors.paging import by_moving_start
from connectors.pictures import is_picture
from connectors.vendors.hikvision.answers import must_be_done
from connectors.vendors.hikvision.device_list import (
    COLUMNS,
    PLATE,
    Row,
    as_file,
    blocks,
    day_of,
    list_of,
    numbered,
    row_of,
)
from connectors.vendors.hikvision.reads import read_of_asked, read_of_event
from connectors.vendors.hikvision.records import pictures_of, records_of
from connectors.vendors.hikvision.settings import HikvisionSettings
from connectors.vendors.hikvision.times import asked_form, instant
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Read

LIST: Final = "licensePlateAuditData?fileType=csv"


class HikvisionConnector(Connector[HikvisionSettings]):
    """Hikvision cameras and recorders with plate recognition."""

    info = contract.Info(
        key="hikvision",
        name="Hikvision ANPR (ISAPI)",
        company="Hangzhou Hikvision Digital Technology Co., Ltd.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="hikvision",
        limits=contract.Limits(per_second=2.0, parallel=1, page_size=1000),
        known_limits=(
            "Push or pull, not both on one connection: a plate that is asked for has another id than the one pushed.",
            "How many plates one answer holds at most is not published, nor their order: plates are asked for until an"
            " answer brings nothing new.",
            "Pictures come with a push alone; where a camera keeps those of other plates differs by model.",
            "A device without a UUID in its events has read ids made of its address, channel, time and plate.",
            "Writing the device's list replaces all of it: the block group becomes the hub's, everything else is read,"
            " kept and written back, and what somebody changes in the second between is lost.",
            "The list has whole days for expiry and no reason: an entry leaves with the next push after its end.",
            "Directions are forward or reverse and makes are Hikvision's own numbers: neither becomes a code.",
            "Hikvision signs nothing it pushes; a secret in a header or in the address is all the proof there is.",
        ),
    )
    Settings = HikvisionSettings
    proof: ClassVar[contract.Proof] = contract.Proof.READ_BACK
    inbound = contract.Inbound(content_types=("multipart/*", "application/xml", "text/xml", "application/json"))

    def __init__(self, settings: HikvisionSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        self._http = self.closing(
            Http(
                settings.base_url,
                frame,
                auth=OneLogin(settings.user, settings.password or SecretStr("")),
                limits=self.info.limits,
            )
        )

    def check(self) -> str:
        """Asks for the plates of the last minute; raises `AdminMustFix` where the login does not open them."""
        if not self.settings.base_url and self.settings.webhook_secret:
            return "What the camera pushes is taken; it has no address here, so nothing was asked of it."
        plates = self._after(self.frame.clock.now() - timedelta(minutes=1))
        return f"The camera took the login and told {len(plates)} plates of the last minute."

    def _ask(self, method: str, path: str, *, body: bytes | None = None, kind: str = "application/xml") -> Answer:
        if not self.settings.base_url:
            raise AdminMustFix("the camera's address is not set")
        sending: dict[str, Any] = {"content": body, "headers": {"Content-Type": kind}} if body is not None else {}
        where = f"/ISAPI/Traffic/channels/{self.settings.channel}/{path}"
        return self._http.request(method, where, json=False, **sending)

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every plate since the window began, asked for again from the newest one on until its end or nothing new.

        The camera takes no end, so plates younger than the window come too. Raises `VendorChanged` where the camera
        refuses, and where answers do not end. Nothing where no address is set: such a camera only pushes.
        """
        if not self.settings.base_url:
            return
        # A second back: times are told in seconds and whether the edge counts as after is not published.
        stretches = by_moving_start(
            window.since, lambda after, _: self._after(after), self._time_of, back=timedelta(seconds=1)
        )
        for stretch in stretches:
            over = stretch.over or stretch.newest >= window.until
            records = [Record("asked", plate) for plate in stretch.fresh]
            yield Page(records, {"until": window.until.isoformat()} if over else None)
            if over:
                return

    def _after(self, at: datetime) -> list[bytes]:
        since = asked_form(at, self.settings)
        body = f"<AfterTime><picTime>{escape(since)}</picTime></AfterTime>".encode()
        answer = self._ask(self.settings.method, "vehicleDetect/plates", body=body)
        must_be_done(answer.body)
        root = xml.element(answer.body)
        if xml.local(root.tag) != "Plates":
            raise VendorChanged("is no list of plates", answer.body)
        return list(xml.cut(answer.body, "Plate"))

    def _time_of(self, plate: bytes) -> datetime | None:
        try:
            said = xml.fields(Record("asked", plate)).text("captureTime")
            return instant(said, self.settings.zone, "captureTime").at
        except Unusable:
            return None

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def unpack(self, document: Document) -> Iterator[Record]:
        """A push (multipart, bare XML or JSON) or an answer with plates as records, with the pictures beside them."""
        posted = parts(document)
        if posted is None:
            yield from records_of(document.body, {})
            return
        events = [
            part
            for part in posted
            if not is_picture(part.body) and in_utf8(part.body[:64]).lstrip()[:1] in (b"<", b"{", b"[")
        ]
        if posted and not events and all(map(is_no_event, posted)):
            yield Record("pictures", document.body)
        elif not events:
            raise VendorChanged("is multipart without an event", document.body)
        for number, part in enumerate(events):
            yield from records_of(part.body, {} if number else pictures_of(posted))

    def read_of(self, record: Record) -> Read:
        """A pushed event in XML or JSON, or a plate that was asked for; pictures alone are sent again and no read."""
        if record.kind == "pictures":
            raise NoRead("record", "has pictures alone")
        if record.kind == "asked":
            return read_of_asked(xml.fields(record), self.settings)
        fields = record.fields() if record.kind == "json" else xml.fields(record)
        fields = fields.inside("EventNotificationAlert") or fields
        kind = fields.text_or_none("eventType")
        anpr = fields.inside(fields.first("ANPR", "aNPR", "anpr"))
        if kind is not None and kind.casefold() != "anpr":
            raise NoRead("eventType", "is not one that carries a read")
        if anpr is None:
            raise Unusable("ANPR", "is missing")
        return read_of_event(fields, anpr, record.attachments, self.settings)

    def held_form(self, plate: str) -> str:
        """Upper case without blanks and hyphens: devices compare with what they read (seen in public code)."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Each plate once and without a state, which the device has no room for."""
        return {(form, None): entry for form, entry in one_a_plate(entries, self.held_form).items()}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Make the block group of the device's list `delta.complete`; every other row goes back as it came.

        Writing replaces the device's whole list, so it is read first, and read again to see that what was kept is
        there. Safe to repeat. Raises `AdminMustFix` for another hot list than the one of the settings, where the list
        is too long for the device, and, once everything else was sent, where a plate stands in another group too.
        """
        self._must_be_ours(delta.list_name)
        wanted = one_a_plate(alive(delta.complete, self.frame.clock.now()), self.held_form)
        head, rows = self._list()
        before = {canonical(row[PLATE]) for row in rows if blocks(row)}
        kept = [row for row in rows if not blocks(row)]
        clashes = wanted.keys() & {canonical(row[PLATE]) for row in kept}
        width = len(rows[0]) if rows else COLUMNS
        today = day_of(self.frame.clock.now(), self.settings)
        ours = [
            row_of(plate, entry, today, width, self.settings) for plate, entry in wanted.items() if plate not in clashes
        ]
        if rows or ours:
            self._write(head, kept, ours)
        if clashes:
            raise AdminMustFix(f"{len(clashes)} entries stand in another group of the device's list; the rest was sent")
        return contract.PushReport(added=len(wanted.keys() - before), removed=len(before - wanted.keys()))

    def _write(self, head: str, kept: Sequence[Row], ours: Sequence[Row]) -> None:
        """Write the device's list anew; raises `VendorChanged` where what was kept is not there afterwards."""
        answer = self._ask("PUT", LIST, body=as_file(head, numbered([*kept, *ours])), kind="text/csv")
        must_be_done(answer.body)
        there = [row[1:] for row in self._list()[1]]
        if any(row[1:] not in there for row in kept):
            raise VendorChanged("the device lost entries of other groups that were written back", answer.body)

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The block group of the device's list; raises `AdminMustFix` for any other hot list than the settings'."""
        self._must_be_ours(list_name)
        return (RemoteEntry(canonical(row[PLATE])) for row in self._list()[1] if blocks(row))

    def _must_be_ours(self, list_name: str) -> None:
        if list_name != self.settings.hot_list:
            raise AdminMustFix("the device holds one hot list, the one that its settings name, and this is another")

    def _list(self) -> tuple[str, list[Row]]:
        return list_of(self._ask("GET", LIST).body)
