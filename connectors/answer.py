"""`Answer`: what a vendor answered, whole, and the ways to read it that say where it is not what was expected."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from connectors.errors import VendorChanged
from connectors.jsontext import decoded, shaped

T = TypeVar("T")


class Answer:
    """A vendor's answer: status, headers (their names in any case) and the whole body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        self.body = body

    def json(self) -> Any:
        """The body as JSON; raises `VendorChanged` with the bytes where it is not."""
        try:
            return decoded(self.body)
        except VendorChanged:
            raise VendorChanged("the answer is not JSON", self.body) from None

    def shaped(self, shape: type[T]) -> T:
        """The body as `shape` (a msgspec struct or the like); raises `VendorChanged` saying where it differs."""
        try:
            return shaped(self.body, shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as differs:
            raise VendorChanged(f"the answer has another shape: {_differs(differs)}", self.body) from None

    def is_json(self) -> bool:
        """Whether the body is one whole JSON value, or empty."""
        try:
            if self.body:
                shaped(self.body, msgspec.Raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True


def _differs(differs: Exception) -> str:
    """Where the shape differs; a value that is quoted there is the vendor's."""
    return re.sub(r"'[^']*'", "'***'", str(differs))[:200]
