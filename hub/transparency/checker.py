#!/usr/bin/env python3
"""Check an export of an audit log, with nothing but Python and the log's public key.

    python3 checker.py EXPORT.jsonl "PUBLIC KEY"

Each line of the export but the first is an event as it was written. Their hashes, with those that the first line gives
for the events left out, must lead to the root of the checkpoint that the first line has, and the checkpoint must be
signed with the key (RFC 9162 section 2.1; RFC 8032; signed notes as C2SP has them). Ask for the key where the log is
not: a copy of it must have come to you, or to somebody you trust, before the time that you ask about.

Exits with 0 where every event is proved, else with 1 and what is wrong.
"""

import json
import sys
from base64 import b64decode
from collections.abc import Iterable, Iterator
from hashlib import sha256, sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]
FORMAT = "alprhub audit log, 1"


class Wrong(Exception):
    """The export does not prove what it says."""


def node(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two others."""
    return sha256(b"\1" + left + right).digest()


def root(hashes: Iterable[tuple[int, bytes]]) -> tuple[int, bytes]:
    """The root over pairs of a height and the hash of a full subtree of that height, from the left to the right."""
    size, stack = 0, list[bytes]()
    for height, given in hashes:
        if size & ((1 << height) - 1):
            raise Wrong("a hash for events that were left out has no such place in the tree")
        value, size, full = given, size + (1 << height), size >> height
        while full & 1:
            value, full = node(stack.pop(), value), full >> 1
        stack.append(value)
    if not stack:
        return 0, sha256().digest()
    value = stack.pop()
    while stack:
        value = node(stack.pop(), value)
    return size, value


def add(one: Point, two: Point) -> Point:
    """The sum of two points of the curve, in extended coordinates."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c = 2 * one[3] * two[3] * D % P
    d = 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    """A point so many times."""
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def point(data: bytes) -> Point:
    """The point that 32 bytes mean."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (not x and sign):
        raise Wrong("the public key or the signature is no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def is_signed(key: bytes, text: bytes, signature: bytes) -> bool:
    """Whether a signature (Ed25519) of a text is that of a key."""
    base = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    scalar = int.from_bytes(signature[32:], "little")
    challenge = int.from_bytes(sha512(signature[:32] + key + text).digest(), "little") % L
    if len(signature) != 64 or scalar >= L:
        return False
    left, right = times(scalar, base), add(point(signature[:32]), times(challenge, point(key)))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def checkpoint(note: str, verifier: str) -> tuple[int, bytes]:
    """The size and the root that a note says, which was signed with this key."""
    try:
        name, ident, encoded = verifier.strip().split("+", 2)
        raw = b64decode(encoded, validate=True)
        body, _, last = note.rpartition("\n\n")
        _origin, size, encoded_root = (body + "\n").splitlines()
        dash, signer, encoded_signature = last.split()
        signature = b64decode(encoded_signature, validate=True)
    except ValueError:
        raise Wrong("the key or the checkpoint is not written as such") from None
    wanted = sha256(name.encode() + b"\n" + raw).digest()[:4]
    if raw[:1] != b"\1" or wanted.hex() != ident:
        raise Wrong("the key's id is not that of the key")
    if dash != "—" or signer != name or signature[:4] != wanted:
        raise Wrong("the checkpoint was signed with another key")
    if not is_signed(raw[1:], (body + "\n").encode(), signature[4:]):
        raise Wrong("the checkpoint's signature is not that of its text")
    return int(size), b64decode(encoded_root)


def check(lines: Iterator[bytes], verifier: str) -> str:
    """What an export proves, as a sentence; raises `Wrong`."""
    head = json.loads(next(lines, b"null"))
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise Wrong("this is no export of an audit log")
    size, signed = checkpoint(head["checkpoint"], verifier)
    first = head["first"]
    hashes = [(height, b64decode(value)) for height, value in head["before"]]
    if sum(1 << height for height, _ in hashes) != first - 1:
        raise Wrong(f"the export does not begin with event {first}")
    count = 0
    for line in lines:
        document = line.rstrip(b"\n")
        number = first + count
        if json.loads(document).get("index") != number - 1:
            raise Wrong(f"where event {number} should be stands another one")
        hashes.append((0, sha256(b"\0" + document).digest()))
        count += 1
    found, top = root(hashes + [(height, b64decode(value)) for height, value in head["after"]])
    if count != head["events"]:
        raise Wrong(f"the export has {count} events, and says that it has {head['events']}")
    if (found, top) != (size, signed):
        raise Wrong("an event was changed, or left out: the events do not lead to the root that was signed")
    return f"{count} events, from {first} to {first + count - 1} of {size}, are as they were written"


def main() -> None:
    """Check the export that the command line names."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        with open(sys.argv[1], "rb") as lines:
            sys.stdout.write(check(iter(lines), sys.argv[2]) + "\n")
    except (Wrong, OSError, KeyError, TypeError, ValueError) as failed:
        sys.exit(f"not proved: {failed}")


if __name__ == "__main__":
    main()
