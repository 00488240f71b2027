"""Pictures that came with a read, and where the camera keeps those that did not."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from connectors.pictures import is_picture
from connectors.vendors.axis.settings import AxisSettings
from connectors.vendors.axis.words import serial_of
from normalize.read import ImageKind, ImageRef

APP: Final = "/local/fflprapp/"
IMAGE: Final = re.compile(r"/local/fflprapp/tools\.cgi\?action=getImage&name=\w[\w./-]*")
KINDS: Final = {"plate": ImageKind.PLATE, "vehicle": ImageKind.VEHICLE}


def numbered(attached: Mapping[str, bytes]) -> Iterator[tuple[bool, bytes]]:
    """Pictures in their order, each with whether it is the first."""
    known = (data for data in attached.values() if is_picture(data))
    return ((not number, data) for number, data in enumerate(known))


def other_than(kind: ImageKind) -> ImageKind:
    """What a second picture shows: the plate, unless the first one does."""
    return ImageKind.FRAME if kind is ImageKind.PLATE else ImageKind.PLATE


def addresses_of(told: Iterable[Any], camera: str, settings: AxisSettings) -> tuple[ImageRef, ...]:
    """Where the camera of this connection has the pictures; none where the camera cannot be asked or is another."""
    ours = serial_of(settings.camera_id) in (None, camera)
    if not settings.base_url or not settings.fetch_images or not ours:
        return ()
    plain = ["".join(text.split()) for text in told if isinstance(text, str)]
    whole = [text if text.startswith("/") else APP + text for text in plain]
    return tuple(
        ImageRef(kind=ImageKind.PLATE if re.search(r"\dlp_", text) else ImageKind.FRAME, url=text)
        for text in whole
        if IMAGE.fullmatch(text) and ".." not in text and len(text) <= 1000
    )
