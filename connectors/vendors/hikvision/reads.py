"""A pushed event, or a plate that was asked for, as a read."""

from collections.abc import Mapping
from typing import Final

from connectors.cameras import camera_of, with_colons
from connectors.fields import Fields
from connectors.pictures import is_picture
from connectors.plates import plate_at
from connectors.vendors.hikvision.places import place_of
from connectors.vendors.hikvision.settings import HikvisionSettings
from connectors.vendors.hikvision.times import instant
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.countries import country
from normalize.fault import Unusable
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Match, Read
from normalize.word import Known, Word

NO_PLATE: Final = frozenset({"unknown", "noplate", "none"})
"""What a camera writes for a vehicle without a plate, with confidence 0."""
LISTS: Final = {"otherlist": None, "whitelist": "allowList", "allowlist": "allowList", "blocklist": "blockList"}
"""The lists of a device as an event names them, by the word they are written with; `otherList` is none of them."""


def read_of_event(fields: Fields, anpr: Fields, attached: Mapping[str, bytes], settings: HikvisionSettings) -> Read:
    """A pushed event; its pictures are those that came with it."""
    confidence = scaled(anpr.decimal_or_none("confidenceLevel"), Scale.PERCENT, "confidenceLevel")
    plate = _plate(anpr, "licensePlate", confidence)
    at = instant(fields.text("dateTime"), settings.zone, "dateTime")
    address = _camera(fields.text_or_none("macAddress"), settings)
    channel = fields.ident_or_none("channelID") or fields.ident_or_none("dynChannelID") or "1"
    uuid = fields.text_or_none("UUID") or f"{address}-{channel}-{at.at:%Y%m%dT%H%M%S.%f}-{canonical(plate)}"
    return Read(
        vendor_read_id=uuid,
        plate_raw=plate,
        country=_country(fields, anpr),
        plate_confidence=confidence,
        confidence_scale=Scale.PERCENT if confidence is not None else None,
        candidates=_candidates(anpr, plate, confidence),
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=f"{address}/{channel}", name=fields.text_or_none("channelName")),
        place=place_of(fields, anpr),
        vehicle=_vehicle(anpr),
        images=tuple(ImageRef(kind=_shows(name), data=data) for name, data in attached.items() if is_picture(data)),
        matches=_matches(anpr),
    )


def read_of_asked(fields: Fields, settings: HikvisionSettings) -> Read:
    """A plate that was asked for, whose answer names no camera."""
    plate = _plate(fields, "plateNumber", None)
    at = instant(fields.text("captureTime"), settings.zone, "captureTime")
    camera = _camera(None, settings)
    name = fields.text_or_none("picName") or f"{camera}-{at.at:%Y%m%dT%H%M%S.%f}-{canonical(plate)}"
    return Read(
        vendor_read_id=name,
        plate_raw=plate,
        country=country(fields.text_or_none("country")),
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=f"{camera}/{settings.channel}"),
    )


def _shows(name: str) -> ImageKind:
    """What a picture shows, by its name: part names vary, but say `plate` or `vehicle`."""
    lower = name.lower()
    if "plate" in lower:
        return ImageKind.PLATE
    return ImageKind.VEHICLE if "vehicle" in lower else ImageKind.FRAME


def _plate(fields: Fields, name: str, confidence: float | None) -> str:
    if confidence and fields.text_or_none(name) is None:
        raise Unusable(name, "is missing or empty, although the camera was sure of it")
    return plate_at(fields, name, confidence, words=() if confidence else NO_PLATE)


def _candidates(anpr: Fields, plate: str, confidence: float | None) -> tuple[Candidate, ...]:
    """The plate and what was read before somebody or something corrected it, where that is another."""
    original = anpr.text_or_none("originalLicensePlate")
    if not original or canonical(original) in ("", canonical(plate)):
        return ()
    return (Candidate(text=plate, confidence=confidence), Candidate(text=original))


def _matches(anpr: Fields) -> tuple[Match, ...]:
    """The list of the device that the plate stands on."""
    name = anpr.text_or_none("vehicleListName") or "otherList"
    on_list = LISTS.get(name.casefold(), name)
    return (Match(list_name=on_list[:500]),) if on_list else ()


def _country(fields: Fields, anpr: Fields) -> Word:
    """The country by its abbreviation, or else the vendor's own number of it, which is published nowhere."""
    said = fields.text_or_none("countryAbbreviation") or anpr.text_or_none("countryAbbreviation")
    if said == "NON":
        return Word(said=said, known=Known.UNKNOWN)
    return country(said or anpr.ident_or_none("country"))


def _vehicle(anpr: Fields) -> vehicle.Vehicle:
    """What is said of the vehicle; makes and models are numbers of Hikvision's own, where 0 is none."""
    info = anpr.inside("vehicleInfo") or Fields({})
    model = info.ident_or_none(info.first("vehileModel", "vehicleModel"))
    make = info.ident_or_none("vehicleLogoRecog")
    return vehicle.Vehicle(
        make=vehicle.make(None if make == "0" else make),
        model=None if model in (None, "0") else model[:100],
        colour=vehicle.colour(info.text_or_none("color")),
        body=vehicle.body(anpr.text_or_none("vehicleType")),
    )


def _camera(said: str | None, settings: HikvisionSettings) -> str:
    """The device's MAC address in one spelling, or what stands in for it."""
    return with_colons(camera_of(said, setting=settings.camera_id, address=settings.base_url))
