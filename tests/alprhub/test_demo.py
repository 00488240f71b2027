"""`alprhub demo`: the whole job in one command, on an empty machine."""

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forked
import pytest

import alprhub.demo as alprhub_demo
from alprhub.demo_told import Teller

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


JARGON = ("matched_by_hub", "read_back", "quarantin", "purge", "born expired", "duplicates", "[bold]", "True", "False")


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


@pytest.mark.slow
def test_it_ends_well_and_says_one_json_object(shown: Shown) -> None:
    assert shown.code == 0, shown.err
    assert set(shown.told) == {
        "ok", "seconds", "connections", "second_sync_stored", "hits", "publish", "purged", "native",
    }  # fmt: skip
    assert shown.told["ok"] is True
    assert 0 < shown.told["seconds"] < 240


@pytest.mark.slow
def test_every_source_gave_reads_once(shown: Shown) -> None:
    rows = shown.told["connections"]
    assert [row["key"] for row in rows] == SOURCES
    assert all(set(row) == {"key", "pulled", "stored", "duplicates", "quarantined"} for row in rows)
    assert all(row["stored"] > 0 for row in rows)
    assert shown.told["second_sync_stored"] == 0
    assert shown.told["hits"] > 0


@pytest.mark.slow
def test_the_hot_list_went_out_and_was_proved_everywhere(shown: Shown) -> None:
    rows = {row["connection"]: row for row in shown.told["publish"]}
    assert set(rows) == set(SOURCES)
    assert all(row["verified"] for row in rows.values())
    assert all((rows[name]["added"], rows[name]["removed"]) == (10, 1) for name in ("flock", "motorola"))
    assert rows["rekor"]["added"] == 10
    assert {name: row["proof"] for name, row in rows.items()} == {
        "flock": "read_back", "rekor": "read_back", "motorola": "receipt", "native": "matched_by_hub",
    }  # fmt: skip


@pytest.mark.slow
def test_what_had_expired_was_purged_by_the_term_of_its_source(shown: Shown) -> None:
    purged = shown.told["purged"]
    assert set(purged) == set(SOURCES)
    assert all(purged[name] > 0 for name in ("flock", "rekor", "motorola"))
    assert purged["native"] == 0


@pytest.mark.slow
def test_the_drawn_pictures_were_read_here(shown: Shown) -> None:
    native = shown.told["native"]
    assert set(native) == {"engine", "pictures", "plates"}
    assert (native["pictures"], native["plates"]) == (6, 6)
    assert native["engine"]


@pytest.mark.slow
def test_its_store_answers_the_commands_that_it_names(shown: Shown) -> None:
    (store,) = shown.home.rglob("alprhub.sqlite3")
    words = ("--purpose", "stolen_vehicle", "--reason", "trying the demonstration", "--json")
    found = alprhub("search", "9X*", *words, home=shown.home, ALPRHUB_DATA=str(store.parent))
    assert found.code == 0, found.err
    assert {row["connection"] for row in found.told["rows"]} == set(SOURCES)


@pytest.mark.slow
def test_nothing_is_written_outside_its_own_folder(shown: Shown) -> None:
    (store,) = shown.home.rglob("alprhub.sqlite3")
    assert not [path for path in shown.home.rglob("*") if path.is_file() and not path.is_relative_to(store.parent)]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """The demonstration as a person sees it, beside the settings of an agency's store, which it must never touch."""
    home = tmp_path_factory.mktemp("watched")
    agency = {"ALPRHUB_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "ALPRHUB_IMAGES": "s3://none/none"}
    return alprhub("demo", "--once", home=home, LC_ALL="C.UTF-8", **agency)


@pytest.mark.slow
def test_a_person_is_told_in_words_what_happens_and_what_came_of_it(watched: Shown) -> None:
    assert (watched.code, watched.err) == (0, "")
    lines = watched.out.splitlines()
    assert lines[0].startswith("The hub of a made-up town")
    assert "10 cars on your list passed, " in watched.out
    assert watched.out.count(": 3 of 3 proved") == 2  # the fourth takes no lists
    assert "nobody has looked at them yet" in watched.out
    assert "another state than on the list" in watched.out
    assert "holds exactly your list, without that car" in watched.out
    assert "kept 30 days and no longer: " in watched.out
    assert not [word for word in JARGON if word in watched.out]


@pytest.mark.slow
def test_every_suggestion_works_as_it_is_printed_after_the_demonstration_has_ended(watched: Shown) -> None:
    printed = [line.strip() for line in watched.out.splitlines() if line.startswith("  ")]
    assert printed[0].startswith("export ALPRHUB_DATA=")
    tried, own = printed[:8], printed[8:]
    assert own[0] == "unset ALPRHUB_DATA"  # it is the demonstration's
    assert own[-1] == "alprhub sandbox"
    kept = {"PATH": os.environ["PATH"], "HOME": str(watched.home)}
    with forked.alprhub(kept) as environment:
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", "\n".join(tried)], check=False, capture_output=True, text=True, cwd=watched.home,
            env=environment, timeout=120,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    ready = "\n".join([*own[:-1], 'test -z "${ALPRHUB_DATA-}"', "command -v alprhub"])
    found = subprocess.run(
        ["/bin/sh", "-e", "-c", ready], check=False, capture_output=True, text=True, cwd=watched.home,
        env={"PATH": os.environ["PATH"], "ALPRHUB_DATA": "demo"},
    )  # fmt: skip
    assert found.stdout.strip() == str(ALPRHUB)
    assert len(list(watched.home.glob("read-*.jpg"))) == len(list(watched.home.glob("reads-*.csv"))) == 1


@pytest.mark.slow
def test_it_says_something_at_once_and_ends_cleanly_when_it_is_stopped(tmp_path: Path) -> None:
    kept = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [str(ALPRHUB), "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=kept
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("The hub of a made-up town")
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err == "\nThe demonstration was stopped. The same command begins it anew.\n"


@pytest.mark.parametrize("stdin", [None, io.StringIO("")], ids=["closed", "no terminal"])
def test_where_nobody_can_press_enter_it_does_not_wait(monkeypatch: pytest.MonkeyPatch, stdin: Any) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    alprhub_demo._wait(Teller(quiet=False))


def test_the_end_of_the_input_is_as_good_as_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = io.StringIO("")
    monkeypatch.setattr(ended, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", ended)
    alprhub_demo._wait(Teller(quiet=False))
