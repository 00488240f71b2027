"""The native reader as a connector: what it takes out of a folder, a video and a camera, and what it writes down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import drops
import numpy as np
import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alprhub.sandbox.pictures import write_pictures
from connectors.contract import Document, Frame, Page, PullsReads, Record, Window
from connectors.errors import AdminMustFix, RecordRejected, TryAgain, VendorChanged
from native_reader import connector as module
from native_reader.connector import PAGE, NativeConnector, NativeSettings
from native_reader.engine import Pixels, SeenPlate
from native_reader.slots import candidates, from_candidates
from normalize.read import Grade, ImageKind, Read
from normalize.times import Zone

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WRITTEN = NOW - timedelta(hours=1)
JPEG = b"\xff\xd8\xff"


class Shades:
    """An engine that takes a picture's grey for its plate: 0 shows none, 200 and above show two."""

    name = "shades 1.0"
    weights: dict[str, str] = {"shades.onnx": "ab" * 32}  # noqa: RUF012

    def read(self, picture: Pixels) -> list[SeenPlate]:
        grey = round(float(picture.mean()))
        texts = [] if grey < 5 else [f"9SYN{grey:03d}"] if grey < 195 else [f"9SYN{grey:03d}", f"8SYN{grey:03d}"]
        return [_seen(text, (4 + 40 * at, 8, 30, 15)) for at, text in enumerate(texts)]


def _seen(text: str, box: tuple[int, int, int, int]) -> SeenPlate:
    slots = from_candidates([(text, 0.9)])
    return SeenPlate(text, 0.9, box, candidates(slots), slots)


class _Clock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture(autouse=True)
def shades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_engine", lambda models: Shades())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "gate"
    made.mkdir()
    return made


def shot(path: Path, grey: int, written: datetime = WRITTEN) -> Path:
    """A picture of one shade, written at that time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.full((48, 96, 3), grey, np.uint8))[1].tobytes())
    return stamped(path, written)


def stamped(path: Path, written: datetime) -> Path:
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def native(source: Path | str, **more: Any) -> NativeConnector:
    return NativeConnector(NativeSettings(source=str(source), **more), Frame(_Clock(), lambda _: None))


def pull(made: NativeConnector, before: Sequence[Page] = (), until: datetime = NOW) -> list[Page]:
    return list(made.pull(drops.window(until - timedelta(days=1), until, before)))


def reads(made: NativeConnector, pages: list[Page]) -> list[Read]:
    return [made.parse(record) for page in pages for record in page.records]


def plates(made: NativeConnector, pages: list[Page]) -> list[str]:
    return [read.plate for read in reads(made, pages)]


def test_it_is_a_source_that_can_be_pulled(folder: Path) -> None:
    shot(folder / "a.png", 50)
    assert isinstance(native(folder), PullsReads)
    assert native(folder).check() == "shades 1.0; 1 file"
    assert native("rtsp://127.0.0.1/street").check() == "shades 1.0; the stream is opened when it is read"


def test_every_file_is_taken_once(folder: Path) -> None:
    for grey in (50, 60, 0):
        shot(folder / f"{grey}.png", grey)
    shot(folder / "deeper" / "70.PNG", 70)
    made = native(folder)
    first = pull(made)
    assert plates(made, first) == ["9SYN050", "9SYN060", "9SYN070"]  # the empty street gives no read
    assert plates(made, pull(made, first)) == []
    shot(folder / "80.png", 80)
    assert plates(made, pull(made, first)) == ["9SYN080"]


def test_a_file_that_may_still_grow_waits(folder: Path) -> None:
    shot(folder / "50.png", 50, NOW - timedelta(seconds=0.5))
    shot(folder / "60.png", 60, NOW + timedelta(hours=1))
    made = native(folder)
    first = pull(made)
    assert plates(made, first) == []
    assert plates(made, pull(made, first, NOW + timedelta(seconds=2))) == ["9SYN050"]


def test_hidden_files_links_and_other_things_are_left_alone(folder: Path, tmp_path: Path) -> None:
    outside = shot(tmp_path / "outside.png", 90)
    shot(folder / ".hidden.png", 50)
    shot(folder / ".folder" / "60.png", 60)
    (folder / "link.png").symlink_to(outside)
    (folder / ".film.avi").write_bytes(b"half a film")
    (folder / "film.mp4").symlink_to(outside)
    (folder / "notes.txt").write_text("nothing to see")
    assert pull(native(folder))[-1].records == []


def test_a_picture_that_cannot_be_read_is_refused_with_the_reason_and_its_bytes(folder: Path) -> None:
    whole = shot(folder / "50.png", 50).read_bytes()
    for name, body in {"cut.png": whole[:60], "empty.png": b"", "page.jpg": b"<html>no picture</html>"}.items():
        (folder / name).write_bytes(body)
        stamped(folder / name, WRITTEN)
    made = native(folder)
    pages = pull(made)
    refused = [record for record in pages[-1].records if record.kind == "refused"]
    said = [_refusal(made, record) for record in refused]
    assert said == [
        ("file", "cut.png: the picture is truncated or damaged"),
        ("file", "empty.png: the file is empty"),
        ("file", "page.jpg: not a JPEG, PNG, WebP or BMP picture"),
    ]
    assert [record.attachments.get("file") for record in refused] == [whole[:60], None, b"<html>no picture</html>"]
    assert len(pages[-1].records) == 4
    assert pull(made, pages)[-1].records == []  # a bad file is not brought up again and again


def _refusal(made: NativeConnector, record: Record) -> tuple[str, str]:
    with pytest.raises(RecordRejected) as refused:
        made.parse(record)
    return refused.value.field, refused.value.reason


def test_a_file_that_may_not_be_opened_does_not_stop_the_others_and_is_tried_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot(folder / "50.png", 50)
    shot(folder / "60.png", 60)
    read_bytes = Path.read_bytes

    def guarded(path: Path) -> bytes:
        if path.name == "50.png":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    made = native(folder)
    with monkeypatch.context() as locked:
        locked.setattr(Path, "read_bytes", guarded)
        (page,) = pull(made)
    refused, kept = page.records
    assert _refusal(made, refused) == ("file", "50.png: Permission denied")
    assert made.parse(kept).plate == "9SYN060"
    assert plates(made, pull(made, [page])) == ["9SYN050"]


def test_a_file_that_leaves_while_we_look_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = shot(folder / "50.png", 50)
    shot(folder / "60.png", 60)
    made = native(folder)
    files = list(made._files())
    gone.unlink()
    monkeypatch.setattr(made, "_files", lambda: iter(files))
    assert plates(made, pull(made)) == ["9SYN060"]


def test_camera_and_time_come_out_of_the_name(folder: Path) -> None:
    shot(folder / "north_gate-3_20260531T081502.250Z.png", 50)
    (read,) = reads(native(folder), pull(native(folder)))
    assert read.camera.id == "north_gate-3"
    assert (read.captured_at, read.zone) == (datetime(2026, 5, 31, 8, 15, 2, 250_000, tzinfo=UTC), Zone.IN_DATA)


def test_a_name_without_z_is_local_time_where_the_clock_stands(folder: Path) -> None:
    shot(folder / "pier 20260531T081502.png", 50)
    made = native(folder, zone="America/Los_Angeles")
    (read,) = reads(made, pull(made))
    assert (read.captured_at, read.zone) == (datetime(2026, 5, 31, 15, 15, 2, tzinfo=UTC), Zone.CONFIGURED)


@pytest.mark.parametrize(
    "name",
    [
        "IMG_0042",
        "pier-1_20261399T250000Z",  # digits that are no time
        "pier-1_00000000T000000",
        "pier-1_19700101T000000Z",  # a clock that lost its battery
        "pier-1_20260308T023000",  # the night the clocks went forward over it
    ],
)
def test_a_name_that_tells_no_time_gives_when_the_file_was_written_marked_as_guessed(folder: Path, name: str) -> None:
    shot(folder / f"{name}.png", 50)
    made = native(
        folder, zone="America/Los_Angeles", camera_id="pier", camera_name="Pier", latitude=34.9, longitude=-120
    )
    (read,) = reads(made, pull(made))
    assert (read.captured_at, read.zone) == (WRITTEN, Zone.GUESSED)
    assert (read.camera.id, read.camera.name) == ("pier", "Pier")
    assert read.place is not None
    assert (read.place.latitude, read.place.longitude) == (34.9, -120)


def test_a_read_tells_who_read_it_and_keeps_crop_and_frame(folder: Path) -> None:
    shot(folder / "210.png", 210)
    made = native(folder)
    first, second = reads(made, pull(made))
    assert (first.plate, second.plate) == ("9SYN210", "8SYN210")
    assert first.vendor_read_id != second.vendor_read_id
    assert first.engine == "shades 1.0 [shades.onnx abababababab]"
    assert [image.kind for image in first.images] == [ImageKind.PLATE, ImageKind.FRAME]
    plate, frame = (cv2.imdecode(np.frombuffer(image.data or b"", np.uint8), 1) for image in first.images)
    assert frame.shape == (48, 96, 3)
    assert plate.shape == (19, 38, 3)  # the box and a margin around it
    assert all((image.data or b"").startswith(JPEG) for image in first.images)


def test_a_read_carries_its_grade_and_a_record_of_a_time_without_one_does_not(folder: Path) -> None:
    shot(folder / "50.png", 50)
    made = native(folder)
    (record,) = pull(made)[-1].records
    assert made.parse(record).grade == Grade(
        alert=False, rule="not alert-grade: no two models agree, calibrated below 0.99"
    )
    older = {name: value for name, value in json.loads(record.payload).items() if name != "grade_rule"}
    assert made.parse(Record("sighting", json.dumps(older).encode())).grade is None


def test_pages_hold_so_many_files_and_only_the_last_moves_the_window(folder: Path) -> None:
    for number in range(PAGE + 5):
        shot(folder / f"{number:03d}.png", 10 + number)
    made = native(folder)
    pages = pull(made)
    assert [len(page.records) for page in pages] == [PAGE, 5]
    since, until = ((NOW - timedelta(days=1)).isoformat(), NOW.isoformat())
    assert [page.checkpoint["until"] for page in pages if page.checkpoint] == [since, until]


def test_a_run_that_breaks_off_goes_on_where_it_stopped(folder: Path) -> None:
    for number in range(PAGE + 5):
        shot(folder / f"{number:03d}.png", 10 + number)
    made = native(folder)
    first = next(made.pull(Window(NOW - timedelta(days=1), NOW)))
    rest = pull(made, [first])
    assert len(plates(made, [first])) == PAGE
    assert plates(made, rest) == [f"9SYN{10 + number:03d}" for number in range(PAGE, PAGE + 5)]


def test_a_name_that_is_not_utf_8_stops_nothing_and_is_taken_once(folder: Path) -> None:
    shot(folder / "50.png", 50)
    (folder / "50.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    shot(folder / "60.png", 60)
    (folder / os.fsdecode(b"\xff.jpg")).write_bytes(b"")
    stamped(folder / os.fsdecode(b"\xff.jpg"), WRITTEN)
    made = native(folder)
    pages = pull(made)
    assert [record.payload.decode("utf-8").count("60.png") for page in pages for record in page.records] == [1, 0, 0]
    kept = [record for record in pages[0].records if record.kind == "sighting"]
    assert [made.parse(record).plate for record in kept] == ["9SYN060", "9SYN050"]
    assert [_refusal(made, record)[1] for record in pages[0].records if record.kind == "refused"] == [
        "\\xff.jpg: the file is empty"
    ]
    assert pull(made, pages)[-1].records == []


def test_a_pipe_with_the_name_of_a_picture_or_a_video_is_not_waited_for(folder: Path) -> None:
    shot(folder / "50.png", 50)
    for name in ("x.jpg", "x.mp4"):
        os.mkfifo(folder / name)
        stamped(folder / name, WRITTEN)
    made = native(folder)
    assert plates(made, pull(made)) == ["9SYN050"]


def test_a_camera_whose_name_is_not_utf_8_is_a_camera(folder: Path) -> None:
    made = shot(folder / "plain.png", 100)
    made.rename(os.fsdecode(os.fsencode(folder) + b"/caf\xe9_20260601T080000Z.png"))
    shot(folder / "zz.png", 120)
    pages = pull(native(folder))
    first, second = [native(folder).parse(record) for page in pages for record in page.records]
    assert (first.camera.id, second.plate) == (r"caf\xe9", "9SYN120")


def test_a_time_that_no_clock_showed_stops_nothing(folder: Path) -> None:
    for name, seconds in (("a.png", -1), ("b.png", 13_000_000_000), ("c.png", int(WRITTEN.timestamp()))):
        os.utime(shot(folder / name, 100), (seconds, seconds))
    pages = pull(native(folder))
    assert drops.taken(pages) == {"c.png"}


def test_another_file_under_the_same_name_is_taken(folder: Path) -> None:
    shot(folder / "gate.png", 50)
    made = native(folder)
    (first,) = pull(made)
    shot(folder / "gate.png", 60, WRITTEN + timedelta(minutes=1))
    (second,) = pull(made, [first])
    assert plates(made, [first, second]) == ["9SYN050", "9SYN060"]


def test_the_same_picture_under_another_name_has_the_same_id(folder: Path) -> None:
    shot(folder / "gate.png", 50)
    shot(folder / "copy of gate.png", 50)
    made = native(folder)
    one, other = reads(made, pull(made))
    assert one.vendor_read_id == other.vendor_read_id


def test_one_file_may_be_the_whole_source(folder: Path) -> None:
    made = native(shot(folder / "gate.png", 50))
    (page,) = pull(made)
    assert plates(made, [page]) == ["9SYN050"]
    assert drops.taken([page]) == {"gate.png"}


def test_a_vehicle_in_a_video_is_one_read_at_its_time_in_the_film(folder: Path, film: Callable[..., Path]) -> None:
    empty, car = np.zeros((48, 96, 3), np.uint8), np.full((48, 96, 3), 120, np.uint8)
    made_film = film([*[empty] * 10, *[car] * 10, *[empty] * 25], name="gate/pier-1_20260531T080000Z.avi")
    stamped(made_film, WRITTEN)
    made = native(folder)
    pages = pull(made)
    (read,) = reads(made, pages)
    assert read.camera.id == "pier-1"
    start = datetime(2026, 5, 31, 8, tzinfo=UTC)
    assert timedelta(seconds=0.9) <= read.captured_at - start <= timedelta(seconds=2.1)
    assert read.zone is Zone.IN_DATA
    assert len(read.images) == 2
    assert plates(made, pull(made, pages)) == []


def test_two_vehicles_best_seen_in_one_frame_are_two_reads(folder: Path, film: Callable[..., Path]) -> None:
    stamped(film([np.full((48, 96, 3), 210, np.uint8)] * 3, name="gate/two.avi"), WRITTEN)
    found = reads(native(folder), pull(native(folder)))
    assert len(found) == len({read.vendor_read_id for read in found}) == 2


def test_a_video_that_breaks_off_gives_what_passed_before_and_says_so(folder: Path, film: Callable[..., Path]) -> None:
    noise = np.random.default_rng(3).integers(0, 8, (40, 48, 96, 3), np.uint8)
    path = film([120 + frame for frame in noise], name="gate/film.avi")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    stamped(path, WRITTEN)
    made = native(folder)
    seen, refused = pull(made)[-1].records
    assert made.parse(seen).plate.startswith("9SYN12")
    field, reason = _refusal(made, refused)
    assert field == "file"
    assert "film.avi" in reason


def test_what_is_no_video_is_refused(folder: Path) -> None:
    (folder / "list.mp4").write_text("#EXTM3U\nfile:///etc/hostname\n")
    stamped(folder / "list.mp4", WRITTEN)
    made = native(folder)
    (record,) = pull(made)[-1].records
    assert "not an MP4" in _refusal(made, record)[1]


def test_a_source_that_is_not_there_needs_a_person(tmp_path: Path) -> None:
    made = native(tmp_path / "nowhere")
    for ask in (made.check, lambda: pull(made)):
        with pytest.raises(AdminMustFix, match="source"):
            ask()


def test_broken_weights_need_a_person(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from native_reader.weights import WeightsRefused

    def refuse(models: Path | None) -> None:
        raise WeightsRefused("reader.onnx cannot be loaded")

    monkeypatch.setattr(module, "_engine", refuse)
    with pytest.raises(AdminMustFix, match=r"models: reader\.onnx cannot be loaded"):
        native(folder, models=folder).check()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"zone": "Atlantis/Harbour"}, "zone"), ({"latitude": 91}, "latitude"), ({"listen_seconds": 0}, "listen_seconds")],
)
def test_settings_that_would_fail_later_are_refused_at_once(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        NativeSettings(source="/", **wrong)


def test_a_camera_is_left_when_the_time_is_over_even_in_an_empty_street(camera: Callable[..., Any]) -> None:
    playing = camera([np.zeros((48, 96, 3), np.uint8)] * 100, fps=25)
    made = native(
        playing.url.replace("viewer:s3cret@", ""), stream_user="viewer", stream_password="s3cret", listen_seconds=0.3
    )
    (page,) = pull(made)
    assert (list(page.records), page.checkpoint) == ([], {"until": NOW.isoformat()})


def test_a_camera_that_hangs_up_gives_what_it_showed_and_is_tried_again(camera: Callable[..., Any]) -> None:
    playing = camera([np.full((48, 96, 3), 120, np.uint8)] * 10, fps=25)
    made = native(
        playing.url.replace("viewer:s3cret@", ""), stream_user="viewer", stream_password="s3cret", camera_id="pier"
    )
    pages = made.pull(Window(NOW - timedelta(days=1), NOW))
    first = made.parse(next(pages).records[0])
    assert (first.plate, first.camera.id, first.zone) == ("9SYN120", "pier", Zone.IN_DATA)
    with pytest.raises(TryAgain) as failed:
        next(pages)
    assert "s3cret" not in str(failed.value)


def test_a_picture_that_somebody_hands_over_is_unpacked(folder: Path) -> None:
    made = NativeConnector.offline()
    body = shot(folder / "50.png", 50).read_bytes()
    (record,) = made.unpack(Document(body, "image/png", "50.png"))
    assert made.parse(record).plate == "9SYN050"
    (record,) = made.unpack(Document(body[:60], "image/png", "cut.png"))
    assert _refusal(made, record) == ("file", "cut.png: the picture is truncated or damaged")
    with pytest.raises(VendorChanged):
        list(made.unpack(Document(body, "application/octet-stream", "50.png")))


def test_what_is_kept_of_a_sighting_gives_the_same_read_again(folder: Path) -> None:
    shot(folder / "pier-1_20260531T081502.250Z.png", 50)
    made = native(folder)
    (record,) = pull(made)[-1].records
    (again,) = NativeConnector.offline().unpack(Document(record.payload, attachments=record.attachments))
    assert NativeConnector.offline().parse(again) == made.parse(record)


_WORDS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.lists(st.tuples(st.text(max_size=4), st.floats() | st.none()), max_size=2),
)  # fmt: skip


@settings(max_examples=tries(40, 150), deadline=None)
@given(changes=st.dictionaries(st.sampled_from(list(module._Seen.__struct_fields__)), _WORDS, max_size=3))
def test_any_record_is_a_read_or_a_refusal_and_the_same_each_time(changes: dict[str, Any]) -> None:
    kept = {
        "file": "a.jpg", "id": "x-0", "camera": "c", "captured_at": "2026-05-31T08:00:00+00:00", "zone": "in_data",
        "text": "9SYN001", "confidence": 0.5, "box": [1, 2, 3, 4], "candidates": [["9SYN001", 0.5]], "engine": "e",
        "weights": {}, "alert_grade": True, "grade_rule": "r", "may_be_cut": False,
    }  # fmt: skip
    record = Record("sighting", json.dumps({**kept, **changes}).encode())
    outcomes: list[Read | str] = []
    for made in (NativeConnector.offline(), NativeConnector.offline()):
        try:
            outcomes.append(made.parse(record))
        except RecordRejected as refused:
            outcomes.append(str(refused))
    assert outcomes[0] == outcomes[1]


def test_the_engine_reports_to_nobody(tmp_path: Path) -> None:
    # onnxruntime keeps a device id in the home and sends events to its maker unless it is told not to in time.
    code = "import native_reader.ppocr as p, numpy as n; p.PPOCREngine().read(n.zeros((64, 64, 3), n.uint8))"
    clean = {
        name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    }
    done = subprocess.run([sys.executable, "-c", code], check=False, env={**clean, "HOME": str(tmp_path)})
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_drawn_car_goes_all_the_way(folder: Path, offline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_engine", lambda models: offline)
    (picture,) = write_pictures(folder, [("9XBC123", NOW - timedelta(hours=2))], seed=7)
    stamped(picture.path, WRITTEN)
    (read,) = reads(native(folder), pull(native(folder)))
    assert (read.plate, read.camera.id, read.captured_at) == (picture.plate, picture.camera, picture.taken_at)
    assert read.plate_confidence is not None
    assert read.plate_confidence > 0.5


def test_a_password_goes_into_its_own_setting_and_never_into_the_address() -> None:
    with pytest.raises(ValidationError, match="settings of their own"):
        NativeSettings(source="rtsp://admin:secret@camera.example/stream")
    settings = NativeSettings(source="rtsp://camera.example/stream", stream_user="admin", stream_password="a/b@c")
    assert settings.address() == "rtsp://admin:a%2Fb%40c@camera.example/stream"
    assert "a/b@c" not in repr(settings)
