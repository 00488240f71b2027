"""Opening onnxruntime models so that they never take the whole machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from native_reader.weights import WeightsRefused

PROVIDERS: Sequence[str] = ("CPUExecutionProvider",)


def options(threads: int, *, arena: bool = True) -> Any:
    """Return onnxruntime SessionOptions for `threads` threads that sleep, not spin, while they wait.

    OpenCV's own pool, which the process shares, is bounded likewise. An arena keeps the most that ever was needed: a
    model that takes pictures of any size goes without.
    """
    import cv2
    import onnxruntime

    cv2.setNumThreads(threads)
    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = threads
    chosen.inter_op_num_threads = 1
    chosen.enable_cpu_mem_arena = arena
    chosen.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen.log_severity_level = 3
    return chosen


def open_session(path: Path, threads: int, *, arena: bool = True) -> Any:
    """Return an onnxruntime InferenceSession on the CPU; raises WeightsRefused for a file that is no model."""
    import onnxruntime

    with loading(path):
        return onnxruntime.InferenceSession(path, options(threads, arena=arena), providers=list(PROVIDERS))


@contextmanager
def loading(*paths: Path) -> Iterator[None]:
    """Turn whatever a library raises over broken weights files into WeightsRefused, naming the files."""
    try:
        yield
    except Exception as error:
        names = " with ".join(path.name for path in paths)
        raise WeightsRefused(f"{names} cannot be loaded: {error}") from error
