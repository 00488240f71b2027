"""Character slots: the one shape in which models, crops and frames can be added up.

A reading is a float32 array of shape (SLOTS, len(ALPHABET)): natural log-probabilities of every character in
every position of a plate, the last character (`PAD`) standing for "the plate has ended". Rows sum to one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PAD = "_"
ALPHABET = CHARACTERS + PAD
"""The alphabet of fast-plate-ocr's models, in their order."""

SLOTS = 10
"""Longest plate that can be told: fast-plate-ocr's v2 has ten slots, v1 nine."""

Slots = npt.NDArray[np.float32]

_END = len(CHARACTERS)
# A softmax that is wrong can be wrong at 1 - 1e-9; the floor keeps one such reading from outvoting all others.
_FLOOR = 1e-4


CERTAIN = float((1 + (len(ALPHABET) - 1) * _FLOOR) ** -SLOTS)
"""What `decode` gives a text of which every slot is as sure as it can be: the floor leaves the rest to the others."""


def from_probabilities(probabilities: npt.ArrayLike) -> Slots:
    """Turn a model's (n ≤ SLOTS, 37) probabilities into a reading; slots the model lacks are certainly empty.

    Raises ValueError for any other shape.
    """
    given = np.asarray(probabilities, np.float32)
    if given.ndim != 2 or given.shape[0] > SLOTS or given.shape[1] != len(ALPHABET):
        raise ValueError(f"expected at most {SLOTS} slots of {len(ALPHABET)} characters, got {given.shape}")
    full = np.zeros((SLOTS, len(ALPHABET)), np.float32)
    full[: len(given)] = given
    full[len(given) :, _END] = 1.0
    return _normalised(np.log(np.maximum(full, _FLOOR)))


def from_candidates(candidates: Iterable[tuple[str, float]]) -> Slots:
    """Spell weighted texts into slots, for models that read a line instead of slots.

    Texts are A–Z0–9 of at most SLOTS characters, weights are positive and need not sum to one.
    """
    mass = np.zeros((SLOTS, len(ALPHABET)), np.float32)
    for text, weight in candidates:
        for slot, character in enumerate(text.ljust(SLOTS, PAD)):
            mass[slot, ALPHABET.index(character)] += weight
    total = mass.sum(axis=1, keepdims=True)
    if not (total > 0).all():
        raise ValueError("at least one candidate with a positive weight is needed")
    return _normalised(np.log(np.maximum(mass / total, _FLOOR)))


def fuse(readings: Sequence[Slots], weights: Sequence[float] | None = None) -> Slots:
    """Average readings of one plate in log-probabilities: what most of them agree on wins.

    Weights (default: equal) are relative. Where two sure readings differ, the result is unsure, as it should be.
    """
    if not readings:
        raise ValueError("nothing to fuse")
    mean = np.average(np.stack(readings), axis=0, weights=weights).astype(np.float32)
    return _normalised(mean)


def decode(slots: Slots) -> tuple[str, float]:
    """Return the most probable text and its probability 0–1 (all slots right, and the plate ending there)."""
    length = _best_length(slots)
    picks = slots[:length, :_END].argmax(axis=1)
    score = float(slots[:length, :_END].max(axis=1).sum() + slots[length:, _END].sum())
    return "".join(CHARACTERS[pick] for pick in picks), float(np.exp(score))


def weakest(slots: Slots) -> float:
    """Return the probability 0–1 of the least sure slot of the decoded text, its end included."""
    length = _best_length(slots)
    sure = np.concatenate([slots[:length, :_END].max(axis=1), slots[length:, _END]])
    return float(np.exp(sure.min()))


def candidates(slots: Slots, most: int = 5) -> tuple[tuple[str, float], ...]:
    """Return up to `most` (text, probability) pairs, best first, that differ from each other."""
    beams: list[tuple[float, str]] = [(0.0, "")]
    for slot in slots:
        # Three choices a slot are plenty for a handful of candidates.
        picks = [int(i) for i in np.argsort(slot)[:-4:-1]]
        grown = [
            (score + float(slot[pick]), text + ALPHABET[pick])
            for score, text in beams
            for pick in picks
            if pick == _END or not text.endswith(PAD)
        ]
        beams = sorted(grown, reverse=True)[: 4 * most]
    ranked = [(text.rstrip(PAD), float(np.exp(score))) for score, text in beams]
    return tuple((text, probability) for text, probability in ranked if text)[:most]


def rescaled(ranked: Sequence[tuple[str, float]], confidence: float) -> tuple[tuple[str, float], ...]:
    """Give the first candidate the confidence it has earned and share out the rest as before."""
    if not ranked:
        return ()
    (first, before), *others = ranked
    share = (1.0 - confidence) / max(1.0 - before, 1e-6)
    # Candidates nobody listed keep their part, so the others never grow beyond what is left.
    return ((first, confidence), *((text, probability * share) for text, probability in others))


def _best_length(slots: Slots) -> int:
    """Length whose best text is most probable: a hole in the middle of a plate is never decoded."""
    used = np.concatenate([[0.0], np.cumsum(slots[:, :_END].max(axis=1))])
    empty = np.concatenate([[0.0], np.cumsum(slots[::-1, _END])])[::-1]
    return int(np.argmax(used + empty))


def _normalised(log_values: npt.NDArray[np.float32]) -> Slots:
    top = log_values.max(axis=1, keepdims=True)
    total = top + np.log(np.exp(log_values - top).sum(axis=1, keepdims=True))
    return np.asarray(log_values - total, np.float32)
