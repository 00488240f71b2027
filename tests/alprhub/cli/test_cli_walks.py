"""One person, by real commands, on the way round what policy promises: each way ends at a refusal that is told."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.policy.document import FOLDER

CONTRACT = "contract_id: 24-17\nceiling: {dur: P7D, clock: captured_at, ref: section 4.2}\n"


def cards(run: Any) -> list[str]:
    """The codes of what health tells of the hub itself."""
    hubs = [one for one in run("connections", "health", "--json").json() if one["connection"] is None]
    return [card["code"] for hub in hubs for card in hub["cards"]]


@pytest.fixture
def agreed(run: Any, drop: Any, tmp_path: Path) -> list[str]:
    """The drop as a connection with a contract of seven days; gives what adds it without one."""
    file = tmp_path / "contract.yaml"
    file.write_text(CONTRACT)
    done = run("connections", "add", "drop", "motorola", *drop.settings, "--contract", file)
    assert done.code == 0, done.err
    return ["motorola", *drop.settings]


def by_a_second_name(run: Any, agreed: list[str], _: Path) -> list[Any]:
    return ["connections", "add", "other", *agreed]


def after_its_removal(run: Any, agreed: list[str], _: Path) -> list[Any]:
    assert run("connections", "remove", "drop", "--keep-reads", "--reason", "the contract is over").code == 0
    return ["connections", "add", "other", *agreed]


def by_another_spelling_of_the_folder(run: Any, agreed: list[str], folder: Path) -> list[Any]:
    (place,) = [one.partition("=")[2].partition("=")[2] for one in agreed if one.startswith("--set=place=")]
    (folder / "elsewhere").symlink_to(place)
    rest = [one for one in agreed if not one.startswith("--set=place=")]
    return ["connections", "add", "other", *rest, f"--set=place={folder}/./elsewhere/"]


def by_another_kind(run: Any, agreed: list[str], folder: Path) -> list[Any]:
    assert run("connections", "remove", "drop", "--keep-reads", "--reason", "the contract is over").code == 0
    (folder / "longer.yaml").write_text(CONTRACT.replace("P7D", "P300D"))
    return ["connections", "add", "other", *agreed, "--contract", folder / "longer.yaml"]


def by_ending_the_contract(run: Any, agreed: list[str], _: Path) -> list[Any]:
    return ["connections", "contract", "drop", "--end", "--reason", "nobody needs it"]


def by_moving_another_connection_there(run: Any, agreed: list[str], folder: Path) -> list[Any]:
    (folder / "empty").mkdir()
    elsewhere = [f"--set=place={folder / 'empty'}" if one.startswith("--set=place=") else one for one in agreed]
    assert run("connections", "add", "other", *elsewhere).code == 0
    (place,) = [one for one in agreed if one.startswith("--set=place=")]
    return ["connections", "change", "other", place]


@pytest.mark.parametrize(
    "way",
    [
        by_a_second_name, after_its_removal, by_another_spelling_of_the_folder, by_another_kind, by_ending_the_contract,
        by_moving_another_connection_there,
    ],
)  # fmt: skip
def test_nobody_gets_round_a_contract_alone(
    run: Any, agreed: list[str], tmp_path: Path, way: Callable[[Any, list[str], Path], list[Any]]
) -> None:
    done = run(*way(run, agreed, tmp_path))
    assert (done.code, done.out) == (77, "")
    assert "tried_alone" in cards(run)


@pytest.fixture
def own(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy of one's own, in a file that the environment names."""
    file = tmp_path / "ours.yaml"
    file.write_text(FOLDER.joinpath("hermosa-beach.yaml").read_text("utf-8"), "utf-8")
    monkeypatch.setenv("ALPRHUB_PROFILE", str(file))
    return file


def longer(file: Path) -> None:
    data = yaml.safe_load(file.read_text("utf-8"))
    for rule in data["retention"]["rules"]:
        rule["max"]["dur"] = "P240M"
    file.write_text(yaml.safe_dump(data), "utf-8")


def test_who_edits_the_file_of_the_policy_changes_nothing_and_it_is_told(run: Any, own: Path, filled: Any) -> None:
    assert "policy_file_differs" not in cards(run)
    before = run("policy", "show", "--json").json()["retention"]
    longer(own)
    assert run("policy", "show", "--json").json()["retention"] == before
    assert "policy_file_differs" in cards(run)
    refused = run("policy", "activate", own, "--reason", "it says so already", "--yes")
    assert refused.code == 77
    assert "tried_alone" in cards(run)


@pytest.mark.parametrize(
    ("name", "value"), [("ALPRHUB_PROFILE", "long-beach"), ("ALPRHUB_ZONE", "Asia/Tokyo"), ("ALPRHUB_AGENCY", "Mine")]
)
def test_no_environment_puts_another_policy_over_what_is_kept(
    run: Any, filled: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    for command in (("purge",), ("sync", "drop"), ("policy", "show")):
        done = run(*command)
        assert (done.code, done.out) == (78, "")
        assert value in done.err


@pytest.mark.parametrize("spelling", [" DETECTIVE ", "ｄｅｔｅｃ\u200btive", "d\u0435t\u0435ctiv\u03b5"])
def test_no_spelling_of_a_name_is_a_second_person(run: Any, filled: Any, acting: Any, spelling: str) -> None:
    acting("detective")
    assert run("policy", "activate", "palm-springs", "--reason", "a vote", "--yes").code == 77
    file = shutil.copy(FOLDER.joinpath("hermosa-beach.yaml"), filled.place / "stricter.yaml")
    data = yaml.safe_load(Path(file).read_text("utf-8"))
    for rule in data["retention"]["rules"]:
        rule |= {"max": {"dur": "P5D", "clock": "captured_at"}}
    Path(file).write_text(yaml.safe_dump(data), "utf-8")
    schedule = filled.place / "decisions.yaml"
    shutil.copy(Path(__file__).parents[3] / "alprhub" / "demo-schedule.yaml", schedule)
    schedule.write_text(schedule.read_text().replace("P30D", "P5D"))
    done = run("policy", "activate", file, "--reason", "a vote", "--yes", "--decisions", schedule)
    assert done.code == 0, done.err
    acting(spelling)
    assert run("approvals", "approve", 1, "--yes").code == 77
    assert "tried_alone" in cards(run)
    assert run("approvals", "list", "--json").json()[0]["state"] == "waits"
