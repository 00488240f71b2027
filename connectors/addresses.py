"""Where a host name leads: an address out of a vendor's answer must not lead into the agency's own network."""

import socket
from ipaddress import ip_address

from connectors.errors import AdminMustFix, TryAgain


def public_address(host: str, port: int) -> str:
    """One address of a host, all of whose addresses are public; to be connected to as it is, without asking again.

    Raises `AdminMustFix` where any of them is private, local, reserved or a multicast group, and `TryAgain` where the
    name has none now. A name that is asked twice may answer differently, so whoever checks an address must use it.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise TryAgain(f"the host {host!r} has no address") from None
    addresses = [str(where[4][0]) for where in found]
    for address in addresses:
        told = ip_address(address.partition("%")[0])
        mapped = getattr(told, "ipv4_mapped", None) or told
        if not mapped.is_global or mapped.is_multicast:
            raise AdminMustFix(f"the host {host!r} leads to an address that is not public")
    return addresses[0]
