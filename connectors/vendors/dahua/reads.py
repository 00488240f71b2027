"""A pushed read, an event, or a file of the history, as a read."""

from typing import Final

from connectors.cameras import camera_of
from connectors.contract import Record
from connectors.fields import Fields
from connectors.identity import derived
from connectors.pictures import is_picture
from connectors.plates import is_none
from connectors.vendors.dahua.pictures import pictures_of
from connectors.vendors.dahua.settings import DahuaSettings
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.countries import country
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Match, Read
from normalize.times import Moment, from_epoch, from_iso, local
from normalize.word import Word, look_up

UNKNOWN: Final = frozenset({"unknow", "unknown"})
"""Words for what was not read; `Unknow`, `unknow`, `Unknown` and nothing at all are seen on one wire."""


def read_of_push(fields: Fields, settings: DahuaSettings) -> Read:
    """A read as ITSAPI pushes it."""
    picture = fields.inside("Picture")
    if picture is None or not picture.has("Plate"):
        raise Unusable("Picture.Plate", "is missing")
    confidence = _percent(picture, "Plate.Confidence")
    plate = _plate(picture, "Plate.PlateNumber", confidence)
    if plate is None or (picture.has("Plate.IsExist") and not picture.flag("Plate.IsExist")):
        raise NoRead("Picture.Plate.PlateNumber", "no plate was read")
    when = next((name for name in ("AccurateTime", "SnapTime") if picture.text_or_none(f"SnapInfo.{name}")), None)
    said = picture.text(f"SnapInfo.{when or 'AccurateTime'}")
    at = from_iso(said, settings.zone, f"Picture.SnapInfo.{when}")
    camera = _camera(picture.ident_or_none("SnapInfo.DeviceID"), settings)
    blocked, region = picture.flag("SnapInfo.BlockUser"), picture.text_or_none("Plate.Region")
    return Read(
        vendor_read_id=derived(camera.id, said, canonical(plate)),
        plate_raw=plate,
        state=look_up(region, {}),
        country=_country(region),
        plate_confidence=confidence,
        confidence_scale=None if confidence is None else Scale.PERCENT,
        captured_at=at.at,
        zone=at.zone,
        camera=camera,
        vehicle=vehicle.Vehicle(
            make=vehicle.make(picture.text_or_none("Vehicle.VehicleSign")),
            model=_known(picture, "Vehicle.VehicleSeries"),
            colour=vehicle.colour(picture.text_or_none("Vehicle.VehicleColor")),
            body=vehicle.body(picture.text_or_none("Vehicle.VehicleType")),
        ),
        images=tuple(pictures_of(picture)),
        matches=(Match(list_name="the camera's block list"),) if blocked else (),
    )


def read_of_event(outer: Fields, record: Record, settings: DahuaSettings) -> Read:
    """An event, pushed or from a stream; cars of one group are one pass."""
    fields = outer.inside("Data") or outer
    sure = _percent(fields, "Object.Confidence")
    car = _plate(fields, "TrafficCar.PlateNumber", sure)
    seen = _plate(fields, "Object.Text", sure) if fields.text_or_none("Object.ObjectType") == "Plate" else None
    plate = seen or car
    if plate is None:
        raise NoRead("TrafficCar.PlateNumber", "the event tells of no plate")
    at, stamp = _instant(fields, settings)
    machine = fields.ident_or_none("TrafficCar.MachineName") or fields.ident_or_none("MachineName")
    camera = _camera(machine, settings)
    group = _group(fields)
    # Whether a group's number comes again is not published, so the day and the plate stand beside it.
    passage = (group, stamp[:10]) if group else (stamp,)
    return Read(
        vendor_read_id=derived(camera.id, *passage, canonical(plate)),
        pass_id=f"{camera.id[:200]}/{'/'.join(passage)}"[:500] if group else None,
        plate_raw=plate,
        candidates=(Candidate(text=car),) if car and canonical(car) != canonical(plate) else (),
        captured_at=at.at,
        zone=at.zone,
        camera=camera,
        vehicle=vehicle.Vehicle(
            make=vehicle.make(fields.text_or_none("TrafficCar.VehicleSign")),
            colour=vehicle.colour(fields.text_or_none("TrafficCar.VehicleColor")),
            body=vehicle.body(fields.text_or_none("Vehicle.Category")),
        ),
        images=tuple(
            ImageRef(kind=ImageKind.FRAME, data=data) for data in record.attachments.values() if is_picture(data)
        ),
    )


def read_of_file(fields: Fields, settings: DahuaSettings) -> Read:
    """A file of the history, with what the camera read on it."""
    plate = _plate(fields, "Summary.TrafficCar.PlateNumber", None)
    if plate is None:
        raise NoRead("Summary.TrafficCar.PlateNumber", "no plate was read")
    said = fields.text("StartTime")
    at = from_iso(said, settings.zone, "StartTime")
    channel = fields.ident_or_none("Channel")
    camera = _camera(settings.camera_id or (channel and f"channel-{channel}"), settings)
    return Read(
        vendor_read_id=derived(camera.id, said, canonical(plate)),
        plate_raw=plate,
        captured_at=at.at,
        zone=at.zone,
        camera=camera,
        vehicle=vehicle.Vehicle(
            make=vehicle.make(fields.text_or_none("Summary.TrafficCar.VehicleSign")),
            colour=vehicle.colour(fields.text_or_none("Summary.TrafficCar.VehicleColor")),
        ),
    )


def _group(fields: Fields) -> str | None:
    """The number of the group of events that one passage is; 0 is none."""
    group = fields.ident_or_none("GroupID") or fields.ident_or_none("TrafficCar.GroupID")
    return None if group == "0" else group


def _known(fields: Fields, path: str) -> str | None:
    """A text that is not one of the words for what was not read."""
    text = fields.text_or_none(path)
    return None if text is None or text.lower() in UNKNOWN else text


def _plate(fields: Fields, path: str, confidence: float | None) -> str | None:
    """A plate; None where the camera says that it read none."""
    text = fields.text_or_none(path)
    return None if text is None or is_none(text, confidence, UNKNOWN) else text


def _percent(fields: Fields, path: str) -> float | None:
    """A confidence from 0 to 100; what lies beyond is on no published scale and tells nothing."""
    value = fields.decimal_or_none(path)
    return scaled(value, Scale.PERCENT, path) if value is not None and 0 <= value <= 100 else None


def _country(region: str | None) -> Word:
    """The country where the region names one in full or by three letters: `IN` may be a state as well."""
    return country(region) if region and len(region) > 2 else look_up(region, {})


def _camera(name: str | None, settings: DahuaSettings) -> Camera:
    return Camera(id=camera_of(name, setting=settings.camera_id, address=settings.base_url))


def _instant(fields: Fields, settings: DahuaSettings) -> tuple[Moment, str]:
    """RealUTC as it is, else UTC, which was seen to be the camera's wall clock as a count; and what it shows."""
    millis = fields.decimal_or_none("UTCMS") or 0
    rest = int(millis) if 0 <= millis < 1000 else 0
    real = fields.decimal("RealUTC") if fields.has("RealUTC") else None  # damaged, it must not be passed over
    if real:
        at = from_epoch(int(real) * 1000 + rest, "ms", "RealUTC")
        return at, at.at.isoformat()
    name = "UTC" if fields.has("UTC") or not fields.has("TrafficCar.UTC") else "TrafficCar.UTC"
    wall = from_epoch(int(fields.decimal(name)) * 1000 + rest, "ms", name).at
    # Ids are made of what the clock showed: they must not change when an admin says later where it stands.
    return local(wall.replace(tzinfo=None), settings.zone, name), wall.isoformat()
