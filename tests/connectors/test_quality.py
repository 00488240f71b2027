"""Quality tiers: worked out from facts, kept beside the vendors, and never kept longer than they are true."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from terminal import typed

from connectors import quality
from connectors.contract import Evidence, Info, Proof
from connectors.quality import EXEMPT, RULES, ProofPlaces, Rating, Tier, kept, rate, rating, written
from connectors.registry import available, connector
from connectors.vendors.rekor import RekorConnector

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("key", available())
def test_the_kept_tier_is_what_the_facts_come_to(key: str) -> None:
    found = rate(connector(key), ProofPlaces.of(key))
    assert kept().get(key) == found, "run: python -m connectors.quality"
    assert found.tier is not None, f"{key} lacks {found.lacks}"


def test_nothing_is_kept_of_connectors_that_are_gone() -> None:
    assert set(kept()) == set(available())


def test_the_kept_file_is_written_one_line_a_connector() -> None:
    told = written(dict(kept()))
    assert told == quality.KEPT.read_bytes()
    assert len(told.splitlines()) == len(kept()) + 2


def test_a_third_partys_connector_has_no_tier() -> None:
    assert rating("acme") is None


def test_every_exemption_names_a_rule_and_a_connector_and_gives_its_reason() -> None:
    names = {rule.name for rule in RULES}
    assert len(names) == len(RULES)
    for (key, name), reason in EXEMPT.items():
        assert key in available()
        assert name in names
        assert reason.endswith(".")


@pytest.mark.parametrize("key", sorted({key for key, _ in EXEMPT}))
def test_no_exemption_stands_that_nobody_needs(key: str) -> None:
    needed = {rule.name for rule in RULES if not rule.holds(connector(key), ProofPlaces.of(key))}
    assert {name for owner, name in EXEMPT if owner == key} <= needed


def test_the_guide_tells_every_rule() -> None:
    guide = (ROOT / "docs" / "connector-guide.md").read_text(encoding="utf-8")
    assert not [rule.name for rule in RULES if f"`{rule.name}`: {rule.says}" not in guide]


# Each rule, on a connector that lacks one thing at a time


@pytest.fixture
def place(tmp_path: Path) -> ProofPlaces:
    """The proofs of a connector that has all of them."""
    told = ProofPlaces.of("acme", tmp_path)
    told.fixtures.mkdir(parents=True)
    told.page.parent.mkdir(parents=True)
    told.captured.mkdir()
    (told.fixtures / "a.json").write_text("{}")
    (told.fixtures / "a.reads.json").write_text('[{"read": {}}, {"rejected": "x"}]')
    settings = " ".join(f"`{name}`" for name in RekorConnector.Settings.model_fields)
    told.page.write_text(settings + " (D)" * 9)
    told.wire.write_text("def test_it():\n    made.check()\n    made.verify(push)\n")
    (told.captured / "acme.json").write_text('{"connector": "acme"}')
    return told


class Acme(RekorConnector):
    """Rekor's under another name, tried on captured payloads."""

    info: Info = replace(RekorConnector.info, key="acme", evidence=Evidence.SAMPLES)  # type: ignore[misc]


def test_a_connector_that_lacks_nothing_is_gold(place: ProofPlaces) -> None:
    assert rate(Acme, place) == Rating(Tier.GOLD)


@pytest.mark.parametrize(
    ("file", "text", "tier", "lacks"),
    [
        ("fixtures/b.json", "{}", None, "examples"),
        ("page", "nothing" + " (D)" * 9, None, "page"),
        ("fixtures/a.reads.json", '[{"read": {}}]', Tier.BRONZE, "refusals"),
        ("wire", "def test_it(): made.verify()", Tier.BRONZE, "check"),
        ("wire", "def test_it():\n made.verify() # and made.check()\n 'made.check()'", Tier.BRONZE, "check"),
        ("wire", "made.check()\ndef test_it(): made.verify()", Tier.BRONZE, "check"),
        ("wire", "def test_it(): made.check()", Tier.BRONZE, "pushes"),
        ("captured/acme.json", '{"connector": "other"}', Tier.SILVER, "evidence"),
    ],
)
def test_what_is_missing_beside_a_connector_costs_its_tier(
    place: ProofPlaces, file: str, text: str, tier: Tier | None, lacks: str
) -> None:
    where, _, name = file.partition("/")
    (getattr(place, where) / name if name else getattr(place, where)).write_text(text)
    assert rate(Acme, place) == Rating(tier, (lacks,))


@pytest.mark.parametrize("text", ["", "# def test_it(): made.check(); made.verify()", "'def test_it(): made.check()'"])
def test_what_is_no_code_tests_no_wire(place: ProofPlaces, text: str) -> None:
    place.wire.write_text(text)
    assert rate(Acme, place) == Rating(Tier.BRONZE, ("wire", "check", "pushes"))


def test_a_page_that_grades_no_facts_costs_silver(place: ProofPlaces) -> None:
    place.page.write_text(place.page.read_text().replace("(D)", ""))
    assert rate(Acme, place) == Rating(Tier.BRONZE, ("facts",))


@pytest.mark.parametrize(
    ("told", "tier", "lacks"),
    [
        ({"info": replace(Acme.info, known_limits=())}, None, "limits"),
        ({"info": replace(Acme.info, retention_vendor=" ")}, None, "retention"),
        ({"held_form": None}, None, "abilities"),
        ({"info": replace(Acme.info, look_back=Acme.info.look_back * 0)}, Tier.BRONZE, "look_back"),
        ({"info": replace(Acme.info, evidence=Evidence.DOCUMENTS)}, Tier.SILVER, "evidence"),
        ({"proof": Proof.RECEIPT}, Tier.SILVER, "read_back"),
    ],
)
def test_what_a_class_lacks_costs_its_tier(
    place: ProofPlaces, told: dict[str, Any], tier: Tier | None, lacks: str
) -> None:
    assert rate(type("Less", (Acme,), told), place) == Rating(tier, (lacks,))


def test_a_secret_in_plain_text_costs_every_tier(place: ProofPlaces) -> None:
    class Open(RekorConnector.Settings):  # type: ignore[name-defined, misc]
        extra_token: str = ""

    place.page.write_text(place.page.read_text() + "`extra_token`")
    assert rate(type("Less", (Acme,), {"Settings": Open}), place) == Rating(None, ("secrets",))


def test_where_no_proofs_are_there_is_no_tier(tmp_path: Path) -> None:
    assert rate(Acme, ProofPlaces.of("acme", tmp_path)).tier is None


def test_the_list_of_connectors_shows_tiers() -> None:
    told = typed("connectors", "list", "--json")
    rows = {row["key"]: row for row in json.loads(told.stdout)}
    assert {key: (row["tier"], tuple(row["lacks"])) for key, row in rows.items()} == {
        key: (found.tier, found.lacks) for key, found in kept().items()
    }
    assert "gold" in typed("connectors", "list").stdout
