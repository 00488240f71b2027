"""Ways to prove who we are to a vendor. Tokens live in memory only."""

from binascii import a2b_base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from threading import Lock
from typing import Final, NamedTuple, Protocol

from pydantic import SecretStr

from connectors.contract import PushSettings, Request
from connectors.errors import AdminMustFix


def must_prove(headers: Mapping[str, str], name: str, expected: SecretStr | None) -> None:
    """Return where the header `name` holds the expected secret, compared in constant time.

    Raises `AdminMustFix` where it does not, and where no secret was set: an open door is never the default.
    """
    _must_be(headers.get(name.lower(), ""), expected, f"the header {name} does not hold the secret that was agreed")


def pushed_by_ours(request: Request, settings: PushSettings) -> None:
    """Return where a push holds the connection's secret: in its header, as a basic password, or in its address.

    Raises `AdminMustFix` where it holds none of them, and where no secret was set.
    """
    name = settings.webhook_header
    given = request.headers.get(name.lower(), "")
    if given:
        _must_be(given, settings.webhook_secret, f"the header {name} does not hold the secret that was agreed")
        return
    _must_be(
        _basic_password(request.headers.get("authorization", "")) or request.key,
        settings.webhook_secret,
        f"the secret is neither in the header {name}, nor the password of a basic login, nor the end of the address",
    )


def _must_be(given: str, expected: SecretStr | None, otherwise: str) -> None:
    if expected is None or not expected.get_secret_value():
        raise AdminMustFix("no secret is set for what this vendor pushes, so nothing pushed is believed")
    if not compare_digest(given.encode(), expected.get_secret_value().encode()):
        raise AdminMustFix(otherwise)


def _basic_password(header: str) -> str:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return a2b_base64(encoded).decode().partition(":")[2]
    except ValueError:
        return ""


class Auth(Protocol):
    """Adds credentials to a request; `renew` is called once after a 401."""

    def headers(self) -> dict[str, str]:
        """Headers to send."""

    def params(self) -> dict[str, str]:
        """Query parameters to send."""

    def renew(self) -> bool:
        """Forget what expired; False where a second try with the same secret is pointless."""

    def secrets(self) -> tuple[str, ...]:
        """Every text that must not appear in a log or an error."""

    def digest(self) -> tuple[str, str] | None:
        """User and password for HTTP digest; None where that is not the way."""


class Nothing:
    """No credentials."""

    def headers(self) -> dict[str, str]:
        """Nothing to send."""
        return {}

    def params(self) -> dict[str, str]:
        """Nothing to send."""
        return {}

    def renew(self) -> bool:
        """Nothing expires."""
        return False

    def secrets(self) -> tuple[str, ...]:
        """Nothing to hide."""
        return ()

    def digest(self) -> tuple[str, str] | None:
        """No digest."""
        return None


class Header(Nothing):
    """A key that never changes, in a header: `Authorization: Token …`, `X-Api-Key: …`."""

    def __init__(self, name: str, key: SecretStr, before: str = "") -> None:
        self._name = name
        self._key = key
        self._before = before

    def headers(self) -> dict[str, str]:
        """The key under its name."""
        return {self._name: self._before + self._key.get_secret_value()}

    def secrets(self) -> tuple[str, ...]:
        """The key."""
        return (self._key.get_secret_value(),)


class Digest(Nothing):
    """User and password by HTTP digest, as cameras want them; the password never travels."""

    def __init__(self, user: str, password: SecretStr) -> None:
        self._user = user
        self._password = password

    def digest(self) -> tuple[str, str] | None:
        """The user and the password."""
        return self._user, self._password.get_secret_value()

    def secrets(self) -> tuple[str, ...]:
        """The password."""
        return (self._password.get_secret_value(),)


class OneLogin(Digest):
    """The same for devices that lock out an address after a few wrong logins: a refused login is never tried again.

    Every request asks for a challenge of its own and answers it once, since an old challenge that is refused looks like
    a wrong password and would cost a second login; after one refusal nothing more is sent.
    """


class QueryKey(Nothing):
    """A key in the query string, as Rekor Scout wants it."""

    def __init__(self, name: str, key: SecretStr) -> None:
        self._name = name
        self._key = key

    def params(self) -> dict[str, str]:
        """The key under its name."""
        return {self._name: self._key.get_secret_value()}

    def secrets(self) -> tuple[str, ...]:
        """The key."""
        return (self._key.get_secret_value(),)


class Token(NamedTuple):
    """A bearer token and the instant it ends."""

    text: str
    ends_at: datetime


EARLY: Final = timedelta(seconds=30)
"""A token is renewed this long before its end, so that none dies on the way."""


class BearerToken(Nothing):
    """A bearer token that is fetched when needed and shared by threads; `fetch` says how and how long it lives.

    It travels as `Authorization: Bearer …`, or bare in another header.
    """

    def __init__(
        self, fetch: Callable[[], Token], now: Callable[[], datetime], secret: SecretStr, header: str | None = None
    ) -> None:
        self._fetch = fetch
        self._now = now
        self._secret = secret
        self._header = header
        self._token: Token | None = None
        self._lock = Lock()

    def headers(self) -> dict[str, str]:
        """A token that still lives, in its header."""
        with self._lock:
            if self._token is None or self._now() >= self._token.ends_at - EARLY:
                self._token = self._fetch()
            if self._header:
                return {self._header: self._token.text}
            return {"Authorization": f"Bearer {self._token.text}"}

    def renew(self) -> bool:
        """Drop the token: the vendor may revoke one before its time."""
        with self._lock:
            self._token = None
        return True

    def secrets(self) -> tuple[str, ...]:
        """The client secret and the token in use."""
        token = self._token
        return (self._secret.get_secret_value(), *((token.text,) if token else ()))
