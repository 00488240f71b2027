"""Opening onnxruntime models so that they never take the whole machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from native_reader.weights import WeightsRefused

PROVIDERS: Sequence[str] = ("CPUExecutionProvider",)


def options(threads: int) -> Any:
    """Return onnxruntime SessionOptions for `threads` threads that sleep, not spin, while they wait.

    OpenCV's own pool, which the process shares, is bounded likewise.
    """
    import cv2
    import onnxruntime

    cv2.setNumThreads(threads)
    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = threads
    chosen.inter_op_num_threads = 1
    chosen.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen.log_severity_level = 3
    return chosen


def open_session(path: Path, threads: int) -> Any:
    """Return an onnxruntime InferenceSession on the CPU; raises WeightsRefused for a file that is no model."""
    import onnxruntime

    with loading(path):
        return onnxruntime.InferenceSession(path, options(threads), providers=list(PROVIDERS))


class VaryingSession:
    """An onnxruntime session for pictures of any size, which gives back after each what it needed.

    Without that, memory grows to the most that any mixture of sizes ever took. Raises WeightsRefused as
    `open_session` does.
    """

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        with loading(path):
            self._session = onnxruntime.InferenceSession(
                path, options(threads), providers=[(PROVIDERS[0], {"arena_extend_strategy": "kSameAsRequested"})]
            )
        self._give_back = onnxruntime.RunOptions()
        self._give_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self.input: str = self._session.get_inputs()[0].name
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map

    def run(self, tensor: Any) -> Any:
        """Return the model's first output for one batch."""
        return self._session.run(None, {self.input: tensor}, self._give_back)[0]


@contextmanager
def loading(*paths: Path) -> Iterator[None]:
    """Turn whatever a library raises over broken weights files into WeightsRefused, naming the files."""
    try:
        yield
    except Exception as error:
        names = " with ".join(path.name for path in paths)
        raise WeightsRefused(f"{names} cannot be loaded: {error}") from error
