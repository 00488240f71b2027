"""The purge: each destroyed row in one certificate, none before its floor, none that is held, at whatever kill."""

from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from plain import record, write_page
from sqlalchemy import text

from hub.clock import SetClock
from hub.errors import Conflict, IntegrityBroken, NotFound, PolicyRefused
from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.policy.resolution import Bound
from hub.retention.certificates import close, digest_of
from hub.store.instant import to_micros
from hub.wiring import Hub

CAPTURED = datetime.fromisoformat("2026-06-01T11:00:00Z")
LIFE = timedelta(days=30)


def counts(hub: Hub) -> dict[str, int]:
    """The one day's counts."""
    with hub.store.read() as connection:
        row = connection.execute(text("SELECT * FROM days")).mappings().one()
        return {name: row[name] for name in row if name not in ("connection_id", "day")}


@pytest.fixture
def three(opened: Hub, actor: Actor, feed: Path) -> Path:
    """Three reads, one with a picture and a hit, and one record that is no read."""
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("7ZZZ001", "stolen", "26-1", "US-CA")])
    write_page(feed, 1, [
        record(1, "7ZZZ001", CAPTURED.isoformat(), picture="PICTURE-BYTES"),
        record(2, "7ZZZ002", (CAPTURED + timedelta(minutes=1)).isoformat()),
        record(3, "7ZZZ003", (CAPTURED + timedelta(minutes=2)).isoformat()),
        {"plate": "7ZZZ004"},
    ])  # fmt: skip
    opened.ingest.sync.run(actor, "feed")
    return feed


def test_a_days_records_are_counted_as_they_come_and_as_they_go(
    opened: Hub, actor: Actor, clock: SetClock, three: Path
) -> None:
    came = {"pulled": 4, "stored": 3, "duplicates": 0, "quarantined": 1, "born_expired": 0}
    assert counts(opened) == {**came, "purged": 0}
    opened.ingest.sync.run(actor, "feed", CAPTURED - timedelta(days=1))
    came = {"pulled": 8, "stored": 3, "duplicates": 3, "quarantined": 2, "born_expired": 0}
    assert counts(opened) == {**came, "purged": 0}
    clock.advance(LIFE)
    opened.retention.expired.purge(actor)
    assert counts(opened) == {**came, "purged": 3}


def test_a_replay_takes_from_the_quarantined_of_the_day_what_it_settles(
    opened: Hub, actor: Actor, three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.ingest.quarantine.replay(actor, "feed")
    assert (counts(opened)["pulled"], counts(opened)["quarantined"]) == (4, 1)


def test_every_destroyed_row_is_in_one_certificate_of_its_connection_and_rule(
    opened: Hub, actor: Actor, clock: SetClock, three: Path
) -> None:
    clock.advance(LIFE)
    assert opened.retention.expired.purge(actor) == {"feed": 3}
    refused, reads = opened.retention.certificates.list()
    assert {name: reads[name] for name in ("connection", "reads", "payloads", "pictures", "hits", "quarantined")} == {
        "connection": "feed", "reads": 3, "payloads": 3, "pictures": 1, "hits": 1, "quarantined": 0,
    }  # fmt: skip
    assert (reads["captured_first"], reads["captured_last"]) == (CAPTURED, CAPTURED + timedelta(minutes=2))
    assert reads["clause"]
    assert (refused["rule"], refused["reads"], refused["quarantined"]) == ("quarantine", 0, 1)
    assert (reads["previous"], refused["previous"]) == (None, reads["digest"])
    assert opened.retention.certificates.verify() == 2
    opened.retention.expired.purge(actor)
    assert opened.retention.certificates.verify() == 2  # nothing destroyed, nothing certified


def test_no_plate_is_in_a_certificate(opened: Hub, actor: Actor, clock: SetClock, three: Path) -> None:
    clock.advance(LIFE)
    opened.retention.expired.purge(actor)
    assert "7ZZZ" not in repr(opened.retention.certificates.list())


@pytest.mark.parametrize(
    "change", ["reads = reads - 1", "clause = 'another'", "previous = 'x'", "rows_digest = ''", "closed_at = 1"]
)
def test_a_certificate_that_was_changed_is_found(
    opened: Hub, actor: Actor, clock: SetClock, three: Path, change: str
) -> None:
    clock.advance(LIFE)
    opened.retention.expired.purge(actor)
    with opened.store.write() as connection:
        connection.execute(text(f"UPDATE certificates SET {change} WHERE id = 1"))
    with pytest.raises(IntegrityBroken, match="certificate 1"):
        opened.retention.certificates.verify()


def test_a_certificate_that_was_taken_out_of_the_chain_is_found(
    opened: Hub, actor: Actor, clock: SetClock, three: Path
) -> None:
    clock.advance(LIFE)
    opened.retention.expired.purge(actor)
    with opened.store.write() as connection:
        connection.execute(text("DELETE FROM certificates WHERE id = 1"))
    with pytest.raises(IntegrityBroken, match="certificate 2 does not follow"):
        opened.retention.certificates.verify()


def test_the_custodian_countersigns_once(opened: Hub, actor: Actor, clock: SetClock, three: Path) -> None:
    clock.advance(LIFE)
    opened.retention.expired.purge(actor)
    custodian = Actor("custodian")
    with pytest.raises(NotFound):
        opened.retention.certificates.countersign(custodian, 99)
    signed = opened.retention.certificates.countersign(custodian, 1, "Custodian of Records")
    assert (signed["custodian"], signed["countersigned_note"]) == ("custodian", "Custodian of Records")
    assert signed["countersigned_at"] == clock.now()
    assert opened.retention.certificates.verify() == 2
    with pytest.raises(Conflict):
        opened.retention.certificates.countersign(custodian, 1)
    assert opened.audit.events(1)[0]["action"] == "certificates.countersign"


def test_who_ran_a_purge_by_hand_does_not_confirm_it_nor_does_a_service_and_the_attempt_is_on_record(
    opened: Hub, actor: Actor, three: Path, clock: SetClock
) -> None:
    clock.advance(LIFE)
    opened.retention.expired.purge(actor)
    for who, why in ((Actor(" TESTER"), "ran the purge by hand"), (Actor.service("jobs"), "only a person")):
        with pytest.raises(PolicyRefused, match=why):
            opened.retention.certificates.countersign(who, 1)
        event = opened.audit.events(1)[0]
        assert (event["action"], event["outcome"]) == ("certificates.countersign", "refused")
    assert opened.retention.certificates.list()[0]["countersigned_at"] is None


def test_what_the_schedule_purged_anybody_may_confirm_who_is_the_custodian(
    opened: Hub, actor: Actor, three: Path, clock: SetClock
) -> None:
    clock.advance(LIFE)
    opened.retention.expired.purge(Actor.service("jobs"))
    assert opened.retention.certificates.countersign(actor, 1)["destroyed_by"] == []


def test_what_is_held_stays_until_it_is_released(opened: Hub, actor: Actor, clock: SetClock, three: Path) -> None:
    def hold(held: bool) -> None:
        with opened.store.write() as connection:
            connection.execute(
                text("UPDATE reads SET held = :held WHERE vendor_read_id = :id"), {"held": held, "id": "r2"}
            )

    with opened.store.read() as connection:
        assert "r2" in connection.scalars(text("SELECT vendor_read_id FROM reads")).all()
    hold(True)
    clock.advance(LIFE)
    assert opened.retention.expired.purge(actor) == {"feed": 2}
    assert opened.retention.expired.purge(actor) == {"feed": 0}
    hold(False)
    assert opened.retention.expired.purge(actor) == {"feed": 1}


def test_nobody_deletes_before_the_floor_whatever_the_expiry_says(
    opened: Hub, actor: Actor, clock: SetClock, three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Floors:
        floors = ("a rule",)

    floor = CAPTURED + timedelta(days=2, minutes=1)
    monkeypatch.setattr(opened.governing.profile, "chosen", lambda *_: Floors)
    monkeypatch.setattr(opened.governing.profile, "floor", lambda *_: Bound(floor, "a rule", "a clause", "agency"))
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET expires_at = :now"), {"now": to_micros(clock.now())})
    assert opened.retention.expired.purge(actor) == {"feed": 0}
    assert opened.audit.events(1)[0]["detail"]["floored"] == 3
    clock.advance(floor - clock.now())
    assert opened.retention.expired.purge(actor) == {"feed": 3}


def test_a_replay_does_not_raise_the_dead(opened: Hub, actor: Actor, clock: SetClock, three: Path) -> None:
    clock.advance(LIFE)
    opened.retention.expired.purge(actor)
    saved = opened.ingest.sync.run(actor, "feed", CAPTURED - timedelta(days=1))
    assert (saved.stored, saved.born_expired) == (0, 3)
    opened.ingest.quarantine.replay(actor, "feed")
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM reads")) == 0


def test_a_picture_goes_after_its_row_and_is_remembered_until_it_is_gone(
    opened: Hub, actor: Actor, clock: SetClock, three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: str) -> None:
        raise OSError("the bucket does not answer")

    clock.advance(LIFE)
    with monkeypatch.context() as broken:
        broken.setattr(opened.ingest.images, "delete", fails)
        with pytest.raises(OSError, match="bucket"):
            opened.retention.expired.purge(actor)
    assert len(list(opened.ingest.images.stored())) == 1
    assert opened.retention.certificates.list()[0]["closed_at"] is None
    opened.retention.expired.purge(actor)
    assert list(opened.ingest.images.stored()) == []
    assert sum(one["pictures"] for one in opened.retention.certificates.list()) == 1
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM images")) == 0


def test_closing_where_nothing_is_open_says_so(opened: Hub) -> None:
    with opened.store.write() as connection:
        assert close(connection, 1, "vacuum") == []


def test_what_two_connections_lose_in_one_turn_is_certified_each_by_itself(
    opened: Hub, actor: Actor, clock: SetClock, three: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    opened.connections.accounts.add(actor, "other", "plain", {"folder": str(other)})
    later = CAPTURED + timedelta(minutes=5)
    write_page(other, 1, [
        record(1, "7ZZZ001", later.isoformat(), picture="OTHER-PICTURE"),
        record(9, "7ZZZ009", (later + timedelta(minutes=1)).isoformat(), picture="ANOTHER-PICTURE"),
    ])  # fmt: skip
    opened.ingest.sync.run(actor, "other")
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET rule = 'of-its-own' WHERE vendor_read_id = 'r3'"))
    clock.advance(LIFE + timedelta(hours=1))
    assert opened.retention.expired.purge(actor) == {"feed": 3, "other": 2}
    names = ("reads", "payloads", "pictures", "hits", "captured_first", "captured_last", "rows_digest")
    kept = {
        (one["connection"], one["rule"]): tuple(one[name] for name in names)
        for one in opened.retention.certificates.list()
        if one["reads"]
    }
    feed, own, second = (kept[key] for key in sorted(kept, key=lambda key: (key[0], key[1] == "of-its-own")))
    minute = timedelta(minutes=1)
    assert feed == (2, 2, 1, 1, CAPTURED, CAPTURED + minute, _chained("r1", "r2"))
    assert own == (1, 1, 0, 0, CAPTURED + 2 * minute, CAPTURED + 2 * minute, _chained("r3"))
    assert second == (2, 2, 2, 1, later, later + minute, _chained("r1", "r9"))
    with opened.store.read() as connection:
        query = "SELECT c.name, sum(d.purged) FROM days d JOIN connections c ON c.id = d.connection_id GROUP BY c.name"
        assert dict(connection.execute(text(query)).tuples().all()) == {"feed": 3, "other": 2}
        assert connection.scalar(text("SELECT count(*) FROM ledger")) == 0
    assert opened.retention.certificates.verify() == 3 + 1  # and the refused record's


def _chained(*names: str) -> str:
    return sha256(f"{digest_of(names)}".encode()).hexdigest()
