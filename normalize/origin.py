"""Where a plate is from: its state and its country, from what one vendor said of both."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from normalize import ncic
from normalize.countries import EUROPE, NAMES, country
from normalize.states import TERRITORIES, Codes, state
from normalize.states import shown as as_written
from normalize.word import ABSENT, Known, Word, spelled

_EUROPE: Final = frozenset({"eu", "europe", "eur"})
_SUBDIVISION: Final = re.compile(r"([A-Za-z]{2,3})[-_]([A-Za-z0-9]{1,3})")
"""As ISO 3166-2 writes a part of a country: `br-sp`."""


class Origin(NamedTuple):
    """The state and the country of a plate, each beside the vendor's word for it."""

    state: Word = ABSENT
    country: Word = ABSENT


@lru_cache(maxsize=4096)
def origin(region: str | None, nation: str | None = None, codes: Codes | None = None) -> Origin:
    """The state that `region` names and the country that `nation` names, and never one that contradicts the other.

    A state is answered only inside the country that was given. Without one the country follows from the state
    (`us-ca`, and `CA` as on every US wire), or from a region that is one (`Mexico`, `MEX`) or begins with one
    (`br-sp`). For `eu` the region is the country, as readers write it that are set up for Europe. `codes` is the table
    that bare codes are from.
    """
    land = country(nation)
    if spelled(nation or "") in _EUROPE:
        return _in_europe(region, land)
    place = state(region, nation, codes)
    if place.code is None and land.code in TERRITORIES:
        place = Word(code=f"US-{land.code}", said=place.said, known=Known.MAPPED)
    if place.code is not None:
        return Origin(place, _country_of(place.code[:2], land))
    if land.known in (Known.MAPPED, Known.UNMAPPED) or region is None:
        return Origin(place, land)
    if (named := _named(region, codes)).code:
        return Origin(ABSENT, named)
    if (part := _SUBDIVISION.fullmatch(region.strip())) and (whole := country(part[1])).code:
        return Origin(place, Word(code=whole.code, said=place.said, known=Known.MAPPED))
    return Origin(place, land)


def country_of(state_code: str | None, country_code: str | None) -> str | None:
    """The country (alpha-2) of a plate of this state and country: a state tells it too."""
    return country_code or (state_code[:2] if state_code else None)


def shown(state_code: str | None, country_code: str | None) -> str | None:
    """Where a plate is from, as people in the United States write it: its state, or else its country (`Germany`)."""
    if state_code is not None:
        return as_written(state_code)
    return NAMES.get(country_code, country_code) if country_code else None


@lru_cache(maxsize=256)
def _country_of(code: str, land: Word) -> Word:
    if land.code == code:
        return land
    return Word(code=code, said=land.said if land.known is Known.MAPPED else None, known=Known.MAPPED)


def _named(region: str, codes: Codes | None) -> Word:
    """The country that stands where a state should: by name, by three letters, or by those of a neighbour."""
    text = region.strip()
    by_ncic = ncic.COUNTRIES.get(text.upper()) if codes is Codes.NCIC else None
    if by_ncic:
        return Word(code=by_ncic, said=text, known=Known.MAPPED)
    return country(text) if len(text) > 2 or text.upper() in ("MX", "US") else ABSENT


def _in_europe(region: str | None, land: Word) -> Origin:
    """What a reader says that is set up for Europe: its region is a country of Europe, with a part of it or without."""
    if region is None:
        return Origin(ABSENT, land)
    text = re.sub(r"^(eu|EU)[-_]", "", region.strip())
    part = _SUBDIVISION.fullmatch(text)
    whole = country(part[1] if part else text)
    if whole.code not in EUROPE:
        return Origin(state(region, "eu"), land)
    named = Word(code=whole.code, said=region.strip(), known=Known.MAPPED)
    return Origin(state(region, whole.code) if part else ABSENT, named)
