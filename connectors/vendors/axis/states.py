"""The state of a plate, from a camera's words for country and region."""

from collections.abc import Sequence
from typing import Final

from connectors.fields import Fields
from connectors.vendors.axis.words import Names
from normalize.states import state
from normalize.word import Known, Word, look_up

_NATIONS: Final = {"USA": "US", "US": "US", "CAN": "CA", "CA": "CA", "MEX": "MX", "MX": "MX"}
_WITH_COUNTRY: Final = ("US-", "CA-", "MX-")
"""How a region's code begins that names its country itself."""


def state_of(fields: Fields, names: Names) -> Word:
    """The state where the country has states that we know; otherwise the vendor's words for country and region."""
    country = fields.text_or_none(names.country)
    iso, code, region = (fields.text_or_none(name) for name in (names.iso, names.code, names.region))
    known = _first_known((iso, code, region), country)
    if known is not None:
        return known
    if country == "XX" and not region and not code:
        return Word(said=country, known=Known.UNKNOWN)
    return look_up(" ".join(text for text in (country, region or code or iso) if text), {})


def _first_known(texts: Sequence[str | None], country: str | None) -> Word | None:
    words = (_known_state(text, country) for text in texts if text)
    return next((word for word in words if word is not None), None)


def _known_state(text: str, country: str | None) -> Word | None:
    """The state that a text names in a country; None where it names none there.

    A region's code is read only beside its country: `CA` is California under USA alone.
    """
    nation = _NATIONS.get((country or "").upper())
    says_its_country = country is None and text[:3].upper() in _WITH_COUNTRY
    if nation is None and not says_its_country:
        return None
    word = state(text, nation)
    return word if word.code and word.code.startswith(nation or "") else None
