"""What a document holds, whatever it is written in: records that a map can be laid over, and back again.

A record's payload is its own bytes as they arrived, where they can be cut out and say everything. Where the map looks
outside its records it is the whole document, and `part` says which record of it is meant.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from connectors import damage, multipart, xml
from connectors.contract import Document, Record
from connectors.encoding import in_utf8
from connectors.errors import VendorChanged
from connectors.fields import slices
from connectors.jsontext import AS_WRITTEN, NO_LINE, decoded
from connectors.mapping import written
from connectors.mapping.mapping import Mapping
from connectors.mapping.path import EVERY, Null, Scope, compiled, members
from connectors.pictures import is_picture
from connectors.several import apart
from normalize.fault import NoRead, Unusable

ELEMENT: Final = "json"
XML_ELEMENT: Final = "xml element"
"""The kinds of a record whose payload says everything; all other kinds are whole documents."""
WHOLE: Final = "json document"
XML: Final = "xml"
FORM: Final = "form"
PAIRS: Final = "pairs"
MULTIPART: Final = "multipart"
NOTHING: Final = "nothing"
"""What a sender puts beside its documents: pictures alone, a heartbeat of one word."""
MOST_BYTES: Final = 1024**3
"""The limit of all records of a document together, where each record keeps the whole document."""
_ERRORS: Final = frozenset({"error", "errors", "fault"})
"""How the member of an answer is called that says what went wrong."""
_BOM: Final = b"\xef\xbb\xbf"


def records(document: Document, mapping: Mapping) -> Iterator[Record]:
    """The records of a document in its order; none where `only` does not want the document.

    Raises `VendorChanged` where it is none of JSON, JSON lines, XML, form, lines of `name=value` and multipart, where
    it is cut short, and where nothing lies at the map's `records`, or null, or one thing alone in which the map finds
    nothing.
    """
    parts = multipart.parts(document)
    if parts is None:
        yield from _of(document.body, document.content_type, mapping)
        return
    if not parts:
        raise VendorChanged("is a multipart body without parts", document.body)
    if all(is_picture(part.body) for part in parts):
        yield Record(NOTHING, document.body)
        return
    if not any(part.name for part in parts):
        yield from _streamed(parts, mapping)
        return
    main_part = next((part for part in parts if _is_document(part.body)), None)
    if main_part is None:
        yield from _numbered(MULTIPART, multipart.framed(document), mapping)
        return
    beside = _named(part for part in parts if part is not main_part)
    for record in _of(main_part.body, main_part.content_type, mapping):
        yield record._replace(attachments=beside)


def must_be_empty(document: Document, mapping: Mapping) -> None:
    """Return where an answer without records has an empty list at the map's `records`, whatever `only` says.

    Raises `VendorChanged` where nothing is there, or an error beside it: that is not how a source says that it has
    none.
    """
    for body in _lines(document.body):
        _chains(WHOLE, body, mapping.records, mapping.null_is_empty)
        root = decoded(body, AS_WRITTEN.decode)
        for name, value in root.items() if isinstance(root, dict) else ():
            if value and name.casefold() in _ERRORS:
                raise VendorChanged(f"tells an error in its member {name} beside a list without records", body)


def must_tell(document: Document, found: Sequence[Record], mapping: Mapping) -> None:
    """Return where any record of an answer may be one; raises `VendorChanged` where the map finds nothing in any."""
    for record in found:
        try:
            here = scope(record, mapping)
        except Unusable:
            continue
        if mapping.tells(here):
            return
    raise VendorChanged("holds nothing where the map says that plates, times and cameras are", document.body)


def scope(record: Record, mapping: Mapping) -> Scope:
    """Where the map's paths are looked up for a record; raises `Unusable` where the payload cannot be read."""
    if record.kind == NOTHING:
        raise NoRead("record", "is a picture or a word alone and tells of no plate")
    try:
        if record.kind == ELEMENT:
            return Scope((decoded(record.payload, AS_WRITTEN.decode),), record.attachments)
        if record.kind == XML_ELEMENT:
            return Scope((xml.tree(xml.element(record.payload)),), record.attachments)
        chains, beside, damaged = _chains(record.kind, record.payload, mapping.records, mapping.null_is_empty)
    except VendorChanged as changed:
        raise Unusable("record", str(changed)) from None
    for what in damaged:
        damage.note(what)
    if not 0 <= record.part < len(chains):
        raise Unusable("records", "are fewer than the record says")
    return Scope(chains[record.part], record.attachments or beside)


def _streamed(parts: Sequence[multipart.Part], mapping: Mapping) -> Iterator[Record]:
    """The records of a stream's parts, each with the pictures that come behind it, by their numbers from 1 on.

    A part that cannot be read costs itself alone.
    """
    texts = [at for at, part in enumerate(parts) if not is_picture(part.body)]
    for at, until in zip(texts, [*texts[1:], len(parts)], strict=True):
        part, behind = parts[at], parts[at + 1 : until]
        pictures = {str(number): each.body for number, each in enumerate(behind, 1)}
        try:
            found = list(_of(part.body, part.content_type, mapping))
        except VendorChanged:
            found = [Record(NOTHING if part.body.strip().isalpha() else ELEMENT, part.body)]
        yield from (record._replace(attachments=pictures) for record in found)


def _of(body: bytes, content_type: str, mapping: Mapping) -> Iterator[Record]:
    first = in_utf8(body[:64]).lstrip()[:1]
    if first == b"<":
        yield from _elements(body, mapping)
    elif first in (b"{", b"["):
        yield from _json(body, mapping)
    elif written.is_form(body, content_type):
        yield from _numbered(FORM, body, mapping)
    elif written.is_pairs(body):
        yield from _numbered(PAIRS, body, mapping)
    else:
        raise VendorChanged("is neither JSON nor XML nor a form nor lines of name=value", body)


def _json(body: bytes, mapping: Mapping) -> Iterator[Record]:
    lines = _lines(body)
    for document in lines:
        if len(lines) > 1 and not _is_json(document):
            yield Record(ELEMENT, document)
            continue
        raw = None if mapping.reaches_out else _sliced(document, compiled(mapping.records).steps)
        if raw is None:
            whole = list(_numbered(WHOLE, document, mapping))
            _must_fit(document, len(whole))
            yield from whole
        else:
            if len(raw) == 1 and mapping.records:
                _must_tell(scope(Record(ELEMENT, raw[0]), mapping), mapping, body)
            yield from (Record(ELEMENT, payload) for payload in raw)


def _lines(body: bytes) -> list[bytes]:
    """The documents of JSON lines, or those that stand behind one another; the body itself where it is one."""
    lines = [line for line in body.removeprefix(_BOM).split(b"\n") if line.strip(NO_LINE)]
    return lines if len(lines) > 1 and _is_json(lines[0]) else apart(body) or [body]


def _sliced(body: bytes, steps: tuple[str | None, ...]) -> list[bytes] | None:
    """The records as the bytes that arrived; None where they cannot be cut out of the document."""
    pieces = slices(body)
    if not steps:
        return pieces if isinstance(pieces, list) else [body]
    step, *rest = steps
    if step is EVERY:
        inside = pieces if isinstance(pieces, list) else [body]
        if not rest:
            return inside
        cut = [_sliced(raw, tuple(rest)) if raw[:1] in (b"{", b"[") else None for raw in inside]
        return None if None in cut else [raw for part in cut if part for raw in part]
    raw = pieces.get(step, b"") if isinstance(pieces, dict) else b""
    return _sliced(raw, tuple(rest)) if raw[:1] in (b"{", b"[") else None


def _elements(body: bytes, mapping: Mapping) -> Iterator[Record]:
    """The records of XML, each as its own element where that is certain to say the same.

    Of several documents behind one another, one that is none costs itself alone.
    """
    for piece in (pieces := apart(body)):
        try:
            yield from _elements(piece, mapping)
        except VendorChanged:
            yield Record(XML_ELEMENT, piece)
    if pieces:
        return
    whole = list(_numbered(XML, body, mapping))
    named = next((step for step in reversed(compiled(mapping.records).steps) if step is not EVERY), None)
    if len(whole) > 1 and named and not mapping.reaches_out:
        chains, *_ = _chains(XML, body, mapping.records, mapping.null_is_empty)
        try:
            cut = xml.cut(body, named)
            alike = [xml.tree(xml.element(each)) for each in cut] == [chain[-1] for chain in chains]
        except (VendorChanged, Unusable):
            alike = False
        if alike:
            yield from (Record(XML_ELEMENT, each) for each in cut)
            return
    _must_fit(body, len(whole))
    yield from whole


def _must_fit(body: bytes, records: int) -> None:
    if records > 1 and records * len(body) > MOST_BYTES:
        raise VendorChanged(
            f"has {records} records, too many to be kept whole with each of them: the map must look into them only",
            body,
        )


def _numbered(kind: str, payload: bytes, mapping: Mapping) -> Iterator[Record]:
    try:
        chains, beside, _ = _chains(kind, payload, mapping.records, mapping.null_is_empty)
    except Unusable as unusable:
        raise VendorChanged(f"cannot be read: {unusable}", payload) from None
    except _NoRecords as missing:
        if mapping.unwanted(Scope((missing.root,))) is not None:
            return
        raise VendorChanged(str(missing), missing.body) from None
    if len(chains) == 1 and mapping.records:
        _must_tell(Scope(chains[0], beside), mapping, payload)
    yield from (Record(kind, payload, part) for part in range(len(chains)))


class _NoRecords(VendorChanged):
    """A document without the place where its records should lie, or with null there."""

    def __init__(self, root: Any, where: str, body: bytes, *, null: bool) -> None:
        text = f"has nothing at records: {where}"
        if null:
            text = (
                f"has null where a list should be, at records: {where}; if that is how the sender says that there are"
                " none, set null_is_empty to true in the map"
            )
        super().__init__(text, body)
        self.root = root


def _must_tell(found: Scope, mapping: Mapping, body: bytes) -> None:
    """Return where the only record of a document may be one.

    An error stands where records should: to refuse it as a record would be to take the answer for a whole one.
    """
    if not mapping.tells(found):
        raise VendorChanged(
            f"holds one thing alone at records: {mapping.records}, and nothing in it is where the map says", body
        )


# Cached, since each record of a document asks for the whole of it; the result depends on the bytes alone.
@lru_cache(maxsize=4)
def _chains(
    kind: str, payload: bytes, where: str, null_is_empty: bool
) -> tuple[list[tuple[Any, ...]], dict[str, bytes], list[str]]:
    """The records of a document, the parts beside it, and what of it arrived damaged."""
    with damage.watching() as damaged:
        root, beside = _root(kind, payload)
    try:
        # An element of XML that is empty is a list that is.
        return members(root, compiled(where), null_is_empty=null_is_empty or kind == XML), beside, damaged
    except LookupError as missing:
        raise _NoRecords(root, where, payload, null=isinstance(missing, Null)) from None


def _root(kind: str, payload: bytes) -> tuple[Any, dict[str, bytes]]:
    if kind == XML:
        return xml.tree(xml.element(payload)), {}
    if kind == FORM:
        return written.form(payload), {}
    if kind == PAIRS:
        return written.pairs(payload), {}
    if kind == MULTIPART:
        parts = multipart.parts(Document(payload, ""))
        if parts is None:
            raise VendorChanged("is not the multipart body that it was", payload)
        texts = {part.name: part.body.decode() for part in parts if part.name and _is_text(part)}
        return texts, _named(iter(parts))
    return decoded(payload, AS_WRITTEN.decode), {}


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _is_document(body: bytes) -> bool:
    first = in_utf8(body[:64]).lstrip()[:1]
    try:
        if first == b"<":
            xml.element(body)
        elif first in (b"{", b"["):
            slices(body)
        else:
            return False
    except VendorChanged:
        return False
    return True


def _is_text(part: multipart.Part) -> bool:
    if part.filename or part.content_type.startswith("image/"):
        return False
    try:
        part.body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _named(parts: Iterator[multipart.Part]) -> dict[str, bytes]:
    """The bytes of each part by the name of its field; where that is taken or missing, by the name of its file."""
    bodies: dict[str, bytes] = {}
    for part in parts:
        bodies.setdefault(part.name or part.filename, part.body)
        if part.filename:
            bodies.setdefault(part.filename, part.body)
    return bodies
