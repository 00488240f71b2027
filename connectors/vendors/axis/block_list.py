"""The block list of a camera: which plates stand on it, and whose they are."""

from urllib.parse import quote

from connectors import xml
from connectors.errors import VendorChanged
from connectors.fields import vendor_says
from normalize.fault import Unusable


def mark_of(list_name: str) -> str:
    """What the hub writes into the description of an entry, so that it knows its own again; never a comma."""
    return f"alprhub/{quote(list_name, safe='')}"


def plates_of(body: bytes) -> list[tuple[str, str]]:
    """Every plate of the camera's block list as it stands there, with its description."""
    root = xml.element(body)
    if xml.local(root.tag) != "bw_list" or root.get("mode", "block") != "block":
        raise VendorChanged("is not the camera's block list", body)
    with vendor_says(body):
        rows = [(child.text or "").split(",", 2) for child in root if xml.local(child.tag) == "s"]
        if not all(row[0].strip() for row in rows):
            raise Unusable("bw_list.s", "has no plate")
    return [(row[0].strip(), row[2].strip() if len(row) > 2 else "") for row in rows]
