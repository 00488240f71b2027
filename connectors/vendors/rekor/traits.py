"""What an agent guesses of a passage: other plates, the vehicle, its pictures."""

from typing import Final, NamedTuple

from connectors.fields import Fields
from normalize import vehicle
from normalize.confidence import Scale
from normalize.fault import Unusable
from normalize.read import Candidate, ImageKind, ImageRef
from normalize.word import is_told


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


def nation_of(said: str | None) -> str | None:
    """The country of a set of patterns that an agent reads by: sets are numbered (`br2`) or widened (`auwide`)."""
    return None if said is None else said.rstrip("0123456789").removesuffix("wide")


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
