"""`made_once`: what is made when it is first used, and once, whichever thread comes first."""

from collections.abc import Callable
from threading import RLock
from typing import Any, Final, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)

_MAKING: Final = RLock()
"""One lock for all values: making one may need others, and with a lock each two threads could wait for each other."""


class made_once(Generic[T_co]):
    """A property whose value is kept. Unlike `cached_property`, two threads get the same one on every Python."""

    def __init__(self, make: Callable[[Any], T_co]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, owner: object, kind: type | None = None) -> T_co:
        """The value; the owner's own dictionary answers from then on."""
        with _MAKING:
            kept: dict[str, Any] = owner.__dict__
            if self._name not in kept:
                kept[self._name] = self._make(owner)
            value: T_co = kept[self._name]
            return value
