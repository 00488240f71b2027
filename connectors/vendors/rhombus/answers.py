"""An answer's members, and the three shapes in which Rhombus says that a call failed."""

from collections.abc import Mapping
from typing import Final

from connectors.errors import AdminMustFix, VendorChanged
from connectors.fields import slices

ENVELOPE: Final = frozenset({"error", "errorMsg", "warningMsg"})


def object_of(body: bytes) -> dict[str, bytes]:
    """The members of an object; raises `VendorChanged` for a list."""
    parts = slices(body)
    if isinstance(parts, list):
        raise VendorChanged("the answer is a list", body)
    return parts


def members_of(body: bytes) -> dict[str, bytes]:
    """The members of an answer; raises `AdminMustFix` or `VendorChanged` where it tells of a failure, also with 200.

    Three shapes of failure are known: `authenticationFailed`, `error` with `errorMsg` or a status, and a bare `msg`.
    What `errorMsg` says stays in the body, since it may quote a plate.
    """
    members = object_of(body)
    if members.get("authenticationFailed") == b"true" or members.get("status") in (b"401", b"403"):
        raise AdminMustFix("Rhombus does not take the key, or the key has no right to this")
    if members.get("error", b"false") not in (b"false", b"null"):
        raise VendorChanged("Rhombus says that the call failed", body)
    if members.keys() == {"msg"}:
        raise VendorChanged("Rhombus could not read the request", body)
    return members


def warns(members: Mapping[str, bytes]) -> bool:
    """Whether Rhombus says that something is missing from an answer."""
    return members.get("warningMsg", b"null") not in (b"null", b'""')
