"""What cameras push is taken, and the history of their files is searched."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from connectors import contract
from connectors.auth import Digest, pushed_by_ours
from connectors.contract import Connector, Document, Page, Record, Reply
from connectors.errors import AdminMustFix, ConnectorError, VendorChanged
from connectors.http import Http
from connectors.multipart import parts
from connectors.paging import by_number
from connectors.pictures import is_picture
from connectors.vendors.dahua.reads import read_of_event, read_of_file, read_of_push
from connectors.vendors.dahua.records import records_of, tree_of
from connectors.vendors.dahua.settings import DahuaSettings
from normalize.fault import NoRead
from normalize.read import Read

MOST_FILES: Final = 100
"""Files asked for in one answer about the history; the client chooses (documented)."""
KEPT: Final = Reply(body=b'{"Result":true,"Message":"Success"}')
_FINDER: Final = "/cgi-bin/mediaFileFind.cgi?action="


class DahuaConnector(Connector[DahuaSettings]):
    """Dahua's ITSAPI push, its event texts and its file search."""

    info = contract.Info(
        key="dahua",
        name="Dahua",
        company="Zhejiang Dahua Technology Co., Ltd.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="dahua",
        limits=contract.Limits(per_second=4.0, parallel=1, page_size=MOST_FILES),
        known_limits=(
            "No form has an id of a read: it is made of camera, instant and plate, or of camera, group, day and plate.",
            "Times are local without an offset, and TimeZone is none: without the time zone setting they are guessed.",
            "UTC of an event was seen to be the local wall clock: RealUTC is used, and UTC where there is no other.",
            "The streams that must be held open are not attached to: a relay may hand their parts on by push.",
            "A find result tells when a file begins: of a recording, not of a picture, the plate may come later.",
            "Pictures of the history are not fetched; those that are pushed are kept.",
            "The allow and block lists of a camera are left alone: their field names differ by firmware.",
            "The region of a plate and the direction of travel have no published meaning and name no state or course.",
            "Cameras sign nothing, and digest is not asked of them: a secret at the end of the address is the proof.",
            "Push and history of one camera give different ids: choose one of them for a connection.",
        ),
    )
    Settings = DahuaSettings
    inbound: ClassVar[contract.Inbound] = contract.Inbound(
        content_types=("application/json", "text/plain", "multipart/*"), most_bytes=32 * 1024 * 1024
    )

    def __init__(self, settings: DahuaSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        login = Digest(settings.username, settings.password) if settings.password else None
        self._http = self.closing(Http(settings.base_url or "", frame, auth=login, limits=self.info.limits))

    def check(self) -> str:
        """Opens a search at the camera and closes it; raises `AdminMustFix` where neither search nor push can work."""
        if self.settings.base_url:
            self._close(self._finder())
            return "The camera took the login and opened a search of its files."
        if self.settings.webhook_secret is None:
            raise AdminMustFix("neither a camera address nor a push secret is set, so no read can arrive")
        return "Nothing can be asked of the camera: reads come once it pushes to this connection with the secret."

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def reply(self, _request: contract.Request) -> Reply:
        """`Result` true for reads, heartbeats and greetings: without it a camera sends for ever. Opens no gate."""
        return KEPT

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every picture file of the window with what the camera read on it; nothing where no camera address is set.

        Raises `AdminMustFix` without a time zone, since the camera searches by its own clock, and `VendorChanged` where
        an answer has other files than it counts or comes twice.
        """
        if not self.settings.base_url:
            return
        if self.settings.zone is None:
            raise AdminMustFix("the time zone is not set, and the camera searches by its own clock")
        finder = self._finder()
        try:
            self._find(finder, window, self.settings.zone)
            for _, records in by_number(lambda _: self._next_files(finder), lambda told: [told[0]]):
                yield Page(records)
        finally:
            with suppress(ConnectorError):
                self._close(finder)
        yield Page((), {"until": window.until.isoformat()})

    def _finder(self) -> str:
        body = self._ask("factory.create").body
        finder = re.fullmatch(rb"result=([0-9]{1,20})", body.strip())
        if finder is None:
            raise VendorChanged("the camera opened no search", body)
        return finder[1].decode()

    def _find(self, finder: str, window: contract.Window, zone: ZoneInfo) -> None:
        since, until = (at.astimezone(zone).replace(tzinfo=None) for at in (window.since, window.until))
        # In the night when clocks go back the wall clock alone would leave an hour out, so the longer of both is asked.
        long = window.until - window.since
        since, until = min(since, until - long), max(until, since + long)
        span = f"condition.StartTime={wall_clock(since)}&condition.EndTime={wall_clock(until + timedelta(seconds=1))}"
        where = f"condition.Channel={self.settings.channel}&{span}&condition.Types[0]=jpg"
        body = self._ask(f"findFile&object={finder}&{where}").body
        if body.strip() != b"OK":
            raise VendorChanged("the camera did not take the search", body)

    def _next_files(self, finder: str) -> tuple[bytes, list[Record]] | None:
        """The next files of a search, as the camera wrote them and as records; None where there are no more."""
        body: bytes = self._ask(f"findNextFile&object={finder}&count={MOST_FILES}").body
        records = list(self.unpack(Document(body, "text/plain")))
        if len(records) != files_counted(body):
            raise VendorChanged("the camera counts other files than it tells of", body)
        return (body, records) if records else None

    def _close(self, finder: str) -> None:
        self._ask(f"close&object={finder}")

    def _ask(self, action: str) -> Any:
        # Each answer moves the search on, so none is asked for twice.
        return self._http.request("GET", _FINDER + action, json=False, repeatable=False, gone=())

    def unpack(self, document: Document) -> Iterator[Record]:
        """Pushed JSON, an event's JSON or text, a find result's files, or the parts of a stream, as records."""
        sections = parts(document)
        if sections is None:
            yield from records_of(document.body, {}, alone=True)
            return
        texts = [at for at, part in enumerate(sections) if not is_picture(part.body)]
        if not sections:
            raise VendorChanged("is a stream without parts", document.body)
        if not texts:
            yield Record("pictures", document.body)
            return
        for at, until in zip(texts, [*texts[1:], len(sections)], strict=True):
            # The pictures of an event come behind its text, before the next one's.
            pictures = {str(n): sections[n].body for n in range(at + 1, until)}
            yield from records_of(sections[at].body, pictures, alone=len(texts) == 1)

    def read_of(self, record: Record) -> Read:
        """A pushed read, an event of either form, or a file of the history."""
        if record.kind == "notice":
            raise NoRead("record", "is a heartbeat or a greeting and carries no read")
        if record.kind == "pictures":
            raise NoRead("record", "has pictures alone")
        if record.kind == "tollgate":
            return read_of_push(record.fields(), self.settings)
        if record.kind == "event":
            return read_of_event(record.fields(), record, self.settings)
        if record.kind == "coded":
            return read_of_event(Record("data", record.payload.partition(b"data=")[2]).fields(), record, self.settings)
        fields = tree_of(record.payload)
        return (
            read_of_event(fields, record, self.settings)
            if record.kind == "text"
            else read_of_file(fields, self.settings)
        )


def files_counted(body: bytes) -> int:
    """How many files an answer says that it tells of; raises `VendorChanged` where it does not say."""
    count = re.match(rb"found=([0-9]{1,9})\s", body.lstrip() + b"\n")
    if count is None:
        raise VendorChanged("the camera does not say how many files it found", body)
    return int(count[1])


def wall_clock(at: datetime) -> str:
    return quote(at.isoformat(" ", "seconds"))
