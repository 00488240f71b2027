"""What a database or a disk refuses is one plain line with its exit code; only a defect of ours shows where it was."""

import errno
import os
import sqlite3
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from terminal import typed

from connectors.errors import AdminMustFix, TryAgain, VendorChanged
from hub.errors import Busy, Conflict, Faults, Unsettled
from hub.settings import HubSettings

PLATE = "9SYN001"


def ends(monkeypatch: pytest.MonkeyPatch, failed: Exception) -> tuple[int, str]:
    """How a command ends that meets an error."""

    def raises(*_: Any, **__: Any) -> None:
        raise failed

    monkeypatch.setattr("hub.connections.accounts.Connections.list", raises)
    done = typed("connections", "list")
    assert done.stdout == ""
    return done.exit_code, done.stderr


def _sqlite(text: str) -> OperationalError:
    return OperationalError(f"INSERT {PLATE}", None, sqlite3.OperationalError(text), hide_parameters=True)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("database is locked", 75, "is held by another program"),
        ("database or disk is full", 78, "finds no room: the disk is full"),
        ("unable to open database file", 78, "cannot be opened: see who owns the file and its folder"),
        ("attempt to write a readonly database", 78, "may only be read by the user who runs this"),
        ("disk I/O error", 78, "cannot be read or written: the disk gives errors"),
        ("database disk image is malformed", 70, "is damaged: stop every alprhub"),
        ("file is not a database", 70, "is no database"),
    ],
)
def test_what_sqlite_refuses_is_one_line_that_names_the_file(
    store: Any, monkeypatch: pytest.MonkeyPatch, text: str, code: int, says: str
) -> None:
    ended, said = ends(monkeypatch, _sqlite(text))
    assert ended == code
    assert said.startswith(f"the database {str(store / 'alprhub.sqlite3')!r} {says}")
    assert said.count("\n") == 1
    assert PLATE not in said


@pytest.mark.parametrize("text", ["disk I/O error", "unable to open database file", "database or disk is full"])
def test_a_full_disk_is_told_as_full_whatever_sqlite_calls_it(
    store: Any, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    real = os.statvfs(store)
    for free in ({"f_bavail": 3}, {"f_files": 100, "f_favail": 0}):
        disk = {"f_bavail": real.f_bavail, "f_frsize": 4096, "f_files": 0, "f_favail": 0} | free
        monkeypatch.setattr("hub.store.refused.os.statvfs", lambda _, disk=disk: SimpleNamespace(**disk))
        ended, said = ends(monkeypatch, _sqlite(text))
        assert ended == 78
        assert said == (
            f"the database {str(store / 'alprhub.sqlite3')!r} finds no room: the disk is full. Nothing was kept half;"
            " free some room and repeat it\n"
        )


@pytest.mark.parametrize(
    ("orig", "lost", "code", "says"),
    [
        (psycopg.errors.AdminShutdown("terminating connection"), True, 75, "broke off: it was stopped, or the network"),
        (psycopg.OperationalError("server closed the connection unexpectedly"), True, 75, "broke off"),
        (psycopg.errors.DiskFull("x"), False, 78, "finds no room: its disk is full"),
        (psycopg.errors.TooManyConnections("x"), False, 75, "takes no more connections now"),
        (psycopg.errors.InsufficientPrivilege("x"), False, 78, "does not give its user the right"),
        (psycopg.errors.DeadlockDetected("x"), False, 75, "is busy with another change"),
    ],
)
def test_what_postgresql_refuses_is_one_line_that_names_the_server(
    store: Any, monkeypatch: pytest.MonkeyPatch, orig: Exception, lost: bool, code: int, says: str
) -> None:
    failed = DBAPIError("SELECT 1", None, orig, connection_invalidated=lost)

    def raises(*_: Any, **__: Any) -> None:
        raise failed

    monkeypatch.setattr("alprhub.cli.connections.accounts.open_hub", raises)
    monkeypatch.setenv("ALPRHUB_DATABASE_URL", "postgresql://hub:s3cret@db.example/alpr")
    done = typed("connections", "list")
    assert done.exit_code == code
    assert done.stderr.startswith(f"the database server db.example:5432 (alpr) {says}")
    assert done.stderr.count("\n") == 1
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize(
    ("failed", "code", "says"),
    [
        (NoConnectionLeft("QueuePool limit"), 75, "has no connection left for this"),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), 78, "the file '/data/x' finds no room: the disk"),
        (PermissionError(errno.EACCES, "Permission denied", "/data/x"), 78, "may not be opened by the user who runs"),
        (OSError("pictures: the bucket 'b' does not exist"), 78, "pictures: the bucket 'b' does not exist"),
        (Busy("x is being synced by another process"), 75, "x is being synced"),
        (Unsettled("x is paused"), 78, "x is paused"),
        (Conflict("x is there already"), 65, "x is there already"),
        (TryAgain("x is off"), 75, "x is off"),
        (AdminMustFix("x refuses the key"), 78, "x refuses the key"),
        (VendorChanged("is cut short or not JSON"), 76, "what the vendor sent is cut short or not JSON"),
    ],
)
def test_the_exit_code_says_what_may_be_done(
    store: Any, monkeypatch: pytest.MonkeyPatch, failed: Exception, code: int, says: str
) -> None:
    ended, said = ends(monkeypatch, failed)
    assert ended == code
    assert says in said
    assert said.count("\n") == 1


def test_several_faults_stand_on_a_line_each_below_what_they_are_of(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ends(monkeypatch, Faults("x.csv", ["one", "two"])) == (65, "x.csv:\n  one\n  two\n")
    assert ends(monkeypatch, Faults("x.csv", ["one"])) == (65, "x.csv: one\n")
    assert ends(monkeypatch, Faults("", ["one", "two"])) == (65, "one\ntwo\n")


@pytest.mark.parametrize(
    "failed",
    [
        ZeroDivisionError("division by zero"),
        ProgrammingError("SELEKT", None, sqlite3.ProgrammingError("near SELEKT"), hide_parameters=True),
        IntegrityError("INSERT", None, sqlite3.IntegrityError("UNIQUE constraint failed"), hide_parameters=True),
        _sqlite("no such column: x"),
    ],
)
def test_a_defect_of_ours_shows_where_it_was_and_says_that_it_is_one(
    store: Any, monkeypatch: pytest.MonkeyPatch, failed: Exception
) -> None:
    ended, said = ends(monkeypatch, failed)
    assert ended == 70
    assert "Traceback (most recent call last)" in said
    assert said.splitlines()[-1].startswith("This is a defect of alprhub and not of what you typed. Please report it")


def test_every_wrong_setting_of_the_hub_is_told_at_once_by_its_variable(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPRHUB_DATABASE_URL", "mysql://hub:s3cret@host/hub")
    monkeypatch.setenv("ALPRHUB_SECRET_KEY", "short-s3cret")
    done = typed("connections", "list")
    assert done.exit_code == 78
    assert done.stderr.splitlines() == [
        "ALPRHUB_DATABASE_URL: is no address of a database: write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE",
        "ALPRHUB_SECRET_KEY: must be the Base64 of 32 bytes; `openssl rand -base64 32` makes one",
    ]


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("NOTICE_SYSLOG", "udp://h:99999", "is no address of a syslog: write it as udp://HOST:PORT, tcp://HOST:PORT"),
        ("NOTICE_SYSLOG", "udp://[::1", "is no address of a syslog: write it as udp://HOST:PORT"),
        ("NOTICE_SYSLOG", "unix://", "is no address of a syslog"),
        ("NOTICE_SYSLOG", "h.example:514", "is no address of a syslog"),
        ("NOTICE_WEBHOOK_URL", "http://[x", "is no address of a service: write it as https://HOST/PATH"),
        ("NOTICE_WEBHOOK_URL", "https://h.example:s3cret/x", "is no address of a service"),
        ("NOTICE_WEBHOOK_URL", "https://h s3cret", "is no address of a service"),
        ("NOTICE_WEBHOOK_URL", "ftp://h.example/s3cret", "is no address of a service"),
        ("IMAGES_ENDPOINT", "http://[x", "is no address of an S3: write it as https://HOST"),
        ("IMAGES_ENDPOINT", "minio:9000", "is no address of an S3"),
        ("DATABASE_URL", "postgresql://h:port/hub", "is no address of a database"),
        ("AGENCY", "\udcff", "is not UTF-8: write it again in a terminal or an editor that is set to UTF-8"),
        ("DATA", "/tmp/\udcff", "is not UTF-8"),
        ("AUDITORS", "ann,\udcff", "is not UTF-8"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_with_the_name_of_its_setting_and_what_is_right(
    store: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str, right: str
) -> None:
    monkeypatch.setenv(f"ALPRHUB_{name}", value)
    done = typed("connections", "list")
    assert done.exit_code == 78
    assert done.stderr.startswith(f"ALPRHUB_{name}: {right}")
    assert done.stderr.count("\n") == 1
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize("value", ["udp://h.example", "tcp://[::1]:514", "tcp://h.example:65535", "unix:///dev/log"])
def test_every_form_of_a_syslog_that_the_docs_name_is_taken(value: str) -> None:
    assert HubSettings(notice_syslog=value).notice_syslog == value


@pytest.mark.parametrize("key", [b"", b"x" * 31])
def test_a_key_file_that_was_cut_is_told_as_a_file(store: Any, key: bytes) -> None:
    (store / "secret.key").write_bytes(key)
    done = typed("connections", "list")
    assert done.exit_code == 78
    assert done.stderr.startswith(f"the key file {str(store / 'secret.key')!r} has {len(key)} bytes, and a key has 32")


def test_settings_that_were_kept_and_fit_no_more_are_told_and_mended(run: Any, joined: Any, sql: Any) -> None:
    sql("UPDATE connections SET settings = json_set(settings, '$.settle_seconds', 'long', '$.former', 1)")
    done = run("sync", "drop")
    assert done.code == 78
    assert done.err.startswith(
        "the settings of drop do not fit its connector any more: settle_seconds: must be a whole"
    )
    assert "no setting is called 'former'" in done.err
    assert "alprhub connections change drop --set NAME=VALUE" in done.err
    assert run("connections", "change", "drop", "--set=settle_seconds=0", "--unset=former").code == 0
    assert run("sync", "drop").code == 0
