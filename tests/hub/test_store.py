"""The store's own promises: migrations, secrets, pictures, leases, ids."""

import base64
import multiprocessing
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from registries import PLAIN
from sqlalchemy import event, text
from sqlalchemy.pool import Pool

from hub.errors import AdminMustAct, Conflict, IntegrityBroken, Invalid, NotFound
from hub.people import Actor
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.images import FolderImages, ImageStore, S3Images
from hub.store.schema import _config, upgrade
from hub.store.tables import metadata
from hub.store.vault import Vault
from hub.wiring import Hub, open_hub

processes = multiprocessing.get_context("fork")


@pytest.fixture
def ready(request: pytest.FixtureRequest) -> bool:
    """Who opens a hub himself has it make its own database."""
    return "opened" in request.fixturenames


@pytest.mark.filterwarnings("ignore:autogenerate skipping", "ignore:Skipped unsupported reflection")
def test_the_migrations_make_exactly_the_tables_that_the_code_uses(opened: Hub) -> None:
    with opened.store.read() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), metadata)
    # Written by hand in the migrations, because the tables' own language has no words for them.
    by_hand = (
        "uq_hotlist_entries_active",
        "plates_inside",
        "plates_trigrams",
        "ix_plates_prefix",
        "ix_plates_pairs",
        "ix_reads_make",  # on SQLite it holds the end too, which no index may on PostgreSQL
        "reads_rest",
        "reads_20",
        "payloads_rest",
        "payloads_20",
        "audit_",  # a file of its own on SQLite, where events of transactions wait in a table that is only there
    )
    ours = [change for change in difference if not any(name in str(change) for name in by_hand)]
    assert ours == []


def test_a_schema_can_be_undone_and_made_again(settings: HubSettings) -> None:
    settings.data.mkdir()
    store = Store(settings.url())
    upgrade(store)
    config = _config()
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    upgrade(store)
    store.close()


def test_ids_are_never_given_twice(opened: Hub) -> None:
    with opened.store.write() as connection:
        first = opened.store.allot(connection, "reads", 10)
    with opened.store.write() as connection:
        assert opened.store.allot(connection, "reads", 1) == first + 10


def test_a_reader_cannot_write(opened: Hub) -> None:
    with pytest.raises(Exception, match=r"read-?only"), opened.store.read() as connection:
        connection.execute(text("UPDATE counters SET value = 0"))


def test_leases_take_no_place_from_readers_and_writers(opened: Hub) -> None:
    with ExitStack() as stack:
        for number in range(20):
            stack.enter_context(opened.store.lease(f"job-{number}"))
        readers = [stack.enter_context(opened.store.read()) for _ in range(12)]
        assert [connection.scalar(text("SELECT 1")) for connection in readers] == [1] * 12
        with opened.store.write() as connection:
            assert connection.scalar(text("SELECT 1")) == 1


def holding(url: str, told: Pipe) -> None:
    """Hold a lease until somebody kills this process."""
    with Store(url).lease("job"):
        told.send("held")
        told.recv()


def test_a_lease_ends_with_the_process_that_held_it(opened: Hub, settings: HubSettings) -> None:
    ours, theirs = processes.Pipe()
    process = processes.Process(target=holding, args=(settings.url(), theirs), daemon=True)
    process.start()
    assert ours.recv() == "held"
    with pytest.raises(Conflict), opened.store.lease("job"):
        pass
    process.kill()
    process.join()
    for _ in range(100):  # PostgreSQL notices a dead client within moments
        try:
            with opened.store.lease("job"):
                return
        except Conflict:
            time.sleep(0.05)
    pytest.fail("the lease of a dead process was never given back")


def test_a_lease_is_free_once_its_holder_is_done(opened: Hub) -> None:
    for _ in range(2):
        with opened.store.lease("job"), pytest.raises(Conflict), opened.store.lease("job"):
            pass
    with pytest.raises(ZeroDivisionError), opened.store.lease("job"):
        raise ZeroDivisionError
    with opened.store.lease("job"):
        pass


def test_who_wants_to_write_need_not_wait_for_the_end_of_very_many_batches(opened: Hub) -> None:
    batches, begun, over = [0], threading.Event(), threading.Event()

    def very_many() -> None:
        while not over.is_set() and batches[0] < 100:
            with opened.store.write() as connection:
                connection.execute(text("UPDATE counters SET value = value"))
                time.sleep(0.1)
            batches[0] += 1
            begun.set()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(very_many)
        assert begun.wait(60)
        before = batches[0]
        with opened.store.write():
            met_after = batches[0] - before
        over.set()
    assert met_after < 5


def test_secrets_are_sealed_and_bound_to_their_owner(tmp_path: Path) -> None:
    vault = Vault.of_file(tmp_path / "key")
    sealed = vault.seal(b"client-secret", "flock")
    assert b"client-secret" not in sealed
    assert Vault.of_file(tmp_path / "key").open(sealed, "flock") == b"client-secret"
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    for other in (lambda: vault.open(sealed, "rekor"), lambda: Vault(os.urandom(32)).open(sealed, "flock")):
        with pytest.raises(IntegrityBroken):
            other()


@pytest.mark.parametrize("key", ["short", base64.b64encode(b"x" * 16).decode(), "%%%"])
def test_a_key_of_the_wrong_size_is_refused_by_name(key: str) -> None:
    with pytest.raises(Invalid, match="secret_key"):
        Vault.of_text(key)


def test_whatever_is_deleted_is_overwritten_where_it_lies_on_every_connection(tmp_path: Path) -> None:
    """Asked for by name: some builds of SQLite do so by themselves, and others do not."""
    said: dict[int, list[str]] = {}

    def listen(connection: sqlite3.Connection, _: object) -> None:
        connection.set_trace_callback(said.setdefault(id(connection), []).append)

    event.listen(Pool, "connect", listen)
    try:
        store = Store(f"sqlite:///{tmp_path / 'a.sqlite3'}")
        for door in (store.write, store.read):
            with door() as connection:
                assert connection.scalar(text("PRAGMA secure_delete")) == 1
        store.close()
    finally:
        event.remove(Pool, "connect", listen)
    assert len(said) == 2
    assert all("PRAGMA secure_delete = ON" in statements for statements in said.values())


def test_no_secret_is_in_the_database_file(opened: Hub, actor: Actor, tmp_path: Path) -> None:
    opened.connections.accounts.add(actor, "a", "plain", {"folder": str(tmp_path), "api_key": "MARKED-SECRET"})
    opened.store.squeeze()
    files = [path for path in opened.settings.data.rglob("*") if path.is_file()]
    assert not any(b"MARKED-SECRET" in path.read_bytes() for path in files)
    assert opened.connections.accounts.open("a")[1].settings.api_key.get_secret_value() == "MARKED-SECRET"


@pytest.fixture(params=["folder", "s3"])
def pictures(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImageStore]:
    """Each picture store, empty; the bucket keeps versions."""
    if request.param == "folder":
        yield FolderImages(tmp_path / "images")
        return
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="pictures", CreateBucketConfiguration={"LocationConstraint": "us-west-1"})
        client.put_bucket_versioning(Bucket="pictures", VersioningConfiguration={"Status": "Enabled"})
        yield S3Images("pictures", "hub")


def test_a_picture_comes_back_as_it_went_in_and_is_gone_when_deleted(pictures: ImageStore) -> None:
    pictures.put("2026/07/01/1/a.jpg", b"one")
    pictures.put("2026/07/01/1/a.jpg", b"two")
    pictures.put("2026/07/02/1/b.jpg", b"three")
    assert pictures.get("2026/07/01/1/a.jpg") == b"two"
    assert list(pictures.stored("2026/07/01")) == ["2026/07/01/1/a.jpg"]
    assert list(pictures.stored("2026/0")) == ["2026/07/01/1/a.jpg", "2026/07/02/1/b.jpg"]
    assert list(pictures.stored(until="2026/07/01")) == ["2026/07/01/1/a.jpg"]
    assert list(pictures.stored("2026/07/02", until="2026/07/01")) == []
    pictures.delete("2026/07/01/1/a.jpg")
    pictures.delete("2026/07/01/1/a.jpg")
    with pytest.raises(NotFound):
        pictures.get("2026/07/01/1/a.jpg")
    assert list(pictures.stored()) == ["2026/07/02/1/b.jpg"]
    if isinstance(pictures, S3Images):
        left = pictures._client.list_object_versions(Bucket="pictures", Prefix="hub/2026/07/01")
        assert "Versions" not in left
        assert "DeleteMarkers" not in left


def test_a_hub_opens_twice_on_one_database(settings: HubSettings) -> None:
    with open_hub(settings, registry=PLAIN) as one, open_hub(settings, registry=PLAIN) as other:
        assert one.hotlists.lists.names() == other.hotlists.lists.names() == []


def test_a_key_file_that_others_can_read_is_closed_to_them_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "secret.key"
    Vault.of_file(path)
    assert caplog.messages == []
    path.chmod(0o644)
    Vault.of_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    (said,) = caplog.messages
    assert said.startswith(f"the key file {str(path)!r} could be read by others (its rights were 644)")
    assert "alprhub connections reseal" in said


@pytest.mark.parametrize("name", ["secret.key", "secret.key.before"])
def test_a_key_file_that_was_cut_is_named_as_a_file(tmp_path: Path, name: str) -> None:
    Vault.of_file(tmp_path / "secret.key")
    (tmp_path / name).write_bytes(b"x" * 31)
    (tmp_path / name).chmod(0o600)
    with pytest.raises(AdminMustAct, match=rf"the key file '{tmp_path / name}' has 31 bytes, and .* 32"):
        Vault.of_file(tmp_path / "secret.key")
