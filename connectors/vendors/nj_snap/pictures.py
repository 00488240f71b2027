"""Signed addresses of pictures, with the end that each tells of itself."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from connectors.fields import Fields
from normalize.read import ImageKind, ImageRef


def pictures_of(fields: Fields, *places: tuple[ImageKind, str]) -> tuple[ImageRef, ...]:
    urls = ((kind, fields.text_or_none(name)) for kind, name in places)
    return tuple(
        ImageRef(kind=kind, url=url, expires_at=_end_of(url)) for kind, url in urls if url and _leads_somewhere(url)
    )


def _leads_somewhere(url: str) -> bool:
    """Whether it is an address: the public example writes words in its place."""
    try:
        return urlsplit(url).scheme in ("https", "http") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _end_of(url: str) -> datetime | None:
    """When a signed address ends, as its own query says; None where it does not."""
    try:
        query = parse_qs(urlsplit(url).query)
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return signed + timedelta(seconds=int(query["X-Amz-Expires"][0]))
    except (KeyError, ValueError, OverflowError):
        return None
