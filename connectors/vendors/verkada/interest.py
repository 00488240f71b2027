"""The plates of interest that an organisation holds, and whose each of them is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from connectors.batches import batched
from connectors.contract import Entry
from connectors.errors import AdminMustFix, Gone
from connectors.hotlists import as_csv
from connectors.http import Http
from connectors.vendors.verkada.pages import Cursor, paged

LISTS_PAGE: Final = 1000
ONE_BY_ONE: Final = 20
"""Up to so many plates are sent singly, which Verkada answers at once; more of them go in a file."""
FILE_ROWS: Final = 1000
_PLATES: Final = "/cameras/v1/analytics/lpr/license_plate_of_interest"
_MARK: Final = re.compile(r" \[([^\[\]]+)\]$")
_JSON: Final = {"Content-Type": "application/json"}


class _Plate(msgspec.Struct):
    license_plate: str
    description: str | None = None


class _Plates(msgspec.Struct):
    license_plate_of_interest: list[_Plate]
    next_page_token: Cursor = None


class HeldPlate(NamedTuple):
    """A plate as Verkada holds it, and whose it is: the lists of ours that its description names, at its end."""

    plate: str
    text: str
    lists: tuple[str, ...]

    def described(self, lists: Sequence[str]) -> str:
        """The description that names other lists."""
        return self.text + "".join(f" [{name}]" for name in lists)


class PlatesOfInterest:
    """The one list of plates that an organisation has at Verkada."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def held(self) -> Iterator[HeldPlate]:
        """Every plate that the organisation holds, whoever entered it."""
        for answer in paged(self._http, _PLATES, _Plates, {"page_size": LISTS_PAGE}):
            for plate in answer.license_plate_of_interest:
                text, lists = (plate.description or "").rstrip(), list[str]()
                while mark := _MARK.search(text):
                    text = text[: mark.start()]
                    lists.insert(0, mark[1])
                yield HeldPlate(plate.license_plate, text, tuple(lists))

    def describe(self, plate: str, description: str) -> None:
        """Change what Verkada shows of a plate."""
        body = msgspec.json.encode({"description": description})
        self._http.request("PATCH", _PLATES, params={"license_plate": plate}, content=body, headers=_JSON)

    def create(self, fresh: Mapping[str, str]) -> None:
        """Enter plates with their descriptions; few of them singly, many in files."""
        if len(fresh) <= ONE_BY_ONE:
            for plate, description in fresh.items():
                self._http.post(_PLATES, {"license_plate": plate, "description": description}, repeatable=False)
            return
        for batch in batched(fresh.items(), FILE_ROWS):
            self._upload("POST", as_csv(("License Plate", "Name"), batch))

    def drop(self, plates: Sequence[str]) -> None:
        """Delete plates; one that is not there any more is as good as deleted."""
        if len(plates) <= ONE_BY_ONE:
            for plate in plates:
                with suppress(Gone):
                    self._http.request("DELETE", _PLATES, params={"license_plate": plate})
            return
        for batch in batched(plates, FILE_ROWS):
            self._upload("DELETE", as_csv(("License Plate",), [(plate,) for plate in batch]))

    def _upload(self, method: str, csv: bytes) -> None:
        files = {"file": ("plates.csv", csv, "text/csv")}
        self._http.request(method, f"{_PLATES}/batch", files=files, repeatable=method == "DELETE")


def described(entry: Entry, name: str) -> str:
    """What Verkada shows of an entry: reason and case, and the list that it is on."""
    return " ".join(f"{entry.reason} {entry.case_number}".split()) + f" [{name}]"


def markable(list_name: str) -> str:
    """A list's name as a mark; raises `AdminMustFix` where brackets in it would make another mark."""
    if "[" in list_name or "]" in list_name:
        raise AdminMustFix("a list for Verkada may have no square brackets in its name: they mark its plates there")
    return " ".join(list_name.split())
