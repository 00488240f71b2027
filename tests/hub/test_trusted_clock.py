"""A clock that may be wrong: far ahead it destroys nothing, behind it shows nothing again, until a person says more."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import two
from plain import record, write_page
from registries import PLAIN, Having
from sqlalchemy import text

import hub.wiring as wiring
from hub.cases.holds import NewHold
from hub.clock import REST, STEP, SetClock
from hub.errors import AdminMustAct, Busy, Conflict, Invalid, PolicyRefused
from hub.jobs.jobs import Jobs
from hub.people import Actor, Why
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store.instant import to_micros
from hub.store.spool import Pushed
from hub.trusted_clock import AT_MOST, BEAT, TrustedClock
from hub.wiring import Hub, open_hub

DAY, LIFE = timedelta(days=1), timedelta(days=30)
WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
JOBS_OF_THE_HUB = (
    "holds", "purge", "recompute", "pictures", "notices", "tidy", "vacuum", "months", "reconcile", "canary"
)  # fmt: skip

Opens = Callable[[], AbstractContextManager[Hub]]


@pytest.fixture
def machine(clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """The machine's clock, which nobody answers for."""
    monkeypatch.setattr(wiring, "SystemClock", lambda: clock)
    return clock


@pytest.fixture
def opens(settings: HubSettings, machine: SetClock, plain_vendor: Having) -> Opens:
    return lambda: open_hub(settings, registry=plain_vendor)


@pytest.fixture
def whole(opens: Opens, machine: SetClock, actor: Actor, tmp_path: Path) -> Iterator[Hub]:
    """A hub with a read captured an hour ago, on the machine's clock."""
    (tmp_path / "feed").mkdir()
    with opens() as hub:
        hub.connections.accounts.add(actor, "feed", "plain", {"folder": str(tmp_path / "feed")})
        write_page(tmp_path / "feed", 1, [record(1, "9SYN001", (machine.now() - timedelta(hours=1)).isoformat())])
        hub.ingest.sync.run(actor, "feed")
        yield hub


def seen(hub: Hub, actor: Actor) -> int:
    return len(hub.search.reads.find(actor, Query(WHY, ("9SYN001",))).rows)


def there(hub: Hub) -> int:
    with hub.store.read() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM reads")) or 0)


def clock_of(hub: Hub) -> TrustedClock:
    assert isinstance(hub.clock, TrustedClock)
    return hub.clock


def cards(hub: Hub) -> list[str]:
    return [card.code for card in hub.connections.health.around() if card.code.startswith("clock")]


def test_a_clock_far_ahead_destroys_nothing_until_two_people_say_that_it_is_right(
    whole: Hub, actor: Actor, machine: SetClock
) -> None:
    machine.advance(11 * 365 * DAY)
    with pytest.raises(AdminMustAct, match=r"2037-05-29 .*alprhub clock trust"):
        whole.retention.expired.purge(actor)
    assert (there(whole), cards(whole)) == (1, ["clock_ahead"])
    assert seen(whole, actor) == 0  # to hide can be undone
    clock_of(whole).beat()  # a hub that is open for long comes to trust nothing by itself
    assert cards(whole) == ["clock_ahead"]
    ident = whole.governing.clock.propose(actor, "it was in a cupboard").id
    with pytest.raises(PolicyRefused, match=f"{actor.name} proposed it"):
        whole.access.approvals.approve(actor, ident)
    assert cards(whole) == ["clock_ahead"]
    whole.access.approvals.approve(Actor("second"), ident)
    assert "clock.trust" in [event["action"] for event in whole.audit.events(3)]
    assert (whole.retention.expired.purge(actor), cards(whole)) == ({"feed": 1}, [])


def test_a_clock_that_was_ahead_and_is_right_again_has_cost_nothing(
    whole: Hub, actor: Actor, machine: SetClock
) -> None:
    machine.advance(15 * DAY + LIFE)
    clock_of(whole).beat()
    with pytest.raises(AdminMustAct):
        whole.retention.expired.purge(actor)
    machine.advance(-15 * DAY - LIFE)
    assert (cards(whole), seen(whole, actor)) == ([], 1)
    assert whole.retention.expired.purge(actor) == {"feed": 0}


@pytest.mark.parametrize(
    "does",
    [
        pytest.param(lambda hub, actor: two.activate(hub, actor, "long-beach", "why"), id="a new policy"),
        pytest.param(lambda hub, actor: hub.ingest.reparse.run(actor, "feed"), id="reading again"),
        pytest.param(
            lambda hub, actor: hub.connections.removals.remove(actor, "feed", reads="purge", reason="why"),
            id="a removal",
        ),
        pytest.param(
            lambda hub, actor: hub.connections.changes.change(actor, "feed", {}, kind="commercial", expire=True),
            id="a change",
        ),
        pytest.param(lambda hub, actor: hub.cases.reviews.expire(actor), id="holds that end"),
        pytest.param(lambda hub, actor: hub.cases.links.unlink(actor, [1], "26-1"), id="a link that is taken back"),
    ],
)
def test_nothing_that_shortens_is_begun_by_a_clock_in_doubt(
    whole: Hub, actor: Actor, machine: SetClock, does: Callable[[Hub, Actor], Any]
) -> None:
    machine.advance(REST + BEAT)
    with whole.store.read() as connection:
        before = connection.execute(text("SELECT * FROM connections, reads")).all()
    with pytest.raises(AdminMustAct, match="alprhub clock trust"):
        does(whole, actor)
    with whole.store.read() as connection:
        assert connection.execute(text("SELECT * FROM connections, reads")).all() == before
    assert "alprhub clock trust" in cards_of(whole)


def test_no_job_destroys_or_shortens_anything_by_a_clock_far_ahead(
    whole: Hub, actor: Actor, machine: SetClock, settings: HubSettings
) -> None:
    """Every job, whoever runs it: rows may come, and of those that are there none goes and none ends sooner."""
    two.activate(whole, actor, "long-beach", "why")
    two.place(whole, actor, NewHold("case", "26-1", "robbery", whole.clock.now() + DAY, "felony"), reads=[1])
    whole.cases.holds.place(actor, NewHold("case", "26-2", "robbery", whole.clock.now() + DAY, "felony"), reads=[1])
    whole.cases.links.link(actor, [1], "26-1")
    jobs = Jobs(whole, "tests")
    tables = ("reads", "payloads", "ledger", "held_reads", "links", "hits", "images", "quarantine", "approvals",
              "certificates", "holds")  # fmt: skip

    def all_there() -> dict[str, set[Any]]:
        with whole.store.read() as connection:
            return {name: set(connection.execute(text(f"SELECT * FROM {name}")).all()) for name in tables}

    jobs.run_all(actor, [jobs.catalogue.whole("tidy")])
    before = all_there()
    with whole.store.read() as connection:
        runs = set(connection.scalars(text("SELECT id FROM job_runs")))
    machine.advance(11 * 365 * DAY)
    assert len(jobs.run_all(actor, [jobs.catalogue.whole(name) for name in JOBS_OF_THE_HUB])) == len(JOBS_OF_THE_HUB)
    after = all_there()
    assert {name: rows - after[name] for name, rows in before.items() if rows - after[name]} == {}
    assert after["certificates"] == set()
    with whole.store.read() as connection:
        assert runs <= set(connection.scalars(text("SELECT id FROM job_runs")))


def test_a_receiver_destroys_nothing_by_a_clock_far_ahead_and_says_so_once(
    whole: Hub, machine: SetClock, settings: HubSettings, caplog: pytest.LogCaptureFixture
) -> None:
    box, at = settings.data / "inbox", machine.now().timestamp()
    box.mkdir()
    broken = box / "0000000000000001.broken"
    broken.write_bytes(msgspec.msgpack.encode([Pushed("feed", 1, to_micros(machine.now()), "", b"[]")])[:-1])
    os.utime(broken, (at, at))
    machine.advance(400 * DAY)
    with whole.ingest.receiving() as inbox:
        inbox.stop(within=30)  # its thread has looked by then; one thread looks, ever
        inbox._destroy_what_is_over()
    assert broken.exists()
    with whole.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM certificates")) == 0
    said = [entry.message for entry in caplog.records if "not destroyed yet" in entry.message]
    assert len(said) == 1
    assert "alprhub clock trust" in said[0]


def cards_of(hub: Hub) -> str:
    return " ".join(card.command for card in hub.connections.health.around())


def test_a_recompute_that_is_due_waits_too(whole: Hub, actor: Actor, machine: SetClock) -> None:
    assert whole.retention.recompute.run(actor)["changed"] == 0  # nothing is due: nothing to be sure of
    two.activate(whole, actor, "long-beach", "why")
    machine.advance(REST + BEAT)
    with pytest.raises(AdminMustAct):
        whole.retention.recompute.run(actor)


def test_what_is_over_on_arrival_by_a_clock_in_doubt_is_kept_unseen(
    whole: Hub, actor: Actor, machine: SetClock, tmp_path: Path
) -> None:
    right = machine.now()
    machine.advance(3 * LIFE)
    write_page(tmp_path / "feed", 2, [record(2, "9SYN001", right.isoformat())])
    assert whole.ingest.sync.run(actor, "feed", right - DAY, right + DAY).born_expired == 0
    assert (there(whole), seen(whole, actor)) == (2, 0)
    machine.advance(-3 * LIFE)
    assert seen(whole, actor) == 2


def test_a_clock_behind_shows_nothing_again_that_was_over(
    whole: Hub, opens: Opens, actor: Actor, machine: SetClock
) -> None:
    for _ in range(31):
        machine.advance(DAY)
        clock_of(whole).beat()
    assert (seen(whole, actor), there(whole)) == (0, 1)
    machine.advance(-15 * DAY)
    assert (seen(whole, actor), cards(whole)) == (0, ["clock_behind"])
    with opens() as later:
        assert (seen(later, actor), cards(later)) == (0, ["clock_behind"])
        clock_of(later).trust(actor, later.audit, "NTP was wrong before")
        assert (seen(later, actor), cards(later)) == (1, [])


def test_good_reads_are_not_of_the_future_where_the_clock_is_behind(
    whole: Hub, actor: Actor, machine: SetClock, tmp_path: Path
) -> None:
    captured = machine.now()
    machine.advance(-365 * DAY)
    write_page(tmp_path / "feed", 2, [record(2, "9SYN001", captured.isoformat())])
    saved = whole.ingest.sync.run(actor, "feed", captured - DAY)
    assert (saved.stored, saved.quarantined) == (1, 0)


def test_the_hubs_time_goes_on_where_the_clock_is_far_behind_and_stands_where_it_is_a_little(
    whole: Hub, machine: SetClock
) -> None:
    passed = [100.0]
    clock = TrustedClock(whole.store, machine, lambda: passed[0])
    trusted = machine.now()
    machine.advance(-STEP)
    passed[0] += 60
    assert clock.now() == trusted
    machine.advance(-8 * timedelta(hours=1))
    assert clock.now() == trusted + timedelta(seconds=60)
    clock.beat()
    passed[0] += 30
    assert clock.now() == trusted + timedelta(seconds=90)
    assert clock.earliest() == machine.now()
    machine.advance(DAY)
    assert clock.now() == machine.now()


def test_a_sync_by_a_clock_that_was_ahead_within_two_days_still_asks_for_the_present(
    whole: Hub, actor: Actor, machine: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plain import PlainConnector

    from connectors.contract import Page, Window

    asked = list[Window]()

    def pull(_: Any, window: Window) -> Iterator[Page]:
        asked.append(window)
        yield Page((), {"until": window.until.isoformat()})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    right = machine.now()
    machine.advance(DAY)
    clock_of(whole).beat()
    whole.ingest.sync.run(actor, "feed")
    machine.advance(timedelta(hours=1) - DAY)
    asked.clear()
    whole.ingest.sync.run(actor, "feed")
    assert asked[0].since <= right < machine.now() <= max(window.until for window in asked)


@pytest.mark.parametrize("rest", [timedelta(seconds=-30), timedelta(hours=1), REST])
def test_a_rest_or_a_step_as_clocks_make_them_is_no_news(
    whole: Hub, actor: Actor, machine: SetClock, rest: timedelta
) -> None:
    machine.advance(rest)
    assert cards(whole) == []
    whole.retention.expired.purge(actor)


def test_time_comes_as_far_as_the_hub_is_open_and_is_noted_once_a_minute(whole: Hub, machine: SetClock) -> None:
    def kept() -> int:
        with whole.store.read() as connection:
            return int(connection.scalar(text("SELECT newest FROM trusted_time")) or 0)

    first = kept()
    machine.advance(BEAT - timedelta(seconds=1))
    clock_of(whole).beat()
    assert kept() == first
    machine.advance(timedelta(seconds=1))
    clock_of(whole).beat()
    assert kept() == to_micros(machine.now())
    for _ in range(10):
        machine.advance(REST)
        clock_of(whole).beat()
    assert kept() == to_micros(machine.now())


def test_time_that_another_process_has_noted_never_goes_back(
    whole: Hub, opens: Opens, machine: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = clock_of(whole)
    known = behind.standing().trusted
    machine.advance(2 * BEAT)
    with opens() as other:
        clock_of(other).beat()
    noted = behind.standing().trusted
    machine.advance(-BEAT + timedelta(seconds=1))
    monkeypatch.setattr(behind, "_kept", lambda: known)  # it looked before the other one wrote
    behind.beat(timedelta(0))
    monkeypatch.undo()
    assert behind.standing().trusted == noted


def test_whoever_trusts_the_clock_is_on_record_or_it_is_not_trusted(
    whole: Hub, actor: Actor, machine: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    machine.advance(21 * DAY)
    monkeypatch.setattr(whole.audit, "record", full)
    with pytest.raises(OSError, match="no space"):
        clock_of(whole).trust(actor, whole.audit, "it was in a cupboard")
    assert clock_of(whole).standing().state == "ahead"


def test_a_command_notes_the_time_that_it_began_once_an_hour_at_most(opens: Opens, machine: SetClock) -> None:
    def trusted() -> datetime:
        with opens() as hub:
            return clock_of(hub).standing().trusted

    first = trusted()
    machine.advance(AT_MOST - BEAT)
    assert trusted() == first
    machine.advance(BEAT)
    assert trusted() == machine.now()


def test_what_one_process_trusts_another_knows(whole: Hub, opens: Opens, actor: Actor, machine: SetClock) -> None:
    machine.advance(21 * DAY)
    with opens() as other:
        clock_of(other).trust(actor, other.audit, "suspended for three weeks")
    assert whole.retention.expired.purge(actor) == {"feed": 0}


def test_to_trust_takes_a_reason_and_a_doubt(whole: Hub, actor: Actor, machine: SetClock) -> None:
    with pytest.raises(Conflict, match="not in doubt"):
        whole.governing.clock.propose(actor, "to be sure")
    machine.advance(21 * DAY)
    with pytest.raises(Invalid, match="reason"):
        whole.governing.clock.propose(actor, " ")
    assert clock_of(whole).standing().state == "ahead"


def test_a_clock_in_a_callers_hands_is_the_callers_to_answer_for(settings: HubSettings, actor: Actor) -> None:
    clock = SetClock(datetime.fromisoformat("2026-06-01T12:00:00Z"))
    with open_hub(settings, clock, registry=PLAIN) as hub:
        clock.advance(400 * DAY)
        hub.retention.expired.purge(actor)
        assert cards(hub) == []


def test_a_database_that_does_not_take_the_time_now_stops_nobody(
    opens: Opens, machine: SetClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with opens():
        pass

    def refuse(*_: object) -> None:
        raise Busy("somebody imports a list")

    machine.advance(AT_MOST)
    monkeypatch.setattr(TrustedClock, "beat", refuse)
    with opens() as hub:
        assert hub.clock.now() == machine.now()
    assert "is noted later: somebody imports a list" in caplog.text


def test_an_open_hub_notes_the_time_by_itself(opens: Opens, machine: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.trusted_clock.BEAT", timedelta(milliseconds=1))
    noted = threading.Event()
    beat = TrustedClock.beat

    def noticed(clock: TrustedClock, after: timedelta = BEAT) -> None:
        beat(clock, after)
        if after < AT_MOST:
            noted.set()

    monkeypatch.setattr(TrustedClock, "beat", noticed)
    with opens():
        assert noted.wait(60)
