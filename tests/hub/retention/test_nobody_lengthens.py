"""Long Beach: 24 months and then purged; no call of the hub's lengthens a read's life by hand."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import manuals
import pytest
import two
from plain import PlainConnector, record, write_page
from registries import Always
from services import services_of
from sqlalchemy import text

from connectors.contract import Document, Lookup, Page
from hub.cases.holds import NewHold
from hub.clock import SetClock
from hub.errors import NotFound
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.search.query import Query
from hub.settings import HubSettings
from hub.wiring import Hub

ACTOR = Actor("tester")
CAPTURED = datetime(2026, 6, 1, 11, tzinfo=UTC)
END = datetime(2028, 6, 1, 11, tzinfo=UTC)
PLATE = "9SYN001"
DAY = timedelta(days=1)


class Asked(PlainConnector):
    """A vendor that can be asked for one plate too."""

    def lookup(self, query: Lookup) -> Iterator[Page]:
        for file in sorted(self.settings.folder.glob("page-*.json")):
            yield Page(list(self.unpack(Document(file.read_bytes()))), None)


class Place:
    """The hub, the folder behind its connection, and the id of the one read."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        self.why = Why(hub.governing.profile.purposes[0], "report of a stolen car", "26-1", "none")
        self.id = int(self.rows()[0][0])
        self.hold = 0

    def rows(self) -> list[tuple[int, int, str]]:
        with self.hub.store.read() as connection:
            found = connection.execute(text("SELECT id, expires_at, rule FROM reads ORDER BY id"))
            return [tuple(row) for row in found]

    def place_hold(self) -> None:
        new = NewHold("case", "26-1", "robbery", self.hub.clock.now() + 300 * DAY, "felony")
        self.hold = two.place(self.hub, ACTOR, new, reads=[self.id]).id

    def take_again(self) -> None:
        account, connector = self.hub.connections.accounts.open("feed")
        records = connector.unpack(Document((self.folder / "page-001.json").read_bytes()))
        self.hub.ingest.intake.take(connector, account.id, records, obtained="pushed", received_at=self.hub.clock.now())


Call = Callable[[Place], Any]

CALLS: dict[str, Call] = {
    "connections.add": lambda it: it.hub.connections.accounts.add(ACTOR, "second", "asked", {"folder": str(it.folder)}),
    "connections.schedule": lambda it: it.hub.connections.accounts.schedule(ACTOR, "feed", timedelta(hours=1)),
    "connections.stop": lambda it: it.hub.connections.accounts.stop(ACTOR, "feed", "the key was refused"),
    "connections.pause": lambda it: it.hub.connections.accounts.pause(ACTOR, "feed", "a test"),
    "connections.resume": lambda it: it.hub.connections.accounts.resume(ACTOR, "feed"),
    "connections.check": lambda it: it.hub.connections.accounts.check("feed"),
    "changes.change": lambda it: it.hub.connections.changes.change(ACTOR, "feed", {}, kind="native_reader"),
    "changes.rotate": lambda it: it.hub.connections.changes.rotate(ACTOR, "feed", {"api_key": "another"}),
    "sealing.reseal": lambda it: it.hub.connections.sealing.reseal(ACTOR),
    "trials.run": lambda it: it.hub.connections.trials.run(ACTOR, "feed", CAPTURED - DAY),
    "diagnostics.bundle": lambda it: it.hub.connections.diagnostics.bundle(ACTOR, "feed"),
    "cameras.set_site": lambda it: it.hub.connections.cameras.set_site(ACTOR, "feed", "c1", "pier"),
    "intake.take": Place.take_again,
    "sync.run": lambda it: it.hub.ingest.sync.run(ACTOR, "feed", CAPTURED - DAY),
    "sync.backfill": lambda it: it.hub.ingest.sync.backfill(ACTOR, "feed", CAPTURED - DAY, CAPTURED + DAY),
    "gaps.find": lambda it: it.hub.ingest.gaps.find(ACTOR),
    "reparse.run": lambda it: it.hub.ingest.reparse.run(ACTOR, "feed"),
    "quarantine.replay": lambda it: it.hub.ingest.quarantine.replay(ACTOR),
    "pictures.fetch": lambda it: it.hub.ingest.pictures.fetch(it.hub.connections.accounts.open("feed")[1], 1),
    "pictures_due.run": lambda it: it.hub.ingest.pictures_due.run(),
    "hotlists.load": lambda it: it.hub.hotlists.lists.load(
        ACTOR, "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA"), NewEntry("9SYN777", "stolen", "26-2", "US-CA")]
    ),
    "hotlists.withdraw": lambda it: it.hub.hotlists.lists.withdraw(ACTOR, "wanted", PLATE, "US-CA", "it is found"),
    "hotlists.readmit": lambda it: it.hub.hotlists.lists.readmit(ACTOR, "wanted", PLATE, "US-CA", "stolen again"),
    "publishing.publish": lambda it: it.hub.hotlists.publishing.publish(ACTOR, "wanted", "feed"),
    "publishing.verify": lambda it: it.hub.hotlists.publishing.verify(ACTOR, "wanted", "feed"),
    "publishing.withdraw": lambda it: it.hub.hotlists.publishing.withdraw(ACTOR, "wanted", "feed"),
    "search.find": lambda it: it.hub.search.reads.find(ACTOR, Query(it.why, plates=(PLATE,))),
    "lookups.ask": lambda it: it.hub.search.lookups.ask(
        ACTOR, PLATE, it.why, since=CAPTURED - DAY, until=CAPTURED + DAY
    ),
    "retention.purge": lambda it: it.hub.retention.expired.purge(ACTOR),
    "canaries.add": lambda it: it.hub.proofs.canaries.add(ACTOR, "feed", PLATE, "patrol car 12"),
    "canaries.probe": lambda it: it.hub.proofs.canaries.probe(ACTOR),
    "canaries.remove": lambda it: it.hub.proofs.canaries.remove(ACTOR, 1, "the car is sold"),
    "holds.place": Place.place_hold,
    "holds.book": lambda it: it.hub.cases.holds.book(ACTOR, it.hold, "E-26-7"),
    "reviews.reviewed": lambda it: it.hub.cases.reviews.reviewed(
        ACTOR, it.hold, "open", it.hub.clock.now() + 200 * DAY
    ),
    "reviews.classify": lambda it: two.classify(it.hub, ACTOR, it.hold, "felony", CAPTURED.date()),
    "reviews.expire": lambda it: it.hub.cases.reviews.expire(ACTOR),
    "holds.release": lambda it: it.hub.cases.holds.release(ACTOR, it.hold, "over"),
    "links.link": lambda it: it.hub.cases.links.link(ACTOR, [it.id], "26-1", "robbery"),
    "links.unlink": lambda it: it.hub.cases.links.unlink(ACTOR, [it.id], "26-1", "over"),
    "recompute.run": lambda it: it.hub.retention.recompute.run(ACTOR),
    "notices.look": lambda it: it.hub.notices.telling.look(ACTOR),
    "notices.send": lambda it: it.hub.notices.telling.send(),
    "notices.run": lambda it: it.hub.notices.telling.run(ACTOR),
    "notices.test": lambda it: it.hub.notices.telling.test(ACTOR),
    "removals.remove": lambda it: it.hub.connections.removals.remove(
        ACTOR, "feed", reads="keep", reason="the contract has ended"
    ),
}
"""Everything that changes something, in an order in which each can be done."""

ELSEWHERE = {
    "approvals.propose": "services bring what takes two people: holds.place, reviews.classify",
    "approvals.approve": "carries out what services brought: holds.place, reviews.classify",
    "approvals.refuse": "ends what waits: a hold is released, as by holds.release",
    "approvals.withdraw": "ends what waits: a hold is released, as by holds.release",
    "approvals.lapse": "ends what waits: a hold is released, as by holds.release",
    "approvals.moot": "ends what waits about what is settled without it",
    "approvals.carry_out_due": "carries out what services brought: activate.carry_out, kinds.carry_out",
    "clock.propose": "proposes that a clock is right, which changes nothing",
    "clock.carry_out": "by which time reads end is said by two people; no end is changed",
    "kinds.propose": "proposes another kind of source, which changes nothing",
    "kinds.carry_out": "another kind of source: changes.change",
    "alarms.refused": "refuses what takes two",
    "same_source.demand": "refuses a way round what was promised of a source",
    "same_source.demand_kind": "refuses a looser kind of source",
    "alarms.note": "notes what was refused",
    "approvals.register": "names the service of an action, when the hub opens",
    "activate.carry_out": "another policy: what that does to reads that are kept is a decision to be signed",
    "orders.carry_out": "an order of a court, which ends reads",
    "reviews.carry_out": "the class of a case: reviews.classify",
    "activate.activate": "another policy: what that does to reads that are kept is a decision to be signed",
    "certificates.countersign": "a certificate: the reads are gone",
    "handover.document": "a certificate: the reads are gone",
    "handover.compose": "a certificate: the reads are gone",
    "deliveries.run": "a certificate: the reads are gone",
    "checkpoints.sign": "signs the audit log, in which no read is",
    "checkpoints.signed": "signs the audit log, in which no read is",
    "checkpoints.keep": "signs the audit log, in which no read is",
    "log_keys.renew": "another key for that",
    "witness.run": "hashes of the audit log",
    "witness.deliver": "hashes of the audit log",
    "contracts.propose": "changes nothing before somebody else approves it",
    "contracts.carry_out": "a contract: it lets no read live longer than policy, and lengthens none that is kept",
    "reviews.disposed": "media that are booked: the reads are gone",
    "orders.destroy": "an order of a court, which ends reads",
    "hotlists.readmit": "lets an import list a plate again, as hotlists.load",
    "hotlists.tidy": "sweeps up what imports that were killed have left, which was never in force",
    "intake.parsed": "what a record says: intake.take",
    "intake.keep": "keeps what was parsed: intake.take",
    "export.run": "a file; reads are looked at as by search.find",
    "search.every": "looks at reads as search.find",
    "search.page": "looks at reads as search.find",
    "lookups.settle": "waits for lookups.ask",
    "pictures.beside": "pictures.fetch beside a sync.run",
    "vacuum.run": "the database's file, written anew",
    "unkept.purge": "what was pushed and is no read yet, destroyed",
    "unkept.destroy": "what was pushed and is no read yet, destroyed",
}  # fmt: skip
LOOKING = {
    "connections": {"closed", "demand_key", "free", "kind", "list", "open"}, "changes": {"preview", "secrets_of"},
    "pausing": {"cost"},
    "health": {"all", "around", "of", "removed"}, "removals": {"certificate"}, "cameras": {"list"},
    "hotlists": {"changes", "in_force", "names", "watched"}, "search": {"covered"}, "intake": {"look"},
    "sync": {"window"}, "standings": {"of"}, "pictures_due": {"not_allowed"}, "quarantine": {"groups", "show"},
    "analysis": {"co_travel", "pattern", "scenes", "timeline"}, "retention": {"preview"}, "ages": {"report"},
    "calendar": {"next"}, "reconciliation": {"run"}, "canaries": {"known"}, "certificates": {"list", "verify"},
    "handover": {"overdue", "waiting"}, "deliveries": {"certified", "faults", "list"},
    "checkpoints": {"list", "verify"}, "log_keys": {"current", "public"}, "log_export": {"events", "lines"},
    "witness": {"list"},
    "contracts": {"check", "effect_of", "of", "read"},
    "activate": {"check", "demand", "effect_of", "loosens", "preview"},
    "kinds": {"check", "demand"}, "clock": {"check"},
    "loosening": {"demand", "grace", "wanting"},
    "approvals": {"attachment", "demand_person", "get", "list", "waiting"}, "recompute": {"effect"},
    "holds": {"bookings", "get", "list", "reads"}, "reviews": {"check", "due"},
    "orders": {"check", "effect_of", "file", "get", "list"},
    "notices": {"list", "waiting"}, "publishing": {"closed"},
    "standing": {"too_long"}, "one": {"picture", "show"}, "reparse": {"preview"}, "showing": {"of"},
    "afterwards": {"of"},
}  # fmt: skip
BELOW = {"proposing", "approved", "in_force", "sources", "asking", "ways", "ids", "endings", "spool"}
"""What services stand on; nobody reaches a read's end through these but the services."""
FORMER = {
    "accounts": "connections", "reads": "search", "expired": "retention", "lists": "hotlists", "telling": "notices",
}  # fmt: skip
"""What stands above for services that are called as their room is."""


@pytest.fixture
def place(settings: HubSettings, clock: SetClock, tmp_path: Path) -> Iterator[Place]:
    """A hub under Long Beach's manual with one read."""
    with ExitStack() as stack:
        hub = stack.enter_context(manuals.under(settings, clock, "long-beach", registry=Always(Asked)))
        folder = tmp_path / "feed"
        write_page(folder, 1, [record(1, PLATE, CAPTURED.isoformat(), camera="c1")])
        hub.connections.accounts.add(ACTOR, "feed", "asked", {"folder": str(folder)})
        assert hub.ingest.sync.run(ACTOR, "feed").stored == 1
        yield Place(hub, folder)


@pytest.mark.slow
@pytest.mark.clause("long-beach 6.3.4 ¶1")
def test_no_call_of_the_hub_lengthens_a_life_and_at_its_end_the_read_is_purged(place: Place, clock: SetClock) -> None:
    hub = place.hub
    before = place.rows()
    clock.advance(END - 100 * DAY - clock.now())
    write_page(place.folder, 2, [{"id": "bad"}])
    for name, call in CALLS.items():
        call(place)
        (ident, end, rule), *others = place.rows()
        assert (ident, rule.startswith("lb-")) == (place.id, True), name
        assert end <= before[0][1], name
        assert all(one[1] <= before[0][1] for one in others), name  # a copy under another source's name
    clock.advance(END - clock.now())
    assert hub.search.reads.find(ACTOR, Query(place.why, plates=(PLATE,))).rows == []
    hub.retention.expired.purge(ACTOR)
    assert place.rows() == []


@pytest.mark.clause("long-beach 6.3.4 ¶1")
def test_a_link_and_a_released_hold_leave_the_twenty_four_months_as_they_were(place: Place, clock: SetClock) -> None:
    clock.advance(END - DAY - clock.now())
    place.hub.cases.links.link(ACTOR, [place.id], "26-1")
    place.place_hold()
    clock.advance(DAY)
    place.hub.retention.expired.purge(ACTOR)
    assert len(place.rows()) == 1  # the case has it, and nobody else sees it
    assert place.hub.search.reads.find(ACTOR, Query(place.why, plates=(PLATE,))).rows == []
    with pytest.raises(NotFound):
        place.hub.cases.links.link(ACTOR, [place.id], "26-2")
    place.hub.cases.holds.release(ACTOR, place.hold, "no charge")
    place.hub.retention.expired.purge(ACTOR)
    assert place.rows() == []


def test_every_public_call_of_every_service_is_one_of_these(place: Place) -> None:
    named = {*CALLS, *ELSEWHERE, *(f"{service}.{one}" for service, names in LOOKING.items() for one in names)}
    real = {
        f"{FORMER.get(service, service)}.{name}"
        for service, thing in ((path.split(".")[-1], thing) for path, thing in services_of(place.hub).items())
        if service not in BELOW
        for name, _ in inspect.getmembers(type(thing), inspect.isfunction)
        if not name.startswith("_")
    }
    assert real == named
