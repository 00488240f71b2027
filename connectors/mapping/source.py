"""`Source`: where one field of a read comes from, and the fixed set of things that may be done to it on the way."""

from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from connectors.damage import MARK
from connectors.fields import Fields
from connectors.jsontext import Written
from connectors.mapping.path import Scope, Where, compiled, find
from connectors.pictures import is_picture
from normalize.confidence import Scale, scaled
from normalize.fault import Unusable
from normalize.read import ImageKind, ImageRef
from normalize.times import Moment, from_epoch, from_iso, local

UNITS: Final = ("s", "ms", "us", "ns")
LARGEST: Final = 10**30
LONGEST_DATE: Final = len("20260601")
"""ISO 8601 writes dates as numbers too, but no longer ones."""
_FILES: Final = (".jpg", ".jpeg", ".png", ".webp")
_PROBE: Final = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_several)]
Paths = Annotated[tuple[Where, ...], BeforeValidator(_several)]


class Source(BaseModel):
    """A field's text: the first of its paths that holds something, then each transform that is set, in this order.

    `plus` and `between` (other values behind it), `remove_prefix`, `remove_suffix`, `like` (a template), `split` and
    `take`, `case`, `values` (their word: our word), `default`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    path: Paths
    plus: Paths = ()
    between: str = Field(default=" ", max_length=10)
    remove_prefix: str = ""
    remove_suffix: str = ""
    like: str | None = None
    split: str | None = Field(default=None, min_length=1)
    take: int | None = None
    case: Literal["upper", "lower"] | None = None
    values: dict[str, str | None] = {}
    default: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"path": given} if isinstance(given, str | list | tuple) else given

    @field_validator("path")
    @classmethod
    def _leads_somewhere(cls, path: tuple[str, ...]) -> tuple[str, ...]:
        if not path:
            raise ValueError("needs at least one path")
        return path

    @field_validator("like")
    @classmethod
    def _has_one_place(cls, like: str | None) -> str | None:
        if like is not None and (like.count("{}") != 1 or "*{}" in like or "{}*" in like or "**" in like):
            raise ValueError("needs {} once, for the part that is meant, and text between it and every *")
        return like

    @model_validator(mode="after")
    def _takes_of_something(self) -> "Source":
        if (self.split is None) != (self.take is None):
            raise ValueError("split and take belong together: what parts a text, and which part is meant")
        if self.take == 0:
            raise ValueError("take counts from 1, or from the end as -1")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is looked up, in whatever role."""
        return (*self.path, *self.plus)

    @property
    def at(self) -> str:
        """The paths as an error names them."""
        return " or ".join(self.path)

    def text(self, scope: Scope, field: str) -> str | None:
        """The field's text; None where nothing is there. Raises `Unusable` naming field and path."""
        raw = self._first(scope, field)
        if raw is not None and self.plus:
            behind = (self._text_at(where, scope, field) for where in self.plus)
            raw = self.between.join((raw, *(text for text in behind if text)))
        text = None if raw is None else self._transformed(raw)
        return self.default if text is None else text

    def is_empty(self, scope: Scope) -> bool:
        """Whether something is at a path and nothing but null and blanks is at any."""
        values = [value for where in self.path for value in find(compiled(where), scope)]
        return bool(values) and all(value is None or (isinstance(value, str) and not value.strip()) for value in values)

    def must(self, scope: Scope, field: str) -> str:
        """The field's text, which must be there."""
        text = self.text(scope, field)
        if text is None:
            raise self.wrong(field, "is missing or empty")
        return text

    def number(self, scope: Scope, field: str) -> float | int | None:
        """The field as a number, or as text that is one."""
        text = self.text(scope, field)
        try:
            return Fields({"value": text}).decimal_or_none("value")
        except Unusable as unusable:
            raise self.wrong(field, unusable.reason) from None

    def wrong(self, field: str, reason: str) -> Unusable:
        """The refusal of a field, with where it was looked for."""
        return Unusable(field, f"{reason} (at {self.at})")

    def _first(self, scope: Scope, field: str) -> str | None:
        return next((text for where in self.path if (text := self._text_at(where, scope, field))), None)

    def _text_at(self, where: str, scope: Scope, field: str) -> str | None:
        telling = _characters if field in ("plate", "candidates") else _text
        values = (telling(value) for value in find(compiled(where), scope))
        try:
            return next((text for value in values if (text := Fields({"value": value}).text_or_none("value"))), None)
        except Unusable as unusable:
            raise Unusable(field, f"{unusable.reason} (at {where})") from None

    def _transformed(self, text: str) -> str | None:
        text = text.removeprefix(self.remove_prefix).removesuffix(self.remove_suffix).strip()
        if self.like is not None:
            text = (_like(text, self.like) or "").strip()
        if self.split is not None and self.take is not None:
            parts = text.split(self.split)
            inside = -len(parts) <= self.take <= len(parts)
            text = parts[self.take - 1 if self.take > 0 else self.take].strip() if inside else ""
        if self.case:
            text = text.upper() if self.case == "upper" else text.lower()
        if self.values:
            fits = (theirs for theirs in self.values if theirs.casefold() == text.casefold())
            theirs = text if text in self.values else next(fits, None)
            return text or None if theirs is None else self.values[theirs]
        return text or None


class Time(Source):
    """When it was. `format` is `iso`, `rfc1123`, an epoch's unit (`s`, `ms`, `us`, `ns`) or a strptime pattern.

    Several formats are tried in turn. `zone` is where the clock stands for times that come without an offset.
    """

    format: Words = Field(default=("iso",), min_length=1)
    zone: ZoneInfo | None = None

    @field_validator("format")
    @classmethod
    def _is_known(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for form in formats:
            if form in ("iso", "rfc1123", *UNITS):
                continue
            try:
                back = datetime.strptime(_PROBE.strftime(form), form)  # noqa: DTZ007 - only looked at
            except (ValueError, UnicodeError):
                raise ValueError("is not iso, rfc1123, s, ms, us, ns or a pattern that can be read") from None
            if back.replace(tzinfo=UTC) != _PROBE:
                raise ValueError("is a pattern that does not tell year, month, day and hour")
        return formats

    def moment(self, scope: Scope, field: str) -> Moment:
        """The instant, which must be there."""
        text = self.must(scope, field)
        wrong = Unusable(field, "")
        for form in self.format:
            try:
                return self._read(text, form)
            except Unusable as unusable:
                wrong = wrong if wrong.reason else unusable
        raise self.wrong(field, wrong.reason) from None

    def _read(self, text: str, form: str) -> Moment:
        if form == "iso":
            if len(text) > LONGEST_DATE and text.replace(".", "", 1).isdecimal():
                raise Unusable("captured_at", "is a number: say in `format` what it counts")
            return from_iso(text, self.zone)
        if form in UNITS:
            return from_epoch(Fields({"count": text}).decimal("count"), form)
        try:
            at = parsedate_to_datetime(text) if form == "rfc1123" else datetime.strptime(text, form)  # noqa: DTZ007
        except (ValueError, OverflowError):
            what = "an RFC 1123 time" if form == "rfc1123" else "in the format of the map"
            raise Unusable("captured_at", f"is not {what}") from None
        return local(at, self.zone) if at.tzinfo is None else from_iso(at.isoformat())


class Share(Source):
    """How sure the reader was, on the vendor's `scale`: `0-1`, `0-100` or `0-999`."""

    scale: Scale = Scale.UNIT

    def share(self, scope: Scope, field: str) -> float | None:
        """The confidence from 0 to 1; None where there is none."""
        text = self.text(scope, field)
        try:
            return None if text is not None and MARK in text else scaled(text, self.scale, field)
        except Unusable as unusable:
            raise self.wrong(field, unusable.reason) from None


class Picture(Source):
    """Pictures: a part of the body, base64, a data URI, an address, a file's name. What is none of them is left out.

    `form` says what a text is where it cannot be seen: `base64` is never taken for an address, `url` never for base64.
    """

    form: Literal["auto", "base64", "url"] = "auto"

    def pictures(self, scope: Scope, kind: ImageKind) -> Iterator[ImageRef]:
        """Every picture at the paths; none is worth losing a read, so what cannot be used is passed over."""
        if self.form == "url" or self.plus:
            try:
                url = self.text(scope, kind)
            except Unusable:
                return
            if url and _is_address(url):
                yield ImageRef(kind=kind, url=url)
            return
        for where in self.path:
            for value in find(compiled(where), scope):
                image = self._picture(value, kind)
                if image:
                    yield image

    def _picture(self, value: Any, kind: ImageKind) -> ImageRef | None:
        if isinstance(value, bytes):
            return ImageRef(kind=kind, data=value) if is_picture(value) else None
        if isinstance(value, dict):
            value = value.get("#text")
        if not isinstance(value, str):
            return None
        text = value.strip()
        start = text.casefold()[:4000]
        named = start.startswith(("https://", "http://")) or start.endswith(_FILES)
        if named and self.form == "auto":
            return ImageRef(kind=kind, url=text) if _is_address(text) else None
        if start.startswith("data:"):
            text = text.partition(",")[2]
        try:
            data = a2b_base64(text)
        except (NotBase64, ValueError):
            return None
        return ImageRef(kind=kind, data=data) if is_picture(data) else None


def _is_address(text: str) -> bool:
    return len(text) <= 4000 and "\x00" not in text


def _text(value: Any) -> str | None:
    """A value as text: numbers as they are written, yes and no as `true` and `false`, an element by its text."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, dict) and "#text" in value:
        return _text(value["#text"])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, int):
        if abs(value) >= LARGEST:
            raise Unusable("value", "is too large")
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Unusable("value", "is not text") from None
    raise Unusable("value", "is not text but a list or an object")


def _characters(value: Any) -> str | None:
    """A plate's characters; a whole number may be one, while nobody can tell which characters became another number."""
    if isinstance(value, bool | Written) or (isinstance(value, int) and value < 0):
        raise Unusable("value", "is a number or a yes or no, from which nobody can tell what stood on the plate")
    return _text(value)


def _like(text: str, template: str) -> str | None:
    """The text at `{}` of a template whose `*` matches anything; None where the text does not match the template.

    Each literal piece of the template matches at its first place from the left, the last piece at the text's end.
    """
    before, _, after = template.partition("{}")
    start = _past(text, 0, before)
    if start is None:
        return None
    first, *rest = after.split("*")
    if not after:
        return text[start:]
    if not rest:
        return text[start : -len(first)] if text.endswith(first, start) else None
    end = text.find(first, start)
    if end < 0:
        return None
    at = end + len(first)
    for piece in rest[:-1]:
        at = text.find(piece, at)
        if at < 0:
            return None
        at += len(piece)
    return text[start:end] if text.endswith(rest[-1], at) else None


def _past(text: str, at: int, pieces: str) -> int | None:
    """The index behind the pieces that stand before `{}`; None where they do not match."""
    first, *rest = pieces.split("*")
    if not text.startswith(first):
        return None
    at = len(first)
    for piece in rest:
        at = text.find(piece, at)
        if at < 0:
            return None
        at += len(piece)
    return at
