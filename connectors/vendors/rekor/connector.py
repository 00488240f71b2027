"""Scout is searched, its pushes are taken, and its alert lists are imported and read back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import ClassVar, Final
from urllib.parse import quote

import msgspec

from connectors import contract
from connectors.auth import QueryKey, pushed_by_ours
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.fields import Fields, elements, slices, vendor_says
from connectors.hotlists import alive, exported, one_a_plate
from connectors.http import Http
from connectors.paging import by_moving_start, by_number
from connectors.pictures import picture
from connectors.vendors.rekor.alert_lists import MOST_ROWS, Import, import_file
from connectors.vendors.rekor.reads import flat, group_of, inner, read_of_alert, read_of_frame, read_of_search
from connectors.vendors.rekor.settings import RekorSettings
from connectors.vendors.rekor.times import time_of
from normalize.fault import NoRead, Unusable
from normalize.plate import LONGEST, canonical
from normalize.read import ImageRef, Read, made
from normalize.times import rfc3339

WIDEST: Final = 16
"""How many times its size a page may grow to get past many reads of one instant."""
LISTS_PAGE: Final = 5000
_TICK: Final = timedelta(milliseconds=1)
_LISTS: Final = "/api/v2/alert-lists/"


class RekorConnector(Connector[RekorSettings]):
    """Rekor Scout's web server, its alerts, and OpenALPR agents."""

    info = contract.Info(
        key="rekor",
        name="Rekor Scout",
        company="Rekor Systems, Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="rekor",
        limits=contract.Limits(per_second=5.0, parallel=2, page_size=1000, push_batch=MOST_ROWS),
        known_limits=(
            "Scout has no cursor: reads are asked for by time, and more than 16 pages of one instant stop the run.",
            "Scout's search tells no state, vehicle or place; only what agents push does.",
            "Agents and Scout sign nothing they push; a secret in a header is all the proof there is.",
            "Pictures lie on the agent's disk and vanish when it is full.",
            "An import replaces an alert list and its export reads it back: both are seen in Scout's own pages, not"
            " documented, and that the API key opens them is assumed.",
            "An alert list holds a plate once, without expiry: an entry leaves with the next push after its end.",
        ),
    )
    Settings = RekorSettings
    proof: ClassVar[contract.Proof] = contract.Proof.READ_BACK

    def __init__(self, settings: RekorSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        key = QueryKey("api_key", settings.api_key)
        limits = replace(self.info.limits, per_second=settings.requests_per_second)
        self._http = self.closing(Http(settings.base_url, frame, auth=key, limits=limits))

    def check(self) -> str:
        """Searches the last hour for one read; raises `AdminMustFix` where the key does not open it."""
        now = self.frame.clock.now()
        reads = self._search(now - timedelta(hours=1), now, 1)
        return f"Scout took the key and answered a search; {'reads' if reads else 'no reads'} came in the last hour."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every read of the window, oldest first, by moving the start of the search; both ends count as inside.

        Ends only when a search brings nothing new, so that a cap on Scout's side cannot pass for the end. Raises
        `VendorChanged` where answers are not oldest first, and where one instant has more reads than can be asked for.
        """
        times = dict[bytes, datetime | None]()

        def search(start: datetime, topn: int) -> list[bytes]:
            nonlocal times
            reads = self._search(start, window.until, topn)
            times = {raw: time_of(raw, start, window.until, self.settings) for raw in dict.fromkeys(reads)}
            if any(late < early for early, late in pairwise(filter(None, times.values()))):
                raise VendorChanged("the reads of a search are not oldest first")
            return reads

        size = self.settings.page_size
        for stretch in by_moving_start(window.since, search, lambda raw: times[raw], size=size, widest=WIDEST):
            # Reads of the last instant may still be missing, so a page vouches only for what lies before it.
            covered = window.until if stretch.over else stretch.newest - _TICK
            yield Page([Record("scout", raw) for raw in stretch.fresh], {"until": covered.isoformat()})

    def _search(self, start: datetime, until: datetime, topn: int) -> list[bytes]:
        params = {"start": rfc3339(start), "end": rfc3339(until), "topn": topn, "order": "asc"}
        answer = self._http.get(f"/api/search/{self.settings.search}", params=params)
        return [bytes(raw) for raw in answer.shaped(list[msgspec.Raw])]

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """A push, or a search answer, as records; a test call as none, a frame with several plates as several."""
        body = document.body
        if b"plate number" in body[:2000].lower() and body.lstrip()[:1] not in (b"{", b"["):
            raise VendorChanged("is a list of plates in CSV, not reads", body)
        parts = slices(body)
        for payload in parts if isinstance(parts, list) else [body]:
            names = parts if isinstance(parts, dict) else slices(payload) if payload.startswith(b"{") else {}
            if isinstance(names, dict) and "openalpr_webhook" not in names:
                kind = "scout" if "fields" in names else "push"
                yield from (Record(kind, payload, part) for part in range(_plates_in(names)))

    def read_of(self, record: Record) -> Read:
        """A search result, a group, a frame's plate (`part` says which) or an alert with the group inside."""
        if record.kind == "scout":
            return read_of_search(inner(record), self.settings)
        fields = record.fields()
        kind = fields.text_or_none("data_type")
        if kind == "alpr_group":
            return made(group_of(fields, self.settings))
        if kind == "alpr_results":
            return read_of_frame(fields, record.part, self.settings)
        if kind == "alpr_alert":
            return read_of_alert(fields, self.settings)
        if kind == "heartbeat":
            raise NoRead("data_type", "a heartbeat carries no read")
        if kind == "vehicle":
            raise NoRead("data_type", "is a vehicle whose plate was not read")
        raise Unusable("data_type", "is missing" if kind is None else "is not one that carries a read")

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture, which Scout asks its agent for; raises `Gone` where the agent's disk no longer has it."""
        if not image.url:
            raise Gone("the read came without the address of a picture")
        return picture(self._http.get(image.url, json=False).body)

    def cameras(self) -> Iterator[contract.CameraInfo]:
        """The account's cameras; the path is documented, the shape of an answer is not."""
        for raw in self._all("/api/cameras/"):
            with vendor_says(raw):
                camera = flat(raw)
                number = camera.ident(camera.first("camera_id", "camera_number", "id"))
                name = camera.text_or_none(camera.first("camera_name", "name"))
                place = camera.place("gps_latitude", "gps_longitude")
                info = contract.CameraInfo(number, name, *((place.latitude, place.longitude) if place else ()))
            yield info

    def held_form(self, plate: str) -> str:
        """Upper case without blanks and hyphens (seen in the public importer)."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Each plate once."""
        return {(form, entry.state): entry for form, entry in one_a_plate(entries, self.held_form).items()}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Import `delta.complete`, which replaces what the list held; safe to repeat.

        Raises `AdminMustFix` above 250 000 entries, where Rekor advises to split, and for plates above 15 characters,
        which no import takes, and `VendorChanged` where Scout refuses the file or counts other entries than were sent.
        """
        entries = one_a_plate(alive(delta.complete, self.frame.clock.now()), self.held_form)
        if len(entries) > MOST_ROWS:
            raise AdminMustFix(
                f"the list has {len(entries):,} entries; Rekor advises to split imports above {MOST_ROWS:,}, and that"
                " Scout takes more is published nowhere: make two lists of it"
            )
        if long := sum(len(plate) > LONGEST for plate in entries):
            raise AdminMustFix(f"{long} entries have plates of more than {LONGEST} characters, which no import takes")
        pk = self._id_of(delta.list_name)
        if pk is None:
            made = self._http.request("POST", _LISTS, data={"name": delta.list_name}, repeatable=False)
            with vendor_says(made.body):
                pk = Fields(made.json()).ident("id")
        form = {"name": "import", "pk": pk}
        files = {"files": ("import.csv", import_file(entries.values()), "text/csv")}
        answer = self._http.request("POST", "/api/alert-group-import-csv/", data=form, files=files)
        counts = answer.shaped(Import)
        if counts.success is False:
            raise VendorChanged("Scout refused the import", answer.body)
        if counts.added is None:
            return contract.PushReport(added=len(delta.add), removed=len(delta.remove))
        if counts.added + counts.modified + counts.unmodified != len(entries):
            raise VendorChanged(f"Scout counted other entries than the {len(entries)} that were sent", answer.body)
        return contract.PushReport(added=counts.added, removed=counts.deleted)

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The list as Scout exports it; raises `Gone` where Scout has none of that name."""
        pk = self._id_of(list_name)
        if pk is None:
            raise Gone("Scout holds no alert list of that name")
        params = {"pk": pk, "name": list_name}
        # The list is there, so a 404 here means that the way to read it back is not.
        path = "/api/alert-group-export-csv/"
        return exported(self._http.request("GET", path, params=params, json=False, gone=()).body)

    def drop_list(self, list_name: str) -> None:
        """Delete the alert list of that name (path and verb seen in Scout's own pages); safe to repeat."""
        pk = self._id_of(list_name)
        if pk is not None:
            with suppress(Gone):
                self._http.request("DELETE", f"/api/alert-group/delete/{quote(pk, safe='')}/", json=False)

    def _id_of(self, list_name: str) -> str | None:
        ids = []
        for raw in self._all(_LISTS):
            with vendor_says(raw):
                if flat(raw).text_or_none("name") == list_name:
                    outer = Record("list", raw).fields()
                    ids.append(outer.ident_or_none("pk") or outer.ident("id"))
        if len(ids) > 1:
            raise AdminMustFix("Scout holds two alert lists of that name; rename or delete one of them")
        return ids[0] if ids else None

    def _all(self, path: str) -> Iterator[bytes]:
        """Every element of a list that comes bare, or in pages under `results` with `next` (both shapes were seen)."""

        def page(number: int) -> tuple[list[bytes], bool]:
            parts = slices(self._http.get(path, params={"page": number, "page_size": LISTS_PAGE}).body)
            if isinstance(parts, list):
                return parts, True
            return elements(parts.get("results", b"")), parts.get("next", b"null") == b"null"

        for held, _ in by_number(page, lambda told: told[0], lambda told, _: told[1]):
            yield from held


def _plates_in(names: Mapping[str, bytes]) -> int:
    """How many plates a payload tells of: a frame of several or of none, and one of whatever else."""
    is_frame = names.get("data_type") == b'"alpr_results"'
    plates = names.get("results", b"") if is_frame else b""
    return len(elements(plates)) if plates.startswith(b"[") else 1
