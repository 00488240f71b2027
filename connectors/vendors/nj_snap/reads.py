"""A search's read, a pushed hit and a document of the raw feed as reads."""

from contextlib import suppress
from typing import Any, Final

from connectors.cameras import camera_of
from connectors.fields import Fields
from connectors.identity import derived
from connectors.plates import plate_at
from connectors.vendors.nj_snap.pictures import pictures_of
from connectors.vendors.nj_snap.settings import NjSnapSettings
from normalize import vehicle
from normalize.confidence import scaled
from normalize.fault import Unusable
from normalize.origin import origin
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, Match, Place, Read
from normalize.times import Moment, from_epoch, from_iso

_COMPASS: Final = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")
_UNITS: Final = ((1e11, "s"), (1e14, "ms"), (1e17, "us"))
_SCENE: Final = (ImageKind.FRAME, "additionalImage1"), (ImageKind.FRAME, "additionalImage2")


def read_of_raw(fields: Fields) -> Read:
    """A document of the raw feed, whose `timestamp` counts seconds or a smaller unit: its size tells which."""
    count = _count(fields)
    unit = next((unit for below, unit in _UNITS if abs(count) < below), "ns")
    at = from_epoch(count, unit, "timestamp")
    name, plate = fields.ident_or_none("source.name"), plate_at(fields, "plate.tag")
    camera = camera_of(name)
    picture_id = fields.ident_or_none("image.id")
    return Read(
        vendor_read_id=_derived_id(camera, at, plate, picture_id or ""),
        plate_raw=plate,
        **_from(fields, "plate.code"),
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera, name=name),
        place=_place(fields),
        vehicle=_vehicle(fields, "vehicle.make.name", "color.code", "vehicle.type.name"),
    )


def read_of_search(fields: Fields, settings: NjSnapSettings) -> Read:
    """A read as a search answers it."""
    at = from_iso(fields.text("read_time"), settings.zone, "read_time")
    name, plate = fields.ident_or_none("camera_name"), plate_at(fields, "plate_num")
    camera = camera_of(name)
    return Read(
        vendor_read_id=_derived_id(camera, at, plate),
        plate_raw=plate,
        **_from(fields, "plate_code"),
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera, name=name),
        place=fields.place("location.lat", "location.lon"),
        vehicle=_vehicle(fields, "make", "color", "vehicle_type"),
        images=pictures_of(fields, (ImageKind.PLATE, "plate_img"), (ImageKind.FRAME, "full_img")),
    )


def read_of_hit(fields: Fields, settings: NjSnapSettings) -> Read:
    """A hit as it is pushed; its event's id is the read's, unless it is the plate written again."""
    at = from_iso(fields.text("eventDateTime"), settings.zone, "eventDateTime")
    camera = camera_of(fields.ident_or_none("cameraID"), fields.ident_or_none("cameraName"))
    scale = settings.confidence_scale
    share = scaled(fields.decimal_or_none("confidence"), scale, "confidence") if scale else None
    plate = plate_at(fields, "plateNumber", share)
    event, second = fields.ident_or_none("eventID"), fields.text_or_none("plateNumber2")
    # The public example writes the plate there, which would make every passage of a car one and the same event.
    is_its_own = event is not None and canonical(event) != canonical(plate)
    return Read(
        vendor_read_id=str(event) if is_its_own else _derived_id(camera, at, plate),
        plate_raw=plate,
        **_from(fields, "plateSt"),
        plate_confidence=share,
        confidence_scale=None if share is None else scale,
        candidates=(Candidate(text=second),) if second else (),
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera, name=fields.text_or_none("cameraName")),
        place=fields.place("latitude", "longitude"),
        **_heading(fields.text_or_none("direction")),
        vehicle=_vehicle(fields, "vehicleMake", "vehicleColor", "vehicleType", "vehicleModel"),
        images=pictures_of(fields, (ImageKind.VEHICLE, "imageVehicle"), (ImageKind.PLATE, "imagePlate"), *_SCENE),
        matches=(Match(list_name=f"NJ SNAP POI {fields.ident_or_none('ID') or 'without an ID'}"),),
    )


def _count(fields: Fields) -> float | int:
    with suppress(Unusable):
        # A count of nanoseconds is larger than any other number on a wire, so it is read as an id is.
        if (digits := fields.ident("timestamp")).isdecimal():
            return int(digits)
    return fields.decimal("timestamp")


def _place(fields: Fields) -> Place | None:
    """The position as latitude and longitude by name, or as GeoJSON, which writes the longitude first."""
    location = fields.inside("location")
    if location is not None and location.has("coordinates"):
        point = dict(zip(("lon", "lat"), location.items("coordinates"), strict=False))
        location = Fields(point, "location.coordinates")
    return location.place("lat", "lon") if location else None


def _from(fields: Fields, path: str) -> dict[str, Any]:
    """Where a plate is from, as fields of a read."""
    place = origin(fields.text_or_none(path))
    return {"state": place.state, "country": place.country}


def _vehicle(fields: Fields, make: str, colour: str, body: str, model: str = "") -> vehicle.Vehicle:
    return vehicle.Vehicle(
        make=vehicle.make(fields.text_or_none(make)),
        model=(fields.text_or_none(model) if model else None),
        colour=vehicle.colour(fields.text_or_none(colour)),
        body=vehicle.body(fields.text_or_none(body)),
    )


def _heading(word: str | None) -> dict[str, Any]:
    """A word of the compass as degrees from north; nothing for any other word."""
    plain = "".join(filter(str.isalpha, word or "")).lower().removesuffix("bound")
    if plain not in _COMPASS:
        return {}
    return {"direction": 45 * _COMPASS.index(plain), "direction_of": "north"}


def _derived_id(camera: str, at: Moment, plate: str, picture_id: str = "") -> str:
    """The same id for the same camera, instant and plate: a search tells no other."""
    return derived(camera, at.at.isoformat(), canonical(plate), picture_id)
