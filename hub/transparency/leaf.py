"""`Leaf`: an event as the log keeps it for ever: its place among the others, its bytes (RFC 8785), and their hash."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import rfc8785

from hub.transparency.tree import Frontier, leaf_hash

INDEX = "index"
"""The key of an event's place, from 0: an event that stands elsewhere is not the same one."""


class Leaf(NamedTuple):
    """An event in its place, from 0: `document` is its canonical JSON, `hash` that of the tree's leaf."""

    place: int
    document: bytes
    hash: bytes


def leaf(event: Mapping[str, Any], index: int) -> Leaf:
    """An event in its place; raises `ValueError` for what no JSON number or text can hold exactly."""
    document = rfc8785.dumps({**event, INDEX: index})
    return Leaf(index, document, leaf_hash(document))


def grown(tree: Frontier, events: Iterable[Mapping[str, Any]]) -> Iterator[Leaf]:
    """The leaves of events that come next in a tree, each once the tree has it."""
    for event in events:
        placed = leaf(event, tree.size)
        tree.append(placed.hash)
        yield placed
