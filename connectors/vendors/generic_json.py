"""Anybody who answers with JSON at one address, or drops JSON files, understood through a map that an admin makes."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qs, urljoin, urlsplit
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field, SecretStr, field_validator, model_validator

from connectors import contract, mapping
from connectors.answer import Answer
from connectors.auth import Auth, Digest, Header, Nothing, QueryKey
from connectors.contract import Connector, Document, Page, Record
from connectors.counted import counted
from connectors.drop import Drop, DropSettings
from connectors.encoding import in_utf8
from connectors.errors import Gone, VendorChanged
from connectors.http import Http
from connectors.mapping import documents
from connectors.mapping.path import Scope, Where
from connectors.mapping.pictures import Host, fetched, reachable
from connectors.mapping.written import is_pairs
from connectors.paging import by_cursor, by_number
from connectors.pictures import picture
from normalize.fault import Unusable
from normalize.read import ImageRef, Read
from normalize.times import rfc3339

_WEB = ("https://", "http://")


class GenericJsonSettings(DropSettings):
    """Where to ask or to look, how to ask for a window and its pages, and the map."""

    place: str = Field(
        title="Address or place",
        description="The `https://` address that is asked, or where files are dropped: a folder, `s3://`, `sftp://`.",
    )
    file_pattern: str = Field("*.json", title="File pattern", description="Which files are reads, in a place.")
    map: mapping.Mapping = Field(
        mapping.IDENTITY, title="Map", description="Which path leads to which field, as JSON; docs/mapping.md explains."
    )
    method: Literal["GET", "POST"] = Field(
        "GET", title="Method", description="With POST, the parameters travel as a JSON object in the body."
    )
    parameters: dict[str, str] = Field({}, title="Parameters", description="Sent with every request, as JSON.")
    since_name: str = Field("", title="Parameter of the start", description="Empty where no window can be asked for.")
    until_name: str = Field("", title="Parameter of the end", description="Empty where there is none.")
    time_format: str = Field(
        "iso", title="Time format", description="Of these two: `iso`, `s`, `ms`, `us`, `ns`, or a pattern with %."
    )
    zone: ZoneInfo | None = Field(None, title="Time zone", description="Of a pattern; without it UTC.")
    auth: Literal["none", "header", "basic", "digest", "query"] = Field(
        "none", title="Authentication", description="How the secret travels."
    )
    auth_name: str = Field("Authorization", title="Name", description="Of the header or of the query parameter.")
    auth_prefix: str = Field("", title="Before the secret", description="In the header, for example `Bearer `.")
    auth_user: str = Field("", title="User", description="For basic and digest.")
    auth_secret: SecretStr | None = Field(None, title="API secret", description="The key or the password.")
    paging: Literal["none", "next_url", "cursor", "page"] = Field(
        "none", title="Paging", description="By the next address in an answer, a cursor in it, page numbers, or not."
    )
    next_path: Where = Field("next", title="Path of the next page", description="Where the address or cursor stands.")
    page_name: str = Field("page", title="Parameter of the page", description="Page number or cursor goes there.")
    first_page: int = Field(1, ge=0, le=1, title="First page", description="The number of the first page.")
    size_name: str = Field("", title="Parameter of the page size", description="Empty where there is none.")
    page_size: int = Field(100, ge=1, le=10_000, title="Page size", description="Reads asked for at a time.")
    lines: bool = Field(False, title="JSON lines", description="The answer is one JSON document a line.")
    requests_per_second: float = Field(2.0, gt=0, title="Requests a second", description="What the vendor allows.")
    image_hosts: tuple[Host, ...] = Field(
        (), title="Picture hosts", description="Hosts, beside the address itself, whose https pictures are fetched."
    )

    @model_validator(mode="after")
    def _can_be_proved(self) -> "GenericJsonSettings":
        if self.auth != "none" and self.auth_secret is None:
            raise ValueError("auth_secret is missing: auth needs it")
        return self

    @field_validator("time_format")
    @classmethod
    def _is_known(cls, form: str) -> str:
        if form not in ("iso", *mapping.UNITS) and "%" not in form:
            raise ValueError("is neither iso, s, ms, us, ns nor a pattern with %")
        return form


class GenericJsonConnector(Connector[GenericJsonSettings]):
    """A JSON interface of anybody's."""

    info = contract.Info(
        key="generic_json",
        name="Any JSON interface, by a map",
        company="any",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="generic",
        known_limits=(
            "The admin's map is as true as the admin: nobody here knows what the vendor means by a field.",
            "Without a mapped read id, camera, instant and plate are the id: two reads alike in all three are one.",
            "Reads between two pages that the vendor numbers can be missed where new ones move the pages.",
            "Where no window can be asked for, a run gets what the vendor gives; what it gives no longer is lost.",
        ),
    )
    Settings = GenericJsonSettings

    def __init__(self, settings: GenericJsonSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        limits = replace(self.info.limits, per_second=settings.requests_per_second)
        self._http = self.closing(
            Http(settings.place, frame, auth=_auth(settings), limits=limits, allow=settings.image_hosts)
        )

    @property
    def _asks(self) -> bool:
        return self.settings.place.startswith(_WEB)

    @cached_property
    def _drop(self) -> Drop:
        return self.closing(Drop(self.settings, self.frame.clock, self.info.limits))

    def check(self) -> str:
        """Asks for the last hour's first page, or looks at the newest file; raises where the records are not there."""
        if not self._asks:
            count, newest = self._drop.newest()
            if newest is None:
                return f"The place answers; no file lies in {self.settings.reads_folder!r} yet."
            records = counted(len(list(self.unpack(newest))), "record")
            return f"The place answers with {counted(count, 'file')}; the newest has {records}."
        now = self.frame.clock.now()
        answer = self._ask(self.settings.place, self._asked(now.replace(minute=0, second=0, microsecond=0), now))
        return f"The address answered with {counted(len(self._records(answer)), 'record')} on its first page."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every page of the window, or every file not taken yet, as `Drop` promises it.

        Raises `VendorChanged` where an answer holds no records' place, a page comes twice, or the pages do not end.
        """
        if not self._asks:
            yield from self._drop.pages(window, self.unpack)
            return
        for records in self._pages(self._asked(window.since, window.until)):
            yield Page(records)
        yield Page((), {"until": window.until.isoformat()})

    def _pages(self, asked: dict[str, Any]) -> Iterator[list[Record]]:
        told, where = self.settings, self.settings.place
        if told.paging == "page":
            yield from self._numbered(asked)
            return
        first = self._ask(where, asked)
        if told.paging == "none":
            yield self._records(first)
            return
        by_url = told.paging == "next_url"
        yield from map(
            self._records,
            by_cursor(
                first,
                self._next,
                lambda said: (
                    self._ask(urljoin(where, said), {}) if by_url else self._ask(where, {**asked, told.page_name: said})
                ),
            ),
        )

    def _numbered(self, asked: dict[str, Any]) -> Iterator[list[Record]]:
        first = self.settings.first_page

        def page(number: int) -> list[Record] | None:
            try:
                answer = self._ask(self.settings.place, {**asked, self.settings.page_name: number})
            except Gone:
                if number == first:
                    raise
                return None  # how some say that there is no such page
            return self._records(answer) or None

        return by_number(page, lambda records: [record.payload for record in records], first=first)

    def _next(self, answer: Answer) -> str | None:
        try:
            said = mapping.Source(path=(self.settings.next_path,)).text(Scope((answer.json(),)), "next_path")
        except Unusable as unusable:
            raise VendorChanged(str(unusable), answer.body) from None
        return said

    def _asked(self, since: datetime, until: datetime) -> dict[str, Any]:
        told = self.settings
        asked: dict[str, Any] = dict(told.parameters)
        for name, at in ((told.since_name, since), (told.until_name, until)):
            if name:
                asked[name] = self._written(at)
        if told.size_name:
            asked[told.size_name] = told.page_size
        return asked

    def _written(self, at: datetime) -> str | int:
        form = self.settings.time_format
        if form in mapping.UNITS:
            micros = int(at.timestamp()) * 1_000_000 + at.microsecond
            return {"s": micros // 1_000_000, "ms": micros // 1000, "us": micros, "ns": micros * 1000}[form]
        if form == "iso":
            return rfc3339(at, "seconds")
        return at.astimezone(self.settings.zone or UTC).strftime(form)

    def _ask(self, url: str, asked: Mapping[str, Any]) -> Answer:
        parts, json = urlsplit(url), not self.settings.lines
        address = parts._replace(query="", fragment="").geturl()
        query: dict[str, Any] = parse_qs(parts.query, keep_blank_values=True)
        if self.settings.method == "POST":
            body = msgspec.json.encode(asked)
            headers = {"Content-Type": "application/json"}
            return self._http.request("POST", address, params=query, content=body, headers=headers, json=json)
        return self._http.request("GET", address, params={**query, **asked}, json=json)

    def _records(self, answer: Answer) -> list[Record]:
        if answer.status == 204 or (self.settings.lines and not answer.body.strip()):
            return []
        if not self.settings.map.records and not self.settings.lines and answer.body.lstrip()[:1] != b"[":
            raise VendorChanged("is no list, and the map does not say in `records` where the list lies", answer.body)
        document, told = Document(answer.body), self.settings.map
        found = list(self.unpack(document))
        if found:
            documents.must_tell(document, found, told)
        else:
            documents.must_be_empty(document, told)
        return found

    def unpack(self, document: Document) -> Iterator[Record]:
        """The records at the map's `records`, of JSON, of lines of `name=value` or of a captured stream of either.

        Raises `VendorChanged` where there is no such place, or for anything else.
        """
        is_json = in_utf8(document.body[:64]).lstrip()[:1] in (b"{", b"[")
        if not is_json and not is_pairs(document.body) and not document.body.startswith(b"--"):
            raise VendorChanged("is not JSON", document.body)
        return documents.records(replace(document, content_type="application/json"), self.settings.map)

    def read_of(self, record: Record) -> Read:
        """One record through the map."""
        read = self.settings.map.read(documents.scope(record, self.settings.map))
        # Only the map is needed to parse; offline, nothing else may be there.
        base = getattr(self.settings, "place", "")
        if base and not base.startswith(_WEB):
            return read
        return read.model_copy(update={"images": reachable(read.images, base)})

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture at its address, or the file beside the reads; raises `Gone` where it is at neither."""
        url = image.url or ""
        if not self._asks:
            return self._drop.picture(url)
        if url.startswith(_origin(self.settings.place)):
            return picture(self._http.request("GET", url, json=False).body)
        return fetched(self._http, url, self.settings.image_hosts)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _auth(told: GenericJsonSettings) -> Auth:
    secret = told.auth_secret
    if told.auth == "none" or secret is None:
        return Nothing()
    if told.auth == "query":
        return QueryKey(told.auth_name, secret)
    if told.auth == "digest":
        return Digest(told.auth_user, secret)
    if told.auth == "basic":
        login = b64encode(f"{told.auth_user}:{secret.get_secret_value()}".encode()).decode()
        return Header("Authorization", SecretStr(login), "Basic ")
    return Header(told.auth_name, secret, told.auth_prefix)
