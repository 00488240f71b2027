"""Searches, hot lists of POIs, and hits that are pushed, in one connector."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import msgspec

from connectors import contract
from connectors.auth import Header, must_prove, pushed_by_ours
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.fields import Fields, elements, slices
from connectors.hotlists import alive
from connectors.http import Http
from connectors.paging import by_number
from connectors.pictures import picture
from connectors.vendors.nj_snap.answers import kind_of, members_of, plate_of
from connectors.vendors.nj_snap.pois import poi
from connectors.vendors.nj_snap.reads import read_of_hit, read_of_raw, read_of_search
from connectors.vendors.nj_snap.settings import PAGE_SIZES, NjSnapSettings
from connectors.vendors.nj_snap.times import asked_for, shown_twice, time_of
from normalize.fault import Unusable
from normalize.plate import canonical
from normalize.read import ImageRef, Read

STEP: Final = timedelta(days=1)
"""The time that is asked for at once, so that a long window keeps what it has reached."""
STRAY: Final = timedelta(minutes=29)
"""How far outside the asked time answers may lie before the setting `zone` is doubted; zones differ by more."""
_SEARCH: Final = "/api/alpr/v1/search"
_HOTLIST: Final = "/api/alpr/v1/hotlist"
_OTHERS: Final = (("POIs", "is a hot list, not reads"), ("plate_num", "is a search request, not reads"))


class NjSnapConnector(Connector[NjSnapSettings]):
    """A supplier's ALPR server that speaks the NJ SNAP POI interface, and the hits that it pushes."""

    info = contract.Info(
        key="nj_snap",
        name="NJ SNAP / Eyemetric",
        company="GTBM, Inc.; Eyemetric Identity Systems",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="nj_snap",
        limits=contract.Limits(per_second=2.0, parallel=2, page_size=1000, push_batch=500),
        known_limits=(
            "A search answers without an id: a read is known by camera, instant and plate.",
            "A hit has an id of its own, so a passage that is searched for and also pushed gives two reads.",
            "Searches take times without a zone; answers that lie elsewhere stop the run until the zone is right.",
            "Of the values of Status only ADD is documented, so nothing can be deleted: each entry carries an end a few"
            " days ahead and is sent anew with each publication; a withdrawn one lives until its end.",
            "There is no way to read a hot list back: a push is accepted and never proved.",
            "Nothing is signed; a secret is all the proof that a pushed hit brings.",
            "The scale of a hit's confidence is not documented; the unit of a raw read's time is guessed by its size.",
        ),
    )
    Settings = NjSnapSettings
    proof: ClassVar[contract.Proof] = contract.Proof.ACCEPTED

    def __init__(self, settings: NjSnapSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        self._http = self.closing(
            Http(
                settings.base_url,
                frame,
                auth=Header("Authorization", settings.api_key, "Bearer "),
                limits=self.info.limits,
            )
        )
        pictures = contract.Limits(per_second=10.0, parallel=2, body_bytes=15_000_000)
        self._pictures = self.closing(Http(settings.base_url, frame, limits=pictures, allow=settings.image_hosts))

    def check(self) -> str:
        """Searches the last hour for one page; raises `AdminMustFix` where the key does not open it."""
        now = self.frame.clock.now()
        _, reads = self._page(asked_for(now - timedelta(hours=1), now, "%", self.settings), 1, PAGE_SIZES[0])
        return f"The supplier took the key and answered a search; {'reads' if reads else 'no reads'} came in an hour."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every read of the window, day by day, in the supplier's order within a day.

        A day is vouched for once its last page has come. Raises `AdminMustFix` where the answers lie outside the time
        that was asked for, which is how a wrong zone shows.
        """
        start = window.since
        while start < window.until:
            until = min(start + STEP, window.until)
            for reads in self._pages(start, until, "%"):
                yield Page([Record("search", raw) for raw in reads])
            yield Page((), {"until": until.isoformat()})
            start = until

    def lookup(self, query: contract.Lookup) -> Iterator[Page]:
        """Every read of one full plate in the window; neither reason nor case number is asked for.

        A search must hold a `%`, so longer plates come back too; they are left out. Raises `Unusable` before anything
        is sent where the plate is not one full plate.
        """
        plate = canonical(query.plate)
        if not plate or any(mark in query.plate for mark in "*?%_[]"):
            raise Unusable("plate", "must be one full plate")
        for reads in self._pages(query.since, query.until, f"{plate}%"):
            yield Page([Record("search", raw) for raw in reads if plate_of(raw) in (plate, None)])

    def _pages(self, since: datetime, until: datetime, plates: str) -> Iterator[list[bytes]]:
        """The pages of a search. The number of pages is told on the first alone; the end is a page that is not full."""
        # The clock shows the hour of its change twice, so a window must neither begin nor end within it.
        while shown_twice(since, self.settings.zone):
            since -= timedelta(hours=1)
        while shown_twice(until, self.settings.zone):
            until += timedelta(hours=1)
        asking, size, pages = asked_for(since, until, plates, self.settings), self.settings.page_size, 1

        def page(number: int) -> list[bytes]:
            nonlocal pages
            count, reads = self._page(asking, number, size)
            if number == 1:
                pages = count
                self._must_be_asked_for(reads, since, until)
            if not reads and number < pages:
                raise VendorChanged(f"page {number} of {pages} is empty")
            return reads

        return by_number(page, lambda reads: reads, lambda reads, number: number >= pages and len(reads) < size)

    def _page(self, asking: Mapping[str, Any], number: int, size: int) -> tuple[int, list[bytes]]:
        """How many pages there are, where it is told, and the reads of one; raises `VendorChanged` for an error."""
        parts = members_of(self._post(_SEARCH, {"page": number, "page_size": size, **asking}))
        if "results" not in parts:
            raise VendorChanged("the answer holds no results")
        try:
            pages = Fields(msgspec.json.decode(parts.get("metadata", b"{}")) or {}).decimal_or_none("page_count")
        except Unusable as unusable:
            raise VendorChanged(f"the answer has another shape: {unusable}", parts["metadata"]) from None
        return int(pages or 0), elements(parts["results"])

    def _post(self, path: str, body: Mapping[str, Any], *, repeatable: bool = True) -> bytes:
        # The addresses are fixed, so a 404 means that the interface is another one, never that there is nothing.
        answer = self._http.request(
            "POST",
            path,
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
            repeatable=repeatable,
            gone=(),
        )
        return answer.body

    def _must_be_asked_for(self, found: Sequence[bytes], since: datetime, until: datetime) -> None:
        times = [at for raw in found if (at := time_of(raw, self.settings))]
        if times and not any(since - STRAY <= at <= until + STRAY for at in times):
            raise AdminMustFix("the reads lie outside the time that was asked for: the setting zone must be wrong")

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret, as a bearer token or as any push may; raises `AdminMustFix`."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            must_prove({"authorization": token.strip()}, "authorization", self.settings.webhook_secret)
        else:
            pushed_by_ours(request, self.settings)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """The hits of a push, the reads of an answer, or a raw read; raises `VendorChanged` for anything else."""
        parts = slices(document.body)
        if isinstance(parts, list):
            for element in parts:
                yield Record(kind_of(element), element)
            return
        parts = members_of(document.body)
        for name, kind in (("plateHits", "hit"), ("results", "search")):
            if name in parts:
                yield from (Record(kind, element) for element in elements(parts[name]))
                return
        for name, why in _OTHERS:
            if name in parts and "read_time" not in parts:
                raise VendorChanged(why, document.body)
        yield Record(kind_of(document.body), document.body)

    def read_of(self, record: Record) -> Read:
        """A hit, a search's read, or a raw read."""
        fields = record.fields()
        if record.kind == "hit":
            return read_of_hit(fields, self.settings)
        if record.kind == "raw":
            return read_of_raw(fields)
        if record.kind == "search":
            return read_of_search(fields, self.settings)
        raise Unusable("record", "is neither a hit nor a read")

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture behind a signed address, asked for without credentials; at most 15 MB.

        Raises `Gone` where it no longer is, which the store says with 403 once the signature has expired.
        """
        if not image.url:
            raise Gone("the read came without the address of a picture")
        over = image.expires_at is None or image.expires_at <= self.frame.clock.now()
        gone = (403, 404, 410) if over else (404, 410)
        answer = self._pictures.request("GET", image.url, json=False, credentials=False, gone=gone)
        return picture(answer.body)

    def held_form(self, plate: str) -> str:
        """As it is: nothing is documented about how plates are kept."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Every plate and state."""
        return {(self.held_form(entry.plate), entry.state): entry for entry in entries}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Send the whole list as POIs to add, each with an end of its own or some days ahead; safe to repeat.

        An entry's id changes with its last day: what becomes of an id that comes twice is not documented, and whatever
        it is, the entry lives on. What was withdrawn is not sent any more and ends with its last day. Raises
        `AdminMustFix` where no ORI is set.
        """
        if not self.settings.dept_ori:
            raise AdminMustFix("dept_ori: is not set, and every entry must say whose it is")
        now = self.frame.clock.now()
        wanted = alive(delta.complete, now)
        pois = [poi(delta.list_name, entry, now, self.settings) for entry in wanted]
        size = self.info.limits.push_batch
        for start in range(0, len(pois), size):
            members_of(self._post(_HOTLIST, {"POIs": pois[start : start + size]}, repeatable=False))
            self.frame.sent(len(pois[start : start + size]))
        return contract.PushReport(added=len(wanted), removed=0)

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """Nothing: the interface gives no list back, so this raises `Gone`."""
        raise Gone(f"the interface has no way to read {list_name!r} back")
