"""`Mapping`: which path leads to which field of a read."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any, Final, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, model_validator

from connectors.cameras import camera_of, one_spelling
from connectors.damage import own_id
from connectors.fields import Fields
from connectors.identity import derived_id
from connectors.mapping.path import Path, Scope, Where, compiled, find
from connectors.mapping.source import Picture, Share, Source, Time, Words
from connectors.plates import SAYS_NONE, is_none
from normalize import vehicle
from normalize.fault import NoRead, Unusable
from normalize.origin import origin
from normalize.read import Camera, Candidate, ImageKind, Match, Place, Read
from normalize.states import Codes


class Candidates(BaseModel):
    """The other readings that the engine considered: `path` leads to them, the rest is looked up in each."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    path: Where
    text: Source = Source(path=(".",))
    confidence: Share | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"path": given} if isinstance(given, str) else given

    def told(self, scope: Scope) -> Iterator[Candidate]:
        """The candidates in the engine's order; one without text is none, and no read is lost over one."""
        for value in find(compiled(self.path), scope):
            for each in value if isinstance(value, list) else [value]:
                inner = scope._replace(chain=(*scope.chain, each))
                with suppress(Unusable):
                    if text := self.text.text(inner, "candidates"):
                        sure = self.confidence.share(inner, "candidates") if self.confidence else None
                        yield Candidate(text=text, confidence=sure)


class Mapping(BaseModel):
    """A vendor's payload in the words of a read. Plain data: it says where things are and can compute nothing.

    `records` leads to the list of reads in a document (empty: the document is one read, or a list of them). `only`
    names paths and the words that may stand there: a record with another word tells of no read. A record whose plate
    is one of `no_plate` tells of none either; the empty word stands for a plate that is not there. `null_is_empty` says
    that a sender writes null where it has no records; without it null there is no answer. `state_codes` says from which
    table bare codes of states are: `NB` is New Brunswick by the post's and Nebraska by NCIC's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    records: Where = ""
    null_is_empty: bool = False
    only: dict[Where, Words] = {}
    no_plate: Words = ()
    plate: Source
    captured_at: Time
    camera_id: Source
    camera_name: Source | None = None
    read_id: Source | None = None
    pass_id: Source | None = None
    state: Source | None = None
    country: Source | None = None
    state_codes: Codes | None = None
    confidence: Share | None = None
    state_confidence: Share | None = None
    candidates: Candidates | None = None
    latitude: Source | None = None
    longitude: Source | None = None
    direction: Source | None = None
    direction_of: Literal["picture", "north"] | None = None
    make: Source | None = None
    make_confidence: Share | None = None
    model: Source | None = None
    colour: Source | None = None
    colour_confidence: Share | None = None
    body: Source | None = None
    body_confidence: Share | None = None
    year: Source | None = None
    image: Picture | None = None
    vehicle_image: Picture | None = None
    plate_image: Picture | None = None
    match_list: Source | None = None
    match_reason: Source | None = None
    link: Source | None = None
    engine: Source | None = None

    @model_validator(mode="before")
    @classmethod
    def _written(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        if given.startswith("@"):
            raise ValueError(f"the file {given[1:]!r} is not there")
        try:
            return msgspec.json.decode(given)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as wrong:
            raise ValueError(f"is no JSON object: {wrong}") from None

    @model_validator(mode="after")
    def _is_whole(self) -> "Mapping":
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude belong together")
        if self.records.startswith(("=", "^", "part:")):
            raise ValueError("records must lead into the document, not out of it")
        return self

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Every field that has a source, by name."""
        return {name: source for name in type(self).model_fields if isinstance(source := getattr(self, name), Source)}

    @cached_property
    def reaches_out(self) -> bool:
        """Whether any path leads out of the record, so that a record alone does not say everything."""
        paths = [where for source in self.sources.values() for where in source.paths] + list(self.only)
        # A candidate's path that climbs one step is still inside the record; it counts as leaving it all the same.
        inner = self.candidates
        if inner is not None:
            paths += [inner.path, *inner.text.paths, *(inner.confidence.paths if inner.confidence else ())]
        return any(compiled(where).up or compiled(where).base == "root" for where in paths)

    @cached_property
    def _conditions(self) -> list[tuple[Source, frozenset[str]]]:
        return [
            (Source(path=(where,)), frozenset(word.casefold() for word in words)) for where, words in self.only.items()
        ]

    def tells(self, scope: Scope) -> bool:
        """Whether anything stands where a plate, a time, a camera or an id should, or a word that `only` looks at."""
        sources = [self.plate, self.captured_at, self.camera_id, *([self.read_id] if self.read_id else [])]
        inside = [path for source in sources for path in map(compiled, source.paths) if _stays(path)]
        looked_at = [*inside, *map(compiled, self.only)]
        return not inside or any(value is not None for path in looked_at for value in find(path, scope))

    def unwanted(self, scope: Scope) -> str | None:
        """The first path of `only` that holds a word it does not allow; None where the record is wanted."""
        for source, words in self._conditions:
            try:
                word = source.text(scope, "only") or ""
            except Unusable:
                word = ""
            if word.casefold() not in words:
                return source.at
        return None

    def read(self, scope: Scope) -> Read:
        """The read that a record tells of; raises `NoRead`, `Unusable` or pydantic's `ValidationError`. Pure."""
        if (where := self.unwanted(scope)) is not None:
            raise NoRead(where, "is not what this connection takes for a read")
        share = self.confidence.share(scope, "confidence") if self.confidence else None
        plate = self._plate(scope, share)
        at = self.captured_at.moment(scope, "captured_at")
        name = self._text("camera_name", scope)
        camera = camera_of(self.camera_id.text(scope, "camera_id"), name)
        sure = self.state_confidence.share(scope, "state_confidence") if self.state_confidence else None
        turn = self.direction.number(scope, "direction") if self.direction else None
        listed = self._text("match_list", scope)
        place = origin(self._text("state", scope), self._text("country", scope), self.state_codes)
        make, colour, body = (self._text(name, scope) for name in ("make", "colour", "body"))
        return Read(
            vendor_read_id=own_id(self._text("read_id", scope)) or derived_id(camera, at, plate),
            pass_id=self._text("pass_id", scope),
            plate_raw=plate,
            state=place.state,
            country=place.country,
            plate_confidence=share,
            state_confidence=sure,
            confidence_scale=None if share is None or self.confidence is None else self.confidence.scale,
            candidates=tuple(self.candidates.told(scope)) if self.candidates else (),
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=one_spelling(camera), name=name),
            place=self._place(scope),
            direction=turn,
            direction_of=None if turn is None else self.direction_of,
            vehicle=vehicle.Vehicle(
                make=vehicle.make(make).sure(self._sure("make_confidence", scope)),
                model=self._text("model", scope),
                colour=vehicle.colour(colour).sure(self._sure("colour_confidence", scope)),
                body=vehicle.body(body).sure(self._sure("body_confidence", scope)),
                year=self._text("year", scope),
            ),
            images=tuple(
                picture
                for kind, source in (
                    (ImageKind.FRAME, self.image),
                    (ImageKind.VEHICLE, self.vehicle_image),
                    (ImageKind.PLATE, self.plate_image),
                )
                if source
                for picture in source.pictures(scope, kind)
            ),
            matches=(Match(list_name=listed, reason=self._text("match_reason", scope)),) if listed else (),
            link=self._text("link", scope),
            engine=self._text("engine", scope),
        )

    def _plate(self, scope: Scope, confidence: float | None) -> str:
        text = self.plate.text(scope, "plate")
        if (text or "").casefold() in (word.casefold() for word in self.no_plate):
            raise NoRead("plate", "says that there is none")
        if text is None and self.plate.is_empty(scope):
            raise NoRead("plate", "is empty: no plate was read")
        if text is not None and is_none(text, confidence):
            raise NoRead("plate", SAYS_NONE)
        return text or self.plate.must(scope, "plate")

    def _text(self, field: str, scope: Scope) -> str | None:
        source = self.sources.get(field)
        return source.text(scope, field) if source else None

    def _sure(self, field: str, scope: Scope) -> float | None:
        """How sure the reader was of a word about the vehicle; what is no confidence costs no read."""
        source = self.sources.get(field)
        with suppress(Unusable):
            return source.share(scope, field) if isinstance(source, Share) else None
        return None

    def _place(self, scope: Scope) -> Place | None:
        if self.latitude is None or self.longitude is None:
            return None
        north, east = self.latitude.number(scope, "latitude"), self.longitude.number(scope, "longitude")
        return Fields({"latitude": north, "longitude": east}).place("latitude", "longitude")


def _stays(path: Path) -> bool:
    return path.base in ("record", "part") and not path.up


_NO_PATHS: Final = ("only", "no_plate", "records", "null_is_empty", "direction_of", "state_codes")
IDENTITY: Final = Mapping.model_validate({
    **{name: name for name in Mapping.model_fields if name not in _NO_PATHS},
    "colour": ["colour", "color"],
    "colour_confidence": ["colour_confidence", "color_confidence"],
    **{name: [name, f"part:{name}"] for name in ("image", "vehicle_image", "plate_image")},
    "direction_of": "north",
})  # fmt: skip
"""The map for senders that already use our names."""
