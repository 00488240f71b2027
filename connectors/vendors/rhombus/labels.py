"""The labels of saved vehicles: a hot list is a label that its plates carry."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from connectors.errors import VendorChanged
from connectors.vendors.rhombus.answers import ENVELOPE, object_of
from normalize.plate import canonical


class Labelled(NamedTuple):
    """A plate as Rhombus writes it, and the labels that it carries."""

    plate: str
    names: frozenset[str]


def labels_of(members: Mapping[str, bytes]) -> dict[str, Labelled]:
    """By the canonical form of a plate, how Rhombus writes it and its labels.

    The answer maps plates to labels, whether bare or within one member is not published: both are taken.
    """
    labels: dict[str, Labelled] = {}
    for plate, raw in _map_of(members).items():
        names = _names(raw)
        if form := canonical(plate):
            before = labels[form].names if form in labels else frozenset()
            labels[form] = Labelled(plate, names | before)
    return labels


def others(labels: Mapping[str, Labelled], form: str, label: str) -> frozenset[str]:
    """The labels beside this one that a plate carries."""
    return labels[form].names - {label} if form in labels else frozenset()


def _map_of(members: Mapping[str, bytes]) -> Mapping[str, bytes]:
    plates = {name: raw for name, raw in members.items() if name not in ENVELOPE or raw.startswith(b"[")}
    if len(plates) == 1 and next(iter(plates.values())).startswith(b"{"):
        [inner] = plates.values()
        return object_of(inner)
    return plates


def _names(raw: bytes) -> frozenset[str]:
    try:
        return frozenset(msgspec.json.decode(raw, type=list[str]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise VendorChanged("the map of labels has another shape", raw) from None
