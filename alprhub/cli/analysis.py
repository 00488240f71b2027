"""`alprhub timeline | co-travel | scenes | pattern`: where a plate went, with whom, who was there, and when it goes."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from alprhub.cli.asking import Case, Purpose, Reason
from alprhub.cli.moments import Since, Until, moment, window
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.analysis.pattern import LifePattern, Week
from hub.analysis.scenes import AtCamera, AtSite, Scene, Scenes
from hub.analysis.service import MIN_CAMERAS, WITHIN
from hub.analysis.sightings import Source
from hub.analysis.timeline import FASTEST, Leg, Passage
from hub.area import Circle
from hub.audit.record import Actor, Why
from hub.errors import Invalid
from hub.wiring import Hub, open_hub

Plate = Annotated[str, typer.Argument(help="One whole plate, without wildcards.")]
Alike = Annotated[bool, typer.Option("--look-alike", help="Also plates that cameras confuse with it.")]

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SCENE: Final = "LAT,LON,METRES,SINCE,UNTIL or camera:NAME,SINCE,UNTIL or site:NAME,SINCE,UNTIL"


def timeline(
    plate: Plate,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    since: Since = None,
    until: Until = None,
    look_alike: Alike = False,
    fastest: Annotated[float, typer.Option(help="km/h above which a leg is impossible.")] = FASTEST,
    as_json: AsJson = False,
) -> None:
    """Where a plate went: its passes in order of time, the way between them, and what cannot be one car."""
    with failures(), open_hub() as hub:
        answer = hub.analysis.timeline(
            Actor.of_process(),
            Why(purpose, reason, case),
            plate,
            *window(hub, since, until),
            look_alike,
            fastest,
        )
        if as_json:
            print_json(answer)
            return
        columns = ("number", "first_at", "place", "cameras", "connections", "plate_states", "reads", "way", "look_at")
        print_rows([_passage(one) for one in answer.passes], columns, False, "no reads")
        if answer.impossible:
            console.print(f"legs that no car drives: {answer.impossible}; two cars, or a wrong read, place or clock")
        console.print(f"reads: {_told(answer.connections)}")


def co_travel(
    plate: Plate,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    since: Since = None,
    until: Until = None,
    look_alike: Alike = False,
    within: Annotated[float, typer.Option(help="Seconds that the other may be ahead or behind.")] = WITHIN,
    min_cameras: Annotated[int, typer.Option(help="Met at so many places; cameras that stand together are one.")] = (
        MIN_CAMERAS
    ),
    limit: Annotated[int, typer.Option(help="The most plates.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Which plates travel with a plate; those that chance explains least come first."""
    with failures(), open_hub() as hub:
        answer = hub.analysis.co_travel(
            Actor.of_process(),
            Why(purpose, reason, case),
            plate,
            *window(hub, since, until),
            within,
            min_cameras,
            look_alike,
            limit,
        )
        if as_json:
            print_json(answer)
            return
        columns = (
            *("plates", "plate_states", "score", "meetings", "expected", "cameras", "days", "passes", "ahead"),
            *("behind", "median_gap_seconds", "may_be_misread", "first_at", "last_at"),
        )
        print_rows(answer.companions, columns, False, "nobody")
        if answer.candidates > len(answer.companions):
            console.print(f"{len(answer.companions)} of {answer.candidates} plates that were met at enough places")
        if answer.everywhere:
            console.print(f"too many reads to be judged: {', '.join(answer.everywhere)}")
        console.print("a score is a lead, not a finding: compare meetings with expected, and look at the pictures")
        console.print(f"reads: {_told(answer.connections)}")


def scenes(
    scene: Annotated[list[str] | None, typer.Option(help=f"{_SCENE}; 2 to 10 times.")] = None,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    at_least: Annotated[int | None, typer.Option(help="At so many of the scenes; without it, at all.")] = None,
    limit: Annotated[int, typer.Option(help="The most plates.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Which plates were at several scenes, each a place and a time."""
    with failures(), open_hub() as hub:
        asked = [_scene(hub, number, said) for number, said in enumerate(scene or (), 1)]
        answer = hub.analysis.scenes(Actor.of_process(), Why(purpose, reason, case), asked, at_least, limit)
        if as_json:
            print_json(answer)
            return
        _print_scenes(answer)


def pattern(
    plate: Plate,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    since: Since = None,
    until: Until = None,
    look_alike: Alike = False,
    as_json: AsJson = False,
) -> None:
    """On which weekdays and at which hours a plate passes, by the agency's clock, in all and at each place."""
    with failures(), open_hub() as hub:
        answer = hub.analysis.pattern(
            Actor.of_process(),
            Why(purpose, reason, case),
            plate,
            *window(hub, since, until),
            look_alike,
        )
        if as_json:
            print_json(answer)
            return
        _print_pattern(answer)


def _passage(one: Passage) -> dict[str, Any]:
    """A pass as a line of a table."""
    flags = []
    if one.leg and one.leg.impossible:
        flags.append("IMPOSSIBLE")
    if one.other_state:
        flags.append("OTHER STATE")
    return {
        "number": one.number,
        "first_at": one.first_at,
        "place": one.sites,
        "cameras": one.cameras,
        "connections": one.connections,
        "plate_states": one.plate_states,
        "reads": len(one.reads),
        "way": _way(one.leg) if one.leg else None,
        "look_at": flags,
    }


def _way(leg: Leg) -> str:
    time = f"{leg.seconds:.0f} s"
    if leg.metres is None:
        return f"{time}, place not known"
    speed = f", {leg.kmh:.0f} km/h" if leg.kmh is not None else ""
    return f"{leg.metres / 1000:.1f} km in {time}{speed} from {leg.from_pass}"


def _print_scenes(answer: Scenes) -> None:
    rows = []
    for one in answer.plates:
        seen = [f"{reads[0].captured_at:%Y-%m-%dT%H:%M:%SZ}" if reads else "-" for reads in one.reads]
        named = {f"scene_{number}": at for number, at in enumerate(seen, 1)}
        rows.append({"plates": one.plates, "plate_states": one.plate_states, "scenes": one.scenes, **named})
    columns = ("plates", "plate_states", "scenes", *(f"scene_{number}" for number in range(1, len(answer.scenes) + 1)))
    print_rows(rows, columns, False, f"no plate was at {answer.at_least} of the scenes")
    if answer.left_out:
        console.print(f"{answer.left_out} more plates are left out")
    for number, scene in enumerate(answer.scenes, 1):
        console.print(f"scene {number}: {scene.plates} plates; reads: {_told(scene.connections)}")


def _print_pattern(answer: LifePattern) -> None:
    console.print(f"{answer.passes} passes by weekday and hour, {answer.zone}")
    _print_week(answer.week)
    for place in answer.places if len(answer.places) > 1 else ():
        console.print(f"{place.site or place.camera}: {place.passes} passes")
        _print_week(place.week)
    console.print(f"reads: {_told(answer.connections)}")


def _print_week(week: Week) -> None:
    table = Table("", *(f"{hour:02d}" for hour in range(24)), box=None, padding=(0, 1, 0, 0), header_style="bold")
    for day, hours in zip(_DAYS, week, strict=True):
        table.add_row(day, *(str(count) if count else "·" for count in hours))
    console.print(table)


def _told(sources: Sequence[Source]) -> str:
    """How many reads each connection gave, and which is not active."""
    states = ("" if one.state == "active" else f" ({one.state})" for one in sources)
    return ", ".join(f"{one.connection}{state} {one.reads}" for one, state in zip(sources, states, strict=True))


def _scene(hub: Hub, number: int, said: str) -> Scene:
    """The scene of a text; raises `Invalid`, naming the scene and the field."""
    parts = said.rsplit(",", 2)
    if len(parts) != 3:
        raise Invalid(f"scene {number}: is written as {_SCENE}")
    place, since, until = parts
    where = f"scene {number}: "
    begin, end = moment(hub, since.strip(), f"{where}since"), moment(hub, until.strip(), f"{where}until")
    assert begin
    assert end
    return Scene(_place(where, place), begin, end)


def _place(where: str, said: str) -> Circle | AtCamera | AtSite:
    kind, _, name = (part.strip() for part in said.partition(":"))
    if kind in ("camera", "site"):
        if not name:
            raise Invalid(f"{where}{kind}: needs a name")
        return AtCamera(name) if kind == "camera" else AtSite(name)
    values = said.split(",")
    if len(values) != 3:
        raise Invalid(f"{where}is written as {_SCENE}")
    fields = ("latitude", "longitude", "metres")
    numbers = [_number(f"{where}{field}", value) for field, value in zip(fields, values, strict=True)]
    try:
        return Circle(*numbers)
    except Invalid as wrong:
        raise Invalid(f"{where}{wrong}") from None


def _number(field: str, said: str) -> float:
    try:
        return float(said)
    except ValueError:
        raise Invalid(f"{field}: {said.strip()!r} is no number") from None
