"""What Genetec says of a read by key, in lists that differ by form."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from normalize import vehicle

NOTHING: Final = "-"
"""What Genetec writes for what it could not tell (documented), there with the score -1."""


class Attributes:
    """What Genetec says of a read by key, whatever the case of the key; `-` is what it could not tell."""

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self._said: dict[str, str] = {}
        for key, value in pairs:
            if isinstance(key, str) and (text := short_text(value)):
                self._said.setdefault(key.strip().casefold(), text)

    def said(self, key: str) -> str | None:
        return self._said.get(key)

    def get(self, key: str) -> str | None:
        text = self.said(key)
        return None if text == NOTHING else text

    def country(self) -> str | None:
        """The region set that the Sharp reads by, where it is a country's or Europe's."""
        context = self.get("context") or ""
        return context.upper() if len(context) == 2 and context.isalpha() and context.upper() != "NA" else None

    def vehicle(self) -> vehicle.Vehicle:
        return vehicle.Vehicle(
            make=vehicle.make(self.said("vehicle make")),
            model=self.get("vehicle model"),
            colour=vehicle.colour(self.said("vehicle color")),
            body=vehicle.body(self.said("vehicle type")),
        )


def short_text(value: Any) -> str | None:
    """A value as short text; None for what is neither text nor a number."""
    if type(value) in (int, float):
        return str(value)[:100]
    return value.strip()[:100] or None if isinstance(value, str) else None


def analytics_of(analytics: Any) -> Iterator[tuple[Any, Any]]:
    """Keys and values of PlateAnalytics, a list in JSON and nested in itself in XML; a score of -1 says nothing."""
    if isinstance(analytics, dict):
        analytics = analytics.get("PlateAnalytics", analytics)
    for each in analytics if isinstance(analytics, list) else [analytics]:
        if isinstance(each, dict):
            score = short_text(each.get("Score")) or ""
            yield each.get("Key"), NOTHING if re.fullmatch(r"-1(\.0*)?", score) else each.get("Value")
