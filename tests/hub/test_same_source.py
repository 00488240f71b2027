"""A source that is under a contract or a stricter kind has no way round it by another connection to the same place."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import manuals
import pytest
from plain import PlainConnector
from registries import Having

from hub.clock import SetClock
from hub.connections.same_source import sources_of
from hub.errors import PolicyRefused
from hub.people import Actor
from hub.policy.contract import SourceContract
from hub.settings import HubSettings
from hub.wiring import Hub

ACTOR = Actor("tester")
FORBIDS = b", sharing: {forbids: [export], ref: section 5}}"
WEEK = b"{contract_id: 24-17, ceiling: {dur: P7D, clock: captured_at, ref: section 4.2}" + FORBIDS
LONGER = b"{ceiling: {dur: P90D, clock: captured_at, ref: section 4}" + FORBIDS
LETTING = b"{ceiling: {dur: P7D, clock: captured_at, ref: section 4}}"


class Motorola(PlainConnector):
    """Hermosa Beach keeps the agency's own reads of this vendor for a year, and what others bring for thirty days."""

    info = replace(PlainConnector.info, key="motorola", retention_vendor="motorola")


class Bought(Motorola):
    """The same, where reads are another's."""

    info = replace(Motorola.info, key="bought", origin="commercial")


@pytest.fixture
def hub(settings: HubSettings, clock: SetClock) -> Iterator[Hub]:
    with manuals.under(settings, clock, "hermosa-beach", registry=Having(plain=Motorola, bought=Bought)) as hub:
        yield hub


def agreed(hub: Hub, name: str, document: bytes) -> SourceContract:
    return hub.connections.contracts.read(document, "c.yaml", name, "own", "motorola")


def add(hub: Hub, name: str, folder: Path, document: bytes | None = None, **more: Any) -> None:
    contract = None if document is None else agreed(hub, name, document)
    more = {"contract": contract, "check": False, **more}
    hub.connections.accounts.add(ACTOR, name, "plain", {"folder": str(folder)}, **more)


def names(hub: Hub) -> list[str]:
    return [one.name for one in hub.connections.accounts.list()]


def test_a_source_under_a_contract_is_added_again_under_the_same_one_alone(hub: Hub, tmp_path: Path) -> None:
    add(hub, "city", tmp_path / "feed", WEEK)
    for document in (None, LONGER, LETTING):
        with pytest.raises(PolicyRefused, match="city brings reads of the same source, and has a contract") as refused:
            add(hub, "city2", tmp_path / "other" / ".." / "feed", document)
        assert "alprhub connections contract city --end --reason WHY" in str(refused.value)
    event = hub.audit.events(1)[0]
    assert (event["action"], event["outcome"], event["target"]) == ("connections.add", "refused", "city2")
    assert event["detail"]["alarm"] is True
    assert names(hub) == ["city"]
    add(hub, "city2", tmp_path / "feed", WEEK)
    add(hub, "county", tmp_path / "elsewhere")
    assert names(hub) == ["city", "city2", "county"]


def test_a_contract_outlives_the_connection_that_was_removed(hub: Hub, tmp_path: Path) -> None:
    add(hub, "city", tmp_path / "feed", WEEK)
    hub.connections.removals.remove(ACTOR, "city", reads="keep", reason="the project is over")
    with pytest.raises(PolicyRefused, match="city, which was removed, brought reads of the same source"):
        add(hub, "city2", tmp_path / "feed")
    add(hub, "city2", tmp_path / "feed", WEEK)


def test_no_connection_is_pointed_to_a_source_whose_contract_it_does_not_have(hub: Hub, tmp_path: Path) -> None:
    add(hub, "city", tmp_path / "feed", WEEK)
    add(hub, "county", tmp_path / "elsewhere")
    with pytest.raises(PolicyRefused, match="county: city brings reads of the same source"):
        hub.connections.changes.change(ACTOR, "county", {"folder": str(tmp_path / "feed")}, check=False)
    hub.connections.changes.change(ACTOR, "county", {"folder": str(tmp_path / "third")}, check=False)


def test_a_source_of_a_stricter_kind_is_added_again_as_one_of_that_kind(hub: Hub, tmp_path: Path) -> None:
    add(hub, "city", tmp_path / "feed", origin="commercial")
    with pytest.raises(PolicyRefused, match="is of the kind commercial, not own") as refused:
        add(hub, "city2", tmp_path / "feed")
    assert "--kind commercial" in str(refused.value)
    add(hub, "city2", tmp_path / "feed", origin="commercial")
    hub.connections.removals.remove(ACTOR, "city", reads="keep", reason="the project is over")
    hub.connections.removals.remove(ACTOR, "city2", reads="keep", reason="the project is over")
    with pytest.raises(PolicyRefused, match="which was removed"):
        add(hub, "city3", tmp_path / "feed")


def test_nobody_gives_a_new_connection_a_kind_alone_whose_reads_live_longer(hub: Hub, tmp_path: Path) -> None:
    where = {"folder": str(tmp_path / "feed")}
    with pytest.raises(PolicyRefused, match="Add it without --kind"):
        hub.connections.accounts.add(ACTOR, "city", "bought", where, check=False, origin="own")
    hub.connections.accounts.add(ACTOR, "city", "bought", where, check=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"base_url": "https://Example.org/api/"}, {"base_url": "http://example.org/api", "api_key": "another"}),
        ({"place": "/x", "reads_folder": "a/b"}, {"place": "/x/a/", "reads_folder": "b"}),
        ({"place": "sftp://ann@host/x", "reads_folder": "in"}, {"place": "sftp://bob@host/x/", "reads_folder": "in/"}),
        ({"host": "broker", "topics": ["a", "b"]}, {"host": "Broker", "topics": ["b"]}),
    ],
)
def test_a_place_is_the_same_however_it_is_written(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert sources_of(one) & sources_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"base_url": "https://nvr.test", "channel": 1}, {"base_url": "https://nvr.test", "channel": 2}),
        ({"place": "/x", "reads_folder": "a"}, {"place": "/x", "reads_folder": "b"}),
        ({"webhook_header": "X-Key"}, {"webhook_header": "X-Key"}),
    ],
)
def test_other_places_are_others(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not sources_of(one) & sources_of(other)
