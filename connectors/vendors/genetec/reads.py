"""A Sharp's read, its FTP file, a third party's read or the older webhook's, as a read."""

import re
from typing import Any, Final

from connectors.cameras import camera_of
from connectors.fields import Fields
from connectors.identity import derived
from connectors.plates import plate_at
from connectors.vendors.genetec.attributes import NOTHING, Attributes, analytics_of
from connectors.vendors.genetec.settings import GenetecSettings
from normalize.confidence import Scale, scaled
from normalize.fault import Unusable
from normalize.origin import Origin, origin
from normalize.plate import canonical
from normalize.read import Camera, ImageKind, ImageRef, Read
from normalize.times import Moment, Zone, from_iso

_GUID: Final = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_UTC_DATE: Final = re.compile(r"([0-9]{4})[:/.-]([0-9]{2})[:/.-]([0-9]{2})")
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")


def read_of_sharp(data: dict[str, Any], settings: GenetecSettings) -> Read:
    """A Sharp's own read, in JSON or in XML."""
    plate, fields = _plate(data, "PlateRead"), Fields(data)
    attributes = Attributes(analytics_of(data.get("PlateAnalytics")))
    said = fields.text("Timestamp")
    at = from_iso(said, settings.zone, "Timestamp")
    return _read(
        fields,
        plate,
        at,
        camera=_camera(fields, "SourceUrl", "LprCameraName"),
        ident=("Id", said),
        share=(attributes.get("confidence score"), Scale.PERCENT, "PlateAnalytics.Confidence Score"),
        origin=origin(attributes.said("state name"), attributes.country(), settings.state_codes),
        place=fields.place("Latitude", "Longitude"),
        vehicle=attributes.vehicle(),
    )


def read_of_file(data: dict[str, Any], settings: GenetecSettings) -> Read:
    """A file that a Sharp dropped."""
    plate, fields = _plate(data, "Plate"), Fields(data)
    date, clock = fields.text("UTCDate"), fields.text("UTCTime")
    day = _UTC_DATE.fullmatch(date)
    if day is None:
        raise Unusable("UTCDate", "is not a year, a month and a day")
    return _read(
        fields,
        plate,
        _in_utc(f"{day[1]}-{day[2]}-{day[3]}T{clock}", "UTCDate and UTCTime"),
        camera=_camera(fields, "SourceName", "CameraName"),
        ident=("Guid", f"{date} {clock}"),
        share=(_measured(data, "ConfidenceScore"), Scale.PERCENT, "ConfidenceScore"),
        origin=origin(fields.text_or_none("State"), codes=settings.state_codes),
        place=fields.place("LatitudeY", "LongitudeX"),
    )


def read_of_ingested(data: dict[str, Any], settings: GenetecSettings) -> Read:
    """A third party's read."""
    plate, fields = _plate(data, "Plate"), Fields(data)
    said = fields.text("ReadTimeUtc")
    return _read(
        fields,
        plate,
        _in_utc(said, "ReadTimeUtc"),
        camera=_camera(fields, "ReferenceCameraId", "CameraName"),
        ident=("ReferenceReadId", said),
        share=(_measured(data, "Confidence"), Scale.UNIT, "Confidence"),
        origin=origin(fields.text_or_none("PlateStateProvince"), codes=settings.state_codes),
    )


def read_of_webhook(data: dict[str, Any], settings: GenetecSettings) -> Read:
    """A read of the older webhook, which has no id."""
    attributes = data.get("Attributes")
    told = Attributes(attributes.items() if isinstance(attributes, dict) else ())
    plate, fields = _plate(data, "Plate"), Fields(data)
    date, clock = fields.text("DateUtc"), fields.text("TimeUtc")
    day = _DAY_FIRST.fullmatch(date)
    if day is None:
        raise Unusable("DateUtc", "is not a day, a month and a year")
    sure = told.get("state name confidence score")
    return _read(
        fields,
        plate,
        _in_utc(f"{day[3]}-{day[2]:0>2}-{day[1]:0>2}T{clock}", "DateUtc and TimeUtc"),
        camera=_camera(fields, "CameraName", "CameraName"),
        ident=("", f"{date} {clock}"),
        share=(_measured(data, "ConfidenceScore"), Scale.PERCENT, "ConfidenceScore"),
        origin=origin(fields.text_or_none("State") or told.said("state name"), told.country(), settings.state_codes),
        state_confidence=scaled(sure, Scale.PERCENT, "Attributes.State Name Confidence Score"),
        vehicle=told.vehicle(),
    )


def _plate(data: dict[str, Any], name: str) -> str:
    if name not in data:
        raise Unusable(name, "is missing")
    return plate_at(Fields(data), name, words=(NOTHING,), numbers=True)


def _camera(fields: Fields, ident: str, name: str) -> Camera:
    known = fields.text_or_none(name)
    return Camera(id=camera_of(fields.ident_or_none(ident), fields.ident_or_none(name)), name=known and known[:500])


def _ident(text: str, field: str, camera: Camera) -> str:
    """A Guid without braces and capitals, which differ by form; the id of a third party's read with its camera's."""
    guid = _GUID.fullmatch(text)
    known = guid[1].lower() if guid else text
    return f"{camera.id}/{known}" if field == "ReferenceReadId" else known


def _measured(data: dict[str, Any], path: str) -> float | None:
    """A number, or text that is one; None where it is empty and where Genetec could not tell."""
    return None if data.get(path) == NOTHING else Fields(data).decimal_or_none(path)


def _in_utc(text: str, field: str) -> Moment:
    """The instant of a time whose name says that it is in UTC, with an offset or without."""
    return Moment(from_iso(text, None, field).at, Zone.IN_DATA)


def _read(
    fields: Fields,
    plate: str,
    at: Moment,
    *,
    camera: Camera,
    ident: tuple[str, str],
    share: tuple[float | str | None, Scale, str],
    origin: Origin,
    **more: Any,
) -> Read:
    """What all forms share. `ident` is the id's field, and the time as it is written for where there is none."""
    known = fields.ident_or_none(ident[0])
    confidence = scaled(*share)
    images = ((ImageKind.FRAME, "ContextImage"), (ImageKind.PLATE, "PlateImage"))
    return Read(
        vendor_read_id=_ident(known, ident[0], camera) if known else derived(camera.id, ident[1], canonical(plate)),
        plate_raw=plate,
        state=origin.state,
        country=origin.country,
        plate_confidence=confidence,
        confidence_scale=None if confidence is None else share[1],
        captured_at=at.at,
        zone=at.zone,
        camera=camera,
        images=tuple(ImageRef(kind=kind, data=data) for kind, path in images if (data := fields.picture_or_none(path))),
        **more,
    )
