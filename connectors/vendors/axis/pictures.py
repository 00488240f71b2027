"""Pictures that came with a read, and where the camera keeps those that did not."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from connectors.fields import Fields
from connectors.pictures import is_picture
from connectors.vendors.axis.settings import AxisSettings
from connectors.vendors.axis.words import serial_of
from normalize.read import ImageKind, ImageRef

APP: Final = "/local/fflprapp/"
IMAGE: Final = re.compile(r"/local/fflprapp/tools\.cgi\?action=getImage&name=\w[\w./-]*")
_KINDS: Final = {"plate": ImageKind.PLATE, "vehicle": ImageKind.VEHICLE}


def brought_with(fields: Fields, attached: Mapping[str, bytes]) -> list[ImageRef]:
    """The pictures that came with a push, those beside the event first, then those within it."""
    kind = _kind(fields.text_or_none("imageType"), ImageKind.FRAME)
    pictures = [data for data in attached.values() if is_picture(data)]
    kinds = [kind, *[_other_than(kind)] * len(pictures)]
    beside = [ImageRef(kind=shown, data=data) for shown, data in zip(kinds, pictures, strict=False)]
    items = [item for name in ("ImageArray", "imageArray") for item in fields.each(name)]
    within = [
        ImageRef(kind=_kind(item.text_or_none("ImageType"), kind), data=data)
        for item in items
        if (data := item.picture_or_none("BinaryImage"))
    ]
    return beside + within


def addresses_of(texts: Iterable[Any], camera: str, settings: AxisSettings) -> tuple[ImageRef, ...]:
    """Where the camera of this connection has the pictures; none where the camera cannot be asked or is another."""
    ours = serial_of(settings.camera_id) in (None, camera)
    if not settings.base_url or not settings.fetch_images or not ours:
        return ()
    plain = ["".join(text.split()) for text in texts if isinstance(text, str)]
    whole = [text if text.startswith("/") else APP + text for text in plain]
    return tuple(
        ImageRef(kind=ImageKind.PLATE if re.search(r"\dlp_", text) else ImageKind.FRAME, url=text)
        for text in whole
        if IMAGE.fullmatch(text) and ".." not in text and len(text) <= 1000
    )


def _kind(word: str | None, otherwise: ImageKind) -> ImageKind:
    return _KINDS.get((word or "").lower(), otherwise)


def _other_than(kind: ImageKind) -> ImageKind:
    """What a second picture shows: the plate, unless the first one does."""
    return ImageKind.FRAME if kind is ImageKind.PLATE else ImageKind.PLATE
