"""How the three wires of a camera call what all of them tell."""

import re
from typing import Final, NamedTuple
from urllib.parse import quote

from connectors.cameras import mac_of
from connectors.fields import Fields
from normalize.fault import Unusable


class Names(NamedTuple):
    """How one of the three wires calls what all of them tell."""

    car: str
    plates: tuple[str, ...]
    country: str
    iso: str
    region: str
    code: str
    confidence: str
    list_name: str
    list_note: str
    body: str
    colour: str


PUSH: Final = Names(
    "carID", ("plateText", "plateUTF8", "plateUnicode", "plateASCII"), "plateCountry", "plateISO3166-2", "plateRegion",
    "plateRegionCode", "plateConfidence", "plateList", "plateListDescription", "vehicle_info.type",
    "vehicle_info.color",
)  # fmt: skip
LOG: Final = Names(
    "CAR_ID", ("LPR_UTF8", "LPR", "LPR_UNICODE"), "COUNTRY", "ISO3166_2_CODE", "LP_REGION_UTF8", "LP_REGION_CODE",
    "THRESHOLD", "ACT_PARAM", "LP_DESCRIPTION", "CAR_M_TYPE", "CAR_COLOR",
)  # fmt: skip
ONVIF: Final = Names(
    "carID", ("text", "lpText"), "country", "iso3166-2", "region", "regionCode", "confidence", "listName",
    "listDescription", "vehicleType", "vehicleColor",
)  # fmt: skip


def car_of(fields: Fields, names: Names) -> str:
    """The camera's number of the car, or of the packet where it gave the car none."""
    car = fields.ident_or_none(names.car)
    packet = None if car else fields.ident_or_none("packetCounter")
    if not car and not packet:
        raise Unusable(names.car, "is missing or empty")
    return quote(car or f"packet-{packet}", safe="")[:60]


def serial_of(text: str | None) -> str | None:
    """A serial number or the MAC address that it is, in one spelling."""
    return (mac_of(text) or text.replace(":", "").replace("-", "").upper()[:100]) if text else None


def unescaped(text: str | None) -> str | None:
    r"""Text in which characters may be written as `\u004d`."""
    if not text or "\\u" not in text:
        return text
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\x00", "").strip()


def short(text: str | None) -> str | None:
    """No more of a text than a read takes."""
    return text and text[:500]
