"""A department's policy as the hub executes it: today its retention ceilings, each with its clause."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import yaml

from hub.errors import NotFound
from hub.policy.durations import Duration


@dataclass(frozen=True, slots=True)
class Rule:
    """One retention rule: whose reads, how long, and the clause that says so. None matches anything."""

    id: str
    origin: str | None
    vendor: str | None
    keep: Duration
    clause: str
    least: Duration | None = None
    """How long a read must be kept from its receipt, where somebody says so."""

    def fits(self, origin: str, vendor: str) -> bool:
        """Whether the rule speaks about reads of this origin and vendor."""
        return self.origin in (None, origin) and self.vendor in (None, vendor)


class Expiry(NamedTuple):
    """When a read must be gone, and the rule that says so."""

    at: datetime
    rule: str


class Profile:
    """One profile, ready to be asked."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.id: str = data["profile_id"]
        self.zone = ZoneInfo(data["agency"]["timezone"])
        self.purposes: tuple[str, ...] = tuple(data["use"]["purposes"]["v"])
        self._chosen: dict[tuple[str, str], Rule] = {}
        self.rules = tuple(_rule(rule) for rule in data["retention"]["rules"] if rule["max"])

    def rule_for(self, origin: str, vendor: str) -> Rule:
        """The rule for reads of an origin and vendor: the one that names the vendor before the one that names none."""
        known = self._chosen.get((origin, vendor))
        if known is not None:
            return known
        fitting = [rule for rule in self.rules if rule.fits(origin, vendor)]
        if not fitting:
            raise NotFound(f"profile {self.id} has no retention rule for {origin} reads of {vendor}")
        chosen = max(fitting, key=lambda rule: (rule.vendor is not None, rule.origin is not None))
        self._chosen[origin, vendor] = chosen
        return chosen

    def expiry(self, origin: str, vendor: str, captured_at: datetime) -> Expiry:
        """When a read captured at an instant must be gone."""
        rule = self.rule_for(origin, vendor)
        return Expiry(rule.keep.ceiling(captured_at, self.zone), rule.id)


def _rule(data: dict[str, Any]) -> Rule:
    match = data["match"]
    return Rule(
        id=data["id"],
        origin=None if match.get("origin", "any") == "any" else match["origin"],
        vendor=match.get("vendor"),
        keep=Duration.parse(data["max"]["dur"]),
        clause=data["ref"],
        least=Duration.parse(data["min"]["dur"]) if data.get("min") else None,
    )


@lru_cache
def load(name: str) -> Profile:
    """The built-in profile of a name (`hermosa-beach`); raises `NotFound`, naming those there are."""
    folder = files("hub.policy").joinpath("profiles")
    known = sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))
    if name not in known:
        raise NotFound(f"no policy profile is called {name!r}; there are: {', '.join(known)}")
    return Profile(yaml.safe_load(folder.joinpath(f"{name}.yaml").read_text("utf-8")))
