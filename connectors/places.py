"""Where files are dropped: a local folder, a bucket, an SFTP server, all behind one small protocol."""

import base64
import os
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
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from connectors.errors import AdminMustFix, Gone, TryAgain

UNFINISHED: Final = ".part"
"""How a file is named while it is being written; such names are never listed."""
_PATIENCE: Final = 30.0
_REFUSED: Final = frozenset({
    "AccessDenied", "AllAccessDisabled", "InvalidAccessKeyId", "NoSuchBucket", "SignatureDoesNotMatch", "403",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """A file as its folder lists it; `modified` is the storage's own clock, in UTC."""

    name: str
    size: int
    modified: datetime


class Place(Protocol):
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
def opened(address: str, access: Access | None = None) -> Iterator[Place]:
    """The place at a folder path, `s3://bucket/prefix` or `sftp://user@host:port/path`, closed afterwards."""
    access = access or Access()
    parts = urlsplit(address)
    if parts.scheme == "s3":
        yield _Bucket(parts.netloc, parts.path.strip("/"), access)
    elif parts.scheme == "sftp":
        with _sftp(address, access) as client:
            yield _Server(client, unquote(parts.path) or "/")
    elif "://" in address:
        raise AdminMustFix(f"a place must be a folder, s3:// or sftp://, not {parts.scheme}://")
    else:
        yield _Folder(Path(address))


def _plain(name: str) -> str:
    """The same name; raises `Gone` where it leads anywhere but into its folder."""
    if not name or "/" in name or "\\" in name or "\x00" in name or name in (".", ".."):
        raise Gone("no file can have that name here")
    return name


def _capped(data: bytes, most: int, name: str) -> bytes:
    if len(data) > most:
        raise AdminMustFix(f"the file {name} is larger than {most} bytes")
    return data


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.endswith(UNFINISHED)


@contextmanager
def _told(doing: str) -> Iterator[None]:
    """Gives the operating system's refusals, and SFTP's, the name of what happens next."""
    try:
        yield
    except FileNotFoundError:
        raise Gone(f"{doing}: there is no such file") from None
    except PermissionError:
        raise AdminMustFix(f"{doing}: permission denied") from None
    except (OSError, EOFError, paramiko.SSHException) as failed:
        raise TryAgain(f"{doing}: {type(failed).__name__}") from None


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self, folder: str) -> list[File]:
        if not self._root.is_dir():
            raise AdminMustFix(f"the folder {self._root} does not exist")
        found = []
        with _told("listing the folder"):
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
        with _told("reading a file"), os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return _capped(file.read(most + 1), most, name)

    def write(self, folder: str, name: str, data: bytes) -> None:
        path = self._root / folder / _plain(name)
        unfinished = path.with_name(path.name + UNFINISHED)
        with _told("writing a file"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)


class _Bucket:
    def __init__(self, bucket: str, prefix: str, access: Access) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        # A session of its own: the shared one must not be used by two threads.
        self._client: Any = boto3.session.Session().client(
            "s3",
            endpoint_url=access.endpoint_url,
            aws_access_key_id=access.key_id,
            aws_secret_access_key=access.secret,
            # One more try than none: the hub's own back-off does the rest.
            config=Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=10, read_timeout=60),
        )

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
        except NoCredentialsError:
            raise AdminMustFix("no key for the bucket was given and none was found on this machine") from None
        except ClientError as refused:
            code = str(refused.response.get("Error", {}).get("Code", ""))
            if code in ("NoSuchKey", "404"):
                raise Gone("the bucket has no such file") from None
            if code in _REFUSED:
                raise AdminMustFix(f"the bucket refused: {code}") from None
            raise TryAgain(f"the bucket answered {code}") from None
        except BotoCoreError as failed:
            raise TryAgain(f"the bucket could not be reached: {type(failed).__name__}") from None


class _Server:
    def __init__(self, client: paramiko.SFTPClient, root: str) -> None:
        self._client = client
        self._root = PurePosixPath(root)

    def files(self, folder: str) -> list[File]:
        try:
            with _told("listing the server's folder"):
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
        with _told("reading a file from the server"):
            if (self._client.stat(path).st_size or 0) <= most:
                self._client.getfo(path, data, max_concurrent_prefetch_requests=64)
                return _capped(data.getvalue(), most, name)
        raise AdminMustFix(f"the file {name} is larger than {most} bytes")

    def write(self, folder: str, name: str, data: bytes) -> None:
        path = str(self._root / folder / _plain(name))
        with _told("writing a file to the server"):
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
        raise AdminMustFix("the server's host key is not set, so it cannot be told from an impostor")
    kind, _, text = access.host_key.strip().partition(" ")
    host = parts.hostname or ""
    ssh = paramiko.SSHClient()
    ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        key = paramiko.PKey.from_type_string(kind, base64.b64decode(text.split()[0]))
    except (ValueError, IndexError, paramiko.SSHException):
        raise AdminMustFix("the host key is not one: it must look like `ssh-ed25519 AAAA…`") from None
    port = parts.port or 22
    ssh.get_host_keys().add(host if port == 22 else f"[{host}]:{port}", kind, key)
    try:
        with _told("connecting to the server"):
            try:
                ssh.connect(
                    host,
                    port,
                    username=unquote(parts.username or ""),
                    password=access.secret,
                    pkey=_private(access.private_key),
                    allow_agent=False,
                    look_for_keys=False,
                    timeout=_PATIENCE,
                    banner_timeout=_PATIENCE,
                    auth_timeout=_PATIENCE,
                )
            except (paramiko.AuthenticationException, paramiko.BadHostKeyException) as refused:
                raise AdminMustFix(f"the server refused: {type(refused).__name__}") from None
            client = ssh.open_sftp()
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
    raise AdminMustFix("the private key is none that can be read (Ed25519, ECDSA and RSA can, without a passphrase)")
