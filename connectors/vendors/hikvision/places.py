"""Where a camera stands, as it says itself in degrees, minutes and seconds."""

from typing import Final

from connectors.fields import Fields
from normalize.fault import Unusable
from normalize.read import Place

_DMS: Final = ("degree", "minute")


def place_of(fields: Fields, anpr: Fields) -> Place | None:
    """The position of degrees, minutes and seconds with their letters; None without letters and beyond any globe.

    A camera whose position nobody set tells nonsense there, and no read is lost over it.
    """
    try:
        position = fields.inside("DeviceGPSInfo") or anpr.inside(anpr.first("GPSInfo", "gPSInfo"))
        north = _degrees(position, ("Latitude", "latitude"), "latitudeType", "NS")
        east = _degrees(position, ("Longitude", "longitude"), "longitudeType", "EW")
    except Unusable:
        return None
    if north is None or east is None or (north == 0 and east == 0) or abs(north) > 90 or abs(east) > 180:
        return None
    return Place(latitude=north, longitude=east)


def _degrees(position: Fields | None, names: tuple[str, str], letter: str, letters: str) -> float | None:
    if position is None:
        return None
    side = (position.text_or_none(letter) or "").upper()
    angle = position.inside(position.first(*names))
    if angle is None or side not in letters or not side:
        return None
    degree, minute = (angle.decimal_or_none(name) for name in _DMS)
    second = angle.decimal_or_none(angle.first("sec", "second"))
    if degree is None:
        return None
    size = degree + (minute or 0) / 60 + (second or 0) / 3600
    return round(-size if side == letters[1] else size, 7)
