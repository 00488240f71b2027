"""What the custodian of records gets: certificates that verify with nothing but SHA-256 and JSON, on any machine."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import manuals
import pytest
import two
from plain import record, write_page
from sqlalchemy import text

from hub.cases.orders import NewOrder
from hub.clock import SetClock
from hub.errors import IntegrityBroken, Invalid, NotFound
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import Hub

ACTOR = Actor("tester")
DAY = timedelta(days=1)
PLATE = "9SYN001"
Destroyed = Callable[[str], Hub]


@pytest.fixture
def destroyed(settings: HubSettings, clock: SetClock, plain_vendor: None, tmp_path: Path) -> Iterator[Destroyed]:
    """Opens a hub under a manual, after two purges: one of a read, one of two more and of what was no read."""

    def open_(department: str) -> Hub:
        hub = stack.enter_context(manuals.under(settings, clock, department))
        hub.connections.accounts.add(ACTOR, "Straße", "plain", {"folder": str(tmp_path)})
        for page in (1, 2):
            at = (clock.now() - timedelta(hours=1)).isoformat()
            records = [record(10 * page + place, PLATE, at) for place in range(page)]
            write_page(tmp_path, 1, [*records, {"plate": PLATE}] if page == 2 else records)
            hub.ingest.sync.run(ACTOR, "Straße", clock.now() - DAY)
            clock.advance(800 * DAY if manuals.SCHEDULED.get(department, ())[2:] == ("P2Y",) else 31 * DAY)
            hub.retention.expired.purge(ACTOR)
        return hub

    with ExitStack() as stack:
        yield open_


def digest_of(certified: dict[str, Any]) -> str:
    """As the document itself tells the custodian to compute it."""
    told = json.dumps(certified, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(told.encode()).hexdigest()


def verified(document: bytes) -> int:
    """How many certificates of a document are whole and in their chain; `AssertionError` for one that is not."""
    told = json.loads(document)
    authorities = {one["id"]: one for one in told["authorities"]}
    for one in authorities.values():
        assert one["digest"] == sha256(f"{one['document']}\n{one['decisions']}".encode()).hexdigest()
    previous = told["follows"]
    for one in told["certificates"]:
        assert one["certified"]["previous"] == previous
        assert digest_of(one["certified"]) == one["digest"]
        assert one["certified"]["policy_id"] in authorities
        previous = one["digest"]
    return len(told["certificates"])


@pytest.mark.clause(
    "hermosa-beach 429.3.1(f)", "westminster 462.2.1(f)", "hayward 429.2.1(f)", "palm-springs 430.4[Admin](f)"
)
@pytest.mark.parametrize(
    ("department", "clause"),
    [
        ("hermosa-beach", "429.3.1(f)"),
        ("westminster", "462.2.1(f)"),
        ("hayward", "429.2.1(f)"),
        ("palm-springs", "430.4[Admin](f)"),
    ],
)
def test_the_custodian_of_records_gets_every_certificate_and_verifies_it_without_a_hub(
    destroyed: Destroyed, department: str, clause: str
) -> None:
    hub = destroyed(department)
    handed = hub.proofs.handover.document(ACTOR)
    assert verified(handed.body) == handed.certificates == len(hub.retention.certificates.list()) >= 2
    told = json.loads(handed.body)
    assert (told["for"], told["for_clause"], told["follows"]) == ("Custodian of Records", clause, None)
    assert sum(one["certified"]["reads"] for one in told["certificates"]) == 3
    assert all(one["certified"]["clause"] for one in told["certificates"] if one["certified"]["reads"])
    assert {one["certified"]["connection"] for one in told["certificates"]} == {"Straße"}
    assert PLATE not in handed.body.decode()
    (event,) = [one for one in hub.audit.events(500) if one["action"] == "certificates.export"]
    assert (event["results"], event["detail"]["sha256"]) == (handed.certificates, sha256(handed.body).hexdigest())
    last = hub.retention.certificates.countersign(Actor("custodian"), handed.last_id, "Custodian of Records")
    again = json.loads(hub.proofs.handover.document(ACTOR).body)
    assert again["certificates"][-1]["countersigned"]["custodian"] == last["custodian"] == "custodian"
    assert again["certificates"][-1]["countersigned"]["note"] == "Custodian of Records"
    assert again["certificates"][-1]["digest"] == told["certificates"][-1]["digest"]


def test_a_document_says_by_whose_authority_was_destroyed(destroyed: Destroyed) -> None:
    told = json.loads(destroyed("westminster").proofs.handover.document(ACTOR).body)
    (authority,) = told["authorities"]
    assert (authority["profile"], authority["activated_by"]) == ("westminster", Actor.of_process().name)
    assert "first start" in authority["reason"]
    (signed,) = json.loads(authority["decisions"])
    assert (signed["settles"], signed["decided_by"]) == ("wm-d1", "R. Chief")
    assert (signed["why"], signed["counsel"]) == (
        "resolution 26-17 of the council", "opinion 26-4 of the city attorney"
    )  # fmt: skip


def test_where_a_court_ordered_it_the_document_names_the_order_and_the_digest_of_its_file(
    settings: HubSettings, clock: SetClock, plain_vendor: None, tmp_path: Path
) -> None:
    with manuals.under(settings, clock, "hayward") as hub:
        hub.connections.accounts.add(ACTOR, "feed", "plain", {"folder": str(tmp_path)})
        write_page(tmp_path, 1, [record(1, PLATE, clock.now().isoformat())])
        hub.ingest.sync.run(ACTOR, "feed")
        with hub.store.read() as connection:
            ident = int(connection.scalar(text("SELECT id FROM reads")) or 0)
        order = NewOrder("24-CV-0007", "Superior Court of Example", f"{PLATE} in error", b"SO ORDERED")
        two.destroy(hub, ACTOR, order, reads=[ident])
        body = hub.proofs.handover.document(ACTOR).body
    assert verified(body) == 1
    told = json.loads(body)
    (named,) = told["orders"]
    assert (named["rule"], named["number"]) == (told["certificates"][0]["certified"]["rule"], "24-CV-0007")
    assert named["court"] == "Superior Court of Example"
    assert (named["proposed_by"], named["approved_by"]) == (ACTOR.name, "second")
    assert named["sha256"] == sha256(b"SO ORDERED").hexdigest()
    assert PLATE not in body.decode()


def test_a_document_that_was_changed_does_not_verify(destroyed: Destroyed) -> None:
    body = destroyed("hermosa-beach").proofs.handover.document(ACTOR).body
    for name in ("reads", "clause", "connection", "captured_last", "rows_digest", "closed_at"):
        told = json.loads(body)
        told["certificates"][0]["certified"][name] = 77
        with pytest.raises(AssertionError):
            verified(json.dumps(told).encode())
    told = json.loads(body)
    del told["certificates"][0]
    with pytest.raises(AssertionError):
        verified(json.dumps(told).encode())


def test_what_was_handed_over_before_is_left_out_and_the_chain_goes_on(destroyed: Destroyed) -> None:
    hub = destroyed("hermosa-beach")
    whole = json.loads(hub.proofs.handover.document(ACTOR).body)
    rest = hub.proofs.handover.document(ACTOR, since_id=whole["certificates"][0]["certified"]["id"])
    assert verified(rest.body) == len(whole["certificates"]) - 1
    assert json.loads(rest.body)["follows"] == whole["certificates"][0]["digest"]
    with pytest.raises(NotFound):
        hub.proofs.handover.document(ACTOR, since_id=rest.last_id)
    with pytest.raises(Invalid, match="since_id"):
        hub.proofs.handover.document(ACTOR, since_id=-1)


def test_a_broken_chain_is_not_handed_over(destroyed: Destroyed) -> None:
    hub = destroyed("hermosa-beach")
    with hub.store.write() as connection:
        connection.execute(text("UPDATE certificates SET reads = reads - 1 WHERE id = 2"))
    with pytest.raises(IntegrityBroken, match="certificate 2"):
        hub.proofs.handover.document(ACTOR, since_id=2)


def test_a_certificate_waits_for_its_custodian_and_is_overdue_after_thirty_days(
    destroyed: Destroyed, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    hub = destroyed("hermosa-beach")
    (first, *others) = hub.proofs.handover.waiting()
    assert (first.overdue, first.days, hub.proofs.handover.overdue()) == (True, 31, 1)
    assert not any(one.overdue for one in others)
    told = [line for line in caplog.records if line.name == "alprhub.retention"]  # a slow disk may be told beside it
    assert [(line.levelno, getattr(line, "overdue", None)) for line in told] == [(logging.WARNING, 1)]
    hub.retention.certificates.countersign(Actor("custodian"), first.id)
    assert (hub.proofs.handover.waiting(), hub.proofs.handover.overdue()) == (others, 0)
    clock.advance(30 * DAY)
    assert (hub.proofs.handover.overdue(), all(one.overdue for one in hub.proofs.handover.waiting())) == (
        len(others),
        True,
    )
