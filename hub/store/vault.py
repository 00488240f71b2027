"""Secrets at rest: AES-256-GCM under a key that never lies in the database, and whose id lies beside what it sealed."""

import base64
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors import durable
from connectors.file_words import why
from hub.errors import AdminMustAct, IntegrityBroken, Invalid
from hub.settings import HubSettings
from hub.words import count, named

log: Final = logging.getLogger("alprhub.vault")

LOG: Final = "the audit log"
"""The owner of the keys that sign the audit log."""
_NONCE: Final = 12
_KEY: Final = 32
_TAG: Final = 16
_BEFORE: Final = ".before"
_OURS: Final = 0o600


class Vault:
    """Seals and opens small texts; each is bound to what it belongs to, so it cannot be moved to another row.

    It seals under one key and opens under that one and those before it, until everything is sealed anew.
    """

    def __init__(
        self,
        key: bytes | None,
        before: Iterable[bytes] = (),
        path: Path | None = None,
        owners: Iterable[str] = (),
        *,
        looks_only: bool = False,
    ) -> None:
        """Without a key nothing is sealed or opened: the key is lost, and what these `owners` have is sealed under
        it."""
        self._looks_only = looks_only
        self._keys = {key_id(secret): AESGCM(secret) for secret in (key, *before) if secret is not None}
        self.key_id = "" if key is None else key_id(key)
        """The id of the key that seals: a digest, from which nobody finds the key. Empty: the key is lost."""
        self._path = path
        self._owners = tuple(owners)

    @classmethod
    def of_file(cls, path: Path, owners: Iterable[str] = (), *, looks_only: bool = False) -> "Vault":
        """The vault of a key file, which is made (owner-readable only) where there is none and nobody needs one.

        `owners` have something that is sealed already: where there is no file its key is lost, and a new one would hide
        that. The vault has no key then until the file is back. One that `looks_only` leaves the file's rights as they
        are. Raises `AdminMustAct` for a file that is no key.
        """
        if not path.exists():
            if missed := tuple(owners):
                return cls(None, path=path, owners=missed)
            _make(path)
        key, *before = _read(path, looks_only)
        return cls(key, before, path, looks_only=looks_only)

    @classmethod
    def of_text(
        cls, text: str, before: str | None = None, file: Path | None = None, *, looks_only: bool = False
    ) -> "Vault":
        """The vault of a Base64 key; what `before`, or the key of a `file`, sealed still opens.

        Raises `Invalid` naming the setting.
        """
        former = [_decoded(before, "former_secret_key")] if before else []
        if file is not None and file.exists():
            former += _read(file, looks_only)
        return cls(_decoded(text, "secret_key"), former)

    @classmethod
    def of_settings(cls, settings: HubSettings, owners: Iterable[str] = (), *, looks_only: bool = False) -> "Vault":
        """The vault of the key that is set, else of the data folder's key file."""
        file = settings.data / "secret.key"
        if settings.secret_key is None:
            return cls.of_file(file, owners, looks_only=looks_only)
        before = settings.former_secret_key
        former = before.get_secret_value() if before else None
        return cls.of_text(settings.secret_key.get_secret_value(), former, file, looks_only=looks_only)

    def seal(self, text: bytes, owner: str) -> bytes:
        """The sealed text of an owner; note `key_id` beside it. Raises `AdminMustAct` where the key is lost."""
        self._demand()
        nonce = os.urandom(_NONCE)
        return nonce + self._keys[self.key_id].encrypt(nonce, text, owner.encode())

    def open(self, sealed: bytes, owner: str, under: str = "") -> bytes:
        """The text again; `under` is the id that was noted beside it, if one was.

        Raises `AdminMustAct` where the key is another or lost, `IntegrityBroken` where the bytes were changed.
        """
        self._demand()
        if under and under not in self._keys:
            self.refresh()  # another process may have renewed the key
        if under and under not in self._keys:
            where = "ALPRHUB_SECRET_KEY" if self._path is None else f"the key file {str(self._path)!r}"
            raise AdminMustAct(
                f"{where} has the key {self.key_id}, and the secrets of {owner} are sealed under the key {under}: bring"
                " that key back from where it is kept apart; if it is lost for good, enter them anew: alprhub"
                f" connections rotate {owner}"
            )
        for cipher in [self._keys[under]] if under else self._keys.values():
            with suppress(InvalidTag):
                return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode())
        raise IntegrityBroken(f"the secrets of {owner} cannot be opened: wrong key, or changed bytes")

    @staticmethod
    def length(text: bytes) -> int:
        """How long a text is once it is sealed."""
        return _NONCE + len(text) + _TAG

    @property
    def lost(self) -> str | None:
        """Where the key was, if it is lost and something is sealed under it, and what to do; None where it is there."""
        if self.key_id or self._path is None:
            return None
        return (
            f"the key file {str(self._path)!r} is not there, and the secrets of {named(self._owners)} are sealed under"
            " its key; no other was made. Mount the volume that it lies on, or bring the file back from where it is"
            " kept apart; if it is lost for good, enter the secrets of each anew: alprhub connections rotate NAME"
        )

    def begin_anew(self) -> None:
        """Make a key in place of one that is lost: for somebody who enters anew what was sealed under it."""
        self.refresh()
        if not self.key_id and self._path is not None:
            _make(self._path)
            self.refresh()

    @property
    def makes_its_keys(self) -> bool:
        """Whether the key lies in a file of ours; otherwise a person sets it."""
        return self._path is not None

    def refresh(self) -> None:
        """Take the key file as it is now; does nothing for a key that a person set."""
        if self._path is None or (not self.key_id and not self._path.exists()):
            return
        key, *before = _read(self._path, self._looks_only)
        self._keys |= {key_id(secret): AESGCM(secret) for secret in (key, *before)}
        self.key_id = key_id(key)

    def renew(self) -> None:
        """Seal under a new key from now on; the file keeps the one before until `forget`.

        Kill it at any moment: the file holds a whole key, and the one before lies beside it.
        """
        if self._path is None:
            raise Invalid(
                "the key is set from outside: set a new one there as ALPRHUB_SECRET_KEY, and this one as"
                " ALPRHUB_FORMER_SECRET_KEY"
            )
        self._demand()
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

    def _demand(self) -> None:
        """Return where there is a key; a file that is back is taken."""
        if not self.key_id:
            self.refresh()
        if (lost := self.lost) is not None:
            raise AdminMustAct(lost)

    def _beside(self, suffix: str) -> Path:
        assert self._path is not None
        return self._path.with_name(self._path.name + suffix)


def key_id(key: bytes) -> str:
    """The id of a key."""
    return sha256(b"alprhub key id\0" + key).hexdigest()[:12]


def _decoded(text: str, setting: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY:
        raise Invalid(f"{setting}: must be the Base64 of 32 bytes")
    return key


def _make(path: Path) -> None:
    with suppress(FileExistsError):  # somebody else's first start
        durable.create(path, os.urandom(_KEY), _OURS)


def wrong_with(path: Path, *, former: bool = False) -> str | None:
    """Why a file is no key of ours, as a sentence's end; None where it is one. Nothing is changed.

    `former` says that it holds the keys before a key, of which there may be several.
    """
    try:
        return _fault(path.read_bytes(), former)
    except OSError as refused:
        return why(refused)


def _read(path: Path, looks_only: bool) -> list[bytes]:
    """The key of a file, and those before it that are still needed."""
    before, keys = path.with_name(path.name + _BEFORE), list[bytes]()
    former = [before] if before.exists() else []
    for file, body in [(file, _content(file, looks_only)) for file in (*former, path)][::-1]:
        if (fault := _fault(body, file.name.endswith(_BEFORE))) is not None:
            raise AdminMustAct(
                f"the key file {str(file)!r} {fault}: it is damaged, or another file. Bring the right one back from"
                " where it is kept apart; if it is lost for good, move this one away and enter the secrets of each"
                " connection anew: alprhub connections rotate NAME"
            )
        keys += _keys(body)
    return keys


def _fault(body: bytes, former: bool) -> str | None:
    if former:
        return f"has {count(len(body), 'byte')}, and former keys have {_KEY} each" if len(body) % _KEY else None
    return f"has {count(len(body), 'byte')}, and a key has {_KEY}" if len(body) != _KEY else None


def _content(path: Path, looks_only: bool) -> bytes:
    """The bytes of a key file that nobody else may read; one that others can is closed to them, with a word."""
    try:
        rights = path.stat().st_mode & 0o777
        if rights & 0o077 and not looks_only:
            path.chmod(_OURS)
            log.warning(
                "the key file %r could be read by others (its rights were %o), and is its owner's alone now: whoever"
                " may have read it can open the vendors' secrets. If that is somebody, alprhub connections reseal makes"
                " a new key",
                str(path), rights,
            )  # fmt: skip
        return path.read_bytes()
    except PermissionError as refused:
        raise AdminMustAct(
            f"the key file {str(path)!r} {why(refused)}, or others can read it and it is another user's: give it to the"
            " user who runs the hub, with the rights 600"
        ) from None


def _keys(body: bytes) -> list[bytes]:
    return [body[start : start + _KEY] for start in range(0, len(body), _KEY)]
