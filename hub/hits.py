"""How a read and an entry of a hot list agree."""

from typing import NamedTuple

from normalize.origin import country_of
from normalize.states import BY_STATE


class Compared(NamedTuple):
    """What of a read or an entry is compared: plate, state (ISO 3166-2) and country (ISO 3166-1 alpha-2)."""

    plate: str
    state: str | None = None
    country: str | None = None


def compare(read: Compared, entry: Compared) -> tuple[str, str]:
    """How a read and an entry with one folded key agree: (kind, state).

    Kind is `exact` only for the same characters of the same known state; `other_state` for the same characters of
    another or an unknown state; `folded` for look-alike characters. State is `same`, `mismatch` or `unknown`, and says
    the same of countries: another country is a mismatch, and one that gives each plate once in all of it is as good as
    a state. What either does not know contradicts nothing. A family was once held at gunpoint because the characters
    agreed and the state did not.
    """
    agreed = _agreed(read, entry)
    if read.plate != entry.plate:
        return "folded", agreed
    return ("exact" if agreed == "same" else "other_state"), agreed


def _agreed(read: Compared, entry: Compared) -> str:
    if read.state is not None and entry.state is not None:
        return "same" if read.state == entry.state else "mismatch"
    one, other = country_of(read.state, read.country), country_of(entry.state, entry.country)
    if one is None or other is None:
        return "unknown"
    if one != other:
        return "mismatch"
    return "unknown" if one in BY_STATE else "same"
