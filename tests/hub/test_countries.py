"""Countries of reads: kept, found, exported, shown, and part of every match with a hot list."""

import csv
from pathlib import Path
from typing import Any

import msgspec
import pytest
from plain import record, write_page
from sqlalchemy import text

from hub.hits import Compared, compare
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.search.formats import Format
from hub.search.query import Query
from hub.wiring import Hub
from normalize.origin import origin

AT = "2026-06-01T11:00:00Z"
WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
FROM = {
    "9SYN001": {"state": "us-ca"}, "9SYN002": {"state": "MA", "country": "BR"}, "9SYN003": {"state": "on"},
    "9SYN004": {"state": "de", "country": "eu"}, "9SYN005": {"state": None}, "9SYN006": {"state": "br-sp"},
}  # fmt: skip
TOLD = {
    "9SYN001": ("US-CA", "US"), "9SYN002": (None, "BR"), "9SYN003": ("CA-ON", "CA"), "9SYN004": (None, "DE"),
    "9SYN005": (None, None), "9SYN006": (None, "BR"),
}  # fmt: skip


@pytest.fixture
def stored(opened: Hub, actor: Actor, feed: Path) -> Hub:
    """A store with a plate of each origin."""
    write_page(feed, 1, [record(n, plate, AT, **more) for n, (plate, more) in enumerate(FROM.items())])
    opened.ingest.sync.run(actor, "feed")
    return opened


def found(hub: Hub, actor: Actor, *countries: str, **more: Any) -> dict[str, tuple[str | None, str | None]]:
    rows = hub.search.reads.find(actor, Query(WHY, plates=("9SYN*",), countries=countries, **more)).rows
    return {row.plate: (row.plate_state, row.plate_country) for row in rows}


def test_a_read_is_kept_with_its_country_and_found_by_it(stored: Hub, actor: Actor) -> None:
    assert found(stored, actor) == TOLD
    assert set(found(stored, actor, "BR")) == {"9SYN002", "9SYN006"}
    assert set(found(stored, actor, "DE", "CA")) == {"9SYN003", "9SYN004"}
    assert set(found(stored, actor, "US")) == {"9SYN001"}
    assert found(stored, actor, "MX") == {}
    told = stored.audit.events(1)[0]["detail"]["query"]
    assert told["countries"] == ["MX"], "what was asked is on record"


def test_a_read_from_before_countries_has_that_of_its_state_and_is_never_written_anew_for_it(
    stored: Hub, actor: Actor
) -> None:
    with stored.store.write() as connection:
        connection.execute(text("UPDATE reads SET plate_country = NULL WHERE plate_state IS NOT NULL"))
    assert found(stored, actor) == TOLD
    assert set(found(stored, actor, "US")) == {"9SYN001"}
    assert stored.ingest.reparse.run(actor, "feed").changed == 0


def test_a_country_that_was_not_there_before_comes_with_reading_again(stored: Hub, actor: Actor) -> None:
    with stored.store.write() as connection:
        connection.execute(text("UPDATE reads SET plate_country = NULL"))
    assert found(stored, actor, "BR") == {}
    done = stored.ingest.reparse.run(actor, "feed")
    assert (done.changed, done.countries, done.states) == (3, 3, 0)
    assert found(stored, actor) == TOLD


def test_the_vendors_word_for_a_country_is_kept_where_it_said_one_and_costs_nothing_where_not(stored: Hub) -> None:
    with stored.store.read() as connection:
        rows = connection.execute(text("SELECT p.details FROM payloads p ORDER BY p.read_id"))
        kept = [msgspec.json.decode(bytes(details)).get("country") for (details,) in rows]
    assert kept == [
        None, {"code": "BR", "said": "BR", "known": "mapped"}, None, {"code": "DE", "said": "de", "known": "mapped"},
        None, {"code": "BR", "said": "br-sp", "known": "mapped"},
    ]  # fmt: skip


def test_a_country_is_in_every_export(stored: Hub, actor: Actor, tmp_path: Path) -> None:
    out = {form: tmp_path / f"reads.{form}" for form in Format}
    for form, path in out.items():
        stored.search.export.run(actor, Query(WHY, plates=("9SYN00?",)), form, path)
    with out[Format.CSV].open(newline="") as file:
        by_form: list[list[Any]] = [list(csv.DictReader(file))]
    by_form.append([msgspec.json.decode(line) for line in out[Format.JSONL].read_bytes().splitlines()])
    features = msgspec.json.decode(out[Format.GEOJSON].read_bytes())["features"]
    by_form.append([feature["properties"] for feature in features])
    for rows in by_form:
        assert {row["plate"]: row["plate_country"] or None for row in rows} == {
            plate: country for plate, (_, country) in TOLD.items()
        }


def test_a_hit_compares_countries_as_it_compares_states(opened: Hub, actor: Actor, feed: Path) -> None:
    origins = [("9SYN002", None, "BR"), ("9SYN002", None, "PT"), ("9SYN002", "US-MA", None), ("9SYN002", None, None),
               ("9SYNOO2", None, "BR"), ("9SYN001", None, "US"), ("9SYN001", None, "MX"),
               ("9SYN005", None, "BR")]  # fmt: skip
    entries = [NewEntry(plate, "stolen", "26-1", state, country=country) for plate, state, country in origins]
    opened.hotlists.lists.load(actor, "wanted", entries)
    reads = [record(n, plate, AT, **FROM[plate]) for n, plate in enumerate(("9SYN001", "9SYN002", "9SYN005"))]
    write_page(feed, 1, reads)
    opened.ingest.sync.run(actor, "feed")
    with opened.store.read() as connection:
        rows = connection.execute(
            text(
                "SELECT e.plate, coalesce(e.plate_state, e.plate_country), h.kind, h.state_match "
                "FROM hits h JOIN hotlist_entries e ON e.id = h.entry_id"
            )
        )
        assert {tuple(row) for row in rows} == {
            ("9SYN002", "BR", "exact", "same"), ("9SYN002", "PT", "other_state", "mismatch"),
            ("9SYN002", "US-MA", "other_state", "mismatch"), ("9SYN002", None, "other_state", "unknown"),
            ("9SYNOO2", "BR", "folded", "same"), ("9SYN001", "US", "other_state", "unknown"),
            ("9SYN001", "MX", "other_state", "mismatch"), ("9SYN005", "BR", "other_state", "unknown"),
        }  # fmt: skip


@pytest.mark.parametrize("country", ["US", "CA", "MX", "AU"])
def test_the_same_country_is_not_enough_where_states_give_plates(country: str) -> None:
    assert compare(Compared("1", None, country), Compared("1", None, country)) == ("other_state", "unknown")


def test_entries_of_one_plate_may_differ_by_their_country_alone(opened: Hub, actor: Actor) -> None:
    entries = [NewEntry("9SYN001", "stolen", "26-1", country=country) for country in ("DE", "FR", None)]
    assert opened.hotlists.lists.load(actor, "wanted", entries).added == 3
    assert opened.hotlists.lists.load(actor, "wanted", entries, complete=True).unchanged == 3
    assert opened.hotlists.lists.load(actor, "wanted", entries[:1], complete=True, removing=2).removed == 2
    assert opened.hotlists.lists.withdraw(actor, "wanted", "9SYN001", None, "recovered").removed == 1


def test_an_entry_with_a_state_is_the_same_whether_its_country_is_said_or_not(opened: Hub, actor: Actor) -> None:
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    again = NewEntry("9SYN001", "stolen", "26-1", "US-CA", country="US")
    assert opened.hotlists.lists.load(actor, "wanted", [again], complete=True).unchanged == 1


def test_origins_are_looked_up_once_each() -> None:
    assert origin("us-ca") is origin("us-ca")
