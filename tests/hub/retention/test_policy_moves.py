"""A policy is in force from the moment it is put there, also in processes that were open before."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import two
import yaml
from plain import record, write_page
from registries import PLAIN, Having
from sqlalchemy import text

import hub.ingest.intake as intake
import hub.retention.recompute as recomputing
from connectors.contract import Document
from hub.clock import SetClock
from hub.errors import NotFound
from hub.governing.in_force import Governing
from hub.hotlists.lists import NewEntry
from hub.jobs.jobs import Jobs
from hub.people import Actor
from hub.policy.decisions import LENGTHENING, Decision
from hub.policy.document import FOLDER
from hub.policy.provenance import Provenance
from hub.retention.endings import Endings
from hub.retention.purge import _PurgeRun
from hub.retention.recompute import Overtaken, Recompute, _Ends
from hub.settings import HubSettings
from hub.store.instant import from_micros
from hub.wiring import Hub, open_hub

CAPTURED = datetime.fromisoformat("2026-06-01T11:00:00Z")
DAY = timedelta(days=1)
SIGNED = Decision(
    settles="ps-d3", answer="as it is", decided_by="A. Chief", title="Chief",
    decided_at=CAPTURED, why="the safe default holds",
)  # fmt: skip


LENGTHENS = Decision(
    settles=LENGTHENING, answer="what is kept lives longer", decided_by="A. Chief", title="Chief",
    decided_at=CAPTURED, why="the council wants it so",
)  # fmt: skip


def lasting(tmp_path: Path, days: int, profile: str = "hermosa-beach") -> str:
    """A file with a policy whose ceilings are all as long, or as long as nothing needs a read."""
    data = yaml.safe_load(FOLDER.joinpath(f"{profile}.yaml").read_text())
    for rule in data["retention"]["rules"]:
        if rule["max"] is not None and (profile == "hermosa-beach" or rule["match"].get("linked_case") is False):
            rule["max"] = {"dur": f"P{days}D", "clock": "captured_at"}
    file = tmp_path / f"{profile}-{days}.yaml"
    file.write_text(yaml.safe_dump(data))
    return str(file)


def elsewhere(hub: Hub, name: str, decisions: tuple[Decision, ...] = ()) -> None:
    """Another process puts a policy in force."""
    with open_hub(hub.settings, hub.clock, registry=PLAIN) as other:
        two.activate(other, Actor("chief"), name, "the council wants it so", decisions)


def lives(hub: Hub) -> dict[str, timedelta]:
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT vendor_read_id, captured_at, expires_at FROM reads")).all()
    return {row.vendor_read_id: from_micros(row.expires_at) - from_micros(row.captured_at) for row in rows}


def test_between_two_pages(opened: Hub, actor: Actor, feed: Path, tmp_path: Path) -> None:
    for page in (1, 2):
        write_page(feed, page, [record(page, f"9SYN00{page}", CAPTURED.isoformat())])
    told: list[int] = []

    def progress(now: Any) -> None:
        told.append(now.pages)
        if told.count(1) == 1 and now.pages == 1:
            elsewhere(opened, lasting(tmp_path, 5))

    assert opened.ingest.sync.run(actor, "feed", progress=progress).stored == 2
    assert lives(opened) == {"r1": 30 * DAY, "r2": 5 * DAY}


@pytest.mark.parametrize("days", [5, 60])
def test_between_computing_the_ends_and_keeping_them(
    opened: Hub, actor: Actor, feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Nothing is kept under the end of before, no picture lies under its day, and every record is counted once."""
    save, tried = intake.save, []

    def meanwhile(*args: Any) -> Any:
        if not tried:
            elsewhere(opened, lasting(tmp_path, days))
        tried.append(args[2].policy_id)
        return save(*args)

    monkeypatch.setattr(intake, "save", meanwhile)
    write_page(feed, 1, [record(1, "9SYN001", CAPTURED.isoformat(), picture="PICTURE"), {"plate": "9SYN002"}])
    done = opened.ingest.sync.run(actor, "feed")
    assert (tried, done.pulled, done.stored, done.quarantined) == ([1, 2], 2, 1, 1)
    assert lives(opened) == {"r1": days * DAY}
    (key,) = opened.ingest.images.stored()
    assert key.startswith(f"{CAPTURED + days * DAY:%Y/%m/%d}/")
    with opened.store.read() as connection:
        assert connection.scalars(text("SELECT key FROM images")).all() == [key]
        refused = connection.scalar(text("SELECT expires_at - received_at FROM quarantine"))
    assert timedelta(microseconds=refused or 0) == days * DAY


def test_what_is_over_under_the_new_policy_is_not_kept(opened: Hub, actor: Actor, feed: Path, tmp_path: Path) -> None:
    elsewhere(opened, lasting(tmp_path, 5))
    write_page(feed, 1, [record(1, "9SYN001", (CAPTURED - 6 * DAY).isoformat())])
    done = opened.ingest.sync.run(actor, "feed", CAPTURED - 9 * DAY)
    assert (done.stored, done.born_expired) == (0, 1)


def test_while_pages_come_and_come_none_that_is_kept_after_it_has_the_end_of_before(
    opened: Hub, actor: Actor, feed: Path, tmp_path: Path
) -> None:
    account, connector = opened.connections.accounts.open("feed")
    names = [lasting(tmp_path, days) for days in (20, 10, 5)]
    over = threading.Event()

    def pages() -> None:
        number = 0
        while not over.is_set():
            number += 1
            page = [record(number * 10 + n, f"9SYN00{n}", CAPTURED.isoformat()) for n in range(3)]
            records = connector.unpack(Document(msgspec.json.encode(page)))
            opened.ingest.intake.take(connector, account.id, records, obtained="pull")

    busy = threading.Thread(target=pages)
    busy.start()
    try:
        for name in names:
            elsewhere(opened, name)
    finally:
        over.set()
        busy.join()
    with opened.store.read() as connection:
        lasts = connection.scalars(text("SELECT last_id FROM recomputes ORDER BY id")).all()
        rows = connection.execute(text("SELECT id, expires_at - captured_at AS life FROM reads ORDER BY id")).all()
    promised = (30, 20, 10, 5)
    for row in rows:
        assert timedelta(microseconds=row.life) == promised[sum(row.id > last for last in lasts)] * DAY
    assert rows[-1].id > lasts[0]


def test_a_link_gives_the_life_of_the_policy_in_force(
    settings: HubSettings, clock: SetClock, plain_vendor: Having, tmp_path: Path
) -> None:
    actor, feed = Actor("tester"), tmp_path / "feed"
    with open_hub(
        settings.model_copy(update={"profile": "palm-springs", "decisions": None}), clock, registry=plain_vendor
    ) as hub:
        feed.mkdir()
        hub.connections.accounts.add(actor, "feed", "plain", {"folder": str(feed)})
        write_page(feed, 1, [record(n, f"9SYN00{n}", CAPTURED.isoformat()) for n in (1, 2)])
        hub.ingest.sync.run(actor, "feed")
        with hub.store.read() as connection:
            one, two = connection.scalars(text("SELECT id FROM reads ORDER BY id"))
        assert hub.cases.links.link(actor, [one], "26-1").changed == 1
        elsewhere(hub, lasting(tmp_path, 20))
        assert hub.cases.links.link(actor, [two], "26-1").changed == 0
        assert lives(hub) == {"r1": 365 * DAY, "r2": 30 * DAY}
        hub.retention.recompute.run(actor)
        assert lives(hub) == {"r1": 20 * DAY, "r2": 20 * DAY}


def test_a_purge_keeps_the_floors_of_the_policy_in_force(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    write_page(feed, 1, [record(1, "9SYN001", CAPTURED.isoformat())])
    opened.ingest.sync.run(actor, "feed")
    clock.advance(30 * DAY)
    ceiling: Any = {"wm-server": {"dur": "P13M", "clock": "captured_at", "ref": "item 12"}}
    signed = Decision(
        settles="wm-d1", answer="thirteen months", decided_by="R. Lee", title="Chief", decided_at=clock.now(),
        why="the schedule", ceilings=ceiling,
    )  # fmt: skip
    elsewhere(opened, "westminster", (signed,))
    assert opened.retention.expired.purge(actor) == {"feed": 0}
    assert opened.audit.events(1)[0]["detail"]["floored"] == 1


def test_a_hit_lengthens_by_the_policy_in_force(
    settings: HubSettings, clock: SetClock, plain_vendor: Having, tmp_path: Path
) -> None:
    actor, feed = Actor("tester"), tmp_path / "feed"
    with open_hub(settings, clock, registry=plain_vendor) as hub:
        feed.mkdir()
        hub.connections.accounts.add(actor, "feed", "plain", {"folder": str(feed)})
        hub.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
        elsewhere(hub, "palm-springs")
        write_page(feed, 1, [record(n, f"9SYN00{n}", CAPTURED.isoformat()) for n in (1, 2)])
        hub.ingest.sync.run(actor, "feed")
        assert lives(hub) == {"r1": 365 * DAY, "r2": 30 * DAY}


@pytest.fixture
def two_years(settings: HubSettings, clock: SetClock, plain_vendor: Having, tmp_path: Path) -> Iterator[Hub]:
    """A hub with one read, sixty days old, that was promised two years by the policy of before."""
    actor, feed = Actor("tester"), tmp_path / "feed"
    with open_hub(
        settings.model_copy(update={"profile": "long-beach", "decisions": None}), clock, registry=plain_vendor
    ) as hub:
        feed.mkdir()
        hub.connections.accounts.add(actor, "feed", "plain", {"folder": str(feed)})
        write_page(feed, 1, [record(1, "9SYN001", CAPTURED.isoformat())])
        hub.ingest.sync.run(actor, "feed")
        clock.advance(60 * DAY)
        yield hub


def before_giving(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> None:
    """Have something happen once, after the ends of reads were found and before they are given."""
    give, done = Recompute._give, list[None]()

    def later(self: Recompute, *args: Any) -> None:
        if not done:
            done.append(None)
            meanwhile()
        give(self, *args)

    monkeypatch.setattr(Recompute, "_give", later)


def only_read(hub: Hub) -> int:
    with hub.store.read() as connection:
        return int(connection.execute(text("SELECT id FROM reads")).scalar_one())


def test_a_read_that_is_linked_while_ends_are_computed_lives_as_long_as_one_that_was_linked_before(
    two_years: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(two_years, "palm-springs", (SIGNED,))
    before_giving(monkeypatch, lambda: two_years.cases.links.link(actor, [only_read(two_years)], "26-1"))
    assert two_years.retention.recompute.run(actor)["shortened"] == 1
    assert lives(two_years) == {"r1": 365 * DAY}
    assert two_years.retention.expired.purge(actor) == {"feed": 0}


@pytest.fixture
def many(opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Reads that are given their ends in three turns, and a record that could not be read."""
    monkeypatch.setattr(recomputing, "BATCH", 2)
    monkeypatch.setattr(recomputing, "MOST", 2)
    monkeypatch.setattr("hub.store.postgresql.PASSES", 1)
    names = [f"r{number}" for number in range(1, 6)]
    reads = [record(number, f"9SYN00{number}", CAPTURED.isoformat()) for number in range(1, 6)]
    write_page(feed, 1, [*reads, {"plate": "9SYN006"}])
    opened.ingest.sync.run(actor, "feed")
    return names


def recomputes(hub: Hub) -> list[tuple[int, bool]]:
    """The policy of each recompute, and whether it is over."""
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT policy_id, ended_at FROM recomputes ORDER BY id")).all()
    return [(row.policy_id, row.ended_at is not None) for row in rows]


@pytest.mark.parametrize("turn", ["first", "second", "last"])
def test_a_recompute_stops_when_another_policy_is_put_in_force_and_the_newer_one_does_the_whole(
    opened: Hub, actor: Actor, many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turn: str
) -> None:
    elsewhere(opened, lasting(tmp_path, 20))
    newer = lasting(tmp_path, 5)
    if turn == "first":
        before_giving(monkeypatch, lambda: elsewhere(opened, newer))
    at = {"second": 2, "last": 5}.get(turn, 0)

    def told(_: str, done: int, __: int | None) -> None:
        if done == at:
            elsewhere(opened, newer)

    says = r"^policy 3 was put in force while reads were given the ends of policy 2: .*alprhub policy recompute"
    with pytest.raises(Overtaken, match=says):
        opened.retention.recompute.run(actor, told)
    given = {"first": 0, "second": 2, "last": 5}[turn]
    assert lives(opened) == {name: (20 if n < given else 30) * DAY for n, name in enumerate(many)}
    assert recomputes(opened) == [(2, False), (3, False)], "it does not say that it is done"
    event = opened.audit.last("retention.recompute", "stopped")
    assert event is not None
    assert event["results"] == given
    assert {name: event["detail"][name] for name in ("policy", "overtaken_by")} == {"policy": 2, "overtaken_by": 3}
    assert opened.audit.last("retention.recompute", "done") is None
    assert opened.retention.recompute.run(actor)["shortened"] == 5
    assert set(lives(opened).values()) == {5 * DAY}
    assert recomputes(opened) == [(2, True), (3, True)]
    with opened.store.read() as connection:
        refused = connection.scalar(text("SELECT expires_at - received_at FROM quarantine"))
    assert timedelta(microseconds=refused or 0) == 5 * DAY


def test_records_that_could_not_be_read_get_no_end_of_a_policy_that_is_overtaken(
    opened: Hub, actor: Actor, many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(opened, lasting(tmp_path, 20))
    end = Recompute._end_refused

    def later(self: Recompute, *asked: Any) -> None:
        monkeypatch.setattr(Recompute, "_end_refused", end)
        elsewhere(opened, lasting(tmp_path, 25))
        end(self, *asked)

    monkeypatch.setattr(Recompute, "_end_refused", later)
    with pytest.raises(Overtaken):
        opened.retention.recompute.run(actor)
    with opened.store.read() as connection:
        refused = connection.scalar(text("SELECT expires_at - received_at FROM quarantine"))
    assert timedelta(microseconds=refused or 0) == 30 * DAY


def test_a_run_of_the_schedules_says_that_it_was_overtaken_and_the_newer_policy_is_due_at_once(
    opened: Hub, many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, service = Jobs(opened, "tests"), Actor.service("jobs")
    elsewhere(opened, lasting(tmp_path, 20))
    before_giving(monkeypatch, lambda: elsewhere(opened, lasting(tmp_path, 5)))
    (run,) = jobs.run_all(service, jobs.due("recompute"))
    assert run.outcome == "stopped"
    assert (run.error or "").startswith("policy 3 was put in force while reads were given the ends of policy 2")
    (run,) = jobs.run_all(service, jobs.due("recompute"))
    assert (run.outcome, run.counts["shortened"]) == ("done", 5)
    assert jobs.due("recompute") == []


def test_a_read_that_is_unlinked_while_ends_are_computed_lives_no_longer_for_it(
    two_years: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_years.cases.links.link(actor, [only_read(two_years)], "26-1")
    elsewhere(two_years, "palm-springs", (SIGNED,))
    before_giving(monkeypatch, lambda: two_years.cases.links.unlink(actor, [only_read(two_years)], "26-1"))
    two_years.retention.recompute.run(actor)
    assert lives(two_years) == {"r1": two_years.clock.now() - CAPTURED}, "its thirty days are over, so it ends here"


def test_a_connection_that_begins_to_leave_while_ends_are_computed_gets_no_longer_life(
    opened: Hub, actor: Actor, feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(feed, 1, [record(1, "9SYN001", CAPTURED.isoformat())])
    opened.ingest.sync.run(actor, "feed")
    elsewhere(opened, lasting(tmp_path, 60), (LENGTHENS,))

    def leaves() -> None:
        with opened.store.write() as connection:
            connection.execute(
                text(
                    "INSERT INTO removals (connection_id, name, reads, reason, actor, started_at, steps)"
                    " SELECT id, name, 'purge', 'why', 'tester', 1, '{}' FROM connections"
                )
            )

    before_giving(monkeypatch, leaves)
    opened.retention.recompute.run(actor)
    assert lives(opened) == {"r1": 30 * DAY}


def test_a_connection_that_becomes_another_kind_while_ends_are_computed_gets_the_ends_of_that_kind(
    two_years: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(two_years, "palm-springs", (SIGNED,))

    def changes() -> None:
        with two_years.store.write() as connection:
            connection.execute(text("UPDATE connections SET retention_vendor = NULL"))

    before_giving(monkeypatch, changes)
    assert two_years.retention.recompute.run(actor)["changed"] == 0


@pytest.mark.parametrize("before", [True, False])
def test_a_read_that_is_linked_while_its_connection_becomes_another_kind_keeps_the_life_of_a_linked_one(
    two_years: Hub, actor: Actor, clock: SetClock, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    elsewhere(two_years, "palm-springs", (SIGNED,))
    pages = Endings._pages

    def link() -> None:
        two_years.cases.links.link(actor, [only_read(two_years)], "26-1")

    def found(self: Endings, *args: Any) -> Iterator[Any]:
        for page in pages(self, *args):
            if not before:
                link()
            yield page

    if before:
        link()
    monkeypatch.setattr(Endings, "_pages", found)
    kind = two_years.connections.accounts.list()[0]
    endings = Endings(two_years.store, clock, Governing(two_years.store))
    assert endings.follow(kind.id, Provenance("own", "flock")) == 1
    assert lives(two_years) == {"r1": 365 * DAY}


def test_what_ends_while_a_recompute_waits_for_its_turn_stays_over(
    opened: Hub, actor: Actor, clock: SetClock, feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(feed, 1, [record(1, "9SYN001", CAPTURED.isoformat())])
    opened.ingest.sync.run(actor, "feed")
    clock.advance(CAPTURED + 30 * DAY - clock.now() - timedelta(seconds=1))
    elsewhere(opened, lasting(tmp_path, 60), (LENGTHENS,))
    before_giving(monkeypatch, lambda: clock.advance(timedelta(seconds=2)))
    opened.retention.recompute.run(actor)
    assert lives(opened) == {"r1": 30 * DAY}
    assert opened.retention.expired.purge(actor) == {"feed": 1}


def test_a_refused_record_that_ends_while_a_recompute_waits_for_its_turn_stays_over(
    opened: Hub, actor: Actor, clock: SetClock, feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(feed, 1, [{"plate": "9SYN001"}])
    opened.ingest.sync.run(actor, "feed")
    with opened.store.read() as connection:
        end = int(connection.execute(text("SELECT expires_at FROM quarantine")).scalar_one())
    clock.advance(from_micros(end) - clock.now() - timedelta(seconds=1))
    elsewhere(opened, lasting(tmp_path, 60), (LENGTHENS,))
    ends = _Ends.of_refused

    def late(*args: Any) -> Any:
        clock.advance(timedelta(seconds=2))  # somebody else writes first
        return ends(*args)

    monkeypatch.setattr(_Ends, "of_refused", late)
    opened.retention.recompute.run(actor)
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT expires_at FROM quarantine")) == end


def test_what_ends_while_a_link_waits_for_its_turn_is_linked_no_more(
    opened: Hub, actor: Actor, clock: SetClock, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(feed, 1, [record(1, "9SYN001", CAPTURED.isoformat())])
    opened.ingest.sync.run(actor, "feed")
    clock.advance(CAPTURED + 30 * DAY - clock.now() - timedelta(seconds=1))
    write = opened.store.write

    def waits(*args: Any, **more: Any) -> Any:
        clock.advance(timedelta(seconds=2))
        return write(*args, **more)

    with opened.store.read() as connection:
        ident = int(connection.execute(text("SELECT id FROM reads")).scalar_one())
    monkeypatch.setattr(opened.store, "write", waits)
    with pytest.raises(NotFound):
        opened.cases.links.link(actor, [ident], "26-1")


def test_a_purge_leaves_what_got_a_later_end_since_it_looked(
    opened: Hub, actor: Actor, clock: SetClock, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(feed, 1, [record(n, f"9SYN00{n}", CAPTURED.isoformat()) for n in (1, 2, 3)])
    opened.ingest.sync.run(actor, "feed")
    clock.advance(CAPTURED + 30 * DAY - clock.now())
    remove = _PurgeRun.remove

    def later(run: _PurgeRun, batch: list[Any], begins: Callable[[], None]) -> None:
        with opened.store.write() as connection:
            connection.execute(text("UPDATE reads SET expires_at = expires_at + 1 WHERE vendor_read_id = 'r1'"))
            connection.execute(text("UPDATE reads SET held = true WHERE vendor_read_id = 'r2'"))
        remove(run, batch, begins)

    monkeypatch.setattr(_PurgeRun, "remove", later)
    assert opened.retention.expired.purge(actor) == {"feed": 1}
    assert set(lives(opened)) == {"r1", "r2"}
