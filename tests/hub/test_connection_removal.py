"""Removing a connection: nothing of it goes on anywhere, what cannot be proved stops it, and a certificate says so."""

import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import two
from plain import PlainConnector, record, write_page
from sqlalchemy import text

from alprhub.sandbox import Faults, Service, World, flock_settings, rekor_settings
from alprhub.sandbox.flock import FlockState, flock_app
from alprhub.sandbox.rekor import RekorState, rekor_app
from connectors import http
from connectors.contract import Proof
from connectors.errors import TryAgain
from hub.cases.holds import NewHold
from hub.clock import SetClock
from hub.connections.waiting import Waiting
from hub.errors import Conflict, IntegrityBroken, Invalid, NotFound
from hub.hotlists.lists import NewEntry
from hub.jobs.jobs import Jobs
from hub.people import Actor, Why
from hub.search.query import Query
from hub.wiring import Hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
ENDED = "the contract has ended"
PUSHES = "the end of its source's pushes"
"""What nobody proves of a source that was told to push by a person."""


def remove(hub: Hub, actor: Actor, name: str = "feed", reads: Any = "keep", **more: Any) -> dict[str, Any]:
    done = hub.connections.removals.remove(actor, name, reads=reads, reason=ENDED, **more)
    assert done == hub.connections.removals.certificate(name)
    told: dict[str, Any] = done["certificate"]
    return told


def row_of(hub: Hub, name: str) -> Any:
    with hub.store.read() as connection:
        return connection.execute(text("SELECT * FROM connections WHERE name = :name"), {"name": name}).one()


def scheduled(hub: Hub) -> set[str]:
    return {task.subject for task in Jobs(hub, "tests").due("sync")}


def events(hub: Hub, action: str = "connections.remove") -> list[tuple[str, str | None]]:
    """The outcomes of what was recorded of an action, oldest first."""
    told = [event for event in reversed(hub.audit.events(1000)) if event["action"] == action]
    return [(event["outcome"], event["detail"].get("step")) for event in told]


@pytest.fixture
def world(clock: SetClock) -> World:
    return World(7, clock.now(), passes=110)


@pytest.fixture
def flock(opened: Hub, actor: Actor, world: World, clock: SetClock) -> Iterator[FlockState]:
    """The connection `flock` to a stand-in that holds two subscriptions of it and one hot list of ours."""
    app = flock_app(world, clock=clock.now)
    state: FlockState = app.state.flock
    for ident, enabled in (("s-on", True), ("s-off", False)):
        state.subscriptions[ident] = {
            "id": ident, "callbackUrl": "https://hub.example/in/flock", "enabled": enabled,
            "credentials": {"scheme": "none"}, "contentType": "application/json",
        }  # fmt: skip
    with Service(app) as service:
        settings = {**flock_settings(service.url), "requests_per_second": 1000}
        opened.connections.accounts.add(actor, "flock", "flock", settings)
        opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
        assert opened.hotlists.publishing.publish(actor, "wanted", "flock").verified
        yield state


@pytest.fixture
def rekor(opened: Hub, actor: Actor, world: World, clock: SetClock) -> Iterator[tuple[RekorState, Faults]]:
    """The connection `rekor` to a stand-in that gave its reads and holds two hot lists of ours."""
    app = rekor_app(world, clock=clock.now)
    with Service(app) as service:
        settings = {**rekor_settings(service.url), "fetch_images": False, "requests_per_second": 1000}
        opened.connections.accounts.add(actor, "rekor", "rekor", settings)
        opened.ingest.sync.run(actor, "rekor", clock.now() - timedelta(days=31), clock.now() + timedelta(hours=1))
        for name in ("felony", "wanted"):
            opened.hotlists.lists.load(actor, name, [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
            assert opened.hotlists.publishing.publish(actor, name, "rekor").verified
        yield app.state.rekor, app.state.faults


def test_flock_keeps_no_subscription_and_no_list_and_the_hub_no_secret_and_no_schedule(
    opened: Hub, actor: Actor, flock: FlockState
) -> None:
    assert "flock" in scheduled(opened)
    told = remove(opened, actor, "flock")
    assert (flock.subscriptions, flock.hotlists) == ({}, {})
    assert told["subscriptions"] == {"found": ["s-on", "s-off"], "left": 0, "proved": True, "error": None}
    assert told["hot_lists"] == [
        {"list": "wanted", "proof": "read_back", "proved": True, "left": 0, "deleted": True, "error": None}
    ]
    assert (told["reason"], told["ended_by"], told["proof_missing"]) == (ENDED, "tester", [])
    row = row_of(opened, "flock")
    assert json.loads(row.settings).keys() == {"source"}, "where it was, by digest alone"
    assert (row.state, bytes(row.sealed), row.sealed_key, row.every_seconds) == (
        "removed", b"", "", None,
    )  # fmt: skip
    assert scheduled(opened) == set()
    assert events(opened) == [
        ("asked", None), ("step", "subscriptions"), ("step", "hot_lists"), ("step", "reads"), ("done", None),
    ]  # fmt: skip


def test_rekor_keeps_no_list_and_its_reads_stay_with_their_source_until_their_time_is_up(
    opened: Hub, actor: Actor, rekor: tuple[RekorState, Faults], clock: SetClock
) -> None:
    state, _ = rekor
    before = opened.search.reads.find(actor, Query(WHY, connections=("rekor",))).rows
    told = remove(opened, actor, "rekor")
    assert state.lists == {}
    assert [(one["list"], one["proved"], one["deleted"]) for one in told["hot_lists"]] == [
        ("felony", True, True), ("wanted", True, True),
    ]  # fmt: skip
    assert told["subscriptions"] == {
        "found": [], "left": None, "proved": False, "error": None,
        "note": "tell the source of rekor to stop pushing; the hub refuses whatever it still pushes",
    }  # fmt: skip
    after = opened.search.reads.find(actor, Query(WHY, connections=("rekor",))).rows
    assert len(before) > 0
    assert [row.id for row in after] == [row.id for row in before]
    assert (told["reads"]["policy"], told["reads"]["purged"]) == ("keep", 0)
    assert told["reads"]["kept"] >= len(before)
    clock.advance(timedelta(days=31))
    assert opened.retention.expired.purge(actor)["rekor"] == told["reads"]["kept"]
    assert opened.connections.removals.certificate("rekor")["certificate"] == told


@pytest.mark.parametrize("key", ["axis", "dahua", "generic_webhook", "hikvision", "rekor", "unifi"])
def test_that_a_source_stops_pushing_is_never_called_proved_and_what_it_pushes_is_refused(
    opened: Hub, actor: Actor, feed: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = opened.connections.accounts.kind(key)
    whole = opened.connections.accounts.open
    monkeypatch.setattr(opened.connections.accounts, "open", lambda name: (whole(name)[0], kind.offline()))
    told = remove(opened, actor)
    assert (told["subscriptions"]["proved"], told["proof_missing"]) == (False, [PUSHES])
    assert told["not_proved"] == [
        {
            "what": PUSHES,
            "because": "only a person can tell the source to stop, and the hub cannot see that it did; the hub refuses"
            " whatever it still pushes",
            "forced": None,
        }
    ]
    assert row_of(opened, "feed").state == "removed"


def test_reads_that_are_purged_are_gone_and_those_on_hold_stay_and_are_named(
    opened: Hub, actor: Actor, rekor: tuple[RekorState, Faults]
) -> None:
    with opened.store.write() as connection:
        held = list(connection.scalars(text("SELECT id FROM reads ORDER BY id LIMIT 2")))
        for ident in held:
            connection.execute(text("UPDATE reads SET held = :yes WHERE id = :id"), {"yes": True, "id": ident})
        count = connection.scalar(text("SELECT count(*) FROM reads")) or 0
    told = remove(opened, actor, "rekor", "purge")["reads"]
    assert told == {
        "policy": "purge", "before": count, "purged": count - 2, "kept": 2, "held": 2, "held_reads": held,
    }  # fmt: skip
    with opened.store.read() as connection:
        assert list(connection.scalars(text("SELECT id FROM reads ORDER BY id"))) == held
        for table, column in (("payloads", "read_id"), ("ledger", "read_id")):
            assert sorted(connection.scalars(text(f"SELECT {column} FROM {table}"))) == held


def test_what_is_held_is_over_for_everybody_but_its_holders_and_goes_with_its_hold(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    write_page(feed, 1, [record(n, f"9SYN00{n}", "2026-06-01T11:00:00Z", candidates=[["9SYNX", 0.2]]) for n in (1, 2)])
    opened.ingest.sync.run(actor, "feed")
    by_plate = [Query(WHY, plates=(plate,), candidates=True) for plate in ("9SYN001", "9SYNX")]
    (row,) = opened.search.reads.find(actor, by_plate[0]).rows
    new = NewHold("litigation", "26-1", "a suit is pending", clock.now() + timedelta(days=30))
    hold = two.place(opened, actor, new, reads=[row.id]).id
    told = remove(opened, actor, reads="purge")["reads"]
    assert (told["purged"], told["held"], told["held_reads"]) == (1, 1, [row.id])
    assert [opened.search.reads.find(actor, query).rows for query in by_plate] == [[], []]
    assert [held.id for held in opened.cases.holds.reads(actor, hold, WHY).rows] == [row.id]
    with pytest.raises(NotFound):
        opened.cases.links.link(actor, [row.id], "26-1")
    assert opened.retention.expired.purge(actor) == {"feed": 0}
    opened.cases.holds.release(actor, hold, "settled", resolved="settled")
    assert opened.retention.expired.purge(actor) == {"feed": 1}
    with opened.store.read() as connection:
        for table in ("reads", "payloads", "ledger", "candidates", "plates"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0


def test_what_the_policy_wants_kept_is_not_purged_before_its_time(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from hub.policy.durations import Duration
    from hub.policy.resolution import Chosen
    from hub.policy.rules import Limit

    rule = opened.governing.profile.rule_for("own", "flock")
    kept = replace(rule, min=Limit(Duration.parse("P3D"), "received_at", "P3D"))
    monkeypatch.setattr(
        opened.governing.profile, "_chosen", {("own", "flock", None, "hub"): Chosen((kept,), (), (kept,), None)}
    )
    write_page(feed, 1, [record(1, "9SYN001", "2026-06-01T11:00:00Z")])
    opened.ingest.sync.run(actor, "feed")
    assert remove(opened, actor, reads="purge")["reads"]["kept"] == 1
    clock.advance(timedelta(days=3))
    assert opened.retention.expired.purge(actor) == {"feed": 1}


def test_a_removed_connection_cannot_run_be_opened_or_be_added_again(opened: Hub, actor: Actor, feed: Path) -> None:
    remove(opened, actor)
    assert opened.connections.accounts.list() == []
    assert [one.state for one in opened.connections.accounts.list(removed=True)] == ["removed"]
    for act in (
        lambda: opened.ingest.sync.run(actor, "feed"),
        lambda: opened.connections.accounts.open("feed"),
        lambda: opened.connections.accounts.resume(actor, "feed"),
        lambda: opened.connections.accounts.pause(actor, "feed", "again"),
        lambda: opened.connections.changes.rotate(actor, "feed", {"api_key": "x"}),
        lambda: opened.connections.accounts.schedule(actor, "feed", None),
    ):
        with pytest.raises(NotFound, match="was removed"):
            act()
    with pytest.raises(Conflict, match="certificate"):
        opened.connections.accounts.add(actor, "feed", "plain", {"folder": str(feed)})


def test_no_secret_is_left_of_a_removed_connection(opened: Hub, actor: Actor, feed: Path) -> None:
    sealed = bytes(row_of(opened, "feed").sealed)
    opened.store.squeeze()
    remove(opened, actor)
    if opened.store.is_sqlite:
        files = [path for path in opened.settings.data.rglob("*") if path.is_file()]
        assert [path for path in files if sealed in path.read_bytes()] == []
    assert "plain-secret-key" not in json.dumps(opened.connections.removals.certificate("feed"))


def test_a_vendor_that_is_down_stops_the_removal_which_goes_on_where_it_stopped(
    opened: Hub, actor: Actor, rekor: tuple[RekorState, Faults], monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = http.Http.__init__.__kwdefaults__
    monkeypatch.setattr(http.Http.__init__, "__kwdefaults__", {**patient, "patience": timedelta(seconds=0.1)})
    state, faults = rekor
    faults.outage(seconds=3600)
    with pytest.raises(Conflict, match=r"stopped at its hot list 'felony'.*--force"):
        remove(opened, actor, "rekor")
    assert (row_of(opened, "rekor").state, len(state.lists)) == ("removing", 2)
    with pytest.raises(Conflict, match="is being removed"):
        opened.ingest.sync.run(actor, "rekor")
    for act in (opened.connections.accounts.resume, opened.connections.accounts.pause):
        with pytest.raises(Conflict, match="is being removed"):
            act(actor, "rekor", *(["why"] if act == opened.connections.accounts.pause else []))
    with pytest.raises(Conflict, match="--keep-reads"):
        remove(opened, actor, "rekor", "purge")
    faults.outage()
    assert remove(opened, actor, "rekor")["proof_missing"] == [PUSHES]
    assert state.lists == {}
    assert [outcome for outcome, _ in events(opened)] == [
        "asked",
        "step",
        "stopped",
        "resumed",
        "step",
        "step",
        "step",
        "done",
    ]


def test_without_a_proof_it_goes_on_only_for_a_reason_that_the_certificate_tells(
    opened: Hub, actor: Actor, flock: FlockState, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = http.Http.__init__.__kwdefaults__
    monkeypatch.setattr(http.Http.__init__, "__kwdefaults__", {**patient, "patience": timedelta(seconds=0.1)})
    flock.faults.outage(seconds=3600)
    with pytest.raises(Invalid, match="reason"):
        remove(opened, actor, "flock", force=" ")
    told = remove(opened, actor, "flock", force="the vendor is out of business")
    assert told["proof_missing"] == ["subscriptions", "hot list wanted"]
    assert told["subscriptions"]["forced"] == told["hot_lists"][0]["forced"] == "the vendor is out of business"
    assert row_of(opened, "flock").state == "removed"


def test_a_delivery_that_nobody_can_look_at_is_no_proof(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlainConnector, "proof", Proof.ACCEPTED)
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    with pytest.raises(Conflict, match="not proved"):
        remove(opened, actor)
    told = remove(opened, actor, force="this vendor offers no way to look")
    assert (told["hot_lists"][0]["proof"], told["proof_missing"]) == ("accepted", [PUSHES, "hot list wanted"])


def test_secrets_that_do_not_open_are_no_reason_to_keep_a_connection(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET sealed_key = 'lost'"))
    with pytest.raises(Conflict, match="cannot be opened"):
        remove(opened, actor)
    assert len(remove(opened, actor, force="the key is lost")["proof_missing"]) == 2


def test_a_removal_waits_for_a_run_that_is_under_way(opened: Hub, actor: Actor, feed: Path) -> None:
    ident = row_of(opened, "feed").id
    with (
        opened.store.lease(f"sync-{ident}"),
        pytest.raises(Conflict, match="feed is being synced by another process since"),
    ):
        remove(opened, actor)
    assert row_of(opened, "feed").state == "active"
    remove(opened, actor)


STEPS = ["_begin", "_revoke", "_keep_steps", "_end_reads", "_finish"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_removal_that_is_killed_at_any_step_is_finished_by_the_next_try(
    opened: Hub, actor: Actor, rekor: Any, flock: FlockState, step: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = getattr(opened.connections.removals, step)

    def killed(*args: Any, **more: Any) -> Any:
        if when == "after":
            whole(*args, **more)
        raise KeyboardInterrupt

    for name in ("flock", "rekor"):
        with monkeypatch.context() as broken:
            broken.setattr(opened.connections.removals, step, killed)
            with pytest.raises(KeyboardInterrupt):
                remove(opened, actor, name, "purge")
        told = remove(opened, actor, name, "purge")
        assert told["proof_missing"] == ([PUSHES] if name == "rekor" else [])
        assert told["reads"]["purged"] == told["reads"]["before"]
    assert (flock.subscriptions, flock.hotlists, rekor[0].lists) == ({}, {}, {})
    assert {row_of(opened, name).state for name in ("flock", "rekor")} == {"removed"}
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM reads")) == 0


def test_a_push_that_is_cut_short_is_known_to_a_removal(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    whole = PlainConnector.push

    def killed(self: PlainConnector, delta: Any) -> Any:
        whole(self, delta)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(PlainConnector, "push", killed)
        with pytest.raises(KeyboardInterrupt):
            opened.hotlists.publishing.publish(actor, "wanted", "feed")
    (told,) = remove(opened, actor)["hot_lists"]
    assert (told["list"], told["proved"]) == ("wanted", True)
    assert json.loads((feed / "list.json").read_bytes()) == []


def test_a_list_that_can_only_be_emptied_is_proved_empty(
    opened: Hub, actor: Actor, rekor: tuple[RekorState, Faults], monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.vendors.rekor import RekorConnector

    def refuse(self: Any, name: str) -> None:
        raise TryAgain("not now")

    monkeypatch.setattr(RekorConnector, "drop_list", refuse)
    told = remove(opened, actor, "rekor")["hot_lists"]
    assert [(one["proved"], one["deleted"]) for one in told] == [(True, False), (True, False)]
    assert "could not be deleted: not now" in told[0]["error"]
    assert [len(one.entries) for one in rekor[0].lists.values()] == [0, 0]


def test_a_certificate_can_be_checked_by_anybody_and_tells_when_it_was_changed(
    opened: Hub, actor: Actor, feed: Path
) -> None:
    remove(opened, actor)
    told = opened.connections.removals.certificate("feed")
    body = json.dumps(told["certificate"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert sha256(body.encode()).hexdigest() == told["sha256"]
    assert opened.audit.events(1)[0]["detail"]["sha256"] == told["sha256"]
    with opened.store.write() as connection:
        connection.execute(text("UPDATE removals SET certificate = replace(certificate, 'tester', 'nobody')"))
    with pytest.raises(IntegrityBroken, match="digest"):
        opened.connections.removals.certificate("feed")


@pytest.mark.parametrize(
    ("pushes", "missing"),
    [
        (Waiting({}, {}, 0), []),
        (Waiting({1: 3}, {}, 0), ["pushes that were not kept yet"]),
        (Waiting({1: 0, 99: 5}, {}, 0), []),
        (Waiting(None, {}, 0), ["pushes that were not kept yet"]),
        (Waiting({}, {}, 2), ["pushes that were set aside"]),
        (Waiting({1: 1}, {}, 1), ["pushes that were not kept yet", "pushes that were set aside"]),
    ],
)
def test_what_was_pushed_and_is_no_read_yet_is_in_the_certificate(
    opened: Hub, actor: Actor, feed: Path, pushes: Waiting, missing: list[str]
) -> None:
    assert row_of(opened, "feed").id == 1
    opened.connections.spool.waiting = lambda: pushes  # type: ignore[method-assign]
    told = remove(opened, actor, reads="purge")
    assert told["proof_missing"] == [PUSHES, *missing]
    because = {one["what"]: (one["because"], one["forced"]) for one in told["not_proved"]}
    for what, why in (
        ("pushes that were not kept yet", "they lie in the inbox; a receiver that is up drops them"),
        ("pushes that were set aside", "they cannot be read, so whose they are is not known; what names this"),
    ):
        assert (what in because) is (what in missing)
        assert what not in because or (because[what][0].startswith(why), because[what][1]) == (True, None)


def test_there_is_no_certificate_of_what_was_not_removed(opened: Hub, actor: Actor, feed: Path) -> None:
    for name in ("feed", "nobody"):
        with pytest.raises(NotFound, match="no certificate"):
            opened.connections.removals.certificate(name)
    with pytest.raises(NotFound, match="nobody"):
        remove(opened, actor, "nobody")
    for wrong in ({"reads": "burn", "reason": "x"}, {"reads": "keep", "reason": " "}):
        with pytest.raises(Invalid):
            opened.connections.removals.remove(actor, "feed", **wrong)  # type: ignore[arg-type]
