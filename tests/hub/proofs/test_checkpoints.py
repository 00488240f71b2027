"""The audit log is signed, and an export of it proves itself to whoever has the public key and nothing of ours."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.audit.verification import Copy
from hub.clock import SetClock
from hub.errors import AdminMustAct, IntegrityBroken, Invalid, NotFound
from hub.people import Actor
from hub.proofs.kept import KeptLog, read_kept
from hub.settings import HubSettings
from hub.transparency import checker
from hub.transparency.checkpoint import opened, public_key
from hub.wiring import Hub, open_hub

CHECKER = Path(checker.__file__)


@pytest.fixture
def told(opened: Hub, actor: Actor) -> Hub:
    """A log of some events."""
    for number in range(20):
        opened.audit.record(actor, "test.told", "done", number=number)
    return opened


def test_a_log_is_signed_as_it_is_and_once_where_it_does_not_grow(told: Hub, actor: Actor) -> None:
    first = told.proofs.checkpoints.sign()
    assert told.proofs.checkpoints.sign() == first
    told.audit.record(actor, "test.later", "done")
    second = told.proofs.checkpoints.sign()
    assert told.proofs.checkpoints.list() == [second, first]
    key = public_key(told.proofs.checkpoints.key)
    assert [opened(each.note, key).size for each in (first, second)] == [first.size, first.size + 1]
    assert told.agency in first.note


def test_what_was_signed_is_held_against_the_log(told: Hub, actor: Actor) -> None:
    told.proofs.checkpoints.sign()
    assert told.proofs.checkpoints.verify(actor).whole
    newest = told.audit.events(1)[0]
    assert (newest["action"], newest["outcome"], newest["detail"]["faults"]) == ("audit.verify", "done", 0)
    with told.store.write() as connection:
        connection.execute(text("UPDATE audit_checkpoints SET note = replace(note, '2', '3')"))
    found = told.proofs.checkpoints.verify(actor)
    assert [fault.code for fault in found.faults] == ["signature"]
    assert told.audit.events(1)[0]["outcome"] == "differs"


def test_a_note_that_somebody_put_there_is_not_handed_out(told: Hub) -> None:
    with told.store.write() as connection:
        connection.execute(text("INSERT INTO audit_checkpoints (size, at, note) VALUES (21, 1, 'PLANTED')"))
    with pytest.raises(IntegrityBroken, match="is none of this hub's"):
        told.proofs.checkpoints.sign()


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_an_older_or_an_empty_log_in_its_place_is_not_the_one_that_was_signed(
    told: Hub, actor: Actor, settings: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    log = settings.data / "alprhub-audit.sqlite3"
    told.proofs.checkpoints.sign()
    with closing(sqlite3.connect(log)) as source, closing(sqlite3.connect(tmp_path / "older")) as older:
        source.backup(older)
    for number in range(9):
        told.audit.record(actor, "test.later", "done", number=number)
    told.proofs.checkpoints.sign()
    told.close()
    for body in ((tmp_path / "older").read_bytes(), b""):
        for path in settings.data.glob(f"{log.name}*"):
            path.unlink()
        log.write_bytes(body)
        with open_hub(settings, clock) as hub:
            found = hub.proofs.checkpoints.verify(actor)
            assert not found.whole
            assert "was signed" in found.faults[0].said


def test_a_key_that_came_from_elsewhere_is_believed_and_not_the_databases(told: Hub, actor: Actor) -> None:
    told.proofs.checkpoints.sign()
    kept = public_key(told.proofs.checkpoints.key)
    assert told.proofs.checkpoints.verify(actor, trusted=[kept]).whole
    told.proofs.log_keys.renew(actor, "the former one may be known")
    told.proofs.checkpoints.sign()
    assert told.proofs.checkpoints.verify(actor).whole, "what was signed before stays checkable"
    assert [fault.code for fault in told.proofs.checkpoints.verify(actor, trusted=[kept]).faults] == ["signature"]


def test_a_note_and_hashes_that_others_kept_are_held_against_the_log(told: Hub, actor: Actor) -> None:
    kept = told.proofs.checkpoints.keep()
    again = read_kept(kept.document, "the file")
    assert again == kept
    told.audit.record(actor, "test.later", "done")
    later = told.proofs.checkpoints.keep(21)
    assert later.copy.first == 22
    assert told.proofs.checkpoints.verify(actor, [again, later]).whole
    other = KeptLog(kept.note, Copy(1, bytes(32) + kept.copy.leaves[32:]))
    assert [fault.event for fault in told.proofs.checkpoints.verify(actor, [other]).faults] == [1]


@pytest.mark.parametrize("document", [b"", b"{}", b'{"format": "another", "checkpoint": "", "first": 1, "leaves": ""}'])
def test_a_file_that_is_none_is_named(document: bytes) -> None:
    with pytest.raises(Invalid, match="my file is no checkpoint"):
        read_kept(document, "my file")


def exported(hub: Hub, actor: Actor, out: Path, first: int = 1, last: int | None = None) -> Path:
    out.write_bytes(b"".join(hub.proofs.log_export.lines(actor, first, last)))
    return out


def checked(file: Path, key: str) -> subprocess.CompletedProcess[str]:
    """What a court's clerk runs, who has no alprhub."""
    words = [sys.executable, "-I", "-S", str(CHECKER), str(file), key]
    return subprocess.run(words, capture_output=True, text=True, cwd="/", check=False)


@pytest.mark.parametrize(("first", "last"), [(1, None), (5, 5), (1, 1), (3, 17), (16, None), (20, 21)])
def test_an_export_proves_itself_with_python_and_the_key_alone(
    told: Hub, actor: Actor, tmp_path: Path, first: int, last: int | None
) -> None:
    file, key = exported(told, actor, tmp_path / "log.jsonl", first, last), told.proofs.checkpoints.key
    done = checked(file, key)
    assert done.returncode == 0, done.stderr
    assert "are as they were written" in done.stdout
    lines = file.read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + (last or 21) - first + 1
    for changed in (
        [lines[0], lines[1].replace(b"test", b"tess").replace(b"root", b"toor").replace(b"hub", b"hud"), *lines[2:]],
        lines[:-1],
        [*lines, lines[-1]],
        [lines[0].replace(b'"first":', b'"first":1'), *lines[1:]],
    ):
        file.write_bytes(b"".join(changed))
        done = checked(file, key)
        assert done.returncode == 1
        assert done.stderr.startswith("not proved: ")


def test_an_export_is_not_proved_with_another_key(told: Hub, actor: Actor, tmp_path: Path) -> None:
    file, key = exported(told, actor, tmp_path / "log.jsonl"), told.proofs.checkpoints.key
    told.proofs.log_keys.renew(actor, "the former one may be known")
    assert checked(file, key).returncode == 0
    done = checked(file, told.proofs.checkpoints.key)
    assert done.stderr == "not proved: the checkpoint was signed with another key\n"


def test_that_events_were_taken_out_is_on_record_before_the_first_one(told: Hub, actor: Actor) -> None:
    lines = told.proofs.log_export.lines(actor, 2, 4)
    next(lines)
    newest = told.audit.events(1)[0]
    assert (newest["action"], newest["outcome"]) == ("audit.export", "asked")
    assert len(list(lines)) == 3
    newest = told.audit.events(1)[0]
    assert (newest["outcome"], newest["results"], newest["detail"]) == ("done", 3, {"first": 2, "last": 4})


@pytest.mark.parametrize(("first", "last"), [(0, 3), (4, 3), (1, 999)])
def test_events_that_are_not_there_are_refused(told: Hub, actor: Actor, first: int, last: int) -> None:
    with pytest.raises(NotFound, match="the audit log has 21"):
        next(told.proofs.log_export.lines(actor, first, last))


def test_the_private_key_is_sealed_and_survives_a_new_key_of_the_vault(told: Hub, actor: Actor) -> None:
    before = told.proofs.checkpoints.key
    told.connections.sealing.reseal(actor)
    assert told.proofs.checkpoints.key == before
    with told.store.write() as connection:
        connection.execute(text("UPDATE audit_keys SET sealed_key = 'another'"))
    with pytest.raises(AdminMustAct, match="alprhub audit renew-key --reason WHY"):
        told.proofs.checkpoints.sign()
