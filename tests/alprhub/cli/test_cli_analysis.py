"""`alprhub timeline | co-travel | scenes | pattern`: how cars move, for programs and for people."""

import csv
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

NOW = datetime.now(UTC).replace(microsecond=0)
WHY = ("--purpose", "stolen_vehicle", "--reason", "a stolen car, report 26-1")
CAMERAS = {"pier": (33.86, -118.4), "mole": (33.95, -118.4), "hill": (33.86, -118.2)}
DAYS = (3, 2, 1)
SCENE = "33.86,-118.4,500,2026-05-01T10:00:00,2026-05-01T11:00:00"


def at(day: int, minutes: float) -> datetime:
    """An instant `day` days ago."""
    return NOW - timedelta(days=day) + timedelta(minutes=minutes)


@pytest.fixture
def driven(run: Any, joined: Any, once: Any) -> Any:
    """9SYN001 passes three cameras on three days, 9SYN002 behind it, and once it is somewhere else as well."""
    once("a town that is driven through", lambda: drive(run, joined))
    return joined


def drive(run: Any, joined: Any) -> None:
    rows = [
        (plate, day, minutes + late, camera)
        for day in DAYS
        for minutes, camera in ((0, "pier"), (30, "mole"), (60, "hill"))
        for plate, late in (("9SYN001", 0.0), ("9SYN002", 0.25))
    ]
    rows.append(("9SYN001", 1, 61, "pier"))
    (joined.place / "reads").mkdir()
    with (joined.place / "reads" / "trips.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("read_id", "plate", "captured_at", "camera_id", "state", "latitude", "longitude"))
        for number, (plate, day, minutes, camera) in enumerate(rows):
            state = "NV" if (plate, day) == ("9SYN001", 2) else "CA"
            writer.writerow((f"r{number}", plate, at(day, minutes).isoformat(), camera, state, *CAMERAS[camera]))
    assert run("sync", "drop").code == 0


def scene(place: str, day: int, minutes: float) -> str:
    """Five minutes around an instant, somewhere."""
    return f"{place},{at(day, minutes - 5).isoformat()},{at(day, minutes + 5).isoformat()}"


def test_a_timeline_is_told_to_programs_and_to_people(run: Any, driven: Any) -> None:
    told = run("timeline", "9syn-001", *WHY, "--json").json()
    assert (told["plate"], told["mode"], len(told["passes"]), told["impossible"]) == ("9SYN001", "exact", 10, 1)
    assert [one["cameras"] for one in told["passes"][:3]] == [["pier"], ["mole"], ["hill"]]
    leg = told["passes"][1]["leg"]
    assert (leg["seconds"], leg["impossible"]) == (1800.0, False)
    assert leg["metres"] == pytest.approx(10_008, abs=5)
    assert [one["other_state"] for one in told["passes"]] == [n in (3, 6) for n in range(10)]
    assert told["passes"][0]["reads"][0]["expires_at"].endswith("Z")
    assert [(one["connection"], one["reads"]) for one in told["connections"]] == [("drop", 10)]
    shown = run("timeline", "9SYN001", *WHY).out
    assert "10.0 km in 30 min, 20 km/h from pass 1" in shown
    assert (shown.count("IMPOSSIBLE"), shown.count("OTHER STATE")) == (1, 2)
    assert "reads: drop 10\n" in shown
    assert len(run("timeline", "9SYN001", *WHY, "--since", at(1, -1).isoformat(), "--json").json()["passes"]) == 4
    assert run("timeline", "9SYN001", *WHY, "--fastest", 2000, "--json").json()["impossible"] == 0
    assert run("connections", "pause", "drop", "--reason", "contract ended").code == 0
    assert run("timeline", "8NOBODY", *WHY).out.splitlines() == [
        "no read of 8NOBODY as a whole plate from the first read on until now; "
        "--look-alike also takes what cameras confuse",
        "reads: drop (paused) 0",
    ]
    local = at(3, 0).astimezone(ZoneInfo("America/Los_Angeles"))
    assert f"{local:%Y-%m-%d %H:%M %Z}" in shown
    assert "33.86000, -118.40000" in shown
    assert not any(word in shown for word in ("US-CA", "US-NV", "+00:00", "Z "))


def test_look_alikes_are_asked_for_by_name(run: Any, driven: Any) -> None:
    for command in ("timeline", "pattern"):
        assert len(run(command, "9SYNO01", *WHY, "--json").json()["connections"]) == 1
        assert run(command, "9SYNO01", *WHY, "--json").json()["passes"] in ([], 0)
        assert run(command, "9SYNO01", *WHY, "--look-alike", "--json").json()["passes"]
    assert run("co-travel", "9SYNO01", *WHY, "--look-alike", "--json").json()["companions"]


def test_who_travels_along_is_told_to_programs_and_to_people(run: Any, driven: Any) -> None:
    told = run("co-travel", "9SYN001", *WHY, "--json").json()
    (one,) = told["companions"]
    assert (one["plates"], one["meetings"], one["cameras"], one["days"]) == (["9SYN002"], 9, 3, 3)
    assert (one["behind"], one["median_gap_seconds"], one["may_be_misread"]) == (9, 15.0, True)
    assert one["connections"] == {"drop": 9}
    assert {meeting["place"] for meeting in one["met"]} == set(CAMERAS)
    shown = run("co-travel", "9SYN001", *WHY).out
    assert "9SYN002" in shown
    assert "a score is a lead, not a finding" in shown
    assert not run("co-travel", "9SYN001", *WHY, "--within", 10, "--json").json()["companions"]
    assert "no plate was within" in run("co-travel", "9SYN001", *WHY, "--min-cameras", 4).out


def test_who_was_at_several_scenes_is_told_to_programs_and_to_people(run: Any, driven: Any, sql: Any) -> None:
    sql("UPDATE cameras SET site = 'Pier, north' WHERE vendor_id = 'pier'")
    asked = [
        *("--scene", scene("33.95,-118.4,500", 3, 30)),
        *("--scene", scene("camera:hill", 2, 60)),
        *("--scene", scene("site:Pier, north", 1, 61)),
    ]
    told = run("scenes", *asked, *WHY, "--json").json()
    assert [one["plates"] for one in told["plates"]] == [["9SYN001"]]
    assert [len(reads) for reads in told["plates"][0]["reads"]] == [1, 1, 1]
    assert [one["scene"]["place"] for one in told["scenes"]] == [
        {"latitude": 33.95, "longitude": -118.4, "metres": 500.0},
        {"camera": "hill"},
        {"site": "Pier, north"},
    ]
    some = run("scenes", *asked, *WHY, "--at-least", 2, "--json").json()
    assert [(one["plates"], one["scenes"]) for one in some["plates"]] == [(["9SYN001"], 3), (["9SYN002"], 2)]
    shown = run("scenes", *asked, *WHY, "--at-least", 2, "--limit", 1).out
    assert "9SYN001" in shown
    assert "1 more plate is left out" in shown
    local = (at(1, 61) - timedelta(minutes=5)).astimezone(ZoneInfo("America/Los_Angeles"))
    assert f"scene 3, {local:%Y-%m-%d %H:%M %Z} to " in shown
    assert ": 1 plate; reads: drop 1\n" in shown
    apart = ("--scene", scene("camera:hill", 3, 30), "--scene", scene("camera:hill", 2, 60))
    assert "no plate was at 2 of the scenes" in run("scenes", *apart, *WHY).out


def test_a_pattern_is_told_to_programs_and_to_people(run: Any, driven: Any) -> None:
    told = run("pattern", "9SYN001", *WHY, "--json").json()
    assert (told["passes"], told["zone"]) == (10, "America/Los_Angeles")
    first = at(3, 0).astimezone(ZoneInfo("America/Los_Angeles"))
    assert told["week"][first.weekday()][first.hour] >= 1
    assert sum(map(sum, told["week"])) == 10
    assert [(one["camera"], one["passes"]) for one in told["places"]] == [("pier", 4), ("hill", 3), ("mole", 3)]
    shown = run("pattern", "9SYN001", *WHY).out
    assert shown.startswith(f"9SYN001: 10 passes, {first:%Y-%m-%d %H:%M %Z} to ")
    assert re.search(
        r"^most often, by weekday and hour: (Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d-\d\d \(\d\)", shown, re.MULTILINE
    )
    places = [line.split()[:2] for line in shown.splitlines()[3:6]]
    assert places == [["pier", "4"], ["hill", "3"], ["mole", "3"]]
    assert "·" not in shown
    assert len(shown.splitlines()) == 7
    grids = run("pattern", "9SYN001", *WHY, "--grid").out
    assert "by weekday and hour, America/Los_Angeles" in grids
    assert all(day in grids for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
    assert "pier: 4 passes" in grids
    assert max(map(len, grids.splitlines())) <= 90
    none = run("pattern", "8NOBODY", *WHY, "--since", "3d").out
    assert "no read of 8NOBODY as a whole plate from " in none


COMMANDS: dict[str, tuple[str, ...]] = {
    "reads.timeline": ("timeline", "9SYN001"),
    "reads.co_travel": ("co-travel", "9SYN001"),
    "reads.pattern": ("pattern", "9SYN001"),
    "reads.scenes": ("scenes", "--scene", SCENE, "--scene", SCENE.replace("10:", "09:")),
}


@pytest.mark.parametrize("action", COMMANDS)
def test_without_purpose_or_reason_nothing_is_told_and_the_refusal_is_on_record(
    run: Any, joined: Any, sql: Any, action: str
) -> None:
    for why, named in ((), "purpose"), (WHY[:2], "reason"), (WHY[2:], "purpose"):
        done = run(*COMMANDS[action], *why, "--json")
        assert (done.code, done.out) == (77, "")
        assert done.err.startswith(f"--{named}: ")
        assert "9SYN001" not in done.err
    kept = sql("SELECT action, outcome, results FROM audit_events ORDER BY id DESC LIMIT 3")
    assert kept == [(action, "refused", None)] * 3


def test_what_is_answered_is_on_record_with_the_case(run: Any, driven: Any, sql: Any) -> None:
    run("timeline", "9SYN001", *WHY, "--case", "26-1")
    kept = sql("SELECT action, outcome, results, case_number FROM audit_events ORDER BY id DESC LIMIT 1")
    assert kept == [("reads.timeline", "done", 10, "26-1")]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("timeline", "9SYN0?1"), "plate: "),
        (("timeline", "--", "-"), "plate: "),
        (("timeline", "camera:pier"), "plate: no plate has a colon; who was at a camera or a site: alprhub scenes"),
        (("timeline", "9SYN001", "--since", "soon"), "--since: "),
        (("timeline", "9SYN001", "--fastest", "0"), "--fastest: "),
        (("co-travel", "9SYN*"), "plate: "),
        (("co-travel", "9SYN001", "--within", "0"), "--within: "),
        (("co-travel", "9SYN001", "--min-cameras", "0"), "--min-cameras: "),
        (("pattern", "9SYN001", "--since", "2026-06-02", "--until", "2026-06-01"), "--since: "),
        (("scenes",), "--scene: "),
        (("scenes", "--scene", SCENE), "--scene: "),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_field(
    run: Any, joined: Any, words: tuple[str, ...], named: str
) -> None:
    at_end = words.index("--") if "--" in words else len(words)
    done = run(*words[:at_end], *WHY, *words[at_end:])
    assert (done.code, done.out) == (65, "")
    assert done.err.startswith(named)
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("", "scene 2: is written as LAT,LON,METRES,SINCE,UNTIL"),
        ("here", "scene 2: is written as"),
        ("33.86,-118.4,2026-05-01,2026-05-02", "scene 2: is written as"),
        ("33.86,-118.4,500,7,2026-05-01,2026-05-02", "scene 2: is written as"),
        ("north,-118.4,500,2026-05-01,2026-05-02", "scene 2: latitude: 'north' is no number"),
        ("33.86,west,500,2026-05-01,2026-05-02", "scene 2: longitude: 'west' is no number"),
        ("33.86,-118.4,far,2026-05-01,2026-05-02", "scene 2: metres: 'far' is no number"),
        ("91,-118.4,500,2026-05-01,2026-05-02", "scene 2: area: latitude"),
        ("nan,-118.4,500,2026-05-01,2026-05-02", "scene 2: area: latitude"),
        ("33.86,-118.4,0,2026-05-01,2026-05-02", "scene 2: area: a radius"),
        ("33.86,-118.4,nan,2026-05-01,2026-05-02", "scene 2: area: a radius"),
        ("33.86,-118.4,500,soon,2026-05-02", "scene 2: since: 'soon' is no time; write yesterday"),
        ("33.86,-118.4,500,2026-05-01,", "scene 2: until: '' is no time; write yesterday"),
        ("33.86,-118.4,500,2026-05-02,2026-05-01", "scene 2: since: must lie before until"),
        ("camera:,2026-05-01,2026-05-02", "scene 2: camera: needs a name"),
        ("site: ,2026-05-01,2026-05-02", "scene 2: site: needs a name"),
        ("square:7,2026-05-01,2026-05-02", "scene 2: is written as"),
    ],
)
def test_a_scene_that_is_no_scene_is_refused_by_its_number_and_field(
    run: Any, joined: Any, said: str, named: str
) -> None:
    done = run("scenes", "--scene", SCENE, "--scene", said, *WHY)
    assert (done.code, done.out) == (65, "")
    assert done.err.startswith(named)
    assert done.err.count("\n") == 1


def test_a_camera_or_site_that_nobody_knows_is_named_with_those_that_there_are(run: Any, driven: Any) -> None:
    for place, told in (
        ("camera:hil", "there is no camera called 'hil'; did you mean 'hill'?"),
        ("camera:9", "there is no camera called '9'; there are: hill, mole, pier"),
        (
            "site:Pier",
            "there is no site called 'Pier'; there is none yet: alprhub cameras site says where a camera stands",
        ),
    ):
        done = run("scenes", "--scene", SCENE, "--scene", f"{place},2026-05-01,2026-05-02", *WHY)
        assert (done.code, done.out) == (66, "")
        assert done.err == f"scene 2: {told}\n"
