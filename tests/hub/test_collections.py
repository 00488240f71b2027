"""Several pulls in one process leave the interpreter as it was."""

import gc
import sys

from hub.ingest.interpreter import tuned_for_pages


def test_pulls_that_overlap_leave_the_interpreter_as_it_was() -> None:
    usual, frozen, turn = gc.get_threshold(), gc.get_freeze_count(), sys.getswitchinterval()
    first, second = tuned_for_pages(), tuned_for_pages()
    first.__enter__()
    second.__enter__()
    assert gc.get_threshold() != usual
    assert gc.get_freeze_count() > frozen
    assert sys.getswitchinterval() < turn
    first.__exit__(None, None, None)
    assert gc.get_threshold() != usual  # the second still goes on
    second.__exit__(None, None, None)
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() == frozen
    assert sys.getswitchinterval() == turn
