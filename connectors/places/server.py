"""`Server`: a place behind SFTP."""

import base64
import logging
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paramiko

from connectors.errors import AdminMustFix, Gone, TryAgain
from connectors.places.place import UNFINISHED, Access, File, by_name, capped, hidden, plain, told
from connectors.refusals import ANSWERING, CONNECTING
from connectors.server_words import no_session

# Without a handler Python prints logged errors to the terminal, with pages of traceback beside our sentence.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_THEM: Final = "the user of the connection"


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Gives SFTP's refusals the name of what happens next, as `told` does with the operating system's."""
    try:
        with told(what, _THEM):
            yield
    except (EOFError, paramiko.SSHException):
        raise TryAgain(f"{what} was not reached: the connection broke off") from None


class _AnyNames(paramiko.SFTPClient):
    """Takes names as the server's disk has them, where paramiko gives up at the first that is not UTF-8."""

    def _request(self, kind: Any, *args: Any) -> Any:
        code, message = super()._request(kind, *args)  # type: ignore[misc]
        if message is not None:
            message.get_text = lambda: message.get_string().decode("utf-8", "surrogateescape")
        return code, message


class Server:
    """A folder at a server, and one level of folders below it."""

    def __init__(self, client: paramiko.SFTPClient, root: str) -> None:
        self._client = client
        self._root = PurePosixPath(root)

    def files(self, folder: str) -> list[File]:
        try:
            with _in_words(f"the server's folder {str(self._root / folder)!r}"):
                listed = self._client.listdir_attr(str(self._root / folder))
        except Gone:
            return []
        files = [
            File(entry.filename, entry.st_size or 0, datetime.fromtimestamp(entry.st_mtime or 0, UTC))
            for entry in listed
            if stat.S_ISREG(entry.st_mode or 0) and not hidden(entry.filename)
        ]
        return sorted(files, key=by_name)

    def read(self, folder: str, name: str, most: int) -> bytes:
        path, data = str(self._root / folder / plain(name)), BytesIO()
        with _in_words(f"the server's file {path!r}"):
            there = path.encode("utf-8", "surrogateescape")
            if (self._client.stat(there).st_size or 0) <= most:
                self._client.getfo(there, data, max_concurrent_prefetch_requests=64)
                return capped(data.getvalue(), most, name)
        raise AdminMustFix(f"the file {name!r} is larger than {most:,} bytes, the most that is taken")

    def write(self, folder: str, name: str, data: bytes) -> None:
        path = str(self._root / folder / plain(name))
        with _in_words(f"the server's file {path!r}"):
            self._make(str(self._root / folder))
            self._client.putfo(BytesIO(data), path + UNFINISHED)
            self._client.posix_rename(path + UNFINISHED, path)

    def _make(self, folder: str) -> None:
        try:
            self._client.stat(folder)
        except FileNotFoundError:
            self._client.mkdir(folder)


@contextmanager
def session(address: str, access: Access) -> Iterator[paramiko.SFTPClient]:
    """A session with the server at an address, for as long as the block lasts."""
    parts = urlsplit(address)
    if not access.host_key:
        raise AdminMustFix(
            "host_key is not set, and without it the SFTP server cannot be told from an impostor: ask who runs it, and"
            f" set what `ssh-keyscan {parts.hostname}` prints if it is the same"
        )
    kind, _, text = access.host_key.strip().partition(" ")
    host = parts.hostname or ""
    ssh = paramiko.SSHClient()
    ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        key = paramiko.PKey.from_type_string(kind, base64.b64decode(text.split()[0]))
    except (ValueError, IndexError, paramiko.SSHException):
        raise AdminMustFix(
            "host_key is not a host key: it must look like `ssh-ed25519 AAAA…`, without the host's name"
        ) from None
    port = parts.port or 22
    ssh.get_host_keys().add(host if port == 22 else f"[{host}]:{port}", kind, key)
    try:
        user, private = unquote(parts.username or ""), _private(access.private_key)
        try:
            ssh.connect(
                host,
                port,
                sock=socket.create_connection((host, port), CONNECTING),
                username=user,
                password=access.secret,
                pkey=private,
                allow_agent=False,
                look_for_keys=False,
                timeout=ANSWERING,
                banner_timeout=ANSWERING,
                auth_timeout=ANSWERING,
            )
            transport = ssh.get_transport()
            client = _AnyNames.from_transport(transport) if transport else None
            if client is None:
                raise EOFError
        except (OSError, EOFError, paramiko.SSHException) as refused:
            raise no_session(refused, host, port, user) from None
        yield client
    finally:
        ssh.close()


def _private(text: str | None) -> paramiko.PKey | None:
    if not text:
        return None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(StringIO(text.strip() + "\n"))
        except (paramiko.SSHException, ValueError):
            continue
    raise AdminMustFix(
        "private_key is none that can be read: it must be an OpenSSH Ed25519, ECDSA or RSA key without passphrase"
    )
