"""`alprhub timeline | co-travel | scenes | pattern`: where a plate went, with whom, who was there, and when it goes."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from alprhub.acting import acting
from alprhub.cli.asking import Case, Event, Purpose, Reason
from alprhub.cli.moments import Since, Until, instant, understood, window
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.plates import OnePlate, one
from alprhub.plain import print_json
from hub.analysis.co_travel import Companion
from hub.analysis.pattern import LifePattern, Week
from hub.analysis.scenes import AtCamera, AtSite, Scene, Scenes
from hub.analysis.service import MIN_CAMERAS, WITHIN
from hub.analysis.sightings import AskedSource
from hub.analysis.timeline import FASTEST, Leg, Passage
from hub.area import Circle
from hub.errors import Invalid
from hub.people import Why
from hub.wiring import Hub, open_hub
from hub.words import count, moment, span
from normalize import states

Alike = Annotated[bool, typer.Option("--look-alike", help="Also plates that cameras confuse with it.")]

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOST_PLACES: Final = 10
_MOST_HOURS: Final = 3
_TIMELINE: Final = {
    "number": "pass",
    "first_at": "time",
    "place": "place",
    "cameras": "camera",
    "connections": "source",
    "plate_states": "state",
    "reads": "reads",
    "way": "way",
    "look_at": "look at",
}
_COMPANIONS: Final = {
    "plates": "plate",
    "plate_states": "state",
    "score": "score",
    "meetings": "times met",
    "expected": "by chance",
    "cameras": "places",
    "days": "days",
    "passes": "its passes",
    "ahead": "ahead",
    "behind": "behind",
    "apart": "usually apart",
    "may_be_misread": "may be a misread",
    "first_at": "first met",
    "last_at": "last met",
}
_SCENE: Final = "LAT,LON,METRES,SINCE,UNTIL or camera:NAME,SINCE,UNTIL or site:NAME,SINCE,UNTIL"


def timeline(
    plate: OnePlate,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    event: Event = None,
    since: Since = None,
    until: Until = None,
    look_alike: Alike = False,
    fastest: Annotated[float, typer.Option(help="km/h above which a leg is impossible.")] = FASTEST,
    as_json: AsJson = False,
) -> None:
    """Where a plate went: its passes in order of time, the way between them, and what cannot be one car."""
    with failures(), open_hub() as hub:
        answer = hub.analysis.timeline(
            acting(),
            Why(purpose, reason, case, event),
            one(plate),
            *window(hub, since, until),
            look_alike,
            fastest,
        )
        if as_json:
            print_json(answer)
            return
        _say_times(hub, since, until)
        nothing = _no_read(hub, answer.plate, answer.mode, since, until)
        print_rows(
            [_passage(passage) for passage in answer.passes], _TIMELINE, False, nothing, hub.governing.profile.zone
        )
        if answer.impossible:
            legs = count(answer.impossible, "way")
            console.print(f"{legs} that no car drives: two cars, or a wrong read, place or clock")
        console.print(f"reads: {_sources(answer.connections)}")


def co_travel(
    plate: OnePlate,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    event: Event = None,
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
            acting(),
            Why(purpose, reason, case, event),
            one(plate),
            *window(hub, since, until),
            within,
            min_cameras,
            look_alike,
            limit,
        )
        if as_json:
            print_json(answer)
            return
        _say_times(hub, since, until)
        rows = [_companion(companion) for companion in answer.companions]
        nothing = (
            f"no plate was within {span(within)} of {answer.plate} at {count(min_cameras, 'place')} or more "
            f"{_times(hub, since, until)}; {count(answer.passes, 'pass', 'passes')} of it are here"
        )
        print_rows(rows, _COMPANIONS, False, nothing, hub.governing.profile.zone)
        if answer.candidates > len(answer.companions):
            console.print(f"{len(answer.companions)} of {answer.candidates} plates that were met at enough places")
        if answer.everywhere:
            console.print(f"too many reads to be judged: {', '.join(answer.everywhere)}")
        if answer.companions:
            console.print(
                "a score is a lead, not a finding: compare times met with by chance, and look at the pictures"
            )
        console.print(f"reads: {_sources(answer.connections)}")


def scenes(
    scene: Annotated[list[str] | None, typer.Option(help=f"{_SCENE}; 2 to 10 times.")] = None,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    event: Event = None,
    at_least: Annotated[int | None, typer.Option(help="At so many of the scenes; without it, at all.")] = None,
    limit: Annotated[int, typer.Option(help="The most plates.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Which plates were at several scenes, each a place and a time."""
    with failures(), open_hub() as hub:
        asked = [_scene(hub, number, text) for number, text in enumerate(scene or (), 1)]
        answer = hub.analysis.scenes(acting(), Why(purpose, reason, case, event), asked, at_least, limit)
        if as_json:
            print_json(answer)
            return
        _print_scenes(answer, hub.governing.profile.zone)


def pattern(
    plate: OnePlate,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    event: Event = None,
    since: Since = None,
    until: Until = None,
    look_alike: Alike = False,
    grid: Annotated[
        bool, typer.Option("--grid", help="Also every hour of the week, in all and at each place.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """On which weekdays and at which hours a plate passes, by the agency's clock, in all and at each place."""
    with failures(), open_hub() as hub:
        answer = hub.analysis.pattern(
            acting(),
            Why(purpose, reason, case, event),
            one(plate),
            *window(hub, since, until),
            look_alike,
        )
        if as_json:
            print_json(answer)
            return
        _say_times(hub, since, until)
        if answer.passes:
            _print_pattern(answer, hub.governing.profile.zone, grid)
        else:
            console.print(_no_read(hub, answer.plate, answer.mode, since, until))
        console.print(f"reads: {_sources(answer.connections)}")


def _say_times(hub: Hub, since: str | None, until: str | None) -> None:
    if since is not None or until is not None:
        console.print(_times(hub, since, until))


def _times(hub: Hub, since: str | None, until: str | None) -> str:
    return understood(hub, *window(hub, since, until))


def _no_read(hub: Hub, plate: str, mode: str, since: str | None, until: str | None) -> str:
    """That nothing was found, with what was asked for."""
    alike, more = (" or look-alikes", "") if mode != "exact" else ("", "; --look-alike also takes what cameras confuse")
    return f"no read of {plate} as a whole plate{alike} {_times(hub, since, until)}{more}"


def _passage(passage: Passage) -> dict[str, Any]:
    """A pass as a line of a table."""
    flags = []
    if passage.leg and passage.leg.impossible:
        flags.append("IMPOSSIBLE")
    if passage.other_state:
        flags.append("OTHER STATE")
    at = (
        None
        if passage.latitude is None or passage.longitude is None
        else f"{passage.latitude:.5f}, {passage.longitude:.5f}"
    )
    return {
        "number": passage.number,
        "first_at": passage.first_at,
        "place": passage.sites or at,
        "cameras": passage.cameras,
        "connections": passage.connections,
        "plate_states": [states.shown(state) for state in passage.plate_states],
        "reads": len(passage.reads),
        "way": _way(passage.leg) if passage.leg else None,
        "look_at": flags,
    }


def _way(leg: Leg) -> str:
    time = span(leg.seconds)
    if leg.metres is None:
        return f"{time}, place not known"
    speed = f", {leg.kmh:.0f} km/h" if leg.kmh is not None and leg.kmh >= 1 else ""
    return f"{leg.metres / 1000:.1f} km in {time}{speed} from pass {leg.from_pass}"


def _companion(companion: Companion) -> dict[str, Any]:
    """A plate that was met, as a line of a table."""
    row = {field.name: getattr(companion, field.name) for field in fields(companion)}
    return {
        **row,
        "plate_states": [states.shown(state) for state in companion.plate_states],
        "score": round(companion.score, 2),
        "expected": round(companion.expected, 2),
        "apart": timedelta(seconds=companion.median_gap_seconds),
    }


def _print_scenes(answer: Scenes, zone: ZoneInfo) -> None:
    rows = []
    for group in answer.plates:
        seen = [reads[0].captured_at if reads else "-" for reads in group.reads]
        at = {f"scene_{number}": when for number, when in enumerate(seen, 1)}
        plate_states = [states.shown(state) for state in group.plate_states]
        rows.append({"plates": group.plates, "plate_states": plate_states, "scenes": group.scenes, **at})
    columns = {"plates": "plate", "plate_states": "state", "scenes": "scenes"}
    columns |= {f"scene_{number}": f"scene {number}" for number in range(1, len(answer.scenes) + 1)}
    print_rows(rows, columns, False, f"no plate was at {answer.at_least} of the scenes", zone)
    if answer.left_out:
        console.print(
            f"{count(answer.left_out, 'more plate')} {'is' if answer.left_out == 1 else 'are'} left out: --limit"
        )
    for number, scene in enumerate(answer.scenes, 1):
        asked = f"{moment(scene.scene.since, zone)} to {moment(scene.scene.until, zone)}"
        console.print(f"scene {number}, {asked}: {count(scene.plates, 'plate')}; reads: {_sources(scene.connections)}")


def _print_pattern(answer: LifePattern, zone: ZoneInfo, grid: bool) -> None:
    """When it passes most and where, the busiest first; every hour of the week only where that is asked for."""
    assert answer.first_at
    assert answer.last_at
    passes = count(answer.passes, "pass", "passes")
    console.print(f"{answer.plate}: {passes}, {moment(answer.first_at, zone)} to {moment(answer.last_at, zone)}")
    console.print(f"most often, by weekday and hour: {_busiest(answer.week)}")
    rows = [
        {"place": place.site or place.camera, "passes": place.passes, "most": _busiest(place.week)}
        for place in answer.places[:_MOST_PLACES]
    ]
    print_rows(rows, {"place": "place", "passes": "passes", "most": "most often"}, False)
    if len(answer.places) > _MOST_PLACES:
        console.print(f"{count(len(answer.places) - _MOST_PLACES, 'more place')}: --json has them all")
    if grid:
        console.print(f"\nby weekday and hour, {answer.zone}")
        _print_week(answer.week)
        for place in answer.places if len(answer.places) > 1 else ():
            console.print(f"\n{place.site or place.camera}: {count(place.passes, 'pass', 'passes')}")
            _print_week(place.week)


def _busiest(week: Week) -> str:
    """The hours of the week with the most passes: `Mon 08-09 (4), Fri 17-18 (2)`."""
    hours = [(passes, day, hour) for day, row in enumerate(week) for hour, passes in enumerate(row) if passes]
    most = sorted(hours, key=lambda entry: (-entry[0], entry[1], entry[2]))[:_MOST_HOURS]
    return ", ".join(f"{_DAYS[day]} {hour:02d}-{hour + 1:02d} ({passes})" for passes, day, hour in most)


def _print_week(week: Week) -> None:
    table = Table("", *(f"{hour:02d}" for hour in range(24)), box=None, padding=(0, 1, 0, 0), header_style="bold")
    for day, hours in zip(_DAYS, week, strict=True):
        table.add_row(day, *(str(passes) if passes else "·" for passes in hours))
    console.print(table)


def _sources(sources: Sequence[AskedSource]) -> str:
    """How many reads each connection gave, and which is not active."""
    states = ("" if source.state == "active" else f" ({source.state})" for source in sources)
    return ", ".join(
        f"{source.connection}{state} {source.reads}" for source, state in zip(sources, states, strict=True)
    )


def _scene(hub: Hub, number: int, text: str) -> Scene:
    """The scene of a text; raises `Invalid`, naming the scene and the field."""
    parts = text.rsplit(",", 2)
    if len(parts) != 3:
        raise Invalid(f"scene {number}: is written as {_SCENE}")
    place, since, until = parts
    where = f"scene {number}: "
    begin, end = instant(hub, since.strip(), f"{where}since"), instant(hub, until.strip(), f"{where}until")
    return Scene(_place(where, place), begin, end)


def _place(where: str, text: str) -> Circle | AtCamera | AtSite:
    kind, _, name = (part.strip() for part in text.partition(":"))
    if kind in ("camera", "site"):
        if not name:
            raise Invalid(f"{where}{kind}: needs a name")
        return AtCamera(name) if kind == "camera" else AtSite(name)
    values = text.split(",")
    if len(values) != 3:
        raise Invalid(f"{where}is written as {_SCENE}")
    fields = ("latitude", "longitude", "metres")
    numbers = [_number(f"{where}{field}", value) for field, value in zip(fields, values, strict=True)]
    try:
        return Circle(*numbers)
    except Invalid as wrong:
        raise Invalid(f"{where}{wrong}") from None


def _number(field: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Invalid(f"{field}: {text.strip()!r} is no number") from None
