"""A backup under load is consistent; a restore a month later has the same reads less those whose time was up."""

import os
import re
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import postgres
import pytest
from happenings import happenings
from plain import record, write_page
from pydantic import SecretStr
from registries import PLAIN
from sqlalchemy import make_url, text
from terminal import typed

from connectors import durable
from connectors.contract import Document, Request
from hub.audit.actions import Outcome
from hub.backups import backup as backing_up
from hub.backups import manifest
from hub.backups import restore as restoring
from hub.backups.backup import back_up
from hub.backups.restore import Restored, restore
from hub.clock import SetClock
from hub.doctor.doctor import examine
from hub.errors import AdminMustAct, Busy, Conflict, IntegrityBroken, Invalid, NotFound
from hub.migrating import opened as migrating
from hub.people import Actor
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.spool import Pushed, Spool
from hub.trusted_clock import TrustedClock
from hub.wiring import Hub, open_hub

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ACTOR = Actor("tester")
AT = "2026-06-01T11:00:00Z"
KEY = {"x-key": "plain-secret-key"}


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """PostgreSQL's own programs are found, where they are here."""
    monkeypatch.setenv("PATH", postgres.programs())
    if "postgresql" in request.node.name and shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not here")


@pytest.fixture
def elsewhere(settings: HubSettings, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[HubSettings]:
    """Where a hub is restored: nothing is there."""
    data = tmp_path / "elsewhere"
    if settings.database_url is None:
        yield HubSettings(data=data)
        return
    with postgres.database(request.getfixturevalue("pg_server")) as url:
        yield HubSettings(data=data, database_url=SecretStr(url))


def some(hub: Hub, feed: Path) -> None:
    """Two reads with a picture each, of which the time of one is up in a second."""
    old = (hub.clock.now() - timedelta(days=30) + timedelta(seconds=1)).isoformat()
    write_page(feed, 1, [record(1, "9SYN001", AT, picture="one"), record(2, "9SYN002", old, picture="two")])
    hub.ingest.sync.run(ACTOR, "feed", hub.clock.now() - timedelta(days=40))


def reads_of(hub: Hub) -> dict[str, int]:
    with hub.store.read() as connection:
        return dict(connection.execute(text("SELECT vendor_read_id, expires_at FROM reads")).tuples().all())


def pictures_of(hub: Hub) -> dict[str, bytes]:
    with hub.store.read() as connection:
        rows = connection.execute(
            text("SELECT r.vendor_read_id, i.key FROM images i JOIN reads r ON r.id = i.read_id")
        ).tuples()
        return {name: hub.ingest.images.get(key) for name, key in rows.all()}


@contextmanager
def under_load(hub: Hub, feed: Path, clock: SetClock) -> Iterator[None]:
    """Somebody saves and purges all the time, and time goes on."""
    over, begun = threading.Event(), threading.Event()

    def work() -> None:
        number = 100
        while not over.is_set():
            at = (hub.clock.now() - timedelta(days=30) + timedelta(seconds=20)).isoformat()
            pages = [
                record(number + n, f"9SYN{number + n:03d}", [at, AT][n % 2], picture=f"{number + n}") for n in (0, 1)
            ]
            write_page(feed, 1, pages)
            hub.ingest.sync.run(ACTOR, "feed", hub.clock.now() - timedelta(days=40))
            clock.advance(timedelta(seconds=5))
            with suppress(Busy):
                hub.retention.expired.purge(ACTOR)
            number += 2
            if number > 120:
                begun.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join()


def once_nothing_is_purged(make: Callable[[], manifest.BackupManifest]) -> manifest.BackupManifest:
    """What is made once no purge is under way: one is refused meanwhile."""
    for _ in range(5000):
        with suppress(Busy):
            return make()
        threading.Event().wait(0.002)
    pytest.fail("a purge is always under way")


def test_a_backup_under_load_comes_back_a_month_later_less_what_is_over(
    opened: Hub, feed: Path, clock: SetClock, elsewhere: HubSettings, tmp_path: Path
) -> None:
    some(opened, feed)
    with under_load(opened, feed, clock):
        before = reads_of(opened)
        made = once_nothing_is_purged(lambda: back_up(opened, ACTOR, tmp_path / "kept", with_key=True))
        after = reads_of(opened)
    if opened.store.is_sqlite:
        with sqlite3.connect(tmp_path / "kept" / "alprhub.sqlite3") as copy:
            kept = dict(copy.execute("SELECT vendor_read_id, expires_at FROM reads").fetchall())
        assert before.keys() <= kept.keys() <= after.keys()
    assert made.pictures_missing == 0

    later = SetClock(NOW + timedelta(days=29))
    done = restore(tmp_path / "kept", elsewhere, ACTOR, clock=later)
    living = {name: end for name, end in before.items() if end > to_micros(later.now())}
    assert living
    assert done.purged["feed"] > 0
    assert not (elsewhere.data / "restoring").exists()
    with open_hub(elsewhere, later, registry=PLAIN) as hub:
        found = reads_of(hub)
        assert living.items() <= found.items()
        assert found.keys() <= after.keys()
        assert min(found.values()) > to_micros(later.now())
        assert pictures_of(hub) == {name: name[1:].encode() if name != "r1" else b"one" for name in found}
        assert len(list(hub.ingest.images.stored())) == len(found), "no picture of what is over"
        assert hub.retention.certificates.verify() == done.certificates > 0
        assert hub.proofs.reconciliation.run(ACTOR).differences == []
        events = {event["action"]: event for event in hub.audit.events()}
        assert events["hub.backup"]["outcome"] == "asked"
        assert events["hub.restored"]["detail"]["sums_sha256"] == made.sums_sha256
        assert hub.connections.accounts.check("feed") == "the folder is there", "the key is back"


def test_nothing_is_purged_while_it_is_made_and_everything_else_goes_on(
    opened: Hub, feed: Path, clock: SetClock, tmp_path: Path
) -> None:
    some(opened, feed)
    clock.advance(timedelta(seconds=2))

    def looks(what: str, done: int, total: int | None) -> None:
        if what == "pictures copied":
            with pytest.raises(Busy, match="or a backup made, by another process"):
                opened.retention.expired.purge(ACTOR)
            write_page(feed, 1, [record(3, "9SYN003", AT)])
            assert opened.ingest.sync.run(ACTOR, "feed", NOW - timedelta(days=1)).stored == 1

    back_up(opened, ACTOR, tmp_path / "kept", progress=looks)
    assert opened.retention.expired.purge(ACTOR) == {"feed": 1}


def test_a_push_is_in_the_spool_or_in_the_database_whenever_it_is_kept(
    opened: Hub, feed: Path, elsewhere: HubSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One waits, and is kept by the receiver after the spool was copied: the copy has it twice, and finds it once."""
    folder = opened.settings.data / "inbox"
    spool = Spool(folder, reserve=0)
    body = msgspec.json.encode([record(7, "9SYN007", AT)])
    spool.put(Pushed("feed", 1, to_micros(NOW), "application/json", body))
    real = backing_up._database

    def kept_meanwhile(*asked: Any) -> None:
        from hub.ingest.inbox import Inbox

        inbox = Inbox(
            spool,
            opened.audit,
            opened.clock,
            opened.ingest.intake,
            opened.ingest.pictures,
            opened.connections.accounts,
        )
        assert inbox.keep().stored == 1
        assert list(spool.batches()) == []
        real(*asked)

    monkeypatch.setattr(backing_up, "_database", kept_meanwhile)
    back_up(opened, ACTOR, tmp_path / "kept", with_key=True)
    spool.close()
    restore(tmp_path / "kept", elsewhere, ACTOR, clock=SetClock(NOW))

    with open_hub(elsewhere, SetClock(NOW), registry=PLAIN) as hub:
        assert list(reads_of(hub)) == ["r7"]
        with hub.ingest.receiving() as inbox:
            inbox.keep()
        assert list(reads_of(hub)) == ["r7"]


def test_a_push_whose_time_is_up_does_not_wait_in_the_restored_hub(
    opened: Hub, feed: Path, elsewhere: HubSettings, tmp_path: Path
) -> None:
    spool = Spool(opened.settings.data / "inbox", reserve=0)
    spool.put(Pushed("feed", 1, to_micros(NOW), "application/json", b"[]"))
    spool.close()
    back_up(opened, ACTOR, tmp_path / "kept")
    restore(tmp_path / "kept", elsewhere, ACTOR, clock=SetClock(NOW + timedelta(days=31)))
    assert list((elsewhere.data / "inbox").iterdir()) == []


def test_a_backup_that_is_cut_short_is_never_taken_for_a_whole_one(
    opened: Hub, feed: Path, elsewhere: HubSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some(opened, feed)
    place, half, remove = tmp_path / "kept", tmp_path / "kept.part", shutil.rmtree
    with monkeypatch.context() as killed:
        killed.setattr(backing_up.shutil, "rmtree", lambda *_, **__: None)  # nobody is left to tidy up
        for at in ("_database", "_pictures"):

            def dies(*_: object) -> None:
                raise KeyboardInterrupt

            with killed.context() as here:
                here.setattr(backing_up, at, dies)
                with pytest.raises(KeyboardInterrupt):
                    back_up(opened, ACTOR, place)
            assert (half.exists(), place.exists()) == (True, False)
            with pytest.raises(NotFound, match="holds no whole backup"):
                restore(half, elsewhere, ACTOR)
            with pytest.raises(Conflict, match=r"kept\.part' is a backup that is under way or was cut short"):
                back_up(opened, ACTOR, place)
            remove(half)
    assert not elsewhere.data.exists()


def test_a_backup_that_fails_leaves_nothing(opened: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "x"))

    monkeypatch.setattr(backing_up, "_pictures", full)
    with pytest.raises(AdminMustAct, match=r"the disk is full\. Nothing is left of the backup"):
        back_up(opened, ACTOR, tmp_path / "kept")
    assert [path.name for path in tmp_path.glob("kept*")] == []


@pytest.fixture
def kept(opened: Hub, feed: Path, tmp_path: Path) -> Path:
    """A backup."""
    some(opened, feed)
    back_up(opened, ACTOR, tmp_path / "kept", with_key=True)
    return tmp_path / "kept"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_file_that_was_changed_is_missing_or_was_added_is_named_and_nothing_is_restored(
    kept: Path, elsewhere: HubSettings
) -> None:
    picture = next(path for path in (kept / "images").rglob("*") if path.is_file())
    picture.write_bytes(b"another")
    (kept / "secret.key").unlink()
    (kept / "more").touch()
    with pytest.raises(IntegrityBroken) as wrong:
        restore(kept, elsewhere, ACTOR)
    for told in (f"{picture.relative_to(kept)} was changed", "secret.key is missing", "more was put there"):
        assert told in str(wrong.value)
    assert not elsewhere.data.exists()
    (kept / manifest.SUMS).write_text("")
    with pytest.raises(IntegrityBroken, match="SHA256SUMS' is not what the manifest says"):
        restore(kept, elsewhere, ACTOR)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_the_digests_are_those_that_everybodys_tools_check_and_others_see_nothing(kept: Path) -> None:
    import subprocess

    done = subprocess.run(["sha256sum", "--check", "--quiet", manifest.SUMS], cwd=kept, check=False)
    assert done.returncode == 0
    private = [path for path in (kept, *kept.rglob("*")) if path.is_dir() or "images" not in path.parts]
    assert [path for path in private if path.stat().st_mode & 0o077] == []


def test_a_restore_wants_an_empty_place(kept: Path, opened: Hub, elsewhere: HubSettings) -> None:
    with pytest.raises(Conflict, match="is not empty"):
        restore(kept, opened.settings, ACTOR)
    if not opened.store.is_sqlite:
        taken = elsewhere.model_copy(update={"database_url": opened.settings.database_url})
        with pytest.raises(Conflict, match="has a hub already"):
            restore(kept, taken, ACTOR)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_restore_that_is_killed_anywhere_is_no_hub(
    kept: Path, elsewhere: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    for at in ("_bring_pictures", "_bring_database", "_settle", "_move"):
        with monkeypatch.context() as killed:
            killed.setattr(restoring, at, dies)
            killed.setattr(restoring.shutil, "rmtree", lambda *_, **__: None)
            with pytest.raises(KeyboardInterrupt):
                restore(kept, elsewhere, ACTOR)
        with pytest.raises(AdminMustAct, match="a restore that is under way or was cut short"), open_hub(elsewhere):
            pass
        shutil.rmtree(elsewhere.data)
    restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_the_place_must_do(opened: Hub, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(Conflict, match="is there already"):
        back_up(opened, ACTOR, tmp_path / "there")
    with pytest.raises(Invalid, match="in the hub's own data folder"):
        back_up(opened, ACTOR, opened.settings.data / "backup")
    with pytest.raises(Invalid, match="is not there: make it"):
        back_up(opened, ACTOR, tmp_path / "no" / "where")


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_the_key_is_in_it_only_where_that_is_asked_for(
    opened: Hub, feed: Path, elsewhere: HubSettings, tmp_path: Path
) -> None:
    some(opened, feed)
    made = back_up(opened, ACTOR, tmp_path / "kept")
    assert not made.with_key
    assert list((tmp_path / "kept").glob("*key*")) == []
    done = restore(tmp_path / "kept", elsewhere, ACTOR, clock=SetClock(NOW))
    assert done.key_missing == ("feed",)
    assert not (elsewhere.data / "secret.key").exists()
    shutil.rmtree(elsewhere.data)
    apart = opened.settings.data / "secret.key"
    done = restore(tmp_path / "kept", elsewhere, ACTOR, clock=SetClock(NOW), key=apart)
    assert done.key_missing == ()
    assert (elsewhere.data / "secret.key").read_bytes() == apart.read_bytes()


def test_anothers_hubs_key_is_refused_and_says_what_is_to_be_done_before_it_is_tried_again(
    kept: Path, opened: Hub, elsewhere: HubSettings, tmp_path: Path
) -> None:
    another = tmp_path / "another.key"
    another.write_bytes(b"k" * 32)
    with pytest.raises(
        Invalid, match=rf"^--key: '{another}' holds the key .* the secrets of feed are sealed"
    ) as refused:
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW), key=another)
    assert list(elsewhere.data.iterdir()) == []
    assert "Nothing was restored" in str(refused.value)
    own = opened.settings.data / "secret.key"
    assert restore(kept, elsewhere, ACTOR, clock=SetClock(NOW), key=own).key_missing == ()


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("body", [b"", b"k" * 64])
def test_a_file_of_former_keys_is_no_key(kept: Path, elsewhere: HubSettings, tmp_path: Path, body: bytes) -> None:
    former = tmp_path / "secret.key.before"
    former.write_bytes(body)
    with pytest.raises(Invalid, match=rf"^--key: '{former}' has {len(body)} bytes, and a key has 32"):
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW), key=former)
    assert not elsewhere.data.exists() or list(elsewhere.data.iterdir()) == []


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_the_hubs_own_key_is_taken_though_some_secrets_were_shut_already(
    opened: Hub, feed: Path, elsewhere: HubSettings, tmp_path: Path
) -> None:
    some(opened, feed)
    opened.connections.accounts.add(ACTOR, "shut", "plain", {"folder": str(feed), "api_key": "s3cret"})
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET sealed_key = 'of before' WHERE name = 'shut'"))
    back_up(opened, ACTOR, tmp_path / "some")
    own = opened.settings.data / "secret.key"
    assert restore(tmp_path / "some", elsewhere, ACTOR, clock=SetClock(NOW), key=own).key_missing == ()


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_it_says_from_when_on_it_holds_what_is_over_and_what_was_set_without_secrets(kept: Path, opened: Hub) -> None:
    made = manifest.read(kept)
    assert made.first_over_at == NOW + timedelta(seconds=1)
    told = {"ALPRHUB_DATA": str(opened.settings.data), "ALPRHUB_DATABASE_URL": "None"}
    assert made.settings == {**told, "ALPRHUB_DECISIONS": os.environ["ALPRHUB_DECISIONS"]}
    told = backing_up._shown(HubSettings(data=opened.settings.data, notice_smtp_password=SecretStr("s3cret")))
    assert told["ALPRHUB_NOTICE_SMTP_PASSWORD"] == "(was set; not in the backup)"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_hub_that_was_off_for_months_trusts_the_clock_and_one_behind_the_backup_is_refused(
    opened: Hub, feed: Path, elsewhere: HubSettings, tmp_path: Path
) -> None:
    some(opened, feed)
    assert TrustedClock(opened.store, SetClock(NOW)).standing().state == "right"
    kept = tmp_path / "kept"
    back_up(opened, ACTOR, kept)
    done = _by_a_machine_at(NOW + timedelta(days=100), kept, elsewhere)
    assert done.purged == {"feed": 2}
    with open_hub(elsewhere, SetClock(NOW + timedelta(days=100)), registry=PLAIN) as hub:
        (event,) = [one for one in hub.audit.events() if one["action"] == "clock.trust"]
        assert event["detail"]["because"].startswith("restored from the backup of 2026-06-01T12:00:00")
    shutil.rmtree(elsewhere.data)
    with pytest.raises(AdminMustAct, match="which is before the backup was made"):
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW - timedelta(days=1)))


def _by_a_machine_at(now: datetime, kept: Path, elsewhere: HubSettings) -> Restored:
    with pytest.MonkeyPatch.context() as patched:
        machine = SetClock(now)
        patched.setattr("hub.wiring.SystemClock", lambda: machine)
        patched.setattr("hub.backups.restore.SystemClock", lambda: machine)
        return restore(kept, elsewhere, ACTOR)


def test_the_doctor_knows_the_backup_that_a_hub_was_restored_from_until_another_is_made(
    kept: Path, elsewhere: HubSettings, tmp_path: Path
) -> None:
    def found(now: datetime) -> Any:
        return next(one for one in examine(elsewhere, clock=SetClock(now)) if one.code == "backup")

    day_later = NOW + timedelta(days=1)
    restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))
    assert found(NOW).said.startswith(f"The last backup is of 2026-06-01 05:00 PDT ({kept}): this hub was restored")
    with open_hub(elsewhere, SetClock(day_later), registry=PLAIN) as hub:
        assert found(day_later).grade == "look", "it holds a read whose time is up"
        hub.retention.expired.purge(ACTOR)
        back_up(hub, ACTOR, tmp_path / "again")
        assert found(day_later).said == f"The last backup is of 2026-06-02 05:00 PDT ({tmp_path / 'again'})."
        assert found(day_later).grade == "ok"


def test_a_backup_of_a_newer_version_or_another_database_is_refused(
    kept: Path, elsewhere: HubSettings, opened: Hub
) -> None:
    made = manifest.read(kept)
    manifest.write(kept, msgspec.structs.replace(made, revision="of-tomorrow"))
    with pytest.raises(AdminMustAct, match="is older than the hub"):
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))
    other = "postgresql" if opened.store.is_sqlite else "sqlite"
    manifest.write(kept, msgspec.structs.replace(made, database=other))
    with pytest.raises(Invalid, match="ALPRHUB_DATABASE_URL"):
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_without_postgresqls_programs_it_says_which_are_missing(
    opened: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AdminMustAct, match="pg_dump is not here"):
        back_up(opened, ACTOR, tmp_path / "kept")


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_postgresqls_programs_of_another_version_are_told_with_what_to_install(
    kept: Path, opened: Hub, elsewhere: HubSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened.store.read() as connection:
        server = int(connection.scalar(text("SHOW server_version_num"))) // 10_000
    folder, here = tmp_path / "programs", os.environ["PATH"]
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{here}")

    def is_of(program: str, version: int, complaint: str) -> None:
        file = folder / program
        file.write_text(
            f"#!/bin/sh\n[ \"$1\" = --version ] && echo '{program} (PostgreSQL) {version}.3 (Debian)' && exit 0\n"
            f"echo '{program}: error: {complaint}' >&2\nexit 1\n"
        )
        file.chmod(0o755)

    remedy = rf"\(postgresql-client-{server}\), put their folder first in PATH, and repeat"
    is_of("pg_dump", server - 3, "aborting because of server version mismatch")
    told = (
        r"^pg_dump did not do it \(exit 1\): aborting because of server version mismatch\. "
        rf"pg_dump \({folder}/pg_dump\), PostgreSQL {server - 3}, does not fit the server, PostgreSQL {server}: .*"
    )
    with pytest.raises(AdminMustAct, match=told + remedy):
        back_up(opened, ACTOR, tmp_path / "other")
    is_of("pg_dump", server + 3, "the disk is on fire")  # a newer one may copy an older server
    with pytest.raises(AdminMustAct, match=r"^pg_dump did not do it \(exit 1\): the disk is on fire$"):
        back_up(opened, ACTOR, tmp_path / "other")
    is_of("pg_restore", server + 1, "unrecognized configuration parameter")
    with pytest.raises(AdminMustAct, match=f"PostgreSQL {server + 1}, does not fit the server, PostgreSQL {server}"):
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))
    is_of("pg_restore", server, "unsupported version (1.99) in file header")
    with pytest.raises(AdminMustAct, match=r"is older than the pg_dump that wrote this: install"):
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))


def test_what_vendors_push_is_still_taken(opened: Hub, feed: Path) -> None:
    """What is pushed needs no lease of a backup's."""
    push = Request(KEY, Document(msgspec.json.encode([record(1, "9SYN001", AT)])))

    with opened.store.lease("backup"), opened.store.lease("purge"), opened.ingest.receiving() as inbox:
        inbox.take("feed", push)


def test_pictures_in_a_bucket_stay_there_and_the_manifest_says_where(tmp_path: Path) -> None:
    hub: Any = SimpleNamespace(
        ingest=SimpleNamespace(images=object()), settings=SimpleNamespace(images="s3://bucket/pictures")
    )
    assert backing_up._pictures(hub, tmp_path, lambda *_: None) == (0, 0, "s3://bucket/pictures")


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["secret.key", "zz.yaml", "inbox/1.batch", "images/2026/x.jpg", "manifest.more"])
@pytest.mark.parametrize("kind", ["link", "pipe", "file", "folder"])
def test_whatever_no_digest_names_is_named_and_nothing_is_restored(
    opened: Hub, elsewhere: HubSettings, tmp_path: Path, name: str, kind: str
) -> None:
    kept, foreign = tmp_path / "kept", tmp_path / "foreign"
    back_up(opened, ACTOR, kept)
    foreign.write_bytes(b"k" * 32)
    put = kept / name
    put.parent.mkdir(parents=True, exist_ok=True)
    {
        "link": lambda: put.symlink_to(foreign),
        "pipe": lambda: os.mkfifo(put),
        "file": put.touch,
        "folder": put.mkdir,
    }[kind]()
    with pytest.raises(IntegrityBroken, match=rf"{re.escape(name)}.* was put there"):
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))
    assert not elsewhere.data.exists()


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["secret.key", "alprhub.sqlite3", "images", manifest.SUMS, manifest.NAME])
def test_a_file_or_folder_that_was_replaced_by_a_link_is_named(
    kept: Path, elsewhere: HubSettings, tmp_path: Path, name: str
) -> None:
    (kept / name).rename(tmp_path / "moved")
    (kept / name).symlink_to(tmp_path / "moved")
    with pytest.raises(IntegrityBroken, match=rf"{name} \(a link\) was put there"):
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["secret.key", "picture"])
def test_a_link_that_takes_the_place_of_a_file_after_the_digests_were_looked_at_is_not_followed(
    kept: Path, elsewhere: HubSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    at = kept / name if name != "picture" else next(path for path in (kept / "images").rglob("*") if path.is_file())
    verify = manifest.verify

    def then_replaced(*asked: Any) -> Any:
        verified = verify(*asked)
        at.rename(tmp_path / "moved")
        at.symlink_to(tmp_path / "moved")
        return verified

    monkeypatch.setattr(manifest, "verify", then_replaced)
    with pytest.raises(IntegrityBroken, match="is no file any more"):
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))
    assert list(elsewhere.data.iterdir()) == []


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("where", ["pictures", "deep/down/pictures", "elsewhere/pictures", "there"])
def test_a_restore_that_fails_leaves_nothing_in_the_folder_of_pictures_either(
    kept: Path, elsewhere: HubSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    apart = elsewhere.model_copy(update={"images": str(tmp_path / where)})
    (tmp_path / "there" / "lost+found").mkdir(parents=True)
    for at in ("_bring_database", "_settle", "durable.settle_folder"):
        before = sorted(tmp_path.iterdir())
        with monkeypatch.context() as failing:
            if at == "durable.settle_folder":
                _fails_at_the_end(failing, elsewhere.data)
            else:
                failing.setattr(restoring, at, lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                restore(kept, apart, ACTOR, clock=SetClock(NOW))
        assert [path for path in tmp_path.iterdir() if path not in before] in ([], [elsewhere.data])
        assert not elsewhere.data.exists() or list(elsewhere.data.iterdir()) == []
        assert [path.name for path in (tmp_path / "there").iterdir()] == ["lost+found"]
    done = restore(kept, apart, ACTOR, clock=SetClock(NOW + timedelta(minutes=1)))
    assert done.purged == {"feed": 1}
    with open_hub(apart, SetClock(NOW + timedelta(minutes=1)), registry=PLAIN) as hub:
        assert pictures_of(hub) == {"r1": b"one"}
        assert len(list(hub.ingest.images.stored())) == 1
    assert not (tmp_path / where / "restoring").exists()
    assert (elsewhere.data / "images").exists() is False


def _fails_at_the_end(failing: pytest.MonkeyPatch, data: Path) -> None:
    """Everything lies in its place, and the disk does not keep the names."""
    really = durable.settle_folder

    def settle_folder(folder: Path) -> None:
        really(folder)
        if folder == data and (data / "alprhub.sqlite3").exists():
            raise ZeroDivisionError

    failing.setattr(durable, "settle_folder", settle_folder)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("apart", [False, True], ids=["one place", "the same pictures"])
def test_of_two_restores_at_once_the_second_is_refused_and_leaves_the_first_be(
    kept: Path, elsewhere: HubSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: bool
) -> None:
    first = elsewhere.model_copy(update={"images": str(tmp_path / "pictures")}) if apart else elsewhere
    second = first.model_copy(update={"data": tmp_path / "second"}) if apart else first
    settle, demand = restoring._settle, restoring._demand_empty

    def another_comes(*asked: Any) -> Restored:
        with monkeypatch.context() as late:
            # It looked before the first began.
            late.setattr(restoring, "_demand_empty", lambda *_, **__: None)
            with pytest.raises(Conflict, match="another restore is under way"):
                restore(kept, second, ACTOR, clock=SetClock(NOW))
        return settle(*asked)

    monkeypatch.setattr(restoring, "_settle", another_comes)
    restore(kept, first, ACTOR, clock=SetClock(NOW))
    with open_hub(first, SetClock(NOW), registry=PLAIN) as hub:
        assert pictures_of(hub) == {"r1": b"one", "r2": b"two"}
    looked = list[bool]()

    def looks(settings: HubSettings, ours: bool = False) -> None:
        looked.append(ours)
        if ours:
            demand(settings, ours)

    monkeypatch.setattr(restoring, "_demand_empty", looks)
    with pytest.raises(Conflict, match="is not empty"):  # it looked before, and the first is done
        restore(kept, first, ACTOR, clock=SetClock(NOW))
    assert looked == [False, True]
    with open_hub(first, SetClock(NOW), registry=PLAIN) as hub:
        assert pictures_of(hub) == {"r1": b"one", "r2": b"two"}


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_a_database_into_which_a_restore_was_cut_short_is_opened_from_nowhere(
    kept: Path, elsewhere: HubSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = elsewhere.model_copy(update={"data": tmp_path / "another machine"})

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    for at in ("undump", "_settle"):
        with monkeypatch.context() as killed:
            killed.setattr(restoring, at, dies)
            killed.setattr(restoring.shutil, "rmtree", lambda *_, **__: None)
            killed.setattr(restoring.unfinished, "end", lambda *_: None)  # nobody is left to take it away
            with pytest.raises(KeyboardInterrupt):
                restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))
        for opens in (lambda: open_hub(another, SetClock(NOW), registry=PLAIN), lambda: migrating(another)):
            with pytest.raises(AdminMustAct, match=r"a restore into it was cut short .*elsewhere/restoring"), opens():
                pass
        another.data.mkdir(exist_ok=True)
        (schema,) = [found for found in examine(another, clock=SetClock(NOW)) if found.code == "schema"]
        assert "a restore into it was cut short" in schema.said
        remedy = (
            r"holds a restore that is under way or was cut short .*elsewhere/restoring.*dropdb .*createdb -O .*repeat"
        )
        with pytest.raises(Conflict, match=remedy):
            restore(kept, another, ACTOR, clock=SetClock(NOW))
        with pytest.raises(Conflict, match=rf"^the folder .*empty the folder.*; and the database .*{remedy}"):
            restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))
        shutil.rmtree(elsewhere.data)
        _made_again(elsewhere)
    restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))
    with open_hub(another, SetClock(NOW), registry=PLAIN) as hub:
        assert len(reads_of(hub)) == 2


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_who_stops_a_restore_whose_dump_is_loaded_is_told_what_is_there_and_what_to_do(
    kept: Path, elsewhere: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert elsewhere.database_url is not None
    monkeypatch.setenv("ALPRHUB_DATA", str(elsewhere.data))
    monkeypatch.setenv("ALPRHUB_DATABASE_URL", elsewhere.database_url.get_secret_value())
    really = restoring._bring_database

    def then_somebody_stops_it(*asked: Any) -> None:
        really(*asked)
        os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as stopping:
        stopping.setattr(restoring, "_bring_database", then_somebody_stops_it)
        done = typed("restore", kept)
    assert done.exit_code == 143
    name = make_url(elsewhere.url()).database
    there = f"the database '{name}' holds a restore that is under way or was cut short"
    assert done.stderr.startswith(f"stopped: {there}")
    user = make_url(elsewhere.url()).username
    assert f"(dropdb {name}, createdb -O {user} {name}), then repeat alprhub restore" in done.stderr
    again = typed("restore", kept)
    assert (again.exit_code, again.stderr.startswith(there)) == (65, True)
    _made_again(elsewhere)
    assert typed("restore", kept).exit_code == 0


def _made_again(settings: HubSettings) -> None:
    with closing(Store(settings.url())) as store, store.write() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_where_the_dump_could_not_be_read_the_database_is_empty_again_and_two_never_fill_one(
    kept: Path, elsewhere: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = restoring.undump

    def another_came_first(store: Store, file: Any) -> None:
        with pytest.raises(Conflict, match="another restore fills this database"):
            restoring.unfinished.begin(store, "/another/restoring")
        raise AdminMustAct("pg_restore did not do it")

    monkeypatch.setattr(restoring, "undump", another_came_first)
    with pytest.raises(AdminMustAct, match="did not do it"):
        restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))
    monkeypatch.setattr(restoring, "undump", really)
    restore(kept, elsewhere, ACTOR, clock=SetClock(NOW))


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_backup_is_on_the_disk_in_its_order_before_it_has_its_name_and_is_on_record(
    opened: Hub, feed: Path, tmp_path: Path
) -> None:
    some(opened, feed)
    _pushed(opened).close()
    with happenings(opened.store) as steps:
        back_up(opened, ACTOR, tmp_path / "kept", with_key=True)
        steps.append("answer")
    steps.assert_in_order(
        "commit full audit_events,audit_head",
        "fsync *.batch~", "rename *.batch", "fsync folder inbox",
        "fsync alprhub.sqlite3", "fsync folder kept.part", "fsync alprhub-audit.sqlite3", "fsync folder kept.part",
        "fsync *.jpg~", "rename *.jpg", "fsync folder 1",
        "fsync secret.key~", "rename secret.key", "fsync folder kept.part",
        "fsync SHA256SUMS~", "rename SHA256SUMS", "fsync folder kept.part",
        "fsync manifest.json~", "rename manifest.json", "fsync folder kept.part",
        "rename kept", f"fsync folder {tmp_path.name}", "commit full audit_events,audit_head", "answer",
    )  # fmt: skip


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_what_happens_between_the_copies_of_database_and_audit_log_is_on_record_in_the_backup(
    opened: Hub, feed: Path, elsewhere: HubSettings, tmp_path: Path
) -> None:
    some(opened, feed)

    def between(what: str, done: int, _: int | None) -> None:
        if (what, done) == ("databases copied", 1):
            opened.audit.record(ACTOR, "test.between", Outcome.DONE)
            write_page(feed, 1, [record(3, "9SYN003", AT)])
            opened.ingest.sync.run(ACTOR, "feed", NOW - timedelta(days=1))

    back_up(opened, ACTOR, tmp_path / "kept", progress=between)
    restore(tmp_path / "kept", elsewhere, ACTOR, clock=SetClock(NOW))
    with open_hub(elsewhere, SetClock(NOW), registry=PLAIN) as hub:
        assert "r3" not in reads_of(hub)
        assert "test.between" in {event["action"] for event in hub.audit.events()}


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_push_that_is_kept_between_the_copies_of_inbox_and_database_is_in_one_of_them(
    opened: Hub, feed: Path, elsewhere: HubSettings, tmp_path: Path
) -> None:
    _pushed(opened).close()

    def afterwards(what: str, done: int, _: int | None) -> None:
        if (what, done) == ("databases copied", 1):
            with opened.ingest.receiving() as inbox:
                inbox.keep()
            assert list(reads_of(opened)) == ["r7"]
            assert list((opened.settings.data / "inbox").glob("*.batch")) == []

    back_up(opened, ACTOR, tmp_path / "kept", with_key=True, progress=afterwards)
    restore(tmp_path / "kept", elsewhere, ACTOR, clock=SetClock(NOW))
    with open_hub(elsewhere, SetClock(NOW), registry=PLAIN) as hub:
        with hub.ingest.receiving() as inbox:
            inbox.keep()
        assert list(reads_of(hub)) == ["r7"]


def _pushed(hub: Hub) -> Spool:
    """The spool, in which a push waits."""
    spool = Spool(hub.settings.data / "inbox", reserve=0)
    spool.put(Pushed("feed", 1, to_micros(NOW), "application/json", msgspec.json.encode([record(7, "9SYN007", AT)])))
    return spool


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_restored_hub_is_on_the_disk_before_it_is_one_and_nothing_else_lies_there(
    opened: Hub, feed: Path, elsewhere: HubSettings, tmp_path: Path
) -> None:
    some(opened, feed)
    _pushed(opened).close()
    back_up(opened, ACTOR, tmp_path / "kept", with_key=True)
    with happenings() as steps:
        restore(tmp_path / "kept", elsewhere, ACTOR, clock=SetClock(NOW))
        steps.append("answer")
    brought = steps.before("rename *")
    for name in ("alprhub.sqlite3", "alprhub-audit.sqlite3", "secret.key", "*.batch"):
        assert brought.like(f"fsync {name}"), name
    steps.assert_in_order("fsync folder inbox", "fsync folder restoring", "fsync *.jpg~", "rename *.jpg")
    steps.assert_in_order(
        "rename alprhub-audit.sqlite3", "rename alprhub.sqlite3", "fsync folder elsewhere", "rmdir restoring",
        "fsync folder elsewhere", "answer",
    )  # fmt: skip
    moved = [step for step in steps if step.startswith("rename ")]
    assert moved[-1] == "rename alprhub.sqlite3"
    there = {path.name for path in elsewhere.data.iterdir()}
    assert there == {"alprhub.sqlite3", "alprhub-audit.sqlite3", "secret.key", "hub.json", "inbox", "images"}
