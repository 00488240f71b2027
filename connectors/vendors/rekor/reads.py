"""A search result, a group, a frame's plate or an alert as a read."""

from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from connectors.cameras import camera_of
from connectors.contract import Record
from connectors.fields import Fields
from connectors.plates import plate_at
from connectors.vendors.rekor.settings import RekorSettings
from connectors.vendors.rekor.times import moment_of
from connectors.vendors.rekor.traits import candidates_of, crops_of, engine_of, origin_of, vehicle_of
from normalize.confidence import Scale
from normalize.fault import Unusable
from normalize.read import Camera, ImageKind, ImageRef, Match, Read, made

_BEST: Final = ("best_plate_number", "best_plate.plate")


def flat(raw: bytes) -> Fields:
    """The fields of a Django-serialised record, or of a plain one."""
    return inner(Record("scout", raw))


def inner(record: Record) -> Fields:
    """The same of a record."""
    outer = record.fields()
    return outer.inside("fields") or outer


def read_of_search(fields: Fields, settings: RekorSettings) -> Read:
    """A search result, today's or an old server's."""
    # Today's searches speak of the best plate of a group; those of old servers, of one plate.
    best = "" if fields.has("plate") or fields.has("uuid") else "best_"
    at = moment_of(fields, ("epoch_time_start", "epoch_time"), settings.zone)
    uuid = fields.ident(f"{best}uuid")
    confidence = fields.share(f"{best}confidence", Scale.PERCENT)
    place = origin_of(fields.text_or_none(f"{best}region"), fields.text_or_none("country"), settings)
    told: dict[str, Any] = {
        "vendor_read_id": _id(uuid, fields.number_or_none("best_index")),
        "pass_id": uuid,
        "plate_raw": plate_at(fields, f"{best}plate", confidence),
        "state": place.state,
        "country": place.country,
        "plate_confidence": confidence,
        "confidence_scale": Scale.PERCENT,
        "captured_at": at.at,
        "zone": at.zone,
        "camera": _camera(camera_of(fields.ident_or_none(fields.first("camera_id", "camera")))),
    }
    agent = fields.ident_or_none("agent_uid")
    if agent and settings.fetch_images:
        url = f"/img/{quote(agent, safe='')}/{quote(uuid, safe='')}"
        told["images"] = (ImageRef(kind=ImageKind.FRAME, url=url),)
    return made(told)


def group_of(fields: Fields, settings: RekorSettings) -> dict[str, Any]:
    """What a group tells of a passage, as the fields of a read."""
    uuid = fields.text("best_uuid")
    confidence = fields.share("best_confidence", Scale.PERCENT)
    best = next((name for name in _BEST if fields.text_or_none(name)), fields.first(*_BEST))
    plate = plate_at(fields, best, confidence)
    at = moment_of(fields, ("epoch_start",), settings.zone)
    turn = fields.number_or_none("travel_direction")
    turned = turn is not None and 0 <= turn <= 360
    place = origin_of(fields.text_or_none("best_region"), fields.text_or_none("country"), settings)
    return {
        "vendor_read_id": _id(
            uuid, fields.number_or_none("best_index") or fields.number_or_none("best_plate.plate_index")
        ),
        "pass_id": uuid,
        "plate_raw": plate,
        "state": place.state,
        "country": place.country,
        "plate_confidence": confidence,
        "state_confidence": fields.share("best_region_confidence", Scale.PERCENT),
        "confidence_scale": Scale.PERCENT,
        "candidates": candidates_of(fields),
        "captured_at": at.at,
        "zone": at.zone,
        "camera": Camera(id=camera_of(fields.ident_or_none("camera_id"), fields.text_or_none("camera_name"))),
        "place": fields.place("gps_latitude", "gps_longitude"),
        "direction": turn if turned else None,
        "direction_of": "picture" if turned else None,
        "vehicle": vehicle_of(fields),
        "images": crops_of(
            fields, (ImageKind.VEHICLE, "vehicle_crop_jpeg"), (ImageKind.PLATE, "best_plate.plate_crop_jpeg")
        ),
        "engine": engine_of(fields),
    }


def read_of_alert(fields: Fields, settings: RekorSettings) -> Read:
    """The group inside an alert, with the list that it is on."""
    group = fields.inside("group")
    if group is None:
        raise Unusable("group", "is missing: the alert tells of no passage")
    passage = group_of(group, settings)
    name, reason = fields.text("alert_list"), fields.text_or_none("description")
    if fields.text_or_none("list_type") == "Whitelist":
        reason = "is not on this list of allowed plates"
    passage["matches"] = (Match(list_name=name, reason=reason and reason[:500]),)
    passage["camera"] = Camera(id=passage["camera"].id, name=fields.text_or_none("camera_name"))
    # An id of its own: agents send the bare group too, and of two equal ids only the first is kept, match or not.
    passage["vendor_read_id"] += f"/alert-{fields.ident_or_none('alert_list_id') or name[:100]}"
    return made(passage)


def read_of_frame(fields: Fields, part: int, settings: RekorSettings) -> Read:
    """One plate of a frame; `part` says which."""
    uuid = fields.text_or_none("uuid")
    if uuid is None:
        raise Unusable("uuid", "is empty: a single picture's answer names no camera and no event")
    results = fields.items("results")
    if part >= len(results):
        raise Unusable("results", "has fewer plates than the record says")
    result = Fields(results[part], f"results.{part}")
    at = moment_of(fields, ("epoch_time",), settings.zone)
    index = result.ident_or_none("plate_index")
    patterns = result.text_or_none("country") or fields.text_or_none("country")
    place = origin_of(result.text_or_none("region"), patterns, settings)
    confidence = result.share("confidence", Scale.PERCENT)
    return Read(
        vendor_read_id=f"{uuid}-{part if index is None else index}",
        plate_raw=plate_at(result, "plate", confidence),
        state=place.state,
        country=place.country,
        plate_confidence=confidence,
        state_confidence=result.share("region_confidence", Scale.PERCENT),
        confidence_scale=Scale.PERCENT,
        candidates=candidates_of(result),
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera_of(fields.ident_or_none("camera_id"))),
        images=crops_of(result, (ImageKind.PLATE, "plate_crop_jpeg")),
        engine=engine_of(fields),
    )


def _id(uuid: str, index: float | int | None) -> str:
    """A group's id: that of its best picture, and which plate of that picture where it is not the first."""
    return f"{uuid}:{int(index)}" if index else uuid


@lru_cache(maxsize=4096)
def _camera(ident: str) -> Camera:
    return Camera(id=ident)
