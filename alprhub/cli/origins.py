"""A state or a country as a person types it at a command."""

from hub.errors import Invalid
from normalize.countries import country
from normalize.states import NAMES, TERRITORIES, meanings, state
from normalize.word import Word


def state_asked(text: str) -> Word:
    """The state of a text; raises `Invalid` for a code that the post's table and NCIC's give to two states."""
    word = state(text)
    if word.code is None and (both := meanings(text)):
        raise Invalid(f"state: {text!r} is {' or '.join(NAMES[code] for code in both)}, by whose table: write the name")
    return word


def state_code(text: str | None) -> str | None:
    """The ISO 3166-2 code of an option; None without it. Raises `Invalid` for what is no state that is known here."""
    if not text:
        return None
    code = state_asked(text).code
    if not code:
        raise Invalid(f"state: {text!r} is no state that is known here; write it as CA or California")
    return code


def country_asked(text: str) -> Word:
    """The country of a text; a territory that is a state here is asked for as one. Raises `Invalid` for that."""
    word = country(text)
    if word.code in TERRITORIES:
        raise Invalid(f"country: {text!r} is a state here, and its plates are of the US: use --state {word.code}")
    return word
