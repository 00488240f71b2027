"""Reading a plate out of a text recogniser's columns: only A–Z and 0–9, and several crops judged together.

A recogniser of lines gives, a column, a probability for each of its thousands of characters and for "nothing
here" (connectionist temporal classification). Columns are first narrowed to plate characters, then searched for
likely texts; texts found in any crop are scored in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from native_reader.slots import CHARACTERS, SLOTS

Columns = npt.NDArray[np.float32]
"""Shape (columns, 37): log-probability of "nothing" and then of each of `CHARACTERS`."""

_SAME_SHAPE = frozenset("cijkopsuvwxyz")
"""Lower case that is its capital, smaller. Other small letters are read into emblems and outlines of states."""

_WORST = -8.0
"""One bad crop may speak against a text this much (natural log) and no more."""

_QUIET = -8.0
"""Characters below this in a column are not worth following."""


class Narrowing:
    """Maps a recogniser's characters to a plate's; all that no plate bears counts as nothing: emblems read as such."""

    def __init__(self, characters: Sequence[str]) -> None:
        place = {character: index + 1 for index, character in enumerate(characters)}
        place.setdefault(" ", len(characters) + 1)
        self._upper = np.array([place[character] for character in CHARACTERS])
        lower = [(i, place[c.lower()]) for i, c in enumerate(CHARACTERS) if c.lower() in _SAME_SHAPE]
        self._lower_to = np.array([to for to, _ in lower])
        self._lower = np.array([source for _, source in lower])
        self._characters = ["", *characters, " "]

    def columns(self, output: npt.NDArray[np.float32]) -> Columns:
        """Narrow a recogniser's probabilities (columns, characters) and normalise what is left."""
        kept = np.empty((len(output), len(CHARACTERS) + 1), np.float32)
        kept[:, 1:] = output[:, self._upper]
        kept[:, 1 + self._lower_to] += output[:, self._lower]
        kept[:, 0] = np.maximum(1 - kept[:, 1:].sum(axis=1), 0) + 1e-6
        kept /= kept.sum(axis=1, keepdims=True)
        return np.asarray(np.log(kept + 1e-7), np.float32)

    def plain(self, output: npt.NDArray[np.float32]) -> str:
        """Return what the recogniser itself would say, in all its characters."""
        text, last = "", 0
        for pick in output.argmax(axis=1):
            if pick != last:
                text += self._characters[pick]
            last = int(pick)
        return text


def likely(columns: Columns, most: int = 5, width: int = 12) -> list[str]:
    """Return up to `most` texts by prefix beam search, best first; the empty text may be one."""
    beams: dict[str, tuple[float, float]] = {"": (0.0, -np.inf)}
    for column in columns:
        picks = [int(i) for i in np.argsort(column)[:-7:-1] if column[i] > _QUIET]
        grown: dict[str, tuple[float, float]] = {}
        for text, (ended, open_) in beams.items():
            both = np.logaddexp(ended, open_)
            for pick in picks:
                step = float(column[pick])
                if pick == 0:
                    _add(grown, text, both + step, -np.inf)
                    continue
                character = CHARACTERS[pick - 1]
                if text.endswith(character):
                    _add(grown, text, -np.inf, open_ + step)
                    _add(grown, text + character, -np.inf, ended + step)
                else:
                    _add(grown, text + character, -np.inf, both + step)
        ranked = sorted(grown.items(), key=lambda item: -np.logaddexp(*item[1]))
        beams = dict(ranked[:width])
    return list(beams)[:most]


def score(columns: Columns, text: str) -> float:
    """Return the log-probability that the columns spell exactly this text (the CTC forward sum)."""
    path = np.zeros(2 * len(text) + 1, np.intp)
    path[1::2] = [CHARACTERS.index(character) + 1 for character in text]
    jump = np.zeros(len(path), bool)
    jump[2:] = (path[2:] != 0) & (path[2:] != path[:-2])
    reached = np.full(len(path), -np.inf)
    reached[:2] = columns[0, path[:2]]
    for column in columns[1:]:
        stay = reached.copy()
        stay[1:] = np.logaddexp(stay[1:], reached[:-1])
        stay[2:] = np.where(jump[2:], np.logaddexp(stay[2:], reached[:-2]), stay[2:])
        reached = stay + column[path]
    return float(np.logaddexp(reached[-1], reached[-2]) if len(path) > 1 else reached[-1])


def judge(crops: Sequence[Columns]) -> list[tuple[str, float]]:
    """Weigh the texts of several crops of one plate in all of them.

    Returns (text, probability) pairs, best first, for texts of 1 to SLOTS characters; the probabilities sum to at
    most one, the rest being for texts nobody proposed.
    """
    texts = sorted({text for columns in crops for text in likely(columns) if 1 <= len(text) <= SLOTS})
    if not texts:
        return []
    scores = np.array([[max(_WORST, score(columns, text)) for text in texts] for columns in crops]).mean(axis=0)
    shares = np.exp(scores)
    shares /= max(1.0, float(shares.sum()))
    order = np.argsort(-shares, kind="stable")
    return [(texts[i], float(shares[i])) for i in order]


def _add(beams: dict[str, tuple[float, float]], text: str, ended: float, open_: float) -> None:
    before = beams.get(text, (-np.inf, -np.inf))
    beams[text] = (float(np.logaddexp(before[0], ended)), float(np.logaddexp(before[1], open_)))
