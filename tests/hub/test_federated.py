"""One plate, asked of every source at once: the answer leaves at the deadline and says who is missing."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from plain import record, write_page
from sqlalchemy import text

import hub.search.lookup as lookup
from alprhub.sandbox import Service, World, flock_settings
from alprhub.sandbox.flock import FlockState, flock_app
from alprhub.sandbox.world import to_micros
from connectors.vendors.flock import FlockConnector
from hub.audit.record import Audit
from hub.clock import SetClock
from hub.errors import Invalid, PolicyRefused
from hub.people import Actor, Why
from hub.search.lookup import LookupAnswer, Lookups
from hub.search.query import Query
from hub.search.sources import Deadline, SourceStatus, TooLate
from hub.wiring import Hub

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WHY = Why("stolen_vehicle", "a stolen car, report 26-1", "26-1")
WORLD = World(5, NOW, passes=300, vendors=("flock",))
WANTED = WORLD.wanted[2].plate
PASSES = sum(one.plate == WANTED for one in WORLD.passes["flock"])
OFTEN = "9SYN777"
"""A plate that Flock has more than one page of."""
SILENT = 60.0
"""Seconds that nobody in these tests would wait for."""
PATIENT = 60.0


@dataclass
class StandIn:
    """A Flock of its own behind one connection."""

    state: FlockState
    service: Service

    @property
    def asked(self) -> list[str]:
        """The addresses below which reads were asked for."""
        return [path for _, path, _ in self.state.log if "/reads/lookup" in path]

    def is_asked_again(self) -> Callable[[], bool]:
        """Whether a request has come since now, answered or not."""
        before = self.state.faults.requests
        return lambda: self.state.faults.requests > before


@pytest.fixture
def vendor(opened: Hub, actor: Actor) -> Iterator[Callable[..., StandIn]]:
    """Adds a connection to a Flock; they all hold the same passes, under the same ids."""
    with ExitStack() as running:

        def add(*names: str) -> StandIn:
            app = flock_app(WORLD)
            service = running.enter_context(Service(app))
            for name in names:
                account = {**flock_settings(service.url), "requests_per_second": 1000}
                opened.connections.accounts.add(actor, name, "flock", account)
            for number in range(60):
                seen = WORLD.passes["flock"][0]
                at = to_micros(NOW - timedelta(hours=number + 1))
                app.state.flock.add_pass(seen._replace(id=f"often-{number}", plate=OFTEN, captured_at=at))
            return StandIn(app.state.flock, service)

        yield add
    workers_end()


@pytest.fixture
def deadline_when(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], bool]], None]:
    """Lets the deadline of every lookup come when something is so, and not before; between two tries nobody waits."""

    def when(so: Callable[[], bool]) -> None:
        class Told(Deadline):
            def left(self) -> float:
                if so():
                    return 0.0
                asker = threading.current_thread() is threading.main_thread()
                return 0.02 if asker else PATIENT  # who asks looks often

            def sleep(self, seconds: float) -> None:
                if seconds >= self.left():
                    raise TooLate

        monkeypatch.setattr(lookup, "Deadline", Told)

    return when


def workers_end() -> None:
    """Wait for those that were left behind."""
    for thread in threading.enumerate():
        if thread.name == "lookup":
            thread.join(PATIENT)


def lookups(hub: Hub, **instead: Any) -> Lookups:
    """The service over a hub, with some of its parts replaced."""
    parts = {
        "asking": hub.access.asking,
        "audit": hub.audit,
        "clock": hub.clock,
        "search": hub.search.reads,
        "accounts": hub.connections.accounts,
        "intake": hub.ingest.intake,
    }
    return Lookups(**{**parts, **instead})


def statuses(answer: LookupAnswer) -> dict[str, str]:
    return {part.connection: part.status.value for part in answer.sources}


def part_of(answer: LookupAnswer, name: str) -> SourceStatus:
    return next(part for part in answer.sources if part.connection == name)


def events(hub: Hub, target: str) -> list[dict[str, Any]]:
    """What is on record of asking a source, oldest first."""
    found = [one for one in hub.audit.events() if (one["action"], one["target"]) == ("reads.lookup", target)]
    return found[::-1]


def test_at_the_deadline_the_answer_has_all_that_is_there_and_names_who_is_late_and_who_is_down(
    opened: Hub, actor: Actor, feed: Path, vendor: Any, deadline_when: Any
) -> None:
    write_page(feed, 1, [record(1, WANTED, "2026-06-01T11:00:00Z"), record(2, "9SYN002", "2026-06-01T11:00:00Z")])
    opened.ingest.sync.run(actor, "feed")
    vendor("fine")
    slow, down = vendor("slow"), vendor("down")
    slow.state.faults.slow = SILENT
    down.service.stop()
    changes: list[SourceStatus] = []
    comes, ends = slow.is_asked_again(), {("fine", "answered"), ("down", "failed")}
    deadline_when(lambda: comes() and ends <= {(part.connection, part.status.value) for part in changes})
    started = time.monotonic()
    answer = lookups(opened).ask(actor, WANTED, WHY, deadline=3, progress=changes.append)
    assert time.monotonic() - started < SILENT / 2
    assert statuses(answer) == {"down": "failed", "feed": "not-asked", "fine": "answered", "slow": "late"}
    assert {row.connection for row in answer.rows} == {"feed", "fine"}
    assert {row.plate for row in answer.rows} == {WANTED}
    assert len(answer.rows) == PASSES + 1
    assert [row.captured_at for row in answer.rows] == sorted((row.captured_at for row in answer.rows), reverse=True)
    fine, late, failed = (part_of(answer, name) for name in ("fine", "slow", "down"))
    assert (fine.reads, fine.stored, fine.error) == (PASSES, PASSES, None)
    assert (late.reads, late.error) == (0, "had not finished after 3 s")
    assert (failed.error or "").startswith("127.0.0.1 refuses connections at port ")
    assert failed.failure == "TryAgain"
    assert {part.connection: part for part in changes} == {part.connection: part for part in answer.sources}
    assert {part.connection for part in answer.coverage} == {"down", "feed", "fine", "slow"}


def test_a_page_that_had_come_by_the_deadline_is_kept_after_it_and_no_further_one_is_asked_for(
    opened: Hub, actor: Actor, vendor: Any, deadline_when: Any
) -> None:
    flock = vendor("flock")
    come, go_on = threading.Event(), threading.Event()

    def take(*given: Any, **more: Any) -> Any:
        come.set()
        assert go_on.wait(PATIENT)
        return opened.ingest.intake.take(*given, **more)

    deadline_when(come.is_set)
    asking = lookups(opened, intake=SimpleNamespace(take=take))
    answer = asking.ask(actor, OFTEN, WHY)
    assert (statuses(answer), answer.rows) == ({"flock": "late"}, [])
    assert asking.settle(0) is False
    go_on.set()
    assert asking.settle(PATIENT) is True
    assert len(opened.search.reads.find(actor, Query(WHY, plates=(OFTEN,))).rows) == 50
    assert flock.asked == ["/api/v3/reads/lookup"]
    told = [(one["outcome"], one["results"], one["detail"].get("after_the_answer")) for one in events(opened, "flock")]
    assert told == [("asked", None, None), ("late", 0, None), ("late", 50, True)]


def test_a_source_that_is_late_with_its_token_is_not_asked_for_reads_any_more(
    opened: Hub, actor: Actor, vendor: Any, deadline_when: Any
) -> None:
    flock = vendor("flock")
    flock.state.faults.slow = 0.2
    deadline_when(flock.is_asked_again())
    answer = lookups(opened).ask(actor, WANTED, WHY)
    assert statuses(answer) == {"flock": "late"}
    workers_end()
    assert flock.asked == []
    assert events(opened, "flock")[-1]["outcome"] in ("late", "failed")


def test_a_source_that_breaks_half_way_keeps_its_good_pages_and_has_failed(
    opened: Hub, actor: Actor, vendor: Any, deadline_when: Any
) -> None:
    flock = vendor("flock")

    def take(*given: Any, **more: Any) -> Any:
        flock.state.faults.html = 1  # from now on every answer is a web page
        return opened.ingest.intake.take(*given, **more)

    deadline_when(lambda: False)
    answer = lookups(opened, intake=SimpleNamespace(take=take)).ask(actor, OFTEN, WHY)
    part = part_of(answer, "flock")
    assert (part.status, part.reads, part.stored, len(answer.rows)) == ("failed", 50, 50, 50)
    assert part.failure == "VendorChanged"
    assert part.error is not None
    assert part.error.partition(" ")[2] == "answered 200, but with a web page: see the path in the address"
    assert any("/page/" in path for path in flock.asked)


def test_every_page_is_asked_for_and_a_second_lookup_stores_nothing(opened: Hub, actor: Actor, vendor: Any) -> None:
    vendor("flock")
    asking = lookups(opened)
    first = part_of(asking.ask(actor, OFTEN, WHY, deadline=PATIENT), "flock")
    second = asking.ask(actor, OFTEN, WHY, deadline=PATIENT)
    again = part_of(second, "flock")
    assert (first.reads, first.stored, first.duplicates) == (60, 60, 0)
    assert (again.reads, again.stored, again.duplicates) == (60, 0, 60)
    assert len(second.rows) == 60


def test_reads_of_two_sources_stay_two_reads_and_say_that_they_were_looked_up(
    opened: Hub, actor: Actor, vendor: Any
) -> None:
    vendor("one")
    vendor("other")
    answer = lookups(opened).ask(actor, WANTED, WHY, deadline=PATIENT)
    named = [row.connection for row in answer.rows]
    assert (named.count("one"), named.count("other")) == (PASSES, PASSES)
    with opened.store.read() as connection:
        assert set(connection.scalars(text("SELECT obtained FROM reads"))) == {"lookup"}


def test_vendors_are_told_the_reason_and_the_case_and_the_last_thirty_days_are_asked_for(
    opened: Hub, actor: Actor, vendor: Any
) -> None:
    flock = vendor("flock")
    lookups(opened).ask(actor, f" {WANTED.lower()} ", WHY, deadline=PATIENT)
    (told,) = flock.state.lookups
    assert told == {
        "plate": WANTED,
        "reason": "a stolen car, report 26-1",
        "caseNumber": "26-1",
        "startDate": "2026-05-02T12:00:00.000000Z",
        "endDate": "2026-06-01T12:00:00.000000Z",
        "results": PASSES,
    }


def test_a_state_and_a_time_hold_for_vendors_and_for_the_store(opened: Hub, actor: Actor, vendor: Any) -> None:
    flock = vendor("flock")
    flock.state.add_pass(WORLD.passes["flock"][0]._replace(id="elsewhere", plate=OFTEN, state="NV"))
    asking = lookups(opened)
    assert len(asking.ask(actor, OFTEN, WHY, deadline=PATIENT).rows) == 61
    window = {"since": NOW - timedelta(hours=10), "until": NOW - timedelta(hours=5)}
    in_time = asking.ask(actor, OFTEN, WHY, **window, deadline=PATIENT)
    assert {row.captured_at for row in in_time.rows} == {NOW - timedelta(hours=hours) for hours in range(6, 11)}
    assert part_of(in_time, "flock").reads < 60
    (nevada,) = (answer := asking.ask(actor, OFTEN, WHY, state="US-NV", deadline=PATIENT)).rows
    assert (nevada.plate_state, part_of(answer, "flock").reads) == ("US-NV", 1)


def test_a_read_that_was_over_age_when_it_came_is_counted_and_not_shown(
    opened: Hub, actor: Actor, clock: SetClock, vendor: Any
) -> None:
    vendor("flock")
    old = sum(one.plate == WANTED for one in WORLD.expiring("flock"))
    assert old > 0
    clock.advance(timedelta(days=2))
    answer = lookups(opened).ask(actor, WANTED, WHY, since=NOW - timedelta(days=30), deadline=PATIENT)
    part = part_of(answer, "flock")
    assert (part.reads, part.stored, part.born_expired) == (PASSES, PASSES - old, old)
    assert len(answer.rows) == PASSES - old


def test_a_record_that_is_no_read_is_quarantined_and_counted(opened: Hub, actor: Actor, vendor: Any) -> None:
    flock = vendor("flock")
    flock.state.faults.malformed = 0.2
    flock.state.faults.malformed_kinds = ("impossible_time",)
    part = part_of(lookups(opened).ask(actor, OFTEN, WHY, deadline=PATIENT), "flock")
    assert part.quarantined == len(flock.state.faults.bad) > 0
    assert (part.status, part.stored) == ("answered", 60 - part.quarantined)


@pytest.mark.clause("palm-springs 430.9 ¶2")
def test_it_is_on_record_before_a_source_is_asked_and_what_came_of_it_afterwards(
    opened: Hub, actor: Actor, vendor: Any
) -> None:
    flock = vendor("flock")
    before: list[list[str]] = []

    class Watched(Audit):
        def record(self, *given: Any, **more: Any) -> None:
            super().record(*given, **more)
            if given[2] == "asked":
                before.append(flock.asked)

    asking = lookups(opened, audit=Watched(opened.store, opened.clock))
    answer = asking.ask(actor, WANTED, WHY, state="US-CA", deadline=PATIENT)
    assert before == [[]]
    asked, answered = events(opened, "flock")
    for event in (asked, answered):
        assert (event["purpose"], event["reason"], event["case_number"]) == (WHY.purpose, WHY.reason, "26-1")
        assert (event["actor"], event["detail"]["plate"]) == ("tester", WANTED)
    assert (asked["outcome"], asked["detail"]["state"]) == ("asked", "US-CA")
    reads = part_of(answer, "flock").reads
    assert (answered["outcome"], answered["results"], answered["detail"]["stored"]) == ("answered", reads, reads)
    question, search = opened.audit.events(2)
    assert (search["action"], search["results"]) == ("reads.search", len(answer.rows))
    assert (question["action"], question["outcome"], question["results"]) == ("reads.lookup", "done", len(answer.rows))
    assert question["detail"]["sources"] == {"flock": "answered"}


def test_a_source_whose_question_cannot_be_put_on_record_is_not_asked(opened: Hub, actor: Actor, vendor: Any) -> None:
    fine, mute = vendor("fine"), vendor("mute")

    class Full(Audit):
        def record(self, *given: Any, **more: Any) -> None:
            if (given[2], more.get("target")) == ("asked", "mute"):
                raise OSError("no space left on device")
            super().record(*given, **more)

    answer = lookups(opened, audit=Full(opened.store, opened.clock)).ask(actor, WANTED, WHY, deadline=PATIENT)
    assert statuses(answer) == {"fine": "answered", "mute": "failed"}
    assert "could not be put on record" in (part_of(answer, "mute").error or "")
    assert (len(fine.asked), mute.asked) == (1, [])


def test_who_does_not_say_why_is_refused_and_nobody_is_asked(opened: Hub, actor: Actor, vendor: Any) -> None:
    flock = vendor("flock")
    requests = flock.state.faults.requests
    for purpose, reason in (
        ("", ""),
        ("stolen_vehicle", ""),
        ("stolen_vehicle", "test"),
        ("curiosity", "a stolen car"),
    ):
        with pytest.raises(PolicyRefused):
            lookups(opened).ask(actor, WANTED, Why(purpose, reason))
        (event,) = opened.audit.events(1)
        assert (event["action"], event["outcome"], event["reason"]) == ("reads.lookup", "refused", reason)
    assert flock.state.faults.requests == requests


def test_a_question_that_cannot_be_names_its_field_and_nobody_is_asked(opened: Hub, actor: Actor, vendor: Any) -> None:
    flock = vendor("flock")
    questions: list[tuple[str, dict[str, Any], str]] = [
        *((plate, {}, "plate: ") for plate in ("9SYN7*", "9SYN?77", "9SYN%", "", "--", "9SYN" * 4)),
        (OFTEN, {"since": NOW, "until": NOW}, "since: "),
        (OFTEN, {"since": NOW + timedelta(days=1)}, "since: "),
        (OFTEN, {"limit": 0}, "limit: "),
        *((OFTEN, {"deadline": seconds}, "deadline: ") for seconds in (0, -1, float("nan"), float("inf"))),
    ]
    for plate, more, named in questions:
        with pytest.raises(Invalid, match=f"^{named}") as refused:
            lookups(opened).ask(actor, plate, WHY, **more)
        assert "SYN" not in str(refused.value)
        assert opened.audit.events(1)[0]["outcome"] == "refused"
    assert flock.asked == []


def test_a_source_that_an_admin_must_mend_is_paused_and_not_asked_again(opened: Hub, actor: Actor, vendor: Any) -> None:
    barred = vendor("barred")
    vendor("fine")
    barred.state.scopes = frozenset()
    asking = lookups(opened)
    first = asking.ask(actor, WANTED, WHY, deadline=PATIENT)
    assert statuses(first) == {"barred": "failed", "fine": "answered"}
    assert part_of(first, "barred").failure == "AdminMustFix"
    assert "answered 403: the account may not do this" in (part_of(first, "barred").error or "")
    account = next(account for account in opened.connections.accounts.list() if account.name == "barred")
    assert account.state == "paused"
    asked = len(barred.asked)
    second = asking.ask(actor, WANTED, WHY, deadline=PATIENT)
    assert statuses(second) == {"barred": "paused", "fine": "answered"}
    assert part_of(second, "barred").error == account.state_reason
    assert len(barred.asked) == asked


def test_an_error_that_nobody_foresaw_is_that_sources_alone_and_quotes_nothing(
    opened: Hub, actor: Actor, vendor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor("fine")
    odd = vendor("odd")
    real = FlockConnector.lookup

    def broken(self: FlockConnector, query: Any) -> Any:
        if self.settings.base_url.startswith(odd.service.url):
            raise ZeroDivisionError(f"the vendor says {query.plate}")
        return real(self, query)

    monkeypatch.setattr(FlockConnector, "lookup", broken)
    answer = lookups(opened).ask(actor, WANTED, WHY, deadline=PATIENT)
    assert statuses(answer) == {"fine": "answered", "odd": "failed"}
    odd = part_of(answer, "odd")
    assert (odd.error, odd.failure) == (
        "its connector has a defect: report it to whoever made it", "ZeroDivisionError",
    )  # fmt: skip
    assert WANTED not in msgspec.json.encode(events(opened, "odd")[-1]["detail"]["error"]).decode()


def test_an_account_that_cannot_be_opened_does_not_hide_the_others(opened: Hub, actor: Actor, vendor: Any) -> None:
    vendor("fine", "odd")

    known = opened.connections.accounts

    def opening(name: str) -> Any:
        if name == "odd":
            raise ValueError("the seal is broken")
        return known.open(name)

    accounts = SimpleNamespace(list=known.list, open=opening, stop=known.stop)
    answer = lookups(opened, accounts=accounts).ask(actor, WANTED, WHY, deadline=PATIENT)
    assert statuses(answer) == {"fine": "answered", "odd": "failed"}
    assert len(answer.rows) == PASSES


def test_more_sources_than_threads_are_all_asked_while_somebody_else_reads(
    opened: Hub, actor: Actor, vendor: Any
) -> None:
    names = [f"flock-{number:02}" for number in range(lookup.MOST_AT_ONCE + 3)]
    vendor(*names)
    threads = set()

    def take(*given: Any, **more: Any) -> Any:
        threads.add(threading.get_ident())
        return opened.ingest.intake.take(*given, **more)

    with opened.store.read() as connection:  # a reader that stays must keep no writer waiting
        assert connection.scalar(text("SELECT count(*) FROM reads")) == 0
        answer = lookups(opened, intake=SimpleNamespace(take=take)).ask(
            actor, WANTED, WHY, deadline=PATIENT, limit=1000
        )
    assert set(statuses(answer).items()) == {(name, "answered") for name in names}
    assert len(answer.rows) == len(names) * PASSES
    assert len(threads) <= lookup.MOST_AT_ONCE


def test_a_source_whose_turn_does_not_come_is_late_and_was_not_asked(
    opened: Hub, actor: Actor, vendor: Any, deadline_when: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "MOST_AT_ONCE", 1)
    first, second = vendor("first"), vendor("second")
    first.state.faults.slow = SILENT
    deadline_when(first.is_asked_again())
    answer = lookups(opened).ask(actor, WANTED, WHY)
    assert statuses(answer) == {"first": "late", "second": "late"}
    assert (part_of(answer, "second").error or "").startswith("was not asked")
    assert second.asked == []
    assert [event["outcome"] for event in events(opened, "second")] == ["late"]


def test_without_a_source_to_ask_the_store_answers_at_once(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [record(1, OFTEN, "2026-06-01T11:00:00Z")])
    opened.ingest.sync.run(actor, "feed")
    started = time.monotonic()
    answer = lookups(opened).ask(actor, OFTEN, WHY, deadline=PATIENT)
    assert time.monotonic() - started < PATIENT / 2
    assert (statuses(answer), len(answer.rows)) == ({"feed": "not-asked"}, 1)


def test_a_hub_without_connections_answers_at_once(opened: Hub, actor: Actor) -> None:
    started = time.monotonic()
    answer = lookups(opened).ask(actor, OFTEN, WHY, deadline=PATIENT)
    assert time.monotonic() - started < PATIENT / 2
    assert (answer.rows, answer.sources) == ([], [])
