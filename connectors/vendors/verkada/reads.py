"""A webhook, or a detection with the camera that was asked, as a read."""

from collections.abc import Sequence
from typing import Final

import msgspec

from connectors.cameras import camera_of
from connectors.contract import Record
from connectors.fields import Fields
from connectors.identity import derived_id
from connectors.plates import plate_at
from normalize.confidence import Scale, scaled
from normalize.fault import NoRead, Unusable
from normalize.origin import origin
from normalize.read import Camera, ImageKind, ImageRef, Read
from normalize.times import Moment, from_epoch

MILLIS: Final = 100_000_000_000
"""From here on a count is one of milliseconds: as seconds it would lie three thousand years ahead."""


def detection_record(raw: bytes, camera: str | None) -> Record:
    """A detection's own bytes beside the camera that was asked, which they do not name."""
    return Record("detection", b'{"camera_id":' + msgspec.json.encode(camera) + b',"detection":' + raw + b"}")


def read_of_detection(fields: Fields) -> Read:
    """A detection with the camera that was asked for it."""
    detection = fields.inside("detection")
    if detection is None:
        raise Unusable("detection", "is missing")
    at = _when(detection, "timestamp")
    pictures = ((ImageKind.PLATE, "image_url"), (ImageKind.VEHICLE, "vehicle_image_url"))
    plate = plate_at(detection, "license_plate", _sure(detection))
    return _read(fields, detection, plate, at, at, pictures)


def read_of_webhook(fields: Fields) -> Read:
    """A webhook of the type `lpr`; any other tells of no plate."""
    kind = fields.text_or_none("webhook_type")
    if kind is None or kind.casefold() != "lpr":
        raise NoRead("webhook_type", "is none that tells of plates")
    data = fields.inside("data")
    if data is None:
        raise Unusable("data", "is missing")
    created = _when(data, "created")
    at = _when(data, "detected") if data.has("detected") else created
    plate = plate_at(data, "license_plate_number", _sure(data))
    return _read(data, data, plate, at, created, ((ImageKind.PLATE, "image_url"),))


def _read(
    asked: Fields, fields: Fields, plate: str, at: Moment, created: Moment, pictures: Sequence[tuple[ImageKind, str]]
) -> Read:
    camera = camera_of(asked.ident_or_none("camera_id"))
    urls = ((kind, fields.text_or_none(name)) for kind, name in pictures)
    # Detection and webhook of one car have camera, second and plate in common (seen in public code), and nothing else.
    place = origin(fields.text_or_none("license_plate_state"))
    second = Moment(created.at.replace(microsecond=0), created.zone)
    return Read(
        vendor_read_id=derived_id(camera, second, plate),
        plate_raw=plate,
        state=place.state,
        country=place.country,
        plate_confidence=_sure(fields),
        confidence_scale=Scale.UNIT,
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera),
        images=tuple(ImageRef(kind=kind, url=url) for kind, url in urls if url and "://" in url),
    )


def _sure(fields: Fields) -> float | None:
    return scaled(fields.decimal_or_none("confidence"), Scale.UNIT, "confidence")


def _when(fields: Fields, name: str) -> Moment:
    """The instant of a count of seconds or of milliseconds: Verkada writes both in one object (documented)."""
    count = fields.decimal(name)
    return from_epoch(count, "ms" if count >= MILLIS else "s", name)
