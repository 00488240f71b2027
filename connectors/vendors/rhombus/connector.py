"""Vehicle events are asked for by time, and labels on saved vehicles are hot lists."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

import msgspec

from connectors import contract
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, Gone, TryAgain, VendorChanged
from connectors.fields import elements, slices
from connectors.hotlists import alive, one_a_plate
from connectors.http import Http
from connectors.paging import by_halves
from connectors.vendors.rhombus.answers import ENVELOPE, members_of, object_of, warns
from connectors.vendors.rhombus.caps import Cap, Events
from connectors.vendors.rhombus.settings import Keys, RhombusSettings
from connectors.vendors.rhombus.vehicles import Saved, ours, terms_of
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, Read
from normalize.times import from_epoch

STEP: Final = timedelta(hours=1)
"""The time that is asked for at once."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(milliseconds=1)
_EVENTS: Final = ("events", "licensePlateEvents")


class RhombusConnector(Connector[RhombusSettings]):
    """Rhombus Systems, API 2."""

    info = contract.Info(
        key="rhombus",
        name="Rhombus",
        company="Rhombus Systems, Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="rhombus",
        limits=contract.Limits(per_second=2.0, parallel=1, push_batch=1),
        known_limits=(
            "How many events an answer holds at most is not published: an answer of 100 or more is asked for again in"
            " halves until each half is shorter than an answer that came before.",
            "Pictures are named by a storage key, and the call that gives the picture is not described: none is kept.",
            "Events tell no state, no confidence and no vehicle.",
            "A hot list is a label on saved vehicles: two or three calls an entry, without state and without expiry.",
            "A vehicle that somebody else saved keeps its name and description and gets the label alone.",
            "Pushed events need a websocket and are not taken; a webhook for plates is not described.",
        ),
    )
    Settings = RhombusSettings
    proof: ClassVar[contract.Proof] = contract.Proof.READ_BACK

    def __init__(self, settings: RhombusSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        limits = replace(self.info.limits, per_second=settings.requests_per_second)
        self._http = self.closing(Http(settings.base_url, frame, auth=Keys(settings), limits=limits))

    def check(self) -> str:
        """Asks for the events of the last hour; raises `AdminMustFix` where the key does not open them."""
        now = self.frame.clock.now()
        found = self._events(now - timedelta(hours=1), now)
        return f"Rhombus took the key and answered with {len(found.events)} vehicle events of the last hour."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every event of the window, in the order of time, hour by hour; each event once.

        Raises `TryAgain` at the end where Rhombus warned that it answered in part: what came is kept, and nothing is
        claimed from there on. Raises `VendorChanged` where one millisecond may hold more events than an answer does.
        """
        cap, before, claims = Cap(), set[bytes](), True
        start = window.since
        while start < window.until:
            until = min(start + STEP, window.until)
            for end, found in by_halves(start, until, self._events, cap.may_hold, _TICK):
                claims = claims and found.whole
                # Whether both ends of a window count is not published, so neighbours share one and it comes twice.
                fresh = [event for event in dict.fromkeys(found.events) if event not in before]
                before = set(found.events)
                yield Page([Record("event", event) for event in fresh], {"until": end.isoformat()} if claims else None)
            start = until
        if not claims:
            raise TryAgain("Rhombus warned that it answered in part")

    def _events(self, since: datetime, until: datetime) -> Events:
        body = {"startTimeMs": _millis(since), "endTimeMs": _millis(until + _TICK - timedelta(microseconds=1))}
        members = self._asked("/vehicle/getVehicleEvents", body, partly=True)
        if "events" not in members:
            raise VendorChanged("the answer holds no events")
        return Events(elements(members["events"]), not warns(members))

    def _asked(
        self, path: str, body: Mapping[str, Any], *, repeatable: bool = True, partly: bool = False
    ) -> dict[str, bytes]:
        """The members of an answer that says neither that it failed nor, unless `partly`, that something is missing."""
        # Every address is a fixed one, so a 404 means that the interface is another one, never that there is nothing.
        answer = self._http.request(
            "POST",
            path,
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
            repeatable=repeatable,
            gone=(),
        )
        members = members_of(answer.body)
        if warns(members) and not partly:
            raise TryAgain("Rhombus warned that the call was carried out in part")
        return members

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """The events of an answer; raises `VendorChanged` for a refusal and for whatever else tells of no events."""
        parts = slices(document.body)
        if isinstance(parts, list):
            yield from (Record("event", event) for event in parts)
            return
        try:
            members_of(document.body)
        except AdminMustFix as refused:
            raise VendorChanged(f"is a refusal, not events: {refused}", document.body) from None
        name = next((name for name in _EVENTS if name in parts), None)
        if name is not None:
            yield from (Record("event", event) for event in elements(parts[name]))
        elif "eventTimestamp" in parts:
            yield Record("event", document.body)
        else:
            raise VendorChanged("holds no events", document.body)

    def read_of(self, record: Record) -> Read:
        """One vehicle event; one without a plate is a car whose plate was not read."""
        fields = record.fields()
        at = from_epoch(fields.decimal("eventTimestamp"), "ms", "eventTimestamp")
        ident, camera = fields.ident("uuid"), fields.ident("deviceUuid")
        plate = fields.text_or_none("vehicleLicensePlate")
        if plate is None and names_a_plate(record.payload):
            raise NoRead("vehicleLicensePlate", "is empty: the event is a vehicle whose plate was not read")
        if plate is None:
            raise Unusable("vehicleLicensePlate", "is missing")
        return Read(vendor_read_id=ident, plate_raw=plate, captured_at=at.at, zone=at.zone, camera=Camera(id=camera))

    def held_form(self, plate: str) -> str:
        """Upper case, letters and digits: nothing is published about how Rhombus writes plates."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Each plate once, without a state: a saved vehicle has none."""
        return {(form, None): entry for form, entry in one_a_plate(entries, self.held_form).items()}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Save what lacks, label it with the list's name, and take the label from the rest; safe to repeat.

        Every change is sent once: Rhombus carries out a repeated call again (documented). Raises `VendorChanged` where
        a vehicle that was saved is not there under its plate.
        """
        label = delta.list_name
        wanted = one_a_plate(alive(delta.complete, self.frame.clock.now()), self.held_form)
        saved, labels = self._saved(), self._labels()
        held = {form: plate for form, (plate, names) in labels.items() if label in names}
        for form, entry in wanted.items():
            kept = saved.get(form)
            name, description = terms_of(entry)
            if kept is None or (ours(kept) and (kept.name, kept.description) != (name, description)):
                plate = (kept and kept.license_plate) or form
                self._change("saveVehicle", plate, name=name, description=description)
                self.frame.sent(0)
        if any(form not in saved for form in wanted):
            now = self._saved()
            if lost := sum(form not in now for form in wanted):
                raise VendorChanged(f"{lost} of the vehicles that were saved are not there under their plates")
            saved = now
        added = [form for form in wanted if form not in held]
        for form in added:
            self._change("addVehicleLabel", saved[form].license_plate or form, label=label)
            self.frame.sent(1)
        removed = [form for form in held if form not in wanted]
        for form in removed:
            self._change("removeVehicleLabel", held[form], label=label)
        for form, kept in saved.items():
            # Also those that a push before this one saved or stripped of their label when it broke off.
            others = labels.get(form, ("", set()))[1] - {label}
            if form not in wanted and not others and ours(kept):
                self._change("deleteVehicle", kept.license_plate or form)
        return contract.PushReport(added=len(added), removed=len(removed))

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The plates that carry the list's label; raises `Gone` where none does."""
        held = [plate for plate, names in self._labels().values() if list_name in names]
        if not held:
            raise Gone("no vehicle at Rhombus carries that label")
        return (RemoteEntry(plate) for plate in held)

    def _change(self, call: str, plate: str, **more: str) -> None:
        # Under any other key than this one Rhombus saves an empty plate and reports no error.
        self._asked(f"/vehicle/{call}", {"vehicleLicensePlate": plate, **more}, repeatable=False)

    def _saved(self) -> dict[str, Saved]:
        """The saved vehicles by the canonical form of their plates; those without a plate are nobody's."""
        members = self._asked("/vehicle/getVehicles", {})
        try:
            vehicles = msgspec.json.decode(members.get("vehicles", b""), type=list[Saved])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise VendorChanged("the list of saved vehicles has another shape", members.get("vehicles", b"")) from None
        return {form: one for one in vehicles if (form := canonical(one.license_plate or ""))}

    def _labels(self) -> dict[str, tuple[str, set[str]]]:
        """By the canonical form of a plate, how Rhombus writes it and its labels.

        The answer maps plates to labels, whether bare or within one member is not published: both are taken.
        """
        members = self._asked("/vehicle/getVehicleLabelsForOrg", {})
        told = {name: raw for name, raw in members.items() if name not in ENVELOPE or raw.startswith(b"[")}
        if len(told) == 1 and next(iter(told.values())).startswith(b"{"):
            [inner] = told.values()
            told = object_of(inner)
        labels: dict[str, tuple[str, set[str]]] = {}
        for plate, raw in told.items():
            try:
                names = set(msgspec.json.decode(raw, type=list[str]))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise VendorChanged("the map of labels has another shape", raw) from None
            if form := canonical(plate):
                labels[form] = (plate, names | labels.get(form, ("", set()))[1])
        return labels


def names_a_plate(payload: bytes) -> bool:
    return "vehicleLicensePlate" in object_of(payload)


def _millis(at: datetime) -> int:
    return (at - _EPOCH) // _TICK
