"""`Permit`: which hosts a connection may talk to, and that it talks to no other."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from connectors.errors import AdminMustFix, HostNotAllowed


class Permit:
    """The vendor's own host, and whatever an admin allowed beside it, with all that stands below those names."""

    def __init__(self, base_url: str, allow: Sequence[str]) -> None:
        self.own = urlsplit(base_url).hostname or ""
        self.others = tuple(name for name in allow if name)

    def must_hold(self, url: str) -> str:
        """The host of an address that may be asked; raises `HostNotAllowed` for any other, before anything is sent.

        Plain HTTP is allowed to the vendor's own host alone.
        """
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise AdminMustFix("an address that was to be asked cannot be one, so nothing was sent") from None
        host = parts.hostname or ""
        own = host == self.own
        allowed = own or any(host == name or host.endswith("." + name) for name in self.others)
        if not allowed or parts.scheme not in ("https", "http") or (parts.scheme == "http" and not own):
            raise HostNotAllowed(
                f"the host {host!r} is not one this connection may talk to, so nothing was sent there; it may talk to"
                f" {', '.join(sorted({self.own, *self.others}))}"
            )
        return host
