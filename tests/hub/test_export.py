"""Export: files that are whole or not there, that no spreadsheet runs, and whose every byte is on record."""

import csv
import io
import json
import multiprocessing
import os
import re
import resource
import signal
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import migrated
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain import record, write_page
from registries import PLAIN

from hub.clock import SetClock
from hub.errors import Invalid, PolicyRefused
from hub.people import Actor, Why
from hub.search.export import Export
from hub.search.formats import Format, defused, encoded, shown
from hub.search.query import Query
from hub.search.rows import Found
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
LATER = datetime(2026, 7, 1, 12, tzinfo=UTC)
EVERYTHING = Query(WHY, plates=("7AB*",))
MANY = 30_000
processes = multiprocessing.get_context("fork")
HOSTILE = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\tname", "\rname", "\nname", "  =1", "\u00a0=1",
    "\ufeff=1", "\u200b=1", "\x00=1", "＝1", "＋1", "－1", "＠1", " ＝1", "﹦1", "﹣1",
    "=cmd|' /C calc'!A0", "'=1", "'", "''", "=1;=2",
]  # fmt: skip
INVISIBLE = " \t\r\n\u00a0\ufeff\u200b\u2028\x0b\x00"
texts = st.text() | st.builds(str.__add__, st.text(";'=+-@＝＋－＠﹦" + INVISIBLE, max_size=4), st.text(max_size=4))


@dataclass(frozen=True)
class Place:
    city: str


@dataclass(frozen=True)
class Row:
    """Rows of a kind that the writers have never seen."""

    id: int
    plate: str
    at: datetime
    confidence: float | None
    latitude: float | None
    longitude: float | None
    hit: bool
    images: tuple[Place, ...]
    _kept: str = "kept"


ROW = Row(
    7, "7ABC123", datetime(2026, 6, 1, 11, tzinfo=UTC), 0.25, 33.86, -118.4, True, (Place("Pier"), Place("Strand"))
)  # fmt: skip


def file_of(form: Format, *rows: Row) -> str:
    return b"".join(encoded(form, Row, rows)).decode()


def cells_of(file: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file, newline=""), strict=True))


def whole(cell: str) -> str:
    """What a cell of a CSV said before it was defused."""
    return re.sub(r"(^|[;\t\r\n])'", r"\1", cell)


def test_a_csv_has_every_public_field_in_order_and_plain_values() -> None:
    assert file_of(Format.CSV, ROW, replace(ROW, confidence=None, hit=False)) == (
        "id,plate,at,confidence,latitude,longitude,hit,images\r\n"
        '7,7ABC123,2026-06-01T11:00:00Z,0.25,33.86,-118.4,true,"[{""city"":""Pier""},{""city"":""Strand""}]"\r\n'
        '7,7ABC123,2026-06-01T11:00:00Z,,33.86,-118.4,false,"[{""city"":""Pier""},{""city"":""Strand""}]"\r\n'
    )


def test_json_lines_are_one_object_a_line_whatever_a_text_holds() -> None:
    told = {
        "id": 7, "plate": "7ABC123", "at": "2026-06-01T11:00:00Z", "confidence": 0.25, "latitude": 33.86,
        "longitude": -118.4, "hit": True, "images": [{"city": "Pier"}, {"city": "Strand"}],
    }  # fmt: skip
    file = file_of(Format.JSONL, ROW, replace(ROW, plate="a\r\nb\x00"))
    assert file.endswith("\n")
    first, second = file[:-1].split("\n")
    assert list(json.loads(first).items()) == list(told.items())
    assert json.loads(second) == told | {"plate": "a\r\nb\x00"}


def test_geojson_has_longitude_first_and_null_where_no_place_is_known() -> None:
    told = json.loads(file_of(Format.GEOJSON, ROW, replace(ROW, latitude=None, longitude=None)))
    assert (told["type"], set(told)) == ("FeatureCollection", {"type", "features"})
    known, unknown = told["features"]
    assert known["geometry"] == {"type": "Point", "coordinates": [-118.4, 33.86]}
    assert (known["type"], known["properties"]) == ("Feature", json.loads(file_of(Format.JSONL, ROW)))
    assert (unknown["type"], unknown["geometry"]) == ("Feature", None)


def test_a_file_without_rows_is_whole() -> None:
    assert file_of(Format.CSV) == "id,plate,at,confidence,latitude,longitude,hit,images\r\n"
    assert file_of(Format.JSONL) == ""
    assert json.loads(file_of(Format.GEOJSON)) == {"type": "FeatureCollection", "features": []}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_a_spreadsheet_would_run_is_defused(text: str) -> None:
    cell = cells_of(file_of(Format.CSV, replace(ROW, plate=text)))[1][1]
    assert (cell[0], whole(cell)) == ("'", shown(text.replace("\0", "")))


@pytest.mark.parametrize("between", [";", "\t", "\n", "\r\n"])
@pytest.mark.parametrize("part", ["=cmd|'/C calc'!A0", " =1", "＝1", "\u200b+1", "-1", "@A1", "'=1"])
def test_a_formula_behind_another_sign_that_parts_cells_is_defused(between: str, part: str) -> None:
    text = f"Pier{between}{part};y"
    cell = cells_of(file_of(Format.CSV, replace(ROW, plate=text)))[1][1]
    assert (cell, whole(cell)) == (f"Pier{between}'{part};y", text)


@pytest.mark.parametrize("form", Format)
def test_where_semicolons_part_cells_no_format_has_one_that_is_a_formula(form: Format) -> None:
    text = "Pier;=1;\t-1\n+1"
    file = file_of(form, replace(ROW, plate=text, images=(Place(text),)))
    for cell in re.split(r"[;\t\r\n]", file):
        assert cell.strip(INVISIBLE)[:1] not in tuple("=+-@")
    if form is not Format.CSV:
        assert ";" not in file
        assert json.loads(file).get("features", [{"properties": json.loads(file)}])[0]["properties"]["plate"] == text


@pytest.mark.parametrize(
    "text", ["7ABC123", "O'Brien", "a=b", "12-4", "", " Pier Ave", "é", "²", "a;b; c", "a\nb", ";"]
)
def test_a_harmless_text_is_left_as_it_is(text: str) -> None:
    assert defused(text) == text


def test_a_number_is_a_number_and_a_text_that_looks_like_one_is_not() -> None:
    _, cells = cells_of(file_of(Format.CSV, replace(ROW, plate="-118.4")))
    assert (cells[1], cells[5]) == ("'-118.4", "-118.4")


@given(texts, texts)
def test_any_text_comes_back_from_a_csv_and_none_begins_a_formula(plate: str, city: str) -> None:
    _, cells = cells_of(file_of(Format.CSV, replace(ROW, plate=plate, images=(Place(city),))))
    assert whole(cells[1]) == shown(plate.replace("\0", ""))
    assert json.loads(cells[7]) == [{"city": city}]
    for cell in (cells[1], cells[7]):
        assert cell[:1] not in tuple("\t\r\n")
        for part in re.split(r"[;\t\r\n]", cell):
            assert part.strip(INVISIBLE)[:1] not in tuple("=+-@＝＋－＠﹦")
        assert "\0" not in cell


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(
    "sign", ["\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f", "\ufeff", "\U000e0041"]
)
def test_no_file_has_what_steers_a_terminal_or_ends_a_line_for_some(form: Format, sign: str) -> None:
    text = f"Pier{sign}Ave"
    file = file_of(form, replace(ROW, plate=text, images=(Place(text),)))
    assert sign not in file
    assert len(file.splitlines()) == len(file_of(form, ROW).splitlines())
    if form is not Format.CSV:
        assert json.loads(file).get("features", [{"properties": json.loads(file)}])[0]["properties"]["plate"] == text
        return
    cells = cells_of(file)[1]
    assert cells[1] == f"Pier{json.dumps(sign)[1:-1]}Ave"
    assert json.loads(cells[7]) == [{"city": text}]


def test_naughty_strings_come_back_from_every_format(shared: Path) -> None:
    naughty = json.loads((shared / "oracles" / "naughty" / "blns.json").read_text(encoding="utf-8"))
    rows = [replace(ROW, plate=text) for text in naughty]
    _, *cells = cells_of(file_of(Format.CSV, *rows))
    assert [whole(line[1]) for line in cells] == [shown(text) for text in naughty]
    assert [json.loads(line)["plate"] for line in file_of(Format.JSONL, *rows)[:-1].split("\n")] == naughty
    features = json.loads(file_of(Format.GEOJSON, *rows))["features"]
    assert [feature["properties"]["plate"] for feature in features] == naughty


@pytest.fixture
def alone(tmp_path: Path, clock: SetClock, migrated_file: Path) -> Iterator[Hub]:
    """A hub for exports whose rows come from elsewhere."""
    settings = HubSettings(data=tmp_path / "data")
    migrated.seed(settings.data, migrated_file)
    with open_hub(settings, clock, registry=PLAIN) as hub:
        yield hub


@pytest.fixture
def stored(opened: Hub, actor: Actor, feed: Path) -> Hub:
    """A store with more reads than a page of a search holds, and one that is not meant."""
    rows = [record(n, f"7AB{n:04d}", f"2026-06-01T{n // 60 % 11:02d}:{n % 60:02d}:00Z") for n in range(1203)]
    write_page(feed, 1, [*rows, record(9999, "8XYZ999", "2026-06-01T11:00:00Z")])
    opened.ingest.sync.run(actor, "feed")
    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where files are exported to, empty at first."""
    made = tmp_path / "out"
    made.mkdir()
    return made


def export_of(hub: Hub, every: Callable[[Query], Iterator[Found]] | None = None) -> Export:
    search = SimpleNamespace(every=every or hub.search.reads.every, covered=hub.search.reads.covered)
    return Export(hub.access.asking, hub.audit, hub.clock, search, hub.governing.sources)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def found(number: int, expires_at: datetime = LATER) -> Found:
    """A row of which little is known."""
    blank: dict[str, Any] = dict.fromkeys(field.name for field in fields(Found))
    return Found(
        **blank | {"id": number, "plate": "7ABC123", "why": "look-alike 0→O at 3, " * 9, "expires_at": expires_at}
    )


def three(_: Query) -> Iterator[Found]:
    yield from map(found, range(3))


def many(_: Query) -> Iterator[Found]:
    yield from map(found, range(MANY))


def events(hub: Hub) -> list[tuple[str, str, int | None]]:
    """The record of exports, oldest first."""
    kept = [(event["action"], event["outcome"], event["results"]) for event in hub.audit.events()]
    return [event for event in reversed(kept) if event[0] == "reads.export"]


def ids_of(form: Format, file: Path) -> list[int]:
    if form is Format.CSV:
        with file.open(encoding="utf-8", newline="") as opened:
            return [int(row["id"]) for row in csv.DictReader(opened, strict=True)]
    if form is Format.JSONL:
        return [json.loads(line)["id"] for line in file.read_bytes().splitlines()]
    return [feature["properties"]["id"] for feature in json.loads(file.read_bytes())["features"]]


@pytest.mark.parametrize("form", Format)
def test_an_export_is_every_page_newest_first_and_its_manifest_tells_of_exactly_this_file(
    stored: Hub, actor: Actor, folder: Path, form: Format, clock: SetClock
) -> None:
    out = folder / f"reads.{form}"
    steps: list[int] = []
    manifest = export_of(stored).run(actor, EVERYTHING, form, out, steps.append)
    found = list(stored.search.reads.every(EVERYTHING))
    assert ids_of(form, out) == [row.id for row in found]
    assert len(found) == 1203
    assert steps == [1000]
    assert names(folder) == [out.name, f"{out.name}.manifest.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    told = json.loads((folder / f"{out.name}.manifest.json").read_bytes())
    (covered,) = told.pop("coverage")
    assert (covered["connection"], covered["status"]) == ("feed", "included")
    assert told == {
        "format": form.value, "rows": 1203, "sha256": sha256(out.read_bytes()).hexdigest(),
        "bytes": out.stat().st_size, "query": {"plates": ["7AB*"], "mode": "pattern"}, "purpose": "stolen_vehicle",
        "reason": "case of a stolen car", "case_number": "26-1", "event_number": None, "actor": "tester",
            "authenticated": False,
        "made_at": "2026-06-01T12:00:00Z", "file": out.name, "hub": manifest.hub,
    }  # fmt: skip
    assert (manifest.rows, manifest.sha256, manifest.made_at) == (1203, told["sha256"], clock.now())


def test_the_columns_are_the_fields_of_a_found_read(stored: Hub, actor: Actor, folder: Path) -> None:
    out = folder / "reads.csv"
    export_of(stored).run(actor, Query(WHY, plates=("NOSUCH1",)), Format.CSV, out)
    assert cells_of(out.read_text()) == [[field.name for field in fields(Found)]]


def test_the_question_is_on_record_before_a_row_is_looked_for_and_the_answer_before_the_file_has_its_name(
    alone: Hub, actor: Actor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = folder / "reads.csv"
    seen: list[tuple[str, list[str]]] = []
    record = alone.audit.record

    def watched(actor: Actor, action: str, outcome: str, **detail: Any) -> None:
        seen.append((outcome, names(folder)))
        record(actor, action, outcome, **detail)

    def every(query: Query) -> Iterator[Found]:
        assert events(alone) == [("reads.export", "asked", None)]
        assert (folder / "reads.csv.part").stat().st_size == 0
        seen.append(("rows", names(folder)))
        yield from three(query)

    monkeypatch.setattr(alone.audit, "record", watched)
    manifest = export_of(alone, every).run(actor, EVERYTHING, Format.CSV, out)
    assert seen == [
        ("asked", ["reads.csv.part"]),
        ("rows", ["reads.csv.part"]),
        ("done", ["reads.csv.manifest.json.part", "reads.csv.part"]),
    ]
    done, asked = alone.audit.events(2)
    assert (done["results"], done["detail"].pop("sha256")) == (3, manifest.sha256)
    question = {"query": {"plates": ["7AB*"], "mode": "pattern"}, "format": "csv", "sources": {}}
    assert done["detail"] == asked["detail"] == question
    assert (asked["purpose"], asked["reason"], asked["case_number"]) == (WHY.purpose, WHY.reason, WHY.case_number)


@pytest.mark.parametrize("failing", ["asked", "done"])
def test_no_record_no_file(
    alone: Hub, actor: Actor, folder: Path, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, looked = alone.audit.record, []

    def full(actor: Actor, action: str, outcome: str, **detail: Any) -> None:
        if outcome == failing:
            raise OSError("no space left for the record")
        record(actor, action, outcome, **detail)

    def every(query: Query) -> Iterator[Found]:
        looked.append(query)
        return three(query)

    monkeypatch.setattr(alone.audit, "record", full)
    with pytest.raises(OSError, match="for the record"):
        export_of(alone, every).run(actor, EVERYTHING, Format.CSV, folder / "reads.csv")
    assert names(folder) == []
    assert bool(looked) == (failing == "done")


@pytest.mark.parametrize(
    ("query", "refusal", "named"),
    [
        (replace(EVERYTHING, why=Why("", "a stolen car")), PolicyRefused, "purpose"),
        (replace(EVERYTHING, why=Why("stolen_vehicle", "test")), PolicyRefused, "reason"),
        (replace(EVERYTHING, plates=("*",)), Invalid, "at least one letter"),
        (replace(EVERYTHING, plates=()), Invalid, "what narrows it"),
    ],
)
def test_a_refusal_leaves_no_file_and_is_on_record(
    stored: Hub, actor: Actor, folder: Path, query: Query, refusal: type[Exception], named: str
) -> None:
    with pytest.raises(refusal, match=named):
        export_of(stored).run(actor, query, Format.CSV, folder / "reads.csv")
    assert names(folder) == []
    assert events(stored)[-1] == ("reads.export", "refused", None)


@pytest.mark.parametrize(
    "there", ["reads.csv", "reads.csv.manifest.json", "reads.csv.part", "reads.csv.manifest.json.part"]
)
def test_what_is_there_is_never_written_over(alone: Hub, actor: Actor, folder: Path, there: str) -> None:
    (folder / there).symlink_to(folder / "nowhere")
    with pytest.raises(Invalid, match=f"/{there}' is there"):
        export_of(alone, three).run(actor, EVERYTHING, Format.CSV, folder / "reads.csv")
    assert names(folder) == [there]
    assert events(alone) == [("reads.export", "refused", None)]


@pytest.mark.parametrize("appears", ["reads.csv", "reads.csv.manifest.json"])
def test_what_appears_while_an_export_runs_is_not_written_over(
    alone: Hub, actor: Actor, folder: Path, appears: str
) -> None:
    def every(query: Query) -> Iterator[Found]:
        (folder / appears).write_text("another's")
        yield from three(query)

    with pytest.raises(Invalid, match=f"/{appears}' is there already"):
        export_of(alone, every).run(actor, EVERYTHING, Format.CSV, folder / "reads.csv")
    assert (names(folder), (folder / appears).read_text()) == ([appears], "another's")


def test_two_exports_never_write_the_same_file(alone: Hub, actor: Actor, folder: Path) -> None:
    out = folder / "reads.csv"

    def every(query: Query) -> Iterator[Found]:
        with pytest.raises(Invalid, match="another export is writing it"):
            export_of(alone, three).run(actor, query, Format.CSV, out)
        yield from three(query)

    assert export_of(alone, every).run(actor, EVERYTHING, Format.CSV, out).rows == 3
    assert len(ids_of(Format.CSV, out)) == 3


@pytest.mark.slow
def test_two_exports_that_begin_at_the_same_instant_never_write_the_same_file(
    alone: Hub, actor: Actor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, part = os.open, folder / "reads.csv.part"

    def beaten(path: Path, *how: int) -> int:
        if path == part:
            part.write_text("another's")
        return really(path, *how)

    monkeypatch.setattr(os, "open", beaten)
    with pytest.raises(Invalid, match="is there already"):
        export_of(alone, three).run(actor, EVERYTHING, Format.CSV, folder / "reads.csv")
    assert (names(folder), part.read_text()) == ([part.name], "another's")


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("missing/reads.csv", "the folder .*missing' for 'reads.csv' is not there"),
        ("a-file/reads.csv", "what should be its folder is a file"),
        (f"{'x' * 240}.csv", "too long"),
        ("line\nbreak.csv", "characters that can be shown"),
        ("\udcff.csv", "characters that can be shown"),
        ("", "is there already"),
        ("/", "must name a file"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_asked(
    alone: Hub, actor: Actor, folder: Path, out: str, said: str
) -> None:
    (folder / "a-file").touch()
    with pytest.raises(Invalid, match=said):
        export_of(alone, three).run(actor, EVERYTHING, Format.CSV, folder / out)
    assert names(folder) == ["a-file"]
    assert events(alone) == [("reads.export", "refused", None)]


@pytest.fixture
def room() -> Iterator[None]:
    """No file may grow beyond 4 MB, as on a disk that fills up."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_leaves_nothing(alone: Hub, actor: Actor, folder: Path, room: None) -> None:
    with pytest.raises(Invalid, match="would be larger than a file may be here"):
        export_of(alone, many).run(actor, EVERYTHING, Format.JSONL, folder / "reads.jsonl")
    assert names(folder) == []
    assert [outcome for _, outcome, _ in events(alone)] == ["asked", "refused"]


def test_an_export_that_is_interrupted_leaves_nothing(alone: Hub, actor: Actor, folder: Path) -> None:
    def every(query: Query) -> Iterator[Found]:
        yield from three(query)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_of(alone, every).run(actor, EVERYTHING, Format.CSV, folder / "reads.csv")
    assert names(folder) == []
    assert [outcome for _, outcome, _ in events(alone)] == ["asked"]


def test_a_manifest_that_cannot_get_its_name_leaves_no_file(
    alone: Hub, actor: Actor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if target.name == "reads.csv":
            assert names(folder) == ["reads.csv.manifest.json", "reads.csv.part"]
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(Invalid, match="the disk gives an error"):
        export_of(alone, three).run(actor, EVERYTHING, Format.CSV, folder / "reads.csv")
    assert names(folder) == []


def exporting_until(settings: HubSettings, out: Path, now: datetime) -> None:
    """Export, and die behind many rows."""

    def every(_: Query) -> Iterator[Found]:
        yield from (found(number, now + timedelta(1)) for number in range(8_000))
        os.kill(os.getpid(), signal.SIGKILL)

    with open_hub(settings, SetClock(now), registry=PLAIN) as hub:
        export_of(hub, every).run(Actor("victim"), EVERYTHING, Format.CSV, out)


def test_an_export_that_is_killed_leaves_the_part_alone_and_the_next_says_so(
    alone: Hub, actor: Actor, folder: Path, clock: SetClock
) -> None:
    out = folder / "reads.csv"
    killed = processes.Process(target=exporting_until, args=(alone.settings, out, clock.now()), daemon=True)
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    (left,) = folder.iterdir()
    assert (left.name, stat.S_IMODE(left.stat().st_mode)) == ("reads.csv.part", 0o600)
    assert left.stat().st_size > 1_000_000
    assert events(alone) == [("reads.export", "asked", None)]
    with pytest.raises(Invalid, match="one was cut short"):
        export_of(alone, three).run(actor, EVERYTHING, Format.CSV, out)
    left.unlink()
    assert export_of(alone, three).run(actor, EVERYTHING, Format.CSV, out).rows == 3


def test_a_read_that_expires_while_the_export_runs_is_not_written(
    alone: Hub, actor: Actor, folder: Path, clock: SetClock
) -> None:
    hour = timedelta(hours=1)
    ends = [clock.now() + hour * n for n in range(4)]

    def every(_: Query) -> Iterator[Found]:
        for number, expires_at in enumerate(ends):
            yield found(number, expires_at)
        clock.advance(2 * hour)
        for number, expires_at in enumerate(ends, 10):
            yield found(number, expires_at)

    out = folder / "reads.csv"
    manifest = export_of(alone, every).run(actor, EVERYTHING, Format.CSV, out)
    assert ids_of(Format.CSV, out) == [1, 2, 3, 13]
    assert manifest.rows == 4
    assert events(alone)[-1] == ("reads.export", "done", 4)


@pytest.mark.slow
@pytest.mark.parametrize("form", Format)
def test_memory_does_not_grow_with_the_rows(alone: Hub, actor: Actor, folder: Path, form: Format) -> None:
    tracemalloc.start()
    try:
        manifest = export_of(alone, many).run(actor, EVERYTHING, form, folder / "reads")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert manifest.rows == MANY
    assert manifest.bytes > 5_000_000
    assert peak < 2_500_000
