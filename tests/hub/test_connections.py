"""Connections: checked before they are saved, paced, paused and resumed."""

from datetime import timedelta
from pathlib import Path

import pytest
from plain import record, write_page
from registries import PLAIN
from sqlalchemy import text

from connectors.contract import Limits
from connectors.errors import AdminMustFix, TryAgain
from hub.clock import SetClock
from hub.errors import Conflict, Invalid, NotFound
from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.settings import HubSettings
from hub.store.instant import to_micros
from hub.wiring import Hub, open_hub


def test_an_account_that_does_not_work_is_not_saved(opened: Hub, actor: Actor, tmp_path: Path) -> None:
    with pytest.raises(AdminMustFix):
        opened.connections.accounts.add(actor, "feed", "plain", {"folder": str(tmp_path / "missing")})
    assert opened.connections.accounts.list() == []


def test_a_wrong_setting_is_named(opened: Hub, actor: Actor) -> None:
    with pytest.raises(Invalid, match="folder"):
        opened.connections.accounts.add(actor, "feed", "plain", {})
    with pytest.raises(Invalid, match="colour"):
        opened.connections.accounts.add(actor, "feed", "plain", {"folder": "/", "colour": "red"})


@pytest.mark.parametrize("name", ["", "two words", "../up", "x" * 61])
def test_a_name_that_could_mean_something_else_is_refused(opened: Hub, actor: Actor, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        opened.connections.accounts.add(actor, name, "plain", {"folder": "/"})


def test_names_are_unique_and_unknown_things_are_named(opened: Hub, actor: Actor, feed: Path) -> None:
    with pytest.raises(Conflict, match="feed"):
        opened.connections.accounts.add(actor, "feed", "plain", {"folder": str(feed)})
    with pytest.raises(NotFound, match="nobody"):
        opened.connections.accounts.open("nobody")
    with pytest.raises(NotFound, match="flock"):
        opened.connections.accounts.add(actor, "other", "atlantis", {})


def test_the_agency_whose_account_it_is_must_be_the_hubs(opened: Hub, actor: Actor, tmp_path: Path) -> None:
    settings = {"folder": str(tmp_path)}
    with pytest.raises(Invalid, match="'Elsewhere PD' is not 'Agency'"):
        opened.connections.accounts.add(actor, "feed", "plain", settings, agency="Elsewhere PD")
    with pytest.raises(Invalid, match="agency"):
        opened.connections.accounts.add(actor, "feed", "plain", settings, agency=" ")
    opened.connections.accounts.add(actor, "feed", "plain", settings, agency="Agency")
    (account,) = opened.connections.accounts.list()
    assert (account.agency, account.kind) == ("Agency", "own")


def test_an_account_runs_as_often_as_its_vendor_allows_until_somebody_says_otherwise(
    opened: Hub, actor: Actor, feed: Path
) -> None:
    def every() -> int:
        return opened.connections.accounts.list()[0].every_seconds

    assert every() == Limits().every.total_seconds() == 600
    assert opened.connections.accounts.schedule(actor, "feed", timedelta(minutes=2)) == 120 == every()
    assert opened.connections.accounts.schedule(actor, "feed", None) == 600 == every()
    for wrong in (timedelta(seconds=59), timedelta(days=8)):
        with pytest.raises(Invalid, match="every"):
            opened.connections.accounts.schedule(actor, "feed", wrong)
    told = [event["detail"] for event in opened.audit.events() if event["action"] == "connections.schedule"]
    assert told == [{"seconds": 600, "own": True}, {"seconds": 120, "own": False}]


def test_an_account_that_does_not_work_stays_paused_unless_nobody_asks(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.connections.accounts.pause(actor, "feed", "key revoked")
    (feed / "key").write_text("another key")
    with pytest.raises(AdminMustFix):
        opened.connections.accounts.resume(actor, "feed")
    assert opened.connections.accounts.list()[0].state_reason == "key revoked"
    assert opened.connections.accounts.resume(actor, "feed", check=False) == "not checked"
    opened.connections.accounts.pause(actor, "feed", "again")
    (feed / "key").unlink()
    assert opened.connections.accounts.resume(actor, "feed") == "the folder is there"
    assert opened.connections.accounts.list()[0].state == "active"


def test_what_a_pause_costs_is_said(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("7ZZZ001", "stolen", "26-1", "US-CA")])
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    write_page(feed, 1, [record(1, "7ZZZ002", "2026-06-01T11:00:00Z"), record(2, "7ZZZ003", "2026-05-20T11:00:00Z")])
    opened.ingest.sync.run(actor, "feed")
    cost = opened.connections.pausing.cost("feed")
    assert (cost.reads_last_day, cost.hot_lists, cost.pushed) == (1, ["wanted"], True)
    assert len(cost.costs) == 4
    assert cost.costs[0].startswith("It brought 1 read in the last day;")
    assert cost.costs[1].startswith("Pulling resumes where it stopped, at 2026-06-01 05:00 PDT:"), (
        "by the agency's clock"
    )


def test_what_is_over_is_no_part_of_what_a_pause_costs(opened: Hub, actor: Actor, feed: Path, clock: SetClock) -> None:
    captured = clock.now() - timedelta(hours=1)
    write_page(feed, 1, [record(1, "7ZZZ002", captured.isoformat()), record(2, "7ZZZ003", captured.isoformat())])
    opened.ingest.sync.run(actor, "feed")
    with opened.store.write() as connection:
        over = {"now": to_micros(clock.now())}
        connection.execute(text("UPDATE reads SET expires_at = :now WHERE vendor_read_id = 'r1'"), over)
    assert opened.connections.pausing.cost("feed").reads_last_day == 1


def test_every_live_check_is_one_try(settings: HubSettings, actor: Actor, clock: SetClock) -> None:
    account = {"api_key": "synthetic", "webhook_secret": "synthetic-secret", "base_url": "http://127.0.0.1:1"}
    slept = list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert len(slept) < 5, "it is tried again and again"

    with open_hub(settings, clock, sleep, registry=PLAIN) as hub:
        hub.connections.accounts.add(actor, "agents", "rekor", account, check=False)
        acts = (
            lambda: hub.connections.accounts.add(actor, "second", "rekor", account),
            lambda: hub.connections.accounts.check("agents"),
            lambda: hub.connections.accounts.resume(actor, "agents"),
            lambda: hub.connections.changes.rotate(actor, "agents", {"api_key": "other"}),
            lambda: hub.connections.changes.change(actor, "agents", {"base_url": "http://127.0.0.1:2"}),
        )
        for act in acts:
            with pytest.raises((TryAgain, AdminMustFix)):
                act()
        assert [one.name for one in hub.connections.accounts.list()] == ["agents"]
    assert slept == []
