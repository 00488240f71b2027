"""`Permit`: which addresses a connection may talk to, which of them get its credentials, and that no other does."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from connectors.errors import AdminMustFix, HostNotAllowed

_USUAL: Final = {"https": 443, "http": 80}


class Permitted(NamedTuple):
    """An address that may be asked, and its host."""

    url: str
    host: str


class Permit:
    """The vendor's own host, and whatever an admin allowed beside it, with all that stands below those names."""

    def __init__(self, base_url: str, allow: Sequence[str]) -> None:
        self._base = urlsplit(base_url)
        self.own = self._base.hostname or ""
        self.others = tuple(name for name in allow if name)

    def must_hold(self, url: str, *, secret: bool) -> Permitted:
        """The address as it may be asked; raises `AdminMustFix` for any other, before anything is sent: where an admin
        might allow its host, that is `HostNotAllowed`.

        What is `secret` goes to the vendor's own scheme, host and port alone. Plain HTTP is for a vendor that an admin
        has at plain HTTP: where the answer of one at https leads to http at the same host, as behind a proxy that ends
        TLS, https is asked.
        """
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise AdminMustFix("an address that was to be asked cannot be one, so nothing was sent") from None
        host = parts.hostname or ""
        own = host == self.own
        if own and (parts.scheme, self._base.scheme) == ("http", "https") and self._is_ours_behind_a_proxy(parts):
            parts = parts._replace(scheme="https", netloc=self._base.netloc)
            url = parts.geturl()
        allowed = own or any(host == name or host.endswith("." + name) for name in self.others)
        named = ", ".join(sorted({self.own, *self.others}))
        if not allowed or parts.scheme not in _USUAL:
            raise HostNotAllowed(
                f"the host {host!r} is not one this connection may talk to, so nothing was sent there; it may talk to"
                f" {named}"
            )
        if parts.scheme == "http" and not (own and self._base.scheme == "http"):
            raise AdminMustFix(
                f"the host {host!r} is not one this connection may talk to without TLS, so nothing was sent there; it"
                f" may talk to {named}"
            )
        if secret and _origin(parts) != _origin(self._base):
            raise AdminMustFix(
                f"an answer led to {_shown(parts)}, and what this connection proves itself with goes to"
                f" {_shown(self._base)} alone, so nothing was sent there: ask the vendor, or mend the address"
            )
        return Permitted(url, host)

    def _is_ours_behind_a_proxy(self, parts: SplitResult) -> bool:
        return parts.port in (None, _USUAL["http"], self._base.port)


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _USUAL.get(parts.scheme)


def _shown(parts: SplitResult) -> str:
    scheme, host, port = _origin(parts)
    return f"{scheme}://{host}" + ("" if port == _USUAL.get(scheme) else f":{port}")
