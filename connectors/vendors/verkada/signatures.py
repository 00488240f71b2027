"""A push is believed where Verkada signed it, and did so just now."""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from pydantic import SecretStr

from connectors.contract import Request
from connectors.errors import AdminMustFix
from connectors.vendors.verkada.reads import MILLIS

SKEW: Final = timedelta(seconds=60)
"""How far a push's own time may lie from the hub's (documented)."""


def must_be_signed(request: Request, secret: SecretStr | None, now: Callable[[], datetime]) -> None:
    """Return where the push was signed with the secret within the last minute; raises `AdminMustFix` where not."""
    if secret is None or not secret.get_secret_value():
        raise AdminMustFix("no secret is set for what Verkada pushes, so nothing pushed is believed")
    stamp, _, given = request.headers.get("verkada-signature", "").partition("|")
    signed = request.document.body + b"|" + stamp.encode()
    expected = hmac.new(secret.get_secret_value().encode(), signed, sha256).hexdigest()
    if not hmac.compare_digest(given.strip().lower().encode(), expected.encode()):
        raise AdminMustFix("the push does not hold a signature made with the secret that was agreed")
    # What is signed was written by Verkada, but a time that is none must still not become an error of ours.
    count = int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) < 16 else 0
    at = count / 1000 if count >= MILLIS else count
    if abs(now().timestamp() - at) > SKEW.total_seconds():
        raise AdminMustFix("the push was signed more than a minute ago, or its clock is wrong")
