"""What a vendor module is: the types that cross its border, the base it extends, the abilities it may have.

Everything is synchronous. A connector does no I/O when it is made, keeps nothing, never sleeps, never retries and
never logs: the frame does. `unpack` and `parse` are pure, so what a vendor sent last year can be parsed again today.
"""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Protocol, Self, TypeVar, runtime_checkable
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from connectors import damage
from connectors.charset import as_utf8
from connectors.errors import Closed, NotARead, RecordRejected, VendorChanged
from connectors.faults import first
from connectors.fields import Fields
from connectors.jsontext import decoded, lines_of
from connectors.several import apart
from connectors.struck import secrets_of
from normalize.fault import NoRead, Unusable
from normalize.read import ImageRef, Read


class Evidence(StrEnum):
    """How well the facts behind a connector are known; the worst fact decides."""

    DOCUMENTS = "documents"
    """Built from what vendors publish or from public code that talks to them."""
    SAMPLES = "samples"
    """And tried on payloads captured from the vendor."""
    LIVE = "live"
    """And run against the vendor's own service."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the vendor allows or what politeness asks for."""

    per_second: float = 5.0
    parallel: int = 1
    page_size: int = 1000
    push_batch: int = 1000
    body_bytes: int = 64 * 1024 * 1024
    """The largest answer that is read."""
    every: timedelta = timedelta(minutes=10)
    """How often a connection is pulled when its admin does not say otherwise."""


@dataclass(frozen=True, slots=True)
class Info:
    """Who a connector speaks to and how far it can be trusted."""

    key: str
    name: str
    company: str
    evidence: Evidence
    retention_vendor: str
    """The name that policy profiles use for this vendor's reads (`flock`, `motorola`)."""
    origin: Literal["own", "commercial", "native_reader"] = "own"
    limits: Limits = Limits()
    look_back: timedelta = timedelta(minutes=30)
    """How far each window reaches back over the last one, for reads that arrive late."""
    known_limits: tuple[str, ...] = ()


class Settings(BaseModel):
    """Base of a connector's settings: titled and described fields, secrets as `SecretStr`.

    A refusal names the field and never shows what was typed into it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    credentials_end: ClassVar[str] = ""
    """The name of the field that holds the day on which the credentials end (a `date` or None), where there is one."""
    local_times: ClassVar[str] = ""
    """The name of the time zone's field (a `ZoneInfo` or None), for a vendor that writes local times without an offset:
    whoever adds a connection is asked for it, since a guess would shift every read."""

    @field_validator("*")
    @classmethod
    def _is_an_address(cls, given: Any, field: ValidationInfo) -> Any:
        """Settings called `…_url` are HTTP addresses.

        Fields in the validation context's `kept` may hold a user and a password: their values are older than this rule.
        """
        if not isinstance(given, str) or not given or not (field.field_name or "").endswith("_url"):
            return given
        try:
            parts = urlsplit(given)
            asked = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            asked = False
        if not asked:
            raise ValueError("must be an address that begins with https:// (or http://) and a host name")
        kept = field.field_name in (field.context or {}).get("kept", ())
        if (parts.username or parts.password) and not kept:
            raise ValueError("must hold no user and no password: they have settings of their own")
        return given


@dataclass(frozen=True, slots=True)
class Document:
    """One thing as the wire delivered it: an answer, a pushed body, a file."""

    body: bytes
    content_type: str = "application/json"
    name: str = ""
    attachments: Mapping[str, bytes] = field(default_factory=dict)


class Record(NamedTuple):
    """One event's bytes, as they arrived, before anybody has understood them.

    `kind` names the wire form (`lookup`, `alert`, `alpr_group`); `part` points into the payload where one payload tells
    of several plates. `attachments` are pictures that came beside the payload.
    """

    kind: str
    payload: bytes
    part: int = 0
    attachments: Mapping[str, bytes] = MappingProxyType({})

    def fields(self) -> Fields:
        """The payload as a JSON object; raises `Unusable` where it is none."""
        try:
            return Fields(decoded(self.payload))
        except VendorChanged:
            raise Unusable("record", "is not JSON") from None


class LyingFile(NamedTuple):
    """A file as it lies in a drop: name, bytes, and when it was written, in ns since 1970.

    A name that is not UTF-8 holds its other bytes as Python writes them (`surrogateescape`).
    """

    name: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Page:
    """Records in the vendor's order, and the checkpoint that is true once they are kept (None: no claim yet).

    The checkpoint's `until` (ISO 8601) says that the window is complete before that instant; the hub finds its gaps by
    it. A source that every run takes whole, as a file drop, has no `until`. `taken` are the files whose last record is
    on this page: the transaction that keeps the page remembers them, and no checkpoint does.
    """

    records: Sequence[Record]
    checkpoint: Mapping[str, Any] | None = None
    taken: Sequence[LyingFile] = ()


def _all(lying: Sequence[LyingFile]) -> Sequence[LyingFile]:
    return lying


@dataclass(frozen=True, slots=True)
class Window:
    """Which time to pull. `since` already overlaps the last window; `checkpoint` is the last one kept.

    `fresh` takes the whole listing of a drop and gives the files that are new or were rewritten. It is called once a
    window; files that are gone from the listing are forgotten once the window has been pulled.
    """

    since: datetime
    until: datetime
    checkpoint: Mapping[str, Any] = field(default_factory=dict)
    fresh: Callable[[Sequence[LyingFile]], Sequence[LyingFile]] = field(default=_all, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question about one plate, with what the law and the vendor want to know about the asker."""

    plate: str
    since: datetime
    until: datetime
    reason: str
    state: str | None = None
    case_number: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A hot-list entry on its way to a vendor. `plate` is canonical, `state` ISO 3166-2 or None."""

    plate: str
    reason: str
    case_number: str
    state: str | None = None
    alert: Literal["low", "medium", "high"] = "medium"
    expires_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """What one hot list should become at a vendor: `complete` is the whole list after `add` and `remove`."""

    list_name: str
    add: Sequence[Entry]
    remove: Sequence[Entry]
    complete: Sequence[Entry]


class Proof(StrEnum):
    """What is known of a list at a vendor."""

    READ_BACK = "read_back"
    """The vendor's own copy was read and compared."""
    RECEIPT = "receipt"
    """Whoever loads the file said which file was loaded."""
    ACCEPTED = "accepted"
    """The vendor took delivery and offers no way to look."""


@dataclass(frozen=True, slots=True)
class PushReport:
    """What was handed over. Says nothing about arrival: only `list_remote` does."""

    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """An entry as the vendor holds it; `remote_id` is the vendor's own id where it has one."""

    plate: str
    state: str | None = None
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A pushed request as the receiver took it: header names in lower case.

    `key` is the last part of the address where the sender was given one: some cameras can be told nothing but that.
    """

    headers: Mapping[str, str]
    document: Document
    key: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a sender wants to hear once its push is kept; some send again and again until they do."""

    status: int = 200
    content_type: str = "application/json"
    body: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class Inbound:
    """What is pushed: how its vendor calls it (`multipart/*` for all that begin so), and the most bytes of one body.

    What a sender calls its body keeps nothing out: other names are noted, and the bytes decide.
    """

    content_types: tuple[str, ...] = ("application/json",)
    most_bytes: int = 16 * 1024 * 1024


class PushSettings(Settings):
    """Base of the settings of a connector that is pushed to and whose sender signs nothing."""

    webhook_header: str = Field(
        "x-alprhub-key", title="Push header", description="The header in which the sender proves itself."
    )
    webhook_secret: SecretStr | None = Field(
        None,
        title="Push secret",
        description="What that header must hold, or a basic-auth password, or the end of the address; without it"
        " nothing pushed is believed.",
    )


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera as the vendor lists it."""

    id: str
    name: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class Closes(Protocol):
    """Something that a connector talks through."""

    def close(self) -> None:
        """Give back what it holds of the machine; safe to repeat. It is of no use afterwards."""


@runtime_checkable
class Hides(Protocol):
    """Something that quotes a vendor's words, and must know which of them are a connection's secrets."""

    def hide(self, secrets: Sequence[str]) -> None:
        """Strike these out of whatever is quoted."""


S = TypeVar("S", bound=Settings)
C = TypeVar("C", bound=Closes)


class Connector(ABC, Generic[S]):
    """Base of every vendor module. Subclasses set `info` and `Settings` and write `unpack` and `read_of`.

    Whoever opens one closes it: `with connector:` around all that talks to the vendor. `unpack` and `parse` hold
    nothing of the machine, and go on working afterwards.
    """

    info: ClassVar[Info]
    Settings: ClassVar[type[Settings]]
    inbound: ClassVar[Inbound] = Inbound()

    def __init__(self, settings: S, frame: "Frame") -> None:
        self.settings = settings
        self.frame = frame
        self._to_close: list[Closes] = []
        self._closed = False

    def closing(self, resource: C) -> C:
        """The same resource, closed together with this connector: `self._http = self.closing(Http(...))`.

        It quotes no secret of the connection's settings from then on. Raises `Closed` where the connector is closed
        already.
        """
        if self._closed:
            raise Closed(f"the connector of {self.info.name} was closed, so open it again")
        self._to_close.append(resource)
        if isinstance(resource, Hides):
            resource.hide(secrets_of(self.settings))
        return resource

    def close(self) -> None:
        """Close whatever it talks through; safe to repeat. What needs the vendor raises `Closed` from then on."""
        self._closed = True
        for resource in self._to_close:
            resource.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def check(self) -> str:
        """One sentence on what the live check found; raises a `ConnectorError` where the account does not work."""

    @abstractmethod
    def unpack(self, document: Document) -> Iterable[Record]:
        """The records of a document, in its order; raises `VendorChanged` where the document is not this vendor's."""

    def records(self, document: Document) -> Iterable[Record]:
        """The records of a document, in whatever characters its sender says that it is; raises as `unpack` does.

        Of JSON lines, each line is a document, and so is each of several that stand behind one another; one that is
        none costs itself alone.
        """
        document = as_utf8(document)
        found: list[Record] = []
        for line in lines_of(document.body) or apart(document.body):
            try:
                found += self.unpack(replace(document, body=line))
            except VendorChanged:
                found.append(Record("line", line))
        return found if any(record.kind != "line" for record in found) else self.unpack(document)

    @abstractmethod
    def read_of(self, record: Record) -> Read:
        """The read of one record; may raise `Unusable` or pydantic's `ValidationError`. Pure."""

    def parse(self, record: Record) -> Read:
        """The read of one record; raises `RecordRejected` naming the field, and nothing else. Pure.

        What arrived damaged of what nobody needs is noted in the read; plate, time and camera are whole.
        """
        notes = damage.watched()
        try:
            return damage.sound(self.read_of(record), notes, record.payload, record.part)
        except NoRead as other:
            raise NotARead(other.field, other.reason) from None
        except Unusable as refused:
            raise RecordRejected(refused.field, refused.reason) from None
        except ValidationError as refused:
            fault = first(refused, Read, "record")
            raise RecordRejected(fault.where, fault.says) from None

    def reply(self, _request: Request) -> Reply:
        """What a sender wants to hear once its push is kept. Pure."""
        return Reply()

    @classmethod
    def offline(cls, **settings: Any) -> "Connector[Any]":
        """A connector for `unpack` and `parse` alone; settings that are not given stay unset."""
        connector: Any = cls.__new__(cls)
        connector.settings = cls.Settings.model_construct(**settings)
        connector.frame = None
        connector._to_close, connector._closed = [], False
        return connector  # type: ignore[no-any-return]


class Clockwork(Protocol):
    """The little of a clock that connectors need."""

    def now(self) -> datetime:
        """The time, in UTC."""


def _for_ever() -> float:
    return math.inf


def _untold(_entries: int) -> None:
    """The default of `Frame.sent`: does nothing."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the hub lends a connector: a clock, a way to wait, and a limit of waiting. Handed in so that tests own all.

    `patience` gives the seconds that the asker still waits: after them no request is sent or tried again. `once` says
    that a person waits, who would rather hear of a failure than have it tried again. `chance` gives numbers from 0 to
    1: the jitter of the waits before another try.
    `down` maps each host that gives no answers to the start of its outage, for all that share a frame. `sent` is called
    with the number of hot-list entries that a vendor has just taken; an error that it raises ends the push there.
    `waits` is there where a person waits at a terminal: it hears what failed and in how many seconds that is tried
    again; a service that is down is given up sooner then.
    """

    clock: Clockwork
    sleep: Callable[[float], None]
    patience: Callable[[], float] = _for_ever
    down: dict[str, datetime] = field(default_factory=dict, compare=False)
    sent: Callable[[int], None] = field(default=_untold, compare=False)
    once: bool = False
    chance: Callable[[], float] = field(default=random.random, compare=False)
    waits: Callable[[str, float], None] | None = field(default=None, compare=False)


@runtime_checkable
class PullsReads(Protocol):
    """A feed, a file drop, a camera log."""

    def pull(self, window: Window) -> Iterator[Page]:
        """Pages of the window, oldest first where the vendor allows it."""


@runtime_checkable
class LooksUpPlates(Protocol):
    """A source that answers only when asked about one plate."""

    def lookup(self, query: Lookup) -> Iterator[Page]:
        """Every read the vendor has of one full plate in the window."""


@runtime_checkable
class ReceivesReads(Protocol):
    """A source that pushes."""

    inbound: ClassVar[Inbound]

    def verify(self, request: Request) -> None:
        """Return where the sender proved itself; raise `AdminMustFix` where it did not."""

    def reply(self, request: Request) -> Reply:
        """What the sender wants to hear once the request is kept. Pure."""


class Post(Protocol):
    """Where a connector that listens hands over what comes; safe for many threads."""

    def up(self) -> None:
        """Say that documents can come from now on."""

    def hand(self, documents: Sequence[Document]) -> None:
        """Return once they are on the disk; raises `TryAgain` where they are not, and nothing may be acknowledged then.

        Whoever may send a document again does: it is kept once.
        """

    def dropped(self, why: str) -> None:
        """Count one that is not taken and that its sender must not send again, and why (`had more than …`)."""

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether it is time to end; waits so many seconds for that."""


@runtime_checkable
class Listens(Protocol):
    """A source to which a line stays open, and whose documents come over it: a broker, a camera's own socket."""

    def listen(self, post: Post) -> None:
        """Hand over what comes until `post` has ended, each document before it is acknowledged.

        Raises `AdminMustFix` where it is refused, and `TryAgain` where it is away or the line broke.
        """


@runtime_checkable
class PushesHotlists(Protocol):
    """A source that takes hot lists."""

    proof: ClassVar[Proof]

    def push(self, delta: Delta) -> PushReport:
        """Hand the change over; safe to repeat."""

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The list as the vendor holds it now; raises `Gone` where it holds none."""

    def held_form(self, plate: str) -> str:
        """How this vendor would write a plate: what read-back is compared in (Flock turns O into 0)."""

    def as_held(self, entries: Sequence[Entry]) -> Mapping[tuple[str, str | None], Entry]:
        """The entries by the plate and state under which this vendor would hold them, after all its rewriting."""


@runtime_checkable
class DropsHotlists(Protocol):
    """A source at which a hot list itself can be deleted, and not only emptied."""

    def drop_list(self, list_name: str) -> None:
        """Delete the list of that name; nothing to do where there is none. Only `list_remote` proves it (`Gone`)."""


@runtime_checkable
class Unsubscribes(Protocol):
    """A source that pushes because it holds a subscription of this account."""

    def subscriptions(self) -> Sequence[str]:
        """The vendor's ids of the subscriptions that this account holds now."""

    def unsubscribe(self) -> int:
        """Revoke every one of them and give how many; safe to repeat. Only `subscriptions` proves it."""


@runtime_checkable
class ServesImages(Protocol):
    """A source whose pictures are fetched apart from the reads."""

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture's bytes; raises `Gone` where the vendor no longer has it."""


@runtime_checkable
class ListsCameras(Protocol):
    """A source that can say which cameras it has."""

    def cameras(self) -> Iterator[CameraInfo]:
        """Every camera of the account."""


ABILITIES: Mapping[str, str] = {  # the ability and the method that shows it
    "pulls_reads": "pull",
    "looks_up_plates": "lookup",
    "receives_reads": "verify",
    "listens": "listen",
    "pushes_hotlists": "push",
    "drops_hotlists": "drop_list",
    "unsubscribes": "unsubscribe",
    "serves_images": "fetch_image",
    "lists_cameras": "cameras",
}


def abilities(connector: type[Connector[Any]]) -> tuple[str, ...]:
    """The abilities a connector class has, found by the methods that are present."""
    return tuple(name for name, method in ABILITIES.items() if hasattr(connector, method))
