"""Every page of documentation tells to type what there is."""

import re
from pathlib import Path

import pytest
import settings_known

import docs
from connectors.registry import connector
from hub.settings import OTHERS, HubSettings

ROOT = Path(__file__).parents[2]
NO_SETTINGS = {"ALPRHUB_DATABSE_URL", "ALPRHUB_PORT"}
"""Names that a page gives as examples of what is none."""
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*/README.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_alprhub_command_of_a_page_is_one_and_has_these_options(page: Path) -> None:
    assert docs.faults(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_setting_that_a_page_names_is_one(page: Path) -> None:
    named = re.findall(r"\b(?:ALPRHUB|PREFECT)_[A-Z0-9_]*[A-Z0-9]\b(?!…)", page.read_text("utf-8"))
    assert settings_known.unknown(named, OTHERS | NO_SETTINGS) == []


def test_every_setting_is_named_by_a_page_or_by_the_example_of_the_environment() -> None:
    told = "".join(page.read_text("utf-8") for page in [*PAGES, ROOT / "deploy" / "alprhub.env.example"])
    assert [name for name in HubSettings.model_fields if f"ALPRHUB_{name.upper()}" not in told] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "vendors").glob("*.md")), ids=lambda page: page.stem)
def test_every_setting_of_a_connector_that_its_page_has_one_set_is_one(page: Path) -> None:
    text, fields = page.read_text("utf-8"), connector(page.stem).Settings.model_fields
    typed = re.findall(r"--set[ =]'?([a-z_]+)=", text)
    of_table = re.findall(r"^\| [^|`]+ \| `([a-z_0-9]+)` \| [^|]* \| [^|]*[.:] \|$", text, re.MULTILINE)
    assert [name for name in [*typed, *of_table] if name not in fields] == []
