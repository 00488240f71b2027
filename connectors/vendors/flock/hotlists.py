"""The custom hot lists at Flock: found by name, made, changed entry by entry, read back, and deleted."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import quote

import msgspec

from connectors import contract
from connectors.batches import batched
from connectors.errors import AdminMustFix, Gone
from connectors.http import Http
from connectors.paging import by_cursor
from connectors.vendors.flock.entries import Entries, HeldEntry, SentEntry, held_form, terms_of

BATCH: Final = 3000


class Listed(msgspec.Struct):
    """What a client may see, by id: a hot list, or a subscription, which has no name."""

    id: str
    name: str = ""


class HotLists:
    """Every custom hot list that the client may see."""

    def __init__(self, http: Http, frame: contract.Frame) -> None:
        self._http = http
        self._frame = frame

    def all(self) -> list[Listed]:
        """The lists without their entries; raises `AdminMustFix` where the client has no right to them."""
        return self._http.get("/hotlists").shaped(list[Listed])

    def id_of(self, list_name: str) -> str | None:
        """The id of the list of a name; None where there is none, `AdminMustFix` where there are two."""
        ids = [hot_list.id for hot_list in self.all() if hot_list.name == list_name]
        if len(ids) > 1:
            raise AdminMustFix("Flock holds two hot lists of that name; rename or delete one of them")
        return ids[0] if ids else None

    def held(self, list_id: str) -> Iterator[HeldEntry]:
        """Every entry of a list, page by page."""

        def page(cursor: str | None = None) -> Entries:
            params = {"limit": BATCH} if cursor is None else {"limit": BATCH, "cursor": cursor}
            return self._http.get(f"{_path(list_id)}/entries", params=params).shaped(Entries)

        for answer in by_cursor(page(), lambda entries: entries.next_page or None, page):
            yield from answer.entries

    def make(self, list_name: str, entries: Sequence[SentEntry]) -> None:
        """A list of that name with these entries; raises `AdminMustFix` past the organisation's limit."""
        first = {"name": list_name, "entries": entries[:BATCH]}
        answer = self._http.post("/hotlists", first, repeatable=False)
        self._frame.sent(len(entries[:BATCH]))
        self._send(answer.shaped(Listed).id, entries[BATCH:])

    def change(self, list_id: str, wanted: Mapping[str, SentEntry]) -> contract.PushReport:
        """Make a list hold `wanted`, by the form in which Flock holds plates, and send only what differs."""
        held: dict[str, list[HeldEntry]] = {}
        for entry in self.held(list_id):
            held.setdefault(held_form(entry["plate"]), []).append(entry)
        gone = _ids(held, [form for form in held if form not in wanted])
        self._drop(list_id, gone)
        changed = [form for form, entry in wanted.items() if [*map(terms_of, held.get(form, ()))] != [terms_of(entry)]]
        for batch in batched(changed, BATCH):
            # Changed entries leave and come back batch by batch, so that few are missing in between.
            self._drop(list_id, _ids(held, batch))
            self._send(list_id, [wanted[form] for form in batch])
        return contract.PushReport(added=len(changed), removed=len(gone))

    def delete(self, list_id: str) -> None:
        """Delete a list with whatever is left in it; safe to repeat."""
        with suppress(Gone):
            self._http.request("DELETE", _path(list_id), json=False)

    def _send(self, list_id: str, entries: Sequence[SentEntry]) -> None:
        for batch in batched(entries, BATCH):
            # Sent once: whether a plate that is there already is ignored or refused, Flock's page says both.
            self._http.post(f"{_path(list_id)}/entries/addBatch", {"entries": batch}, repeatable=False)
            self._frame.sent(len(batch))

    def _drop(self, list_id: str, ids: Sequence[str]) -> None:
        for batch in batched(ids, BATCH):
            self._http.post(f"{_path(list_id)}/entries/deleteBatch", {"ids": batch})
            self._frame.sent(0)


def _path(list_id: str) -> str:
    return f"/hotlists/{quote(list_id, safe='')}"


def _ids(held: Mapping[str, Sequence[HeldEntry]], forms: Sequence[str]) -> list[str]:
    """The ids of the entries whose plates have one of these forms; a plate may be held more than once."""
    return [entry["id"] for form in forms for entry in held.get(form, ())]
