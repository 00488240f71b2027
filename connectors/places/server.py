"""`Server`: a place behind SFTP."""

import base64
import errno
import logging
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import PurePosixPath
from threading import Event, Timer
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paramiko

from connectors.errors import AdminMustFix, Gone, TryAgain
from connectors.places.place import (
    UNFINISHED,
    UNSAID,
    Access,
    BrokenOff,
    File,
    by_name,
    capped,
    hidden,
    plain,
    told,
    too_large,
    when,
)
from connectors.refusals import ANSWERING, CONNECTING
from connectors.server_words import no_session

# Without a handler Python prints logged errors to the terminal, with pages of traceback beside our sentence.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_THEM: Final = "the user of the connection"
_LISTED: Final = re.compile(r"([-bcdlps])[-rwxsStTl]{9}")
"""How servers begin the line of a file where they write it as `ls -l` does."""
_STEP: Final = 32_768


class _AnyNames(paramiko.SFTPClient):
    """Takes names as the server's disk has them, where paramiko gives up at the first that is not UTF-8."""

    def _request(self, kind: Any, *args: Any) -> Any:
        code, message = super()._request(kind, *args)  # type: ignore[misc]
        if message is not None:
            message.get_text = lambda: message.get_string().decode("utf-8", "surrogateescape")
        return code, message


class Server:
    """A folder at a server, and one level of folders below it."""

    def __init__(self, client: paramiko.SFTPClient, root: str, at_most: timedelta) -> None:
        self._at_most = at_most
        self._client = client
        self._root = PurePosixPath(root)

    def files(self, folder: str) -> list[File]:
        try:
            with self._asked(f"the server's folder {str(self._root / folder)!r}"):
                listed = self._client.listdir_attr(str(self._root / folder))
        except Gone:
            self._must_have_root()
            return []
        files = [self._seen(folder, one) for one in listed if _may_be_file(one) and not hidden(one.filename)]
        return sorted((file for file in files if file is not None), key=by_name)

    def read(self, folder: str, name: str, most: int) -> bytes:
        path = str(self._root / folder / plain(name))
        with self._asked(f"the server's file {path!r}"):
            there = path.encode("utf-8", "surrogateescape")
            seen = self._client.stat(there)
            if stat.S_IFMT(seen.st_mode or 0) not in (0, stat.S_IFREG):
                raise Gone(f"{path!r} is no file")
            if (seen.st_size or 0) > most:
                raise too_large(name, most)
            return self._read(there, name, most, seen.st_size)

    def write(self, folder: str, name: str, data: bytes) -> None:
        path = str(self._root / folder / plain(name))
        part = path + UNFINISHED
        with self._asked(f"the server's file {path!r}"):
            self._make(self._root / folder)
            try:
                self._client.putfo(BytesIO(data), part, confirm=False)
                put = self._client.stat(part)
                if put.st_size not in (None, len(data)):
                    raise OSError(errno.EIO, "not all of it arrived")
                self._replace(part, path)
            except OSError:
                with suppress(OSError, EOFError, paramiko.SSHException):
                    self._client.remove(part)
                raise

    def _read(self, there: bytes, name: str, most: int, size: int | None) -> bytes:
        """The bytes of a file, `most` of them and no more, whatever the server says of its size."""
        data = BytesIO()
        with self._opened(there) as file:
            if size:
                file.prefetch(size, 64)
            while piece := file.read(_STEP):
                data.write(piece)
                if data.tell() > most:
                    raise too_large(name, most)
        return capped(data.getvalue(), most, name)

    def _opened(self, there: bytes) -> paramiko.SFTPFile:
        """A file to read from; raises `Gone` for a folder that the server did not call one."""
        try:
            return self._client.open(there, "rb")
        except OSError as failed:
            if failed.errno is None and self._is_up():
                with suppress(OSError):
                    self._client.listdir(there)  # type: ignore[arg-type] # it takes bytes as well
                    raise Gone("it is no file") from None
            raise

    def _seen(self, folder: str, one: paramiko.SFTPAttributes) -> File | None:
        """A file of a listing; what the listing does not say of it is asked for. None where it left meanwhile."""
        size, written = one.st_size, one.st_mtime
        if size is None or written is None:
            path = f"{self._root / folder / one.filename}"
            try:
                with self._asked(f"the server's file {path!r}"):
                    asked = self._client.stat(path.encode("utf-8", "surrogateescape"))
            except Gone:
                return None
            size, written = size if size is not None else asked.st_size, written or asked.st_mtime
        return File(one.filename, UNSAID if size is None else size, when(written))

    def _must_have_root(self) -> None:
        """Return where the place itself is there; a folder in it may come with the first file."""
        try:
            with self._asked(f"the server's folder {str(self._root)!r}"):
                self._client.stat(str(self._root))
        except Gone:
            raise AdminMustFix(
                f"the folder {str(self._root)!r} does not exist at the SFTP server: make it there, or mend the setting"
                " place"
            ) from None

    def _replace(self, part: str, path: str) -> None:
        """Have a finished file take the place of the old one.

        At once where the server can do that, which not every brand can; else the old one steps aside meanwhile, and
        comes back where the new one cannot take its place.
        """
        try:
            self._client.posix_rename(part, path)
        except OSError as failed:
            if failed.errno is not None or not self._is_up():
                raise
        else:
            return
        aside = f"{path}.old{UNFINISHED}"
        with suppress(OSError):  # of an earlier time
            self._client.remove(aside)
        there = True
        try:
            self._client.rename(path, aside)
        except FileNotFoundError:
            there = False
        except OSError as failed:
            if failed.errno is not None or not self._is_up():
                raise
            there = self._is_there(path)
            if there:
                raise
        try:
            self._client.rename(part, path)
        except OSError:
            if there:
                self._client.rename(aside, path)
            raise
        if there:
            with suppress(OSError):
                self._client.remove(aside)

    def _is_there(self, path: str) -> bool:
        try:
            self._client.stat(path)
        except FileNotFoundError:
            return False
        return True

    def _make(self, folder: PurePosixPath) -> None:
        """Make a folder where there is none, and those that it lies in."""
        if self._is_there(str(folder)):
            return
        if folder != folder.parent:
            self._make(folder.parent)
        try:
            self._client.mkdir(str(folder))
        except OSError:
            if not self._is_there(str(folder)):  # else somebody else has made it
                raise

    def _is_up(self) -> bool:
        channel = self._client.get_channel()
        transport = channel.get_transport() if channel and not channel.closed else None
        return transport is not None and transport.is_active()

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        """Gives SFTP's refusals the name of what happens next, as `told` does with the operating system's.

        Whatever is asked inside takes no longer than the place was given.
        """
        channel = self._client.get_channel()
        transport = channel.get_transport() if channel else None
        late = Event()
        clock = Timer(self._at_most.total_seconds(), _give_up, (late, transport))
        clock.daemon = True
        clock.start()
        try:
            with told(what, _THEM):
                yield
        except (BrokenOff, EOFError, paramiko.SSHException) as failed:
            if late.is_set():
                raise BrokenOff(f"{what} did not come whole within {self._at_most.total_seconds():.0f} s") from None
            if isinstance(failed, BrokenOff) and not isinstance(failed.__context__, TimeoutError) and self._is_up():
                raise TryAgain(f"{what} is refused by the server, which does not say why") from None
            raise BrokenOff(f"{what} was not reached: the connection broke off") from None
        except paramiko.SFTPError:
            raise BrokenOff(f"{what} was not reached: the server does not answer as SFTP servers do") from None
        finally:
            clock.cancel()


def _give_up(late: Event, transport: paramiko.Transport | None) -> None:
    late.set()
    if transport is not None:
        transport.close()


def _may_be_file(one: paramiko.SFTPAttributes) -> bool:
    """Whether an entry of a listing is a file, or at least not known to be something else.

    Not every server says what an entry is: some write permissions alone, some nothing at all.
    """
    if kind := stat.S_IFMT(one.st_mode or 0):
        return kind == stat.S_IFREG
    line = str(getattr(one, "longname", ""))
    if like := _LISTED.match(line):
        return like[1] == "-"
    return "<DIR>" not in line


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
            channel = client.get_channel() if client else None
            if client is None or channel is None:
                raise EOFError
            channel.settimeout(ANSWERING)
        except (OSError, EOFError, paramiko.SSHException, paramiko.SFTPError) as refused:
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
