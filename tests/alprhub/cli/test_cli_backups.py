"""`alprhub backup | restore`: what people are told of a copy of everything."""

import json
import shutil
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest


def test_a_hub_comes_back_and_says_what_people_must_do_again(
    run: Any, filled: Any, store: Path, tmp_path: Path
) -> None:
    made = run("backup", tmp_path / "kept")
    assert made.code == 0, made.err
    assert "on it holds what the hub has destroyed: destroy it by then" in made.out
    assert "The key that opens vendors' secrets is not in it" in made.out
    key = tmp_path / "apart.key"
    (store / "secret.key").rename(key)
    shutil.rmtree(store)
    done = run("restore", tmp_path / "kept", "--key", key)
    assert done.code == 0, done.err
    assert done.out.startswith(f"The hub of Agency is in {store}, as of ")
    assert "0 reads purged" in done.out
    assert "do again: what courts ordered (alprhub retention destroy)" in done.out
    assert "Policy in force, by the backup: hermosa-beach, since 20" in done.out
    assert run("connections", "check", "drop").code == 0
    found = run("search", "9SYN*", "--purpose", "stolen_vehicle", "--reason", "theft on Pier Ave", "--case", "26-1")
    assert "9SYN001" in found.out, found.err
    assert "9SYN002" in found.out


def test_programs_get_json(run: Any, filled: Any, store: Path, tmp_path: Path) -> None:
    told = run("backup", tmp_path / "kept", "--with-key", "--json").json()
    assert (told["database"], told["with_key"], told["agency"]) == ("sqlite", True, "Agency")
    assert told == {"place": str(tmp_path / "kept"), **json.loads((tmp_path / "kept" / "manifest.json").read_text())}
    shutil.rmtree(store)
    done = run("restore", tmp_path / "kept", "--json").json()
    assert (done["purged"], done["key_missing"]) == ({"drop": 0}, [])


def test_a_backup_that_lacks_pictures_is_kept_and_says_how_many_and_how_to_see_which(
    run: Any, filled: Any, sql: Any, store: Path, tmp_path: Path
) -> None:
    for number in (1, 2):
        sql(f"INSERT INTO images (read_id, kind, key, state) VALUES (1, 'plate', 'gone/{number}.jpg', 'stored')")
    done = run("backup", tmp_path / "kept")
    assert done.code == 75
    assert done.out.splitlines()[-1] == (
        "2 pictures that the hub should have are missing or damaged there, and so here: the backup is kept and lacks"
        " them. alprhub doctor --all says which."
    )
    assert "2 are not there: pictures 1, 2" in run("doctor", "--all").out
    told = run("backup", tmp_path / "again", "--json")
    assert (told.code, told.json()["pictures_missing"]) == (75, 2)
    shutil.rmtree(store)
    assert run("restore", tmp_path / "kept").code == 0


def test_without_the_key_it_says_whose_secrets_are_closed(run: Any, filled: Any, store: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "kept")
    shutil.rmtree(store)
    done = run("restore", tmp_path / "kept")
    assert (done.code, "The secrets of drop are closed: bring secret.key into" in done.out) == (0, True)
    refused = run("sync", "drop")
    assert refused.code == 78
    assert refused.err.startswith(f"the key file '{store / 'secret.key'}' is not there")


@pytest.mark.parametrize("body", [b"", b"not a key", b"x" * 33])
def test_a_file_that_is_no_key_is_named_as_it_was_given_and_nothing_is_restored(
    run: Any, filled: Any, store: Path, tmp_path: Path, body: bytes
) -> None:
    run("backup", tmp_path / "kept")
    shutil.rmtree(store)
    key = tmp_path / "apart.key"
    key.write_bytes(body)
    key.chmod(0o644)
    done = run("restore", tmp_path / "kept", "--key", key)
    assert (done.code, done.err.count("\n")) == (65, 1)
    assert done.err.startswith(f"--key: '{key}' has {len(body)} bytes, and a key has 32")
    assert "Nothing was restored" in done.err
    assert "alprhub connections rotate" in done.err
    assert "restoring" not in done.err
    assert not store.exists()
    assert key.stat().st_mode & 0o777 == 0o644, "it is not the hub's"


def test_anothers_hubs_key_is_refused_before_anything_is_restored(
    run: Any, filled: Any, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", tmp_path / "kept")
    shutil.rmtree(store)
    key = tmp_path / "another.key"
    key.write_bytes(b"k" * 32)
    done = run("restore", tmp_path / "kept", "--key", key)
    assert (done.code, done.err.count("\n")) == (65, 1)
    assert done.err.startswith(f"--key: '{key}' holds the key ")
    assert "the secrets of drop are sealed under another" in done.err
    assert not store.exists() or list(store.iterdir()) == []
    monkeypatch.setenv("ALPRHUB_SECRET_KEY", b64encode(b"k" * 32).decode())
    done = run("restore", tmp_path / "kept")
    assert (done.code, done.err.startswith("ALPRHUB_SECRET_KEY holds the key ")) == (65, True)


def test_a_key_that_is_not_the_hubs_is_one_kind_everywhere(run: Any, filled: Any, store: Path, tmp_path: Path) -> None:
    key = store / "secret.key"
    for body, says in ((b"short", "has 5 bytes, and a key has 32"), (b"z" * 32, "has the key ")):
        key.write_bytes(body)
        refused = run("sync", "drop")
        assert (refused.code, refused.err.count("\n")) == (78, 1)
        assert refused.err.startswith(f"the key file '{key}' {says}")
        found = run("doctor")
        assert (found.code, str(key) in found.out) == (78, True)


def test_what_is_no_backup_or_no_empty_place_is_refused_in_a_line(run: Any, filled: Any, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    done = run("restore", tmp_path / "nothing")
    assert (done.code, done.err.count("\n")) == (66, 1)
    run("backup", tmp_path / "kept")
    again = run("backup", tmp_path / "kept")
    assert (again.code, again.err.count("\n")) == (65, 1)
    done = run("restore", tmp_path / "kept")
    assert done.code == 65
    assert "is not empty (alprhub" in done.err
