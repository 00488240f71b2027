"""What an agent guesses of a passage: other plates, the vehicle, its pictures."""

from connectors.fields import Fields
from normalize import vehicle
from normalize.confidence import Scale
from normalize.read import Candidate, ImageKind, ImageRef


def candidates_of(fields: Fields) -> tuple[Candidate, ...]:
    """Every reading of the plate that has a text."""
    return tuple(
        Candidate(text=text, confidence=item.share("confidence", Scale.PERCENT))
        for item in fields.each("candidates")
        if (text := item.text_or_none("plate"))
    )


def vehicle_of(fields: Fields) -> vehicle.Vehicle:
    """The vehicle by the names that the agent is surest of."""
    make, model = _best(fields, "vehicle.make"), _best(fields, "vehicle.make_model")
    return vehicle.Vehicle(
        make=vehicle.make(make),
        model=model and model.removeprefix(f"{make}_").replace("_", " ")[:100],
        colour=vehicle.colour(_best(fields, "vehicle.color")),
        body=vehicle.body(_best(fields, "vehicle.body_type")),
        year=_best(fields, "vehicle.year"),
    )


def crops_of(fields: Fields, *crops: tuple[ImageKind, str]) -> tuple[ImageRef, ...]:
    """The pictures that came with the passage."""
    pictures = ((kind, fields.picture_or_none(path)) for kind, path in crops)
    return tuple(ImageRef(kind=kind, data=data) for kind, data in pictures if data)


def engine_of(fields: Fields) -> str | None:
    """The agent's version; None where it tells none."""
    version = fields.text_or_none("agent_version")
    return f"OpenALPR {version}" if version else None


def _best(fields: Fields, trait: str) -> str | None:
    """The name that the agent is surest of among the guesses at one trait."""
    guesses = [(each.number_or_none("confidence") or 0, each.text_or_none("name")) for each in fields.each(trait)]
    return max(guesses, key=lambda guess: guess[0], default=(0, None))[1]
