"""`Checkpoint`: how large a log was and what its root was, signed: a note as C2SP has it.

alprhub audit log of Example PD        whose log it is
1204                                   how many events
base64(root)

— alprhub-audit-log-of-Example-PD base64(key id, 4 bytes; Ed25519 signature, 64 bytes)
"""

import re
from base64 import b64decode, b64encode
from binascii import Error
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.transparency.tree import WIDTH, ProofBroken

_ED25519: Final = b"\x01"
_NOTE: Final = re.compile(r"([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/=]+)\n\n— ([^\n]+) ([A-Za-z0-9+/=]+)\n", re.ASCII)
_KEY_ID: Final = 4
_SIGN: Final = re.compile(r"[\s+]+")


class Checkpoint(NamedTuple):
    """A log at one moment: whose it is, how many events it had, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    def signed(self, key: Ed25519PrivateKey) -> str:
        """The note: this, and its signature."""
        name = named(self.origin)
        signature = _key_id(name, key.public_key()) + key.sign(self.body.encode())
        return f"{self.body}\n— {name} {b64encode(signature).decode()}\n"


def opened(note: str, key: Ed25519PublicKey) -> Checkpoint:
    """What a note says that was signed with this key; raises `ProofBroken` where it was not, or is no note."""
    match = _NOTE.fullmatch(note)
    if match is None:
        raise ProofBroken("this is no checkpoint: a name, a size, a root and a signature stand in one")
    origin, size, root, signer, signature = match.groups()
    try:
        checkpoint = Checkpoint(origin, int(size), b64decode(root, validate=True))
        raw = b64decode(signature, validate=True)
    except Error:
        raise ProofBroken("the root or the signature of the checkpoint is no Base64") from None
    if len(checkpoint.root) != WIDTH:
        raise ProofBroken(f"the root of the checkpoint has not {WIDTH} bytes")
    if signer != named(origin) or raw[:_KEY_ID] != _key_id(signer, key):
        raise ProofBroken("the checkpoint was signed with another key")
    try:
        key.verify(raw[_KEY_ID:], checkpoint.body.encode())
    except InvalidSignature:
        raise ProofBroken("the checkpoint's signature is not that of its text") from None
    return checkpoint


def named(origin: str) -> str:
    """The name of a log as a signature names it, in which no space may stand."""
    return _SIGN.sub("-", origin).strip("-")


def verifier_key(origin: str, key: Ed25519PublicKey) -> str:
    """The public key as others are given it: name, key id, Base64."""
    name = named(origin)
    return f"{name}+{_key_id(name, key).hex()}+{b64encode(_ED25519 + key.public_bytes_raw()).decode()}"


def public_key(text: str) -> Ed25519PublicKey:
    """The key that `verifier_key` wrote; raises `ProofBroken` for anything else."""
    name, _, rest = text.strip().partition("+")
    ident, _, encoded = rest.partition("+")
    try:
        raw = b64decode(encoded, validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw[1:])
    except ValueError:
        raise ProofBroken("this is no public key of an audit log: name+id+key") from None
    if raw[:1] != _ED25519 or ident != _key_id(name, key).hex():
        raise ProofBroken("this is no public key of an audit log: its id is not that of its key")
    return key


def _key_id(name: str, key: Ed25519PublicKey) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:_KEY_ID]
