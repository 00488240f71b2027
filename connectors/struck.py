"""`Struck`: a vendor's words without what they must not carry on: secrets in any form, plates, signs of control."""

import html
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote

import msgspec
from pydantic import BaseModel, SecretBytes, SecretStr

HIDDEN: Final = "***"
LONGEST: Final = 200
"""The most of a vendor's words that is kept."""
_READ: Final = 20_000
_LAYERS: Final = 3
"""How often one text is put into another: an address in an address, in a page."""
_SHORTEST: Final = 4
"""Below so many signs a secret may be a part of any word."""
_TOKEN: Final = re.compile(r"[^\W_]+")
_GROUP: Final = 4
"""Letters or digits that stand together in a plate that is written in groups."""
_NEAR: Final = 2
_HANGING: Final = "+/=%_-"
_PLATE_WORDS: Final = frozenset({
    "plate", "plates", "licence", "license", "lpn", "lp", "tag", "tags", "vehicle", "vehicles", "registration", "vin",
    "car",
})  # fmt: skip
_COMPOUND: Final = re.compile(r"(?<!tem)plate|licen[cs]e|registration|kennzeichen|kenteken|matricul|placa")
"""What a word holds that is made of several, as the names of fields are: licensePlate, numberplate, Kfz-Kennzeichen."""
_LISTED: Final = re.compile(r"[\s\"'\]]*[,;][\s\"'\[]*")
_LINKS: Final = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "cannot", "could", "does", "format", "found", "for", "given",
    "has", "have", "id", "in", "invalid", "is", "list", "may", "missing", "must", "no", "not", "number", "of", "on",
    "or", "plate", "plates", "required", "string", "text", "the", "to", "too", "unknown", "value", "was", "with",
})  # fmt: skip
_LOUD: Final = frozenset({
    "ACCESS", "API", "DENIED", "ERROR", "FALSE", "GET", "HTTP", "HTTPS", "ID", "INVALID", "IP", "JSON", "JWT", "KEY",
    "LIMIT", "NOT", "NULL", "OAUTH", "OK", "POST", "PUT", "QUOTA", "SSL", "SSO", "TLS", "TOKEN", "TRUE", "URL", "XML",
})  # fmt: skip
"""Words in capitals that are no plate."""


def secrets_of(settings: Any) -> tuple[str, ...]:
    """Every secret in a connection's settings, however deep."""
    return tuple(dict.fromkeys(text for text in _secrets(settings) if text))


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode(errors="replace")
    elif isinstance(value, BaseModel):
        yield from chain.from_iterable(map(_secrets, vars(value).values()))
    elif isinstance(value, Mapping):
        yield from chain.from_iterable(map(_secrets, value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from chain.from_iterable(map(_secrets, value))


class Struck:
    """What may be kept of the words of a vendor that knows these secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = sorted({form for secret in secrets if secret for form in _forms(secret)}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(_sought, forms)), re.IGNORECASE) if forms else None

    def without_secrets(self, text: str) -> str:
        """The text with every secret struck out, as it is and as base64, an address, JSON, HTML or hex writes it.

        One of fewer than four signs may stand in any word, so it is struck out where it stands alone.
        """
        if self._secrets is None:
            return text
        text = _without(text, [_whole(text, found) for found in self._secrets.finditer(text)])
        plain = text
        for _ in range(_LAYERS):
            plain = unquote(html.unescape(plain))
        # What is written in yet another way than any form above is not told apart, so nothing of it is kept.
        return HIDDEN if self._secrets.search(plain) else text

    def words(self, text: str) -> str:
        """The text as it may be kept: without secrets and plates, in one line and short."""
        if len(text) > _READ:  # nobody writes that much to say what is wrong
            return ""
        plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        return without_plates(self.without_secrets(plain))[:LONGEST]


def without_plates(text: str) -> str:
    """The text without everything that is like a plate, in any case: more is struck out rather than less.

    What has a digit may be a plate or a part of one, and so may short words beside it; so may a short word of capitals,
    and what stands behind a word such as "plate", with all that a comma lists behind it.
    """
    tokens = list(_TOKEN.finditer(text))
    return _without(text, [*_with_digits(text, tokens), *_named_plates(text, tokens), *_capitals(text, tokens)])


def _whole(text: str, found: re.Match[str]) -> tuple[int, int]:
    """A secret with all that hangs together with it: before a password's base64 stands that of its user's name."""
    begin, end = found.span()
    while begin > 0 and (text[begin - 1].isalnum() or text[begin - 1] in _HANGING):
        begin -= 1
    while end < len(text) and (text[end].isalnum() or text[end] in _HANGING):
        end += 1
    return begin, end


def _with_digits(text: str, tokens: list[re.Match[str]]) -> Iterator[tuple[int, int]]:
    run: list[re.Match[str]] = []
    for token in [*tokens, None]:
        close = token is not None and (not run or _are_near(text, run[-1], token))
        if token is not None and close and _may_be_part(token):
            run.append(token)
            continue
        if any(_has_digit(part) for part in run):
            yield run[0].start(), run[-1].end()
        run = [token] if token is not None and _may_be_part(token) else []


def _are_near(text: str, before: re.Match[str], token: re.Match[str]) -> bool:
    between = text[before.end() : token.start()]
    return len(between) <= _NEAR and not set(between) & set(",;:!?()[]{}")


def _may_be_part(token: re.Match[str]) -> bool:
    return _has_digit(token) or len(token.group()) <= _GROUP


def _has_digit(token: re.Match[str]) -> bool:
    return any(sign.isnumeric() for sign in token.group())


def _named_plates(text: str, tokens: list[re.Match[str]]) -> Iterator[tuple[int, int]]:
    behind, struck = False, -1
    for token in tokens:
        word = token.group().casefold()
        listed = struck >= 0 and _LISTED.fullmatch(text, struck, token.start())
        if word in _PLATE_WORDS or _COMPOUND.search(word):
            behind = True
        elif (behind or listed) and word not in _LINKS:
            yield token.span()
            behind, struck = False, token.end()


def _capitals(text: str, tokens: list[re.Match[str]]) -> Iterator[tuple[int, int]]:
    for token in tokens:
        word = token.group()
        hangs = "_" in text[max(token.start() - 1, 0) : token.end() + 1]
        if word.isupper() and 2 <= len(word) <= 8 and word not in _LOUD and not hangs:
            yield token.span()


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for begin, end in _joined(spans):
        text = text[:begin] + HIDDEN + text[end:]
    return text


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans without overlaps, the last first."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined[::-1]


def _sought(form: str) -> str:
    return re.escape(form) if len(form) >= _SHORTEST else rf"(?<!\w){re.escape(form)}(?!\w)"


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield from (secret, secret.replace(" ", "+"))
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret), html.escape(secret), raw.hex())
    yield from (msgspec.json.encode(secret).decode()[1:-1], secret.encode("unicode_escape").decode())
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):  # what stands before it, a user's name, shifts every sign
            whole = encode(bytes(before) + raw).decode()
            form = whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
            if len(form) >= _SHORTEST:
                yield form
