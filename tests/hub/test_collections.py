"""Several pulls in one process leave the garbage collector as it was."""

import gc

from hub.ingest.interpreter import tuned_for_pages


def test_pulls_that_overlap_leave_the_collector_as_it_was() -> None:
    usual = gc.get_threshold()
    first, second = tuned_for_pages(), tuned_for_pages()
    first.__enter__()
    second.__enter__()
    assert gc.get_threshold() != usual
    first.__exit__(None, None, None)
    assert gc.get_threshold() != usual  # the second still goes on
    second.__exit__(None, None, None)
    assert gc.get_threshold() == usual
