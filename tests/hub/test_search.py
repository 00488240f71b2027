"""Search: nothing without purpose and reason, everything on record, patterns that are never code."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain import record, write_page
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.audit.record import Actor, Why
from hub.errors import Invalid, PolicyRefused
from hub.search.pattern import Pattern
from hub.wiring import Hub
from normalize.plate import canonical

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
PLATES = ["7ABC123", "7ABD123", "7AB0012", "8XYZ999", "X7ABC12"]


@pytest.fixture
def stored(opened: Hub, actor: Actor, feed: Path) -> Hub:
    """A store with five plates."""
    write_page(feed, 1, [record(n, plate, f"2026-06-01T11:0{n}:00Z") for n, plate in enumerate(PLATES)])
    opened.sync.run(actor, "feed")
    return opened


@pytest.mark.parametrize(
    ("pattern", "plates"),
    [
        ("7abc-123", ["7ABC123"]),
        ("7AB?12*", ["7ABD123", "7ABC123"]),
        ("*ABC12*", ["X7ABC12", "7ABC123"]),
        ("7AB_123", []),
        ("%", None),
        ("7AB.*", ["7AB0012", "7ABD123", "7ABC123"]),
    ],
)
def test_patterns_find_newest_first(stored: Hub, actor: Actor, pattern: str, plates: list[str] | None) -> None:
    if plates is None:
        with pytest.raises(Invalid):
            stored.search.find(actor, pattern, WHY)
    else:
        assert [row.plate for row in stored.search.find(actor, pattern, WHY)] == plates


@pytest.mark.parametrize(
    ("why", "missing"),
    [
        (Why("", "a stolen car"), "purpose"),
        (Why("immigration_enforcement", "a stolen car"), "purpose"),
        (Why("stolen_vehicle", ""), "reason"),
        (Why("stolen_vehicle", " test "), "reason"),
    ],
)
def test_without_purpose_or_reason_nothing_is_handed_out_and_the_refusal_is_on_record(
    stored: Hub, actor: Actor, why: Why, missing: str
) -> None:
    with pytest.raises(PolicyRefused, match=missing):
        stored.search.find(actor, "7ABC123", why)
    event = stored.audit.events(1)[0]
    assert (event["action"], event["outcome"], event["results"]) == ("reads.search", "refused", None)


def test_suspicion_is_not_asked_for(stored: Hub, actor: Actor) -> None:
    assert stored.search.find(actor, "7ABC123", Why("stolen_vehicle", "routine patrol"))


def test_every_search_is_on_record_with_its_result_count_even_when_it_finds_nothing(stored: Hub, actor: Actor) -> None:
    stored.search.find(actor, "7ABC123", WHY)
    stored.search.find(actor, "NOSUCH1", WHY)
    nothing, one = stored.audit.events(2)
    assert (one["results"], nothing["results"]) == (1, 0)
    assert one["detail"] == {"pattern": "7ABC123"}
    assert (one["actor"], one["authenticated"], one["purpose"], one["reason"], one["case_number"]) == (
        "tester", False, "stolen_vehicle", "case of a stolen car", "26-1",
    )  # fmt: skip


def test_no_record_no_data(stored: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(stored.audit, "record", full)
    with pytest.raises(OSError, match="no space"):
        stored.search.find(actor, "7ABC123", WHY)


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET actor = 'nobody'", "DELETE FROM audit_events"])
def test_the_record_can_only_grow(stored: Hub, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), stored.store.write() as connection:
        connection.execute(text(statement))


@given(st.text(max_size=30))
def test_a_pattern_holds_nothing_but_plate_characters_and_wildcards(text: str) -> None:
    try:
        pattern = Pattern.parse(text)
    except Invalid:
        return
    literal = pattern.text.replace("?", "").replace("*", "")
    assert literal
    assert canonical(literal) == literal
    assert not set(pattern.like().replace("_", "").replace("%", "")) & set("%_\\'\"")
