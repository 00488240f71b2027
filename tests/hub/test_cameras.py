"""Cameras and their sites: the agency's own word for a place that several cameras watch."""

from pathlib import Path

import pytest
from plain import record, write_page
from sqlalchemy import text

from hub.errors import Invalid, NotFound
from hub.people import Actor, Why
from hub.search.query import Query
from hub.wiring import Hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")


@pytest.fixture
def watched(opened: Hub, actor: Actor, feed: Path) -> Hub:
    """Three reads by three cameras."""
    write_page(feed, 1, [record(n, f"7SYN00{n}", f"2026-06-01T11:0{n}:00Z") for n in range(3)])
    opened.ingest.sync.run(actor, "feed")
    return opened


def test_reads_are_found_by_the_site_of_their_camera(watched: Hub, actor: Actor) -> None:
    watched.connections.cameras.set_site(actor, "feed", "c0", "Pier Ave")
    watched.connections.cameras.set_site(actor, "feed", "c2", "Pier Ave")
    rows = watched.search.reads.find(actor, Query(WHY, sites=("Pier Ave",))).rows
    assert [(row.plate, row.site) for row in rows] == [("7SYN002", "Pier Ave"), ("7SYN000", "Pier Ave")]
    watched.connections.cameras.set_site(actor, "feed", "c2", "")
    assert [row.plate for row in watched.search.reads.find(actor, Query(WHY, sites=("Pier Ave",))).rows] == ["7SYN000"]
    assert [one.site for one in watched.connections.cameras.list()] == ["Pier Ave", None, None]


def test_who_named_a_site_is_on_record(watched: Hub, actor: Actor) -> None:
    watched.connections.cameras.set_site(actor, "feed", "c1", " Gould Ave ")
    event = watched.audit.events(1)[0]
    assert (event["action"], event["actor"], event["target"]) == ("cameras.site", "tester", "feed")
    assert event["detail"] == {"camera": "c1", "site": "Gould Ave"}


def test_a_camera_that_nobody_knows_and_a_name_that_is_none_are_refused(watched: Hub, actor: Actor) -> None:
    with pytest.raises(NotFound, match="c9"):
        watched.connections.cameras.set_site(actor, "feed", "c9", "Pier Ave")
    for name in ("x" * 101, "two\nlines"):
        with pytest.raises(Invalid, match="site"):
            watched.connections.cameras.set_site(actor, "feed", "c1", name)


def test_a_camera_is_known_by_its_name_too_where_only_one_has_it(watched: Hub, actor: Actor) -> None:
    with watched.store.write() as connection:
        connection.execute(text("UPDATE cameras SET name = 'Pier' WHERE vendor_id = 'c0'"))
        connection.execute(text("UPDATE cameras SET name = 'Gate' WHERE vendor_id <> 'c0'"))
    assert watched.connections.cameras.set_site(actor, "feed", "Pier", "Harbor").vendor_id == "c0"
    with pytest.raises(Invalid, match="camera: 2 of feed are called 'Gate'; say which by its id: c1, c2"):
        watched.connections.cameras.set_site(actor, "feed", "Gate", "Harbor")


def test_the_spellings_of_one_id_are_one_camera(opened: Hub, actor: Actor, feed: Path) -> None:
    spellings = ("Gate 1", "gate 1", "GATE  1", "74:AC:B9:00:00:01", "74acb9000001", "74:ac:b9:0:0:1", "gate-1")
    records = [
        {**record(n, f"7SYN00{n}", f"2026-06-01T11:0{n}:00Z"), "camera": spelling}
        for n, spelling in enumerate(spellings)
    ]
    write_page(feed, 1, records[:3])
    write_page(feed, 2, records[3:])
    opened.ingest.sync.run(actor, "feed")
    assert [camera.vendor_id for camera in opened.connections.cameras.list()] == [
        "74:AC:B9:00:00:01",
        "Gate 1",
        "gate-1",
    ]
    with opened.store.read() as connection:
        reads = connection.execute(text("SELECT camera_id, count(*) FROM reads GROUP BY camera_id")).all()
    assert sorted(count for _, count in reads) == [1, 3, 3]
