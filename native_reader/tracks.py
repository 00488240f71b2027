"""Tracks: the sightings of one vehicle over the frames of a video, added up into one."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np

from native_reader.boxes import overlap
from native_reader.engine import Box, Pixels, SeenPlate
from native_reader.slots import CERTAIN, Slots, candidates, decode, from_candidates, fuse, rescaled

_SAME_PLACE = 0.1
"""Overlap (intersection over union) at which two boxes may be one plate that moved a little."""

_RESEMBLES = 0.4
"""Similarity of two readings at the same place that may be one plate read twice, one of them badly."""

_SAME_TEXT = 0.7
"""Similarity at which two readings are one plate wherever it went between two frames."""


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A picture out of a video: RGB pixels, its number from 0, and seconds since the first frame."""

    number: int
    seconds: float
    picture: Pixels


@dataclass(frozen=True, slots=True)
class Passing:
    """One vehicle that passed: what all its frames together read, and the frame that shows it best."""

    sighting: SeenPlate
    """The added-up reading, with its box in `frame`."""
    frame: VideoFrame
    first_seconds: float
    last_seconds: float
    looks: int
    """In how many analysed frames the plate was read."""


class Track:
    """Adds up the sightings of one vehicle; keeps one picture however long it stays in view."""

    def __init__(self, frame: VideoFrame, sighting: SeenPlate) -> None:
        self.told = False
        self.first = frame.seconds
        self._looks = 0
        self._sum = np.zeros(())
        self._weight = 0.0
        self._best = (frame, sighting)
        self._surest: dict[str, float] = {}
        self._agreed: set[str] = set()
        self.add(frame, sighting)

    def add(self, frame: VideoFrame, sighting: SeenPlate) -> None:
        """Add one more look; a surer look weighs more."""
        reading = sighting.slots if sighting.slots is not None else from_candidates(sighting.candidates)
        weight = max(sighting.confidence, 0.05)
        self._sum = self._sum + weight * reading
        self._weight += weight
        self._looks += 1
        self._surest[sighting.text] = max(self._surest.get(sighting.text, 0.0), sighting.confidence)
        if sighting.alert_grade:
            self._agreed.add(sighting.text)
        self.last = frame.seconds
        self._box: Box = sighting.box
        if _merit(sighting) > _merit(self._best[1]):
            self._best = (frame, sighting)

    def absorb(self, other: Track) -> None:
        """Take over another track's looks: one vehicle was followed twice after a few bad frames."""
        self._sum = self._sum + other._sum
        self._weight += other._weight
        self._looks += other._looks
        for text, confidence in other._surest.items():
            self._surest[text] = max(self._surest.get(text, 0.0), confidence)
        self._agreed |= other._agreed
        self.first = min(self.first, other.first)
        self.told = self.told or other.told
        if other.last >= self.last:
            self.last, self._box = other.last, other._box
        if _merit(other._best[1]) > _merit(self._best[1]):
            self._best = other._best

    def likeness(self, sighting: SeenPlate) -> float:
        """Return how well a sighting in the next frame continues this track; 0 if it does not."""
        shared = overlap(self._box, sighting.box)
        similar = difflib.SequenceMatcher(None, self.text, sighting.text, autojunk=False).ratio()
        if similar >= _SAME_TEXT or (shared >= _SAME_PLACE and similar >= _RESEMBLES):
            return shared + similar
        return 0.0

    @property
    def text(self) -> str:
        """What all looks together read so far."""
        return decode(self._slots)[0]

    @property
    def _slots(self) -> Slots:
        return fuse([np.asarray(self._sum / self._weight, np.float32)])

    def passing(self) -> Passing:
        """Return the vehicle as known so far.

        Frames of one vehicle share their blur and their light, so many looks are hardly surer than the best of
        them, and less sure where they differ; a text that no single look read is half as sure as it adds up to. It is
        alert-grade where one look at the whole plate was by itself.
        """
        frame, best = self._best
        if self._looks == 1:
            return Passing(best, frame, self.first, self.last, 1)
        text, probability = decode(self._slots)
        sure = min(1.0, probability / CERTAIN)
        confidence = min(sure, self._surest.get(text, sure / 2))
        ranked = rescaled(candidates(self._slots), confidence)
        return Passing(
            SeenPlate(
                text, confidence, best.box, ranked, self._slots, probability,
                agreed=text in self._agreed, may_be_cut=best.may_be_cut,
            ),
            frame, self.first, self.last, self._looks,
        )  # fmt: skip


def continued(tracks: list[Track], sightings: list[SeenPlate]) -> list[Track | None]:
    """Pair each sighting of a frame with the track it continues, best pairs first, or with None."""
    scores = [
        (track.likeness(sighting), at, index)
        for at, sighting in enumerate(sightings)
        for index, track in enumerate(tracks)
    ]
    paired: list[Track | None] = [None] * len(sightings)
    taken: set[int] = set()
    for score, at, index in sorted(scores, key=lambda item: -item[0]):
        if score > 0 and paired[at] is None and index not in taken:
            paired[at] = tracks[index]
            taken.add(index)
    return paired


def merged(tracks: list[Track]) -> list[Track]:
    """Return the tracks with those joined that read the same: two cars in one view never carry one number."""
    kept: list[Track] = []
    for track in tracks:
        twin = next((other for other in kept if other.text == track.text), None)
        if twin is None:
            kept.append(track)
        else:
            twin.absorb(track)
    return kept


def _merit(sighting: SeenPlate) -> float:
    """Surest first; among equally sure ones the largest plate shows most."""
    return round(sighting.confidence, 2) * 1e9 + sighting.box[2] * sighting.box[3]
