"""Certificates reach the custodian of records by every way that is set, and what proves that is kept."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import manuals
import pytest
from moto.server import ThreadedMotoServer
from plain import record, write_page
from smtp import Mailbox, mail_server
from sqlalchemy import text

from connectors import durable
from hub.clock import SetClock
from hub.errors import Busy
from hub.jobs.purging import purged
from hub.people import Actor
from hub.policy.profile import names
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
DAY = timedelta(days=1)
PLATE = "9SYN001"
Opened = Callable[..., Hub]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The custodian's folder."""
    folder = tmp_path / "custodian"
    folder.mkdir()
    return folder


@pytest.fixture
def under(settings: HubSettings, clock: SetClock, plain_vendor: None, tmp_path: Path) -> Iterator[Opened]:
    """Opens a hub under a manual with a custodian, and a feed of one read that is over."""

    def open_(department: str = "hermosa-beach", **custodian: Any) -> Hub:
        hub = stack.enter_context(manuals.under(settings.model_copy(update=custodian), clock, department))
        hub.connections.accounts.add(ACTOR, "feed", "plain", {"folder": str(tmp_path / "feed")}, check=False)
        again(hub, clock, tmp_path, 1)
        return hub

    with ExitStack() as stack:
        yield open_


def again(hub: Hub, clock: SetClock, folder: Path, number: int) -> None:
    """One more read that is over by now."""
    at = clock.now() - timedelta(hours=1)
    write_page(folder / "feed", 1, [record(number, PLATE, at.isoformat())])
    assert hub.ingest.sync.run(ACTOR, "feed", at - DAY).stored == 1
    clock.advance(800 * DAY)


def codes(hub: Hub) -> list[str]:
    return [card.code for card in hub.connections.health.around() if card.code.startswith("certificates")]


@pytest.mark.clause(
    "hermosa-beach 429.3.1(f)", "westminster 462.2.1(f)", "hayward 429.2.1(f)", "palm-springs 430.4[Admin](f)"
)
@pytest.mark.parametrize("department", names())
def test_what_a_purge_certified_reaches_the_custodian_and_what_proves_that_is_kept(
    under: Opened, out: Path, clock: SetClock, department: str
) -> None:
    hub = under(department, custodian_folder=out)
    done = purged(hub, ACTOR)
    assert (done.counts, done.unproved) == ({"feed": 1}, None)
    (letter,) = hub.proofs.deliveries.list()
    (file,) = out.iterdir()
    body = file.read_bytes()
    told = json.loads(body)
    assert [one["certified"]["reads"] for one in told["certificates"]] == [1]
    assert PLATE not in body.decode()
    assert (letter.way, letter.custodian, letter.certificates) == ("folder", "Custodian of Records", 1)
    assert (letter.sha256, letter.place, letter.tries) == (sha256(body).hexdigest(), str(file), 1)
    assert letter.delivered_at == clock.now()
    assert letter.proof == "on the disk, and read back with the same SHA-256"
    asked, answered = [
        one for one in reversed(hub.audit.events(9)) if one["action"] == "certificates.deliver"
    ]  # on record before it leaves
    assert (asked["outcome"], asked["detail"]["sha256"]) == ("asked", letter.sha256)
    assert (answered["outcome"], answered["results"], answered["detail"]["place"]) == ("done", 1, str(file))
    assert codes(hub) == []


def test_each_certificate_goes_once_and_none_is_left_out(
    under: Opened, out: Path, clock: SetClock, tmp_path: Path
) -> None:
    hub = under(custodian_folder=out)
    purged(hub, ACTOR)
    assert hub.proofs.deliveries.run(ACTOR) == []
    for number in (2, 3):
        again(hub, clock, tmp_path, number)
        purged(hub, ACTOR)
    files = [json.loads(file.read_bytes()) for file in sorted(out.iterdir())]
    assert [one["certified"]["id"] for file in files for one in file["certificates"]] == [1, 2, 3]
    assert [file["follows"] for file in files] == [
        None, files[0]["certificates"][0]["digest"], files[1]["certificates"][0]["digest"]
    ]  # fmt: skip


def test_before_it_is_called_delivered_it_is_on_the_disk_and_so_is_its_name(
    under: Opened, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, settled = under(custodian_folder=out), []
    whole = durable.settle_folder
    monkeypatch.setattr(durable, "settle_folder", lambda folder: (settled.append(folder), whole(folder)))
    hub.retention.expired.purge(ACTOR)
    hub.proofs.deliveries.run(ACTOR)
    assert out in settled


def test_where_the_folder_is_not_there_nothing_is_made_and_every_purge_tries_the_same_letter_again(
    under: Opened, out: Path, clock: SetClock
) -> None:
    out.rmdir()
    hub = under(custodian_folder=out)
    done = purged(hub, ACTOR)
    assert (done.counts, done.unproved) == (
        {"feed": 1}, "1 certificate of destruction did not get to their custodian by folder"
    )  # fmt: skip
    assert not out.exists()
    (before,) = hub.proofs.deliveries.list()
    assert (before.delivered_at, before.tries) == (None, 1)
    assert before.error == f"ALPRHUB_CUSTODIAN_FOLDER: {str(out)!r} is not there: make it, or mount it"
    (card,) = [card for card in hub.connections.health.around() if card.code == "certificates_undelivered"]
    assert "not proved to have reached the Custodian of Records by folder" in card.happened
    assert "is not there: make it, or mount it" in card.happened
    assert card.command == "alprhub retention deliver"
    out.mkdir()
    clock.advance(timedelta(hours=1))
    assert purged(hub, ACTOR).unproved is None
    (after,) = hub.proofs.deliveries.list()
    assert (after.id, after.sha256, after.tries, after.error) == (before.id, before.sha256, 2, None)
    assert [sha256(file.read_bytes()).hexdigest() for file in out.iterdir()] == [before.sha256]
    assert codes(hub) == []


def test_a_delivery_that_was_killed_before_it_was_noted_is_proved_by_the_next(under: Opened, out: Path) -> None:
    hub = under(custodian_folder=out)
    purged(hub, ACTOR)
    with hub.store.write() as connection:  # the file is there, and nobody has noted it
        body = next(out.iterdir()).read_bytes()
        undone = "UPDATE certificate_deliveries SET delivered_at = NULL, proof = NULL, document = :body"
        connection.execute(text(undone), {"body": body})
    (letter,) = hub.proofs.deliveries.run(ACTOR)
    assert letter.proof is not None
    assert len(list(out.iterdir())) == 1


def test_another_file_in_its_place_is_never_written_over_and_is_no_proof(under: Opened, out: Path) -> None:
    hub = under(custodian_folder=out)
    purged(hub, ACTOR)
    (file,) = out.iterdir()
    with hub.store.write() as connection:
        undone = "UPDATE certificate_deliveries SET delivered_at = NULL, proof = NULL, document = :body"
        connection.execute(text(undone), {"body": file.read_bytes()})
    file.write_text("something else")
    (letter,) = hub.proofs.deliveries.run(ACTOR)
    assert letter.delivered_at is None
    assert "is not what was delivered" in str(letter.error)
    assert file.read_text() == "something else"


def test_by_mail_it_is_proved_once_the_server_took_it_for_everybody(under: Opened) -> None:
    with mail_server(Mailbox(refuses="b@city.example")) as box:
        hub = under(
            custodian_email=("a@city.example", "b@city.example"), notice_smtp_host="127.0.0.1",
            notice_smtp_port=box.port, notice_smtp_security="none", notice_email_from="hub@pd.example",
        )  # fmt: skip
        purged(hub, ACTOR)
        (letter,) = hub.proofs.deliveries.list()
        assert letter.delivered_at is None
        assert "but not for 1 of 2 recipients: look at ALPRHUB_CUSTODIAN_EMAIL" in str(letter.error)
        box.refuses = ""
        (letter,) = hub.proofs.deliveries.run(ACTOR)
    first, second = box.mails
    assert first["Message-ID"] == second["Message-ID"] == f"<certificates-{letter.sha256[:32]}@alprhub>"
    (attached,) = second.iter_attachments()
    assert sha256(attached.get_content()).hexdigest() == letter.sha256
    assert letter.sha256 in second.get_body().get_content()
    assert (letter.place, letter.tries) == ("a@city.example, b@city.example", 2)
    assert letter.proof == f"the mail server 127.0.0.1:{box.port} took it as {second['Message-ID']}"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of an S3 with the custodian's bucket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "synthetic")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "synthetic")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="records")
        yield f"http://{host}:{port}"
        server.stop()


def test_in_a_bucket_it_is_proved_once_it_was_read_back(under: Opened, bucket: str) -> None:
    hub = under(custodian_bucket="s3://recrods/pd", custodian_bucket_endpoint=bucket)
    purged(hub, ACTOR)
    (letter,) = hub.proofs.deliveries.list()
    assert "ALPRHUB_CUSTODIAN_BUCKET: the bucket 'recrods'" in str(letter.error)
    assert "does not exist" in str(letter.error)


def test_every_way_that_is_set_gets_every_certificate_and_one_that_fails_keeps_no_other_waiting(
    under: Opened, bucket: str, tmp_path: Path
) -> None:
    hub = under(
        custodian_folder=tmp_path / "nowhere", custodian_bucket="s3://records/pd", custodian_bucket_endpoint=bucket
    )
    purged(hub, ACTOR)
    by = {letter.way: letter for letter in hub.proofs.deliveries.list()}
    assert by["folder"].delivered_at is None
    assert str(by["s3"].place).startswith("s3://records/pd/certificates-000001-000001-")
    assert str(by["s3"].proof).startswith("read back with the same SHA-256")
    key = str(by["s3"].place).removeprefix("s3://records/")
    body = boto3.client("s3", endpoint_url=bucket).get_object(Bucket="records", Key=key)["Body"].read()
    assert sha256(body).hexdigest() == by["s3"].sha256
    assert codes(hub) == ["certificates_undelivered"]


def test_where_the_policy_names_a_custodian_and_no_place_of_theirs_is_set_health_says_so(
    under: Opened, out: Path
) -> None:
    hub = under()
    assert codes(hub) == []
    purged(hub, ACTOR)
    assert hub.proofs.deliveries.list() == []
    (card,) = [card for card in hub.connections.health.around() if card.code == "certificates_nowhere"]
    assert "the policy (429.3.1(f)) names the Custodian of Records, and no place of theirs is set here" in card.happened
    assert card.needs_person
    assert card.command == "ALPRHUB_CUSTODIAN_FOLDER=FOLDER alprhub retention deliver"


def test_what_was_delivered_is_not_lost_where_a_shell_lacks_the_custodians_settings(
    under: Opened, out: Path, settings: HubSettings, clock: SetClock
) -> None:
    purged(under(custodian_folder=out), ACTOR)
    with open_hub(settings, clock) as hub:
        assert [letter.proof is not None for letter in hub.proofs.deliveries.list()] == [True]
        assert hub.settings.custodian_ways == ()
        assert codes(hub) == []


def test_a_policy_that_names_nobody_asks_for_no_place(under: Opened) -> None:
    hub = under("long-beach")
    purged(hub, ACTOR)
    assert hub.governing.profile.effective("retention.destruction_partner").value is None
    assert codes(hub) == []


def test_two_at_once_deliver_once(under: Opened, out: Path) -> None:
    hub = under(custodian_folder=out)
    with hub.store.lease("deliveries", "somebody delivers"):
        with pytest.raises(Busy):
            hub.proofs.deliveries.run(ACTOR)
        assert purged(hub, ACTOR).counts == {"feed": 1}  # the purge is done, and whoever is at it delivers
    assert list(out.iterdir()) == []
    assert len(hub.proofs.deliveries.run(ACTOR)) == 1
