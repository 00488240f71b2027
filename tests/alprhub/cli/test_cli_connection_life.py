"""`alprhub connections`, from a dry run to the certificate: each command once, as people and programs see it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

SECRET = "s3cret-of-the-drop"


def test_the_agency_is_confirmed(run: Any, drop: Any) -> None:
    settings = [one for one in drop.settings if not one.startswith("--agency")]
    done = run("connections", "add", "drop", "motorola", *settings)
    assert (done.code, done.err) == (65, "agency: say whose account it is; this hub is that of 'Agency'\n")
    done = run("connections", "add", "drop", "motorola", *settings, "--agency", "Elsewhere PD")
    assert (done.code, done.err) == (65, "agency: 'Elsewhere PD' is not 'Agency', whose hub this is\n")


def test_a_person_is_asked_for_what_is_missing(run: Any, drop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from alprhub.cli.connections import accounts

    monkeypatch.setattr(accounts, "there", lambda: True)
    done = run("connections", "add", "drop", "motorola", "--set=settle_seconds=0", stdin=f"{drop.place}\nAgency\n")
    assert done.code == 0, done.err
    assert "Type the name of your agency" in done.out


def test_a_dry_run_tells_and_keeps_nothing(run: Any, filled: Any) -> None:
    filled.export(("r9", "9SYN009", "soon"), name="day-2.csv")
    told = run("connections", "dry-run", "drop", "--json").json()
    assert (told["pulled"], told["quarantined"], told["refused"][0]["field"]) == (1, 1, "captured_at")
    said = run("connections", "dry-run", "drop")
    assert "Nothing was kept." in said.out
    assert "9SYN009" not in said.out
    assert run("connections", "dry-run", "drop", "--limit", "0").code == 65


def test_a_pace_is_shown_set_and_given_back(run: Any, joined: Any) -> None:
    assert run("connections", "schedule", "drop", "--json").json()["every_seconds"] == 600
    assert run("connections", "schedule", "drop", "--every", "2m").out == "drop: every 0:02:00\n"
    assert run("connections", "schedule", "drop", "--vendor", "--json").json()["every_seconds"] == 600
    for wrong in (["--every", "soon"], ["--every", "5s"], ["--every", "5m", "--vendor"]):
        assert run("connections", "schedule", "drop", *wrong).code == 65


def test_a_pause_tells_its_cost_and_a_resume_tries_first(run: Any, filled: Any) -> None:
    assert "It brought 2 reads in the last day" in run("connections", "pause", "drop", "--reason", "x").out
    filled.place.rename(filled.place.with_name("away"))
    assert run("connections", "resume", "drop").code == 78
    assert run("connections", "resume", "drop", "--no-check").code == 0


def test_secrets_are_rotated_out_of_a_file_and_told_to_nobody(run: Any, joined: Any, store: Path) -> None:
    done = run("connections", "rotate", "drop", "--settings", "-", "--json", stdin=json.dumps({"secret": "n3w-s3cret"}))
    assert done.json()["rotated"] == ["secret"]
    assert run("connections", "rotate", "drop", "--settings", "-", stdin=json.dumps({"place": "/"})).code == 65
    assert run("connections", "rotate", "drop").code == 65
    said = run("connections", "reseal", "--json").json()
    assert said["connections"] == 1
    for secret in (SECRET, "n3w-s3cret"):
        assert secret not in done.out + done.err
        assert not [path for path in store.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert run("connections", "check", "drop").code == 0


def test_a_person_is_asked_for_new_secrets_that_are_not_shown(
    run: Any, joined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alprhub.cli.connections import changes, given

    monkeypatch.setattr(changes, "there", lambda: True)
    monkeypatch.setattr(given.getpass, "getpass", lambda prompt: "n3w-s3cret")
    done = run("connections", "rotate", "drop", "--json")
    assert done.json()["rotated"] == ["secret"]


def test_a_change_is_shown_before_it_is_made(run: Any, filled: Any) -> None:
    words = ("connections", "change", "drop", "--kind", "commercial")
    told = run(*words, "--preview", "--json").json()
    assert (told["fields"], told["reads"], told["end_now"]) == (["kind"], 2, 0)
    assert "hb-motorola becomes hb-other" in run(*words).out
    assert run("connections", "list", "--json").json()[0]["kind"] == "commercial"
    assert run("connections", "change", "drop").code == 65
    assert run("connections", "change", "drop", "--set", "secret=x").code == 65
    assert run("connections", "change", "drop", "--set", "place=/nowhere/at/all").code == 78
    assert run("connections", "change", "drop", "--unset", "settle_seconds").code == 0


def test_health_is_told_with_a_card_for_what_is_wrong(run: Any, filled: Any) -> None:
    assert [one["connection"] for one in run("connections", "health", "--json").json()] == ["drop"]
    run("connections", "pause", "drop", "--reason", "contract ended")
    said = run("connections", "health", "drop").out
    assert "It is paused: contract ended." in said
    assert "alprhub connections resume drop" in said
    assert run("connections", "health", "nobody").code == 66


def test_a_bundle_is_written_once(run: Any, filled: Any, tmp_path: Path) -> None:
    out = tmp_path / "drop.zip"
    assert run("connections", "diagnostics", "drop", "--out", out).code == 0
    with zipfile.ZipFile(out) as bundle:
        whole = b"".join(bundle.read(name) for name in bundle.namelist()).decode()
    assert SECRET not in whole
    assert "9SYN00" not in whole
    assert run("connections", "diagnostics", "drop", "--out", out).code == 65


def test_an_account_is_removed_with_a_certificate(run: Any, filled: Any, tmp_path: Path, sql: Any) -> None:
    words = ("connections", "remove", "drop", "--purge-reads", "--reason", "contract ended")
    told = run(*words, "--json").json()
    assert told["certificate"]["reads"]["purged"] == 2
    assert run("connections", "certificate", "drop").json() == told == run(*words, "--json").json()
    out = tmp_path / "certificate.json"
    assert told["sha256"] in run("connections", "certificate", "drop", "--out", out).out
    assert json.loads(out.read_bytes()) == told
    assert sql("SELECT count(*) FROM reads") == [(0,)]
    assert run("connections", "certificate", "nobody").code == 66


def test_a_removal_that_is_not_proved_stops_with_what_to_do(run: Any, filled: Any, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("plate,state,reason,case\n9SYN001,US-CA,stolen,26-1\n")
    assert run("hotlists", "import", "wanted", tmp_path / "list.csv").code == 0
    run("hotlists", "publish", "wanted")
    words = ("connections", "remove", "drop", "--keep-reads", "--reason", "contract ended")
    done = run(*words)
    assert done.code == 75
    assert "stopped at its hot list 'wanted'" in done.err
    filled.load()
    done = run(*words)
    assert done.code == 0, done.err
    assert "1 hot lists withdrawn" in done.out
