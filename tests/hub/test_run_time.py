"""A run has an end, however slowly a source answers; and what is kept of it holds no secret of its connection."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from plain import PlainConnector, record
from sqlalchemy import text

from connectors.contract import Page, Record
from connectors.errors import AdminMustFix, TryAgain, VendorChanged
from connectors.places import BrokenOff
from hub.ingest import sync
from hub.people import Actor
from hub.wiring import Hub

SECRET = "MARKED/secret of the feed"
DAY = timedelta(days=1)


@pytest.fixture
def feed(opened: Hub, actor: Actor, tmp_path: Path) -> Hub:
    (tmp_path / "feed").mkdir()
    told = {"folder": str(tmp_path / "feed"), "api_key": SECRET}
    opened.connections.accounts.add(actor, "feed", "plain", told, check=False)
    return opened


def _dripping(pulls: list[float], at: datetime) -> Any:
    """A source that has one page more for very long, and notes how long it may still take."""

    def pull(self: PlainConnector, _: Any) -> Iterator[Page]:
        for number in range(10):
            pulls.append(self.frame.patience())
            yield Page([Record("plain", msgspec.json.encode(record(len(pulls), f"9SYN{number:03d}", at.isoformat())))])

    return pull


def test_a_run_that_takes_too_long_ends_with_what_came_and_the_next_one_goes_on(
    feed: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls: list[float] = []
    monkeypatch.setattr(PlainConnector, "pull", _dripping(pulls, feed.clock.now() - timedelta(minutes=5)))
    monkeypatch.setattr(sync, "LONGEST", timedelta(0))
    for run in (1, 2):  # nobody holds the connection's turn behind it
        with pytest.raises(TryAgain, match="feed answered so slowly that the run was ended after"):
            feed.ingest.sync.run(actor, "feed")
        assert len(pulls) <= 2 * run  # one page is made ahead
    with feed.store.read() as connection:
        kept = connection.execute(text("SELECT checkpoint, (SELECT count(*) FROM reads) AS reads FROM connections"))
        row = kept.one()
    assert row.reads >= 2
    assert not row.checkpoint or "until" not in row.checkpoint


def test_no_request_of_a_run_waits_longer_than_the_run_may_take(
    feed: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls: list[float] = []
    monkeypatch.setattr(PlainConnector, "pull", _dripping(pulls, feed.clock.now() - timedelta(minutes=5)))
    feed.ingest.sync.run(actor, "feed")
    assert all(0 < left <= sync.LONGEST.total_seconds() for left in pulls)
    assert pulls == sorted(pulls, reverse=True)


def test_each_day_of_a_backfill_has_its_own_time(feed: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    begin = sync.RunTime.begin
    monkeypatch.setattr(sync.RunTime, "begin", lambda self: (begun.append(1), begin(self))[1])
    now = feed.clock.now()
    feed.ingest.sync.backfill(actor, "feed", now - 3 * DAY, now)
    assert len(begun) == 1 + 3


@pytest.mark.parametrize("kind", [AdminMustFix, TryAgain])
def test_what_a_connector_says_is_kept_without_the_secrets_of_its_connection(
    feed: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    basic = b64encode(f"hub:{SECRET}".encode()).decode()

    def pull(self: Any, _: Any) -> Any:
        raise kind(f"the vendor refuses {SECRET}, sent as {basic} and MARKED%2Fsecret%20of%20the%20feed")

    monkeypatch.setattr(PlainConnector, "pull", pull)
    with pytest.raises(kind):
        feed.ingest.sync.run(actor, "feed")
    with feed.store.read() as connection:
        asked = ("SELECT error FROM runs", "SELECT state_reason FROM connections")
        kept = [connection.scalar(text(one)) for one in asked]
    told = repr([*kept, feed.audit.events(20)])
    assert "the vendor refuses ***" in told
    for part in ("MARKED", "secret of", basic[8:20]):
        assert part not in told


def test_a_run_is_kept_by_what_happens_next_whichever_kind_of_it_was_raised(
    feed: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull(self: Any, _: Any) -> Any:
        raise BrokenOff("the connection broke off")

    monkeypatch.setattr(PlainConnector, "pull", pull)
    with pytest.raises(TryAgain):
        feed.ingest.sync.run(actor, "feed")
    with feed.store.read() as connection:
        assert connection.scalar(text("SELECT outcome FROM runs")) == "TryAgain"


def test_what_came_in_place_of_an_answer_is_kept_once_and_no_time_is_claimed(
    feed: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = b"<html>Sign in</html>" + bytes(100_000)

    def pull(self: Any, _: Any) -> Any:
        raise VendorChanged("the answer is a web page", page)

    monkeypatch.setattr(PlainConnector, "pull", pull)
    for _ in range(2):
        with pytest.raises(VendorChanged):
            feed.ingest.sync.run(actor, "feed")
    (group,) = feed.ingest.quarantine.groups(actor)
    assert (group.count, group.reason) == (1, "the answer is a web page")
    kept = feed.ingest.quarantine.show(actor, "feed", group.field, group.reason)
    assert kept.payload == page[: 1 << 16]
    assert feed.connections.accounts.list()[0].checkpoint == {}
    assert feed.ingest.quarantine.replay(actor, "feed").stored == 0
