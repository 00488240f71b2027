"""docs/cli.md tells of every command that there is, as the command itself does."""

from pathlib import Path

import cli_page

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_what_the_command_tree_says_now() -> None:
    assert PAGE.read_text("utf-8") == cli_page.page(), "`make docs` writes it anew"


def test_every_command_argument_and_option_says_what_it_is_for() -> None:
    silent = [
        " ".join([*path, *names])
        for path, command in cli_page.commands()
        for names, said in [
            ((), command.help),
            *((one.opts[:1], one.help) for one in command.params if one.name != "help"),
        ]
        if not (said or "").strip()
    ]
    assert silent == []


def test_every_link_of_the_index_leads_to_a_command() -> None:
    text = PAGE.read_text("utf-8")
    headings = [line.removeprefix("## ").replace(" ", "-") for line in text.splitlines() if line.startswith("## ")]
    linked = [cli_page.anchor(path) for path, _ in cli_page.commands()]
    assert headings == linked
    assert len(set(linked)) == len(linked)
