"""Reconciliation: what came and what became of it add up, to the last read, and what does not is named."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from plain import record, write_page
from sqlalchemy import text

from hub.clock import SetClock
from hub.people import Actor
from hub.wiring import Hub

AT = "2026-06-01T11:{:02d}:00Z"
LIFE = timedelta(days=30)


def told(hub: Hub, actor: Actor) -> dict[date, dict[str, Any]]:
    """The days of a feed that add up."""
    account = hub.reconciliation.run(actor)
    assert account.differences == []
    names = ("pulled", "stored", "duplicates", "quarantined", "born_expired", "visible", "unpurged", "held", "purged")
    return {one.day: {name: count for name in names if (count := getattr(one, name))} for one in account.days}


def change(hub: Hub, statement: str) -> None:
    with hub.store.write() as connection:
        connection.execute(text(statement))


@pytest.mark.clause("palm-springs 430.9(e) s2", lacks="the hourly roll-up")
def test_every_record_of_a_day_is_accounted_for_through_its_whole_life(
    opened: Hub, actor: Actor, clock: SetClock, feed: Path
) -> None:
    old = record(9, "9SYN009", "2026-04-01T11:00:00Z")
    write_page(feed, 1, [*(record(n, f"9SYN00{n}", AT.format(n)) for n in range(3)), {"id": "bad"}, old])
    opened.sync.run(actor, "feed")
    first = date(2026, 6, 1)
    came = {"pulled": 5, "stored": 3, "quarantined": 1, "born_expired": 1}
    assert told(opened, actor) == {first: came | {"visible": 3}}
    clock.advance(timedelta(days=1))
    opened.sync.run(actor, "feed", clock.now() - timedelta(days=2))
    second = told(opened, actor)
    assert second[first] == came | {"visible": 3}
    assert (second[date(2026, 6, 2)]["pulled"], second[date(2026, 6, 2)]["duplicates"]) == (5, 3)
    change(opened, "UPDATE reads SET held = true WHERE vendor_read_id = 'r0'")
    clock.advance(datetime.fromisoformat(AT.format(1)) + LIFE - clock.now())
    assert told(opened, actor)[first] == came | {"visible": 1, "unpurged": 1, "held": 1}
    opened.retention.purge(actor)
    assert told(opened, actor)[first] == came | {"visible": 1, "held": 1, "purged": 1}
    change(opened, "UPDATE reads SET held = false")
    clock.advance(timedelta(days=1))
    opened.retention.purge(actor)
    assert told(opened, actor)[first] == came | {"purged": 3}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM reads WHERE vendor_read_id = 'r0'", "1 stored reads are gone and no purge has counted them"),
        ("UPDATE days SET stored = stored - 1", "1 records not accounted for; 1 reads are there that no page has"),
        ("UPDATE days SET duplicates = duplicates + 2", "2 records accounted for twice"),
        ("DELETE FROM days", "3 reads of a day that nobody counted"),
    ],
)
def test_a_single_read_too_few_or_too_many_is_named(
    opened: Hub, actor: Actor, feed: Path, statement: str, said: str
) -> None:
    write_page(feed, 1, [record(n, f"9SYN00{n}", AT.format(n)) for n in range(3)])
    opened.sync.run(actor, "feed")
    change(opened, statement)
    (day,) = opened.reconciliation.run(actor).differences
    assert (day.connection, day.day) == ("feed", date(2026, 6, 1))
    assert said in (day.said or "")
    event = opened.audit.events(1)[0]
    assert (event["action"], event["outcome"]) == ("retention.reconcile", "differs")
    assert said in event["detail"]["differences"][0]


def test_connections_are_reconciled_apart_and_a_hub_without_reads_has_nothing_to_tell(
    opened: Hub, actor: Actor, feed: Path, tmp_path: Path
) -> None:
    assert opened.reconciliation.run(actor).days == []
    other = tmp_path / "other"
    other.mkdir()
    opened.connections.add(actor, "other", "plain", {"folder": str(other)})
    for name, folder, count in (("feed", feed, 2), ("other", other, 3)):
        write_page(folder, 1, [record(n, f"9SYN00{n}", AT.format(n)) for n in range(count)])
        opened.sync.run(actor, name)
    assert {one.connection: one.visible for one in opened.reconciliation.run(actor).days} == {"feed": 2, "other": 3}
