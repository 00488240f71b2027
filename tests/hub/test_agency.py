"""Whose hub it is: a name of one line, kept by the first start, with the policy that is in force."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import migrated
import pytest

import hub.agency
from hub.agency import LONGEST, checked, machine_zone
from hub.errors import AdminMustAct, Conflict, Invalid
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub


@pytest.fixture
def data(tmp_path: Path, migrated_file: Path) -> Path:
    """The folder of a hub that nobody has opened yet."""
    migrated.seed(tmp_path / "data", migrated_file)
    return tmp_path / "data"


@contextmanager
def started(data: Path, agency: str, profile: str = "hermosa-beach") -> Iterator[Hub]:
    with open_hub(HubSettings(data=data, agency=agency, profile=profile)) as made:
        yield made


@pytest.mark.parametrize("name", ["", "  ", "x" * (LONGEST + 1), "Pier\nPD", "Pier \x1b[31mPD"])
def test_a_name_is_one_line_that_is_not_too_long(name: str) -> None:
    with pytest.raises(Invalid, match="agency: needs a name of 1 to 100 characters on one line"):
        checked(name)


def test_spaces_around_a_name_are_none_of_it() -> None:
    assert checked(f"  {'x' * LONGEST} ") == "x" * LONGEST


def test_spaces_around_the_name_in_the_environment_contradict_nothing(data: Path) -> None:
    for said in ("Pier PD", " Pier PD "):
        with started(data, said) as opened:
            assert opened.agency == "Pier PD"


def test_an_agency_is_not_named_beside_a_policy_that_its_settings_contradict(data: Path) -> None:
    with open_hub(HubSettings(data=data)):
        """A policy begins to govern, and nobody has said whose hub it is."""
    with pytest.raises(AdminMustAct, match="ALPRHUB_PROFILE says 'long-beach'"), started(data, "Pier PD", "long-beach"):
        pass
    with started(data, "Shore PD") as opened:
        assert (opened.agency, opened.governing.profile.name) == ("Shore PD", "hermosa-beach")


def test_of_two_first_starts_at_once_the_second_is_told_whose_hub_it_is(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(data, "Pier PD"):
        """The first start."""
    monkeypatch.setattr(hub.agency, "_kept", lambda _: None)  # as the second saw it
    with pytest.raises(Conflict, match="just made this the hub of 'Pier PD'"), started(data, "Shore PD"):
        pass
    with started(data, "Pier PD") as opened:
        assert opened.agency == "Pier PD"


def test_the_zone_of_the_machine_may_be_named_as_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", ":America/Chicago")
    assert machine_zone() == "America/Chicago"


def test_a_machine_that_counts_in_universal_time_names_nobodys_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Etc/UTC")
    assert machine_zone() != "Etc/UTC"
