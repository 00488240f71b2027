"""How a read and an entry of a hot list agree."""


def compare(plate: str, state: str | None, listed: str, listed_state: str | None) -> tuple[str, str]:
    """How a read and an entry with one folded key agree: (kind, state).

    Kind is `exact` only for the same characters of the same known state; `other_state` for the same characters of
    another or an unknown state; `folded` for look-alike characters. State is `same`, `mismatch` or `unknown`. A family
    was once held at gunpoint because the characters agreed and the state did not.
    """
    if state is None or listed_state is None:
        agreed = "unknown"
    else:
        agreed = "same" if state == listed_state else "mismatch"
    if plate != listed:
        return "folded", agreed
    return ("exact" if agreed == "same" else "other_state"), agreed
