"""`Webhook`: notices as JSON that is POSTed, signed where a secret is set."""

import hmac
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from pydantic import SecretStr

from connectors.contract import Frame
from connectors.errors import ConnectorError, TryAgain
from connectors.http import Http
from connectors.refusals import named
from hub.notices.notice import Notice
from hub.outgoing import NotSent
from normalize.times import rfc3339

SIGNATURE: Final = "X-Alprhub-Signature"
"""The header with `sha256=` and the HMAC-SHA256 of the body in hex."""
_TELLING: Final = 6
"""Signs from which on a part of an address may be what says who posts."""


class Webhook:
    """One POST a notice. `text` in the body is what chat services show."""

    name = "webhook"

    def __init__(self, url: SecretStr, secret: SecretStr | None, agency: str, frame: Frame) -> None:
        self._url = url.get_secret_value()
        self._secret = secret.get_secret_value().encode() if secret else None
        self._agency = agency
        self._frame = frame

    def send(self, notice: Notice) -> str:
        """POST a notice; an answer of 2xx is the proof that it was taken."""
        parts = urlsplit(self._url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise NotSent("ALPRHUB_NOTICE_WEBHOOK_URL is no address that begins with https://")
        body = msgspec.json.encode(_fields(notice, self._agency))
        headers = {"Content-Type": "application/json", "X-Alprhub-Notice": str(notice.id)}
        if self._secret is not None:
            headers[SIGNATURE] = f"sha256={hmac.digest(self._secret, body, 'sha256').hex()}"
        where = f"the webhook at {parts.hostname}"
        # The outbox tries again; a second try here would only hold up the other ways.
        http = Http(f"{parts.scheme}://{parts.netloc}", self._frame, patience=timedelta())
        # Whoever knows the whole address may post there: what it answers may quote a part of it.
        words = [*parts.path.split("/"), *parts.query.replace("=", "&").split("&"), (self._secret or b"").decode()]
        http.hide([self._url, *(word for word in words if len(word) >= _TELLING)])
        try:
            answer = http.request("POST", self._url, content=body, headers=headers, json=False, gone=())
        except ConnectorError as failed:
            why = str(failed).replace(f"{named(self._url)} answered", "it answered")
            raise NotSent(f"{where} did not take it: {why}", answered=not isinstance(failed, TryAgain)) from None
        finally:
            http.close()
        return f"{where} took it (it answered {answer.status})"


def _fields(notice: Notice, agency: str) -> dict[str, Any]:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "code": notice.code,
        "subject": notice.subject,
        "connection": notice.connection,
        "agency": agency,
        "at": rfc3339(notice.at, "seconds"),
        "title": notice.title,
        "text": f"{notice.title}\n{notice.body}",
    }
