"""The forms of what Flock sends, told by their keys, and which of them are no reads."""

from collections.abc import Mapping
from typing import Final

from connectors.fields import slices

_KINDS: Final[tuple[tuple[str, frozenset[str], str], ...]] = (  # a form, the keys that show it, why it is no read
    ("alert", frozenset({"eventTime", "objectId"}), ""),
    ("alert", frozenset({"eventTime", "sources"}), ""),
    ("all_reads", frozenset({"eventTime", "ocr"}), ""),
    ("lookup", frozenset({"capturedAt", "plate"}), ""),
    ("device_list", frozenset({"results", "totalPages"}), "is a device list, not a read"),
    ("lookup_request", frozenset({"plate", "reason", "startDate"}), "is a lookup request, not a read"),
    ("generic_alert", frozenset({"eventTime", "title"}), "is an alert without a plate, not a read"),
    ("hot_list", frozenset({"entries"}), "is a hot list, not a read"),
    ("error", frozenset({"error"}), "is an error answer, not a read"),
    ("device_change", frozenset({"metadata"}), "is a change of a device, not a read"),
    ("device_change", frozenset({"name"}), "is a change of a device, not a read"),
    ("other", frozenset(), "has none of the forms in which Flock documents a read"),
)
NOT_READS: Final = {kind: why for kind, _, why in _KINDS if why}


def kind_of(element: bytes) -> str:
    """The form of an element; `other` where it is no object."""
    return form_of(slices(element)) if element.startswith(b"{") else "other"


def form_of(parts: Mapping[str, bytes] | list[bytes]) -> str:
    """The form that has these keys."""
    return next(kind for kind, keys, _ in _KINDS if keys <= set(parts))
