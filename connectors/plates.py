"""A plate as a vendor tells it: its characters, or a word for there being none that could be read."""

import re
from collections.abc import Collection
from typing import Final

from connectors.fields import Fields
from normalize.fault import NoRead, Unusable

NEVER: Final = frozenset({
    "无车牌", "无牌车", "无牌车辆", "无牌", "未识别", "未知", "没有车牌", "车牌", "無車牌", "無牌", "未識別", "未認識",
    "未上牌", "无法识别", "無法識別", "无牌照", "無牌照", "空",
    "번호없음", "번호판없음", "미인식", "нетномера", "нераспознан",
})  # fmt: skip
"""What readers write where they read no plate, and nobody has on one."""
PERHAPS: Final = frozenset({
    "noplate", "nolicenseplate", "nolicense", "nonumber", "unknown", "unknow", "unlicensed", "unreadable", "notread",
    "noread", "none", "null", "na", "nil", "undefined", "notrecognized", "unrecognized", "notdetected", "sinplaca",
    "semplaca", "keinkennzeichen", "blank", "noplatenumber", "noplatefound", "unread", "nan", "0", "000000",
})  # fmt: skip
"""The same in words that people have on their plates too: they count where the reader was not sure at all."""
_PLACEHOLDER: Final = re.compile(r"[\s\-_.?–—]*")
"""Stars and the like are no placeholder: who masks plates should be noticed."""
_SEPARATORS: Final = re.compile(r"[\s\-_./]+")
SAYS_NONE: Final = "says that no plate was read"


def is_none(text: str, confidence: float | None, words: Collection[str] = ()) -> bool:
    """Whether a text stands for no plate: a placeholder, one of the vendor's own `words` (in lower case), or a word.

    A word that could be a plate is one where the confidence is nothing.
    """
    folded = word = text.casefold()
    if not text.isalnum():  # nearly every plate is
        word = _SEPARATORS.sub("", folded)
        if _PLACEHOLDER.fullmatch(text):
            return True
    if word in words or folded in words:
        return True
    return word in NEVER or (confidence == 0 and word in PERHAPS)


def plate_at(
    fields: Fields,
    path: str,
    confidence: float | None = None,
    *,
    words: Collection[str] = (),
    numbers: bool = False,
) -> str:
    """The characters at a path; with `numbers` a whole number may stand for them.

    Raises `NoRead` where the path is there and says that no plate was read, or holds nothing, and `Unusable` where it
    is not there or holds something else.
    """
    text = fields.ident_or_none(path) if numbers else fields.text_or_none(path)
    if text is None:
        if fields.holds(path):
            raise NoRead(fields.whole(path), "is empty: no plate was read")
        raise Unusable(fields.whole(path), "is missing")
    if is_none(text, confidence, words):
        raise NoRead(fields.whole(path), SAYS_NONE)
    return text
