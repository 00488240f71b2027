"""Canaries: whether a vendor has purged is asked of the vendor, on record, and nothing of the answer is kept."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from plain import PlainConnector, record, write_page
from registries import Having
from sqlalchemy import text

from connectors.contract import Document, Lookup, Page
from connectors.errors import AdminMustFix, TryAgain
from hub.clock import SetClock
from hub.errors import Conflict, Invalid, NotFound
from hub.people import Actor
from hub.policy.profile import load
from hub.proofs.canary import Canaries
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

ACTOR = Actor("auditor")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
GONE = NOW - timedelta(days=30)
"""What was captured up to here must be gone at Flock."""
OURS, REASON = "9SYN500", "patrol car 12 of ours"


class Asked(PlainConnector):
    """A Flock that answers for one plate, from the folder."""

    asked: list[Lookup]

    def lookup(self, query: Lookup) -> Iterator[Page]:
        Asked.asked.append(query)
        for file in sorted(self.settings.folder.glob("page-*.json")):
            if file.name.endswith(".broken.json"):
                raise TryAgain(f"no room for {query.plate}")
            yield Page(list(self.unpack(Document(file.read_bytes()))), None)


@pytest.fixture
def springs(settings: HubSettings, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub under Palm Springs' manual with a Flock that may be asked, and one that may not."""
    registry = Having(asked=Asked, plain=PlainConnector)
    monkeypatch.setattr(Asked, "asked", [], raising=False)
    with open_hub(
        settings.model_copy(update={"profile": "palm-springs", "decisions": None}), clock, registry=registry
    ) as hub:
        for name, key in (("flock", "asked"), ("mute", "plain")):
            (tmp_path / name).mkdir()
            hub.connections.accounts.add(ACTOR, name, key, {"folder": str(tmp_path / name)})
        yield hub


def vendor_has(tmp_path: Path, *times: datetime, plate: str = OURS) -> None:
    write_page(tmp_path / "flock", 1, [record(n, plate, at.isoformat()) for n, at in enumerate(times)])


def events(hub: Hub) -> list[dict[str, Any]]:
    actions = ("canaries.probe", "retention.breach")
    return [event for event in reversed(hub.audit.events()) if event["action"] in actions]


@pytest.mark.clause("palm-springs 430.8 ¶2 s2")
def test_what_the_vendor_should_have_purged_and_still_has_is_a_breach(
    springs: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    springs.proofs.canaries.add(ACTOR, "flock", OURS, REASON)
    vendor_has(tmp_path, GONE - timedelta(days=3), GONE, GONE + timedelta(microseconds=1))
    with caplog.at_level(logging.ERROR, "alprhub.retention"):
        (probe,) = springs.proofs.canaries.probe(ACTOR)
    assert (probe.outcome, probe.reads, probe.oldest) == ("found", 2, GONE - timedelta(days=3))
    assert (probe.rule, probe.clause, probe.before) == ("ps-flock-vendor", "430.8 ¶2", GONE)
    (told,) = caplog.messages
    assert "flock still has 2 reads" in told
    assert OURS not in told
    asked, found, breach = events(springs)
    assert [one["outcome"] for one in (asked, found, breach)] == ["asked", "found", "found"]
    assert (breach["action"], breach["target"], breach["results"]) == ("retention.breach", "flock", 2)
    (canary,) = springs.proofs.canaries.known(ACTOR)
    assert (canary.probed_at, canary.outcome, canary.oldest_found_at) == (NOW, "found", GONE - timedelta(days=3))


@pytest.mark.clause("palm-springs 430.8 ¶2 s2")
def test_what_is_not_found_is_recorded_and_no_breach(springs: Hub, tmp_path: Path) -> None:
    springs.proofs.canaries.add(ACTOR, "flock", OURS, REASON)
    vendor_has(tmp_path, NOW - timedelta(days=29), NOW)
    (probe,) = springs.proofs.canaries.probe(ACTOR)
    assert (probe.outcome, probe.reads) == ("not_found", 0)
    assert [one["outcome"] for one in events(springs)] == ["asked", "not_found"]
    (canary,) = springs.proofs.canaries.known(ACTOR)
    assert (canary.probed_at, canary.outcome) == (NOW, "not_found")


def test_a_vendor_is_asked_behind_its_ceiling_with_the_reason_and_on_record_before(
    springs: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    springs.proofs.canaries.add(ACTOR, "flock", "9syn-500", f" {REASON} ", "US-CA")
    springs.proofs.canaries.probe(ACTOR)
    (asked,) = Asked.asked
    assert asked == Lookup(OURS, GONE - timedelta(days=30), GONE, REASON, "US-CA")
    event = events(springs)[0]
    assert (event["outcome"], event["purpose"], event["reason"]) == ("asked", "retention_audit", REASON)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(springs.audit, "record", full)
    with pytest.raises(OSError, match="no space"):
        springs.proofs.canaries.probe(ACTOR)
    assert len(Asked.asked) == 1


def test_nothing_of_an_answer_is_kept(springs: Hub, tmp_path: Path) -> None:
    springs.proofs.canaries.add(ACTOR, "flock", OURS, REASON)
    write_page(tmp_path / "flock", 1, [{"id": "bad"}, record(1, OURS, GONE.isoformat(), picture="PICTURE")])
    springs.proofs.canaries.probe(ACTOR)
    with springs.store.read() as connection:
        for table in ("reads", "payloads", "plates", "images", "quarantine", "days"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table
    assert list(springs.ingest.images.stored()) == []


def test_another_plate_is_no_breach_and_records_that_nobody_can_read_are_not_called_none(
    springs: Hub, tmp_path: Path
) -> None:
    springs.proofs.canaries.add(ACTOR, "flock", OURS, REASON)
    vendor_has(tmp_path, GONE, plate="9SYN501")
    assert springs.proofs.canaries.probe(ACTOR)[0].outcome == "not_found"
    (tmp_path / "flock" / "page-001.json").write_bytes(msgspec.json.encode([{"id": "bad"}]))
    assert springs.proofs.canaries.probe(ACTOR)[0].outcome == "unclear"


def test_a_vendor_that_fails_or_is_paused_is_told_and_hides_no_other(
    springs: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    springs.connections.accounts.add(ACTOR, "second", "asked", {"folder": str(folder)})
    for name in ("flock", "second"):
        springs.proofs.canaries.add(ACTOR, name, OURS, REASON)
    write_page(tmp_path / "flock", 1, [], suffix=".broken")
    failed, fine = springs.proofs.canaries.probe(ACTOR)
    assert (failed.outcome, fine.outcome) == ("failed", "not_found")
    assert failed.error == "no room for 9SYN500"

    def refuse(*_: object) -> None:
        raise AdminMustFix("the key is over")

    monkeypatch.setattr(Asked, "lookup", refuse)
    springs.proofs.canaries.probe(ACTOR)
    assert {one.outcome for one in springs.proofs.canaries.probe(ACTOR)} == {"not_asked"}
    assert {one.state for one in springs.connections.accounts.list()} == {"active", "paused"}


def test_where_no_rule_ends_the_vendors_copy_nobody_is_asked(springs: Hub) -> None:
    springs.proofs.canaries.add(ACTOR, "flock", OURS, REASON)
    known = springs.connections.accounts
    silent = Canaries(
        springs.store,
        springs.audit,
        springs.clock,
        SimpleNamespace(profile=lambda: load("westminster")),
        known,
    )
    (probe,) = silent.probe(ACTOR)
    assert (probe.outcome, Asked.asked) == ("not_asked", [])
    assert "may be kept at most" in (probe.error or "")


def test_a_canary_that_cannot_be_is_refused_by_field(springs: Hub) -> None:
    for connection, plate, reason, field in (
        ("mute", OURS, REASON, "connection"),
        ("flock", "--", REASON, "plate"),
        ("flock", OURS, " x ", "reason"),
        ("flock", OURS, "....", "reason"),
        ("flock", OURS, "\u3164" * 4, "reason"),
        ("flock", OURS, "T.E.S.T.", "reason"),
        ("flock", OURS, "a patrol\ncar", "reason"),
    ):
        with pytest.raises(Invalid, match=f"^{field}: "):
            springs.proofs.canaries.add(ACTOR, connection, plate, reason)
    with pytest.raises(NotFound):
        springs.proofs.canaries.add(ACTOR, "nobody", OURS, REASON)
    springs.proofs.canaries.add(ACTOR, "flock", OURS, REASON)
    with pytest.raises(Conflict, match="flock is asked about it already"):
        springs.proofs.canaries.add(ACTOR, "flock", "9syn500", REASON)


def test_a_canary_that_is_removed_is_probed_no_more_and_what_it_found_stays_on_record(
    springs: Hub, tmp_path: Path
) -> None:
    made = springs.proofs.canaries.add(ACTOR, "flock", OURS, REASON)
    vendor_has(tmp_path, GONE)
    springs.proofs.canaries.probe(ACTOR)
    with pytest.raises(Invalid, match=r"^reason: "):
        springs.proofs.canaries.remove(ACTOR, made.id, " x ")
    gone = springs.proofs.canaries.remove(ACTOR, made.id, "the car is sold")
    assert (gone.id, gone.outcome, springs.proofs.canaries.known(ACTOR), springs.proofs.canaries.probe(ACTOR)) == (
        made.id, "found", [], []
    )  # fmt: skip
    assert [one["action"] for one in events(springs)][-1] == "retention.breach"
    (event,) = [one for one in springs.audit.events() if one["action"] == "canaries.remove"]
    assert (event["target"], event["detail"]["reason"]) == ("flock", "the car is sold")
    with pytest.raises(NotFound, match="canary"):
        springs.proofs.canaries.remove(ACTOR, made.id, "the car is sold")
    springs.proofs.canaries.add(ACTOR, "flock", OURS, REASON)
