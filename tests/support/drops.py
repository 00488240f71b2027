"""What the next run of a drop is given after pages were kept, as the hub gives it."""

from collections.abc import Sequence
from datetime import datetime

from connectors.contract import Page, Window


def window(since: datetime, until: datetime, pages: Sequence[Page] = ()) -> Window:
    """The window of the run after the one that gave these pages."""
    marks = {file.name: file for page in pages for file in page.taken}
    told = [page.checkpoint for page in pages if page.checkpoint is not None]
    return Window(
        since, until, told[-1] if told else {}, lambda lying: [one for one in lying if marks.get(one.name) != one]
    )


def taken(pages: Sequence[Page]) -> set[str]:
    """The names of the files that were taken."""
    return {file.name for page in pages for file in page.taken}
