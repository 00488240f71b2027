"""What a run counted, in words: every page and command that shows runs to people says the same. Pure."""

from collections.abc import Mapping
from typing import Final

_WORDS: Final = {
    "pulled": "came", "stored": "new", "duplicates": "known already", "quarantined": "set aside",
    "born_expired": "too old to keep", "kept_short": "kept for less than policy says now", "missing": "missing there",
    "unexpected": "there and not on our list",
}  # fmt: skip
_NOUNS: Final = {
    "hits": ("hit", "hits"), "days": ("day", "days"), "differences": ("difference", "differences"),
    "pictures": ("picture", "pictures"), "wanted_images": ("picture to fetch", "pictures to fetch"),
    "pictures_gone": ("picture not there any more", "pictures not there any more"),
    "pictures_failed": ("picture not fetched", "pictures not fetched"),
    "pictures_left": ("picture still to fetch", "pictures still to fetch"),
    "pictures_not_allowed": ("picture at a host that is not allowed", "pictures at hosts that are not allowed"),
    "not_allowed": ("picture at a host that is not allowed", "pictures at hosts that are not allowed"),
    "megabytes": ("megabyte written anew", "megabytes written anew"),
    "approvals_lapsed": ("approval that lapsed", "approvals that lapsed"),
    "approvals_waiting": ("approval that waits", "approvals that wait"),
    "plates_left": ("plate still to ask for", "plates still to ask for"),
}  # fmt: skip
"""What is counted by a noun: of one, and of several."""
_OF: Final = {"purge": ("read of", "reads of")}
"""Jobs whose counts have names of connections, and what they count of each."""


def word(name: str, number: int = 0, job: str = "") -> str:
    """What so many are: `new`, `hit` or `hits`, and of a purge `reads of gate`; any other name is itself."""
    if job in _OF:
        return f"{_OF[job][number != 1]} {name}"
    if name in _NOUNS:
        singular, several = _NOUNS[name]
        return singular if number == 1 else several
    return _WORDS.get(name, name.replace("_", " "))


def told(counts: Mapping[str, int], job: str = "") -> str:
    """All that is not nothing: `1,240 came, 1,200 new, 1 hit`; empty where there is nothing else."""
    return ", ".join(f"{number:,} {word(name, number, job)}" for name, number in counts.items() if number)
