"""The one module that speaks HTTP: allow-list, size cap, retry, throttle, and a log of outages without secrets."""

import logging
import math
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, cached_property
from threading import BoundedSemaphore, Lock
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpcore
import httpx
import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from connectors.addresses import Outside
from connectors.auth import Auth, Nothing, OneLogin
from connectors.contract import Frame, Limits
from connectors.errors import AdminMustFix, ConnectorError, Gone, TryAgain, VendorChanged
from connectors.patience import InTime, Until
from connectors.refusals import ANSWERING, CONNECTING, Refusal, is_page, meaning, named, no_answer

log: Final = logging.getLogger("alprhub.http")

# The library writes every address with its query into its own log, and a query is where Scout wants its key.
logging.getLogger("httpx").addFilter(lambda _: False)

T = TypeVar("T")

PATIENCE: Final = timedelta(seconds=90)
"""How long one request is tried again before the run gives up and keeps its checkpoint, and the longest that one
answer may take from the first byte sent to the last received."""
LONGEST_WAIT: Final = timedelta(seconds=15)
_ABOUT_THE_ACCOUNT: Final = (401, 402, 403, 413)
TIMEOUT: Final = httpx.Timeout(ANSWERING, connect=CONNECTING)
SOON: Final = 0.05
"""Seconds of patience that are none: a wait that they ended was ended by whoever asked."""
_NOTING: Final = Lock()


class _Passing(TryAgain):
    """A failure worth another try within this request."""


class _Down(_Passing):
    """A failure that is the service's own, and no wish for fewer requests: an outage for as long as it lasts."""


class _Lasting(TryAgain):
    """The same, of a request that may have been carried out, or for which the next seconds change nothing."""


class Answer:
    """A vendor's answer: status, headers and the whole body."""

    def __init__(self, response: httpx.Response, body: bytes) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        self.body = body

    def json(self) -> Any:
        """The body as JSON; raises `VendorChanged` with the bytes where it is not."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise VendorChanged("the answer is not JSON", self.body) from None

    def shaped(self, shape: type[T]) -> T:
        """The body as `shape` (a msgspec struct or the like); raises `VendorChanged` saying where it differs."""
        try:
            return msgspec.json.decode(self.body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as differs:
            raise VendorChanged(f"the answer has another shape: {str(differs)[:200]}", self.body) from None


class Http:
    """Requests to one vendor. Makes no connection until the first request; safe to share between threads.

    All that share it keep to the vendor's limits together: so many requests a second, so many at a time. An outage is
    one line in the log when it begins and one when it ends, however many requests and objects of one `Frame` meet it.
    """

    def __init__(
        self,
        base_url: str,
        frame: Frame,
        *,
        auth: Auth | None = None,
        limits: Limits | None = None,
        allow: Sequence[str] = (),
        patience: timedelta = PATIENCE,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._frame = frame
        self._auth: Auth = auth or Nothing()
        self._limits = limits or Limits()
        self._hosts = {urlsplit(self.base_url).hostname or ""}
        self._allow = tuple(name for name in allow if name)
        self._patience = patience
        self._next_at = 0.0
        self._queue = Lock()
        self._places = BoundedSemaphore(max(self._limits.parallel, 1))
        self._refused = False
        self._until = Until()

    @cached_property
    def _client(self) -> httpx.Client:
        through = {"verify": _trust()} if getproxies() else {"transport": self._transport()}
        return httpx.Client(timeout=TIMEOUT, follow_redirects=False, headers={"User-Agent": "alprhub"}, **through)

    def _transport(self) -> httpx.HTTPTransport:
        """One that waits no longer than we have time for the whole answer.

        It reaches other hosts than the vendor's own at public addresses only, as a proxy would see to.
        """
        transport = httpx.HTTPTransport(verify=_trust())
        backend = Outside(self._hosts) if self._allow else httpcore.SyncBackend()
        # httpx takes no network backend of ours, its pool does.
        transport._pool = httpcore.ConnectionPool(
            ssl_context=_trust(), network_backend=InTime(backend, self._until.left)
        )
        return transport

    @cached_property
    def _digest(self) -> httpx.DigestAuth | None:
        """One for all requests: it remembers the challenge, so that not every request is refused once first."""
        login = self._auth.digest()
        return httpx.DigestAuth(*login) if login else None

    def get(self, path: str, *, params: Mapping[str, Any] | None = None, json: bool = True) -> Answer:
        """GET a path below the base; `json` says that the answer must be JSON."""
        return self.request("GET", path, params=params, json=json)

    def post(self, path: str, body: Any, *, json: bool = True, repeatable: bool = True) -> Answer:
        """POST a JSON body; `repeatable=False` never sends it twice after it may have arrived."""
        return self.request(
            "POST",
            path,
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
            json=json,
            repeatable=repeatable,
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        json: bool = True,
        repeatable: bool = True,
        credentials: bool = True,
        gone: Sequence[int] = (404, 410),
        **sending: Any,
    ) -> Answer:
        """Send until it is answered or patience ends; the answer has a 2xx status and, with `json`, a JSON body.

        `gone` are the statuses by which this address says that it has nothing any more. Raises `AdminMustFix` (401
        after one renewal, 402, 403, 413), `Gone`, `VendorChanged` (other 4xx, a redirect, HTML or broken JSON with
        200) and `TryAgain` (429, 5xx, time-outs, resets, once patience ends).
        """
        url = path if "://" in path else self.base_url + path
        self._permit(url)
        renewed = False

        def once() -> Answer:
            nonlocal renewed
            answer = self._send(method, url, sending, repeatable, credentials)
            if answer.status == httpx.codes.UNAUTHORIZED and credentials and not renewed and self._auth.renew():
                renewed = True
                answer = self._send(method, url, sending, repeatable, credentials)
            self._judge(answer, url, repeatable, gone)
            if json:
                self._must_be_json(answer, url)
            return answer

        def watched() -> Answer:
            with self._outages(urlsplit(url).hostname or ""):
                return once()

        retrying = Retrying(
            retry=retry_if_exception_type(_Passing),
            stop=self._has_no_patience,
            wait=self._wait,
            sleep=self._frame.sleep,
            reraise=True,
        )
        try:
            return retrying(watched)
        except _Passing as failed:
            if isinstance(failed.__cause__, VendorChanged):
                raise failed.__cause__ from None
            raise TryAgain(str(failed), failed.after) from None
        except _Lasting as failed:
            raise TryAgain(str(failed), failed.after) from None

    def _permit(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise AdminMustFix("an address that was to be asked cannot be one, so nothing was sent") from None
        host = parts.hostname or ""
        allowed = host in self._hosts or any(host == name or host.endswith("." + name) for name in self._allow)
        if not allowed or parts.scheme not in ("https", "http") or (parts.scheme == "http" and host not in self._hosts):
            raise AdminMustFix(
                f"the host {host!r} is not one this connection may talk to, so nothing was sent there; it may talk to"
                f" {', '.join(sorted({*self._hosts, *self._allow}))}"
            )

    def _send(self, method: str, url: str, sending: dict[str, Any], repeatable: bool, credentials: bool) -> Answer:
        self._throttle()
        started = time.perf_counter()
        sent = dict(sending)
        if credentials:
            sent["headers"] = {**self._auth.headers(), **(sent.get("headers") or {})}
            sent["params"] = {**self._auth.params(), **(sent.get("params") or {})} or None
            if self._digest:
                sent["auth"] = self._login()
        where = f"{method} {urlsplit(url).hostname}"
        longest = self._longest_answer()
        try:
            with (
                self._place(urlsplit(url).hostname or ""),
                self._until.within(longest),
                self._client.stream(method, url, **sent) as response,
            ):
                body = self._read(response)
        except (httpx.RequestError, httpx.InvalidURL, UnicodeError) as broken:
            whole = longest if self._until.ran_out() else None
            raise self._unanswered(no_answer(broken, url, whole), repeatable) from None
        log.debug("%s %s %.0f ms", where, response.status_code, (time.perf_counter() - started) * 1000)
        self._refused |= response.status_code == httpx.codes.UNAUTHORIZED
        return Answer(response, body)

    def _unanswered(self, refusal: Refusal, repeatable: bool) -> ConnectorError:
        if refusal.for_admin:
            return AdminMustFix(refusal.text)
        if refusal.arrived and not repeatable:
            return _Lasting(f"{refusal.text}; what was sent may have arrived, so it was not sent again")
        return _Down(refusal.text) if refusal.passing else _Lasting(refusal.text)

    @contextmanager
    def _place(self, where: str) -> Iterator[None]:
        """One of the places that the vendor's limit leaves, for as long as a request is under way.

        Not while one waits for another try, nor while its token is fetched, which needs a place itself.
        """
        patience = self._frame.patience()
        longest = None if patience == math.inf else patience
        if patience <= 0 or not self._places.acquire(timeout=longest):
            raise TryAgain(f"nothing was sent to {where}, since nobody waits for the answer any more")
        try:
            yield
        finally:
            self._places.release()

    def _longest_answer(self) -> float:
        """Seconds that the answer may take in all: the asker's patience counts inside it too.

        No patience means that nothing is asked twice, and not that there is no time for the first answer.
        """
        return min((self._patience or PATIENCE).total_seconds(), max(self._frame.patience(), 0.0))

    @contextmanager
    def _outages(self, host: str) -> Iterator[None]:
        """Note what a request tells of its host being there, and log where that has changed."""
        try:
            yield
        except (_Down, _Lasting) as failed:
            if self._frame.patience() < SOON:
                raise  # whoever asked waits no longer, which tells nothing of the host
            with _NOTING:
                new = host not in self._frame.down
                self._frame.down.setdefault(host, self._frame.clock.now())
            if new:
                log.warning("%s is down: %s", host, failed)
            raise
        except TryAgain:
            raise  # it wants fewer requests, or nobody waits any more: neither tells of an outage
        except ConnectorError:
            self._is_up(host)
            raise
        self._is_up(host)

    def _is_up(self, host: str) -> None:
        with _NOTING:
            since = self._frame.down.pop(host, None)
        if since is not None:
            log.info("%s is up again after %.0f s", host, (self._frame.clock.now() - since).total_seconds())

    def _login(self) -> httpx.DigestAuth | None:
        if not isinstance(self._auth, OneLogin):
            return self._digest
        if self._refused:
            raise AdminMustFix(
                "nothing was sent: the device refused this user and password before, and locks out who tries too often"
            )
        login = self._auth.digest()
        return httpx.DigestAuth(*login) if login else None

    def _read(self, response: httpx.Response) -> bytes:
        most = self._limits.body_bytes
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            if chunks and self._until.left() == 0:  # behind a proxy the library's own transport is in use
                raise httpx.ReadTimeout("the whole answer took too long")
            size += len(chunk)
            if size > most:
                raise VendorChanged(f"the answer is larger than {most:,} bytes, more than the service sends at once")
            chunks.append(chunk)
        return b"".join(chunks)

    def _judge(self, answer: Answer, url: str, repeatable: bool, gone: Sequence[int]) -> None:
        status = answer.status
        if status < 300:
            return
        means, for_admin = meaning(status, url, answer.body, answer.headers)
        says = f"{named(url)} answered {status}: {means}{self._says(answer)}"
        if for_admin:
            raise AdminMustFix(says)
        if status >= 500 and status != 503 and not repeatable:
            raise _Lasting(f"{says}; it may have been carried out, so it was not sent again")
        if status == 429 or status >= 500:
            failure = _Passing if status == 429 else _Down
            raise failure(says, _retry_after(answer.headers.get("retry-after"), self._frame.clock.now()))
        if status in gone:
            raise Gone(says)
        if status in _ABOUT_THE_ACCOUNT:
            raise AdminMustFix(says)
        raise VendorChanged(says, answer.body)

    def _must_be_json(self, answer: Answer, url: str) -> None:
        try:
            if answer.body:
                msgspec.json.decode(answer.body, type=msgspec.Raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            told = f"{named(url)} answered {answer.status}, but with something that is cut short or not JSON"
            if is_page(answer.body, answer.headers):
                told = f"{named(url)} answered {answer.status}, but with a web page: see the path in the address"
            changed = VendorChanged(told, answer.body)
            # Proxies do this for a minute during maintenance, so it is asked again before it is believed.
            raise _Down(str(changed)) from changed

    def _says(self, answer: Answer) -> str:
        """The vendor's own error text, short, and only where it cannot echo what we sent.

        A refusal of the request itself may quote a plate; a refusal of the account does not.
        """
        if answer.status not in (*_ABOUT_THE_ACCOUNT, 429):
            return ""
        try:
            body = msgspec.json.decode(answer.body)
            error = body.get("error") if isinstance(body, dict) else None
            text = error if isinstance(error, str) else error.get("message") if isinstance(error, dict) else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = None
        if not isinstance(text, str):
            return ""
        for secret in self._auth.secrets():
            text = text.replace(secret, "***")
        return f" ({text[:200]})"

    def _throttle(self) -> None:
        with self._queue:
            now = time.monotonic()
            wait = self._next_at - now
            self._next_at = max(now, self._next_at) + 1 / self._limits.per_second
        if wait > 0:
            self._frame.sleep(wait)

    def _has_no_patience(self, state: RetryCallState) -> bool:
        # Both what was slept and what went by: a clock that tests hold still must not mean to try for ever.
        gone_by = max(state.idle_for, state.seconds_since_start or 0.0)
        return self._frame.once or gone_by >= self._patience.total_seconds()

    def _wait(self, state: RetryCallState) -> float:
        failed = state.outcome.exception() if state.outcome else None
        wished = failed.after if isinstance(failed, _Passing) else None
        wait = min(0.5 * 2 ** (state.attempt_number - 1), LONGEST_WAIT.total_seconds())
        if wished is not None:
            wait = max(wished.total_seconds(), 0.0)
        too_long = wished is not None and wished > self._patience
        if failed is not None and (too_long or wait >= self._frame.patience()):
            raise failed
        return float(wait)


@cache
def _trust() -> ssl.SSLContext:
    """The certificate authorities, loaded once: it takes 20 ms, and every connection of a hub wants them."""
    return httpx.create_ssl_context()


def _retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Retry-After in both its forms, seconds or an HTTP date; None where it is absent or nonsense."""
    if not text:
        return None
    if text.strip().isdigit():
        return timedelta(seconds=min(int(text), 86_400))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)) - now, timedelta())
