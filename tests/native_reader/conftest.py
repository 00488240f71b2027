"""What the tests of the native reader draw, film and serve: nothing here comes from a camera."""

from __future__ import annotations

import http.server
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from native_reader.engine import Pixels
from native_reader.fast_plate import FastPlateEngine
from native_reader.ppocr import PPOCREngine

SHARED = Path(__file__).parents[2].parent / "shared"

Draw = Callable[..., Pixels]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    cv2.setNumThreads(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and weights beside the repository, where there is one."""
    if not (SHARED / "plates").is_dir() or not (SHARED / "models").is_dir():
        pytest.skip("real photos and weights are not here: put them in ../shared beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def offline() -> PPOCREngine:
    return PPOCREngine()


@pytest.fixture(scope="session")
def fast_plate(shared: Path) -> FastPlateEngine:
    return FastPlateEngine(shared / "models")


@pytest.fixture(scope="session")
def draw() -> Draw:
    return draw_street


def draw_street(  # a car's back with a plate, and whatever else a street says
    plate: str | None = "7ZZX123",
    *,
    state: str = "NORTH DAKOTA",
    others: tuple[tuple[str, int, int, int], ...] = (),
    size: tuple[int, int] = (640, 400),
    at: tuple[int, int] = (230, 220),
    width: int = 180,
) -> Pixels:
    """Draw RGB pixels: `others` are (words, x, y, letter height); `at` and `width` place the plate."""
    noise = np.random.default_rng(7).normal(0, 3, (size[1], size[0], 3))
    ground = np.linspace(150, 60, size[1])[:, None, None] + noise
    image = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    if plate is not None:
        x, y = at
        height = width // 2
        pen.rectangle((x - width // 2, y - height, x + width + width // 2, y + 2 * height), fill=(70, 25, 30))
        pen.rounded_rectangle((x, y, x + width, y + height), height // 10, fill=(235, 235, 228), outline=(40, 40, 40))
        small = ImageFont.load_default(height * 0.15)
        image.paste((20, 30, 90), (x + width // 14, y + height * 3 // 10), _tall_letters(plate, width, height))
        pen.text((x + width / 2, y + height * 0.14), state, (150, 30, 30), small, anchor="mm")
    for words, left, top, high in others:
        pen.text((left, top), words, (245, 245, 245), ImageFont.load_default(high))
    return cv2.GaussianBlur(np.asarray(image), (0, 0), 0.7).astype(np.uint8)


def _tall_letters(text: str, width: int, height: int) -> Image.Image:
    """A mask of the text, as narrow and tall as a plate of this size has it."""
    font = ImageFont.load_default(100)
    left, top, right, bottom = font.getbbox(text, stroke_width=2)
    mask = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(mask).text((-left, -top), text, 255, font, stroke_width=2)
    return mask.resize((width - width // 7, height // 2), Image.Resampling.LANCZOS)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Start HTTP servers on this machine: `server(handle)` gives the address of one that answers with `handle`."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running: list[http.server.ThreadingHTTPServer] = []

    def start(handle: Callable[[http.server.BaseHTTPRequestHandler], None]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                handle(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # clients that hang up are what these tests are about

        made = Server(("127.0.0.1", 0), Handler)
        running.append(made)
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{made.server_address[1]}"

    yield start
    for made in running:
        made.shutdown()
        made.server_close()


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """Write a video file of RGB pictures."""

    def write(pictures: list[Pixels], name: str = "film.avi", fps: float = 10.0, codec: str = "MJPG") -> Path:
        path = tmp_path / name
        height, width = pictures[0].shape[:2]
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (width, height))
        assert writer.isOpened()
        for picture in pictures:
            writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        writer.release()
        return path

    return write


class Camera(threading.Thread):
    """A small RTSP camera: JPEG over RTP (RFC 2435) inside the RTSP connection, then it falls silent or hangs up."""

    def __init__(self, pictures: list[Pixels], *, fps: float = 10.0, silent: bool = False) -> None:
        super().__init__(daemon=True)
        self._pictures, self._fps, self._silent = pictures, fps, silent
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.url = f"rtsp://viewer:s3cret@127.0.0.1:{self._socket.getsockname()[1]}/street"

    def stop(self) -> None:
        self._over.set()
        self._socket.close()

    def run(self) -> None:
        try:
            client, _ = self._socket.accept()
            with client:
                while self._answer(client):
                    pass
        except OSError:
            return

    def _answer(self, client: socket.socket) -> bool:
        request = b""
        while b"\r\n\r\n" not in request:
            chunk = client.recv(4096)
            if not chunk:
                return False
            request += chunk
        method = request.split(b" ", 1)[0].decode()
        number = next(line for line in request.decode().split("\r\n") if line.lower().startswith("cseq"))
        headers, body = "", ""
        if method == "OPTIONS":
            headers = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            body = (
                "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=street\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track0\r\n"
            )
            body += f"a=framerate:{self._fps}\r\n"
            headers = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            headers = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        elif method == "PLAY":
            headers = "Session: 1\r\n"
        client.sendall(f"RTSP/1.0 200 OK\r\n{number}\r\n{headers}\r\n{body}".encode())
        if method == "PLAY":
            self._play(client)
            return False
        return method != "TEARDOWN"

    def _play(self, client: socket.socket) -> None:
        sequence = 0
        for index, picture in enumerate(self._pictures):
            scan = _scan(picture)
            for start in range(0, len(scan), 1200):
                part = scan[start : start + 1200]
                last = start + 1200 >= len(scan)
                rtp = struct.pack(
                    ">BBHII", 0x80, 26 | (0x80 if last else 0), sequence, int(index * 90000 / self._fps), 1
                )
                jpeg = struct.pack(">IBBBB", start, 1, 80, picture.shape[1] // 8, picture.shape[0] // 8)
                packet = rtp + jpeg + part
                client.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                sequence += 1
            if self._over.wait(1 / self._fps):
                return
        if self._silent:
            self._over.wait(30)


def _scan(picture: Pixels) -> bytes:
    """The entropy-coded part of a picture's JPEG: RTP sends no headers."""
    encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    content = encoded.tobytes()
    start = content.index(b"\xff\xda")
    return content[start + 2 + int.from_bytes(content[start + 2 : start + 4]) : -2]


@pytest.fixture
def camera() -> Iterator[Callable[..., Camera]]:
    """Start an RTSP camera that plays pictures once."""
    started: list[Camera] = []

    def start(pictures: list[Pixels], **how: float | bool) -> Camera:
        made = Camera(pictures, **how)  # type: ignore[arg-type]
        made.start()
        started.append(made)
        return made

    yield start
    for made in started:
        made.stop()
