"""What is in force, what another policy would do, and every kept read's new end after it."""

import random
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import two
import yaml
from plain import record, write_page
from registries import PLAIN
from sqlalchemy import text

from hub.cases.orders import NewOrder
from hub.clock import SetClock
from hub.errors import Conflict, Invalid, NotFound, PolicyConflict
from hub.governing.in_force import Governing
from hub.governing.lives import Lives
from hub.people import Actor
from hub.policy.contract import SourceContract, Term
from hub.policy.decisions import Decision
from hub.policy.document import FOLDER
from hub.policy.profile import load
from hub.policy.provenance import Provenance
from hub.settings import HubSettings
from hub.store.instant import from_micros, to_micros
from hub.wiring import Hub, open_hub

CAPTURED = datetime.fromisoformat("2026-06-01T11:00:00Z")


SIGNED = Decision(
    settles="lengthening", answer="what is kept too", decided_by="A. Chief", title="Chief", decided_at=CAPTURED,
    why="the council has decided it",
)  # fmt: skip
NOTHING = {"changed": 0, "shortened": 0, "lengthened": 0, "kept_short": 0}


def profile_with(tmp_path: Path, ceiling: str) -> str:
    """A file with the hub's default policy, whose rules all end after the same period and are left to no schedule."""
    data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text())
    for rule in data["retention"]["rules"]:
        rule["schedule_ref_required"] = False
        if rule["max"] is not None:
            rule["max"] = {"dur": ceiling, "clock": "captured_at"}
    file = tmp_path / f"{ceiling}.yaml"
    file.write_text(yaml.safe_dump(data))
    return str(file)


@pytest.fixture
def aged(opened: Hub, actor: Actor, feed: Path) -> Path:
    """Reads of the last ten days, one an hour."""
    write_page(feed, 1, [
        record(n, f"7ZZZ{n:03}", (CAPTURED - timedelta(hours=n)).isoformat(), candidates=[[f"8ZZZ{n:03}", 0.4]])
        for n in range(240)
    ])  # fmt: skip
    opened.ingest.sync.run(actor, "feed", CAPTURED - timedelta(days=11))
    return feed


def ends(hub: Hub) -> dict[str, tuple[datetime, datetime]]:
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT vendor_read_id, captured_at, expires_at FROM reads")).tuples()
        return {ident: (from_micros(captured), from_micros(expires)) for ident, captured, expires in rows}


def test_the_first_start_puts_the_settings_profile_in_force_and_the_audit_says_so(
    settings: HubSettings, clock: SetClock
) -> None:
    for _ in range(2):
        with open_hub(settings, clock, registry=PLAIN) as hub, hub.store.read() as connection:
            (row,) = connection.execute(text("SELECT profile, activated_at FROM policies")).all()
            assert (row.profile, row.activated_at) == ("hermosa-beach", to_micros(clock.now()))
            (event,) = [one for one in hub.audit.events() if one["action"] == "policy.activate"]
            assert event["outcome"] == "automatic"


@pytest.mark.clause("hermosa-beach 429.9", "hayward 429.10", lacks="the dates and the issuer of a manual's revisions")
def test_every_event_carries_the_policy_in_force(opened: Hub, actor: Actor, tmp_path: Path) -> None:
    opened.audit.record(actor, "a.thing", "done")
    before = opened.audit.events(1)[0]["policy_id"]
    ident = two.activate(opened, actor, profile_with(tmp_path, "P5D"), "a shorter schedule")
    opened.audit.record(actor, "a.thing", "done")
    assert (before, opened.audit.events(1)[0]["policy_id"]) == (1, ident)


def test_a_policy_is_kept_as_it_was_put_in_force_whatever_its_file_says_later(
    opened: Hub, settings: HubSettings, clock: SetClock, actor: Actor, tmp_path: Path
) -> None:
    name = profile_with(tmp_path, "P5D")
    ident = two.activate(opened, actor, name, "a shorter schedule")
    Path(name).write_text("nothing")
    with open_hub(settings, clock, registry=PLAIN) as hub:
        assert hub.governing.profile.expiry("own", "flock", None, CAPTURED).at == CAPTURED + timedelta(days=5)
        assert Governing(hub.store).of(ident).name == name


def test_what_cannot_be_put_in_force_is_refused(opened: Hub, actor: Actor, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="in force already"):
        opened.governing.activate.activate(actor, "hermosa-beach", "again", opened.governing.profile.decisions)
    with pytest.raises(Invalid, match="reason"):
        two.activate(opened, actor, profile_with(tmp_path, "P5D"), " ")
    with pytest.raises(NotFound):
        two.activate(opened, actor, "nowhere", "a reason")
    with pytest.raises(NotFound):
        Governing(opened.store).of(99)


def test_two_rules_that_cannot_both_be_kept_refuse_it(opened: Hub, actor: Actor, tmp_path: Path) -> None:
    data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text())
    rule = next(one for one in data["retention"]["rules"] if one["max"] is not None)
    data["retention"]["rules"].append(
        {**deepcopy(rule), "id": "hb-longer", "min": {"dur": "P9Y", "clock": "captured_at"}, "max": None}
    )
    file = tmp_path / "conflict.yaml"
    file.write_text(yaml.safe_dump(data))
    with pytest.raises(PolicyConflict, match="longer"):
        opened.governing.activate.preview(str(file))
    with pytest.raises(PolicyConflict, match="longer"):
        two.activate(opened, actor, str(file), "a reason")
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM policies")) == 1


def test_a_preview_says_what_would_change_and_changes_nothing(
    opened: Hub, aged: Path, clock: SetClock, tmp_path: Path
) -> None:
    before = ends(opened)
    (change,) = opened.governing.activate.preview(profile_with(tmp_path, "P5D"))
    over = sum(captured + timedelta(days=5) <= clock.now() for captured, _ in before.values())
    assert (change.connection, change.reads, change.shorter, change.longer) == ("feed", 240, 240, 0)
    assert change.end_now == over > 0
    for signed, told in (((), (0, 0, 240, 0)), ((SIGNED,), (0, 240, 0, 0))):
        (longer,) = opened.governing.activate.preview(profile_with(tmp_path, "P60D"), signed)
        assert (longer.shorter, longer.longer, longer.kept_short, longer.end_now) == told
    assert ends(opened) == before


@pytest.mark.parametrize(
    ("ceiling", "signed", "days"), [("P5D", (), 5), ("P5D", (SIGNED,), 5), ("P60D", (SIGNED,), 60), ("P60D", (), 30)]
)
def test_every_kept_read_gets_its_new_end_and_a_later_one_only_where_that_is_signed(
    opened: Hub, aged: Path, actor: Actor, tmp_path: Path, ceiling: str, signed: tuple[Decision, ...], days: int
) -> None:
    (change,) = opened.governing.activate.preview(profile_with(tmp_path, ceiling), signed)
    two.activate(opened, actor, profile_with(tmp_path, ceiling), "a new schedule", signed)
    told = opened.retention.recompute.run(actor)
    assert told == {
        "changed": 240 if days != 30 else 0, "shortened": change.shorter, "lengthened": change.longer,
        "kept_short": change.kept_short,
    }  # fmt: skip
    now = opened.clock.now()
    assert all(
        end == (until if (until := captured + timedelta(days=days)) > now else now)
        for captured, end in ends(opened).values()
    ), "none ends in the past"
    with opened.store.read() as connection:
        sql = "SELECT count(*) FROM candidates c JOIN reads r ON r.id = c.read_id WHERE c.expires_at = r.expires_at"
        assert connection.scalar(text(sql)) == 240
    assert opened.retention.recompute.run(actor) == NOTHING
    assert opened.audit.events(1)[0]["detail"]["kept_short"] == change.kept_short


def test_what_was_collected_under_a_shorter_promise_keeps_it_whatever_policies_follow(
    opened: Hub, aged: Path, actor: Actor, feed: Path, tmp_path: Path, clock: SetClock
) -> None:
    """Linked or not: a link is no signature."""
    for ceiling in ("P60D", "P90D"):
        clock.advance(timedelta(minutes=1))
        two.activate(opened, actor, profile_with(tmp_path, ceiling), "a longer schedule")
        opened.retention.recompute.run(actor)
    with opened.store.read() as connection:
        some = list(connection.scalars(text("SELECT id FROM reads ORDER BY id LIMIT 3")))
    assert opened.cases.links.link(actor, some, "26-1").changed == 0
    write_page(feed, 2, [record(900, "7ZZZ900", clock.now().isoformat())])
    opened.ingest.sync.run(actor, "feed")
    kept = ends(opened)
    captured, end = kept.pop("r900")
    assert end == captured + timedelta(days=90)
    assert all(end == captured + timedelta(days=30) for captured, end in kept.values())


def test_a_refused_record_gets_a_later_end_only_where_that_is_signed(
    opened: Hub, actor: Actor, feed: Path, tmp_path: Path, clock: SetClock
) -> None:
    write_page(feed, 1, [{"plate": "7ZZZ001"}])
    opened.ingest.sync.run(actor, "feed")
    for ceiling, signed, days in (("P60D", (), 30), ("P61D", (SIGNED,), 61), ("P5D", (), 5)):
        two.activate(opened, actor, profile_with(tmp_path, ceiling), "another schedule", signed)
        opened.retention.recompute.run(actor)
        with opened.store.read() as connection:
            end = connection.execute(text("SELECT expires_at FROM quarantine")).scalar_one()
        assert from_micros(end) == clock.now() + timedelta(days=days)


def test_what_is_over_stays_over(opened: Hub, aged: Path, actor: Actor, clock: SetClock, tmp_path: Path) -> None:
    clock.advance(timedelta(days=25))
    over = {ident for ident, (_, end) in ends(opened).items() if end <= clock.now()}
    assert over
    two.activate(opened, actor, profile_with(tmp_path, "P60D"), "a longer schedule", [SIGNED])
    opened.retention.recompute.run(actor)
    assert {ident for ident, (_, end) in ends(opened).items() if end <= clock.now()} == over


def test_what_a_purge_removes_after_a_shorter_policy_is_what_the_preview_said(
    opened: Hub, aged: Path, actor: Actor, tmp_path: Path
) -> None:
    (change,) = opened.governing.activate.preview(profile_with(tmp_path, "P5D"))
    two.activate(opened, actor, profile_with(tmp_path, "P5D"), "a shorter schedule")
    opened.retention.recompute.run(actor)
    assert opened.retention.expired.preview() == [{"connection": "feed", "rule": change.rule, "reads": change.end_now}]
    assert opened.retention.expired.purge(actor) == {"feed": change.end_now}


@pytest.mark.parametrize("name", ["hermosa-beach", "palm-springs"])
@pytest.mark.parametrize("linked", [False, True])
def test_many_ends_at_once_are_those_of_each_read_alone(name: str, linked: bool) -> None:
    profile, chance = load(name), random.Random(7)
    week = Term(dur="P7D", clock="received_at", ref="section 4")
    city = SourceContract(connection="city", vendor="motorola", ceiling=week)
    kinds = {
        1: Provenance("own", "flock"),
        2: Provenance("commercial", "somebody"),
        3: Provenance("native_reader", "native"),
        4: Provenance("own", "motorola"),
        5: Provenance("own", "motorola", city),
    }
    lives = Lives(profile, kinds)
    begin = datetime.fromisoformat("2023-10-01T00:00:00Z")
    for _ in range(4000):
        captured = begin + timedelta(seconds=chance.uniform(0, 2 * 365 * 86_400))
        received = captured + timedelta(seconds=chance.uniform(0, 40 * 86_400))
        connection = chance.randint(1, 5)
        expected = profile.expiry(*kinds[connection], captured, received_at=received, linked=linked)
        found = lives.end(connection, to_micros(captured), to_micros(received), linked)
        assert found == (to_micros(expected.at), expected.rule)


def test_what_a_court_order_ends_while_the_ends_are_found_stays_ended(
    opened: Hub, actor: Actor, aged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BATCH", "MOST"):
        monkeypatch.setattr(f"hub.retention.recompute.{name}", 100)
    two.activate(opened, actor, profile_with(tmp_path, "P20D"), "a shorter schedule")
    with opened.store.read() as connection:
        named = list(connection.scalars(text("SELECT id FROM reads ORDER BY id LIMIT 1 OFFSET 150")))
    give, order = opened.retention.recompute._give, NewOrder("24-CV-7", "Superior Court", "taken in error", b"ORDERED")
    begun, ordered = list[int](), list[Any]()

    def after_an_order(ident: int, some: Any, turn: int, begins: Any) -> None:
        if some.first < named[0] <= some.last and not ordered:
            ordered.append(two.destroy(opened, actor, order, reads=named))
        if turn == 0:
            begun.append(some.first)
        give(ident, some, turn, begins)

    monkeypatch.setattr(opened.retention.recompute, "_give", after_an_order)
    assert opened.retention.recompute.run(actor) == {**NOTHING, "changed": 239, "shortened": 239}
    assert [first for first in begun if begun.count(first) == 2 and first < named[0]]  # found anew
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM reads WHERE id = :id"), {"id": named[0]}) == 0
    assert all(until == captured + timedelta(days=20) for captured, until in ends(opened).values())
