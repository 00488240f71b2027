"""The pictures of a pushed read."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from connectors.fields import Fields
from normalize.read import ImageKind, ImageRef

_NEXT_JPEG: Final = re.compile(rb"(?<=\xff\xd9)\x00*(?=\xff\xd8\xff)")


def pictures_of(picture: Fields) -> Iterator[ImageRef]:
    """Each picture with what it shows; two that are joined in one content are taken apart."""
    for name, kinds in (
        ("NormalPic", (ImageKind.FRAME,)),
        ("VehiclePic", (ImageKind.VEHICLE, ImageKind.PLATE)),
        ("CutoutPic", (ImageKind.PLATE,)),
    ):
        data = picture.picture_or_none(f"{name}.Content")
        if data is None:
            continue
        # CP Plus joins the vehicle's picture and the plate's in one content.
        for kind, single in zip(kinds, _singles(data), strict=False):
            yield ImageRef(kind=kind, data=single)


def _singles(data: bytes) -> Sequence[bytes]:
    return _NEXT_JPEG.split(data) if data.startswith(b"\xff\xd8") else (data,)
