"""Where a host name leads: an address out of a vendor's answer must not lead into the agency's own network."""

import socket
from collections.abc import Collection, Iterable
from ipaddress import ip_address

import httpcore

from connectors.errors import AdminMustFix, TryAgain


def public_address(host: str, port: int) -> str:
    """One address of a host whose addresses are all public; connect to this very address, without another lookup.

    Raises `AdminMustFix` where any of them is private, local, reserved or a multicast group, and `TryAgain` where the
    name has none now. A second DNS lookup may give another address, so use the one that was checked.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise TryAgain(f"the host name {host!r} is not known to this machine's DNS") from None
    addresses = [str(where[4][0]) for where in answers]
    for address in addresses:
        ip = ip_address(address.partition("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None) or ip
        if not mapped.is_global or mapped.is_multicast:
            raise AdminMustFix(
                f"the host {host!r} leads into a private network, not to a public address, so nothing was asked there"
            )
    return addresses[0]


class Outside(httpcore.SyncBackend):
    """Connects to hosts that an admin named wherever they stand, and to all others at public addresses only."""

    def __init__(self, named: Collection[str]) -> None:
        super().__init__()
        self._named = frozenset(named)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the very address that was checked; raises what `public_address` raises."""
        address = host if host in self._named else public_address(host, port)
        return super().connect_tcp(address, port, timeout, local_address, socket_options)
