"""A result of an event, or an end of a visit, as a read."""

import re
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urljoin

from connectors.cameras import camera_of
from connectors.contract import Record
from connectors.fields import Fields
from connectors.identity import derived_id
from connectors.plates import SAYS_NONE, is_none
from connectors.vendors.platerecognizer.readings import Reading, reading_of
from connectors.vendors.platerecognizer.settings import PlateRecognizerSettings
from connectors.vendors.platerecognizer.times import taken_at
from normalize.confidence import Scale
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Read
from normalize.times import from_iso

_IMAGES: Final = ((ImageKind.FRAME, "upload"), (ImageKind.PLATE, "plate_img"))
_FOLDER: Final = re.compile(r"(?:^|/)([^/]+)_screenshots/")
"""Where Stream puts its frames unless told otherwise: a folder named after the camera."""


def read_of_event(data: Fields, record: Record, settings: PlateRecognizerSettings) -> Read:
    """The plate of an event that the record's part says."""
    results = data.items("results")
    if not data.has("results"):
        raise Unusable("results", "is missing")
    if not results:
        raise NoRead("results", "is empty: a picture without plates")
    if record.part >= len(results):
        raise Unusable("results", "has fewer plates than the record says")
    result = Fields(results[record.part], f"results.{record.part}")
    reading = reading_of(result)
    at = taken_at(data, settings.zone)
    camera = _named(data.ident_or_none("camera_id")) or _camera_of(data, settings)
    turn = _degrees(result)
    return Read(
        vendor_read_id=derived_id(camera, at, reading.plate),
        plate_raw=reading.plate,
        state=reading.origin.state,
        country=reading.origin.country,
        plate_confidence=reading.score,
        state_confidence=reading.region_score,
        confidence_scale=Scale.UNIT,
        candidates=reading.candidates,
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera),
        direction=turn,
        direction_of=None if turn is None else "picture",
        vehicle=reading.vehicle,
        images=tuple(
            ImageRef(kind=kind, data=record.attachments[name])
            for kind, name in _IMAGES
            # Of several plates nobody says whose the picture of one is.
            if name in record.attachments and (kind is ImageKind.FRAME or len(results) == 1)
        ),
    )


def read_of_visit(visit: Fields, end: str, settings: PlateRecognizerSettings) -> Read:
    """A visit's begin or end.

    Its plate is the vehicle's, which people may have corrected; the camera's reading stays beside it, and its score
    counts where the two are one.
    """
    at = from_iso(visit.text(f"{end}_date"), settings.zone, f"{end}_date")
    reading = _reading_at(visit, end)
    plate = visit.text_or_none("vehicle.license_plate") or (reading.plate if reading else None)
    if plate is None and visit.holds("vehicle.license_plate"):
        raise NoRead("vehicle.license_plate", "is empty: no plate was read")
    if plate is None:
        raise Unusable("vehicle.license_plate", "is missing, and no reading stands in for it")
    if is_none(plate, reading.score if reading else None):
        raise NoRead("vehicle.license_plate", SAYS_NONE)
    url = visit.text_or_none(f"{end}_img")
    return Read(
        vendor_read_id=f"visit-{visit.ident('id')}-{end}",
        plate_raw=plate,
        **_seen(reading, plate),
        confidence_scale=Scale.UNIT,
        captured_at=at.at,
        zone=at.zone,
        camera=_camera_at(visit, end, settings),
        place=visit.place(f"{end}_cam.latitude", f"{end}_cam.longitude"),
        images=(ImageRef(kind=ImageKind.FRAME, url=_address(url, settings)),) if url else (),
    )


def _reading_at(visit: Fields, end: str) -> Reading | None:
    """What the camera read at an end of a visit; None where it read no plate."""
    result = visit.inside(f"{end}_data") or visit.inside(f"{end}_prediction") or Fields({}, f"{end}_prediction")
    with suppress(NoRead):
        return reading_of(result)
    return None


def _seen(reading: Reading | None, plate: str) -> dict[str, Any]:
    """What a reading tells beside the visit's own plate, as fields of a read."""
    if reading is None:
        return {}
    agrees = canonical(reading.plate) == canonical(plate)
    is_candidate = any(candidate.text == reading.plate for candidate in reading.candidates)
    first = () if agrees or is_candidate else (Candidate(text=reading.plate, confidence=reading.score),)
    return {
        "state": reading.origin.state,
        "country": reading.origin.country,
        "plate_confidence": reading.score if agrees else None,
        "state_confidence": reading.region_score,
        "candidates": (*first, *reading.candidates),
        "vehicle": reading.vehicle,
    }


def _camera_at(visit: Fields, end: str, settings: PlateRecognizerSettings) -> Camera:
    code = visit.ident_or_none(f"{end}_cam.code")
    name = visit.text_or_none(f"{end}_cam.name")
    return Camera(id=camera_of(code, name, setting=settings.unnamed_camera), name=name)


def _degrees(result: Fields) -> float | None:
    """The direction of travel; None where it is no angle: no read is lost over it."""
    with suppress(Unusable):
        turn = result.decimal_or_none("direction")
        return turn if turn is not None and 0 <= turn <= 360 else None
    return None


def _named(camera: str | None) -> str | None:
    """A camera's id; None where it is the text "null" (on-premises) or "None"."""
    return None if camera is None or camera in ("null", "None") else camera


def _camera_of(data: Fields, settings: PlateRecognizerSettings) -> str:
    folder = _FOLDER.search(data.text_or_none("filename") or "")
    return camera_of(folder and folder[1], setting=settings.unnamed_camera)


def _address(url: str, settings: PlateRecognizerSettings) -> str:
    """The whole address of a picture: on ParkPow's own host, or without `https://` as in the document of 2020."""
    whole = "://" in url or url.startswith("/")
    return urljoin(settings.parkpow_url, url) if whole else f"https://{url}"
