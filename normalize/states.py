"""States and provinces: every vendor's spelling becomes one ISO 3166-2 code, inside the country that was given.

Spellings seen on the wire: `us-ca`, `CA`, `ca`, `USA-NY`, `US-NY`, `north_carolina`, `North Carolina`,
`washington_dc` and `district_of_columbia` (one place), and `0H` for OH (state files write zero for O).
A bare number is a vendor's own index or a country's ISO number: it names no state and stays unmapped. So does a bare
code that two tables of codes give to two states, until somebody says which table it is from: `NB`.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

from normalize import ncic
from normalize.countries import country as country_word
from normalize.countries import plain
from normalize.word import ABSENT, LONGEST_SAID, Known, Word, look_up, spelled


class Codes(StrEnum):
    """A table of two-letter codes for states."""

    POSTAL = "postal"
    NCIC = "ncic"


_US: Final = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas",
    "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts",
    "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana",
    "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico",
    "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma",
    "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington",
    "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming", "PR": "Puerto Rico", "GU": "Guam",
    "VI": "Virgin Islands", "AS": "American Samoa", "MP": "Northern Mariana Islands",
}  # fmt: skip
_CANADA: Final = {
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick",
    "NL": "Newfoundland and Labrador", "NS": "Nova Scotia", "NT": "Northwest Territories", "NU": "Nunavut",
    "ON": "Ontario", "PE": "Prince Edward Island", "QC": "Quebec", "SK": "Saskatchewan", "YT": "Yukon",
}  # fmt: skip
_MEXICO: Final = {
    "AGU": "Aguascalientes", "BCN": "Baja California", "BCS": "Baja California Sur", "CAM": "Campeche",
    "CHP": "Chiapas", "CHH": "Chihuahua", "CMX": "Ciudad de Mexico", "COA": "Coahuila", "COL": "Colima",
    "DUR": "Durango", "GUA": "Guanajuato", "GRO": "Guerrero", "HID": "Hidalgo", "JAL": "Jalisco",
    "MEX": "Estado de Mexico", "MIC": "Michoacan", "MOR": "Morelos", "NAY": "Nayarit", "NLE": "Nuevo Leon",
    "OAX": "Oaxaca", "PUE": "Puebla", "QUE": "Queretaro", "ROO": "Quintana Roo", "SLP": "San Luis Potosi",
    "SIN": "Sinaloa", "SON": "Sonora", "TAB": "Tabasco", "TAM": "Tamaulipas", "TLA": "Tlaxcala",
    "VER": "Veracruz", "YUC": "Yucatan", "ZAC": "Zacatecas",
}  # fmt: skip
_COUNTRIES: Final = {"US": (_US, ("us", "usa")), "CA": (_CANADA, ("ca", "can")), "MX": (_MEXICO, ("mx", "mex"))}
_LANDS: Final = {"CA": "Canada", "MX": "Mexico"}
BY_STATE: Final = frozenset({"US", "CA", "MX", "AU", "AE"})
"""Countries in which two states may give the same characters: there a plate is known by its state alone."""
TERRITORIES: Final = frozenset({"AS", "GU", "MP", "PR", "VI"})
"""Countries of ISO 3166-1 that are states here: their plates are plates of the United States."""
_EXTRA: Final = {
    "washingtondc": "US-DC", "districtcolumbia": "US-DC", "columbiadistrictof": "US-DC",
    "usvirginislands": "US-VI", "newfoundland": "CA-NL", "yukonterritory": "CA-YT", "pq": "CA-QC",
}  # fmt: skip
_SPLIT: Final = re.compile(r"[^0-9a-z]+")
_TAIL: Final = re.compile(r"[\W_]+$")
_GLUED: Final = {
    f"{prefix}{short}".casefold(): len(short)
    for names, prefixes in _COUNTRIES.values() for prefix in prefixes for short in names
}  # fmt: skip
"""A country and a code in one, as the length of the code: without anything between them that is a word (`Cape`)."""
_NOWHERE: Final = "?"
"""In place of a country: the vendor could not tell it."""


def _within(land: str) -> dict[str, str]:
    """The spellings that name a state and its country, or nothing but a state of this country."""
    names, prefixes = _COUNTRIES[land]
    known = {spelling: code for spelling, code in _EXTRA.items() if code.startswith(land)}
    for short, name in names.items():
        code = f"{land}-{short}"
        for spelling in (name, *(f"{prefix}{part}" for prefix in prefixes for part in (short, name))):
            known.setdefault(spelled(spelling), code)
    return known


def _bare(lands: tuple[str, ...], codes: Codes | None) -> dict[str, str]:
    """The bare codes of countries by a table; without one, those that no other table gives to another state of them."""
    by_post = {short: f"{land}-{short}" for land in reversed(lands) for short in _COUNTRIES[land][0]}
    by_ncic = {short: code for short, code in ncic.STATES.items() if code[:2] in lands}
    if codes is Codes.NCIC:
        return by_ncic
    if codes is Codes.POSTAL:
        return by_post
    both = {**by_ncic, **by_post}
    return {short: code for short, code in both.items() if by_ncic.get(short, code) == code}


def _vocabulary(land: str | None, codes: Codes | None) -> dict[str, str]:
    """What is a state where a country was given; None: where none was, which is on North American wires."""
    own: tuple[str, ...]
    bare: tuple[str, ...]
    if land is None:
        # Mexico's bare codes last: they are not the post's. "ca" alone is California, as on every US wire.
        own, bare = ("US", "CA", "MX"), ("US", "CA", "MX") if codes is Codes.NCIC else ("US", "CA")
    elif land == _NOWHERE:
        return {f"{prefix}{spelled(part)}": f"{home}-{short}"
                for home, (names, prefixes) in _COUNTRIES.items() for short, name in names.items()
                for prefix in prefixes for part in (short, name)}  # fmt: skip
    elif land == "US":  # what is set up for the United States reads Canada's plates too, and says so by the code alone
        own = bare = ("US", "CA")
    else:
        own = bare = (land,)
    known: dict[str, str] = {}
    for home in own:
        for spelling, code in _within(home).items():
            known.setdefault(spelling, code)
    for short, code in _bare(bare, codes).items():
        known.setdefault(short.casefold(), code)
    return known


_KNOWN: Final = {
    (land, codes): _vocabulary(land, codes)
    for land in (None, _NOWHERE, *_COUNTRIES)
    for codes in (None, Codes.POSTAL, Codes.NCIC)
}
NAMES: Final = {f"{land}-{short}": name for land, (names, _) in _COUNTRIES.items() for short, name in names.items()}
"""The English name of every code: `US-CA` is California."""
CODES: Final = frozenset(NAMES)
"""Every code that `state` can give."""


@lru_cache(maxsize=4096)
def state(spelling: str | None, country: str | None = None, codes: Codes | None = None) -> Word:
    """The ISO 3166-2 word for a vendor's state text, inside the country that was given (in any spelling).

    Without a country it is what North American wires mean; under US, Canada's states are answered too. `codes` is the
    table that bare codes are from, where that is known.
    """
    if spelling is None:
        return ABSENT
    land = country_word(country)
    if land.known is Known.UNKNOWN:
        at: str | None = _NOWHERE
    else:
        at = None if land.known is Known.ABSENT else land.code or ""
    if at in TERRITORIES:
        at = "US"
    vocabulary = _KNOWN.get((at, codes), {})
    text = spelling.strip()
    word = Word(said=text[:LONGEST_SAID], known=Known.UNMAPPED) if _glued(text) else look_up(text, vocabulary, plain)
    if "0" in text and not _glued(text.replace("0", "O")):
        mended = look_up(text.replace("0", "O"), vocabulary)
        if mended.code:
            return Word(code=mended.code, said=text, known=Known.MAPPED)
    return word


def _glued(text: str) -> bool:
    """Whether a country and a code would be read out of one word."""
    bare = _TAIL.sub("", plain(text))
    code = _GLUED.get(spelled(bare))
    return code is not None and bare[-code - 1].isalnum()


def meanings(spelling: str, country: str | None = None) -> tuple[str, ...]:
    """The states (ISO 3166-2) that a bare code means by the post's table and by NCIC's, where those are two."""
    found = (state(spelling, country, codes).code for codes in Codes)
    both = tuple(code for code in found if code)
    return both if len(set(both)) > 1 else ()


def postal(code: str) -> str:
    """The two-letter (Mexico: three-letter) short form of an ISO 3166-2 code: `US-CA` gives `CA`."""
    return code.partition("-")[2]


def short_of(code: str | None, codes: Codes | None) -> str | None:
    """A state as a file for people of the United States has it: in a table's codes, Mexico's by the post's as ISO's."""
    if code is None:
        return None
    if codes is Codes.NCIC:
        return ncic.written(code)
    return postal(code) if code.startswith(("US-", "CA-")) else code


def state_of(short: str | None, codes: Codes | None) -> str | None:
    """What `short_of` wrote, as ISO 3166-2; where nobody chose a table it wrote the post's."""
    return state(short, codes=codes or Codes.POSTAL).code


def shown(code: str) -> str:
    """A code as people in the United States write it: `US-CA` gives `CA`, `CA-BC` gives `BC (Canada)`."""
    country, _, short = code.partition("-")
    return short if country == "US" else f"{short} ({_LANDS[country]})" if country in _LANDS else code


def snake(code: str) -> str:
    """The snake-case English name, as Flock writes it: `US-NC` gives `north_carolina`, `US-DC` `washington_dc`."""
    if code == "US-DC":
        return "washington_dc"
    country, _, short = code.partition("-")
    return "_".join(_SPLIT.split(_COUNTRIES[country][0][short].casefold()))
