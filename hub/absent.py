"""What is said of a name that nothing has: the nearest that there is, else all, or how the first is made."""

from collections.abc import Sequence

from connectors.faults import nearest
from hub.words import named

MOST_NAMED = 20


def absent(noun: str, name: str, there: Sequence[str], make: str = "") -> str:
    """One sentence; `there` are the names that exist, `make` is the command that makes the first."""
    if not name.strip():
        lead = f"the name of a {noun} is missing"
    else:
        lead = f"there is no {noun} called {name!r}"
        if near := nearest(name, there):
            return f"{lead}; did you mean {near!r}?"
    if there:
        return f"{lead}; there {'is only' if len(there) == 1 else 'are'}: {named(there, MOST_NAMED)}"
    return f"{lead}; there is none yet" + (f": {make}" if make else "")


def instead(word: str, there: Sequence[str]) -> str:
    """The end of a sentence about a word that is none of these: the nearest, or all where none is near."""
    near = nearest(word, there)
    return f"; did you mean {near!r}?" if near else f"; there are: {', '.join(there)}"


def no_connection(name: str, there: Sequence[str]) -> str:
    """The same of a connection."""
    return absent("connection", name, there, "alprhub connections add NAME CONNECTOR makes one")
