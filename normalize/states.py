"""States and provinces: every vendor's spelling becomes one ISO 3166-2 code.

Spellings seen on the wire: `us-ca`, `CA`, `ca`, `USA-NY`, `US-NY`, `north_carolina`, `North Carolina`,
`washington_dc` and `district_of_columbia` (one place), and `0H` for OH (state files write zero for O).
A bare number is a vendor's own index or a country's ISO number: it names no state and stays unmapped.
"""

import re
from functools import lru_cache
from typing import Final

from normalize.word import ABSENT, Known, Word, look_up, spelled

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
_EXTRA: Final = {
    "washingtondc": "US-DC", "districtcolumbia": "US-DC", "columbiadistrictof": "US-DC",
    "usvirginislands": "US-VI", "newfoundland": "CA-NL", "yukonterritory": "CA-YT", "pq": "CA-QC",
}  # fmt: skip
_SPLIT: Final = re.compile(r"[^0-9a-z]+")


def _spellings() -> dict[str, str]:
    known = dict(_EXTRA)
    for country, (names, prefixes) in _COUNTRIES.items():
        for short, name in names.items():
            code = f"{country}-{short}"
            known.setdefault(spelled(name), code)
            for prefix in prefixes:
                known.setdefault(prefix + spelled(short), code)
                known.setdefault(prefix + spelled(name), code)
    # Bare short codes last and North American only: "ca" alone is California, as on every US wire.
    for country in ("US", "CA"):
        for short in _COUNTRIES[country][0]:
            known.setdefault(short.casefold(), f"{country}-{short}")
    return known


_KNOWN: Final = _spellings()
NAMES: Final = {f"{land}-{short}": name for land, (names, _) in _COUNTRIES.items() for short, name in names.items()}
"""The English name of every code: `US-CA` is California."""
CODES: Final = frozenset(_KNOWN.values())
"""Every code that `state` can give."""


@lru_cache(maxsize=4096)
def state(spelling: str | None, country: str | None = None) -> Word:
    """The ISO 3166-2 word for a vendor's state text; `country` (alpha-2) decides bare codes when given."""
    if spelling is None:
        return ABSENT
    text = spelling.strip()
    if country and len(text) in (2, 3) and text.isalpha():
        within = look_up(f"{country}{text}", _KNOWN)
        if within.code:
            return Word(code=within.code, said=text, known=Known.MAPPED)
    word = look_up(text, _KNOWN)
    if word.known is Known.UNMAPPED and "0" in text and not text.isdigit():
        mended = look_up(text.replace("0", "O"), _KNOWN)
        if mended.code:
            return Word(code=mended.code, said=text, known=Known.MAPPED)
    return word


def postal(code: str) -> str:
    """The two-letter (Mexico: three-letter) short form of an ISO 3166-2 code: `US-CA` gives `CA`."""
    return code.partition("-")[2]


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
