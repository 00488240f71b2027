"""The audit log as a Merkle tree (RFC 9162, section 2.1, SHA-256): what proves that an event is in it, and that a log
went on from another.

Standard library alone: the checker that an agency hands to a court is made of this file.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

EMPTY: Final = sha256().digest()
"""The root of a tree without leaves."""
WIDTH: Final = len(EMPTY)
"""Bytes of a hash."""
Subtree = Callable[[int, int], bytes]
"""The root over the leaves from `begin` up to, and without, `end`."""


class ProofBroken(ValueError):
    """A proof does not prove what it was given for."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf that holds this."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two others."""
    return sha256(b"\1" + left + right).digest()


class Frontier:
    """A tree that grows: of it only the roots of its full subtrees are kept, the largest first."""

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        """Go on from what another one had; raises `ValueError` where so many leaves have not so many full subtrees."""
        if size < 0 or size.bit_count() != len(roots):
            raise ValueError(f"{size} leaves have {size.bit_count()} full subtrees, not {len(roots)}")
        self.size = size
        self.roots = list(roots)

    def append(self, node: bytes, height: int = 0) -> None:
        """Add the hash of a leaf, or the root of a full subtree of 2 ** `height` leaves, where it has a place."""
        full, rest = divmod(self.size, 1 << height)
        if rest:
            raise ValueError(f"behind {self.size} leaves there is no place for a full subtree of {1 << height}")
        while full & 1:
            node, full = node_hash(self.roots.pop(), node), full >> 1
        self.roots.append(node)
        self.size += 1 << height

    @property
    def root(self) -> bytes:
        """The root of the tree as it is."""
        if not self.roots:
            return EMPTY
        node = self.roots[-1]
        for left in self.roots[-2::-1]:
            node = node_hash(left, node)
        return node


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over the hashes of leaves."""
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """What proves that a leaf is the one with this index (from 0) among so many."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(begin, middle))
            begin = middle
    return proof[::-1]


def consistency_proof(former: int, size: int, subtree: Subtree) -> list[bytes]:
    """What proves that a tree of so many leaves goes on from what it was with `former` of them."""
    if not 0 < former <= size:
        raise ValueError(f"a log of {size} events does not go on from one of {former}")
    proof: list[bytes] = []
    begin, end, whole = 0, size, True
    while former != end:
        middle = begin + _split(end - begin)
        if former <= middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(begin, middle))
            begin, whole = middle, False
    if not whole:
        proof.append(subtree(begin, end))
    return proof[::-1]


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Return if the proof leads from the leaf with this index among so many to the root; else raises `ProofBroken`."""
    if not 0 <= index < size:
        raise ProofBroken(f"there is no leaf {index} among {size}")
    _must_be_hashes(leaf, root, *proof)
    node, last = leaf, size - 1
    for beside in proof:
        if not last:
            raise ProofBroken("the proof is longer than the way to the root")
        if index & 1 or index == last:
            node = node_hash(beside, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, beside)
        index, last = index >> 1, last >> 1
    if last:
        raise ProofBroken("the proof is shorter than the way to the root")
    if node != root:
        raise ProofBroken("the proof leads to another root")


def check_consistency(former: int, size: int, former_root: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Return if the proof leads to both roots; else raises `ProofBroken`. Of an empty log nothing can be proved."""
    if not 0 < former <= size:
        raise ProofBroken(f"a log of {size} events does not go on from one of {former}")
    if former == size:
        if proof or former_root != root:
            raise ProofBroken("two logs of one size have two roots, or a proof of nothing")
        return
    _must_be_hashes(former_root, root, *proof)
    index, last = former - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    rest = list(proof)
    if index and not rest:
        raise ProofBroken("the proof is shorter than the way to the root")
    # Where the former log is one full subtree its root is on the way.
    then = now = rest.pop(0) if index else former_root
    for beside in rest:
        if not last:
            raise ProofBroken("the proof is longer than the way to the root")
        if index & 1 or index == last:
            then, now = node_hash(beside, then), node_hash(beside, now)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            now = node_hash(now, beside)
        index, last = index >> 1, last >> 1
    if last:
        raise ProofBroken("the proof is shorter than the way to the root")
    if then != former_root or now != root:
        raise ProofBroken("the proof leads to another root")


def _must_be_hashes(*hashes: bytes) -> None:
    if any(len(each) != WIDTH for each in hashes):
        raise ProofBroken(f"a hash has not {WIDTH} bytes")


def _split(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)
