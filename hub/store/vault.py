"""Secrets at rest: AES-256-GCM under a key that never lies in the database."""

import base64
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import IntegrityBroken, Invalid

_NONCE: Final = 12
_KEY: Final = 32


class Vault:
    """Seals and opens small texts; each is bound to what it belongs to, so it cannot be moved to another row."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY:
            raise Invalid("secret_key: must be the Base64 of 32 bytes")
        self._cipher = AESGCM(key)

    @classmethod
    def of_file(cls, path: Path) -> "Vault":
        """The vault of a key file, which is made (owner-readable only) where there is none."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(path.read_bytes())
        with os.fdopen(descriptor, "wb") as file:
            key = os.urandom(_KEY)
            file.write(key)
            os.fsync(file.fileno())
        return cls(key)

    @classmethod
    def of_text(cls, text: str) -> "Vault":
        """The vault of a Base64 key."""
        try:
            return cls(base64.b64decode(text, validate=True))
        except ValueError:
            raise Invalid("secret_key: must be the Base64 of 32 bytes") from None

    def seal(self, text: bytes, owner: str) -> bytes:
        """The sealed text of an owner."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, text, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes:
        """The text again; raises `IntegrityBroken` where the key is another or the bytes were changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode())
        except InvalidTag:
            raise IntegrityBroken(f"the secrets of {owner} cannot be opened: wrong key, or changed bytes") from None
