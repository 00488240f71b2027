"""Pictures that a mapped payload has only the address of: fetched by https from hosts that the admin named."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Final
from urllib.parse import urljoin, urlsplit

from pydantic import AfterValidator

from connectors.errors import Gone
from connectors.http import Http
from connectors.pictures import picture
from normalize.read import ImageRef

_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def _is_host(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise ValueError("is no host name: write it in lower case without https:// and without a path")
    return name


Host = Annotated[str, AfterValidator(_is_host)]


def from_hosts(url: str, hosts: Sequence[str]) -> bool:
    """Whether an address is https at one of the hosts or below it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme == "https" and any(host == name or host.endswith("." + name) for name in hosts)


def reachable(images: Iterable[ImageRef], hosts: Sequence[str], base: str = "") -> tuple[ImageRef, ...]:
    """The pictures that came along, and those at the hosts or below the address `base`, by their whole address."""
    pictures = []
    for image in images:
        url = None if image.url is None else _joined(base, image.url)
        if url is None or from_hosts(url, hosts) or (base and _origin(url) == _origin(base)):
            pictures.append(image if url is None else image.model_copy(update={"url": url}))
    return tuple(pictures)


def fetched(http: Http, url: str, hosts: Sequence[str]) -> bytes:
    """The picture at an address of the hosts, asked for without our credentials; raises `Gone` for other addresses."""
    if not from_hosts(url, hosts):
        raise Gone("the picture's address is not https at a host of the setting image_hosts")
    return picture(http.request("GET", url, json=False, credentials=False).body)


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def _origin(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.scheme, parts.netloc
