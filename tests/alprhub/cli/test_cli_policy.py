"""`alprhub policy`: profiles listed, shown and checked, and the boundary of a read with its clause."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from vectors import VECTORS, asked

Run = Callable[..., Any]


def profile_of(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(files("hub.policy").joinpath(f"profiles/{name}.yaml").read_text("utf-8"))
    return loaded


def written(folder: Path, data: dict[str, Any]) -> Path:
    file = folder / "ours.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    return file


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_every_golden_vector_is_answered_with_its_clause(run: Run, vector: dict[str, Any]) -> None:
    ask = asked(vector)
    done = run(
        "policy", "boundary", "--profile", vector["agency"], "--source", ask.vendor, "--copy", ask.copy,
        "--captured-at", vector["captured_at"], "--received-at", vector["received_at"], "--origin", "own", "--json",
        *(["--held"] if ask.held else []),
    )  # fmt: skip
    assert done.code == 0, done.err
    told = done.json()
    assert (told["kind"], told["boundary"]) == (vector["kind"], vector["boundary"]), vector["note"]
    assert told["rule"]
    assert told["clause"]


def test_both_bounds_are_told_where_there_are_both_and_the_ceiling_is_the_one_shown(run: Run, tmp_path: Path) -> None:
    data = profile_of("westminster")
    data["retention"]["rules"][0]["max"] = {"dur": "P13M", "clock": "captured_at"}
    asks = ("policy", "boundary", "--profile", written(tmp_path, data), "--source", "x", "--captured-at")
    told = run(*asks, "2026-01-30T08:00:00Z", "--received-at", "2026-02-02T08:00:00Z", "--json").json()
    assert (told["kind"], told["boundary"], told["conflict"]) == ("max", "2027-02-28T08:00:00Z", False)
    assert told["floor"] == {
        "kind": "min", "boundary": "2027-02-02T08:00:00Z", "rule": "wm-server", "clause": "462.4 ¶2 s1-s2",
    }  # fmt: skip
    late = run(*asks, "2026-01-30T08:00:00Z", "--received-at", "2026-05-02T08:00:00Z")
    assert "conflict: it must be kept longer than it may be kept" in late.out


def test_palm_springs_tells_the_day_on_which_an_unlinked_copy_goes(run: Run) -> None:
    asks = (
        "policy",
        "boundary",
        "--profile",
        "palm-springs",
        "--source",
        "flock",
        "--captured-at",
        "2026-03-01T00:00:00Z",
    )
    assert run(*asks, "--json").json()["unlinked"]["boundary"] == "2026-03-31T00:00:00Z"
    assert run(*asks).out.splitlines() == [
        "must be gone by 2027-02-28 16:00 PST, rule ps-downloaded (430.8 ¶3)",
        "linked to no case: must be gone by 2026-03-30 17:00 PDT, rule ps-unlinked (430.8 ¶2 s3)",
    ]


def test_long_beach_tells_that_a_case_has_an_end_of_its_own(run: Run) -> None:
    done = run(
        "policy", "boundary", "--profile", "long-beach", "--source", "x", "--captured-at", "2026-03-01T00:00:00Z"
    )
    assert "linked to a case: is kept until the end of the statute of limitations, rule lb-case (6.3.4 ¶2)" in done.out


def test_a_time_without_an_offset_is_the_agencys(run: Run) -> None:
    done = run("policy", "boundary", "--source", "flock", "--captured-at", "2026-01-30T00:00:00", "--json")
    assert done.json()["boundary"] == "2026-03-01T08:00:00Z"  # hermosa-beach is in force here


def test_a_contract_from_a_file_brings_its_own_terms(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text(
        "{agency: ca-hermosa-beach-pd, connection: pier, vendor: flock, contract_id: C-7,"
        " ceiling: {dur: P7D, clock: captured_at, ref: § 2}}",
        "utf-8",
    )
    asks = ("policy", "boundary", "--captured-at", "2026-01-30T08:00:00Z", "--contract", file, "--json", "--source")
    told = run(*asks, "flock").json()
    assert (told["boundary"], told["clause"]) == ("2026-02-06T08:00:00Z", "C-7 § 2")
    other = run(*asks, "rekor")
    assert (other.code, "vendor: is flock, and rekor was asked for" in other.err) == (65, True)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ("--profile", "westminster", "--copy", "vendor"),
            77,
            "ca-westminster-pd does not say how long own reads of flock may be kept at most",
        ),
        (("--profile", "hermosa-beach", "--held"), 66, "does not ask for an explanation"),
        (("--profile", "atlantis"), 66, "there is no policy profile called 'atlantis'; there are: hayward"),
        (("--received-at", "soon"), 65, "received-at"),
        (("--contract", "/nowhere.yaml"), 66, "the file '/nowhere.yaml' is not there"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_line(run: Run, words: tuple[str, ...], code: int, told: str) -> None:
    done = run("policy", "boundary", "--source", "flock", "--captured-at", "2026-01-30T08:00:00Z", *words)
    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert done.err.count("\n") == 1


def test_the_list_says_which_profiles_could_be_put_in_force(run: Run) -> None:
    rows = {row["profile"]: row for row in run("policy", "list", "--json").json()}
    assert {name: row["ready"] for name, row in rows.items()} == {
        "hayward": "no", "hermosa-beach": "no", "long-beach": "yes", "palm-springs": "yes", "westminster": "no",
    }  # fmt: skip
    assert [name for name, row in rows.items() if row["in_force"]] == ["hermosa-beach"]


@pytest.mark.parametrize("name", ["hayward", "hermosa-beach", "long-beach", "palm-springs", "westminster"])
def test_show_prints_every_rule_with_its_clauses(run: Run, name: str) -> None:
    told = run("policy", "show", "--profile", name, "--json").json()
    reason = next(one for one in told["fields"] if one["field"] == "query.reason")
    assert (reason["value"], reason["force"]) == ("required", "shall")
    assert "Civ. Code 1798.90.52(a)(4)" in reason["clauses"]
    assert all(rule["clause"] for rule in told["retention"])
    assert told["decisions_needed"]
    text = run("policy", "show", "--profile", name).out
    assert "california public agency" in text
    assert "P1Y" not in text
    assert " from the capture" in text or " from its arrival" in text
    for rule in told["retention"]:
        assert rule["rule"] in text


def test_check_names_the_field_that_is_wrong(run: Run, tmp_path: Path) -> None:
    data = profile_of("hermosa-beach")
    data["retention"]["rules"][2]["max"]["dur"] = "30 days"
    done = run("policy", "check", written(tmp_path, data))
    assert done.code == 65
    assert "retention.rules.2.max.dur: '30 days' is no duration" in done.err


def test_check_says_what_is_open_and_what_stands_in_the_way(run: Run, tmp_path: Path) -> None:
    done = run("policy", "check", written(tmp_path, profile_of("westminster")))
    assert done.code == 0
    assert "can be put in force: no" in done.out
    assert "wm-d1" in done.out
    signed = tmp_path / "signed.yaml"
    signed.write_text(
        "decisions: [{settles: wm-d1, answer: thirteen months, decided_by: R. Lee, title: Chief, why: schedule 12,"
        " decided_at: 2026-05-01T09:00:00Z,"
        " ceilings: {wm-server: {dur: P13M, clock: captured_at, ref: Schedule 12}}}]"
    )
    told = run("policy", "check", tmp_path / "ours.yaml", "--decisions", signed, "--json").json()
    assert (told["ready"], told["without_ceiling"]) == (True, [])
    assert "wm-d1" not in [one["id"] for one in told["decisions_needed"]]


def test_check_says_that_a_schedule_must_be_signed_although_the_profile_has_a_number(run: Run, tmp_path: Path) -> None:
    done = run("policy", "check", written(tmp_path, profile_of("hermosa-beach")))
    said = " ".join(done.out.split())
    assert "can be put in force: no" in said
    assert "left to a retention schedule that nobody has signed yet: hb-other; a signed decision must give its" in said
    told = run("policy", "check", tmp_path / "ours.yaml", "--json").json()
    assert (told["ready"], told["without_schedule"]) == (False, ["hb-other"])


def test_check_refuses_two_rules_that_cannot_both_be_kept(run: Run, tmp_path: Path) -> None:
    data = profile_of("westminster")
    data["retention"]["rules"][0]["max"] = {"dur": "P1Y", "clock": "captured_at"}
    done = run("policy", "check", written(tmp_path, data), "--json")
    assert done.code == 77
    assert "conflict:wm-server:wm-server" in done.err
    assert done.json()["conflicts"][0]["id"] == "conflict:wm-server:wm-server"


def test_the_profile_in_force_may_be_a_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPRHUB_PROFILE", str(written(tmp_path, profile_of("long-beach"))))
    monkeypatch.delenv("ALPRHUB_DECISIONS")
    assert run("policy", "show", "--json").json()["profile"] == "ca-long-beach-pd"
    rows = {row["profile"]: row for row in run("policy", "list", "--json").json()}
    assert [name for name, row in rows.items() if row["in_force"]] == [str(tmp_path / "ours.yaml")]
    assert len(rows) == 6
