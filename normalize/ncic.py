"""NCIC's codes for where a plate is from, which are not the postal ones: NB is Nebraska here, and NK New Brunswick.

Read off the published lists of the FBI's systems (NCIC's LIS and the identification system's POB share one table). A
code that both tables have, with another meaning in each, says nothing until it is known which table was used.
"""

from typing import Final

_OTHERWISE: Final = {
    "NB": "US-NE", "AM": "US-AS", "GM": "US-GU", "MK": "US-MP",
    "NF": "CA-NL", "NK": "CA-NB", "PQ": "CA-QC", "SN": "CA-SK",
    "AG": "MX-AGU", "BA": "MX-BCN", "BJ": "MX-BCS", "CE": "MX-CAM", "CH": "MX-CHH", "CI": "MX-CHP", "CL": "MX-COL",
    "CU": "MX-COA", "DF": "MX-CMX", "DO": "MX-DUR", "GR": "MX-GRO", "GU": "MX-GUA", "HL": "MX-HID", "JL": "MX-JAL",
    "MC": "MX-MIC", "MR": "MX-MOR", "MX": "MX-MEX", "NL": "MX-NLE", "OA": "MX-OAX", "PB": "MX-PUE",
    "QR": "MX-ROO", "QU": "MX-QUE", "SI": "MX-SIN", "SL": "MX-SLP", "SO": "MX-SON", "TA": "MX-TAM", "TB": "MX-TAB",
    "TL": "MX-TLA", "VC": "MX-VER", "YU": "MX-YUC", "ZA": "MX-ZAC",
}  # fmt: skip
_AS_POSTAL: Final = {
    "US": "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NV NH NJ NM NY NC ND OH OK "
    "OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR VI",
    "CA": "AB BC MB NS NT ON PE YT",
}
STATES: Final[dict[str, str]] = {
    **{code: f"{land}-{code}" for land, codes in _AS_POSTAL.items() for code in codes.split()},
    **_OTHERWISE,
}
"""What each code means: `NB` is US-NE.

Two are left out: NE, which is a country there and nearly always a slip for NB, and NA, which is Nayarit there and "not
available" to everybody else.
"""
COUNTRIES: Final = {"CD": "CA", "MM": "MX", "US": "US"}
"""What the code of a country means where its state is not known; US is also on plates of the federal government."""


def written(code: str) -> str:
    """An ISO 3166-2 code as NCIC writes it: `US-NE` gives `NB`; a state that it has no code for stays as it is."""
    return _CODES.get(code, code)


_CODES: Final = {code: short for short, code in STATES.items()}
