"""The command line on a store of its own, and a vendor that is a folder of CSV files."""

import csv
import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import migrated
import pytest
import yaml
from terminal import typed

from hub.people import Actor

NOW = datetime.now(UTC).replace(microsecond=0)
SECRET = "s3cret-of-the-drop"


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed, as JSON: all of stdout and nothing else."""
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def ready() -> bool:
    """Whether the data folder has a database with its schema before the first command."""
    return True


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ready: bool, request: pytest.FixtureRequest) -> Path:
    """A data folder that every command of this test uses: nobody has put anything in it, or nobody has made it yet."""
    for name in ("ALPRHUB_DATABASE_URL", "ALPRHUB_IMAGES", "ALPRHUB_MODELS", "ALPRHUB_ZONE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALPRHUB_AGENCY", "Agency")
    monkeypatch.setenv("ALPRHUB_PROFILE", "hermosa-beach")
    monkeypatch.setenv("ALPRHUB_DATA", str(tmp_path / "data"))
    if ready:
        migrated.seed(tmp_path / "data", request.getfixturevalue("migrated_file"))
    return tmp_path / "data"


@pytest.fixture
def run(store: Path) -> Run:
    """Run a command; an error that is not told in one line on stderr fails the test at once."""

    def command(*words: object, stdin: str | None = None) -> Done:
        result = typed(*words, stdin=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.stderr
        return Done(result.exit_code, result.stdout, result.stderr)

    return command


@dataclass(frozen=True)
class Drop:
    """A folder that a vendor's exports arrive in and that hot-list files leave by."""

    place: Path

    @property
    def secret(self) -> Path:
        """A file that holds the secret, for its owner alone."""
        file = self.place.with_name("secret.txt")
        file.write_text(SECRET)
        return file

    @property
    def settings(self) -> list[str]:
        """What `connections add` is told of it."""
        return [f"--set=place={self.place}", "--set=settle_seconds=0", "--set=zone=UTC", f"--set=secret=@{self.secret}",
                    "--agency=Agency"]  # fmt: skip

    def export(self, *rows: tuple[str, str, str], name: str = "day-1.csv") -> None:
        """An export of (id, plate, time) rows."""
        (self.place / "reads").mkdir(parents=True, exist_ok=True)
        with (self.place / "reads" / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("read_id", "plate", "captured_at", "camera_id", "state"))
            writer.writerows((ident, plate, at, "pier", "CA") for ident, plate, at in rows)

    def load(self) -> None:
        """Somebody loads every hot-list file that lies there, and says so."""
        for file in (self.place / "hotlists").glob("*.csv"):
            body = file.read_bytes()
            told = {
                "file": file.name, "sha256": sha256(body).hexdigest(), "rows": len(body.splitlines()) - 1,
                "loaded_at": NOW.isoformat().replace("+00:00", "Z"), "rejected": [],
            }  # fmt: skip
            file.with_name(f"{file.name}.receipt.json").write_text(json.dumps(told))


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the drop lies in every test of a worker: a connection's settings name it, and data folders are copied."""
    return tmp_path_factory.mktemp("vendor")


@pytest.fixture
def drop(vendor: Path) -> Drop:
    rmtree(vendor)
    made = Drop(vendor / "drop")
    made.place.mkdir(parents=True)
    return made


Once = Callable[[str, Callable[[], None]], None]


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Where that is kept which was made of what is named."""
    folder, known = tmp_path_factory.mktemp("kept"), dict[Any, Path]()
    return lambda *of: known.setdefault(of, folder / str(len(known)))


@pytest.fixture
def once(store: Path, drop: Drop, kept: Callable[..., Path]) -> Once:
    """Have the data folder and the drop as something leaves them: done by the worker's first test, copied for others.

    What is done in another hub, as the environment says, is something else.
    """

    def bring(name: str, make: Callable[[], None]) -> None:
        said = sorted(one for one in os.environ.items() if one[0].startswith("ALPRHUB_") and one[0] != "ALPRHUB_DATA")
        place, here = kept(name, store.exists(), *said), {"data": store, "drop": drop.place}
        if not place.is_dir():
            make()
            for part, folder in here.items():
                copytree(folder, place / part)
            return
        for part, folder in here.items():
            rmtree(folder, ignore_errors=True)
            copytree(place / part, folder)

    return bring


@pytest.fixture
def joined(run: Run, drop: Drop, once: Once) -> Drop:
    """The drop as the connection `drop`."""

    def join() -> None:
        done = run("connections", "add", "drop", "motorola", *drop.settings)
        assert done.code == 0, done.err

    once("joined", join)
    return drop


@pytest.fixture
def filled(run: Run, joined: Drop, once: Once) -> Drop:
    """The connection `drop` after a sync of two reads and one row that is none."""

    def fill() -> None:
        hour_ago = (NOW - timedelta(hours=1)).isoformat()
        joined.export(("r1", "9SYN001", hour_ago), ("r2", "9SYN002", hour_ago), ("r3", "9SYN003", "soon"))
        assert run("sync", "drop").code == 0

    once("filled", fill)
    return joined


_SAID = "id, at, actor, action, outcome, " + ", ".join(
    f"document ->> '{key}' AS {key}"
    for key in ("authenticated", "target", "purpose", "reason", "case_number", "results", "detail", "policy_id")
)
"""What an event says, as columns."""


@pytest.fixture
def sql(store: Path) -> Callable[[str], list[Any]]:
    """Look into the store, or change it, behind the hub's back."""

    def ask(statement: str) -> list[Any]:
        log = "audit_events" in statement
        connection = sqlite3.connect(store / ("alprhub-audit.sqlite3" if log else "alprhub.sqlite3"))
        try:
            with connection:
                if log:
                    connection.execute(f"CREATE TEMP VIEW audit_events AS SELECT {_SAID} FROM main.audit_events")
                return connection.execute(statement).fetchall()
        finally:
            connection.close()

    return ask


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let somebody else type from now on."""

    def be(name: str) -> None:
        monkeypatch.setattr(Actor, "of_process", classmethod(lambda cls: cls(name)))

    return be


@pytest.fixture
def approved(run: Run, acting: Callable[[str], None], sql: Any) -> Callable[[], Done]:
    """Let the sergeant approve what waits longest, as if its grace were over, and whoever it was type on."""

    def approve() -> Done:
        me = Actor.of_process().name
        waiting = run("approvals", "list", "--json").json()[0]["id"]
        acting("sergeant")
        done = run("approvals", "approve", waiting, "--yes", "--json")
        if done.code == 0 and done.json()["state"] == "in_grace":
            sql("UPDATE approvals SET decided_at = decided_at - grace")
            done = run("approvals", "approve", waiting, "--yes", "--json")
        assert done.code == 0, done.err
        acting(me)
        return done

    return approve


@pytest.fixture
def signing(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of decisions that the office which Hermosa Beach's policy names signed now: what they settle, and
    what else stands in each."""

    def write(**settled: Mapping[str, Any]) -> Path:
        said = {"answer": "as it stands there", "decided_by": "A. Chief", "why": "the council has decided"}
        said |= {"title": "Administrative Services Division Commander"}
        now = datetime.now(UTC).isoformat()
        told = [
            {"settles": name.replace("_", "-"), "decided_at": now, **said, **more} for name, more in settled.items()
        ]
        file = tmp_path / f"signed-{len(list(tmp_path.iterdir()))}.yaml"
        file.write_text(yaml.safe_dump({"decisions": told}))
        return file

    return write
