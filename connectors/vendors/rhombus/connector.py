"""Vehicle events are asked for by time, and labels on saved vehicles are hot lists."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

import msgspec

from connectors import contract
from connectors.cameras import camera_of
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, Gone, TryAgain, VendorChanged
from connectors.fields import elements, slices
from connectors.hotlists import alive, one_a_plate
from connectors.http import Http
from connectors.paging import by_halves
from connectors.plates import plate_at
from connectors.vendors.rhombus.answers import members_of, warns
from connectors.vendors.rhombus.caps import Cap, Events
from connectors.vendors.rhombus.labels import Labelled, labels_of, others
from connectors.vendors.rhombus.settings import Keys, RhombusSettings
from connectors.vendors.rhombus.vehicles import Saved, ours, saved_of, says_otherwise, terms_of
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
        answer = self._events(now - timedelta(hours=1), now)
        return f"Rhombus took the key and answered with {len(answer.events)} vehicle events of the last hour."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every event of the window, in the order of time, hour by hour; each event once.

        Raises `TryAgain` at the end where Rhombus warned that it answered in part: what came is kept, and nothing is
        claimed from there on. Raises `VendorChanged` where one millisecond may hold more events than an answer does.
        """
        cap, before, claims = Cap(), set[bytes](), True
        start = window.since
        while start < window.until:
            until = min(start + STEP, window.until)
            for end, answer in by_halves(start, until, self._events, cap.may_hold, _TICK):
                claims = claims and answer.whole
                # Whether both ends of a window count is not published, so neighbours share one and it comes twice.
                fresh = [event for event in dict.fromkeys(answer.events) if event not in before]
                before = set(answer.events)
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
        ident, camera = fields.ident("uuid"), camera_of(fields.ident_or_none("deviceUuid"))
        plate = plate_at(fields, "vehicleLicensePlate")
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
        before, labels = self._saved(), self._labels()
        saved = self._save(wanted, before)
        report = self._label(label, [(form, saved[form].license_plate or form) for form in wanted], labels)
        # Also those that a push before this one saved or stripped of their label when it broke off.
        unwanted = {form: vehicle for form, vehicle in saved.items() if form not in wanted}
        for form, vehicle in unwanted.items():
            if ours(vehicle) and not others(labels, form, label):
                self._change("deleteVehicle", vehicle.license_plate or form)
        return report

    def _label(
        self, label: str, plates: Sequence[tuple[str, str]], labels: Mapping[str, Labelled]
    ) -> contract.PushReport:
        """Let the label be carried by these plates and by no other; each is a form, and how Rhombus writes it."""
        carriers = {form: labelled.plate for form, labelled in labels.items() if label in labelled.names}
        added = [plate for form, plate in plates if form not in carriers]
        for plate in added:
            self._change("addVehicleLabel", plate, label=label)
            self.frame.sent(1)
        wanted = {form for form, _ in plates}
        removed = [plate for form, plate in carriers.items() if form not in wanted]
        for plate in removed:
            self._change("removeVehicleLabel", plate, label=label)
        return contract.PushReport(added=len(added), removed=len(removed))

    def _save(self, wanted: Mapping[str, Entry], saved: dict[str, Saved]) -> dict[str, Saved]:
        """Save each wanted plate that is not saved, or is in other words of the hub's, and give what is saved then."""
        for form, entry in wanted.items():
            vehicle = saved.get(form)
            if vehicle is None or says_otherwise(vehicle, entry):
                name, description = terms_of(entry)
                plate = (vehicle and vehicle.license_plate) or form
                self._change("saveVehicle", plate, name=name, description=description)
                self.frame.sent(0)
        if wanted.keys() <= saved.keys():
            return saved
        after = self._saved()
        if lost := len(wanted.keys() - after.keys()):
            raise VendorChanged(f"{lost} of the vehicles that were saved are not there under their plates")
        return after

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The plates that carry the list's label; raises `Gone` where none does."""
        held = [labelled.plate for labelled in self._labels().values() if list_name in labelled.names]
        if not held:
            raise Gone("no vehicle at Rhombus carries that label")
        return (RemoteEntry(plate) for plate in held)

    def _change(self, call: str, plate: str, **more: str) -> None:
        # Under any other key than this one Rhombus saves an empty plate and reports no error.
        self._asked(f"/vehicle/{call}", {"vehicleLicensePlate": plate, **more}, repeatable=False)

    def _saved(self) -> dict[str, Saved]:
        return saved_of(self._asked("/vehicle/getVehicles", {}))

    def _labels(self) -> dict[str, Labelled]:
        return labels_of(self._asked("/vehicle/getVehicleLabelsForOrg", {}))


def _millis(at: datetime) -> int:
    return (at - _EPOCH) // _TICK
