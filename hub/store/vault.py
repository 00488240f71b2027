"""Secrets at rest: AES-256-GCM under a key that never lies in the database, and whose id lies beside what it sealed."""

import base64
import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors import durable
from hub.errors import IntegrityBroken, Invalid

_NONCE: Final = 12
_KEY: Final = 32
_BEFORE: Final = ".before"
_OURS: Final = 0o600


class Vault:
    """Seals and opens small texts; each is bound to what it belongs to, so it cannot be moved to another row.

    It seals under one key and opens under that one and those before it, until everything is sealed anew.
    """

    def __init__(self, key: bytes, before: Iterable[bytes] = (), path: Path | None = None) -> None:
        self._keys = {key_id(one): AESGCM(_checked(one)) for one in (key, *before)}
        self.key_id = key_id(key)
        """The id of the key that seals: a digest, from which nobody finds the key."""
        self._path = path

    @classmethod
    def of_file(cls, path: Path) -> "Vault":
        """The vault of a key file, which is made (owner-readable only) where there is none."""
        if not path.exists():
            with suppress(FileExistsError):  # somebody else's first start
                durable.create(path, os.urandom(_KEY), _OURS)
        key, *before = _read(path)
        return cls(key, before, path)

    @classmethod
    def of_text(cls, text: str, before: str | None = None, file: Path | None = None) -> "Vault":
        """The vault of a Base64 key; what `before`, or the key of a `file`, sealed still opens.

        Raises `Invalid` naming the setting.
        """
        former = [_decoded(before, "former_secret_key")] if before else []
        if file is not None and file.exists():
            former += _read(file)
        return cls(_decoded(text, "secret_key"), former)

    def seal(self, text: bytes, owner: str) -> bytes:
        """The sealed text of an owner; note `key_id` beside it."""
        nonce = os.urandom(_NONCE)
        return nonce + self._keys[self.key_id].encrypt(nonce, text, owner.encode())

    def open(self, sealed: bytes, owner: str, under: str = "") -> bytes:
        """The text again; `under` is the id that was noted beside it, if one was.

        Raises `IntegrityBroken` where the key is another or the bytes were changed.
        """
        if under and under not in self._keys:
            self.refresh()  # another process may have renewed the key
        if under and under not in self._keys:
            raise IntegrityBroken(
                f"the secrets of {owner} are sealed under the key {under} and this hub has the key {self.key_id}: bring"
                " that key back, or enter the secrets anew"
            )
        for cipher in [self._keys[under]] if under else self._keys.values():
            with suppress(InvalidTag):
                return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode())
        raise IntegrityBroken(f"the secrets of {owner} cannot be opened: wrong key, or changed bytes")

    @property
    def makes_its_keys(self) -> bool:
        """Whether the key lies in a file of ours; otherwise a person sets it."""
        return self._path is not None

    def refresh(self) -> None:
        """Take the key file as it is now; does nothing for a key that a person set."""
        if self._path is None:
            return
        key, *before = _read(self._path)
        self._keys |= {key_id(one): AESGCM(one) for one in (key, *before)}
        self.key_id = key_id(key)

    def renew(self) -> None:
        """Seal under a new key from now on; the file keeps the one before until `forget`.

        Kill it at any moment: the file holds a whole key, and the one before lies beside it.
        """
        if self._path is None:
            raise Invalid("secret_key: is set from outside; set a new one there, and this one as former_secret_key")
        self.refresh()
        before = self._beside(_BEFORE)
        now = self._path.read_bytes()
        # Where there is one, an earlier renewal was cut short, and rows may still need what it has.
        former = before.read_bytes() if before.exists() else b""
        if now not in _keys(former):
            durable.replace(before, former + now, _OURS)
        durable.replace(self._path, os.urandom(_KEY), _OURS)
        self.refresh()

    def forget(self) -> None:
        """Destroy every key but the one that seals: nothing is sealed under them any more."""
        self._keys = {self.key_id: self._keys[self.key_id]}
        if self._path is not None:
            # What killed renewals left beside begins with the same name, and has keys too.
            former = [path for path in (self._beside(_BEFORE), *durable.left_beside(self._path)) if path.exists()]
            for path in former:
                with path.open("r+b") as file:
                    file.write(bytes(path.stat().st_size))
                    durable.settle(file)
            durable.remove(former)

    def _beside(self, suffix: str) -> Path:
        assert self._path is not None
        return self._path.with_name(self._path.name + suffix)


def key_id(key: bytes) -> str:
    """The id of a key."""
    return sha256(b"alprhub key id\0" + key).hexdigest()[:12]


def _checked(key: bytes) -> bytes:
    if len(key) != _KEY:
        raise Invalid("secret_key: must be the Base64 of 32 bytes")
    return key


def _decoded(text: str, setting: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY:
        raise Invalid(f"{setting}: must be the Base64 of 32 bytes")
    return key


def _read(path: Path) -> list[bytes]:
    """The key of a file, and those before it that are still needed."""
    before = path.with_name(path.name + _BEFORE)
    former = before.read_bytes() if before.exists() else b""
    key = path.read_bytes()
    if len(key) != _KEY:
        raise IntegrityBroken(
            f"the key file {str(path)!r} is damaged: it has {len(key)} bytes, and a key has {_KEY}. Bring the file back"
            " from a backup; without it the secrets of every connection must be entered anew"
        )
    return [key, *_keys(former)]


def _keys(body: bytes) -> list[bytes]:
    return [body[start : start + _KEY] for start in range(0, len(body), _KEY)]
