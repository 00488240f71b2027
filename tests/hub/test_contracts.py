"""What was agreed with a source stands on its connection: two contracts are two lives, none longer than policy's."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import manuals
import pytest
import two
from plain import PlainConnector, record, write_page
from registries import Having
from sqlalchemy import text

from connectors.contract import PushReport
from hub.clock import SetClock
from hub.errors import Conflict, IntegrityBroken, Invalid, PolicyConflict, PolicyRefused
from hub.hotlists.lists import NewEntry
from hub.ingest.intake import Intake
from hub.jobs.jobs import Jobs
from hub.people import Actor, Why
from hub.proposals import Action
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store.instant import from_micros
from hub.wiring import Hub

ACTOR = Actor("tester")
CAPTURED = datetime(2026, 6, 1, 11, tzinfo=UTC)
DAY = timedelta(days=1)
PLATE = "9SYN001"
WEEK = b"{contract_id: 24-17, ceiling: {dur: P7D, clock: captured_at, ref: section 4.2}}"
OURS = b"{contract_id: 24-17, ownership: {owner: Marisol Beach PD, ref: section 3}}"
Opened = Callable[..., Hub]


class Lists(PlainConnector):
    """A vendor that takes hot lists."""

    def push(self, delta: Any) -> PushReport:
        return PushReport(len(delta.add), len(delta.remove))

    def list_remote(self, name: str) -> Iterator[Any]:
        return iter(())


@pytest.fixture
def under(settings: HubSettings, clock: SetClock) -> Iterator[Opened]:
    """Opens a hub under a manual."""
    with ExitStack() as stack:
        registry = Having(plain=PlainConnector, lists=Lists)
        yield lambda manual="hermosa-beach": stack.enter_context(
            manuals.under(settings, clock, manual, registry=registry)
        )


def add(hub: Hub, folder: Path, name: str, document: bytes | None = None, key: str = "plain") -> None:
    agreed = None if document is None else hub.connections.contracts.read(document, "c.yaml", name, "own", "flock")
    hub.connections.accounts.add(ACTOR, name, key, {"folder": str(folder / name)}, check=False, contract=agreed)


def bring(hub: Hub, folder: Path, name: str, number: int = 1, at: datetime = CAPTURED) -> None:
    write_page(folder / name, 1, [record(number, PLATE, at.isoformat())])
    assert hub.ingest.sync.run(ACTOR, name, at - DAY).stored == 1


def ends(hub: Hub) -> dict[str, tuple[timedelta, str]]:
    """How long after its capture each connection's newest read ends, and by which rule."""
    sql = (
        "SELECT c.name, r.captured_at, r.expires_at, r.rule FROM reads r JOIN connections c ON c.id = r.connection_id"
        " ORDER BY r.id"
    )
    with hub.store.read() as connection:
        rows = connection.execute(text(sql)).all()
    return {row.name: (from_micros(row.expires_at) - from_micros(row.captured_at), row.rule) for row in rows}


def query(hub: Hub, **more: Any) -> Query:
    why = Why(hub.governing.profile.purposes[0], "report of a stolen car", "26-1", "none")
    return Query(why, plates=(PLATE,), **more)


def events(hub: Hub, action: str) -> list[dict[str, Any]]:
    return [event for event in hub.audit.events(200) if event["action"] == action]


def test_two_contracts_with_one_vendor_are_two_lives(under: Opened, tmp_path: Path, clock: SetClock) -> None:
    hub = under("long-beach")
    for name, document in (("city", WEEK), ("county", None)):
        add(hub, tmp_path, name, document)
        bring(hub, tmp_path, name)
    assert ends(hub)["city"] == (7 * DAY, "city-ceiling")
    assert ends(hub)["county"][1] == "lb-own"
    clock.advance(CAPTURED + 7 * DAY - clock.now())
    assert {row.connection for row in hub.search.reads.find(ACTOR, query(hub)).rows} == {"county"}
    assert hub.retention.expired.purge(ACTOR) == {"city": 1, "county": 0}
    (certificate,) = hub.retention.certificates.list()
    assert (certificate["rule"], certificate["clause"]) == ("city-ceiling", "24-17 section 4.2")


@pytest.mark.parametrize("manual", ["hermosa-beach", "palm-springs", "westminster"])
def test_no_contract_lets_a_read_live_longer_than_policy(under: Opened, tmp_path: Path, manual: str) -> None:
    hub = under(manual)
    add(hub, tmp_path, "usual")
    add(hub, tmp_path, "longer", b"ceiling: {dur: P9Y, clock: captured_at, ref: section 4}")
    for name in ("usual", "longer"):
        bring(hub, tmp_path, name)
    assert ends(hub)["longer"] == ends(hub)["usual"]


def test_a_hit_does_not_lift_a_contracts_ceiling(under: Opened, tmp_path: Path) -> None:
    hub = under("palm-springs")
    hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA")])
    add(hub, tmp_path, "city", WEEK)
    bring(hub, tmp_path, "city")
    assert ends(hub)["city"] == (7 * DAY, "city-ceiling")


def test_before_a_contracts_floor_nobody_deletes_not_even_with_the_connection(
    under: Opened, tmp_path: Path, clock: SetClock
) -> None:
    hub = under()
    add(hub, tmp_path, "city", b"floor: {dur: P10D, clock: received_at, ref: section 5}")
    bring(hub, tmp_path, "city")
    received = clock.now()
    told = hub.connections.removals.remove(ACTOR, "city", reads="purge", reason="the contract has ended")["certificate"]
    assert (told["reads"]["kept"], told["reads"]["purged"]) == (1, 0)
    clock.advance(10 * DAY - (clock.now() - received))
    assert hub.retention.expired.purge(ACTOR) == {"city": 1}


def test_a_contract_that_cannot_be_kept_beside_the_policy_is_refused(under: Opened, tmp_path: Path) -> None:
    hub = under()
    with pytest.raises(PolicyConflict, match=r"city-floor keeps longer than hb-flock allows.*settles: conflict:"):
        add(hub, tmp_path, "city", b"floor: {dur: P60D, clock: received_at, ref: section 5}")
    assert hub.connections.accounts.list() == []


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"{vendor: motorola, ceiling: {dur: P7D, clock: captured_at, ref: here}}", "vendor: the contract is for 'mot"),
        (b"{connection: pier, ceiling: {dur: P7D, clock: captured_at, ref: here}}", "connection: the contract is for"),
        (b"{agency: ca-long-beach-pd, ceiling: {dur: P7D, clock: captured_at, ref: x}}", "agency: the contract is for"),
        (b"{ceiling: {dur: 7, clock: captured_at, ref: here}}", "ceiling.dur"),
        (b"contract_id: 24-17", "says nothing: it needs"),
    ],
)
def test_a_contract_of_another_source_and_one_that_says_nothing_are_refused(
    under: Opened, tmp_path: Path, document: bytes, told: str
) -> None:
    hub = under()
    with pytest.raises(Invalid) as refused:
        add(hub, tmp_path, "city", document)
    assert told in str(refused.value)
    assert str(refused.value).startswith("c.yaml: ")


def test_another_contract_takes_two_people_and_holds_for_what_is_kept_too(
    under: Opened, tmp_path: Path, clock: SetClock
) -> None:
    hub = under()
    add(hub, tmp_path, "city")
    bring(hub, tmp_path, "city")
    clock.advance(8 * DAY)
    proposal = hub.connections.contracts.propose(ACTOR, "city", WEEK, "c.yaml", "the city signed it")
    assert proposal.words == "city: a read is kept at most 7 days from its capture (24-17 section 4.2)"
    assert hub.connections.contracts.effect_of(proposal) == (1, 1)
    assert ends(hub)["city"] == (30 * DAY, "hb-flock")
    with pytest.raises(PolicyRefused, match="tester proposed it"):
        hub.access.approvals.approve(ACTOR, proposal.id)
    done = hub.access.approvals.approve(two.SECOND, proposal.id)
    assert done.outcome == {"connection": "city", "shortened": 1}
    assert hub.search.reads.find(ACTOR, query(hub)).rows == []
    bring(hub, tmp_path, "city", 2, clock.now() - timedelta(hours=1))
    assert ends(hub)["city"] == (7 * DAY, "city-ceiling")
    (now,) = hub.connections.contracts.of("city")
    assert (now.reason, now.set_by, now.approval) == ("the city signed it", "second", proposal.id)
    changed = events(hub, "connections.contract")[1]
    assert (changed["outcome"], changed["detail"]["contract"]["contract_id"]) == ("changed", "24-17")
    assert (changed["detail"]["before"], changed["detail"]["proposed_by"]) == (None, "tester")


def test_one_person_alone_cannot_let_go_of_what_a_contract_keeps(under: Opened, tmp_path: Path) -> None:
    hub = under()
    add(hub, tmp_path, "city", b"floor: {dur: P10D, clock: received_at, ref: section 5}")
    with pytest.raises(PolicyRefused, match=r"loosens what is promised: city-floor .*--end --reason WHY --decisions"):
        hub.connections.contracts.propose(ACTOR, "city", None, "", "it has ended")
    assert "tried_alone" in [card.code for card in hub.connections.health.around()]
    by_office = {"title": hub.governing.profile.office, "decided_at": hub.clock.now()}
    signed = [two.decision("loosening", **by_office)]
    proposal = hub.connections.contracts.propose(ACTOR, "city", None, "", "it has ended", signed)
    assert (proposal.action, proposal.state) == (Action.CONTRACT, "waits")
    assert proposal.words == "city has no contract any more"
    (card,) = [card for card in hub.connections.health.around() if card.code == "approval_waits"]
    assert "another contract of a connection; else the one in force stays" in card.happened
    for actor in (ACTOR, Actor.service("jobs")):
        with pytest.raises(PolicyRefused):
            hub.access.approvals.approve(actor, proposal.id)
    assert hub.access.approvals.approve(two.SECOND, proposal.id).state == "in_grace"
    assert hub.connections.accounts.list()[0].provenance.contract is not None


def test_a_read_keeps_the_floor_of_the_contract_under_which_it_was_kept(
    under: Opened, tmp_path: Path, clock: SetClock
) -> None:
    hub = under()
    add(hub, tmp_path, "city", b"floor: {dur: P10D, clock: received_at, ref: section 5}")
    bring(hub, tmp_path, "city")
    received = clock.now()
    two.agree(hub, ACTOR, "city", None)
    hub.connections.removals.remove(ACTOR, "city", reads="purge", reason="the contract has ended")
    clock.advance(9 * DAY)
    assert hub.retention.expired.purge(ACTOR) == {"city": 0}
    clock.advance(10 * DAY - (clock.now() - received))
    assert hub.retention.expired.purge(ACTOR) == {"city": 1}


def test_what_was_destroyed_under_a_contract_does_not_come_back_when_that_is_ended(
    under: Opened, tmp_path: Path, clock: SetClock
) -> None:
    hub = under()
    add(hub, tmp_path, "city", WEEK)
    bring(hub, tmp_path, "city")
    clock.advance(8 * DAY)
    assert hub.retention.expired.purge(ACTOR) == {"city": 1}
    two.agree(hub, ACTOR, "city", None)
    again = hub.ingest.sync.run(ACTOR, "city", CAPTURED - DAY)
    assert (again.stored, again.born_expired) == (0, 1)


def test_a_policy_that_cannot_be_kept_beside_a_contract_is_not_put_in_force(under: Opened, tmp_path: Path) -> None:
    hub = under("long-beach")
    add(hub, tmp_path, "city", b"floor: {dur: P60D, clock: received_at, ref: section 5}")
    with pytest.raises(PolicyConflict, match="city-floor"):
        two.activate(hub, ACTOR, "hermosa-beach", "another one")


def test_a_longer_contract_lengthens_nothing_that_is_kept(under: Opened, tmp_path: Path, clock: SetClock) -> None:
    hub = under()
    add(hub, tmp_path, "city", WEEK)
    bring(hub, tmp_path, "city")
    two.agree(hub, ACTOR, "city", None)
    assert ends(hub)["city"] == (7 * DAY, "city-ceiling")
    two.activate(hub, ACTOR, "hermosa-beach", "the period is signed", [manuals.decided("hb-d3", "hb-other")])
    hub.retention.recompute.run(ACTOR)
    assert ends(hub)["city"] == (7 * DAY, "city-ceiling")
    bring(hub, tmp_path, "city", 2, CAPTURED + timedelta(minutes=1))
    assert ends(hub)["city"] == (30 * DAY, "hb-flock")
    clock.advance(8 * DAY)
    hub.retention.expired.purge(ACTOR)
    told = {one["rule"]: one["clause"] for one in hub.retention.certificates.list()}
    assert told["city-ceiling"] == "24-17 section 4.2"  # though no contract is in force that says so
    assert [one.contract is None for one in hub.connections.contracts.of("city")] == [True, False]


def test_what_was_proposed_for_another_contract_is_not_carried_out(under: Opened, tmp_path: Path) -> None:
    hub = under()
    add(hub, tmp_path, "city")
    first = hub.connections.contracts.propose(ACTOR, "city", WEEK, "c.yaml", "the city signed it")
    two.agree(hub, ACTOR, "city", OURS)
    with pytest.raises(Conflict, match="its contract was changed since"):
        hub.access.approvals.approve(two.SECOND, first.id)
    with pytest.raises(Conflict, match="has this contract already"):
        hub.connections.contracts.propose(ACTOR, "city", OURS, "c.yaml", "again")
    with pytest.raises(Invalid, match="reason"):
        hub.connections.contracts.propose(ACTOR, "city", WEEK, "c.yaml", " ")


def test_a_page_that_comes_while_a_contract_changes_is_kept_by_the_new_one(
    under: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = under()
    add(hub, tmp_path, "city")
    parsed, changed = Intake.parsed, []

    def meanwhile(self: Intake, *args: Any) -> Any:
        self._rules_of(1)  # what gives ends is known
        if not changed:
            changed.append(two.agree(hub, ACTOR, "city", WEEK))
        return parsed(self, *args)

    monkeypatch.setattr(Intake, "parsed", meanwhile)
    bring(hub, tmp_path, "city")
    assert ends(hub)["city"] == (7 * DAY, "city-ceiling")


def test_what_a_contract_forbids_leaves_in_no_file_and_other_sources_do(under: Opened, tmp_path: Path) -> None:
    hub, forbids = under(), b"{contract_id: 24-17, sharing: {forbids: [export], ref: section 6}}"
    add(hub, tmp_path, "city", forbids)
    add(hub, tmp_path, "county")
    for name in ("city", "county"):
        bring(hub, tmp_path, name)
    refusal = r"forbids that reads leave in a file: city \(24-17 section 6\); export the others: --connection county"
    with pytest.raises(PolicyRefused, match=refusal):
        hub.search.export.run(ACTOR, query(hub), "csv", tmp_path / "all.csv")
    assert [(one["outcome"], one["results"]) for one in events(hub, "reads.export")] == [("refused", None)]
    assert not list(tmp_path.glob("all.csv*"))
    assert hub.search.export.run(ACTOR, query(hub, connections=("county",)), "csv", tmp_path / "some.csv").rows == 1
    assert len(hub.search.reads.find(ACTOR, query(hub)).rows) == 2


def test_no_hot_list_goes_to_a_source_whose_contract_forbids_it(under: Opened, tmp_path: Path, clock: SetClock) -> None:
    hub = under()
    add(hub, tmp_path, "city", b"{sharing: {forbids: [hot_lists], ref: section 6}}", "lists")
    add(hub, tmp_path, "county", None, "lists")
    hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA")])
    with pytest.raises(PolicyRefused, match=r"city: its contract forbids that hot lists go to it \(section 6\)"):
        hub.hotlists.publishing.publish(ACTOR, "wanted", "city")
    assert events(hub, "hotlists.publish")[0]["outcome"] == "refused"
    assert [task.subject for task in Jobs(hub, "tests").due("publish")] == ["wanted at county"]
    clock.advance(timedelta(hours=2))
    assert not [card for card in hub.connections.health.of("city").cards if "list" in card.code]


def test_a_list_that_lies_at_a_source_is_taken_away_there_once_its_contract_forbids_it(
    under: Opened, tmp_path: Path, clock: SetClock
) -> None:
    hub = under()
    add(hub, tmp_path, "city")
    (tmp_path / "city").mkdir(exist_ok=True)
    held, publish = tmp_path / "city" / "list.json", hub.hotlists.publishing.publish
    hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry(PLATE, "stolen", "26-1"), NewEntry("9SYN002", "stolen", "26-1")])
    assert publish(ACTOR, "wanted", "city").verified
    forbids = b"{sharing: {forbids: [hot_lists], ref: section 6}}"
    proposal = hub.connections.contracts.propose(ACTOR, "city", forbids, "c.yaml", "the city signed it")
    hub.access.approvals.approve(two.SECOND, proposal.id)
    clock.advance(timedelta(seconds=1))
    hub.hotlists.lists.withdraw(ACTOR, "wanted", PLATE, None, "recovered")
    clock.advance(timedelta(seconds=1))
    (card,) = [card for card in hub.connections.health.of("city").cards if card.code == "withdrawn_still_there"]
    assert card.command == "alprhub hotlists publish wanted --connection city"
    assert [task.subject for task in Jobs(hub, "tests").due("publish")] == ["wanted at city"]
    looked = hub.hotlists.publishing.verify(ACTOR, "wanted", "city")
    assert (looked.verified, looked.missing, looked.unexpected) == (False, 0, 2)
    done = publish(ACTOR, "wanted", "city")
    assert (done.verified, done.removed, done.added, done.closed_by) == (True, 2, 0, "section 6")
    assert json.loads(held.read_bytes()) == []
    assert not [card for card in hub.connections.health.of("city").cards if "list" in card.code]
    assert Jobs(hub, "tests").due("publish") == []
    with pytest.raises(PolicyRefused, match="nothing was sent"):
        publish(ACTOR, "wanted", "city")


def test_a_certificate_names_the_owner_and_so_does_what_the_custodian_gets(
    under: Opened, tmp_path: Path, clock: SetClock
) -> None:
    hub = under()
    for name, document in (("city", OURS), ("county", None)):
        add(hub, tmp_path, name, document)
        bring(hub, tmp_path, name)
    clock.advance(31 * DAY)
    hub.retention.expired.purge(ACTOR)
    owners = {one["connection"]: one["owner"] for one in hub.retention.certificates.list()}
    assert owners == {"city": "Marisol Beach PD (24-17 section 3)", "county": None}
    assert hub.retention.certificates.verify() == 2
    handed = json.loads(hub.proofs.handover.document(ACTOR).body)
    told = {one["certified"]["connection"]: one["certified"].get("owner", "left out") for one in handed["certificates"]}
    assert told == {"city": "Marisol Beach PD (24-17 section 3)", "county": "left out"}
    with hub.store.write() as connection:
        connection.execute(text("UPDATE certificates SET owner = 'somebody' WHERE connection = 'city'"))
    with pytest.raises(IntegrityBroken, match="was changed after it was closed"):
        hub.retention.certificates.verify()


def test_the_certificate_of_a_removal_says_whose_the_data_are_and_until_when_the_vendor_deletes_its_copy(
    under: Opened, tmp_path: Path
) -> None:
    hub = under()
    document = OURS.replace(b"}}", b"}, deletion: {within: P30D, ref: section 9}}")
    add(hub, tmp_path, "city", document)
    told = hub.connections.removals.remove(ACTOR, "city", reads="keep", reason="it has ended")["certificate"]
    agreed = told["contract"]
    assert (agreed["number"], agreed["owner"]) == ("24-17", "Marisol Beach PD (24-17 section 3)")
    assert (agreed["vendor_deletes_until"], agreed["clause"]) == ("2026-07-01T12:00:00Z", "24-17 section 9")
    assert "have the vendor certify in writing" in agreed["proof"]


def test_a_connection_is_shown_with_its_contract(under: Opened, tmp_path: Path) -> None:
    hub = under()
    add(hub, tmp_path, "city", WEEK)
    shown = hub.connections.showing.of("city")
    assert (shown.lives, shown.rule, shown.clause) == ("7 days", "city-ceiling", "24-17 section 4.2")
    assert shown.contract == "a read is kept at most 7 days from its capture (24-17 section 4.2)"
    (first,) = hub.connections.contracts.of("city")
    assert (first.reason, first.set_by) == ("it came with the connection", "tester")
    assert events(hub, "connections.contract")[0]["detail"]["contract"]["ceiling"]["dur"] == "P7D"
