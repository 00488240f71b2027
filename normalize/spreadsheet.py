"""What spreadsheets make of a cell: a number, a date or an error where a plate or an id stood.

The characters that stood there cannot be told any more (`100000`, `1E5` and `10E4` all become `1.00E+05`), so what is
seen here is never taken for a plate: `1.00E+05` must not become the plate 100E05.
"""

import re
from typing import Final
from unicodedata import normalize

_ERROR: Final = re.compile(
    r"#+"  # the column was too narrow
    r"|#[¡¿]?[^\W\d][\w /]*[!?]\w*"  # #REF!, #DIV/0!, #NAME?, and what they are called elsewhere: #BEZUG!, #¿NOMBRE?
    r"|#[^\W\d]/[^\W\d]|#NV|#ND|#GETTING_DATA"  # #N/A, and elsewhere #N/B, #I/T, #Н/Д
    r"|#?Err(?:or)?:?\d{3}",  # LibreOffice
    re.IGNORECASE,
)
_SCIENTIFIC: Final = re.compile(
    r"[+-]?(?:\d{1,3}(?:[.,]\d+)? ?E ?\+ ?\d{1,3}|\d[.,]\d+ ?E ?-? ?\d{1,3})", re.ASCII | re.IGNORECASE
)
_FRACTION: Final = re.compile(r"[+-]?\d+[.,]\d+|[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_MARKUP: Final = re.compile(r"[<>\\]|&(?:#x?[0-9A-F]+|[A-Z][A-Z0-9]*);", re.IGNORECASE)
"""Tags, entities and escapes, whose letters would become letters of the plate."""
_DAY: Final = "(?:0?[1-9]|[12][0-9]|3[01])"
_OF_YEAR: Final = "(?:19|20)[0-9]{2}"
_DATE: Final = re.compile(
    r"\d{1,2}/\d{1,2}/(?:\d{2}|\d{4})(?: .*)?"
    rf"|{_DAY}\.{_DAY}\.(?:{_OF_YEAR}|\d{{2}})?(?: .*)?"
    rf"|{_DAY}-{_DAY}-{_OF_YEAR}(?: .*)?"  # of 12-10-26 and 12-345-67 people have plates
    rf"|{_OF_YEAR}(?:-[01]\d-[0-3]\d|([./]){_DAY}\1{_DAY})(?:[T ]\d\d?:.*)?"
    r"|(?:\d{4}年)?\d{1,2}月(?:\d{1,2}日)?|(?:\d{4}년 ?)?\d{1,2}월 ?\d{1,2}일"
    r"|\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AP]M)?",
    re.ASCII | re.IGNORECASE,
)
_MONTH: Final = (
    "(?:Jan|Jän|Janv|Ene|Gen|Oca|Sty|Янв|Feb|Fev|Fév|Févr|Şub|Lut|Фев|Mar|Mär|Mrz|Mrt|Mars|Мар|Apr|Avr|Abr|Nis|Kwi|Апр"
    "|May|Mai|Mei|Maj|Mag|Май|Мая|Jun|Juin|Giu|Haz|Cze|Июн|Jul|Juil|Lug|Tem|Lip|Июл|Aug|Août|Ago|Ağu|Sie|Авг"
    "|Sep|Sept|Set|Eyl|Wrz|Сен|Oct|Okt|Out|Ott|Eki|Paź|Окт|Nov|Kas|Lis|Ноя|Dec|Dez|Des|Déc|Dic|Ara|Gru|Дек)"
)
"""As spreadsheets write MAR1 and 12SEP, in the languages in which they are sold most."""
_BETWEEN: Final = "(?:[-./]|[-./]? )"
_NAMED: Final = re.compile(
    rf"{_DAY}{_BETWEEN}{_MONTH}\.?(?:{_BETWEEN}(?:{_OF_YEAR}|\d{{2}}))?|{_MONTH}\.?{_BETWEEN}(?:{_OF_YEAR}|\d{{2}})",
    re.IGNORECASE,
)
_LOUD: Final = re.compile(rf"{_DAY}{_BETWEEN}{_MONTH}\.?{_BETWEEN}{_OF_YEAR}", re.IGNORECASE)
"""What is a date in capitals too; a shorter one may stand on the metal: 1-MAR, 12-MAR-3, MAR-2026."""


def error(text: str) -> bool:
    """Whether a cell holds what a spreadsheet writes where it has no value: #REF!, #N/A, ####, Err:502."""
    return bool(_ERROR.fullmatch(_plain(text)))


def number(text: str) -> bool:
    """Whether a cell holds a number as spreadsheets shorten long ones: 1.00E+05, 1,23457E+11."""
    return bool(_SCIENTIFIC.fullmatch(_plain(text)))


def damage(text: str) -> str | None:
    """What a program made of a plate, as the clause of a refusal; None where the text may stand on the metal."""
    if text.isalnum() and "月" not in text and "월" not in text:
        return None
    return _damage(_plain(text))


def _damage(plain: str) -> str | None:
    if plain.startswith("#") and not error(plain):
        return "begins with #, as an error that a spreadsheet wrote does, and no plate"
    if _MARKUP.search(plain):
        return "holds markup that a program wrote"
    return _of_a_sheet(plain)


def _of_a_sheet(plain: str) -> str | None:
    if error(plain):
        return f"is an error that a spreadsheet wrote: {plain[:20]}"
    if number(plain):
        return f"looks like a number that a spreadsheet wrote: {plain[:20]}"
    if _FRACTION.fullmatch(plain):  # it may be most of a plate, which is told to nobody
        return "looks like a number with its fraction, as a spreadsheet or a program wrote it"
    if _DATE.fullmatch(plain) or (_LOUD if plain.isupper() else _NAMED).fullmatch(plain):
        return f"looks like a date or a time that a spreadsheet wrote: {plain[:20]}"
    return None


def _plain(text: str) -> str:
    """The text in the narrow letters and digits of ASCII, where it has wide ones."""
    text = text.strip()
    return text if text.isascii() else normalize("NFKC", text)
