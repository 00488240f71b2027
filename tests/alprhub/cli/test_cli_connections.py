"""`alprhub connections`: each command, each way to be refused, and no secret in anything that is said."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def test_an_account_is_added_after_a_live_check_and_listed(run: Any, drop: Any) -> None:
    done = run("connections", "add", "drop", "motorola", *drop.settings, "--json")
    assert done.code == 0
    told = done.json()
    assert (told["connection"], told["connector"]) == ("drop", "motorola")
    assert told["check"]
    (row,) = run("connections", "list", "--json").json()
    assert (row["name"], row["connector"], row["state"], row["last_success"]) == ("drop", "motorola", "active", None)
    assert run("connections", "list").out.splitlines()[1].split() == ["drop", "motorola", "active", "never"]
    assert run("sync", "drop").code == 0
    assert re.search(r"active +[\d.]+ s ago \(.*\d\d:\d\d P[SD]T\)", run("connections", "list").out)


def test_an_empty_list_is_a_list_and_says_what_to_do(run: Any) -> None:
    assert run("connections", "list", "--json").json() == []
    assert "alprhub connections add" in run("connections", "list").out


def test_an_account_can_be_checked_at_any_time(run: Any, joined: Any) -> None:
    assert set(run("connections", "check", "drop", "--json").json()) == {"connection", "check"}
    joined.place.rmdir()
    done = run("connections", "check", "drop")
    assert (done.code, done.out) == (78, "")
    assert "does not exist" in done.err


def test_an_account_pauses_and_resumes(run: Any, joined: Any) -> None:
    assert run("connections", "pause", "drop", "--reason", "contract [/b] ended :car:").code == 0
    (row,) = run("connections", "list", "--json").json()
    assert (row["state"], row["state_reason"]) == ("paused", "contract [/b] ended :car:")
    assert "contract [/b] ended :car:" in run("connections", "list").out  # shown as it was written
    done = run("sync", "drop")
    assert (done.code, done.out) == (78, "")
    assert (
        "drop is paused: contract [/b] ended :car:. Once that is settled: alprhub connections resume drop" in done.err
    )
    assert run("connections", "resume", "drop").code == 0
    assert run("sync", "drop").code == 0


def test_an_account_that_is_removed_leaves_its_reads_and_a_certificate(run: Any, filled: Any) -> None:
    assert run("connections", "remove", "drop", "--reason", "contract ended").code == 65
    done = run("connections", "remove", "drop", "--keep-reads", "--reason", "contract ended")
    assert done.code == 0, done.err
    assert "2 kept" in done.out
    assert run("connections", "list", "--json").json() == []
    (row,) = run("connections", "list", "--removed", "--json").json()
    assert (row["name"], row["state"]) == ("drop", "removed")
    told = run("connections", "certificate", "drop").json()
    assert told["certificate"]["reads"]["kept"] == 2
    assert run("sync", "drop").code == 66


@pytest.mark.parametrize(
    "words", [("check",), ("pause", "--reason=x"), ("resume",), ("remove", "--keep-reads", "--reason=x")]
)
def test_an_account_that_is_not_there_is_named(run: Any, words: tuple[str, ...]) -> None:
    done = run("connections", *words, "nobody")
    assert (done.code, done.out) == (66, "")
    none = "there is none yet: alprhub connections add NAME CONNECTOR makes one"
    assert done.err == f"there is no connection called 'nobody'; {none}\n"


def test_a_connector_that_is_not_there_is_named_beside_those_there_are(run: Any) -> None:
    done = run("connections", "add", "a", "atlantis")
    assert done.code == 66
    assert "'atlantis'" in done.err
    assert "flock" in done.err


def test_a_name_is_given_once(run: Any, joined: Any) -> None:
    done = run("connections", "add", "drop", "motorola", *joined.settings)
    assert done.code == 65
    assert "'drop' already" in done.err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["a", "flock"], "client_id"),
        (["a", "flock", "--set=client_id=x"], "client_secret"),
        (["a", "rekor", "--secrets=-", "--set=page_size=many"], "page_size"),
        (["a", "motorola", "--set=place=/tmp", "--set=colour=red"], "colour"),
        (["a", "native", "--set=source=/tmp", "--set=zone=Atlantis/Harbour"], "zone"),
        (["a", "motorola", "--set", "place"], "name=value"),
        (["two words", "motorola"], "name"),
    ],
)
def test_what_is_missing_or_wrong_is_named(run: Any, words: list[str], named: str) -> None:
    done = run("connections", "add", *words, stdin='{"api_key": "x"}')
    assert (done.code, done.out) == (65, "")
    assert named in done.err
    assert run("connections", "list", "--json").json() == []


def test_everything_that_is_wrong_with_settings_is_told_at_once_a_line_each(run: Any) -> None:
    done = run(
        "connections", "add", "a", "rekor", "--set=page_size=many", "--set=api_kee=x", "--set=fetch_images=never"
    )
    assert done.code == 65
    lines = done.err.splitlines()
    assert lines[0].startswith("api_key is missing: From Scout")
    assert lines[1:3] == ["page_size: must be a whole number", "fetch_images: must be true or false"]
    assert lines[3].startswith("no setting is called 'api_kee'; did you mean 'api_key'? rekor has: webhook_header, ")
    assert len(lines) == 4


def test_settings_come_from_a_file_or_from_standard_input(run: Any, drop: Any, tmp_path: Path) -> None:
    told = {"place": str(drop.place), "settle_seconds": 0, "zone": "UTC"}
    (tmp_path / "settings.json").write_text(json.dumps(told))
    ours = "--agency=Agency"
    assert run("connections", "add", "one", "motorola", ours, "--settings", tmp_path / "settings.json").code == 0
    assert run("connections", "add", "two", "motorola", ours, "--settings", "-", stdin=json.dumps(told)).code == 0
    wrong = json.dumps({**told, "place": "/nowhere/at/all"})
    mended = run("connections", "add", "three", "motorola", "--settings", "-", *drop.settings, stdin=wrong)
    assert mended.code == 0, "--set lies on top of the file"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\xff\xfe\x00{", "is not UTF-8 text"),
        (b"", "is not JSON: line 1, column 1"),
        (b"[1]", "holds no object of settings"),
        (b'"text"', "holds no object of settings"),
        (b'{\n"place": ', "is not JSON: line 2, column 10"),
        (b'{"a": "\xff"}', "is not UTF-8 text"),
        (b"[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused(run: Any, tmp_path: Path, body: bytes, says: str) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(body)
    done = run("connections", "add", "a", "motorola", "--settings", file)
    assert (done.code, done.out) == (65, "")
    assert done.err.startswith(f"the file {str(file)!r} {says}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "code", "says"), [("missing.json", 66, "is not there"), (".", 65, "is a folder, and a file is needed")]
)
def test_a_file_that_cannot_be_opened_is_refused(run: Any, tmp_path: Path, name: str, code: int, says: str) -> None:
    done = run("connections", "add", "a", "motorola", "--settings", tmp_path / name)
    assert (done.code, done.err) == (code, f"the file {str(tmp_path / name)!r} {says}\n")


def test_a_secret_is_in_nothing_that_is_said_and_not_in_the_store(run: Any, drop: Any, store: Path) -> None:
    settings = [*drop.settings, "--set=colour=red"]
    said = [run("connections", "add", "drop", "motorola", *given) for given in (settings, drop.settings, drop.settings)]
    said += [run("connections", *words) for words in (["list"], ["list", "--json"], ["check", "drop"])]
    assert [done.code for done in said] == [65, 0, 65, 0, 0, 0]
    secret = "s3cret-of-the-drop"
    assert not [done for done in said if secret in done.out + done.err]
    assert not [path for path in store.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("environment", "code", "named"),
    [
        ({"ALPRHUB_PROFILE": "atlantis"}, 66, "hermosa-beach"),
        ({"ALPRHUB_SECRET_KEY": "short"}, 78, "ALPRHUB_SECRET_KEY: must be the Base64 of 32 bytes"),
        ({"ALPRHUB_DATABASE_URL": "nonsense"}, 78, "ALPRHUB_DATABASE_URL: is no address of a database"),
        ({"ALPRHUB_DATABASE_URL": "postgresql://hub:s3cret@host:port/hub"}, 78, "ALPRHUB_DATABASE_URL: is no address"),
        ({"ALPRHUB_DATABASE_URL": "mysql://hub:s3cret@host/hub"}, 78, "ALPRHUB_DATABASE_URL: is no address"),
        (
            {"ALPRHUB_DATABASE_URL": "postgresql://hub:s3cret@127.0.0.1:1/hub"},
            75,
            "the database server 127.0.0.1:1 (hub) does not answer",
        ),
        (
            {"ALPRHUB_DATABSE_URL": "postgresql://hub:s3cret@host/hub"},
            78,
            "there is no setting ALPRHUB_DATABSE_URL; did you mean ALPRHUB_DATABASE_URL? Correct the name, or unset it",
        ),
        ({"ALPRHUB_DATA_DIR": "/srv"}, 78, "there is no setting ALPRHUB_DATA_DIR; did you mean ALPRHUB_DATA?"),
        (
            {"ALPRHUB_IMAGE": "s3://one/two", "ALPRHUB_TIMEZONE": "UTC"},
            78,
            "ALPRHUB_IMAGE; did you mean ALPRHUB_IMAGES? there is no setting ALPRHUB_TIMEZONE; did you mean",
        ),
        ({"ALPRHUB_DATA": "/dev/null"}, 78, "ALPRHUB_DATA: '/dev/null' is a file, and a folder is needed"),
        ({"ALPRHUB_DATA": "/dev/null/x"}, 78, "ALPRHUB_DATA: the folder '/dev/null/x' cannot be made or opened"),
    ],
)
def test_a_hub_that_cannot_be_opened_says_why_in_one_line(
    run: Any, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], code: int, named: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = run("connections", "list", "--json")
    assert (done.code, done.out) == (code, "")
    assert named in done.err
    assert "s3cret" not in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("ready", [False])
def test_a_store_that_is_no_database_says_so(run: Any, store: Path) -> None:
    store.mkdir()
    (store / "alprhub.sqlite3").write_bytes(b"not a database at all" * 1000)
    done = run("connections", "list")
    assert done.code == 70
    assert "is no database" in done.err


@pytest.mark.parametrize("ready", [False])
def test_the_exit_code_reaches_the_shell_and_the_key_is_for_its_owner_alone(store: Path) -> None:
    command = [str(Path(sys.executable).with_name("alprhub")), "connections", "check", "nobody"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=dict(os.environ))
    assert (done.returncode, done.stdout, done.stderr) == (
        66,
        "",
        "there is no connection called 'nobody'; there is none yet: alprhub connections add NAME CONNECTOR makes one\n",
    )
    assert [oct((store / name).stat().st_mode & 0o777) for name in ("secret.key", "alprhub.sqlite3")] == ["0o600"] * 2
