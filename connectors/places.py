"""Where files are dropped: a local folder, a bucket, an SFTP server, all behind one small protocol."""

import base64
import logging
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

import boto3
import paramiko
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from connectors import durable
from connectors.bucket_words import refusal
from connectors.errors import AdminMustFix, Gone, TryAgain
from connectors.file_words import why
from connectors.refusals import ANSWERING, CONNECTING
from connectors.server_words import no_session

# Where nobody listens to logs, Python writes an error's to the terminal, with pages of traceback beside our sentence.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

UNFINISHED: Final = ".part"
"""How a file is named while it is being written; such names are never listed."""
_US: Final = "the user who runs this"
_THEM: Final = "the user of the connection"


@dataclass(frozen=True, slots=True)
class File:
    """A file as its folder lists it; `modified` is the storage's own clock, in UTC."""

    name: str
    size: int
    modified: datetime


class DropPlace(Protocol):
    """A tree of two levels: folders of files. Every method raises `AdminMustFix` or `TryAgain` as the cause asks."""

    def files(self, folder: str) -> list[File]:
        """The finished files of a folder, by name; none where the folder does not exist yet."""

    def read(self, folder: str, name: str, most: int) -> bytes:
        """A file's bytes; `Gone` where it is not there, `AdminMustFix` above `most` bytes."""

    def write(self, folder: str, name: str, data: bytes) -> None:
        """Put a file there whole: whoever lists the folder sees the old file or the new one, never a half."""


@dataclass(frozen=True, slots=True)
class Access:
    """What opens a place, beside its address. For S3 an id and a key, for SFTP a password or a private key."""

    key_id: str | None = None
    secret: str | None = None
    private_key: str | None = None
    endpoint_url: str | None = None
    host_key: str | None = None
    """The SFTP server's public key as `ssh-keyscan` prints it: type and base64. Without it nothing is sent."""


@contextmanager
def opened(address: str, access: Access | None = None) -> Iterator[DropPlace]:
    """The place at a folder path, `s3://bucket/prefix` or `sftp://user@host:port/path`, closed afterwards."""
    access = access or Access()
    parts = urlsplit(address)
    if parts.scheme == "s3":
        yield _Bucket(parts.netloc, parts.path.strip("/"), access)
    elif parts.scheme == "sftp":
        with _sftp(address, access) as client:
            yield _Server(client, unquote(parts.path) or "/")
    elif "://" in address:
        raise AdminMustFix(
            f"a place cannot begin with {parts.scheme}://: it is a folder, s3://BUCKET/PREFIX or sftp://USER@HOST/PATH"
        )
    else:
        yield _Folder(Path(address))


def _plain(name: str) -> str:
    """The same name; raises `Gone` where it leads anywhere but into its folder."""
    if not name or "/" in name or "\\" in name or "\x00" in name or name in (".", ".."):
        raise Gone("no file can have that name here")
    return name


def _capped(data: bytes, most: int, name: str) -> bytes:
    if len(data) > most:
        raise AdminMustFix(f"the file {name!r} is larger than {most:,} bytes, the most that is taken")
    return data


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.endswith(UNFINISHED)


@contextmanager
def _told(what: str, whose: str) -> Iterator[None]:
    """Gives the operating system's refusals, and SFTP's, the name of what happens next.

    `what` names the file or folder, `whose` who must give a right to it.
    """
    try:
        yield
    except FileNotFoundError:
        raise Gone(f"{what} is not there") from None
    except PermissionError:
        raise AdminMustFix(f"{what} may not be read or written: give {whose} the right to it") from None
    except OSError as failed:
        if failed.errno is None:
            raise TryAgain(f"{what} was not reached: the connection broke off") from None
        raise TryAgain(f"{what} {why(failed)}") from None
    except (EOFError, paramiko.SSHException):
        raise TryAgain(f"{what} was not reached: the connection broke off") from None


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self, folder: str) -> list[File]:
        if not self._root.is_dir():
            raise AdminMustFix(
                f"the folder {str(self._root)!r} does not exist on this machine: make it, mount its disk, or mend the"
                " setting place"
            )
        found = []
        with _told(f"the folder {str(self._root / folder)!r}", _US):
            if not (self._root / folder).is_dir():
                return []
            for entry in os.scandir(self._root / folder):
                # A link could lead out of the folder that the admin named.
                if entry.is_file(follow_symlinks=False) and not _hidden(entry.name):
                    seen = entry.stat(follow_symlinks=False)
                    found.append(File(entry.name, seen.st_size, datetime.fromtimestamp(seen.st_mtime, UTC)))
        return sorted(found, key=lambda file: file.name)

    def read(self, folder: str, name: str, most: int) -> bytes:
        path = self._root / folder / _plain(name)
        with _told(f"the file {str(path)!r}", _US), os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return _capped(file.read(most + 1), most, name)

    def write(self, folder: str, name: str, data: bytes) -> None:
        path = self._root / folder / _plain(name)
        with _told(f"the file {str(path)!r}", _US):
            durable.make_folder(path.parent)
            durable.replace(path, data)


class _Bucket:
    def __init__(self, bucket: str, prefix: str, access: Access) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._endpoint = access.endpoint_url
        # One more try than none: the hub's own back-off does the rest.
        config = Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=10, read_timeout=60)
        try:
            # A session of its own: the shared one must not be used by two threads.
            self._client: Any = boto3.session.Session().client(
                "s3",
                endpoint_url=access.endpoint_url,
                aws_access_key_id=access.key_id,
                aws_secret_access_key=access.secret,
                config=config,
            )
        except (BotoCoreError, ValueError) as failed:
            raise refusal(failed, bucket, access.endpoint_url) from None

    def files(self, folder: str) -> list[File]:
        prefix = f"{self._prefix}{folder}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        listed = self._asked(lambda: [item for page in pages for item in page.get("Contents", ())])
        files = [File(item["Key"].removeprefix(prefix), item["Size"], item["LastModified"]) for item in listed]
        return sorted(
            (one for one in files if one.name and "/" not in one.name and not _hidden(one.name)), key=_by_name
        )

    def read(self, folder: str, name: str, most: int) -> bytes:
        key = f"{self._prefix}{folder}/{_plain(name)}"

        def ask() -> bytes:
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read(most + 1)
            return body

        return _capped(self._asked(ask), most, name)

    def write(self, folder: str, name: str, data: bytes) -> None:
        key = f"{self._prefix}{folder}/{_plain(name)}"
        self._asked(lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=data))

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except (ClientError, BotoCoreError) as failed:
            raise refusal(failed, self._bucket, self._endpoint) from None


class _AnyNames(paramiko.SFTPClient):
    """Takes names as the server's disk has them, where paramiko gives up at the first that is not UTF-8."""

    def _request(self, kind: Any, *args: Any) -> Any:
        told, message = super()._request(kind, *args)  # type: ignore[misc]
        if message is not None:
            message.get_text = lambda: message.get_string().decode("utf-8", "surrogateescape")
        return told, message


class _Server:
    def __init__(self, client: paramiko.SFTPClient, root: str) -> None:
        self._client = client
        self._root = PurePosixPath(root)

    def files(self, folder: str) -> list[File]:
        try:
            with _told(f"the server's folder {str(self._root / folder)!r}", _THEM):
                listed = self._client.listdir_attr(str(self._root / folder))
        except Gone:
            return []
        files = [
            File(one.filename, one.st_size or 0, datetime.fromtimestamp(one.st_mtime or 0, UTC))
            for one in listed
            if stat.S_ISREG(one.st_mode or 0) and not _hidden(one.filename)
        ]
        return sorted(files, key=_by_name)

    def read(self, folder: str, name: str, most: int) -> bytes:
        path, data = str(self._root / folder / _plain(name)), BytesIO()
        with _told(f"the server's file {path!r}", _THEM):
            there = path.encode("utf-8", "surrogateescape")
            if (self._client.stat(there).st_size or 0) <= most:
                self._client.getfo(there, data, max_concurrent_prefetch_requests=64)
                return _capped(data.getvalue(), most, name)
        raise AdminMustFix(f"the file {name!r} is larger than {most:,} bytes, the most that is taken")

    def write(self, folder: str, name: str, data: bytes) -> None:
        path = str(self._root / folder / _plain(name))
        with _told(f"the server's file {path!r}", _THEM):
            self._make(str(self._root / folder))
            self._client.putfo(BytesIO(data), path + UNFINISHED)
            self._client.posix_rename(path + UNFINISHED, path)

    def _make(self, folder: str) -> None:
        try:
            self._client.stat(folder)
        except FileNotFoundError:
            self._client.mkdir(folder)


def _by_name(file: File) -> str:
    return file.name


@contextmanager
def _sftp(address: str, access: Access) -> Iterator[paramiko.SFTPClient]:
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
