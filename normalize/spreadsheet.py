"""What spreadsheets make of a cell: a number, a date or an error where a plate or an id stood.

The characters that stood there cannot be told any more (`100000`, `1E5` and `10E4` all become `1.00E+05`), so what is
seen here is never taken for a plate: `1.00E+05` must not become the plate 100E05.
"""

import re
from typing import Final

_MONTH: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_ERROR: Final = re.compile(
    r"#+"  # the column was too narrow
    r"|#[¡¿]?[^\W\d][\w /]*[!?]"  # #REF!, #DIV/0!, #NAME?, and what they are called elsewhere: #BEZUG!, #¿NOMBRE?
    r"|#DIV/0!|#N/[AVD]|#NV|#ND|#GETTING_DATA"
    r"|#?Err(?:or)?:?\d{3}",  # LibreOffice
    re.IGNORECASE,
)
_SCIENTIFIC: Final = re.compile(r"[+-]?(?:\d{1,3}(?:[.,]\d+)?E\+\d{1,3}|\d[.,]\d+E-?\d{1,3})", re.ASCII | re.IGNORECASE)
_FRACTION: Final = re.compile(r"\d+[.,]0{1,2}", re.ASCII)
_DATE: Final = re.compile(
    # As spreadsheets write MAR1 and 12SEP; in capitals it may stand on the metal.
    rf"\d{{1,2}}-(?:{_MONTH})(?:-\d{{2,4}})?|(?:{_MONTH})-\d{{2,4}}"
    r"|\d{1,2}/\d{1,2}/(?:\d{2}|\d{4})(?: .*)?|(?:19|20)\d\d-[01]\d-[0-3]\d(?:[T ]\d\d:.*)?",
    re.ASCII,
)


def error(text: str) -> bool:
    """Whether a cell holds what a spreadsheet writes where it has no value: #REF!, #N/A, ####, Err:502."""
    return bool(_ERROR.fullmatch(text.strip()))


def number(text: str) -> bool:
    """Whether a cell holds a number as spreadsheets shorten long ones: 1.00E+05, 1,23457E+11."""
    return bool(_SCIENTIFIC.fullmatch(text.strip()))


def damage(text: str) -> str | None:
    """What a program made of a plate, as the clause of a refusal; None where the text may stand on the metal."""
    if text.isalnum():
        return None
    if error(text):
        return f"is an error that a spreadsheet wrote: {text.strip()[:20]}"
    if number(text):
        return f"looks like a number that a spreadsheet wrote: {text.strip()[:20]}"
    if _FRACTION.fullmatch(text.strip()):  # it may be most of a plate, which is told to nobody
        return "looks like a number with its fraction, as a spreadsheet or a program wrote it"
    if _DATE.fullmatch(text.strip()):
        return f"looks like a date that a spreadsheet wrote: {text.strip()[:20]}"
    return None
