"""Ids for reads whose vendor gives them none."""

from hashlib import sha256

from normalize.plate import canonical
from normalize.times import Moment


def derived_id(camera: str, at: Moment, plate: str) -> str:
    """The same id for the same camera, instant and plate, so that a second copy of a read is known as one."""
    return derived(camera, at.at.isoformat(), canonical(plate))


def derived(*stable: str) -> str:
    """The same id for the same stable words, so that a second delivery is known as one."""
    return "derived-" + sha256("\x1f".join(stable).encode()).hexdigest()[:32]
