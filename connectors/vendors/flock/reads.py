"""A lookup result or an alert as a read."""

from contextlib import suppress

from connectors.cameras import camera_of
from connectors.fields import Fields
from connectors.identity import derived
from connectors.plates import plate_at
from normalize.confidence import Scale
from normalize.fault import Unusable
from normalize.origin import origin
from normalize.read import Camera, ImageKind, ImageRef, Match, Read
from normalize.times import from_iso


def read_of_lookup(fields: Fields) -> Read:
    """A lookup result."""
    at = from_iso(fields.text("capturedAt"), field="capturedAt")
    place = origin(fields.text_or_none("state.state"))
    confidence = fields.share("plate.confidence", Scale.UNIT)
    name = fields.text_or_none("device.name")
    return Read(
        vendor_read_id=fields.ident("id"),
        plate_raw=plate_at(fields, "plate.plate", confidence),
        state=place.state,
        country=place.country,
        plate_confidence=confidence,
        state_confidence=fields.share("state.confidence", Scale.UNIT),
        confidence_scale=Scale.UNIT,
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera_of(fields.ident_or_none("device.id"), name), name=name),
        place=fields.place("device.location.latitude", "device.location.longitude"),
        link=fields.text_or_none("link"),
    )


def read_of_push(fields: Fields, *, alert: bool) -> Read:
    """An alert, or a read of the all-reads webhook of 2022."""
    at = from_iso(fields.text("eventTime"), field="eventTime")
    if not fields.has("ocr"):
        raise Unusable("ocr", "is missing: the alert names no plate")
    confidence = fields.share("ocr.labelConfidence", Scale.UNIT)
    label = plate_at(fields, "ocr.label", confidence)
    name = fields.text_or_none("deviceName")
    # The form of 2022 has no device id; a name alone may stand for a camera in each of two networks.
    named = " / ".join(part for part in (fields.text_or_none("networkName"), name) if part)
    camera = camera_of(fields.ident_or_none("deviceExternalId"), named)
    # The form of 2022 brings no id of its own.
    ident = fields.ident("objectId") if alert else derived(camera, at.at.isoformat(), label)
    place = origin(fields.text_or_none("ocr.state"))
    return Read(
        vendor_read_id=ident,
        plate_raw=label,
        state=place.state,
        country=place.country,
        plate_confidence=confidence,
        state_confidence=fields.share("ocr.stateConfidence", Scale.UNIT),
        confidence_scale=Scale.UNIT,
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera, name=name),
        place=fields.place("deviceLat", "deviceLong"),
        images=_images(fields),
        matches=tuple(
            Match(
                list_name=source.text_or_none("name") or "unnamed list",
                reason=source.text_or_none("reason"),
                case_number=source.text_or_none("caseNumber"),
                audience=source.text_or_none("customHotlistAudience"),
            )
            for source in fields.each("sources")
        ),
        link=fields.text_or_none("detailsUrl"),
    )


def _images(fields: Fields) -> tuple[ImageRef, ...]:
    url = fields.text_or_none("imageUrl")
    if url is None:
        return ()
    until = None
    stamp = fields.text_or_none("imageExpiration") or fields.text_or_none("imageUrlExpiration")
    with suppress(Unusable):  # an unreadable end of a picture's address must not cost the alert
        until = from_iso(stamp, field="imageExpiration").at if stamp else None
    return (ImageRef(kind=ImageKind.VEHICLE, url=url, expires_at=until),)
