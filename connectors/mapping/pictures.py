"""Pictures that a mapped payload has only the address of: fetched by https from hosts that the admin named."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Final
from urllib.parse import urljoin, urlsplit

from pydantic import AfterValidator

from connectors.errors import Gone, HostNotAllowed
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


def reachable(images: Iterable[ImageRef], base: str = "") -> tuple[ImageRef, ...]:
    """The pictures that came along, and those that lie on the web or below the address `base`, by their whole address.

    One at a host that nobody allowed is among them: it is not fetched, and people are told of the host.
    """
    pictures = []
    for image in images:
        url = None if image.url is None else _joined(base, image.url)
        if url is None or _on_the_web(url) or (base and _origin(url) == _origin(base)):
            pictures.append(image if url is None else image.model_copy(update={"url": url}))
    return tuple(pictures)


def fetched(http: Http | None, url: str, hosts: Sequence[str]) -> bytes:
    """The picture at an address of the hosts, asked for without our credentials; raises `HostNotAllowed` for others.

    Raises `Gone` for what is no address on the web.
    """
    if not _on_the_web(url):
        raise Gone("the picture's address is not https, so it is not fetched")
    if http is None or not from_hosts(url, hosts):
        raise HostNotAllowed("the picture's address is not at a host of the setting image_hosts")
    return picture(http.request("GET", url, json=False, credentials=False).body)


def _on_the_web(url: str) -> bool:
    """Whether it is an https address at some host, without a user in it."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.username is None and bool(_HOST.fullmatch(parts.hostname or ""))
    except ValueError:
        return False


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
