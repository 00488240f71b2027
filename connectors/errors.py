"""What can go wrong at a vendor, named by what happens next. No message ever holds a secret or a plate."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

_CLAUSES: Final = frozenset({"is", "are", "has", "holds", "cannot", "names"})


class ConnectorError(Exception):
    """Base of everything a connector raises on purpose."""


class AdminMustFix(ConnectorError):
    """Pause the connection and ask a person: a revoked key, a missing right, a limit of the contract."""


class HostNotAllowed(AdminMustFix):
    """An address leads to a host that this connection may not talk to; nothing was sent there."""


class TryAgain(ConnectorError):
    """Back off and resume: an outage, a time-out, a throttle. `after` is the vendor's own wish, if it gave one."""

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class VendorChanged(ConnectorError):
    """Stop and keep the bytes: the answer is not what the vendor documents. `body` is what came instead."""

    def __init__(self, message: str, body: bytes = b"") -> None:
        super().__init__(message)
        self.body = body


class BadFiles(VendorChanged):
    """Some files of a drop cannot be taken, each by its name and with why; all others were. They are tried again.

    `files` has the name of each as the drop lists it, and what is wrong with it. `passing` is what may pass by itself.
    """

    def __init__(self, message: str, files: Mapping[str, str], passing: TryAgain | None = None) -> None:
        super().__init__(message)
        self.files = files
        self.passing = passing


class RecordRejected(ConnectorError):
    """Quarantine this record and go on: `field` cannot be used for `reason`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class NotARead(RecordRejected):
    """Leave this record out: it is as it should be and tells of no plate. Nobody needs to look at it."""


class Gone(ConnectorError):
    """The vendor no longer has it (404, 410, an expired signed address). Asking again will not help."""


class Closed(RuntimeError):
    """A connector was used after it was closed: a mistake of the program, and never the vendor's doing."""


def kind_of(failed: Exception) -> str:
    """The name of the class that says what happens next, whichever of its own kinds the error is."""
    kinds = (AdminMustFix, TryAgain, VendorChanged, RecordRejected, Gone)
    return next((kind.__name__ for kind in kinds if isinstance(failed, kind)), type(failed).__name__)


def sentence(failed: Exception) -> str:
    """The error as a whole sentence: one about a document is a clause (`is cut short`), and gets its subject here."""
    text = str(failed)
    return f"what the vendor sent {text}" if text.partition(" ")[0] in _CLAUSES else text
