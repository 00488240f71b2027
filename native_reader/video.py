"""Video files and RTSP cameras, by the same code: frames in, one sighting a passing vehicle out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from native_reader.engine import Engine
from native_reader.pictures import LIMITS, PictureLimits
from native_reader.tracks import Passing, Track, VideoFrame, continued, merged

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".mpeg"})
"""What a folder of recordings is searched for; the content decides in the end."""

_RATE = 6.0
"""Frames a second that are read: a plate in view for half a second is still seen three times."""

_ASSUMED = 25.0
"""Frames a second of a source that tells neither its rate nor its times."""

_ROUNDING = 0.002
"""Seconds by which a container's times may be rounded: Matroska counts in milliseconds."""

_WHOLE = 0.9
"""Share of its promised length that a whole file shows at least."""

_GONE = 1.5
"""Seconds without a look after which a vehicle has passed."""

_PATIENCE = 10.0
"""Seconds after which a vehicle that stays in view is told without waiting for it to leave."""

_GLIMPSE = 0.6
"""A plate seen in one frame only must be this sure."""

_DOUBTFUL = 0.4
"""All frames together must be this sure."""

_LAG = 1.0
"""Seconds a camera may run ahead of us before frames are skipped unread."""


class StreamBroken(OSError):
    """A video cannot be opened, or ended before it should; the message names it, without its password."""


def frames(
    source: Path | str,
    *,
    rate: float = _RATE,
    timeout: float = 10.0,
    limits: PictureLimits = LIMITS,
    listen: float | None = None,
) -> Iterator[VideoFrame]:
    """Yield about `rate` frames a second of a video file (Path) or a camera (an rtsp:// or rtsps:// address).

    `timeout` is seconds a camera may stay silent; after `listen` seconds it is left, whatever it still shows. A camera
    that runs faster than the caller works is caught up with by skipping frames. Raises StreamBroken for what cannot
    be opened or is no video, for a file that ends early, and whenever a camera's stream ends by itself:
    reconnecting, with back-off, is the caller's.
    """
    import cv2

    live = isinstance(source, str)
    name = _shown(source)
    capture = _open(source, name, timeout)
    try:
        width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if width * height > limits.pixels:
            raise StreamBroken(f"{name}: {width:.0f} × {height:.0f} pixels, and at most {limits.pixels} are read")
        per_second = capture.get(cv2.CAP_PROP_FPS)
        clock = _FrameTimes(1 / per_second if 0 < per_second < float("inf") else 1 / _ASSUMED)
        number, looks, started = 0, 0, time.monotonic()
        while capture.grab():
            if listen is not None and time.monotonic() - started > listen:
                return
            seconds = clock.tell(number, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            late = live and time.monotonic() - started - seconds > _LAG
            # By time and not by number: where the camera slows down, no frame may be passed over.
            if seconds >= looks / rate - _ROUNDING and not late:
                done, pixels = capture.retrieve()
                if not done:
                    raise StreamBroken(f"{name}: frame {number} cannot be decoded")
                yield VideoFrame(number, seconds, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8))
                looks = int((seconds + _ROUNDING) * rate) + 1
            number += 1
        promised = capture.get(cv2.CAP_PROP_FRAME_COUNT) / per_second if per_second > 0 else 0.0
    finally:
        capture.release()
    if live:
        raise StreamBroken(f"{name}: the camera's stream ended after {number} frames")
    # By length and not by count: where the rate varies, the count is the length times a rate that never was.
    if number == 0 or clock.shown < _WHOLE * promised:
        raise StreamBroken(f"{name}: the video breaks off after {clock.shown:.1f} of {promised:.1f} seconds")


class _FrameTimes:
    """Seconds of each frame since the first, as the container says; never backwards, whatever it says."""

    def __init__(self, usual: float) -> None:
        self._usual, self._last, self._longest, self._shift = usual, 0.0, 0.0, 0.0

    def tell(self, number: int, said: float) -> float:
        """Return the frame's seconds; `said` is 0 where the source gives its frames no times."""
        seconds = (said if said > 0 else number * self._usual) + self._shift
        if seconds < self._last - 1:  # the camera's clock was set back, or began anew
            self._shift += self._last + self._usual - seconds
            seconds = self._last + self._usual
        seconds = max(seconds, self._last)
        self._longest = max(self._longest, seconds - self._last)
        self._last = seconds
        return seconds

    @property
    def shown(self) -> float:
        """Seconds up to the end of the last frame, which may have been shown as long as any other."""
        return self._last + max(self._longest, self._usual)


def passings(
    source: Path | str,
    engine: Engine,
    *,
    rate: float = _RATE,
    timeout: float = 10.0,
    limits: PictureLimits = LIMITS,
    listen: float | None = None,
) -> Iterator[Passing]:
    """Yield one `Passing` a vehicle, as soon as it has left the view or has stayed in it for ten seconds.

    Arguments and errors as for `frames`; vehicles seen before a stream broke are yielded before StreamBroken.
    """
    tracks: list[Track] = []
    try:
        for frame in frames(source, rate=rate, timeout=timeout, limits=limits, listen=listen):
            sightings = engine.read(frame.picture)
            for sighting, track in zip(sightings, continued(tracks, sightings), strict=True):
                if track is None:
                    tracks.append(Track(frame, sighting))
                else:
                    track.add(frame, sighting)
            tracks = merged(tracks)
            yield from _due(tracks, frame.seconds)
            tracks = [track for track in tracks if frame.seconds - track.last <= _GONE]
    except StreamBroken:
        yield from _due(tracks, float("inf"))
        raise
    yield from _due(tracks, float("inf"))


def _due(tracks: list[Track], now: float) -> Iterator[Passing]:
    for track in tracks:
        if track.told or (now - track.last <= _GONE and now - track.first < _PATIENCE):
            continue
        track.told = True
        passing = track.passing()
        if passing.sighting.confidence >= (_DOUBTFUL if passing.looks > 1 else _GLIMPSE):
            yield passing


def _open(source: Path | str, name: str, timeout: float) -> Any:
    """An open cv2.VideoCapture, decoding on one thread."""
    import cv2

    if isinstance(source, Path):
        _check_container(source)
    elif urlsplit(source).scheme not in ("rtsp", "rtsps"):
        # FFmpeg would open a great many other things: web pages, other files, devices.
        raise StreamBroken(f"{name}: a camera's address begins with rtsp:// or rtsps://")
    wait = int(timeout * 1000)
    settings = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, wait),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, wait),
        *(cv2.CAP_PROP_N_THREADS, 1),
    ]
    capture = cv2.VideoCapture(str(source), cv2.CAP_FFMPEG, settings)
    if not capture.isOpened():
        capture.release()
        raise StreamBroken(f"{name}: cannot be opened as video")
    return capture


def _check_container(path: Path) -> None:
    """Let only real containers through: a playlist named .mp4 could send FFmpeg to any file or host."""
    if not path.is_file():  # a pipe would be waited for for ever
        raise StreamBroken(f"{path}: there is no such file")
    try:
        with path.open("rb") as stream:
            head = stream.read(12)
    except OSError as error:
        raise StreamBroken(f"{path}: {error.strerror or error}") from error
    known = (
        head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")  # MP4, MOV
        or head.startswith(b"\x1a\x45\xdf\xa3")  # Matroska, WebM
        or (head.startswith(b"RIFF") and head.endswith(b"AVI "))
        or head.startswith((b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"))  # MPEG program stream
        or head.startswith(b"\x47")  # MPEG transport stream
    )
    if not known:
        raise StreamBroken(f"{path}: not an MP4, MOV, Matroska, WebM, AVI or MPEG video")


def _shown(source: Path | str) -> str:
    """The source as it may be logged: an address without user and password."""
    if isinstance(source, Path):
        return str(source)
    parts = urlsplit(source)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
