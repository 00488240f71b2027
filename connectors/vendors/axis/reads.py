"""A pushed event, an event of the log, or an ONVIF notification, as a read."""

from collections.abc import Mapping
from typing import Any, Final

from connectors import xml
from connectors.cameras import camera_of
from connectors.contract import Record
from connectors.errors import VendorChanged
from connectors.fields import Fields
from connectors.plates import is_none
from connectors.vendors.axis.pictures import addresses_of, brought_with
from connectors.vendors.axis.records import notifications_of
from connectors.vendors.axis.settings import AxisSettings
from connectors.vendors.axis.states import origin_of
from connectors.vendors.axis.times import abbreviated, instant
from connectors.vendors.axis.words import LOG, ONVIF, PUSH, Names, car_of, serial_of, short, unescaped
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Match, Read
from normalize.times import Moment

LONGEST_READING: Final = 64


def read_of_push(fields: Fields, attached: Mapping[str, bytes], settings: AxisSettings) -> Read:
    """A pushed event; its own pictures come before those that the camera keeps."""
    serial = fields.text_or_none("camera_info.SerialNumber") or fields.text_or_none("camera_info.MACAddress")
    sender = fields.text_or_none("sensorProviderID")
    images = brought_with(fields, attached)
    common = _common(fields, PUSH, serial_of(serial) or sender, instant(fields, settings.zone), settings)
    kinds = {image.kind for image in images}
    addresses = addresses_of(fields.items("imagesURI"), common["camera"].id, settings)
    return Read(
        **common | {"camera": Camera(id=common["camera"].id, name=None if sender == "defaultID" else sender)},
        place=fields.place("geotag.lat", "geotag.lon"),
        images=(*images, *(image for image in addresses if image.kind not in kinds)),
    )


def read_of_log(fields: Fields, settings: AxisSettings) -> Read:
    """An event of the camera's log."""
    at = abbreviated(fields.text("MOD_TS"), settings.zone, "MOD_TS")
    common = _common(fields, LOG, None, at, settings)
    pictures = [fields.text_or_none("LP_BMP"), fields.text_or_none("ROI_BMP")]
    return Read(**common, images=addresses_of(pictures, common["camera"].id, settings))


def read_of_notification(record: Record, settings: AxisSettings) -> Read:
    """The ONVIF notification that the record's part says."""
    try:
        messages = notifications_of(xml.element(record.payload))
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
        **_common(
            fields, ONVIF, serial_of(fields.text_or_none("MACAddress")), instant(fields, settings.zone), settings
        ),
        images=(ImageRef(kind=ImageKind.PLATE, data=data),) if data else (),
    )


def _common(fields: Fields, names: Names, camera: str | None, at: Moment, settings: AxisSettings) -> dict[str, Any]:
    """What all three wires tell, under the names of one."""
    confidence = scaled(fields.decimal_or_none(names.confidence), Scale.UNIT, names.confidence)
    raw, *others = _readings(fields, names, confidence)
    camera = camera_of(camera, setting=serial_of(settings.camera_id), address=settings.base_url)
    candidates = [Candidate(text=text) for text in others if len(text) <= LONGEST_READING]
    on_list, place = fields.text_or_none(names.list_name), origin_of(fields, names)
    return {
        "vendor_read_id": f"{camera}-{car_of(fields, names)}-{at.at:%Y%m%dT%H}",
        "plate_raw": raw,
        "state": place.state,
        "country": place.country,
        "plate_confidence": confidence,
        "confidence_scale": Scale.UNIT if confidence is not None else None,
        "candidates": (Candidate(text=raw, confidence=confidence), *candidates) if candidates else (),
        "captured_at": at.at,
        "zone": at.zone,
        "camera": Camera(id=camera),
        "vehicle": _vehicle(fields, names),
        "matches": (Match(list_name=on_list[:500], reason=short(fields.text_or_none(names.list_note))),)
        if on_list
        else (),
    }


def _readings(fields: Fields, names: Names, confidence: float | None) -> list[str]:
    """Every reading of the plate that is another text, the best first; raises where there is none."""
    readings: dict[str, str] = {}
    for name in names.plates:
        if (text := unescaped(fields.text_or_none(name))) and not is_none(text, confidence):
            readings.setdefault(canonical(text), text)
    if not readings and fields.text_or_none("carState") == "lost":
        raise NoRead(names.plates[0], "the event says no more than that the car has left")
    if not readings and any(map(fields.holds, names.plates)):
        raise NoRead(names.plates[0], "no plate was read")
    if not readings:
        raise Unusable(names.plates[0], "is missing")
    return list(readings.values())


def _vehicle(fields: Fields, names: Names) -> vehicle.Vehicle:
    model = fields.text_or_none("vehicle_info.model")
    return vehicle.Vehicle(
        make=vehicle.make(fields.text_or_none("vehicle_info.brand")),
        model=model and model[:100],
        colour=vehicle.colour(fields.text_or_none(names.colour)),
        body=vehicle.body(fields.text_or_none(names.body)),
    )
