"""Hostile XML as the mappings that `Fields` reads: local names, text, and lists where a name comes twice."""

import re
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connectors.contract import Record
from connectors.errors import VendorChanged
from connectors.fields import Fields
from normalize.fault import Unusable

DEEPEST: Final = 40


def element(body: bytes) -> Element:
    """The root of a document; raises `VendorChanged` for what is cut short, no XML, or declares entities."""
    try:
        return fromstring(body.removeprefix(b"\xef\xbb\xbf").strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise VendorChanged("is cut short or not XML", body) from None


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

    Raises `VendorChanged` where they cannot be told apart with certainty: a prefix whose meaning would stay behind, an
    encoding other than UTF-8, the name inside itself or inside a comment.
    """
    there = sum(local(each.tag) == name for each in element(body).iter())
    tag = re.escape(name.encode())
    pieces = [
        each.group() for each in re.finditer(rb"<%b(?:\s[^<>]*)?(?:/>|>.*?</%b\s*>)" % (tag, tag), body, re.DOTALL)
    ]
    encoding = re.match(rb"\s*<\?xml[^>]*encoding=[\"']([\w-]+)", body.removeprefix(b"\xef\xbb\xbf"))
    if len(pieces) != there or (encoding and encoding[1].lower() not in (b"utf-8", b"utf8", b"us-ascii")):
        raise VendorChanged(f"cannot be cut into its {name} elements", body)
    return pieces


def fields(record: Record) -> Fields:
    """The record's payload as fields below its root; raises `Unusable` where it is no XML."""
    try:
        return Fields(tree(element(record.payload)) or {})
    except VendorChanged as changed:
        raise Unusable("record", str(changed)) from None
