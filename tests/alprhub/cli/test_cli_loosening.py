"""What one person cannot do alone at the command line: exit 77, the command that proposes it, and a word in health."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.policy.document import FOLDER

OFFICE = "Administrative Services Division Commander"


def own(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """A file of one's own: the policy in force with something else in it."""
    data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text("utf-8"))
    change(data)
    file = tmp_path / "ours.yaml"
    file.write_text(yaml.safe_dump(data), "utf-8")
    return str(file)


def twenty_years(data: dict[str, Any]) -> None:
    for rule in data["retention"]["rules"]:
        rule["max"]["dur"] = "P240M"


def told(run: Any) -> list[str]:
    """The codes of what health tells of the hub itself; a person must see to it."""
    health = run("connections", "health", "--json")
    assert health.code == 78
    (hub,) = [one for one in health.json() if one["connection"] is None]
    return [card["code"] for card in hub["cards"]]


@pytest.mark.parametrize("yes", [(), ("--yes",)])
def test_a_file_of_ones_own_with_longer_lives_is_refused_before_anything_is_asked(
    run: Any, filled: Any, tmp_path: Path, yes: tuple[str, ...]
) -> None:
    name = own(tmp_path, twenty_years)
    done = run("policy", "activate", name, "--reason", "we need them", *yes)
    assert done.code == 77
    assert "hb-flock (429.5 ¶2 s4) keeps reads at most 30 days from the capture, and then 240 months" in done.err
    assert f"signed by the {OFFICE}" in done.err
    assert f"This proposes it: alprhub policy activate {name} --reason WHY --decisions FILE" in done.err
    assert told(run) == ["tried_alone"]
    assert run("approvals", "list").out == "nothing waits for a second person\n"


def test_a_preview_says_what_would_be_loosened_and_what_that_takes(run: Any, filled: Any, tmp_path: Path) -> None:
    shown = " ".join(run("policy", "preview", own(tmp_path, twenty_years)).out.split())
    assert f"takes a decision of the {OFFICE} (settles: loosening), a second person, and 7 days" in shown
    assert "hb-motorola (429.5 ¶2 s3) keeps reads at most 1 year" in shown


def test_what_was_approved_is_seen_and_stopped_while_it_waits(
    run: Any, filled: Any, tmp_path: Path, signing: Any, acting: Any
) -> None:
    def proposed(number: int) -> None:
        acting("detective")
        signed = signing(loosening={})
        said = run("policy", "activate", "long-beach", "--reason", "a vote", "--decisions", signed, "--yes").out
        assert "Approved, it waits 7 d more" in said
        assert run("approvals", "approve", number, "--yes").code == 77
        acting("sergeant")
        done = run("approvals", "approve", number, "--yes")
        assert (done.code, "approved, and carried out 20" in done.out) == (0, True)
        assert f"alprhub approvals refuse {number} --reason WHY stops it" in done.out

    proposed(1)
    assert "approval_in_grace" in told(run)
    assert "alprhub approvals refuse 1 --reason WHY stops it" in " ".join(run("policy", "show").out.split())
    (coming,) = run("policy", "show", "--json").json()["coming"]
    assert (coming["state"], coming["grace_seconds"]) == ("in_grace", 7 * 86_400)
    assert run("policy", "show", "--json").json()["change_grace"] == "P7D"
    shown = run("approvals", "show", 1).out
    assert "it loosens: hb-flock" in shown
    assert "unless somebody stops it before" in shown
    acting("clerk")
    assert run("approvals", "refuse", 1, "--reason", "there was no vote").code == 0
    proposed(2)
    acting("detective")
    assert run("approvals", "withdraw", 2).code == 0
    assert run("policy", "show", "--json").json()["coming"] == []
    assert run("policy", "list", "--json").json()[1]["in_force"] == "yes"


def test_another_kind_of_source_that_loosens_something_is_proposed(
    run: Any, filled: Any, signing: Any, acting: Any, sql: Any
) -> None:
    sql("UPDATE connections SET kind = 'commercial', retention_vendor = 'motorola'")
    refused = run("connections", "change", "drop", "--kind", "own")
    assert refused.code == 77
    assert "alprhub connections change drop --kind own --reason WHY --decisions FILE" in refused.err
    assert "tried_alone" in told(run)
    signed = ("--decisions", str(signing(loosening={})), "--reason", "they are ours")
    assert run("connections", "change", "drop", "--kind", "own", *signed).code == 0
    acting("sergeant")
    assert run("approvals", "approve", 1, "--yes", "--json").json()["state"] == "in_grace"
    assert sql("SELECT kind FROM connections") == [("commercial",)]
    sql("UPDATE approvals SET decided_at = decided_at - grace")
    done = run("approvals", "approve", 1, "--yes")
    assert done.out == "approval 1: drop is a source of the kind own now\n"
    assert sql("SELECT kind FROM connections") == [("own",)]


def test_decisions_go_with_another_kind_alone(run: Any, filled: Any, signing: Any) -> None:
    done = run("connections", "change", "drop", "--unset", "zone", "--decisions", signing(loosening={}))
    assert (done.code, "--decisions: goes with --kind alone" in done.err) == (65, True)
