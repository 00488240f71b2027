"""A lookup result or an alert as a read."""

from contextlib import suppress

from connectors.fields import Fields
from connectors.identity import derived
from normalize.confidence import Scale
from normalize.fault import Unusable
from normalize.origin import origin
from normalize.read import Camera, ImageKind, ImageRef, Match, Read
from normalize.times import from_iso


def read_of_lookup(fields: Fields) -> Read:
    """A lookup result."""
    at = from_iso(fields.text("capturedAt"), field="capturedAt")
    place = origin(fields.text_or_none("state.state"))
    return Read(
        vendor_read_id=fields.ident("id"),
        plate_raw=fields.text("plate.plate"),
        state=place.state,
        country=place.country,
        plate_confidence=fields.share("plate.confidence", Scale.UNIT),
        state_confidence=fields.share("state.confidence", Scale.UNIT),
        confidence_scale=Scale.UNIT,
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=fields.ident("device.id"), name=fields.text_or_none("device.name")),
        place=fields.place("device.location.latitude", "device.location.longitude"),
        link=fields.text_or_none("link"),
    )


def read_of_push(fields: Fields, *, alert: bool) -> Read:
    """An alert, or a read of the all-reads webhook of 2022."""
    at = from_iso(fields.text("eventTime"), field="eventTime")
    if not fields.has("ocr"):
        raise Unusable("ocr", "is missing: the alert names no plate")
    label = fields.text("ocr.label")
    name = fields.text_or_none("deviceName")
    # The form of 2022 has no device id; a name alone may stand for a camera in each of two networks.
    unnamed = " / ".join(part for part in (fields.text_or_none("networkName"), name) if part)
    camera = fields.ident_or_none("deviceExternalId") or unnamed
    if not camera:
        raise Unusable("deviceExternalId", "is missing, and no name stands in for it")
    # The form of 2022 brings no id of its own.
    ident = fields.ident("objectId") if alert else derived(camera, at.at.isoformat(), label)
    place = origin(fields.text_or_none("ocr.state"))
    return Read(
        vendor_read_id=ident,
        plate_raw=label,
        state=place.state,
        country=place.country,
        plate_confidence=fields.share("ocr.labelConfidence", Scale.UNIT),
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
