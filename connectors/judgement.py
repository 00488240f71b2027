"""What an answer's status and body mean for whoever asked, as the error that says what happens next."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec

from connectors.answer import Answer
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.refusals import is_page, meaning, named
from connectors.retry import Down, Lasting, PassingFailure, retry_after
from connectors.struck import Struck

_ABOUT_THE_ACCOUNT: Final = (401, 402, 403, 413)


def must_be_good(
    answer: Answer, url: str, *, repeatable: bool, gone: Collection[int], struck: Struck, now: datetime
) -> None:
    """Return for a status below 300; raise what any other means, with the vendor's words where they are safe.

    `repeatable` says that the request may be sent twice, `gone` which statuses say that there is nothing any more;
    `struck` knows what may be kept of the vendor's words.
    """
    status = answer.status
    if status < 300:
        return
    means, for_admin = meaning(status, url, answer.body, answer.headers, struck)
    says = f"{named(url)} answered {status}: {means}{_quoted(answer, struck)}"
    if for_admin:
        raise AdminMustFix(says)
    if status >= 500 and status != 503 and not repeatable:
        raise Lasting(f"{says}; it may have been carried out, so it was not sent again")
    if status == 429 or status >= 500:
        failure = PassingFailure if status == 429 else Down
        raise failure(says, retry_after(answer.headers.get("retry-after"), now))
    if status in gone:
        raise Gone(says)
    if status in _ABOUT_THE_ACCOUNT:
        raise AdminMustFix(says)
    raise VendorChanged(says, answer.body)


def must_be_json(answer: Answer, url: str) -> None:
    """Return where the body is JSON or empty; raise a failure worth another try, caused by `VendorChanged`, else.

    Proxies answer with a page for a minute during maintenance, so it is asked again before it is believed.
    """
    if answer.is_json():
        return
    says = f"{named(url)} answered {answer.status}, but with something that is cut short or not JSON"
    if is_page(answer.body, answer.headers):
        says = f"{named(url)} answered {answer.status}, but with a web page: see the path in the address"
    changed = VendorChanged(says, answer.body)
    raise Down(str(changed)) from changed


def _quoted(answer: Answer, struck: Struck) -> str:
    """The vendor's own words on a refusal of the account, without what they may echo of what was sent."""
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
    words = struck.words(text)
    return f" ({words})" if words else ""
