"""What was pushed and is not kept yet: how many pushes lie in the inbox, for whom, since when; what was set aside."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from hub.store.instant import from_micros
from hub.store.spool import batches_in, broken_in, heads_of

MOST: Final = 256 * 1024 * 1024
"""Bytes beyond which nobody looks at what they are."""


class Waiting(NamedTuple):
    """Pushes in the inbox by connection (None: too many to count), the oldest of each, and batches set aside as broken.

    Whose the pushes of a broken batch are cannot be told.
    """

    counts: Mapping[int, int] | None
    oldest: Mapping[int, datetime]
    set_aside: int


def waiting(folder: Path) -> Waiting:
    """What lies in an inbox now; an inbox that is not there is empty."""
    counts: Counter[int] = Counter()
    oldest: dict[int, datetime] = {}
    size, broken = 0, len(broken_in(folder))
    for batch in batches_in(folder):
        try:
            size += batch.stat().st_size
            if size > MOST:
                return Waiting(None, oldest, broken)
            for head in heads_of(batch):
                counts[head.connection_id] += 1
                oldest.setdefault(head.connection_id, from_micros(head.received_at))
        except FileNotFoundError:
            continue  # kept meanwhile
        except (msgspec.DecodeError, UnicodeDecodeError):
            broken += 1  # the inbox will set it aside once it comes to it
    return Waiting(counts, oldest, broken)
