"""Quality tiers: what a program can check of a connector decides between bronze, silver and gold.

A wheel carries neither tests nor pages, so tiers are worked out in a checkout and kept in `vendors/quality.json`; a
test fails when a kept tier is no longer true. `python -m connectors.quality` writes the file again.
"""

import ast
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from pydantic import SecretStr

from connectors.contract import ABILITIES, Connector, Evidence, Proof, abilities
from connectors.registry import available, connector

ROOT: Final = Path(__file__).parents[1]
KEPT: Final = Path(__file__).parent / "vendors" / "quality.json"
SECRET_NAME: Final = re.compile(r"(^|_)(secret|password|passphrase|token|api_key|private_key|access_key)$")
"""How settings are called that must be `SecretStr`."""
_GRADE: Final = re.compile(r"\b[DSA]\b")
_BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "pushes_hotlists": ("list_remote", "held_form", "as_held", "proof"),
    "unsubscribes": ("subscriptions",),
}
"""What an ability needs beside the method that shows it."""
_FEWEST_GRADES: Final = 8
"""The page's legend alone mentions three grades; a page that grades its facts has more."""


class Tier(StrEnum):
    """How far a connector can be leaned on; each tier holds the ones before it."""

    BRONZE = "bronze"
    """It keeps the contract and says what it cannot do."""
    SILVER = "silver"
    """And its wire is tested, and its page says how each fact is known."""
    GOLD = "gold"
    """And it was tried on what the vendor really sends, and proves what it does there."""


class Rating(msgspec.Struct, frozen=True):
    """A connector's tier, and the facts that it lacks for gold; without a tier it lacks some of bronze."""

    tier: Tier | None
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofPlaces:
    """Where a connector's proofs lie: examples, page, tests of its wire, and expectations of captured payloads."""

    fixtures: Path
    page: Path
    wire: Path
    captured: Path

    @classmethod
    def of(cls, key: str, root: Path = ROOT) -> "ProofPlaces":
        """The place of a built-in connector in a checkout."""
        vendors = root / "tests" / "vendors"
        page = root / "docs" / "vendors" / f"{key}.md"
        return cls(vendors / key, page, vendors / f"test_{key}_wire.py", vendors / "samples")


ConnectorClass = type[Connector[Any]]


@dataclass(frozen=True, slots=True)
class TierRule:
    """One fact that a tier wants; `holds` checks it."""

    tier: Tier
    name: str
    says: str
    holds: Callable[[ConnectorClass, ProofPlaces], bool]


def _has_examples(_kind: ConnectorClass, place: ProofPlaces) -> bool:
    if not place.fixtures.is_dir():
        return False
    names = {path.name for path in place.fixtures.iterdir() if path.is_file()}
    examples = [name for name in names if not name.endswith(".reads.json")]
    return bool(examples) and all(f"{Path(name).stem}.reads.json" in names for name in examples)


def _has_reads_and_refusals(_kind: ConnectorClass, place: ProofPlaces) -> bool:
    goldens = "".join(path.read_text(encoding="utf-8") for path in sorted(place.fixtures.glob("*.reads.json")))
    return '"read":' in goldens and ('"rejected":' in goldens or '"changed":' in goldens)


def _has_page(kind: ConnectorClass, place: ProofPlaces) -> bool:
    return place.page.is_file() and all(
        f"`{name}`" in place.page.read_text("utf-8") for name in kind.Settings.model_fields
    )


def _has_limits(kind: ConnectorClass, _place: ProofPlaces) -> bool:
    return bool(kind.info.known_limits)


def _keeps_secrets(kind: ConnectorClass, _place: ProofPlaces) -> bool:
    fields = kind.Settings.model_fields.items()
    named = [field.annotation for name, field in fields if SECRET_NAME.search(name)]
    return all(SecretStr in (get_args(annotation) or (annotation,)) for annotation in named)


def _is_whole(kind: ConnectorClass, _place: ProofPlaces) -> bool:
    keys = abilities(kind)
    named = [ABILITIES[name] for name in keys] + [beside for name in keys for beside in _BESIDE.get(name, ())]
    return bool(keys) and all(getattr(kind, name, None) is not None for name in named)


def _names_retention(kind: ConnectorClass, _place: ProofPlaces) -> bool:
    return bool(kind.info.retention_vendor.strip())


def _grades_facts(_kind: ConnectorClass, place: ProofPlaces) -> bool:
    return place.page.is_file() and len(_GRADE.findall(place.page.read_text(encoding="utf-8"))) >= _FEWEST_GRADES


def _wire_tests(place: ProofPlaces) -> list[ast.FunctionDef]:
    """The wire tests' syntax tree, in which a mention in a comment or a text does not count."""
    if not place.wire.is_file():
        return []
    nodes = ast.walk(ast.parse(place.wire.read_text(encoding="utf-8")))
    return [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def _tries(place: ProofPlaces, method: str) -> bool:
    """Whether a test of the wire uses a method of that name."""
    used = (node for test in _wire_tests(place) for node in ast.walk(test) if isinstance(node, ast.Attribute))
    return any(node.attr == method for node in used)


def _has_wire_tests(_kind: ConnectorClass, place: ProofPlaces) -> bool:
    return bool(_wire_tests(place))


def _tries_check(_kind: ConnectorClass, place: ProofPlaces) -> bool:
    return _tries(place, "check")


def _tries_pushes(kind: ConnectorClass, place: ProofPlaces) -> bool:
    return "receives_reads" not in abilities(kind) or _tries(place, "verify")


def _reaches_back(kind: ConnectorClass, _place: ProofPlaces) -> bool:
    return "pulls_reads" not in abilities(kind) or kind.info.look_back.total_seconds() > 0


def _was_tried(kind: ConnectorClass, place: ProofPlaces) -> bool:
    if kind.info.evidence is Evidence.SAMPLES:
        captures = [path.read_text(encoding="utf-8") for path in sorted(place.captured.glob("*.json"))]
        return any(re.search(rf'"connector":\s*"{kind.info.key}"', text) for text in captures)
    return kind.info.evidence is Evidence.LIVE


def _reads_back(kind: ConnectorClass, _place: ProofPlaces) -> bool:
    return "pushes_hotlists" not in abilities(kind) or getattr(kind, "proof", None) is Proof.READ_BACK


RULES: Final = (
    TierRule(Tier.BRONZE, "examples", "every example file has its reviewed golden file", _has_examples),
    TierRule(Tier.BRONZE, "page", "its page names every setting", _has_page),
    TierRule(Tier.BRONZE, "limits", "it says what it cannot do", _has_limits),
    TierRule(Tier.BRONZE, "secrets", "settings named like secrets are kept as secrets", _keeps_secrets),
    TierRule(Tier.BRONZE, "abilities", "each ability has all of its methods", _is_whole),
    TierRule(Tier.BRONZE, "retention", "it names the vendor whose retention rule counts", _names_retention),
    TierRule(Tier.SILVER, "refusals", "its examples hold reads and refusals", _has_reads_and_refusals),
    TierRule(Tier.SILVER, "facts", "its page says of each fact how it is known (D, S, A)", _grades_facts),
    TierRule(Tier.SILVER, "wire", "its wire has tests", _has_wire_tests),
    TierRule(Tier.SILVER, "check", "they try its live check", _tries_check),
    TierRule(Tier.SILVER, "pushes", "they try the proof of what is pushed, if anything is", _tries_pushes),
    TierRule(Tier.SILVER, "look_back", "it reaches back for late reads, if it pulls", _reaches_back),
    TierRule(Tier.GOLD, "evidence", "it was tried on captured payloads, which have expectations, or live", _was_tried),
    TierRule(Tier.GOLD, "read_back", "it proves hot lists by reading them back, if it takes any", _reads_back),
)

EXEMPT: Final[Mapping[tuple[str, str], str]] = {
    ("native", "wire"): "It speaks to no vendor: tests/native_reader tries it on pictures, videos and streams.",
    ("native", "check"): "The same tests try its check.",
    ("native", "look_back"): "It takes every file that it has not taken, however late it came.",
}
"""By connector and rule, why the rule does not count. Kept here: no author can exempt himself."""


def rate(kind: ConnectorClass, place: ProofPlaces) -> Rating:
    """What the facts of a connector come to; exempt rules count as kept."""
    lacks = [rule for rule in RULES if (kind.info.key, rule.name) not in EXEMPT and not rule.holds(kind, place)]
    tier = None
    for each in Tier:
        if any(rule.tier is each for rule in lacks):
            break
        tier = each
    return Rating(tier, tuple(rule.name for rule in lacks))


@cache
def kept() -> Mapping[str, Rating]:
    """The ratings of the built-ins as this distribution carries them."""
    return msgspec.json.decode(KEPT.read_bytes(), type=dict[str, Rating])


def rating(key: str) -> Rating | None:
    """The rating of a connector; None for a third party's, which nobody here has checked."""
    return kept().get(key)


def worked_out(root: Path = ROOT) -> dict[str, Rating]:
    """The ratings of all built-ins in a checkout."""
    return {key: rate(connector(key), ProofPlaces.of(key, root)) for key in available()}


def written(ratings: Mapping[str, Rating]) -> bytes:
    """The kept file: one line a connector, so that two authors seldom meet in one."""
    lines = [
        f" {msgspec.json.encode(key).decode()}: {msgspec.json.encode(ratings[key]).decode()}" for key in sorted(ratings)
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def main() -> None:
    """Work the tiers out, write them, and say what each connector lacks."""
    if not (ROOT / "tests" / "vendors").is_dir():
        sys.exit(f"{ROOT}: is no checkout, and without tests and pages there is nothing to check")
    ratings = worked_out()
    KEPT.write_bytes(written(ratings))
    says = {rule.name: rule.says for rule in RULES}
    for key, rating in sorted(ratings.items()):
        lacking = "; ".join(f"not yet: {says[name]}" for name in rating.lacks)
        sys.stdout.write(f"{key:18} {rating.tier or '-':7} {lacking}\n")


if __name__ == "__main__":
    main()
