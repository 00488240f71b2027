"""Connections: checked before they are saved, and never forgotten while they hold something."""

from pathlib import Path

import pytest
from plain import record, write_page

from connectors.errors import AdminMustFix
from hub.audit.record import Actor
from hub.clock import SetClock
from hub.errors import Conflict, Invalid, NotFound
from hub.hotlists.lists import NewEntry
from hub.wiring import Hub


def test_an_account_that_does_not_work_is_not_saved(opened: Hub, actor: Actor, tmp_path: Path) -> None:
    with pytest.raises(AdminMustFix):
        opened.connections.add(actor, "feed", "plain", {"folder": str(tmp_path / "missing")})
    assert opened.connections.list() == []


def test_a_wrong_setting_is_named(opened: Hub, actor: Actor) -> None:
    with pytest.raises(Invalid, match="folder"):
        opened.connections.add(actor, "feed", "plain", {})
    with pytest.raises(Invalid, match="colour"):
        opened.connections.add(actor, "feed", "plain", {"folder": "/", "colour": "red"})


@pytest.mark.parametrize("name", ["", "two words", "../up", "x" * 61])
def test_a_name_that_could_mean_something_else_is_refused(opened: Hub, actor: Actor, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        opened.connections.add(actor, name, "plain", {"folder": "/"})


def test_names_are_unique_and_unknown_things_are_named(opened: Hub, actor: Actor, feed: Path) -> None:
    with pytest.raises(Conflict, match="feed"):
        opened.connections.add(actor, "feed", "plain", {"folder": str(feed)})
    with pytest.raises(NotFound, match="nobody"):
        opened.connections.open("nobody")
    with pytest.raises(NotFound, match="flock"):
        opened.connections.add(actor, "other", "atlantis", {})


def test_an_account_is_removed_only_when_nothing_of_it_is_left(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    from datetime import timedelta

    opened.hotlists.load(actor, "wanted", [NewEntry("7ZZZ001", "stolen", "26-1", "US-CA")])
    opened.publishing.publish(actor, "wanted", "feed")
    write_page(feed, 1, [record(1, "7ZZZ002", "2026-06-01T11:00:00Z")])
    opened.sync.run(actor, "feed")
    with pytest.raises(Conflict, match="reads"):
        opened.connections.remove(actor, "feed")
    clock.advance(timedelta(days=31))
    opened.retention.purge(actor)
    with pytest.raises(Conflict, match="hot lists"):
        opened.connections.remove(actor, "feed")
    opened.hotlists.withdraw(actor, "wanted", "7ZZZ001", None, "recovered")
    opened.publishing.publish(actor, "wanted", "feed")
    opened.connections.remove(actor, "feed")
    assert opened.connections.list() == []
