"""How connections are: each status with its reason, each card with what to do, and no scan behind any of it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from plain import PlainConnector, record, write_page
from registries import Having
from sqlalchemy import event, text

from alprhub.sandbox import flock_settings
from connectors.contract import Document, Proof, PushReport
from connectors.errors import AdminMustFix, TryAgain, VendorChanged
from hub.clock import SetClock
from hub.connections.health import HealthReport, passing
from hub.connections.surroundings import LITTLE
from hub.errors import Invalid, Stopped
from hub.hotlists.lists import NewEntry
from hub.jobs.record import JobRuns
from hub.people import Actor
from hub.store import runs
from hub.store.instant import to_micros
from hub.store.spool import Pushed, Spool
from hub.wiring import Hub

Brings = Callable[..., None]


@pytest.fixture
def brings(opened: Hub, actor: Actor, feed: Path, clock: SetClock) -> Brings:
    """Lets the feed bring reads of so many hours ago in a run of now."""
    made = iter(range(1, 1_000_000))

    def bring(*hours: float, camera: str | None = None) -> None:
        rows = []
        for ago in hours:
            number = next(made)
            row = record(number, f"9SYN{number:04}", (clock.now() - timedelta(hours=ago)).isoformat())
            rows.append(row if camera is None else {**row, "camera": camera})
        write_page(feed, 1, rows)
        opened.ingest.sync.run(actor, "feed", clock.now() - timedelta(days=30), clock.now())

    return bring


WEEKS = [week * 168 + part for week in range(1, 5) for part in (0.2, 0.3, 0.4, 0.5, 0.6)]


def told(hub: Hub) -> HealthReport:
    return hub.connections.health.of("feed")


def titles(report: HealthReport) -> list[str]:
    return [card.title for card in report.cards]


def codes(report: HealthReport) -> list[tuple[str, bool]]:
    return [(card.code, card.needs_person) for card in report.cards]


def push(hub: Hub, *rows: dict[str, Any]) -> None:
    """Keep records as the receiver does once they were pushed."""
    account, connector = hub.connections.accounts.open("feed")
    records = list(connector.unpack(Document(msgspec.json.encode(list(rows)))))
    hub.ingest.intake.take(connector, account.id, records, obtained="push", received_at=hub.clock.now())


def test_a_source_that_brings_what_it_usually_brings_is_well(opened: Hub, brings: Brings) -> None:
    brings(0.1, 0.3, *WEEKS)
    report = told(opened)
    assert (report.status, report.reason, report.cards) == ("ok", "Everything is as it should be.", [])
    assert (report.hour, report.hour_before) == (2, [5, 5, 5, None])
    assert (report.lag_seconds, report.drift, report.requests_used, report.state) == (360, 0.0, "unknown", "active")
    assert report.last_success == opened.clock.now()
    assert opened.connections.health.all() == [report]


def test_what_is_over_is_no_part_of_any_hour(opened: Hub, brings: Brings, clock: SetClock) -> None:
    brings(0.1, 0.3, *WEEKS)
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET expires_at = :now"), {"now": to_micros(clock.now())})
    report = told(opened)
    assert (report.hour, report.hour_before) == (0, [0, 0, 0, None])


def test_a_source_that_always_has_reads_and_now_has_none_is_silent(opened: Hub, brings: Brings) -> None:
    brings(1.5, *WEEKS)
    report = told(opened)
    assert (report.status, titles(report)) == ("silent", ["feed went silent"])
    assert report.reason == "No read in the last hour; this hour always brings some, usually 5."
    assert report.cards[0].command == "alprhub connections dry-run feed"


def test_an_hour_that_is_empty_every_week_is_no_alarm(opened: Hub, brings: Brings) -> None:
    brings(1.5, 169.5, 337.5, 505.5)
    assert told(opened).status == "ok"


def test_a_young_source_is_compared_with_yesterday(opened: Hub, brings: Brings) -> None:
    brings(3, 24.1, 24.2, 24.3, 24.4, 24.5, 26)
    assert told(opened).hour_before == [None] * 4
    assert told(opened).status == "silent"


def test_an_hour_that_brings_few_reads_may_bring_none(opened: Hub, brings: Brings) -> None:
    brings(3, 24.1, 24.2, 24.3, 24.4, 26)
    assert told(opened).status == "ok"


def test_a_source_that_never_brought_a_read_is_silent_after_a_day(opened: Hub, feed: Path, clock: SetClock) -> None:
    assert told(opened).status == "ok"
    clock.advance(timedelta(days=2))
    assert "never brought a read" in told(opened).reason


def test_runs_that_fail_are_counted_and_named(opened: Hub, actor: Actor, brings: Brings, feed: Path) -> None:
    brings(0.1)
    (feed / "page-009.broken.json").touch()
    for _ in range(3):
        with pytest.raises(TryAgain):
            opened.ingest.sync.run(actor, "feed")
    report = told(opened)
    assert report.status == "failing"
    assert report.reason == "3 runs in a row failed since 2026-06-01 05:00 PDT (0 s ago): the vendor is down."
    assert report.cards[0].command == "alprhub connections check feed"
    assert report.last_success is not None


def test_records_that_are_refused_are_told_as_a_share(opened: Hub, actor: Actor, feed: Path) -> None:
    at = "2026-06-01T11:55:00Z"
    write_page(feed, 1, [*(record(n, f"9SYN{n:03}", at) for n in range(45)), *({"id": f"b{n}"} for n in range(5))])
    with suppress(VendorChanged):
        opened.ingest.sync.run(actor, "feed")
    report = told(opened)
    assert (report.status, report.drift) == ("failing", 0.1)
    assert "Too many records of feed are set aside" in titles(report)


def test_a_source_that_has_not_run_is_late(opened: Hub, brings: Brings, clock: SetClock) -> None:
    brings(0.1)
    clock.advance(timedelta(minutes=31))
    report = told(opened)
    assert (report.status, titles(report)) == ("late", ["feed has not run"])
    assert report.reason == "It should run every 10 min, and the last run ended 2026-06-01 05:00 PDT (31 min ago)."


def test_a_source_that_brings_less_than_half_is_late(opened: Hub, brings: Brings) -> None:
    many = [168 + n / 60 for n in range(1, 25)]
    brings(0.1, 200, *many)
    report = told(opened)
    assert (report.status, titles(report)) == ("late", ["feed brings fewer reads"])
    assert report.reason == "1 read in the last hour, where this hour usually brings 24."


def test_a_paused_source_tells_why_and_nothing_else(opened: Hub, actor: Actor, feed: Path, clock: SetClock) -> None:
    opened.connections.accounts.pause(actor, "feed", "contract ended")
    clock.advance(timedelta(days=9))
    report = told(opened)
    assert (report.status, report.reason) == ("paused", "It is paused: contract ended.")
    assert [card.command for card in report.cards] == ["alprhub connections resume feed"]


def test_a_camera_that_brings_nothing_for_ten_of_its_gaps_is_named(opened: Hub, brings: Brings) -> None:
    brings(*(n / 10 for n in range(1, 100)), camera="pier")
    brings(*(5 + n / 10 for n in range(1, 100)), camera="harbour")
    report = told(opened)
    assert (report.status, titles(report)) == ("late", ["1 camera of feed is silent"])
    (camera,) = report.silent_cameras
    assert (camera["camera"], camera["usual_gap_seconds"]) == ("harbour", 360)
    assert "usually one every 6 min" in report.reason


def test_a_camera_that_is_as_silent_every_week_is_not_named(opened: Hub, brings: Brings) -> None:
    brings(*(n / 10 for n in range(1, 30)), camera="pier")
    day = [8 + n / 30 for n in range(250)]
    brings(*day, *(168 + hours for hours in day), 400, camera="works")
    assert told(opened).silent_cameras == []


def test_credentials_that_end_are_told_before_and_fail_after(opened: Hub, actor: Actor, brings: Brings) -> None:
    brings(0.1)
    opened.connections.changes.change(actor, "feed", {"key_ends": "2026-06-20"})
    report = told(opened)
    assert (report.status, report.credentials_end) == ("ok", "2026-06-20")
    assert titles(report) == ["Credentials of feed end in 19 days"]
    opened.connections.changes.change(actor, "feed", {"key_ends": "2026-06-01"})
    assert (told(opened).status, told(opened).reason) == ("failing", "The credentials ended on 2026-06-01.")
    opened.connections.changes.change(actor, "feed", {"key_ends": "2027-06-01"})
    assert told(opened).cards == []


def test_a_list_that_is_not_proved_is_told(
    opened: Hub, actor: Actor, brings: Brings, monkeypatch: pytest.MonkeyPatch
) -> None:
    brings(0.1)
    opened.hotlists.lists.load(actor, "wanted cars", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])

    def refuse(self: Any, delta: Any) -> Any:
        raise TryAgain("the vendor is down")

    monkeypatch.setattr(PlainConnector, "push", refuse)
    opened.hotlists.publishing.publish(actor, "wanted cars", "feed")
    (card,) = told(opened).cards
    assert card.command == "alprhub hotlists publish 'wanted cars' --connection feed"
    assert "the vendor is down" in card.happened


def test_a_source_that_answers_only_when_asked_is_never_called_silent(
    opened: Hub, actor: Actor, clock: SetClock
) -> None:
    opened.connections.accounts.add(actor, "flock", "flock", flock_settings("http://127.0.0.1:1"), check=False)
    clock.advance(timedelta(minutes=5))
    assert opened.connections.health.of("flock").status == "ok"
    clock.advance(timedelta(days=2))
    assert titles(opened.connections.health.of("flock")) == ["flock has not run"]


def test_pushes_that_wait_are_counted(opened: Hub, actor: Actor, feed: Path) -> None:
    assert told(opened).waiting_pushes == 0
    ident = opened.connections.accounts.list()[0].id
    spool = Spool(opened.settings.data / "inbox")
    for number in range(3):
        spool.put(Pushed("feed", ident, to_micros(opened.clock.now()), "application/json", b"[]" * number))
    spool.put(Pushed("other", ident + 1, 1, "application/json", b"[]"))
    assert told(opened).waiting_pushes == 3
    spool.close()


def test_a_connector_that_may_not_run_is_told(opened: Hub, feed: Path, plain_vendor: Having) -> None:
    plain_vendor.absent.add("plain")
    assert titles(told(opened)) == ["feed has no connector"]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_no_question_of_health_reads_the_whole_of_what_grows(opened: Hub, brings: Brings) -> None:
    brings(*(n / 10 for n in range(1, 300)), camera="pier")
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(opened.store._reader, "before_cursor_execute", note)
    told(opened)
    event.remove(opened.store._reader, "before_cursor_execute", note)
    plans = []
    with opened.store.read() as connection:
        for statement, parameters in asked:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            plans += [row[3] for row in rows]
    assert any("ix_reads_camera" in plan for plan in plans)
    assert [plan for plan in plans if plan.startswith("SCAN reads") or plan.startswith("SCAN quarantine")] == []


SOON = "2026-06-01T19:00:00Z"
"""Seven hours ahead of the hub's clock: a camera that writes its local time as UTC."""
NOW = "2026-06-01T11:59:00Z"


def test_pushes_that_are_all_refused_are_no_health(opened: Hub, feed: Path) -> None:
    push(opened, {"id": "b1"}, {"id": "b2"}, {"id": "b3"})
    report = told(opened)
    assert (report.status, report.drift, codes(report)) == ("failing", 1.0, [("records_refused", True)])
    assert report.reason.startswith("3 records of the last 3 could not become reads (100%). Most often")


def test_four_of_five_that_are_refused_are_no_health_though_five_are_few(opened: Hub, feed: Path) -> None:
    push(opened, record(1, "9SYN001", NOW), *({"id": f"b{n}"} for n in range(4)))
    assert (told(opened).status, codes(told(opened))) == ("failing", [("records_refused", True)])


def test_one_of_five_that_is_refused_is_said_and_no_alarm(opened: Hub, feed: Path) -> None:
    push(opened, {"id": "b1"}, *(record(n, f"9SYN00{n}", NOW) for n in range(4)))
    report = told(opened)
    assert (report.status, codes(report)) == ("ok", [("some_refused", False)])
    assert "1 record of the last 5 could not become reads (20%)" in report.reason


def test_good_records_never_make_it_worse(opened: Hub, feed: Path) -> None:
    found = []
    push(opened, {"id": "b1"}, {"id": "b2"})
    for number in range(1, 41):
        found.append(told(opened).status)
        push(opened, record(number, f"9SYN{number:03}", NOW))
    assert found == ["failing"] * 3 + ["ok"] * 37


def test_times_in_the_future_are_told_as_a_wrong_clock_or_zone(opened: Hub, feed: Path) -> None:
    push(opened, *(record(n, f"9SYN00{n}", SOON) for n in range(4)))
    report = told(opened)
    assert (report.status, codes(report)) == ("failing", [("times_in_future", True)])
    assert report.cards[0].command == "alprhub quarantine replay feed"


def test_what_a_replay_has_kept_is_not_refused_any_more(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(feed, 1, [record(n, f"9SYN00{n}", SOON) for n in range(4)])
    opened.ingest.sync.run(actor, "feed")
    assert codes(told(opened)) == [("times_in_future", True)]
    monkeypatch.setattr("normalize.gate.CLOCK_AHEAD", timedelta(days=1))
    opened.ingest.quarantine.replay(actor, "feed")
    assert "times_in_future" not in [code for code, _ in codes(told(opened))]


@pytest.mark.parametrize(
    ("refusal", "code", "verb"),
    [
        ("the vendor answered 401: no right to this folder", "key_refused", "rotate"),
        ("the vendor refuses the key", "key_refused", "rotate"),
        ("the vendor answered 402", "contract_over", "resume"),
        ("the vendor answered 403", "right_missing", "resume"),
        ("the folder /reads does not exist", "place_missing", "resume"),
        ("the time zone is not set", "account_refused", "resume"),
        ("vendor.example answered 401: it refuses the key, or the user and password", "key_refused", "rotate"),
        (
            "the SFTP server host.example refuses the user 'lpr', or the password or private key",
            "key_refused",
            "rotate",
        ),
        ("the bucket 'reads' belongs to a storage that does not know the key id", "key_refused", "rotate"),
        (
            "the bucket 'reads' may not be used so by this key: give its account the right to it",
            "right_missing",
            "resume",
        ),
        (
            "the certificate that vendor.example shows is not one for it: see how it is spelled",
            "address_refused",
            "resume",
        ),
        ("vendor.example answered 400: it wants TLS: write https:// in the address", "address_refused", "resume"),
        ("the SFTP server host.example shows another host key than host_key holds", "address_refused", "resume"),
    ],
)
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_an_account_that_is_refused_is_told_with_what_to_do_about_it(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch, refusal: str, code: str, verb: str
) -> None:
    def refuse(*_: Any) -> Any:
        raise AdminMustFix(refusal)

    monkeypatch.setattr(PlainConnector, "pull", refuse)
    with pytest.raises(AdminMustFix):
        opened.ingest.sync.run(actor, "feed")
    (card,) = told(opened).cards
    assert (card.status, card.code, card.needs_person) == ("paused", code, True)
    assert card.command == f"alprhub connections {verb} feed"
    assert refusal in card.happened
    assert refusal not in card.plain
    assert "alprhub connections resume feed" in card.do + card.command


def test_a_pause_that_a_person_wanted_needs_nobody(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.connections.accounts.stop(actor, "feed", "the vendor refuses the key")
    opened.connections.accounts.resume(actor, "feed")
    opened.connections.accounts.pause(actor, "feed", "the key is new")
    assert codes(told(opened)) == [("paused", False)]


def test_a_vendor_that_is_down_needs_a_person_once_it_lasts(
    opened: Hub, actor: Actor, brings: Brings, feed: Path, clock: SetClock
) -> None:
    brings(0.1)
    (feed / "page-009.broken.json").touch()
    with pytest.raises(TryAgain):
        opened.ingest.sync.run(actor, "feed")
    assert codes(told(opened)) == [("vendor_down", False)]
    clock.advance(timedelta(hours=1))
    assert ("vendor_down", True) in codes(told(opened))


def test_a_time_that_no_run_covered_is_told_until_a_run_covers_it(
    opened: Hub, actor: Actor, brings: Brings, clock: SetClock
) -> None:
    brings(0.1)
    begun = clock.now()
    clock.advance(timedelta(hours=3))
    opened.ingest.sync.run(actor, "feed", begun + timedelta(hours=2), clock.now())
    (card,) = [card for card in told(opened).cards if card.code == "gap"]
    assert "2026-06-01 05:00 PDT to 2026-06-01 07:00 PDT (2 h)" in card.happened
    assert card.command == "alprhub backfill feed"
    opened.ingest.sync.backfill(actor, "feed")
    assert "gap" not in [code for code, _ in codes(told(opened))]


def test_a_time_that_no_run_covered_needs_a_person_only_where_runs_have_not_covered_it_for_an_hour(
    opened: Hub, actor: Actor, brings: Brings, clock: SetClock
) -> None:
    brings(0.1)
    begun = clock.now()
    clock.advance(timedelta(hours=3))
    opened.ingest.sync.run(actor, "feed", begun + timedelta(hours=2, minutes=1), clock.now())
    for minutes, needed in ((0, False), (1, True)):
        clock.advance(timedelta(minutes=minutes))
        opened.ingest.sync.run(actor, "feed", clock.now() - timedelta(minutes=30), clock.now())
        report = told(opened)
        assert ("gap", needed) in codes(report)
        assert (report.needs_person, passing(report.cards)) == (needed, not needed), "exit 78, or 75"


def test_one_run_that_was_killed_passes_by_itself_and_two_in_a_row_need_a_person(
    opened: Hub, feed: Path, clock: SetClock
) -> None:
    for needed in (False, True):
        with opened.store.write() as connection:
            at = to_micros(clock.now())
            ident = runs.begin(connection, 1, runs.TimeSpan(at - 60_000_000, at), at)
            runs.end(connection, ident, at, "Killed", "the process ended before the run did")
        assert ("runs_killed", needed) in codes(told(opened))
        clock.advance(timedelta(minutes=1))


def listed(hub: Hub, actor: Actor) -> None:
    hub.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])


def test_a_list_that_was_never_published_is_told_after_an_hour(
    opened: Hub, actor: Actor, brings: Brings, clock: SetClock
) -> None:
    listed(opened, actor)
    assert "list_not_published" not in [code for code, _ in codes(told(opened))]
    clock.advance(timedelta(minutes=61))
    opened.ingest.sync.run(actor, "feed")
    (card,) = [card for card in told(opened).cards if card.code == "list_not_published"]
    assert card.command == "alprhub hotlists publish wanted --connection feed"
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert "list_not_published" not in [code for code, _ in codes(told(opened))]


def test_an_entry_that_nobody_published_is_told_after_an_hour(
    opened: Hub, actor: Actor, brings: Brings, clock: SetClock
) -> None:
    listed(opened, actor)
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    clock.advance(timedelta(minutes=1))
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN002", "stolen", "26-2", "US-CA")])
    clock.advance(timedelta(minutes=59))
    assert "list_behind" not in [code for code, _ in codes(told(opened))]
    clock.advance(timedelta(minutes=2))
    assert ("list_behind", True) in codes(told(opened))
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert "list_behind" not in [code for code, _ in codes(told(opened))]


@pytest.mark.parametrize("proof", [Proof.READ_BACK, Proof.ACCEPTED])
def test_a_withdrawn_plate_that_a_vendor_still_has_is_told_at_once_and_needs_a_person_after_an_hour(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch, proof: Proof
) -> None:
    monkeypatch.setattr(PlainConnector, "proof", proof)
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN002", "stolen", "26-2", "US-CA")])
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    well = codes(told(opened))
    clock.advance(timedelta(seconds=1))
    opened.hotlists.lists.withdraw(actor, "wanted", "9SYN001", None, "recovered")
    clock.advance(timedelta(seconds=1))
    report = told(opened)
    assert (report.status, codes(report)) == ("late", [("withdrawn_still_there", False)])
    (card,) = report.cards
    assert card.happened.startswith("feed still has 1 plate that was withdrawn from hot list 'wanted' 2026-06-01")
    assert card.command == "alprhub hotlists publish wanted --connection feed"
    assert "9SYN001" not in f"{card}"
    assert passing(report.cards)
    opened.connections.accounts.pause(actor, "feed", "contract ended")
    assert ("withdrawn_still_there", False) in codes(told(opened)), "a pause takes no plate away from a vendor"
    clock.advance(timedelta(hours=1))
    assert ("withdrawn_still_there", True) in codes(told(opened))
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    opened.connections.accounts.resume(actor, "feed")
    after = codes(told(opened))
    assert "withdrawn_still_there" not in dict(after)
    assert set(well) <= set(after)


def test_a_plate_that_another_entry_of_the_list_names_is_not_withdrawn(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    clock.advance(timedelta(seconds=1))
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "used in a robbery", "26-9", "US-CA")])
    assert codes(told(opened)) == []


def test_a_removal_that_the_vendor_ignored_is_told_as_such(
    opened: Hub, actor: Actor, brings: Brings, monkeypatch: pytest.MonkeyPatch
) -> None:
    brings(0.1)
    listed(opened, actor)
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    opened.hotlists.lists.withdraw(actor, "wanted", "9SYN001", None, "recovered")
    monkeypatch.setattr(PlainConnector, "push", lambda self, delta: PushReport(0, 1))
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    (card,) = told(opened).cards
    assert (card.status, card.code, card.needs_person) == ("late", "removal_unproved", True)
    assert card.plain == "Hot list 'wanted' at feed is not proved: 1 entry that should be gone is still there."


def test_a_list_that_is_on_its_way_is_no_alarm_and_one_whose_publication_was_killed_is(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    entry = JobRuns(opened.store, opened.clock).begin("publish", "wanted at feed", "tests")
    assert entry is not None
    seen, whole = list[HealthReport](), PlainConnector.list_remote

    def looked(self: PlainConnector, name: str) -> Any:
        seen.append(told(opened))
        return whole(self, name)

    with monkeypatch.context() as slow:
        slow.setattr(PlainConnector, "list_remote", looked)
        opened.hotlists.publishing.publish(actor, "wanted", "feed")
        opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert len(seen) == 4, "before each push and after it"
    assert {(report.status, report.needs_person) for report in seen} == {("ok", False)}
    assert titles(seen[0]) == titles(seen[1]) == ["Hot list 'wanted' is being published to feed"]
    assert titles(told(opened)) == []

    opened.hotlists.publishing._note(1, 1, clock.now())
    assert codes(told(opened)) == [("list_unproved", False)]
    clock.advance(timedelta(minutes=2))
    assert codes(told(opened)) == [("list_unproved", True)], "its process says nothing any more"
    entry.end("done")
    clock.advance(timedelta(minutes=-2))
    assert codes(told(opened)) == [("list_unproved", True)], "it is over"


def test_what_is_wrong_with_a_copy_is_not_called_over_while_it_is_published_again(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    opened.hotlists.lists.withdraw(actor, "wanted", "9SYN001", None, "recovered")
    seen, whole = list[HealthReport](), PlainConnector.list_remote

    def looked(self: PlainConnector, name: str) -> Any:
        seen.append(told(opened))
        return whole(self, name)

    entry = JobRuns(opened.store, opened.clock).begin("publish", "wanted at feed", "tests")
    assert entry is not None
    with monkeypatch.context() as broken:
        broken.setattr(PlainConnector, "push", lambda self, delta: PushReport(0, 1))
        opened.hotlists.publishing.publish(actor, "wanted", "feed")
        broken.setattr(PlainConnector, "list_remote", looked)
        opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert [codes(report) for report in seen] == [[("removal_unproved", True)]] * 2
    entry.end("done")


def test_a_list_that_nobody_can_look_at_is_said_to_be_unproved_without_an_alarm_for_ever(
    opened: Hub, actor: Actor, brings: Brings, monkeypatch: pytest.MonkeyPatch
) -> None:
    brings(0.1)
    monkeypatch.setattr(PlainConnector, "proof", Proof.ACCEPTED)
    listed(opened, actor)
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    report = told(opened)
    assert (report.status, codes(report)) == ("ok", [("list_cannot_be_proved", False)])
    assert "it is not proved" in report.reason


def test_a_source_that_only_sends_is_not_pulled_and_fails_by_no_run(opened: Hub, actor: Actor) -> None:
    opened.connections.accounts.add(actor, "gate", "unifi", {"webhook_secret": "s3cret-of-the-gate"}, check=False)
    for pull in (opened.ingest.sync.run, opened.ingest.sync.backfill):
        with pytest.raises(
            Invalid, match="gate cannot be pulled: UniFi Protect sends its reads by itself; alprhub serve"
        ):
            pull(actor, "gate")
    now = to_micros(opened.clock.now())
    with opened.store.write() as connection:
        assert connection.execute(text("SELECT count(*) FROM runs")).scalar_one() == 0
        gate = connection.execute(text("SELECT id FROM connections WHERE name = 'gate'")).scalar_one()
        ident = runs.begin(connection, gate, runs.TimeSpan(0, 1), now)
        runs.end(connection, ident, now, "Invalid", "it cannot be pulled")
    assert codes(opened.connections.health.of("gate")) == [], "nor by one that an earlier version began"


def test_pushes_that_wait_longer_than_minutes_are_no_health(opened: Hub, feed: Path, clock: SetClock) -> None:
    spool = Spool(opened.settings.data / "inbox")
    ident = opened.connections.accounts.list()[0].id
    spool.put(Pushed("feed", ident, to_micros(clock.now()), "application/json", b"[]"))
    spool.close()
    assert told(opened).status == "ok"
    clock.advance(timedelta(minutes=6))
    report = told(opened)
    assert (report.status, codes(report)) == ("failing", [("pushes_wait", True)])
    assert report.reason == "1 push of feed waits to be kept, the oldest since 2026-06-01 05:00 PDT (6 min ago)."


def test_pushes_that_were_set_aside_concern_the_hub(opened: Hub) -> None:
    assert opened.connections.health.around() == []
    inbox = opened.settings.data / "inbox"
    inbox.mkdir()
    (inbox / "0000000000000001.broken").write_bytes(b"cut")
    assert [card.code for card in opened.connections.health.around()] == ["pushes_set_aside"]


@pytest.mark.parametrize(
    ("free", "expected"),
    [(LITTLE, []), (LITTLE - 1, [("late", "disk_nearly_full")]), (1 << 30, [("failing", "disk_full")])],
)
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_disk_that_fills_up_concerns_the_hub(
    opened: Hub, monkeypatch: pytest.MonkeyPatch, free: int, expected: list[tuple[str, str]]
) -> None:
    monkeypatch.setattr("hub.connections.surroundings.disk_usage", lambda _: SimpleNamespace(free=free))
    assert [(card.status, card.code) for card in opened.connections.health.around()] == expected


def test_no_card_names_a_class_a_number_for_a_name_or_the_command_that_showed_it(
    opened: Hub, actor: Actor, brings: Brings, feed: Path, clock: SetClock
) -> None:
    listed(opened, actor)
    brings(*(5 + n / 10 for n in range(1, 100)), camera="harbour")
    push(opened, {"id": "b1"})
    (feed / "page-009.broken.json").touch()
    clock.advance(timedelta(hours=2))
    for _ in range(2):
        with pytest.raises(TryAgain):
            opened.ingest.sync.run(actor, "feed")
    report = told(opened)
    assert len(report.cards) > 3
    for card in report.cards:
        words = " ".join((card.title, card.happened, card.do, card.command, card.plain))
        assert not [one for one in ("TryAgain", "VendorChanged", "connection 1", "UTC", "health") if one in words]
        assert card.code
        assert card.plain


def _runs(hub: Hub, actor: Actor, clock: SetClock, monkeypatch: pytest.MonkeyPatch, *errors: Exception | None) -> None:
    """A run a minute; None is one that brings what there is."""
    for error in errors:
        with monkeypatch.context() as vendor, suppress(Stopped, TryAgain):
            if error is not None:
                vendor.setattr(PlainConnector, "pull", raising(error))
            hub.ingest.sync.run(actor, "feed")
        clock.advance(timedelta(minutes=1))


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([None, Stopped("cut"), Stopped("cut")], []),
        ([None, Stopped("cut"), Stopped("cut"), Stopped("cut")], ["runs_stopped"]),
        ([Stopped("cut"), Stopped("cut"), None, Stopped("cut"), Stopped("cut")], []),
        ([Stopped("cut"), Stopped("cut"), Stopped("cut"), None], []),
        ([TryAgain("down"), Stopped("cut"), Stopped("cut"), Stopped("cut")], ["vendor_down"]),
    ],
)
def test_runs_that_are_all_stopped_do_not_hide_a_vendor_that_may_be_down(
    opened: Hub,
    actor: Actor,
    feed: Path,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    outcomes: list[Exception | None],
    expected: list[str],
) -> None:
    _runs(opened, actor, clock, monkeypatch, *outcomes)
    found = [card for card in told(opened).cards if card.code in ("runs_stopped", "vendor_down")]
    assert [card.code for card in found] == expected
    if expected == ["runs_stopped"]:
        (card,) = found
        assert (card.status, card.needs_person, card.command) == ("failing", True, "alprhub connections check feed")
        assert card.happened.startswith("The last 3 runs, since 2026-06-01 05:01 PDT (3 min ago), were all stopped")


def raising(error: Exception) -> Callable[..., Any]:
    """A method that a vendor answers badly."""

    def fail(*_: Any) -> Any:
        raise error

    return fail
