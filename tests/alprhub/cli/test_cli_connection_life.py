"""`alprhub connections`, from a dry run to the certificate: each command once, as people and programs see it."""

import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

SECRET = "s3cret-of-the-drop"
NOW = datetime.now(UTC).replace(microsecond=0)


def test_the_agency_is_confirmed(run: Any, drop: Any) -> None:
    settings = [one for one in drop.settings if not one.startswith("--agency")]
    done = run("connections", "add", "drop", "motorola", *settings)
    assert done.code == 65
    assert done.err.endswith("agency: say whose account it is; this hub is that of 'Agency'\n")
    done = run("connections", "add", "drop", "motorola", *settings, "--agency", "Elsewhere PD")
    assert done.code == 65
    assert done.err.endswith("agency: 'Elsewhere PD' is not 'Agency', whose hub this is\n")


def test_a_person_is_asked_for_what_is_missing(run: Any, drop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from alprhub.cli.connections import accounts

    monkeypatch.setattr(accounts, "there", lambda: True)
    done = run("connections", "add", "drop", "motorola", "--set=settle_seconds=0", stdin=f"Agency\n{drop.place}\n\n")
    assert done.code == 0, done.err
    assert "Type the name of your agency" in done.out
    assert "Of times without an offset.) [America/Los_Angeles]" in done.out, "the agency's zone is offered, not taken"
    told = run("connections", "show", "drop", "--json").json()
    assert told["settings"]["zone"] == "America/Los_Angeles"


def test_a_dry_run_tells_and_keeps_nothing(run: Any, filled: Any) -> None:
    filled.export(("r9", "9SYN009", "soon"), name="day-2.csv")
    told = run("connections", "dry-run", "drop", "--json").json()
    assert (told["pulled"], told["quarantined"], told["refused"][0]["field"]) == (1, 1, "captured_at")
    said = run("connections", "dry-run", "drop")
    assert "Nothing was kept." in said.out
    assert "9SYN009" not in said.out
    assert re.search(r"from \d{4}-\d\d-\d\d \d\d:\d\d P[SD]T to ", said.out)
    assert "UTC" not in said.out
    assert run("connections", "dry-run", "drop", "--limit", "0").code == 65


def test_a_pace_is_shown_set_and_given_back(run: Any, joined: Any) -> None:
    assert run("connections", "schedule", "drop", "--json").json()["every_seconds"] == 600
    assert run("connections", "schedule", "drop", "--every", "2m").out == "drop: every 2 min\n"
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
    from alprhub.cli.connections import changes, needs

    monkeypatch.setattr(changes, "there", lambda: True)
    monkeypatch.setattr(needs.getpass, "getpass", lambda prompt: "n3w-s3cret")
    done = run("connections", "rotate", "drop", "--json")
    assert done.json()["rotated"] == ["secret"]


def test_what_a_rotation_does_not_do_is_said(run: Any, joined: Any) -> None:
    run("connections", "pause", "drop", "--reason", "the key has leaked")
    done = run("connections", "rotate", "drop", "--settings", "-", stdin=json.dumps({"secret": "n3w-s3cret"}))
    assert "at the vendor they work until somebody revokes them there" in done.out
    assert "alprhub connections resume drop" in done.out
    assert "still what backups from before hold" in run("connections", "reseal").out


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
    done = run("connections", "health", "--json")
    assert [one["connection"] for one in done.json()] == ["drop"]
    assert [card["code"] for card in done.json()[0]["cards"]] == ["some_refused"]
    assert done.code == 0
    run("connections", "pause", "drop", "--reason", "contract ended")
    done = run("connections", "health", "drop")
    assert done.code == 0
    assert "It is paused: contract ended." in done.out
    assert "alprhub connections resume drop" in done.out
    assert run("connections", "health", "nobody").code == 66


def test_health_exits_so_that_whoever_watches_knows_whether_a_person_is_needed(run: Any, filled: Any, sql: Any) -> None:
    away = filled.place.rename(filled.place.with_name("away"))
    assert run("sync", "drop").code == 78
    done = run("connections", "health")
    assert done.code == 78
    assert done.out.count("the place that it takes files from is not there") == 1
    assert "drop is paused: the place that it takes files from is not there\n" in done.out
    (told,) = run("connections", "health", "--json").json()
    assert (told["status"], told["needs_person"], told["cards"][0]["code"]) == ("paused", True, "place_missing")
    away.rename(filled.place)
    assert run("connections", "resume", "drop").code == 0
    assert run("sync", "drop").code == 0
    assert run("connections", "health").code == 0
    sql("UPDATE runs SET outcome = 'TryAgain', error = 'the vendor is down'")
    assert run("connections", "health").code == 75


AGE = re.compile(r" \([^)]* ago\)")


def test_health_says_each_thing_once(run: Any, filled: Any, sql: Any) -> None:
    sql("UPDATE runs SET outcome = 'TryAgain', error = 'the vendor is down', stored = 0")
    told = run("connections", "health", "--json").json()
    shown = AGE.sub("", run("connections", "health").out)
    cards = [card for one in told for card in one["cards"]]
    assert len(cards) >= 2
    for said in [card[key] for card in cards for key in ("title", "happened", "do")]:
        assert shown.count(AGE.sub("", said)) == 1, said
    assert told[0]["reason"] == cards[0]["happened"], "programs have it beside the status as well"


def test_where_all_is_well_health_says_so_once_and_when_something_came(run: Any, joined: Any) -> None:
    joined.export(("r1", "9SYN001", (NOW - timedelta(minutes=5)).isoformat()))
    assert run("sync", "drop").code == 0
    head, row, said = run("connections", "health").out.splitlines()
    assert head.split() == ["connection", "status", "last", "run", "that", "ended", "well", "newest", "read"]
    assert row.split()[:2] == ["drop", "ok"]
    assert said == "Everything is as it should be."


def test_what_concerns_the_hub_itself_is_an_element_without_a_connection(run: Any, filled: Any, store: Path) -> None:
    (store / "inbox").mkdir()
    (store / "inbox" / "0000000000000001.broken").write_bytes(b"cut")
    done = run("connections", "health", "--json")
    assert done.code == 78
    assert [(one["connection"], one["cards"][0]["code"]) for one in done.json()] == [
        ("drop", "some_refused"), (None, "pushes_set_aside"),
    ]  # fmt: skip
    assert "Pushes were set aside (failing)" in run("connections", "health").out


@pytest.mark.parametrize("report", ["ages", "reconcile"])
def test_reports_say_what_was_pushed_and_is_in_none_of_their_numbers(
    run: Any, filled: Any, store: Path, report: str
) -> None:
    line = "not in these numbers: 1 batch of pushes that nobody can read (alprhub connections health)"
    assert line not in " ".join(run("retention", report).out.split())
    (store / "inbox").mkdir()
    (store / "inbox" / "0000000000000001.broken").write_bytes(b"cut")
    assert line in " ".join(run("retention", report).out.split())
    run("retention", report, "--json").json()


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
    assert "1 hot list withdrawn" in done.out
    assert "NOT proved" not in done.out


def test_a_removal_that_is_forced_says_what_is_not_proved_and_claims_no_more(
    run: Any, filled: Any, tmp_path: Path, store: Path
) -> None:
    (tmp_path / "list.csv").write_text("plate,state,reason,case\n9SYN001,US-CA,stolen,26-1\n")
    assert run("hotlists", "import", "wanted", tmp_path / "list.csv").code == 0
    run("hotlists", "publish", "wanted")
    (store / "inbox").mkdir()
    (store / "inbox" / "0000000000000001.broken").write_bytes(b"cut")
    words = ("connections", "remove", "drop", "--keep-reads", "--reason", "over", "--force", "the drop is closed")
    done = run(*words)
    assert done.code == 0, done.err
    assert "withdrawn" not in done.out
    assert "NOT proved: hot list wanted, because " in done.out
    assert "; it went on because: the drop is closed." in done.out
    assert "NOT proved: pushes that were set aside" in done.out
    told = run("connections", "certificate", "drop").json()["certificate"]
    assert [one["what"] for one in told["not_proved"]] == told["proof_missing"]
    assert "not revoked at the vendor" in told["secrets"]
    assert "refuses every run" in told["schedule"]
    assert run("sync", "drop").code == 66


def test_a_connection_is_shown_whole_and_no_secret_of_it(run: Any, filled: Any) -> None:
    said = " ".join(run("connections", "show", "drop").out.split())
    for told in (
        "vendor Motorola Vigilant (connector motorola)",
        "whose Agency; the agency's own cameras",
        "state active",
        "can brings reads when it is asked; takes hot lists",
        "asked every 10 min, as usual with its vendor",
        "1 file taken",
        "3 records: 2 new, 0 held already, 1 that could not be read",
        "reads live 1 year, by rule hb-motorola (429.5 ¶2 s3)",
        "plate_column plate",
        "secret set, and not shown private_key not set",
    ):
        assert told in said, told
    told = run("connections", "show", "drop", "--json").json()
    assert (told["secrets"], told["every_seconds"], told["last_run"]["stored"]) == (
        {"secret": True, "private_key": False}, 600, 2,
    )  # fmt: skip
    assert SECRET not in said + json.dumps(told)
    assert run("connections", "show", "nobody").code == 66


def test_a_vendor_that_writes_local_times_needs_its_zone_by_name(run: Any, drop: Any) -> None:
    settings = [one for one in drop.settings if not one.startswith("--set=zone")]
    done = run("connections", "add", "drop", "motorola", *settings)
    assert done.code == 65
    assert done.err.startswith("zone: Motorola Vigilant writes local times without an offset")
    assert "--set zone=America/Los_Angeles" in done.err


def test_what_is_needed_is_said_first_and_only_what_is_refused_is_asked_again(
    run: Any, drop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alprhub.cli.connections import accounts

    monkeypatch.setattr(accounts, "there", lambda: True)
    words = ("connections", "add", "drop", "motorola", "--set=settle_seconds=soon", "--set=colour=red")
    typed = ["Agency", drop.place / "away", "America/Chicago", "0", "place", drop.place]
    done = run(*words, stdin="".join(f"{one}\n" for one in typed))
    assert done.code == 0, done.out + done.err
    before, _, after = done.out.partition("Whose account is it?")
    assert "Pattern" not in after
    for column in ("setting", "what it is", "required", "secret", "default"):
        assert column in before
    assert "settle_seconds" in after
    assert "colour is left out." in after
    assert "It does not work so:" in after
    told = run("connections", "show", "drop", "--json").json()["settings"]
    assert (told["place"], told["zone"], told["settle_seconds"]) == (str(drop.place), "America/Chicago", 0)


def test_a_wrong_answer_is_asked_for_again_and_a_secret_that_was_typed_there_is_not_repeated(
    run: Any, drop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alprhub.cli.connections import accounts

    monkeypatch.setattr(accounts, "there", lambda: True)
    words = ("connections", "add", "drop", "motorola", "--set=settle_seconds=0")
    secret = "s3cret-at-the-wrong-place"
    typed = [
        secret,
        "Elsewhere PD",
        "Agency",
        drop.place / "away",
        "UTC",
        secret,
        f"place,{secret}",
        "place",
        drop.place,
    ]
    done = run(*words, stdin="".join(f"{one}\n" for one in typed))
    assert done.code == 0, done.out + done.err
    assert done.out.count("That is not the agency of this hub, which is 'Agency'.") == 2
    assert done.out.count("That names no setting of motorola, which has: ") == 2
    said = "".join(line for line in done.out.splitlines(True) if "?" not in line)  # a prompt shows what is typed at it
    assert secret not in said


def test_a_name_that_is_taken_is_said_before_anything_is_asked(
    run: Any, joined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alprhub.cli.connections import accounts

    monkeypatch.setattr(accounts, "there", lambda: True)
    done = run("connections", "add", "drop", "motorola")
    assert "there is a connection called 'drop' already" in done.err
    assert "Whose account" not in done.out


def test_secrets_come_from_a_file_or_standard_input_and_one_that_was_typed_is_warned_of(
    run: Any, drop: Any, tmp_path: Path
) -> None:
    plain = [one for one in drop.settings if "secret=" not in one]
    done = run("connections", "add", "one", "motorola", *plain, "--secrets", "-", stdin=json.dumps({"secret": SECRET}))
    assert (done.code, done.err) == (0, "")
    assert run("connections", "add", "two", "motorola", *drop.settings).err == "", "a file is in no history"
    done = run("connections", "add", "three", "motorola", *plain, f"--set=secret={SECRET}")
    assert done.code == 0
    assert "secret: typed on the command line" in done.err
    assert "alprhub connections rotate three" in done.err
    assert SECRET not in done.out + done.err
    wrong = json.dumps({"secret": "x", "encoding": "utf-8"})
    done = run("connections", "add", "four", "motorola", *plain, "--secrets", "-", stdin=wrong)
    assert (done.code, done.out) == (65, "")
    assert "encoding is no secret of motorola, which has secret, private_key" in done.err
    assert run("connections", "rotate", "one", "--secrets", "-", stdin=json.dumps({"secret": "n3w"})).code == 0
    assert run("connections", "add", "x", "motorola", "--settings", "-", "--secrets", "-").code == 65


def test_a_zone_that_was_wrong_is_mended_in_what_is_kept(run: Any, drop: Any, tmp_path: Path) -> None:
    assert run("connections", "add", "drop", "motorola", *drop.settings).code == 0
    at = (NOW - timedelta(days=3)).replace(tzinfo=None).isoformat()
    drop.export(("r1", "9SYN001", at), ("r2", "9SYN002", at))
    run("sync", "drop")
    done = run("connections", "change", "drop", "--set=zone=Etc/GMT+3")
    assert "2 of the first 2 reads say something else now" in done.out
    assert "alprhub connections reparse drop --preview" in done.out
    told = run("connections", "reparse", "drop", "--preview").out
    assert told == (
        "drop: would change 2 of 2 reads.\n  times moved forward by 3 h: 2\n  plates: 0\n"
        "  lives that end when they did, since nobody lengthens one alone: 2\n"
    )
    assert run("connections", "reparse", "drop", "--preview", "--json").json()["moved"] == {"10800": 2}
    assert run("connections", "reparse", "drop").out.startswith("drop: changed 2 of 2 reads.\n")
    assert run("connections", "reparse", "drop").out.startswith("drop: would change 0 of 2 reads.\n")
    assert run("connections", "reparse", "nobody").code == 66
    assert "reparse" not in run("connections", "change", "drop", "--set=file_pattern=*.CSV").out, "nothing would change"


def test_a_person_is_offered_to_read_again_what_a_change_concerns(
    run: Any, filled: Any, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alprhub.cli.connections import changes

    monkeypatch.setattr(changes, "there", lambda: True)
    done = run("connections", "change", "drop", "--set=captured_at_column=captured_at", "--set=plate_column=read_id",
               stdin="y\n")  # fmt: skip
    assert done.code == 0, done.err
    assert "Read them again now?" in done.out
    assert "plates: 2" in done.out
    assert sql("SELECT plate FROM plates ORDER BY plate") == [("R1",), ("R2",)]


def test_reads_end_at_once_by_their_corrected_time_only_where_that_is_meant(run: Any, drop: Any, sql: Any) -> None:
    assert run("connections", "add", "drop", "motorola", *drop.settings).code == 0
    assert run("connections", "change", "drop", "--kind", "commercial").code == 0, "whose reads live thirty days"
    at = (NOW - timedelta(days=30) + timedelta(hours=5)).replace(tzinfo=None).isoformat()
    drop.export(("r1", "9SYN001", at))
    run("sync", "drop")
    run("connections", "change", "drop", "--set=zone=Asia/Tokyo")
    done = run("connections", "reparse", "drop")
    assert (done.code, done.out) == (65, "")
    assert "1 read of drop would expire at once" in done.err
    assert "over at once by their corrected time: 1" in run("connections", "reparse", "drop", "--yes").out
    assert run("purge", "--json").json()["purged"] == {"drop": 1}


def test_a_key_that_opens_no_secrets_is_told_and_mended(run: Any, joined: Any, store: Path) -> None:
    plain = [f"--set=place={joined.place}", "--set=zone=America/Los_Angeles", "--agency=Agency"]
    assert run("connections", "add", "open", "motorola", *plain).code == 0
    (store / "secret.key").unlink()
    done = run("connections", "health", "--json")
    codes = {one["connection"]: [card["code"] for card in one["cards"]] for one in done.json()}
    assert (done.code, "secrets_closed" in codes["drop"]) == (78, True)
    assert "secrets_closed" not in codes["open"], "what has no secret needs no key"
    said = run("connections", "health", "drop")
    assert "The secrets of drop cannot be opened with this hub's key" in said.out
    assert "Bring secret.key back from where it is kept apart" in said.out
    assert "  alprhub connections rotate drop\n" in said.out
    assert run("connections", "check", "open").code == 0
    run("connections", "pause", "drop", "--reason", "x")
    assert "secrets_closed" in run("connections", "health", "drop", "--json").out
    given = json.dumps({"secret": "n3w-s3cret"})
    assert run("connections", "rotate", "drop", "--settings", "-", stdin=given).code == 0
    assert "secrets_closed" not in run("connections", "health", "--json").out
    assert run("connections", "resume", "drop").code == 0


def test_an_account_that_does_not_work_is_said_not_to_be_saved(run: Any) -> None:
    words = ["--set=base_url=http://127.0.0.1:1", "--agency=Agency"]
    given = json.dumps({"api_key": "synthetic", "webhook_secret": "synthetic-secret"})
    done = run("connections", "add", "agents", "rekor", *words, "--secrets", "-", stdin=given)
    assert done.code in (75, 78)
    assert done.err.endswith("; nothing was saved\n")
    assert run("connections", "list", "--json").json() == []


def test_a_file_that_lacks_its_columns_is_told_with_the_setting_that_names_them(run: Any, joined: Any) -> None:
    joined.export(("r1", "9SYN001", "soon"))
    export = joined.place / "reads" / "day-1.csv"
    export.write_text(export.read_text().replace("plate", "Tag"))
    done = run("sync", "drop")
    assert done.code == 76
    assert done.err.count("day-1.csv") == 1
    (card,) = [one for one in run("connections", "health", "--json").json()[0]["cards"] if one["needs_person"]]
    assert card["code"] == "bad_files"
    assert card["command"] == "alprhub connections change drop --set plate_column=COLUMN"
    assert "connector" not in card["do"]


def test_a_secret_is_never_the_name_of_a_file_that_is_not_there(run: Any, drop: Any) -> None:
    settings = [one for one in drop.settings if not one.startswith("--set=secret")]
    done = run("connections", "add", "drop", "motorola", *settings, "--set=secret=@/no/such/file")
    assert done.code == 66
    assert done.err == (
        "secret: the file '/no/such/file' is not there. If the secret itself begins with an @, give it with --secrets -"
        " instead\n"
    )
    given = json.dumps({"secret": "@/no/such/file"})
    assert run("connections", "add", "drop", "motorola", *settings, "--secrets", "-", stdin=given).code == 0


def test_a_source_that_only_sends_is_asked_never_and_its_map_is_shown_short(run: Any, joined: Any) -> None:
    mapping = {"plate": "plate", "captured_at": "at", "camera_id": "camera"}
    given = json.dumps({"map": mapping, "webhook_secret": "synthetic-secret-of-a-sender"})
    done = run("connections", "add", "sender", "generic_webhook", "--settings", "-", "--agency=Agency", stdin=given)
    assert done.code == 0, done.err
    said = run("connections", "show", "sender").out
    assert "sends reads by itself" in said
    assert "asked every" not in said
    assert "None" not in said
    (line,) = [line for line in said.splitlines() if line.strip().startswith("map ")]
    assert '"plate": ' in line
    assert "asked every" in run("connections", "show", "drop").out


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("--keep-reads", "2 reads of drop live on as until now: 1 year each, by rule hb-motorola (429.5 ¶2 s3) of"),
        ("--purge-reads", "2 reads of drop go now, but what a hold or a floor of the policy keeps."),
    ],
)
def test_before_a_connection_ends_it_is_said_what_becomes_of_its_reads_and_asked(
    run: Any, filled: Any, monkeypatch: pytest.MonkeyPatch, sql: Any, choice: str, said: str
) -> None:
    words = ("connections", "remove", "drop", choice, "--reason", "contract ended")
    monkeypatch.setattr("alprhub.cli.connections.removal.there", lambda: True)
    done = run(*words, stdin="n\n")
    assert done.code == 65
    assert "its name stays taken" in (warned := " ".join(done.err.split()))
    assert said in warned
    assert "End drop?" in warned
    assert sql("SELECT state FROM connections") == [("active",)]
    assert run(*words, "--yes").code == 0
    again = run(*words)
    assert (again.code, again.err) == (0, ""), "what is over is not asked for again"


def test_reads_that_stay_are_told_by_whose_rules_they_live_from_then_on(run: Any, filled: Any) -> None:
    done = run("connections", "remove", "drop", "--keep-reads", "--reason", "contract ended")
    told = " ".join(done.out.split())
    assert "2 reads of drop live on as until now: 1 year each, by rule hb-motorola (429.5 ¶2 s3) of" in told
    assert "the newest until" in told
    assert "Every later policy counts for them too, as do holds." in told


def test_a_name_that_is_taken_is_told_with_one_that_is_free(run: Any, filled: Any) -> None:
    add = ("connections", "add", "drop", "motorola", *filled.settings)
    done = run(*add)
    assert done.code == 65
    assert "alprhub connections change drop, or give the new one another name, such as drop-2" in done.err
    assert run("connections", "remove", "drop", "--keep-reads", "--reason", "contract ended").code == 0
    done = run(*add)
    assert done.code == 65
    assert done.err.strip().endswith("give the new one another name, such as drop-2")
    assert run("connections", "add", "drop-2", *add[3:]).code == 0
    assert run(*add).err.strip().endswith("such as drop-3")
