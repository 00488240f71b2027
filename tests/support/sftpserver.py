"""A paramiko server on loopback that serves a folder, as ordinary servers do or as odd ones."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko

PASSWORD = "s3cr3t-of-the-server"


class _Door(paramiko.ServerInterface):
    """Lets one user in, by password or by key."""

    def __init__(self, key: paramiko.PKey) -> None:
        self._key = key

    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == ("hub", PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL if key.asbytes() == self._key.asbytes() else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"


class _Disk(paramiko.SFTPServerInterface):
    """The least of a file server, below one folder.

    `listed` may change what a listing says of a file; `refused` are names that cannot be opened.
    """

    root: Path
    listed: Callable[[paramiko.SFTPAttributes], Any] = staticmethod(lambda told: told)
    refused: tuple[str, ...] = ()

    def _path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def _safely(self, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except OSError as failed:
            return paramiko.SFTPServer.convert_errno(failed.errno or 0)

    def list_folder(self, path: str) -> Any:
        entries = lambda: sorted(self._path(path).iterdir())  # noqa: E731
        return self._safely(lambda: [self.listed(_listed(one)) for one in entries()])

    def stat(self, path: str) -> Any:
        return self._safely(lambda: paramiko.SFTPAttributes.from_stat(self._path(path).stat()))

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        if Path(path).name in self.refused:
            return paramiko.SFTP_FAILURE

        def do() -> paramiko.SFTPHandle:
            file = os.fdopen(os.open(self._path(path), flags, 0o600), "r+b" if flags & os.O_RDWR else "rb")
            if flags & os.O_WRONLY:
                file = self._path(path).open("wb")
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = handle.writefile = file  # type: ignore[attr-defined]
            handle.stat = lambda: paramiko.SFTPAttributes.from_stat(os.fstat(file.fileno()))  # type: ignore[method-assign]
            return handle

        return self._safely(do)

    def mkdir(self, path: str, attr: Any) -> Any:
        return self._safely(lambda: self._path(path).mkdir()) or paramiko.SFTP_OK

    def remove(self, path: str) -> Any:
        return self._safely(lambda: self._path(path).unlink()) or paramiko.SFTP_OK

    def rename(self, oldpath: str, newpath: str) -> Any:
        if self._path(newpath).exists():  # as the protocol wants it
            return paramiko.SFTP_FAILURE
        return self._safely(lambda: self._path(oldpath).rename(self._path(newpath)) and None) or paramiko.SFTP_OK

    def posix_rename(self, oldpath: str, newpath: str) -> Any:
        self._safely(lambda: self._path(oldpath).replace(self._path(newpath)))
        return paramiko.SFTP_OK


def _listed(path: Path) -> paramiko.SFTPAttributes:
    told = paramiko.SFTPAttributes.from_stat(path.stat(), path.name)
    told.filename = os.fsencode(path.name)  # type: ignore[assignment]
    return told


class _AnyNames(paramiko.SFTPServer):
    """A server whose disk has names that are no text, as any server's may."""

    def _process(self, kind: int, number: int, message: Any) -> None:
        message.get_text = lambda: os.fsdecode(message.get_string())
        super()._process(kind, number, message)  # type: ignore[misc]


class Sftp:
    """The server; `odd` are the ways in which its disk differs."""

    def __init__(self, root: Path, **odd: Any) -> None:
        self.host_key = paramiko.ECDSAKey.generate()
        self.user_key = paramiko.ECDSAKey.generate()
        self._disk = type("_Here", (_Disk,), {"root": root, **odd})
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[paramiko.Transport] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(client)
            transport.add_server_key(self.host_key)
            transport.set_subsystem_handler("sftp", _AnyNames, self._disk)
            self._open.append(transport)
            transport.start_server(event=threading.Event(), server=_Door(self.user_key))

    @property
    def address(self) -> str:
        return f"sftp://hub@127.0.0.1:{self.port}/drop"

    @property
    def known(self) -> str:
        return f"{self.host_key.get_name()} {self.host_key.get_base64()}"

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # closing alone would let the waiting thread take one more
        self._listener.close()
        for transport in self._open:
            transport.close()
