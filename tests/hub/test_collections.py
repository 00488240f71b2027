"""Several pulls in one process leave the garbage collector as it was."""

import gc

from hub.ingest.sync import few_collections


def test_pulls_that_overlap_leave_the_collector_as_it_was() -> None:
    usual, frozen = gc.get_threshold(), gc.get_freeze_count()
    first, second = few_collections(), few_collections()
    first.__enter__()
    second.__enter__()
    assert gc.get_threshold() != usual
    assert gc.get_freeze_count() > frozen
    first.__exit__(None, None, None)
    assert gc.get_threshold() != usual  # the second still goes on
    second.__exit__(None, None, None)
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() == frozen
