"""Plate patterns: `?` is one character, `*` any run, everything else stands for itself. Never a regular expression."""

from dataclasses import dataclass
from typing import Final

from hub.errors import Invalid
from normalize.plate import LONGEST, canonical
from normalize.spreadsheet import damage

_WILD: Final = frozenset("?*")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A checked pattern: canonical characters between wildcards."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """The pattern a person typed; raises `Invalid` for one that names no character, or that a spreadsheet wrote."""
        if (damaged := damage(text)) is not None:  # the plate that it was would not be found
            raise Invalid(f"plates: {damaged}")
        parts: list[str] = []
        literal = ""
        for char in text.strip():
            if char in _WILD:
                parts += [canonical(literal), char]
                literal = ""
            else:
                literal += char
        parts.append(canonical(literal))
        joined = "".join(parts)
        while "**" in joined:
            joined = joined.replace("**", "*")
        if not set(joined) - _WILD:
            raise Invalid("plates: each needs at least one letter or digit")
        if len(joined) > 2 * LONGEST:
            raise Invalid(f"plates: one is longer than {2 * LONGEST} characters")
        return cls(joined)

    @property
    def exact(self) -> bool:
        """Whether there is no wildcard in it."""
        return not set(self.text) & _WILD
