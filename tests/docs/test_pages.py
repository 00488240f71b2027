"""Every page of documentation tells to type what there is."""

from pathlib import Path

import pytest

import docs

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*/README.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_alprhub_command_of_a_page_is_one_and_has_these_options(page: Path) -> None:
    assert docs.faults(page.read_text("utf-8")) == []
