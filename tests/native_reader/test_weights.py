"""Weights arrive whole and with the right hash, or not at all."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from happenings import happenings

from native_reader import weights
from native_reader.weights import FAST_PLATE, YOLO_T_416, WeightsFile, WeightsMissing, WeightsRefused, fetch

CONTENT = b"a model " * 5000


def _file(url: str, content: bytes = CONTENT, largest: int = 1_000_000) -> WeightsFile:
    return WeightsFile("model.onnx", f"{url}/model.onnx", hashlib.sha256(content).hexdigest(), largest)


def _send(content: bytes, length: int | None = None, status: int = 200):
    def handle(request) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(content) if length is None else length))
        request.end_headers()
        request.wfile.write(content)

    return handle


@pytest.mark.enable_socket
def test_a_file_is_fetched_once_and_whole(server, tmp_path: Path) -> None:
    asked = []

    def handle(request) -> None:
        asked.append(request.path)
        _send(CONTENT)(request)

    file = _file(server(handle))
    folder = tmp_path / "new" / "models"
    with happenings() as steps:
        assert fetch(file, folder).read_bytes() == CONTENT
    steps.assert_in_order("fsync folder new", "fsync model.onnx~", "rename model.onnx", "fsync folder models")
    assert fetch(file, folder) == folder / "model.onnx"
    assert asked == ["/model.onnx"], "a file that is there with the right hash is not fetched again"
    assert [path.name for path in folder.iterdir()] == ["model.onnx"]


@pytest.mark.enable_socket
def test_a_file_with_another_hash_is_replaced(server, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"an older one")
    fetch(_file(server(_send(CONTENT))), tmp_path)
    assert (tmp_path / "model.onnx").read_bytes() == CONTENT


@pytest.mark.enable_socket
def test_a_wrong_hash_is_refused_and_nothing_is_left(server, tmp_path: Path) -> None:
    file = _file(server(_send(b"something else")), content=CONTENT)
    with pytest.raises(WeightsRefused, match="expected " + str(file.sha256)):
        fetch(file, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.enable_socket
def test_a_wrong_answer_does_not_cost_the_file_that_was_there(server, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"an older one")
    with pytest.raises(WeightsRefused):
        fetch(_file(server(_send(b"something else"))), tmp_path)
    assert (tmp_path / "model.onnx").read_bytes() == b"an older one"


@pytest.mark.enable_socket
@pytest.mark.parametrize("drip", [False, True], ids=["says nothing", "drips"])
def test_a_slow_server_is_given_up_after_the_timeout(server, tmp_path: Path, drip: bool) -> None:
    def handle(request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        for _ in range(100):
            time.sleep(0.05)
            if drip:
                request.wfile.write(b"x")

    started = time.monotonic()
    with pytest.raises(WeightsMissing, match=r"within 0\.4 s"):
        fetch(_file(server(handle)), tmp_path, timeout=0.4)
    assert time.monotonic() - started < 2
    assert not list(tmp_path.iterdir())


@pytest.mark.enable_socket
def test_a_transfer_that_breaks_off_leaves_nothing(server, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=f"after 8 of {len(CONTENT)} bytes"):
        fetch(_file(server(_send(CONTENT[:8], length=len(CONTENT)))), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.enable_socket
def test_an_endless_answer_is_cut(server, tmp_path: Path) -> None:
    with pytest.raises(WeightsRefused, match="longer than 100 bytes"):
        fetch(_file(server(_send(CONTENT)), largest=100), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.enable_socket
@pytest.mark.parametrize("status", [404, 500])
def test_an_error_page_is_no_model(server, tmp_path: Path, status: int) -> None:
    with pytest.raises(WeightsMissing, match=str(status)):
        fetch(_file(server(_send(CONTENT, status=status))), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.enable_socket
def test_a_server_that_talks_nonsense_is_an_error_of_ours(server, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        fetch(_file(server(lambda request: request.wfile.write(b"hello, who is there?\r\n\r\n"))), tmp_path)


@pytest.mark.enable_socket
def test_being_killed_in_the_middle_leaves_no_half_file(server, tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    def handle(request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(CONTENT)))
        request.end_headers()
        request.wfile.write(CONTENT[:20_000])
        begun.touch()
        time.sleep(20)

    file, folder = _file(server(handle)), tmp_path / "models"
    folder.mkdir()
    code = (
        "import pathlib, sys; from native_reader.weights import *; "
        "fetch(WeightsFile(*sys.argv[1:4], 1000000), pathlib.Path(sys.argv[4]))"
    )
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", code, file.name, file.url, str(file.sha256), str(folder)], cwd=root
    ) as child:
        while not begun.exists():
            assert child.poll() is None
            time.sleep(0.02)
        time.sleep(0.1)
        child.kill()
    assert not list(folder.iterdir())


def test_a_file_without_a_verified_hash_is_never_fetched(tmp_path: Path) -> None:
    with pytest.raises(WeightsRefused, match=r"ALPRHUB_MODELS"):
        fetch(YOLO_T_416, tmp_path)


@pytest.mark.enable_socket
def test_fetching_everything_tells_what_the_admin_must_still_bring(server, tmp_path: Path, monkeypatch) -> None:
    url = server(_send(CONTENT))
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    there = FAST_PLATE[0]
    monkeypatch.setattr(
        weights,
        "FAST_PLATE",
        tuple(file if file.sha256 is None else replace(file, url=url, sha256=sha256) for file in FAST_PLATE),
    )
    (tmp_path / there.name).write_bytes(b"brought by hand")
    told: dict[str, str] = {}
    still = weights.fetch_all(tmp_path, told=lambda file, outcome: told.update({file.name: outcome}))
    assert still == [YOLO_T_416]
    assert weights.missing(tmp_path) == [YOLO_T_416.name]
    assert told.pop(there.name) == "here"
    assert YOLO_T_416.url in told.pop(YOLO_T_416.name)
    assert set(told.values()) == {"fetched"}
    (tmp_path / YOLO_T_416.also_named[0]).write_bytes(b"the other name")
    assert weights.missing(tmp_path) == []


def test_every_pinned_hash_is_one_and_every_address_is_https() -> None:
    for file in FAST_PLATE:
        assert file.url.startswith("https://github.com/ankandrew/")
        assert file.url.endswith(file.name)
        assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32


def test_the_addresses_are_those_the_libraries_would_use() -> None:
    from fast_plate_ocr.inference.hub import AVAILABLE_ONNX_MODELS
    from open_image_models.detection.core.hub import DETECTION_MODELS

    upstream = {url for pair in AVAILABLE_ONNX_MODELS.values() for url in pair}
    upstream |= {model.url for model in DETECTION_MODELS.values()}
    assert {file.url for file in FAST_PLATE} <= upstream


def test_the_pins_are_those_of_the_weights_at_hand(shared: Path) -> None:
    for file in FAST_PLATE:
        if file.sha256 is not None:
            assert weights.sha256_of(shared / "models" / file.name) == file.sha256


def test_a_missing_package_is_named() -> None:
    with pytest.raises(WeightsMissing, match="pip install 'no_such_package'"):
        weights.packaged("no_such_package", "models", "x.onnx")
