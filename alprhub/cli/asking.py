"""The options of every command that asks for reads, once: what a person types, as one `Query`."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from functools import wraps
from typing import Annotated, Any

import typer

from alprhub.cli.missing import NEEDS
from alprhub.cli.moments import Since, Until, window
from alprhub.cli.origins import country_asked, state_asked
from alprhub.cli.plates import several
from hub.area import Area, Circle, Polygon
from hub.errors import Invalid
from hub.people import Why
from hub.search.hours import Hours
from hub.search.known import check_names
from hub.search.query import Mode, Query
from hub.wiring import Hub
from hub.words import named
from normalize import countries, states, vehicle
from normalize.word import Word

Several = list[str] | None
Plates = Annotated[
    Several, typer.Argument(help="Plates; ? is one character, * any run of them; - reads a list, or asks.")
]
Purpose = Annotated[
    str,
    # `policy show` prints purposes in words, so words are accepted as well as codes.
    typer.Option(help="One of the agency's purposes.", callback=lambda text: "_".join(text.casefold().split())),
]
Reason = Annotated[str, typer.Option(help="Why, in words.")]
Case = Annotated[str | None, typer.Option(help="The case number, where there is one.")]
Event = Annotated[
    str | None, typer.Option(help="The event's number, or none where no event has one; some policies ask for it.")
]


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person typed, not yet understood; every field is an option of the command."""

    plates: Plates = None
    purpose: Purpose = ""
    reason: Reason = ""
    case: Case = None
    event: Event = None
    mode: Annotated[Mode, typer.Option(help="How plates must agree.")] = Mode.PATTERN
    candidates: Annotated[bool, typer.Option("--candidates", help="What engines also took a plate for counts.")] = False
    state: Annotated[Several, typer.Option(help="Only plates of this state.")] = None
    country: Annotated[Several, typer.Option(help="Only plates of this country: MX, Mexico, DEU …")] = None
    since: Since = None
    until: Until = None
    hours: Annotated[Several, typer.Option(help="Only at these hours: 22:00-02:00 or 22:00-02:00@fri,sat.")] = None
    near: Annotated[str | None, typer.Option(help="Only within METRES of a place: LAT,LON,METRES.")] = None
    inside: Annotated[str | None, typer.Option(help="Only inside a polygon: LAT,LON LAT,LON LAT,LON.")] = None
    camera: Annotated[Several, typer.Option(help="Only this camera, by id or name.")] = None
    site: Annotated[Several, typer.Option(help="Only cameras of this site.")] = None
    connection: Annotated[Several, typer.Option(help="Only this connection.")] = None
    kind: Annotated[Several, typer.Option(help="Only sources of this kind: own, commercial, native_reader.")] = None
    make: Annotated[Several, typer.Option(help="Only this make, by NCIC's code or in words.")] = None
    colour: Annotated[Several, typer.Option("--color", "--colour", help="Only this color: black, silver …")] = None
    body: Annotated[Several, typer.Option(help="Only this body.")] = None
    type: Annotated[Several, typer.Option(help="Only this type of vehicle: car, pickup, motorcycle …")] = None
    hits: Annotated[bool, typer.Option("--hits", help="Only reads that are on a hot list.")] = False
    min_confidence: Annotated[float | None, typer.Option(help="Plate confidence of at least this, 0 to 1.")] = None

    def query(self, hub: Hub, **more: Any) -> Query:
        """The query of it; raises `Invalid`, naming the option, for what cannot be understood, and `NotFound` for a
        connection, camera or site that is not there."""
        since, until = window(hub, self.since, self.until)
        query = Query(
            why=Why(self.purpose, self.reason, self.case, self.event),
            plates=several(self.plates or ()),
            mode=self.mode,
            candidates=self.candidates,
            states=_codes("state", self.state, state_asked, states.NAMES),
            countries=_codes("country", self.country, country_asked, countries.NAMES),
            since=since,
            until=until,
            hours=tuple(map(Hours.parse, self.hours or ())),
            area=self._area(),
            cameras=tuple(self.camera or ()),
            sites=tuple(self.site or ()),
            connections=tuple(self.connection or ()),
            kinds=tuple(self.kind or ()),
            makes=_codes("make", self.make, vehicle.make, vehicle.MAKES),
            colours=_codes("color", self.colour, vehicle.colour, vehicle.COLOURS),
            bodies=_codes("body", self.body, vehicle.body, vehicle.BODIES),
            types=tuple(self.type or ()),
            hits_only=self.hits,
            min_confidence=self.min_confidence,
            **more,
        )
        check_names(hub.store, query)
        return query

    def _area(self) -> Area | None:
        if self.near is not None and self.inside is not None:
            raise Invalid("near: and --inside exclude each other")
        try:
            if self.near is not None:
                return Circle(*_numbers("near", self.near, "LAT,LON,METRES"))
            if self.inside is not None:
                corners = [_numbers("inside", corner, "LAT,LON") for corner in self.inside.split()]
                return Polygon(tuple((corner[0], corner[1]) for corner in corners))
        except Invalid as wrong:
            option = "inside" if self.near is None else "near"
            raise Invalid(f"{option}: {str(wrong).partition(': ')[2]}") from None
        return None


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command with the options of `Typed`, before its own; it gets them together as `asked`."""
    own = [parameter for parameter in inspect.signature(command).parameters.values() if parameter.name != "asked"]
    named = [field.name for field in fields(Typed)]
    offered = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=field.type,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
        )
        for field in fields(Typed)
    ]

    @wraps(command)
    def asking(**options: Any) -> None:
        command(asked=Typed(**{name: options.pop(name) for name in named}), **options)

    parameters = [*offered, *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own)]
    asking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    asking.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return asking


def needs(*options: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command that takes ids or a question: it needs these options, and of a question its purpose too."""

    def mark(command: Callable[..., None]) -> Callable[..., None]:
        setattr(command, NEEDS, lambda given: options if given.get("read") else ("purpose", *options))
        return command

    return mark


def _codes(
    field: str, texts: list[str] | None, word: Callable[[str], Word], words: Mapping[str, str]
) -> tuple[str, ...]:
    """Words as codes; raises `Invalid` for one that the vocabulary does not have, with those that are like it."""
    codes = []
    for text in texts or ():
        code = word(text).code
        if code is None:
            like = get_close_matches(text.casefold(), {name.casefold(): name for name in words.values()}, 3, 0.6)
            shown = [name for name in words.values() if name.casefold() in like] or list(words.values())
            raise Invalid(f"{field}: {text!r} is not known here; there are {named(shown, 30)}")
        codes.append(code)
    return tuple(codes)


def _numbers(field: str, text: str, form: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != len(form.split(",")):
        raise Invalid(f"{field}: {text!r} is not {form}: {len(form.split(','))} numbers between commas")
    return numbers
