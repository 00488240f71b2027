"""`KeptLog`: what somebody else keeps of the audit log: a signed checkpoint, and the hashes of events before it.

It tells nobody what was done or by whom; with it every event that was changed later is found, whoever changed it.
"""

from base64 import b64decode, b64encode
from binascii import Error
from typing import Final, NamedTuple

import msgspec

from hub.audit.verification import Copy
from hub.errors import Invalid
from hub.transparency.tree import WIDTH

FORMAT: Final = "alprhub audit checkpoint, 1"
HOW_TO_VERIFY: Final = (
    "`checkpoint` is a signed note (C2SP): a name, how many events the log had, the root of the tree over them (RFC"
    " 9162, SHA-256), and the signature (Ed25519). `leaves` are the hashes of the events from `first` on, 32 bytes"
    " each, in Base64. Keep every such file, and the public key, where the log is not:"
    " alprhub audit verify --kept FILE --key KEY"
)


class _Kept(msgspec.Struct):
    format: str
    checkpoint: str
    first: int
    leaves: str


class KeptLog(NamedTuple):
    """A checkpoint's note, and hashes of leaves from the event `first` (from 1) on."""

    note: str
    copy: Copy

    @property
    def size(self) -> int:
        """How many events the log had, as far as their hashes are here."""
        return self.copy.first - 1 + len(self.copy.leaves) // WIDTH

    @property
    def document(self) -> bytes:
        """The file."""
        leaves = b64encode(self.copy.leaves).decode()
        content = {
            "format": FORMAT, "how_to_verify": HOW_TO_VERIFY, "checkpoint": self.note, "first": self.copy.first,
            "leaves": leaves,
        }  # fmt: skip
        return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def read_kept(document: bytes, name: str) -> KeptLog:
    """What a file says that `document` made; raises `Invalid` naming it."""
    try:
        kept = msgspec.json.decode(document, type=_Kept)
        leaves = b64decode(kept.leaves, validate=True)
    except (msgspec.DecodeError, Error):
        raise Invalid(f"{name} is no checkpoint of an audit log that was kept: its format is {FORMAT!r}") from None
    if kept.format != FORMAT or kept.first < 1 or len(leaves) % WIDTH:
        raise Invalid(f"{name} is no checkpoint of an audit log that was kept: its format is {FORMAT!r}")
    return KeptLog(kept.checkpoint, Copy(kept.first, leaves))
