"""Confidence: nine vendor scales become 0–1 or nothing, with the scale kept beside it."""

from enum import StrEnum

from normalize.fault import Unusable


class Scale(StrEnum):
    """The scale a vendor writes its confidence on."""

    UNIT = "0-1"
    PERCENT = "0-100"
    TATTILE = "0-999"


_TOP = {Scale.UNIT: 1.0, Scale.PERCENT: 100.0, Scale.TATTILE: 999.0}


def scaled(value: float | str | None, scale: Scale, field: str = "confidence") -> float | None:
    """The confidence from 0 to 1, or None where the vendor gave none (null, empty text, −1).

    Raises `Unusable` for anything else outside the scale: a wrong scale must not pass for certainty.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise Unusable(field, "is not a number") from None
    if value == -1:
        return None
    top = _TOP[scale]
    if not 0 <= value <= top * 1.0001:  # none that is not finite either; 100.00001 is how single floats print 100
        raise Unusable(field, f"is outside {scale}")
    return min(value / top, 1.0)
