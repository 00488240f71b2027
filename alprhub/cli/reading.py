"""`alprhub read`: plates in pictures and videos, here and now; nothing is stored."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.progress import Work, working
from alprhub.plain import print_json
from hub.errors import Invalid, NotFound
from hub.settings import from_environment
from hub.words import count

THREADS = 2


def read(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, videos, or folders of them.")],
    models: Annotated[Path | None, typer.Option(help="Folder with weights of the better engine.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read the plates in pictures and videos with the best engine whose weights are here; stores nothing."""
    # These load OpenCV and ONNX Runtime, which no other command needs.
    from native_reader.choice import best_engine
    from native_reader.weights import WeightsRefused

    with failures():
        files = [file for path in paths for file in _files(path)]
        try:
            engine = best_engine(models or from_environment().models)
        except WeightsRefused as wrong:
            raise Invalid(str(wrong)) from None
        reads: list[dict[str, Any]] = []
        refused: list[dict[str, str]] = []

        def kept(work: Work) -> str:
            return f"{work.done.get('files', 0):,} of {count(len(files), 'file')} were read, and nothing is stored"

        with working(kept, as_json, at_once=True) as work, ThreadPoolExecutor(THREADS) as pool:
            try:
                for number, (seen, reason) in enumerate(pool.map(partial(_read_one, engine), files)):
                    work.told("files", number + 1, len(files))
                    reads += seen
                    refused += reason
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        if as_json:
            print_json({"engine": engine.name, "weights": engine.weights, "reads": reads, "refused": refused})
            return
        console.print(f"engine: {engine.name}", markup=False)
        print_rows(reads, ("file", "plate", "confidence", "box"), False, "no plates")
        for item in refused:
            console.print(f"refused: {item['reason']}", style="yellow", markup=False)


def _files(path: Path) -> Iterator[Path]:
    from native_reader.pictures import PictureRefused, walk
    from native_reader.video import SUFFIXES

    if not path.exists():
        raise NotFound(f"the file or folder {str(path)!r} is not there")
    try:
        yield from walk(path)
    except PictureRefused as refused:
        raise Invalid(str(refused)) from None
    if path.is_dir():
        yield from walk(path, SUFFIXES)


def _read_one(engine: Any, file: Path) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    from native_reader.pictures import PictureRefused, load_picture
    from native_reader.video import SUFFIXES, StreamBroken, passings

    try:
        if file.suffix.lower() in SUFFIXES:
            seen = [_row(file, passing.sighting, passing.frame.seconds) for passing in passings(file, engine)]
        else:
            seen = [_row(file, sighting) for sighting in engine.read(load_picture(file))]
    except (PictureRefused, StreamBroken) as reason:
        return [], [{"file": file.name, "reason": str(reason)}]
    return seen, []


def _row(file: Path, sighting: Any, seconds: float | None = None) -> dict[str, Any]:
    row = {
        "file": file.name,
        "plate": sighting.text,
        "confidence": round(sighting.confidence, 4),
        "box": list(sighting.box),
    }
    return row if seconds is None else {**row, "seconds": round(seconds, 2)}
