"""What an agent guesses of a passage: other plates, the vehicle, its pictures."""

from typing import Final, NamedTuple

from connectors.fields import Fields
from connectors.vendors.rekor.settings import RekorSettings
from normalize import vehicle
from normalize.confidence import Scale
from normalize.fault import Unusable
from normalize.origin import Origin, origin
from normalize.read import Candidate, ImageKind, ImageRef
from normalize.word import Known, is_told

_NO_COUNTRY: Final = "XX"


def candidates_of(fields: Fields) -> tuple[Candidate, ...]:
    """Every reading of the plate that has a text."""
    return tuple(
        Candidate(text=text, confidence=item.share("confidence", Scale.PERCENT))
        for item in fields.each("candidates")
        if (text := item.text_or_none("plate"))
    )


def vehicle_of(fields: Fields) -> vehicle.Vehicle:
    """The vehicle by the names that the agent is surest of."""
    make, colour, body = (_best(fields, f"vehicle.{trait}") for trait in ("make", "color", "body_type"))
    model = _best(fields, "vehicle.make_model").told
    return vehicle.Vehicle(
        make=vehicle.make(make.name).sure(make.sure),
        model=model and model.removeprefix(f"{make.name}_").replace("_", " ")[:100],
        colour=vehicle.colour(colour.name).sure(colour.sure),
        body=vehicle.body(body.name).sure(body.sure),
        year=_best(fields, "vehicle.year").told,
    )


def origin_of(region: str | None, patterns: str | None, settings: RekorSettings) -> Origin:
    """Where a plate is from: its region, inside the country of the set of patterns that an agent reads by.

    Sets are numbered (`br2`) or widened (`auwide`). Where no set is told, the country of the settings counts, and
    without one a bare code is of no country: `ma` is a state here, Morocco, and Maranhão in Brazil. A set for the
    United States reads the plates of other countries too, and its region says so.
    """
    told = patterns.rstrip("0123456789").removesuffix("wide") if patterns else settings.country
    place = origin(region, told or _NO_COUNTRY)
    if not told and place.country.said == _NO_COUNTRY:
        return Origin(place.state)
    if place.state.known is Known.UNMAPPED and place.country.code == "US":
        named = origin(region, _NO_COUNTRY)
        return named if named.country.code else place
    return place


def crops_of(fields: Fields, *crops: tuple[ImageKind, str]) -> tuple[ImageRef, ...]:
    """The pictures that came with the passage."""
    pictures = ((kind, fields.picture_or_none(path)) for kind, path in crops)
    return tuple(ImageRef(kind=kind, data=data) for kind, data in pictures if data)


def engine_of(fields: Fields) -> str | None:
    """The agent's version; None where it tells none."""
    version = fields.text_or_none("agent_version")
    return f"OpenALPR {version}" if version else None


class _Guess(NamedTuple):
    """What an agent takes a trait for, and how sure (0-1) it is of that."""

    name: str | None = None
    sure: float | None = None

    @property
    def told(self) -> str | None:
        """The name, where the agent is sure enough of it to tell it at all."""
        return self.name if is_told(self.sure) else None


_NOTHING: Final = _Guess()


def _best(fields: Fields, trait: str) -> _Guess:
    """The name that the agent is surest of among the guesses at one trait.

    A confidence that is no number or on no scale tells nothing of how sure it is, and costs no read.
    """
    best, most = None, -1.0
    for guess in fields.each(trait):
        try:
            sure = guess.number_or_none("confidence") or 0.0
        except Unusable:
            sure = 0.0
        if sure > most:
            best, most = guess, sure
    if best is None:
        return _NOTHING
    try:
        return _Guess(best.text_or_none("name"), best.share("confidence", Scale.PERCENT))
    except Unusable:
        return _Guess(best.text_or_none("name"))
