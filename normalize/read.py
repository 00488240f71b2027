"""`Read`: one plate seen once by one camera, in the words that every vendor shares."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    computed_field,
    field_serializer,
    field_validator,
)

from normalize import spreadsheet
from normalize.confidence import Scale
from normalize.origin import country_of
from normalize.plate import canonical, fold, holds_lost
from normalize.times import Zone
from normalize.vehicle import UNSEEN, Vehicle
from normalize.word import ABSENT, Word

Text = Annotated[str, Field(max_length=500)]
Share = Annotated[float, Field(ge=0, le=1)]
_FROZEN = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64")


class Candidate(BaseModel):
    """One of the readings an OCR engine considered; a read keeps them in the engine's order."""

    model_config = _FROZEN

    text: Annotated[str, Field(max_length=64)]
    confidence: Share | None = None


class Place(BaseModel):
    """WGS 84 degrees."""

    model_config = _FROZEN

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class Camera(BaseModel):
    """A camera as its vendor names it; `id` is unique within one connection only."""

    model_config = _FROZEN

    id: Annotated[str, Field(min_length=1, max_length=200)]
    name: Text | None = None


class ImageKind(StrEnum):
    """What a picture shows."""

    FRAME = "frame"
    VEHICLE = "vehicle"
    PLATE = "plate"


class ImageRef(BaseModel):
    """A picture of the read: bytes that came with it, or an address that must be fetched before `expires_at`."""

    model_config = _FROZEN

    kind: ImageKind
    url: Annotated[str, Field(max_length=4000)] | None = None
    expires_at: datetime | None = None
    data: bytes | None = Field(default=None, exclude=True, repr=False)


class Grade(BaseModel):
    """How far a reading may be relied on, by its reader's own rule; a hit stays unverified whatever it says."""

    model_config = _FROZEN

    alert: bool
    """Good enough to alert on."""
    rule: Text
    """What made it so, or what it lacks."""
    may_be_cut: bool = False
    """Characters may lie beyond the picture's edge."""


class Match(BaseModel):
    """The vendor's own claim that a read is on one of its lists. Unverified, like every hit."""

    model_config = _FROZEN

    list_name: Text
    reason: Text | None = None
    case_number: Text | None = None
    audience: Text | None = None


class Read(BaseModel):
    """One plate, seen once, by one camera, at one instant. Immutable; equal content compares equal.

    Times are instants, written in UTC; confidences are 0–1 or None with the vendor's scale beside them; `plate_state`
    is ISO 3166-2 and `plate_country` ISO 3166-1 alpha-2.
    `plate`, `plate_key`, `plate_state` and `plate_country` follow from what the vendor wrote and cannot disagree with
    it.
    """

    model_config = _FROZEN

    vendor_read_id: Annotated[str, Field(min_length=1, max_length=250)]
    """The vendor's own id of this event; unique within a connection."""
    pass_id: Text | None = None
    """The vendor's id of the passage that several of its events share."""
    plate_raw: Annotated[str, Field(min_length=1, max_length=64)]
    state: Word = ABSENT
    country: Word = ABSENT
    plate_confidence: Share | None = None
    state_confidence: Share | None = None
    confidence_scale: Scale | None = None
    candidates: tuple[Candidate, ...] = ()
    captured_at: AwareDatetime
    zone: Zone
    camera: Camera
    place: Place | None = None
    direction: Annotated[float, Field(ge=0, le=360)] | None = None
    """Degrees clockwise; relative to the picture or to north as `direction_of` says."""
    direction_of: Literal["picture", "north"] | None = None
    vehicle: Vehicle = UNSEEN
    images: tuple[ImageRef, ...] = ()
    matches: tuple[Match, ...] = ()
    link: Annotated[str, Field(max_length=4000)] | None = None
    engine: Text | None = None
    """Who read the characters: engine, version and weights; None where a vendor does not say."""
    grade: Grade | None = None
    """How far the reading may be relied on; None where its source has no rule for that."""
    damaged: tuple[Text, ...] = ()
    """What of the record arrived damaged and was mended or marked; never plate, time or camera."""

    @field_validator("camera")
    @classmethod
    def _is_one_camera(cls, camera: Camera) -> Camera:
        if not camera.id.isalnum() and (
            spreadsheet.error(camera.id) or spreadsheet.number(camera.id)
        ):  # many ids become this one
            raise ValueError(f"its id looks like a number or an error that a spreadsheet wrote: {camera.id[:20]}")
        return camera

    @field_validator("plate_raw")
    @classmethod
    def _may_stand_on_the_metal(cls, raw: str) -> str:
        if (damaged := spreadsheet.damage(raw)) is not None:
            raise ValueError(damaged)
        if not raw.isprintable() and holds_lost(raw):
            raise ValueError("holds a control character or one that means nothing, where a character may be lost")
        return raw

    @computed_field  # type: ignore[prop-decorator]
    @property
    def plate(self) -> str:
        """The canonical characters."""
        return canonical(self.plate_raw)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def plate_key(self) -> str:
        """The folded characters, for matching only."""
        return fold(self.plate)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def plate_state(self) -> str | None:
        """ISO 3166-2, or None where the vendor gave none that we know."""
        return self.state.code

    @property
    def plate_country(self) -> str | None:
        """ISO 3166-1 alpha-2, or None where the vendor told neither a country nor a state that we know."""
        return country_of(self.state.code, self.country.code)

    @field_serializer("captured_at", when_used="json")
    def _with_z(self, at: datetime) -> str:
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


made: Final[Callable[[dict[str, Any]], Read]] = TypeAdapter(Read).validator.validate_python
"""The read of these fields: what `Read(…)` gives or refuses, in two thirds of its time."""
