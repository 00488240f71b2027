"""A question that was kept, in words: what somebody is shown who must decide about what it means."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alprhub.cli.questions import in_words
from hub.area import Circle, Polygon
from hub.people import Why
from hub.search.hours import Hours
from hub.search.query import Mode, Query

ZONE = ZoneInfo("America/Los_Angeles")
WHY = Why("stolen_vehicle", "needed", "26-1")
NOT_SAID = {"limit"}


def said(**terms: Any) -> str:
    told = {name: value for name, value in Query(WHY, **terms).told().items() if name not in NOT_SAID}
    return in_words(msgspec.json.decode(msgspec.json.encode(told)), ZONE)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"plates": ("9SYN001", "9SYN*")}, "plate 9SYN001 or 9SYN*"),
        ({"plates": ("9SYN001",), "mode": Mode.LOOKALIKE}, "plate 9SYN001; or look-alikes of them"),
        ({"plates": ("9SYN001",), "mode": Mode.ONE_EDIT}, "plate 9SYN001; or one character off"),
        ({"candidates": True}, "what engines also took a plate for counts"),
        ({"states": ("US-CA",)}, "of California"),
        ({"countries": ("MX", "DE")}, "of Mexico or Germany"),
        (
            {"since": datetime(2026, 1, 2, 8, tzinfo=UTC), "until": datetime(2026, 7, 2, 7, tzinfo=UTC)},
            "from 2026-01-02 00:00 PST; until 2026-07-02 00:00 PDT",
        ),
        ({"hours": (Hours.parse("22:00-02:30"),)}, "only 22:00-02:30"),
        ({"hours": (Hours.parse("22:00-02:00@sat,fri"),)}, "only 22:00-02:00 on fri, sat"),
        ({"area": Circle(33.8, -116.5, 250)}, "within 250 m of 33.80000,-116.50000"),
        (
            {"area": Polygon(((33.8, -116.5), (33.9, -116.5), (33.9, -116.4)))},
            "inside the polygon 33.80000,-116.50000 33.90000,-116.50000 33.90000,-116.40000",
        ),
        ({"cameras": ("pier", "gate")}, "by camera pier or gate"),
        ({"sites": ("north",), "connections": ("drop",)}, "at site north; of connection drop"),
        ({"kinds": ("native_reader",)}, "of sources of kind native reader"),
        ({"makes": ("NISS",), "colours": ("BLK",), "bodies": ("4D",)}, "make Nissan; color black; body sedan"),
        ({"types": ("pickup",)}, "type pickup"),
        ({"hits_only": True, "min_confidence": 0.85}, "only what is on a hot list; plate confidence of at least 0.85"),
    ],
)
def test_every_term_is_said_as_people_say_it(terms: dict[str, Any], words: str) -> None:
    assert said(**terms) == words


def test_a_term_that_has_no_words_is_shown_as_it_is_kept_and_never_left_out() -> None:
    assert in_words({"plates": ["9SYN001"], "lane_number": [3]}, ZONE) == "plate 9SYN001; lane number: [3]"
