"""What loosens a promise takes the office's signature, a second person, and a time in which anybody can stop it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import manuals
import pytest
import two
import yaml
from plain import PlainConnector, record, write_page
from registries import Always
from sqlalchemy import text

from hub.audit.actions import Act
from hub.clock import SetClock
from hub.errors import Conflict, Invalid, PolicyRefused
from hub.people import Actor
from hub.policy.decisions import Decision
from hub.policy.document import FOLDER
from hub.settings import HubSettings
from hub.store.instant import from_micros
from hub.wiring import Hub, open_hub

ONE, SECOND, THIRD = Actor("jlee"), Actor("rdiaz"), Actor("mchan")
DAY = timedelta(days=1)
GRACE = 7 * DAY
KEPT = datetime(2026, 6, 1, 12, tzinfo=UTC)
Under = Callable[..., Hub]


class Motorola(PlainConnector):
    """Reads that Motorola keeps: a year where they are the agency's own, and thirty days where they are bought."""

    info = replace(PlainConnector.info, retention_vendor="motorola")


@pytest.fixture
def under(settings: HubSettings, clock: SetClock, tmp_path: Path) -> Iterator[Under]:
    """Opens a hub under a manual, with one read that was kept under it."""
    opened = []

    def open_(manual: str, connector: type[PlainConnector] = PlainConnector) -> Hub:
        opened.append(manuals.under(settings, clock, manual, registry=Always(connector)))
        hub = opened[-1].__enter__()
        write_page(tmp_path / "feed", 1, [record(1, "9SYN001", (KEPT - timedelta(hours=1)).isoformat())])
        hub.connections.accounts.add(ONE, "feed", "plain", {"folder": str(tmp_path / "feed")})
        assert hub.ingest.sync.run(ONE, "feed").stored == 1
        return hub

    yield open_
    for one in opened:
        one.__exit__(None, None, None)


def signed(hub: Hub, **more: Any) -> Decision:
    return two.decision("loosening", **{"title": hub.governing.profile.office, "decided_at": hub.clock.now(), **more})


def proposed(hub: Hub, name: str, by: Actor = ONE) -> int:
    return hub.governing.activate.activate(by, name, "the council's vote", two.signed(hub, name)).id


def own(folder: Path, manual: str, change: Callable[[dict[str, Any]], object]) -> str:
    """A manual's file with something else in it."""
    data = yaml.safe_load(FOLDER.joinpath(f"{manual}.yaml").read_text("utf-8"))
    change(data)
    file = folder / f"{manual}-{len(list(folder.glob('*.yaml')))}.yaml"
    file.write_text(yaml.safe_dump(data), "utf-8")
    return str(file)


def periods(dur: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for rule in data["retention"]["rules"]:
            if rule["max"]:
                rule["max"]["dur"] = dur

    return change


def rows(hub: Hub) -> list[datetime]:
    with hub.store.read() as connection:
        return [from_micros(end) for end in connection.scalars(text("SELECT expires_at FROM reads"))]


def alarms(hub: Hub) -> list[str]:
    """What `health` tells of tries of one person; each is on record too."""
    told = [card.happened for card in hub.connections.health.around() if card.code == "tried_alone"]
    on_record = [one for one in hub.audit.events() if one["detail"].get("alarm")]
    assert bool(told) == bool(on_record)
    assert all(one["outcome"] == "refused" for one in on_record)
    return told


def walks_with_hermosa_beach(hub: Hub, _: Path) -> None:
    hub.governing.activate.activate(ONE, "hermosa-beach", "thirty days will do")


def walks_with_two_files_of_his_own(hub: Hub, folder: Path) -> None:
    hub.governing.activate.activate(ONE, own(folder, "long-beach", periods("P240M")), "we need them")


def walks_with_a_signature_of_another_office(hub: Hub, _: Path) -> None:
    hub.governing.activate.activate(ONE, "palm-springs", "why not", [signed(hub, title="Sergeant")])


def walks_with_a_signature_of_tomorrow(hub: Hub, _: Path) -> None:
    hub.governing.activate.activate(ONE, "palm-springs", "why not", [signed(hub, decided_at=hub.clock.now() + DAY)])


def walks_by_naming_another_office_first(hub: Hub, folder: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["administration"]["change_office"] = {"v": "Sergeant", "force": "shall", "ref": "ours 1"}

    name = own(folder, hub.governing.profile.name, change)
    hub.governing.activate.activate(ONE, name, "it is only a title", two.signed(hub, name)[:-1])


def walks_by_approving_it_himself(hub: Hub, _: Path) -> None:
    hub.access.approvals.approve(ONE, proposed(hub, "palm-springs"))


def walks_by_letting_a_rule_go(hub: Hub, folder: Path) -> None:
    name = own(folder, hub.governing.profile.name, lambda data: data.update(overlays=["us-cjis"]))
    hub.governing.activate.activate(ONE, name, "that statute is not ours", two.signed(hub, name)[:-1])


def walks_by_a_shorter_grace(hub: Hub, folder: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["retention"]["change_grace"] = {"v": "PT1H", "force": "shall", "ref": "ours 2"}

    name = own(folder, hub.governing.profile.name, change)
    hub.governing.activate.activate(ONE, name, "we are quick", two.signed(hub, name)[:-1])


def walks_by_settling_a_conflict_otherwise(hub: Hub, _: Path) -> None:
    floor = {"prevails": "ceiling", "counsel": "opinion 1", "title": "Sergeant", "decided_at": hub.clock.now()}
    decisions = [manuals.decided("wm-d1", "wm-server", "P1Y"), two.decision("conflict:wm-server:wm-server", **floor)]
    hub.governing.activate.activate(ONE, "westminster", "counsel says so", decisions)


def walks_by_adding_a_purpose(hub: Hub, folder: Path) -> None:
    name = own(folder, hub.governing.profile.name, lambda data: data["use"]["purposes"]["v"].append("curiosity"))
    hub.governing.activate.activate(ONE, name, "one more", two.signed(hub, name)[:-1])


def walks_with_a_signature_for_something_else(hub: Hub, _: Path) -> None:
    lengthening = signed(hub).model_copy(update={"settles": "lengthening"})
    hub.governing.activate.activate(ONE, "palm-springs", "it is signed", [lengthening])


def walks_by_tightening_with_a_signature_of_another_office(hub: Hub, folder: Path) -> None:
    name = own(folder, hub.governing.profile.name, periods("P10D"))
    hub.governing.activate.activate(ONE, name, "it is shorter", [signed(hub, title="Sergeant")])


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("manual", "walk"),
    [
        ("westminster", walks_with_hermosa_beach),
        ("long-beach", walks_with_two_files_of_his_own),
        ("westminster", walks_with_a_signature_of_another_office),
        ("hermosa-beach", walks_with_a_signature_of_tomorrow),
        ("hermosa-beach", walks_by_naming_another_office_first),
        ("hermosa-beach", walks_by_approving_it_himself),
        ("hermosa-beach", walks_by_letting_a_rule_go),
        ("long-beach", walks_by_a_shorter_grace),
        ("westminster", walks_by_settling_a_conflict_otherwise),
        ("hermosa-beach", walks_by_adding_a_purpose),
        ("hermosa-beach", walks_with_a_signature_for_something_else),
        ("hermosa-beach", walks_by_tightening_with_a_signature_of_another_office),
    ],
)
def test_one_person_walks_around_no_promise_and_it_is_told(
    under: Under, clock: SetClock, tmp_path: Path, manual: str, walk: Callable[[Hub, Path], None]
) -> None:
    hub = under(manual)
    clock.advance(56 * DAY if manual == "westminster" else DAY)
    before = hub.governing.profile.name, rows(hub)
    with pytest.raises(PolicyRefused):
        walk(hub, tmp_path)
    assert alarms(hub)
    clock.advance(60 * DAY if manual == "westminster" else 2 * DAY)
    hub.access.approvals.carry_out_due(Actor.service("jobs"))
    hub.retention.recompute.run(ONE)
    hub.retention.expired.purge(ONE)
    assert (hub.governing.profile.name, rows(hub)) == before


def test_the_refusal_says_what_is_loosened_who_signs_it_and_which_command_proposes_it(under: Under) -> None:
    hub = under("westminster")
    with pytest.raises(PolicyRefused) as refused:
        hub.governing.activate.activate(ONE, "hermosa-beach", "thirty days will do")
    told = str(refused.value)
    assert "wm-server (462.4 ¶2 s1-s2; Resolution 26-17, item 4) keeps reads at least 1 year from the arrival" in told
    assert "signed by the Professional Standards Unit Commander" in told
    assert "alprhub policy activate hermosa-beach --reason WHY --decisions FILE" in told


def test_what_was_signed_for_one_change_is_not_signed_for_the_next(under: Under, clock: SetClock) -> None:
    hub = under("hermosa-beach")
    decision = signed(hub)
    clock.advance(DAY)
    two.activate(hub, ONE, "long-beach", "the council has decided it", [decision])
    again = decision.model_copy(update={"title": hub.governing.profile.office})
    with pytest.raises(PolicyRefused, match="it must be signed for this change"):
        hub.governing.activate.activate(ONE, "palm-springs", "it is signed", [again])


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_what_is_signed_at_the_instant_at_which_the_policy_came_is_signed_for_the_next_change(under: Under) -> None:
    hub = under("hermosa-beach")
    two.activate(hub, ONE, "long-beach", "the council has decided it")
    assert hub.governing.activate.activate(ONE, "palm-springs", "it is signed", [signed(hub)]).grace_seconds


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("grace", "waits"), [("PT1H", DAY), ("P14D", 14 * DAY)])
def test_what_loosens_waits_for_the_grace_of_the_policy_in_force_and_a_day_at_least(
    under: Under, tmp_path: Path, grace: str, waits: timedelta
) -> None:
    def change(data: dict[str, Any]) -> None:
        data["retention"]["change_grace"] = {"v": grace, "force": "shall", "ref": "ours 1"}

    hub = under("hermosa-beach")
    two.activate(hub, ONE, own(tmp_path, "hermosa-beach", change), "the council has decided it")
    proposal = hub.governing.activate.activate(ONE, "long-beach", "it is signed", two.signed(hub, "long-beach"))
    assert proposal.grace_seconds == waits.total_seconds()


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_what_loosens_and_was_proposed_without_a_grace_is_not_carried_out(under: Under) -> None:
    hub = under("hermosa-beach")
    ident = proposed(hub, "long-beach")
    with hub.store.write() as connection:
        connection.execute(text("UPDATE approvals SET grace = 0"))
    with pytest.raises(PolicyRefused, match="proposed without a grace; propose it anew"):
        hub.access.approvals.approve(SECOND, ident)
    assert hub.governing.profile.name == "hermosa-beach"


def test_what_was_approved_waits_for_its_grace_and_is_carried_out_by_the_hub_itself(
    under: Under, clock: SetClock
) -> None:
    hub, jobs = under("hermosa-beach"), Actor.service("jobs")
    ident = proposed(hub, "long-beach")
    assert hub.access.approvals.approve(SECOND, ident).state == "in_grace"
    assert hub.access.approvals.approve(THIRD, ident).state == "in_grace"
    (card,) = [card for card in hub.connections.health.around() if card.code == "approval_in_grace"]
    assert card.needs_person
    assert "refuse" in card.do
    clock.advance(GRACE - timedelta(microseconds=1))
    assert hub.access.approvals.carry_out_due(jobs) == hub.access.approvals.lapse(jobs) == 0
    assert hub.governing.profile.name == "hermosa-beach"
    clock.advance(timedelta(microseconds=1))
    assert hub.access.approvals.carry_out_due(jobs) == 1
    assert hub.governing.profile.name == "long-beach"
    assert hub.access.approvals.carry_out_due(jobs) == 0
    assert [card.code for card in hub.connections.health.around() if card.code.startswith("approval")] == []


@pytest.mark.parametrize("later", [DAY, GRACE + DAY])
def test_until_it_is_carried_out_anybody_stops_it(under: Under, clock: SetClock, later: timedelta) -> None:
    hub = under("hermosa-beach")
    for stop in (
        lambda ident: hub.access.approvals.refuse(THIRD, ident, "the council has not voted"),
        lambda ident: hub.access.approvals.refuse(SECOND, ident, "I was wrong"),
        lambda ident: hub.access.approvals.withdraw(ONE, ident),
    ):
        ident = proposed(hub, "long-beach")
        hub.access.approvals.approve(SECOND, ident)
        clock.advance(later)
        stop(ident)
        clock.advance(GRACE)
        assert hub.access.approvals.carry_out_due(Actor.service("jobs")) == 0
        with pytest.raises(Conflict):
            hub.access.approvals.approve(SECOND, ident)
    assert hub.governing.profile.name == "hermosa-beach"


def test_what_only_tightens_takes_no_signature_and_no_grace(under: Under, tmp_path: Path) -> None:
    hub = under("long-beach")
    name = own(tmp_path, "long-beach", periods("P12M"))
    ident = hub.governing.activate.activate(ONE, name, "a year will do").id
    assert hub.access.approvals.approve(SECOND, ident).state == "carried_out"
    assert alarms(hub) == []


def test_an_overlay_of_its_own_is_kept_with_the_policy_whatever_its_file_says_later(
    under: Under, settings: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    hub = under("hermosa-beach")
    overlay = {
        "schema_version": "1", "overlay_id": "county", "kind": "ordinance", "applies_to": "the county",
        "rules": [{"id": "county-1", "field": "sharing.sale", "op": "prohibit", "ref": "Ordinance 1"}], "retention": [{
            "id": "county-most", "match": {"origin": "any"}, "copy_at": "any", "min": None,
            "max": {"dur": "P10D", "clock": "captured_at"}, "on_expiry": {"action": "purge", "force": "shall"},
            "ref": "Ordinance 1",
        }],
    }  # fmt: skip
    file = tmp_path / "overlay-county.yaml"
    file.write_text(yaml.safe_dump(overlay), "utf-8")
    name = own(tmp_path, "hermosa-beach", lambda data: data["overlays"].append("county"))
    two.activate(hub, ONE, name, "the county says so")
    overlay["retention"][0]["max"]["dur"] = "P900D"  # type: ignore[index]
    file.write_text(yaml.safe_dump(overlay), "utf-8")
    with open_hub(settings, clock, registry=Always(PlainConnector)) as again:
        assert again.governing.profile.expiry("own", "flock", None, KEPT).at == KEPT + 10 * DAY


def test_a_kind_whose_reads_live_longer_takes_two_and_what_was_destroyed_does_not_come_back_by_it(
    under: Under, clock: SetClock
) -> None:
    hub = under("hermosa-beach", Motorola)
    hub.connections.changes.change(ONE, "feed", {}, kind="commercial", expire=True)
    clock.advance(31 * DAY)
    assert hub.retention.expired.purge(ONE) == {"feed": 1}
    with pytest.raises(PolicyRefused, match="connections change feed --kind own --reason WHY --decisions FILE"):
        hub.connections.changes.change(ONE, "feed", {}, kind="own")
    assert alarms(hub)
    proposal = hub.connections.kinds.propose(ONE, "feed", "own", "they are ours", [signed(hub)])
    assert hub.access.approvals.approve(SECOND, proposal.id).state == "in_grace"
    clock.advance(GRACE)
    assert hub.access.approvals.carry_out_due(Actor.service("jobs")) == 1
    assert hub.connections.accounts.list()[0].kind == "own"
    hub.connections.accounts.add(ONE, "again", "motorola", {"folder": str(feed_of(hub))})
    assert [hub.ingest.sync.run(ONE, name, KEPT - DAY, clock.now()).stored for name in ("feed", "again")] == [0, 0]


def test_another_kind_is_not_carried_out_where_the_source_was_changed_since(under: Under, clock: SetClock) -> None:
    hub = under("hermosa-beach", Motorola)
    hub.connections.changes.change(ONE, "feed", {}, kind="commercial", expire=True)
    proposal = hub.connections.kinds.propose(ONE, "feed", "own", "they are ours", [signed(hub)])
    hub.access.approvals.approve(SECOND, proposal.id)
    hub.connections.changes.change(ONE, "feed", {}, kind="native_reader", expire=True)
    clock.advance(GRACE)
    assert hub.access.approvals.carry_out_due(Actor.service("jobs")) == 0
    assert hub.access.approvals.get(proposal.id).state == "overtaken"
    assert hub.connections.accounts.list()[0].kind == "native_reader"


def test_another_kind_that_loosens_nothing_needs_nobody_else(under: Under) -> None:
    hub = under("hermosa-beach", Motorola)
    with pytest.raises(Invalid, match="leave out --decisions"):
        hub.connections.kinds.propose(ONE, "feed", "commercial", "they are bought", [signed(hub)])


def feed_of(hub: Hub) -> Path:
    return Path(hub.connections.accounts.open("feed")[1].settings.folder)


def test_what_one_tried_alone_is_told_for_thirty_days(opened: Hub, clock: SetClock) -> None:
    def tries() -> int:
        opened.governing.alarms.refused(ONE, Act.POLICY_ACTIVATE, "a policy", "it takes two")
        with opened.store.read() as connection:
            return len(connection.execute(text("SELECT 1 FROM alarms")).all())

    told = []
    for days in (0, 29, 2):
        clock.advance(days * DAY)
        told.append(tries())
    assert told == [1, 2, 2]
