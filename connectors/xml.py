"""Hostile XML as the mappings that `Fields` reads: local names, text, and lists where a name comes twice."""

import codecs
import re
from html.entities import html5
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connectors.charset import codec, is_utf8
from connectors.contract import Record
from connectors.damage import LETTERS, MARK, MARKUP, note
from connectors.encoding import in_utf8
from connectors.errors import VendorChanged
from connectors.fields import Fields
from normalize.fault import Unusable

DEEPEST: Final = 40
_DECLARED: Final = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"'][^>]{0,100}\?>")
_DECLARATION: Final = re.compile(r"<\?xml[^>]{0,300}\?>")
_OURS: Final = (b"utf-8", b"utf8", b"us-ascii", b"ascii")
_PADDING: Final = re.compile(r"\x00[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*(?=\s*(?:<|[\"'][\s/>]))")
"""NUL, and control characters behind it, before the end of a text or of an attribute: what a buffer of fixed size has
behind its text. A control character without NUL may stand for any other."""
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CHARACTER: Final = re.compile(r"&#(x[0-9a-fA-F]{1,8}|[0-9]{1,10});")
_AMPERSAND: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,10}|#x[0-9a-fA-F]{1,8});)(?:([A-Za-z]{2,20};))?")
_CDATA: Final = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_BRACKET: Final = re.compile(r"<(?![A-Za-z_/!?:])")


def element(body: bytes) -> Element:
    """The root of a document, whose slips are mended and noted where there is one way alone to mean them.

    Raises `VendorChanged` for what is cut short, no XML even then, or declares entities.
    """
    plain = _undeclared(body).strip()
    try:
        return fromstring(plain, forbid_dtd=True)
    except DefusedXmlException:
        raise VendorChanged("is cut short or not XML", body) from None
    except (ParseError, ValueError, LookupError):
        pass
    try:
        return fromstring(_mended(plain), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise VendorChanged("is cut short or not XML", body) from None


def _undeclared(body: bytes) -> bytes:
    """The document without its mark, and without a declaration of other characters where its bytes are UTF-8."""
    plain = body.removeprefix(codecs.BOM_UTF8)
    begin = plain.lstrip()
    declared = _DECLARED.match(begin) if begin.startswith(b"<?xml") else None
    if declared is None or declared[1].lower() in _OURS:
        return plain
    if plain is body and not is_utf8(begin, codec(declared[1].decode()) or ""):
        return plain
    return begin[declared.end() :]


def _mended(body: bytes) -> str:
    """The document as text without its declaration, with its slips put right."""
    text = _PADDING.sub("", _DECLARATION.sub("", _text_of(body), count=1)).rstrip("\x00\x1a\r\n\t ")
    right = _CONTROLS.sub(MARK, _CHARACTER.sub(_character, text))
    if right != text:
        note(LETTERS)
    return _marked_up(right)


def _text_of(body: bytes) -> str:
    """The text in the characters that the document declares, or UTF-8; what cannot be read is marked."""
    plain = in_utf8(body)
    declared = _DECLARED.match(plain) if plain is body else None
    known = codec(declared[1].decode()) if declared else "utf-8"
    for encoding in (known, "utf-8"):
        try:
            return plain.decode(encoding or "utf-8")
        except UnicodeError:
            continue
    note(LETTERS)
    return plain.decode(known or "utf-8", "replace")


def _character(reference: re.Match[str]) -> str:
    """A reference as it is; what no XML may hold, as the mark."""
    digits = reference[1]
    code = int(digits[1:], 16) if digits[0] == "x" else int(digits)
    fits = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    return reference[0] if fits else MARK


def _marked_up(text: str) -> str:
    """The text with `&` and `<` written as they should be where they begin nothing, and `]]>` where it ends nothing."""
    pieces = _CDATA.split(text)
    pieces[::2] = [
        _BRACKET.sub("&lt;", _AMPERSAND.sub(_ampersand, piece)).replace("]]>", "]]&gt;") for piece in pieces[::2]
    ]
    right = "".join(pieces)
    if right != text:
        note(MARKUP)
    return right


def _ampersand(found: re.Match[str]) -> str:
    """What stands for a bare `&`; a name that HTML knows and XML does not stands for its character."""
    name = found[1]
    if name is None:
        return "&amp;"
    return escape(html5.get(name, f"&{name}"))


def local(name: str) -> str:
    """A name without its namespace: the same vendor's firmwares disagree about it."""
    return name.rpartition("}")[2]


def tree(root: Element, depth: int = 0) -> Any:
    """An element as a mapping of its children, or as its text where it has none; None where it is empty.

    Attributes are told as `@name`, the text of an element that has them as `#text`. Raises `Unusable` where elements
    lie deeper than any vendor nests them.
    """
    if depth > DEEPEST:
        raise Unusable("record", "is nested too deeply")
    text = (root.text or "").strip() or None
    if not len(root) and not root.attrib:
        return text
    members: dict[str, Any] = {f"@{local(name)}": value for name, value in root.attrib.items()}
    for child in root:
        name, value = local(child.tag), tree(child, depth + 1)
        if name not in members:
            members[name] = value
        elif isinstance(members[name], list):
            members[name].append(value)
        else:
            members[name] = [members[name], value]
    if text and not len(root):
        members["#text"] = text
    return members


def cut(body: bytes, name: str) -> list[bytes]:
    """The exact bytes of every element called `name`, in order, so that each can be kept alone.

    Of a document that is not in UTF-8 they are the same elements in UTF-8. Raises `VendorChanged` where they cannot be
    told apart with certainty: a prefix whose meaning would stay behind, the name inside itself or inside a comment.
    """
    there = sum(local(each.tag) == name for each in element(body).iter())
    tag, plain = re.escape(name.encode()), _undeclared(body).lstrip()
    declared = _DECLARED.match(plain)
    if in_utf8(plain) is not plain or (declared and declared[1].lower() not in _OURS):
        plain = _text_of(plain).encode("utf-8", "replace")
    pieces = [
        each.group() for each in re.finditer(rb"<%b(?:\s[^<>]*)?(?:/>|>.*?</%b\s*>)" % (tag, tag), plain, re.DOTALL)
    ]
    if len(pieces) != there:
        raise VendorChanged(f"cannot be cut into its {name} elements", body)
    return pieces


def fields(record: Record) -> Fields:
    """The record's payload as fields below its root; raises `Unusable` where it is no XML."""
    try:
        return Fields(tree(element(record.payload)) or {})
    except VendorChanged as changed:
        raise Unusable("record", str(changed)) from None
