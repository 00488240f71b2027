"""Which connectors there are: built-ins by folder, others by entry point and only once an admin allows them.

A built-in is a module or a package in `connectors/vendors`; its name is the connector's key.
"""

from collections.abc import Collection
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Final

from connectors import vendors
from connectors.contract import Connector
from connectors.faults import nearest

GROUP: Final = "alprhub.connectors"
OURS: Final = "alprhub"


class UnknownConnector(LookupError):
    """No connector has that key."""


def defined_in(module: ModuleType) -> type[Connector[Any]]:
    """The connector class that a module or a package defines; raises `TypeError` for none or several.

    A package shows it in its `__init__`, in whichever of its files it stands.
    """
    kinds = {
        thing
        for thing in vars(module).values()
        if isinstance(thing, type)
        and issubclass(thing, Connector)
        and f"{thing.__module__}.".startswith(f"{module.__name__}.")
    }
    if len(kinds) != 1:
        raise TypeError(f"{module.__name__} must define one connector, it defines {len(kinds)}")
    return kinds.pop()


@cache
def _builtin(key: str) -> type[Connector[Any]]:
    return defined_in(import_module(f"{vendors.__name__}.{key}"))


@cache
def builtins() -> tuple[str, ...]:
    """The keys of the modules and packages in `connectors/vendors`, without importing any of them."""
    return tuple(sorted(module.name for module in iter_modules(vendors.__path__)))


def available(allowed: Collection[str] = ()) -> tuple[str, ...]:
    """The keys that may run here: built-ins, this distribution's own, and third parties' named in `allowed`."""
    others = {
        point.name
        for point in entry_points(group=GROUP)
        if point.name in allowed or (point.dist is not None and point.dist.name == OURS)
    }
    return tuple(sorted({*builtins(), *others}))


def connector(key: str, allowed: Collection[str] = ()) -> type[Connector[Any]]:
    """The connector class of a key; raises `UnknownConnector`, naming those there are."""
    if key in builtins():
        return _builtin(key)
    known = available(allowed)
    if key not in known:
        near = nearest(key, known)
        lead = f"there is no connector called {key!r}" if key.strip() else "the name of a connector is missing"
        hint = f"; did you mean {near!r}?" if near else f"; there are: {', '.join(known)}"
        raise UnknownConnector(f"{lead}{hint}")
    point = next(point for point in entry_points(group=GROUP) if point.name == key)
    return point.load()  # type: ignore[no-any-return]


class Installed:
    """What is installed here: built-ins, this distribution's own, and third parties' named in `allowed`."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = allowed
        self._found: dict[str, type[Connector[Any]]] = {}

    def connector(self, key: str) -> type[Connector[Any]]:
        """The connector class of a key; raises `UnknownConnector`, naming those there are."""
        if key not in self._found:  # to ask what is installed is to look at every package
            self._found[key] = connector(key, self._allowed)
        return self._found[key]
