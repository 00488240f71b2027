"""`Drift`: whether a vendor has changed what it sends, told by how much of a run is refused."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from connectors.errors import VendorChanged

MOST_REFUSED: Final = 0.05
"""The share of a run's records that may be refused; above it the vendor has changed."""
AT_LEAST: Final = 20
"""Records that a run must have seen before their share says anything."""
SEVERAL: Final = 5
"""The fewest refused records that show a change; in a short run fewer may be a large share by chance."""
_CLEARLY: Final = 2.33
"""Standard deviations that chance goes beyond once in a hundred times."""


class Drift:
    """Counts one run's records. What tells of no plate by design (`NotARead`) is no record here."""

    def __init__(self) -> None:
        self._seen = 0
        self._reasons: Counter[tuple[str, str]] = Counter()

    def note(self, seen: int, refused: Sequence[tuple[str, str]]) -> bool:
        """Count a page's records, the refused among them by field and reason.

        Gives whether the vendor has changed, by all pages so far.

        While it has, the checkpoint stays where it is: it must not pass what somebody may have to ask for again.
        """
        self._seen += seen
        self._reasons.update(refused)
        return self.changed

    @property
    def changed(self) -> bool:
        """Whether more than 5 % are refused, several of at least 20: at the end of a run, that the vendor changed."""
        refused = self._reasons.total()
        return self._seen >= AT_LEAST and refused >= SEVERAL and refused > MOST_REFUSED * self._seen

    @property
    def clear(self) -> bool:
        """Whether the vendor has changed beyond chance, so that the run can stop now.

        A few bad records at the beginning of a long run must not stop it: the next one would begin with the same.
        """
        usual = MOST_REFUSED * self._seen
        return self.changed and self._reasons.total() > usual + _CLEARLY * math.sqrt(usual * (1 - MOST_REFUSED))

    def error(self) -> VendorChanged:
        """What to tell of it: how many of how many, and the most frequent reason."""
        ((field, reason), count) = self._reasons.most_common(1)[0]
        refused = self._reasons.total()
        return VendorChanged(
            f"{refused} of {self._seen} records could not be read, {count} of them because {field}: {reason};"
            " all are set aside (alprhub quarantine list), and the next run tries again"
        )
