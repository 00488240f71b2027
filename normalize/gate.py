"""The gate between what a vendor sent and what the hub keeps."""

from datetime import datetime, timedelta
from typing import Final

from normalize.fault import Unusable
from normalize.plate import LONGEST, length
from normalize.read import Read

CLOCK_AHEAD: Final = timedelta(minutes=10)
"""How far ahead of the hub a camera's clock may run before its time is not believed."""


def accept(read: Read, received_at: datetime) -> Read:
    """The same read, fit to be kept; raises `Unusable` naming the field that is not.

    `received_at` is when the hub took delivery: a read from the future of that instant has a wrong clock or zone, and
    keeping it would give it a life that no policy promised.
    """
    plate = read.plate
    if not plate:
        raise Unusable("plate_raw", "has no letter and no digit")
    if len(plate) > LONGEST and length(plate) > LONGEST:
        raise Unusable("plate_raw", f"has more than {LONGEST} characters")
    if read.captured_at > received_at + CLOCK_AHEAD:
        raise Unusable("captured_at", "lies in the future: a wrong clock or a wrong zone")
    return read
