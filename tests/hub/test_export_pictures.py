"""Exports with pictures: one archive, each picture by its read and with its digest; names that tell the truth."""

import csv
import io
import json
import tracemalloc
from dataclasses import fields, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from plain import record, write_page

from hub.clock import SetClock
from hub.errors import Invalid, NotFound
from hub.people import Actor, Why
from hub.search.export import Export, WithPictures
from hub.search.formats import Format, form_of
from hub.search.query import Query
from hub.search.rows import Found, Image
from hub.wiring import Hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
EVERYTHING = Query(WHY, plates=("7AB*",))
BIG = 4 << 20


class Pictures:
    """A store of pictures that are as big as `size`; it has none whose key ends in `lost`."""

    def __init__(self, size: int = 100) -> None:
        self._size = size

    def put(self, key: str, data: bytes) -> None:
        raise AssertionError("an export keeps nothing")

    delete = stored = put  # type: ignore[assignment]

    def get(self, key: str) -> bytes:
        if key.endswith("lost"):
            raise NotFound(key)
        return b"\xff\xd8\xff" + key.encode() + b"." * self._size


def row(number: int, *images: Image) -> Found:
    blank: dict[str, Any] = dict.fromkeys(field.name for field in fields(Found))
    later = datetime(2026, 7, 1, 12, tzinfo=UTC)
    return Found(**blank | {"id": number, "plate": "7ABC123", "expires_at": later, "images": images})


def export_of(hub: Hub, rows: list[Found], size: int = 100) -> Export:
    search = SimpleNamespace(every=lambda _query: iter(rows), covered=hub.search.reads.covered)
    return Export(hub.access.asking, hub.audit, hub.clock, search, hub.governing.sources, Pictures(size))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


def test_an_archive_has_the_rows_and_every_picture_by_its_read_with_its_digest(
    opened: Hub, actor: Actor, feed: Path, folder: Path
) -> None:
    rows = [record(n, f"7AB{n:04d}", "2026-06-01T11:00:00Z", picture=f"picture {n}") for n in range(3)]
    write_page(feed, 1, [*rows, record(7, "7AB0007", "2026-06-01T11:00:00Z")])
    opened.ingest.sync.run(actor, "feed")
    out = folder / "case.zip"
    manifest = opened.search.export.run(actor, EVERYTHING, Format.CSV, out, pictures=True)
    assert isinstance(manifest, WithPictures)
    told = json.loads((folder / "case.zip.manifest.json").read_bytes())
    assert told["sha256"] == sha256(out.read_bytes()).hexdigest()
    with ZipFile(out) as archive:
        assert archive.testzip() is None
        body = archive.read("reads.csv")
        assert sha256(body).hexdigest() == told["reads_sha256"]
        ids = {read["plate"]: int(read["id"]) for read in csv.DictReader(io.StringIO(body.decode(), newline=""))}
        assert len(ids) == told["rows"] == 4
        assert sorted(archive.namelist()) == sorted(["reads.csv", *(one["file"] for one in told["pictures"])])
        for one in told["pictures"]:
            assert one["file"].startswith(f"pictures/{one['read']}-1-frame.")
            assert sha256(archive.read(one["file"])).hexdigest() == one["sha256"]
        seen = {one["read"]: archive.read(one["file"]).decode() for one in told["pictures"]}
    assert seen == {ids[f"7AB{n:04d}"]: f"picture {n}" for n in range(3)}
    (done,) = opened.audit.events(1)
    assert (done["action"], done["results"], done["detail"]["pictures"]) == ("reads.export", 4, True)


def test_pictures_that_are_not_here_are_counted_by_why(opened: Hub, actor: Actor, folder: Path) -> None:
    rows = [
        row(1, Image("frame", "stored", "a"), Image("plate", "stored", "b")),
        row(2, Image("frame", "wanted", "c"), Image("plate", "gone", "d")),
        row(3, Image("frame", "stored", "lost")),
    ]
    manifest = export_of(opened, rows).run(actor, EVERYTHING, Format.JSONL, folder / "case.zip", pictures=True)
    assert isinstance(manifest, WithPictures)
    assert [one.file for one in manifest.pictures] == ["pictures/1-1-frame.jpg", "pictures/1-2-plate.jpg"]
    assert manifest.not_in_it == {"wanted": 1, "gone": 1, "lost": 1}
    assert manifest.reads_file == "reads.jsonl"


def test_a_read_that_expires_on_the_way_leaves_no_picture(
    opened: Hub, actor: Actor, folder: Path, clock: SetClock
) -> None:
    over = replace(row(2, Image("frame", "stored", "b")), expires_at=clock.now())
    rows = [row(1, Image("frame", "stored", "a")), over]
    manifest = export_of(opened, rows).run(actor, EVERYTHING, Format.CSV, folder / "case.zip", pictures=True)
    assert isinstance(manifest, WithPictures)
    assert (manifest.rows, [one.read for one in manifest.pictures]) == (1, [1])


def test_memory_holds_one_picture_at_a_time(opened: Hub, actor: Actor, folder: Path) -> None:
    rows = [row(n, Image("frame", "stored", f"k{n}")) for n in range(12)]
    tracemalloc.start()
    try:
        export_of(opened, rows, BIG).run(actor, EVERYTHING, Format.CSV, folder / "case.zip", pictures=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (folder / "case.zip").stat().st_size > 12 * BIG
    assert peak < 5 * BIG


@pytest.mark.parametrize("fails", [OSError("the store is down"), KeyboardInterrupt()])
def test_an_archive_that_fails_leaves_nothing(
    opened: Hub, actor: Actor, folder: Path, fails: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(self: Pictures, key: str) -> bytes:
        raise fails

    monkeypatch.setattr(Pictures, "get", down)
    with pytest.raises((Invalid, KeyboardInterrupt)):
        export_of(opened, [row(1, Image("frame", "stored", "a"))]).run(
            actor, EVERYTHING, Format.CSV, folder / "case.zip", pictures=True
        )
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said", "form"),
    [
        ("reads.csv", None, Format.CSV),
        ("reads.JSONL", None, Format.JSONL),
        ("reads.ndjson", None, Format.JSONL),
        ("reads.geojson", None, Format.GEOJSON),
        ("reads.json", Format.GEOJSON, Format.GEOJSON),
        ("reads", Format.JSONL, Format.JSONL),
    ],
)
def test_the_format_follows_from_the_name_where_it_is_not_said(name: str, said: Format | None, form: Format) -> None:
    assert form_of(Path(name), said) is form


@pytest.mark.parametrize(
    ("name", "said", "pictures", "remedy"),
    [
        ("x.json", Format.CSV, False, "write it with --out x.csv"),
        ("x.csv", Format.GEOJSON, False, "write it with --out x.geojson"),
        ("x.zip", Format.CSV, False, "write it with --out x.csv"),
        ("x.json", None, False, "name it x.csv, x.jsonl, x.geojson, or say --format"),
        ("x", None, False, "name it x.csv"),
        ("x.csv", None, True, "write it with --out x.zip"),
    ],
)
def test_no_data_goes_into_a_file_whose_ending_says_otherwise(
    opened: Hub, actor: Actor, folder: Path, name: str, said: Format | None, pictures: bool, remedy: str
) -> None:
    with pytest.raises(Invalid, match=remedy):
        form_of(Path(name), said, pictures)
    if said is not None:
        with pytest.raises(Invalid, match="out: "):
            export_of(opened, []).run(actor, EVERYTHING, said, folder / name, pictures=pictures)
        assert list(folder.iterdir()) == []
