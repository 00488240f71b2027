"""A question that was kept, in words: every one of its terms, for somebody who must decide about what it means."""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from hub.search.hours import DAYS
from hub.words import moment
from normalize import countries, states, vehicle

_EVERY_DAY: Final = len(DAYS)
_MODES: Final = {"look-alike": "or look-alikes of them", "one-edit": "or one character off"}
_LISTS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "states": ("of", states.NAMES),
    "countries": ("of", countries.NAMES),
    "cameras": ("by camera", {}),
    "sites": ("at site", {}),
    "connections": ("of connection", {}),
    "kinds": ("of sources of kind", {}),
    "makes": ("make", vehicle.MAKES),
    "colours": ("color", vehicle.COLOURS),
    "bodies": ("body", vehicle.BODIES),
    "types": ("type", {}),
}


def in_words(asked: Mapping[str, Any], zone: tzinfo) -> str:
    """What a question narrows by, term after term, times in `zone`; a term without words of its own as it is kept."""
    return "; ".join(said for name, value in asked.items() if (said := _term(name, value, zone)))


def _term(name: str, value: Any, zone: tzinfo) -> str:
    if name in _LISTS:
        before, names = _LISTS[name]
        return f"{before} {' or '.join(names.get(code, code).replace('_', ' ') for code in value)}"
    said: dict[str, Callable[[Any], str]] = {
        "plates": lambda plates: f"plate {' or '.join(plates)}",
        "mode": lambda mode: _MODES.get(mode, ""),
        "candidates": lambda _: "what engines also took a plate for counts",
        "since": lambda at: f"from {moment(datetime.fromisoformat(at), zone)}",
        "until": lambda at: f"until {moment(datetime.fromisoformat(at), zone)}",
        "hours": lambda spans: f"only {' or '.join(map(_hours, spans))}",
        "area": _area,
        "hits_only": lambda _: "only what is on a hot list",
        "min_confidence": lambda least: f"plate confidence of at least {least:g}",
    }
    return said[name](value) if name in said else f"{name.replace('_', ' ')}: {value}"


def _hours(span: Mapping[str, Any]) -> str:
    begin, end = (f"{span[side] // 60:02}:{span[side] % 60:02}" for side in ("since", "until"))
    days = sorted(span["days"])
    on = "" if len(days) == _EVERY_DAY else f" on {', '.join(DAYS[day] for day in days)}"
    return f"{begin}-{end}{on}"


def _area(area: Mapping[str, Any]) -> str:
    if "metres" in area:
        return f"within {area['metres']:g} m of {area['latitude']:.5f},{area['longitude']:.5f}"
    corners = " ".join(f"{latitude:.5f},{longitude:.5f}" for latitude, longitude in area["corners"])
    return f"inside the polygon {corners}"
