"""`alprhub demo`: the whole job in one command, on an empty machine."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(300)

ALPRHUB = Path(sys.executable).with_name("alprhub")
SOURCES = ["flock", "rekor", "motorola", "native"]


@dataclass(frozen=True)
class Shown:
    """What a demonstration said, and the empty home it ran in."""

    code: int
    out: str
    err: str
    home: Path

    @property
    def told(self) -> Any:
        """Its one JSON object."""
        return json.loads(self.out)


def alprhub(*words: str, home: Path, **environment: str) -> Shown:
    """Run the command from an empty folder in an empty home, where nothing but the program is at hand."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [str(ALPRHUB), *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=home,
        env={**kept, "HOME": str(home), **environment},
        timeout=240,
    )
    return Shown(done.returncode, done.stdout, done.stderr, home)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    home = tmp_path_factory.mktemp("home") / "of" / "nobody"
    home.mkdir(parents=True)
    return alprhub("demo", "--once", "--json", home=home)


def test_it_ends_well_and_says_one_json_object(shown: Shown) -> None:
    assert shown.code == 0, shown.err
    assert set(shown.told) == {
        "ok", "seconds", "connections", "second_sync_stored", "hits", "publish", "purged", "native",
    }  # fmt: skip
    assert shown.told["ok"] is True
    assert 0 < shown.told["seconds"] < 240


def test_every_source_gave_reads_once(shown: Shown) -> None:
    rows = shown.told["connections"]
    assert [row["key"] for row in rows] == SOURCES
    assert all(set(row) == {"key", "pulled", "stored", "duplicates", "quarantined"} for row in rows)
    assert all(row["stored"] > 0 for row in rows)
    assert shown.told["second_sync_stored"] == 0
    assert shown.told["hits"] > 0


def test_the_hot_list_went_out_and_was_proved_everywhere(shown: Shown) -> None:
    rows = {row["connection"]: row for row in shown.told["publish"]}
    assert set(rows) == set(SOURCES)
    assert all(row["verified"] for row in rows.values())
    assert all((rows[name]["added"], rows[name]["removed"]) == (10, 1) for name in ("flock", "motorola"))
    assert rows["rekor"]["added"] == 10
    assert {name: row["proof"] for name, row in rows.items()} == {
        "flock": "read_back", "rekor": "read_back", "motorola": "receipt", "native": "matched_by_hub",
    }  # fmt: skip


def test_what_had_expired_was_purged_by_the_term_of_its_source(shown: Shown) -> None:
    purged = shown.told["purged"]
    assert set(purged) == set(SOURCES)
    assert all(purged[name] > 0 for name in ("flock", "rekor", "motorola"))
    assert purged["native"] == 0


def test_the_drawn_pictures_were_read_here(shown: Shown) -> None:
    native = shown.told["native"]
    assert set(native) == {"engine", "pictures", "plates"}
    assert (native["pictures"], native["plates"]) == (6, 6)
    assert native["engine"]


def test_its_store_answers_the_commands_that_it_names(shown: Shown) -> None:
    (store,) = shown.home.rglob("alprhub.sqlite3")
    words = ("--purpose", "stolen_vehicle", "--reason", "trying the demonstration", "--json")
    found = alprhub("search", "9X*", *words, home=shown.home, ALPRHUB_DATA=str(store.parent))
    assert found.code == 0, found.err
    assert {row["connection"] for row in found.told["rows"]} == set(SOURCES)


def test_nothing_is_written_outside_its_own_folder(shown: Shown) -> None:
    (store,) = shown.home.rglob("alprhub.sqlite3")
    assert not [path for path in shown.home.rglob("*") if path.is_file() and not path.is_relative_to(store.parent)]
