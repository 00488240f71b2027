"""Photos with the truth about one plate in each: in folds, as they come and worse."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

import cv2

from native_reader.engine import Box, Pixels, SeenPlate
from native_reader.pictures import load_picture

FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class Slip:
    """One character, counted from 0, that a truth has wrong beyond doubt, and what tells so."""

    place: int
    says: str
    shows: str
    why: str

    def corrected(self, text: str) -> str:
        """The text with that character as the photo shows it; a text that says something else there stays."""
        if text[self.place : self.place + 1] != self.says:
            return text
        return text[: self.place] + self.shows + text[self.place + 1 :]


SLIPS: Final[Mapping[str, Slip]] = {
    "wts-lg-000085.jpg": Slip(0, "5", "B", "two closed bowls on a straight stem; the plate's other 5 has neither"),
    "wts-lg-000159.jpg": Slip(2, "E", "3", "open to the left, without a stem"),
}
"""Truths that were looked at, enlarged, and found wrong: every engine is judged by what the photo shows."""
_ALIKE: Final = str.maketrans("OQI", "001")


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo, where its plate is and what it reads; `part` is the folder it came in, `fold` 0 to FOLDS - 1."""

    part: str
    path: Path
    box: tuple[float, float, float, float]
    text: str
    fold: int
    said: str
    """What truth.tsv says, which `text` corrects where that is wrong beyond doubt."""

    def reads(self, text: str) -> bool:
        """Whether a text is the plate's, O and Q taken for 0 and I for 1: the truth writes them as it likes."""
        return alike(text) == alike(self.text)

    def holds(self, box: Box) -> bool:
        """Whether the middle of a box lies on the plate."""
        x, y, wide, high = self.box
        return x <= box[0] + box[2] / 2 <= x + wide and y <= box[1] + box[3] / 2 <= y + high


@dataclass(frozen=True, slots=True)
class Reading:
    """What an engine made of one photo: its sighting of the plate, if any, and how many it saw elsewhere."""

    photo: Photo
    plate: SeenPlate | None
    extra: int
    milliseconds: float

    @property
    def exact(self) -> bool:
        """Whether the plate was read as the truth writes it."""
        return self.plate is not None and self.plate.text == self.photo.text

    @property
    def right(self) -> bool:
        """Whether the plate was read, characters that look alike taken for each other."""
        return self.plate is not None and self.photo.reads(self.plate.text)

    @property
    def as_said(self) -> bool:
        """Whether the plate was read as truth.tsv has it, corrected or not."""
        return self.plate is not None and alike(self.plate.text) == alike(self.photo.said)


def photos(folder: Path) -> list[Photo]:
    """All photos of `us` and `eu`, each part spread evenly over the folds, in an order that no name decides."""
    found = []
    for part in ("us", "eu"):
        rows = [line.split("\t") for line in (folder / part / "truth.tsv").read_text().splitlines()]
        rows.sort(key=lambda row: sha256(row[0].encode()).digest())
        for place, (name, x, y, wide, high, text) in enumerate(rows):
            box = (float(x), float(y), float(wide), float(high))
            shown = SLIPS[name].corrected(text) if name in SLIPS else text
            found.append(Photo(part, folder / part / name, box, shown, place % FOLDS, text))
    return found


def judged(photo: Photo, seen: Sequence[SeenPlate], milliseconds: float) -> Reading:
    """The surest sighting on the plate is the reading; all others are plates that the truth does not tell of."""
    there = next((plate for plate in seen if photo.holds(plate.box)), None)
    return Reading(photo, there, len(seen) - (there is not None), milliseconds)


def copies(photo: Photo) -> Iterator[tuple[Photo, Pixels]]:
    """The photo as it is, at half its size, and out of focus."""
    picture = load_picture(photo.path)
    yield photo, picture
    x, y, wide, high = (length / 2 for length in photo.box)
    yield (
        replace(photo, box=(x, y, wide, high)),
        cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    )  # type: ignore[misc]
    yield photo, cv2.GaussianBlur(picture, (0, 0), 1.3)  # type: ignore[misc]


def alike(text: str) -> str:
    """The text with characters that look alike made the same."""
    return text.translate(_ALIKE)
