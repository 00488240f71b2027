"""The connector of a TCP port: cameras open a socket and write documents."""

import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from connectors import contract
from connectors.contract import Post
from connectors.errors import AdminMustFix, Closed, TryAgain
from connectors.mapping.mapped import Mapped
from connectors.vendors.generic_tcp.door import Door
from connectors.vendors.generic_tcp.settings import GenericTcpSettings

_FOR_A_PERSON: Final = frozenset({errno.EACCES, errno.EPERM})


class GenericTcpConnector(Mapped[GenericTcpSettings]):
    """A port, and whoever writes to it."""

    info = contract.Info(
        key="generic_tcp",
        name="Any TCP sender, by a map",
        company="any",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="generic",
        known_limits=(
            "The admin's map is as true as the admin: nobody here knows what the sender means by a field.",
            "A sender is known by its address alone, which whoever is in its network can take.",
            "What a sender that wants no acknowledgement had sent when the hub was killed is lost.",
            "Without a mapped read id, camera, instant and plate are the id: two reads alike in all three are one.",
            "Nothing is said to a sender but the acknowledgement: no login, no subscription, no keep-alive of its own.",
        ),
    )
    Settings = GenericTcpSettings

    def check(self) -> str:
        """Open the port for a moment; nobody can be asked whether a camera will come."""
        self._context()
        try:
            with self._server():
                pass
        except TryAgain as taken:
            return f"{str(taken)[:1].upper()}{str(taken)[1:]}; `alprhub connections health` says whether by this hub."
        return "The port is free; `alprhub serve` listens there. Whether the map fits shows with the first document."

    def listen(self, post: Post) -> None:
        """Hand over what senders write, until `post` has ended; see `Listens`."""
        tls = self._context()
        with self._server() as server:
            post.up()
            Door(self.settings, post, tls).keep_open(server)

    def _context(self) -> ssl.SSLContext | None:
        told = self.settings
        if self._closed:
            raise Closed(f"the connector of {self.info.name} was closed, so open it again")
        if told.encrypted == "no":
            return None
        for name in ("certificate_file", "private_key_file"):
            if not Path(getattr(told, name)).is_file():
                raise AdminMustFix(f"{name}: there is no file {getattr(told, name)} that this hub may read")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(told.certificate_file, told.private_key_file)
        except (ssl.SSLError, OSError, ValueError):
            raise AdminMustFix(
                "certificate_file and private_key_file are no pair of PEM files: the first holds the certificate and"
                " those that signed it, the second the key of that certificate, without a password"
            ) from None
        return context

    @contextmanager
    def _server(self) -> Iterator[socket.socket]:
        told = self.settings
        family = socket.AF_INET6 if ":" in told.address else socket.AF_INET
        try:
            server = socket.create_server((told.address, told.port), family=family, backlog=told.most_lines)
        except OSError as refused:
            if refused.errno == errno.EADDRINUSE:
                raise TryAgain(f"something listens at port {told.port} already") from None
            if refused.errno in _FOR_A_PERSON:
                raise AdminMustFix(
                    f"port {told.port}: this user may not listen there; ports from 1024 are free to all"
                ) from None
            raise TryAgain(f"{told.address} is no address of this machine now") from None
        with server:
            yield server
