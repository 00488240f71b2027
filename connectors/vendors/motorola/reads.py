"""A row of an export as a read, through the column map."""

from datetime import datetime

from connectors.cameras import camera_of
from connectors.damage import own_id
from connectors.identity import derived_id
from connectors.vendors.motorola.cells import Cells
from connectors.vendors.motorola.settings import MotorolaSettings
from normalize import vehicle
from normalize.confidence import scaled
from normalize.fault import Unusable
from normalize.origin import origin
from normalize.read import Camera, ImageKind, ImageRef, Read
from normalize.times import Moment, from_iso, local


def read_of_row(cells: Cells, settings: MotorolaSettings) -> Read:
    """A row; what the map names no column for, the read lacks."""
    share = scaled(cells.get(settings.confidence_column), settings.confidence_scale, settings.confidence_column)
    plate, name = cells.plate(settings.plate_column, share), cells.get(settings.camera_name_column)
    camera = camera_of(cells.get(settings.camera_id_column), name)
    at = _moment(cells.must(settings.captured_at_column), settings)
    image = cells.get(settings.image_column)
    place = origin(cells.get(settings.state_column), cells.get(settings.country_column), settings.state_codes)
    return Read(
        vendor_read_id=own_id(cells.get(settings.read_id_column)) or derived_id(camera, at, plate),
        plate_raw=plate,
        state=place.state,
        country=place.country,
        plate_confidence=share,
        confidence_scale=None if share is None else settings.confidence_scale,
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera, name=name),
        place=cells.place(settings.latitude_column, settings.longitude_column),
        vehicle=vehicle.Vehicle(
            make=vehicle.make(cells.get(settings.make_column)),
            model=cells.get(settings.model_column),
            colour=vehicle.colour(cells.get(settings.colour_column)),
        ),
        images=(ImageRef(kind=ImageKind.FRAME, url=image),) if image else (),
    )


def _moment(text: str, settings: MotorolaSettings) -> Moment:
    column, pattern, zone = settings.captured_at_column, settings.time_format, settings.zone
    if pattern == "iso":
        return from_iso(text, zone, column)
    try:
        at = datetime.strptime(text, pattern)  # noqa: DTZ007 - what it lacks, the setting `zone` says
    except ValueError:
        raise Unusable(column, "does not fit the time format of the settings") from None
    return local(at, zone, column) if at.tzinfo is None else from_iso(at.isoformat(), field=column)
