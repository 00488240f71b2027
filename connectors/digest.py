"""`DigestLogin`: the library's digest login, for devices that ask in several ways at once, or in one that it lacks."""

import hashlib
import re
from collections.abc import Generator, Iterator
from typing import Final
from urllib.request import parse_http_list

import httpx

from connectors.errors import AdminMustFix
from connectors.refusals import named

_KNOWN: Final = ("MD5", "MD5-SESS", "SHA-256", "SHA-256-SESS", "SHA-512", "SHA-512-SESS")
_SHORTENED: Final = ("SHA-512-256", "SHA-512-256-SESS")
"""Those of RFC 7616 that the library lacks."""
_WORD: Final = re.compile(r"[A-Za-z0-9-]{1,20}")


class DigestLogin(httpx.DigestAuth):
    """Answers the first challenge that it knows; raises `AdminMustFix` where a device offers none that it knows."""

    _ALGORITHM_TO_HASH_FUNCTION = {  # noqa: RUF012
        **httpx.DigestAuth._ALGORITHM_TO_HASH_FUNCTION,
        **dict.fromkeys(_SHORTENED, lambda data: hashlib.new("sha512_256", data)),
    }

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The library's own flow, shown the one challenge that it is to answer."""
        flow = super().auth_flow(request)
        sent = next(flow)
        while True:
            response = yield sent
            if response.status_code == httpx.codes.UNAUTHORIZED and "www-authenticate" in response.headers:
                response.headers["www-authenticate"] = _chosen(response.headers, str(request.url))
            try:
                sent = flow.send(response)
            except StopIteration:
                return


def _chosen(headers: httpx.Headers, url: str) -> str:
    """The challenge that is answered."""
    offered, unknown = list(_challenges(headers)), []
    for scheme, asked in offered:
        if scheme != "digest":
            continue
        algorithm, ways = asked.get("algorithm", "MD5").strip('"'), _ways(asked)
        if {"realm", "nonce"} <= asked.keys() and algorithm.upper() in (*_KNOWN, *_SHORTENED) and "auth" in ways:
            told = {**asked, "qop": '"auth"'} if "qop" in asked and asked["qop"].strip('"') else asked
            return "Digest " + ", ".join(
                f"{name}={value}" for name, value in told.items() if name != "qop" or value.strip('"')
            )
        unknown.append(f"{_shown(algorithm)} with {' or '.join(map(_shown, ways))}")
    if unknown:
        raise AdminMustFix(
            f"{named(url)} asks for a kind of digest login that is not known here ({', '.join(unknown[:3])}): set its"
            " login to digest with MD5 or SHA-256, for the login alone (auth)"
        )
    others = ", ".join(dict.fromkeys(_shown(scheme) for scheme, _ in offered)) or "none that has a name"
    raise AdminMustFix(
        f"{named(url)} asks for another kind of login ({others}), and this connection has a user and a password for"
        " digest alone: set its login to digest"
    )


def _ways(asked: dict[str, str]) -> list[str]:
    """What a challenge wants protected: `auth` where it does not say, as older devices."""
    return [way.strip().lower() for way in asked.get("qop", "").strip('"').split(",") if way.strip()] or ["auth"]


def _challenges(headers: httpx.Headers) -> Iterator[tuple[str, dict[str, str]]]:
    """The scheme of each challenge and what it asks for by name, as it is written; several may share a header."""
    for header in headers.get_list("www-authenticate"):
        scheme, asked = "", dict[str, str]()
        for item in parse_http_list(header):
            first, _, rest = item.partition(" ")
            is_scheme = "=" not in first
            if is_scheme:  # and perhaps the first thing that it asks for
                if scheme:
                    yield scheme, asked
                scheme, asked = first.lower(), {}
            name, is_asked, value = (rest.strip() if is_scheme else item).partition("=")
            if is_asked:
                asked[name.strip().lower()] = value.strip()
        if scheme:
            yield scheme, asked


def _shown(word: str) -> str:
    return word if _WORD.fullmatch(word) else "a nameless one"
