"""A line of Stream's CSV is read as the event that the webhook would have sent of it."""

import ast
from collections.abc import Iterator
from typing import Any, Final

from connectors import table
from connectors.contract import Record
from connectors.fields import Fields
from normalize.fault import Unusable

_PYTHON: Final = ("[", "{")
NEEDED: Final = ("timestamp", "plate")


def csv_rows(body: bytes) -> Iterator[Record] | None:
    """Each line of Stream's CSV as a record, a broken one as one that says why; None where it is no such CSV.

    Raises `VendorChanged` where its header has times and no plates.
    """
    found = table.table(body, lambda names: NEEDED[0] in map(str.casefold, names))
    return table.records(body, NEEDED, kind="csv") if found is not None and found.head.is_found else None


def event_of_row(cells: Fields) -> Fields:
    """A line of Stream's CSV as the event that the webhook would have sent of it.

    Its cells hold numbers as text and everything else as Python writes it (documented by sample).
    """
    names = ("score", "dscore", "model_make", "color", "vehicle", "region", "candidates", "direction", "plate")
    result = {name: _python(cells, name) for name in names}
    times = {name: cells.text_or_none(name) for name in ("timestamp", "timestamp_local", "timestamp_camera")}
    return Fields({**times, "camera_id": cells.text_or_none("camera_id"), "filename": cells.text_or_none("file"),
                   "results": [result]})  # fmt: skip


def _python(cells: Fields, name: str) -> Any:
    text = cells.text_or_none(name)
    if text is None or text == "None":
        return None
    if not text.startswith(_PYTHON):
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise Unusable(name, "is not what Python writes") from None
