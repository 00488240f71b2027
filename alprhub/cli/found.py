"""Reads that a question found, as people look at them: what, when, where, on which list; and what may be missing."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Annotated, Any, Final

import typer

from alprhub.cli import moments
from alprhub.cli.output import console, print_rows
from hub.area import Circle
from hub.search.coverage import Coverage
from hub.search.query import Mode, Query
from hub.search.rows import Found, OnList, Reliance
from hub.wiring import Hub
from hub.words import count, moment, named
from normalize import origin, vehicle

Ids = Annotated[bool, typer.Option("--ids", help="Also the numbers of reads, for --read and `reads`.")]

_COLUMNS: Final = {
    "captured_at": "time",
    "plate": "plate",
    "state": "state",
    "place": "place",
    "camera": "camera",
    "vehicle": "vehicle",
    "hit": "hit",
    "picture": "picture",
    "connection": "source",
}
_PLAIN: Final = {"exact", "held", "in the time and place asked for"}
"""Reasons for finding a read that are not worth a word."""
_ALIKE: Final = {"exact": "", "folded": "look-alike", "other_state": "state not known"}
_STATUS: Final = {
    "on-demand": "answers for one plate when asked; here is what it was asked for before: alprhub lookup PLATE asks it",
    "pushed": "sends by itself; nobody can tell what it did not send",
    "not-asked": "left out by what was asked",
    "paused": "is paused; what it had since then is not here: alprhub connections resume {name}",
    "removing": "is being removed; what it had since then is not here",
    "removed": "is removed; what it had since then is not here",
    "never-synced": "nothing was pulled from it yet: alprhub sync {name}",
    "not-available": "its connector may not run here any more; what it had since then is not here",
}
_NARROWED: Final = {
    "states": "state", "countries": "country", "hours": "hours", "cameras": "camera", "sites": "site",
    "connections": "connection", "kinds": "kind", "makes": "make", "colours": "color", "bodies": "body",
    "types": "type", "hits_only": "hits", "min_confidence": "min-confidence",
}  # fmt: skip
"""The options that narrow a question, by the query's field."""


def print_found(
    hub: Hub,
    rows: Sequence[Found],
    nothing: str,
    *,
    ids: bool,
    passes: Iterable[Sequence[int]] = (),
    ends: bool = False,
) -> None:
    """A table of reads; with `ids` also their numbers and the first of those that are one car going by, with `ends`
    also when the time of each is over."""
    first = {ident: numbers[0] for numbers in passes for ident in numbers}
    columns = dict(_COLUMNS)
    whys = {row.why for row in rows} - _PLAIN
    if len(whys) > 1 or not all(why.startswith("fits ") for why in whys):
        columns["why"] = "why"
    if any(row.grade and _reading(row.grade) for row in rows):
        columns["grade"] = "reading"
    if ends:
        columns["expires_at"] = "its time is over"
    if ids:
        columns = {"id": "id", **columns, "same_pass": "same pass as"}
    print_rows([_cells(row, first.get(row.id)) for row in rows], columns, False, nothing, hub.governing.profile.zone)


def _cells(row: Found, same_pass: int | None) -> dict[str, Any]:
    at = None if row.latitude is None or row.longitude is None else f"{row.latitude:.5f}, {row.longitude:.5f}"
    return {
        **{field.name: getattr(row, field.name) for field in fields(row)},
        "state": origin.shown(row.plate_state, row.plate_country),
        "place": row.site or at,
        "vehicle": vehicle.described(row.make, row.colour, row.body),
        "hit": [_hit(hit) for hit in row.hits],
        "picture": any(image.state == "stored" for image in row.images),
        "same_pass": same_pass,
        "grade": row.grade and _reading(row.grade),
    }


def _reading(grade: Reliance) -> str | None:
    """What a person needs to know of a reading at a glance; `reads show` tells the rule."""
    if grade.alert:
        return "alert-grade"
    return "may be cut" if grade.may_be_cut else None


def _hit(hit: OnList) -> str:
    """A list with how far the read agrees with it; another state is never passed over."""
    how = "STATE MISMATCH" if hit.state_match == "mismatch" else _ALIKE.get(hit.kind, hit.kind)
    return f"{hit.hotlist} ({how})" if how else hit.hotlist


def nothing_found(hub: Hub, query: Query) -> str:
    """What was asked for in vain, in words, and how to ask for a part of a plate."""
    whole = [pattern.text for pattern in query.patterns() if pattern.exact]
    plates = [pattern.text for pattern in query.patterns()]
    how = {Mode.PATTERN: "", Mode.LOOKALIKE: " or look-alikes", Mode.ONE_EDIT: " or one character off"}[query.mode]
    what = f" of {named(plates)}{' as a whole plate' if len(whole) == len(plates) == 1 and not how else ''}{how}"
    window = moments.understood(hub, query.since, query.until)
    asked = [option for field, option in _NARROWED.items() if getattr(query, field)]
    if query.area:
        asked.append("near" if isinstance(query.area, Circle) else "inside")
    narrowed = f", narrowed by --{', --'.join(asked)}" if asked else ""
    part = f"; with stars for a part: '*{whole[0]}*'" if whole and query.mode is Mode.PATTERN else ""
    return f"no read{what if plates else ''} {window}{narrowed}{part}"


def say_coverage(hub: Hub, coverage: Sequence[Coverage]) -> None:
    """Which sources cannot answer in full and for which times, and from when until when the others were pulled."""
    zone = hub.governing.profile.zone
    for part in coverage:
        until = None if part.status in ("on-demand", "pushed", "not-asked") else part.covered_until
        since = f" (pulled until {moment(until, zone)})" if until else ""
        if part.status in _STATUS:
            console.print(f"{part.connection}: {_STATUS[part.status].format(name=part.connection)}{since}")
        if part.status not in ("not-asked", "never-synced") and (holes := _holes(part)):
            times = [f"{moment(gap.since, zone)} to {moment(gap.until, zone)}" for gap in holes]
            console.print(
                f"{part.connection}: not complete, {count(len(holes), 'time')} that no run covered: "
                f"{named(times, 3)}; alprhub backfill {part.connection}"
            )
    pulled = [part for part in coverage if part.status == "included"]
    first = [f"{part.connection} {moment(part.covered_since, zone)}" for part in pulled if part.covered_since]
    if first:
        console.print(f"pulled from: {', '.join(first)}; alprhub backfill NAME --since TIME pulls what was before")
    fresh = [f"{part.connection} {moment(part.covered_until, zone)}" for part in pulled if part.covered_until]
    if fresh:
        console.print(f"pulled until: {', '.join(fresh)}")


def _holes(part: Coverage) -> list[Any]:
    """The gaps that are neither merely the time since the last run nor that before the first."""
    first, last = part.covered_since, part.covered_until
    return [gap for gap in part.gaps if not (first and gap.until <= first) and not (last and gap.since >= last)]
