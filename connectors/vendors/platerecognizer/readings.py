"""A plate and its vehicle, from whichever of the shapes told of them."""

from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from connectors.fields import Fields
from connectors.plates import plate_at
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.fault import NoRead, Unusable
from normalize.origin import Origin, origin
from normalize.read import Candidate
from normalize.word import is_told


class Reading(NamedTuple):
    """One plate and its vehicle, from whichever of the shapes told of them."""

    plate: str
    score: float | None
    origin: Origin
    region_score: float | None
    candidates: tuple[Candidate, ...]
    vehicle: vehicle.Vehicle


def reading_of(result: Fields) -> Reading:
    """One result, in the shape of plate mode, where `plate` is text, or of vehicle mode, where it is an object."""
    nested: Fields | None = None
    with suppress(Unusable):
        nested = result.inside("plate")
    return _flat(result) if nested is None else _nested(result, nested)


def _flat(result: Fields) -> Reading:
    if not result.has("plate"):
        raise NoRead("plate", "is missing: a vehicle without a plate")
    score = _share(result, "score")
    return Reading(
        plate=plate_at(result, "plate", score),
        score=score,
        origin=_origin(result.text_or_none("region.code")),
        region_score=_share(result, "region.score") if result.text_or_none("region.code") else None,
        candidates=_candidates(result.each("candidates"), "plate"),
        vehicle=_vehicle(result, result.each("model_make"), _surest(result.each("color")), "color"),
    )


def _nested(result: Fields, plate: Fields) -> Reading:
    """The first of the readings is the best (documented); there may be none."""
    readings = list(plate.each("props.plate"))
    if not readings:
        raise NoRead("plate", "is missing: a vehicle without a plate that could be read")
    regions = list(plate.each("props.region"))
    best = regions[0] if regions else Fields({})
    score = _share(readings[0], "score")
    return Reading(
        plate=plate_at(readings[0], "value", score),
        score=score,
        origin=_origin(best.text_or_none("value")),
        region_score=_share(best, "score"),
        candidates=_candidates(readings, "value"),
        vehicle=_vehicle(
            result, result.each("vehicle.props.make_model"), _surest(result.each("vehicle.props.color")), "value"
        ),
    )


def _vehicle(result: Fields, models: Iterable[Fields], colour: Fields, name: str) -> vehicle.Vehicle:
    kind = _surest(models)
    model, sure = kind.text_or_none("model"), _sure(kind, "score")
    # With nothing found the type's score is 0 (documented), whatever the type says.
    typed = _sure(result, "vehicle.score")
    return vehicle.Vehicle(
        make=vehicle.make(kind.text_or_none("make")).sure(sure),
        model=model[:100] if model and model.casefold() != "unknown" and is_told(sure) else None,
        colour=vehicle.colour(colour.text_or_none(name)).sure(_sure(colour, "score")),
        body=vehicle.body(result.text_or_none("vehicle.type") if typed != 0 else None).sure(typed),
    )


def _surest(guesses: Iterable[Fields]) -> Fields:
    return max(guesses, key=lambda guess: _sure(guess, "score") or 0, default=Fields({}))


def _sure(guess: Fields, path: str) -> float | None:
    """How sure the engine is of a word about a vehicle; what is on no scale tells nothing and costs no read."""
    with suppress(Unusable):
        return _share(guess, path)
    return None


def _candidates(readings: Iterable[Fields], name: str) -> tuple[Candidate, ...]:
    texts = ((each.text_or_none(name), _share(each, "score")) for each in readings)
    return tuple(Candidate(text=text, confidence=score) for text, score in texts if text)


def _origin(code: str | None) -> Origin:
    """A region: `us-ca` is a state; a code without a hyphen is a country (`de` is no Delaware)."""
    return origin(code) if code is None or "-" in code else origin(None, code)


def _share(fields: Fields, path: str) -> float | None:
    return scaled(fields.decimal_or_none(path), Scale.UNIT, path)
