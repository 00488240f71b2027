"""The card of files that lie in a drop and cannot be taken: one for all of them, until they are mended or gone."""

import re
from collections.abc import Sequence
from typing import Final

from hub.connections.card import FAILING, Card
from hub.words import count

MOST: Final = 3
"""Files that are told one by one."""
HINT: Final = re.compile(r"--set [a-z_]+=[^\s,.]+")
"""What a connector says would make it understand what it was sent."""


def file_cards(faults: Sequence[str], name: str) -> list[Card]:
    """The card of a drop's files, by what is wrong with each; none where nothing is."""
    if not faults:
        return []
    files = count(len(faults), "file")
    more = f"; and {count(len(faults) - MOST, 'file')} more" if len(faults) > MOST else ""
    plain = f"{files} of {name} cannot be taken; all others are."
    told = "; ".join(faults[:MOST])
    do = "Mend these files or take them away: every run tries them again, and this card goes once none is left."
    command = f"alprhub sync {name}"
    if hints := dict.fromkeys(hint for fault in faults for hint in HINT.findall(fault)):
        command = f"alprhub connections change {name} {' '.join(hints)}"
        do += " If all files are to be like these, say with the command below which column is which."
    return [
        Card(
            FAILING, f"{files} of {name} cannot be taken", f"{plain} {told[:1].upper()}{told[1:]}{more}.", do,
            command, "bad_files", plain=plain,
        )
    ]  # fmt: skip
