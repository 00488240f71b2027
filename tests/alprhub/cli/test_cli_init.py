"""The first start: nobody's policy governs before somebody has said whose hub this is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alprhub.demo import SCHEDULE
from hub.agency import machine_zone
from hub.settings import HubSettings
from hub.wiring import open_hub

Sql = Callable[[str], list[Any]]
OURS = ("--agency", "Marisol Beach PD", "--profile", "palm-springs")


@pytest.fixture
def unnamed(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has said anything, in the environment neither."""
    for name in ("ALPRHUB_AGENCY", "ALPRHUB_PROFILE", "ALPRHUB_DECISIONS"):
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "words",
    [
        ("connections", "list"),
        ("connections", "add", "drop", "motorola"),
        ("sync", "drop"),
        ("search", "9SYN001", "--purpose=p", "--reason=r"),
        ("hotlists", "publish", "wanted"),
        ("purge",),
        ("serve",),
        ("policy", "activate", "long-beach", "--reason=r"),
    ],
)
def test_a_hub_without_an_agency_says_so_and_begins_no_policy(
    unnamed: None, run: Any, store: Path, sql: Sql, words: tuple[str, ...]
) -> None:
    done = run(*words)
    told = f"there is no hub in {store} yet: alprhub init makes one; ALPRHUB_DATA says where hubs are\n"
    assert (done.code, done.out, done.err) == (78, "", told)
    assert sql("SELECT count(*) FROM policies") == [(0,)]


@pytest.mark.parametrize("words", [("policy", "list"), ("connectors", "list"), ("policy", "show", "--profile=hayward")])
def test_what_needs_no_agency_works_without_one(unnamed: None, run: Any, words: tuple[str, ...]) -> None:
    assert run(*words).code == 0
    assert "yes" not in [one["in_force"] for one in run("policy", "list", "--json").json()]
    assert run("policy", "show").err == "--profile: this hub has none yet (alprhub init); name one with --profile\n"


def test_the_first_start_keeps_agency_and_policy_and_puts_them_on_record(unnamed: None, run: Any, sql: Sql) -> None:
    done = run("init", *OURS)
    assert done.code == 0, done.err
    assert "This is the hub of Marisol Beach PD. It tells times in America/Los_Angeles." in done.out
    assert sql("SELECT name FROM agency") == [("Marisol Beach PD",)]
    assert sql("SELECT profile FROM policies") == [("palm-springs",)]
    assert ("agency.name", "Marisol Beach PD") in sql("SELECT action, target FROM audit_events")
    assert run("policy", "show", "--json").json()["profile"] == "ca-palm-springs-pd"
    assert run("init", *OURS, "--json").json() == {
        "agency": "Marisol Beach PD", "profile": "palm-springs", "zone": "America/Los_Angeles",
        "custodian": "Custodian of Records", "certificates_to": [],
    }  # fmt: skip


def test_the_first_start_asks_where_certificates_go_if_the_policy_names_who_gets_them(
    unnamed: None, run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = " ".join(run("init", *OURS).out.split())
    assert "Certificates of what is destroyed go to the Custodian of Records (430.4[Admin](f))" in said
    assert "set ALPRHUB_CUSTODIAN_FOLDER, ALPRHUB_CUSTODIAN_BUCKET or ALPRHUB_CUSTODIAN_EMAIL before the first" in said
    monkeypatch.setenv("ALPRHUB_CUSTODIAN_FOLDER", str(tmp_path))
    assert "Certificates" not in run("init", *OURS).out


def test_no_hub_begins_with_a_policy_whose_schedule_is_missing(
    unnamed: None, run: Any, tmp_path: Path, sql: Sql
) -> None:
    hermosa = ("init", "--agency", "Marisol Beach PD", "--profile", "hermosa-beach")
    done = run(*hermosa)
    assert (done.code, done.out) == (77, "")
    assert done.err.startswith("the policy leaves hb-other to the agency's retention schedule")
    assert "--decisions FILE" in done.err
    assert sql("SELECT count(*) FROM policies") == [(0,)]
    assert run(*hermosa, "--decisions", SCHEDULE).code == 0
    (rule,) = [one for one in run("policy", "show", "--json").json()["retention"] if one["rule"] == "hb-other"]
    assert rule["clause"].endswith("Retention schedule item 12")


def test_a_name_is_corrected_in_connections_too_and_only_where_that_is_said(
    unnamed: None, run: Any, drop: Any, sql: Sql
) -> None:
    run("init", *OURS)
    settings = [one for one in drop.settings if not one.startswith("--agency")]
    assert run("connections", "add", "drop", "motorola", *settings, "--agency=Marisol Beach PD").code == 0
    done = run("init", "--agency", "Marisol Shores PD")
    assert (done.code, done.err) == (65, "this is the hub of 'Marisol Beach PD': to correct the name, add --rename\n")
    assert "Marisol Shores PD" in run("init", "--agency", "Marisol Shores PD", "--rename").out
    assert sql("SELECT agency FROM connections") == [("Marisol Shores PD",)]
    assert ("agency.rename",) in sql("SELECT action FROM audit_events")


def test_a_connection_of_another_agency_keeps_its_name(unnamed: None, run: Any, drop: Any, sql: Sql) -> None:
    run("init", *OURS)
    settings = [one for one in drop.settings if not one.startswith("--agency")]
    assert run("connections", "add", "drop", "motorola", *settings, "--agency=Marisol Beach PD").code == 0
    sql("UPDATE connections SET agency = 'Shore PD'")
    assert run("init", "--agency", "Marisol Shores PD", "--rename").code == 0
    assert sql("SELECT agency FROM connections") == [("Shore PD",)]


def test_without_a_person_what_is_missing_is_named(unnamed: None, run: Any) -> None:
    done = run("init", "--agency", "Marisol Beach PD")
    assert done.code == 65
    assert done.err.startswith("--profile: missing; policies are hayward, hermosa-beach, ")
    assert "America/Los_Angeles" in run("init", *OURS, "--zone", "los angeles").err
    assert "did you mean America/Los_Angeles or " in run("init", *OURS, "--zone", "Pacific").err
    assert run("init", "--agency", " ", "--profile", "palm-springs").code == 65
    done = run("init", "--agency", "X", "--profile", "westminster")
    assert done.code == 77, "a policy that leaves the number open cannot govern"


def test_a_person_is_asked_and_sees_every_policy_in_a_line(
    unnamed: None, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alprhub.cli import init

    monkeypatch.setattr(init, "there", lambda: True)
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    done = run("init", stdin="Marisol Beach PD\natlantis\nwestminster\nlong-beach\nLos Angeles\n\n")
    assert done.code == 0, done.err
    assert "there is no policy profile called 'atlantis'" in done.out, "and it is asked again"
    assert "did you mean America/Los_Angeles?" in done.out
    assert (
        "hermosa-beach: Hermosa Beach Police Department, policy 429, America/Los_Angeles; reads live 30 days"
        in done.out
    )
    assert "The time zone that your agency lives in [America/Los_Angeles]" in done.out
    assert run("policy", "show", "--json").json()["profile"] == "ca-long-beach-pd"


def test_an_agency_elsewhere_gets_a_policy_of_its_own_since_a_hub_has_one_clock(
    unnamed: None, run: Any, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alprhub.cli import init

    done = run("init", *OURS, "--zone", "America/Chicago")
    assert done.code == 78
    assert "alprhub policy copy palm-springs ours.yaml --zone America/Chicago" in done.err
    assert run("connections", "list").code == 78, "nothing was kept"
    ours = tmp_path / "ours.yaml"
    assert run("policy", "copy", "palm-springs", ours, "--zone", "America/Chicago", "--agency", 'X "PD"').code == 0
    assert run("policy", "copy", "palm-springs", ours).code == 65, "a file that is there stays"
    lost = run("policy", "copy", "palm-springs", tmp_path / "missing" / "ours.yaml")
    missing = f"the folder {str(tmp_path / 'missing')!r} for 'ours.yaml' is not there: make it, or name another\n"
    assert (lost.code, lost.err) == (65, missing)
    assert run("policy", "check", ours).code == 0
    monkeypatch.setattr(init, "there", lambda: True)
    done = run("init", *OURS, "--zone", "America/Chicago", stdin="y\n")
    assert done.code == 0, done.err
    assert "It tells times in America/Chicago" in done.out
    assert (store / "policy.yaml").is_file()


def test_the_environment_names_the_agency_of_a_first_start(
    unnamed: None, run: Any, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPRHUB_AGENCY", "Marisol Beach PD")
    assert run("connections", "list").code == 78, "a name without a policy is half an answer"
    monkeypatch.setenv("ALPRHUB_PROFILE", "long-beach")
    monkeypatch.setenv("ALPRHUB_ZONE", "US/Pacific")
    assert run("connections", "list").code == 0
    assert (sql("SELECT name FROM agency"), sql("SELECT profile FROM policies")) == (
        [("Marisol Beach PD",)], [("long-beach",)],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ALPRHUB_AGENCY", "Elsewhere PD", "ALPRHUB_AGENCY says 'Elsewhere PD', but this is the hub of 'Agency'"),
        (
            "ALPRHUB_PROFILE",
            "long-beach",
            "ALPRHUB_PROFILE says 'long-beach', but the policy in force is",
        ),
        ("ALPRHUB_ZONE", "America/New_York", "zone: America/New_York is not America/Los_Angeles"),
    ],
)
def test_an_environment_that_contradicts_what_is_kept_is_told_so(
    run: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    assert run("connections", "list").code == 0
    monkeypatch.setenv(name, value)
    done = run("connections", "list")
    assert done.code == 78
    assert done.err.startswith(told)
    monkeypatch.setenv(name, "")
    assert run("connections", "list").code == 0, "what is empty is not said, as compose files leave it"


def test_a_policy_that_was_changed_since_is_no_contradiction(run: Any, approved: Any, signing: Any) -> None:
    signed = signing(loosening={})
    assert run("policy", "activate", "long-beach", "--reason=council", "--yes", "--decisions", signed).code == 0
    approved()
    assert run("connections", "list").code == 0, "ALPRHUB_PROFILE names that of the first start"


def test_settings_in_a_callers_hands_work_alone(tmp_path: Path) -> None:
    with open_hub(HubSettings(data=tmp_path, agency="Agency")) as hub:
        assert (hub.agency, hub.governing.profile.name) == ("Agency", "hermosa-beach")


def test_the_machines_zone_is_a_name_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Chicago")
    assert machine_zone() == "America/Chicago"
    monkeypatch.setenv("TZ", "PST8PDT,M3.2.0")
    assert machine_zone() != "PST8PDT,M3.2.0"


def test_a_mistyped_folder_is_named_and_nothing_is_made_in_it(
    unnamed: None, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "typed" / "wrong"
    monkeypatch.setenv("ALPRHUB_DATA", str(wrong))
    done = run("connections", "list")
    told = f"there is no hub in {wrong} yet: alprhub init makes one; ALPRHUB_DATA says where hubs are\n"
    assert (done.code, done.err) == (78, told)
    assert not wrong.parent.exists()
    assert run("init", *OURS).code == 0
    assert run("connections", "list").code == 0
