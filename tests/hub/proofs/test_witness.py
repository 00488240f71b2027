"""What proves the audit log gets to a witness by every way that is set, goes on from what arrived, and is looked at."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from smtp import Mailbox, mail_server
from sqlalchemy import text

from hub.clock import SetClock
from hub.jobs.jobs import Jobs
from hub.people import Actor
from hub.proofs.kept import KeptLog, read_kept
from hub.settings import HubSettings
from hub.transparency.checkpoint import public_key
from hub.wiring import Hub, open_hub

Opened = Callable[..., Hub]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The witness's folder."""
    folder = tmp_path / "witness"
    folder.mkdir()
    return folder


@pytest.fixture
def witnessed(settings: HubSettings, clock: SetClock) -> Iterator[Opened]:
    """Opens a hub whose witness is set so."""
    with ExitStack() as stack:
        yield lambda **ways: stack.enter_context(open_hub(settings.model_copy(update=ways), clock))


def files(folder: Path) -> list[KeptLog]:
    return [read_kept(file.read_bytes(), file.name) for file in sorted(folder.iterdir())]


def codes(hub: Hub) -> list[str]:
    return [card.code for card in hub.connections.health.around()]


def test_each_hash_goes_out_once_and_together_they_are_the_log(witnessed: Opened, out: Path, actor: Actor) -> None:
    hub = witnessed(witness_folder=out)
    for number in range(3):
        hub.audit.record(actor, "test.told", "done", target="9SYN001", number=number)
        (tried,) = hub.proofs.witness.run()
        assert tried.proof == "on the disk, and read back with the same SHA-256"
    assert hub.proofs.witness.run() == [], "the log did not grow"
    kept = files(out)
    ends = [each.size for each in kept]
    assert [each.copy.first for each in kept] == [1, *(end + 1 for end in ends[:-1])]
    assert hub.proofs.checkpoints.verify(actor, kept, [public_key(hub.proofs.checkpoints.key)]).whole
    assert not any(b"9SYN" in file.read_bytes() or b"tester" in file.read_bytes() for file in out.iterdir())
    first, second = hub.proofs.witness.list()[-1], hub.proofs.witness.list()[-2]
    assert (first.first, first.size, second.first) == (1, ends[0], ends[0] + 1)
    assert first.sha256 == sha256(Path(str(first.place)).read_bytes()).hexdigest()


def test_what_did_not_arrive_is_told_and_goes_with_the_next(
    witnessed: Opened, out: Path, actor: Actor, clock: SetClock
) -> None:
    hub = witnessed(witness_folder=out)
    out.rmdir()
    jobs = Jobs(hub, "tests")
    (run,) = jobs.run_due(actor, "checkpoint")
    assert run.outcome == "unproved"
    assert run.error == f"by folder: ALPRHUB_WITNESS_FOLDER: {str(out)!r} is not there: make it, or mount it"
    assert "log_unwitnessed" in codes(hub)
    out.mkdir()
    clock.advance(timedelta(hours=1))
    (run,) = jobs.run_due(actor, "checkpoint")
    assert (run.outcome, run.counts) == ("done", {"handed_over": 1, "undelivered": 0})
    assert [each.copy.first for each in files(out)] == [1]
    assert "log_unwitnessed" not in codes(hub)


def test_nobody_silences_a_witness_by_a_row(witnessed: Opened, out: Path) -> None:
    hub = witnessed(witness_folder=out)
    with hub.store.write() as connection:
        connection.execute(
            text(
                "INSERT INTO audit_deliveries (way, first, size, at, sha256, proof)"
                " VALUES ('folder', 1, 1000000000, 1, 'x', 'x')"
            )
        )
    (tried,) = hub.proofs.witness.run()
    assert (tried.first, len(files(out))) == (1, 1)


def test_one_way_that_fails_keeps_no_other_waiting(witnessed: Opened, out: Path) -> None:
    with mail_server(Mailbox()) as box:
        hub = witnessed(
            witness_folder=out / "gone", witness_email=("auditor@example.org",), notice_smtp_host="127.0.0.1",
            notice_smtp_port=box.port, notice_smtp_security="none",
        )  # fmt: skip
        by = {tried.way: tried for tried in hub.proofs.witness.run()}
        assert by["folder"].proof is None
        assert by["email"].proof is not None
        (mail,) = box.mails
    assert "audit log, events 1 to " in mail["Subject"]
    (attached,) = mail.iter_attachments()
    assert read_kept(attached.get_content(), "the mail").copy.first == 1


def test_a_bucket_gets_it_too(witnessed: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-west-2",
    }.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        store: Any = boto3.client("s3", endpoint_url=endpoint)
        store.create_bucket(Bucket="witness")
        hub = witnessed(witness_bucket="s3://witness/pd", witness_bucket_endpoint=endpoint)
        (tried,) = hub.proofs.witness.run()
        assert str(tried.place).startswith("s3://witness/pd/audit-log-000000001-")
    finally:
        server.stop()


def test_a_log_that_was_changed_is_an_alarm_the_night_after(opened: Hub, actor: Actor, clock: SetClock) -> None:
    for _ in range(5):
        opened.audit.record(actor, "test.told", "done")
    jobs = Jobs(opened, "tests")
    (run,) = jobs.run_due(actor, "audit")
    assert run.outcome == "done"
    lock = "audit_no_update" if opened.store.is_sqlite else "audit_append_only ON audit_events"
    with opened.store.append() as connection:
        connection.execute(text(f"DROP TRIGGER {lock}"))
        connection.execute(text("UPDATE audit_events SET actor = 'somebody else' WHERE id = 3"))
    clock.advance(timedelta(days=1))
    (run,) = jobs.run_due(actor, "audit")
    assert (run.outcome, run.error) == ("unproved", "event 3 was changed: the column actor (alprhub audit verify)")
    (card,) = [card for card in opened.connections.health.around() if card.code == "audit_changed"]
    assert (card.command, card.needs_person) == ("alprhub audit verify", True)
    assert "event 3 was changed" in card.happened
