"""`Http`: requests to one vendor, within its limits, until they are answered or patience ends.

What it is put together of: `permit` (which hosts), `pace` (how many), `transport` (where names lead), `retry`,
`outages` (the log), `judgement` (what an answer means) and `struck` (what is kept of a vendor's words).
Secrets stand in none of their sentences.
"""

import logging
import time
import warnings
from collections.abc import Mapping, Sequence
from datetime import timedelta
from threading import Lock
from typing import Any, Final

import httpx
import msgspec

from connectors.answer import Answer
from connectors.auth import Auth, Nothing, OneLogin
from connectors.contract import Frame, Limits
from connectors.digest import DigestLogin
from connectors.errors import AdminMustFix, Closed, ConnectorError
from connectors.judgement import must_be_good, must_be_json
from connectors.outages import Outages
from connectors.pace import RequestPace
from connectors.patience import Until
from connectors.permit import Permit, Permitted
from connectors.refusals import Refusal, no_answer
from connectors.retry import Down, Lasting, Retry
from connectors.struck import Struck
from connectors.transport import client

log: Final = logging.getLogger("alprhub.http")

# The library writes every address with its query into its own log, and a query is where Scout wants its key.
logging.getLogger("httpx").addFilter(lambda _: False)

PATIENCE: Final = timedelta(seconds=90)
"""How long one request is tried again before the run gives up and keeps its checkpoint, and the longest that one
answer may take from the first byte sent to the last received."""


class Http:
    """Requests to one vendor. Makes no connection until the first request; safe to share between threads.

    All that share it keep to the vendor's limits together: so many requests a second, so many at a time. An outage is
    one line in the log when it begins and one when it ends, however many requests and objects of one `Frame` meet it.
    Its connections last until `close`; after that it sends nothing more and raises `Closed`.
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
        self._patience = patience
        self._permit = Permit(self.base_url, allow)
        self._pace = RequestPace(self._limits, frame)
        self._outages = Outages(frame)
        self._refused = False
        self._until = Until()
        self._httpx: httpx.Client | None = None
        self._digest: httpx.DigestAuth | None = None
        self._hidden: tuple[str, ...] = ()
        self._closed = False
        self._opening = Lock()

    def close(self) -> None:
        """Close every connection to the vendor; safe to repeat, and to call while a request is under way."""
        with self._opening:
            self._closed = True
            client, self._httpx = self._httpx, None
        if client is not None:
            client.close()

    def __del__(self) -> None:
        if getattr(self, "_httpx", None) is not None:
            warnings.warn(f"the connections to {self._permit.own} were never closed", ResourceWarning, 2, self)

    def hide(self, secrets: Sequence[str]) -> None:
        """Strike these out of the vendor's words too, beside what requests are proved with."""
        self._hidden = tuple(secrets)

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
        200) and `TryAgain` (429, 5xx, time-outs, resets, once patience ends); `Closed` after `close`.
        """
        url, host = self._permitted(path if "://" in path else self.base_url + path, credentials)
        renewed = False

        def once() -> Answer:
            nonlocal renewed
            answer = self._send(method, url, host, sending, repeatable, credentials)
            if answer.status == httpx.codes.UNAUTHORIZED and credentials and not renewed and self._auth.renew():
                renewed = True
                answer = self._send(method, url, host, sending, repeatable, credentials)
            now = self._frame.clock.now()
            must_be_good(answer, url, repeatable=repeatable, gone=gone, struck=self._struck(), now=now)
            if json:
                must_be_json(answer, url)
            return answer

        def watched() -> Answer:
            with self._outages.watched(host):
                return once()

        return Retry(self._frame, self._patience).until_answered(watched)

    def _struck(self) -> Struck:
        return Struck((*self._auth.secrets(), *self._hidden))

    def _permitted(self, url: str, credentials: bool) -> Permitted:
        """The address as it may be asked; a host that an answer named is a vendor's word too."""
        try:
            return self._permit.must_hold(url, secret=credentials and type(self._auth) is not Nothing)
        except AdminMustFix as refused:
            raise AdminMustFix(self._struck().without_secrets(str(refused))) from None

    def _client(self) -> httpx.Client:
        """The one client, made for the first request; raises `Closed` once there will be none any more."""
        with self._opening:
            if self._closed:
                raise Closed(f"nothing was sent to {self._permit.own}: this connection was closed, so open it again")
            if self._httpx is None:
                self._httpx = client(self._permit, self._until.left, self._limits.body_bytes)
            return self._httpx

    def _send(
        self, method: str, url: str, host: str, sending: dict[str, Any], repeatable: bool, credentials: bool
    ) -> Answer:
        through = self._client()
        self._pace.wait()
        started = time.perf_counter()
        sent = dict(sending)
        if credentials:
            sent["headers"] = {**self._auth.headers(), **(sent.get("headers") or {})}
            sent["params"] = {**self._auth.params(), **(sent.get("params") or {})} or None
            if login := self._login():
                sent["auth"] = login
        longest = self._longest_answer()
        try:
            with (
                self._pace.place(host),
                self._until.within(longest),
                through.stream(method, url, **sent) as response,
            ):
                body = response.read()
        except (httpx.RequestError, httpx.InvalidURL, UnicodeError) as broken:
            if self._closed:
                raise Closed(f"the request to {host} was given up, since this connection was closed") from None
            whole = longest if self._until.ran_out() else None
            raise self._unanswered(no_answer(broken, url, whole), repeatable) from None
        elapsed = (time.perf_counter() - started) * 1000
        log.debug("%s %s %s %.0f ms", method, host, response.status_code, elapsed)
        self._refused |= response.status_code == httpx.codes.UNAUTHORIZED
        return Answer(response.status_code, response.headers, body)

    def _unanswered(self, refusal: Refusal, repeatable: bool) -> ConnectorError:
        if refusal.for_admin:
            return AdminMustFix(refusal.text)
        if refusal.arrived and not repeatable:
            return Lasting(f"{refusal.text}; what was sent may have arrived, so it was not sent again")
        return Down(refusal.text) if refusal.passing else Lasting(refusal.text)

    def _longest_answer(self) -> float:
        """Seconds that the whole answer may take: never more than the asker's patience.

        A connection without patience tries nothing twice, but its first answer has the usual time.
        """
        return min((self._patience or PATIENCE).total_seconds(), max(self._frame.patience(), 0.0))

    def _login(self) -> httpx.DigestAuth | None:
        """The digest login; None where credentials travel in another way.

        All requests share one login: it remembers the challenge, so that not every request is refused once first. A
        device that locks out gets a new login for each request, and none after a refusal.
        """
        if isinstance(self._auth, OneLogin):
            if self._refused:
                raise AdminMustFix(
                    "nothing was sent: the device refused this user and password before, and locks out who tries too"
                    " often"
                )
            login = self._auth.digest()
            return DigestLogin(*login) if login else None
        if self._digest is None and (login := self._auth.digest()):
            self._digest = DigestLogin(*login)
        return self._digest
