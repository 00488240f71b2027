"""The form in which certificates are digested: JSON with its keys in order and no blanks, and SHA-256 of it."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec


def canonical_json(values: Mapping[str, Any]) -> bytes:
    """What is told, in the one form that it has whoever writes it down."""
    return msgspec.json.encode(values, order="sorted")


def digest_of_json(body: bytes) -> str:
    """The digest that a certificate stands under."""
    return sha256(body).hexdigest()
