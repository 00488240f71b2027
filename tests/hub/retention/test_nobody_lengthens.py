"""Long Beach: 24 months and then purged; no call of the hub's lengthens a read's life by hand."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_type_hints

import manuals
import pytest
import two
from plain import PlainConnector, record, write_page
from sqlalchemy import text

import hub.connections.accounts as accounts
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
        self.why = Why(hub.profile.purposes[0], "report of a stolen car", "26-1")
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
        account, connector = self.hub.connections.open("feed")
        records = connector.unpack(Document((self.folder / "page-001.json").read_bytes()))
        self.hub.intake.take(connector, account.id, records, obtained="pushed", received_at=self.hub.clock.now())


Call = Callable[[Place], Any]

CALLS: dict[str, Call] = {
    "connections.add": lambda it: it.hub.connections.add(ACTOR, "second", "asked", {"folder": str(it.folder)}),
    "connections.schedule": lambda it: it.hub.connections.schedule(ACTOR, "feed", timedelta(hours=1)),
    "connections.stop": lambda it: it.hub.connections.stop(ACTOR, "feed", "the key was refused"),
    "connections.pause": lambda it: it.hub.connections.pause(ACTOR, "feed", "a test"),
    "connections.resume": lambda it: it.hub.connections.resume(ACTOR, "feed"),
    "connections.check": lambda it: it.hub.connections.check("feed"),
    "changes.change": lambda it: it.hub.changes.change(ACTOR, "feed", {}, kind="native_reader"),
    "changes.rotate": lambda it: it.hub.changes.rotate(ACTOR, "feed", {"api_key": "another"}),
    "sealing.reseal": lambda it: it.hub.sealing.reseal(ACTOR),
    "trials.run": lambda it: it.hub.trials.run(ACTOR, "feed", CAPTURED - DAY),
    "diagnostics.bundle": lambda it: it.hub.diagnostics.bundle(ACTOR, "feed"),
    "cameras.set_site": lambda it: it.hub.cameras.set_site(ACTOR, "feed", "c1", "pier"),
    "intake.take": Place.take_again,
    "sync.run": lambda it: it.hub.sync.run(ACTOR, "feed", CAPTURED - DAY),
    "sync.backfill": lambda it: it.hub.sync.backfill(ACTOR, "feed", CAPTURED - DAY, CAPTURED + DAY),
    "gaps.find": lambda it: it.hub.gaps.find(ACTOR),
    "reparse.run": lambda it: it.hub.reparse.run(ACTOR, "feed"),
    "quarantine.replay": lambda it: it.hub.quarantine.replay(ACTOR),
    "pictures.fetch": lambda it: it.hub.pictures.fetch(it.hub.connections.open("feed")[1], 1),
    "pictures_due.run": lambda it: it.hub.pictures_due.run(),
    "hotlists.load": lambda it: it.hub.hotlists.load(
        ACTOR, "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA"), NewEntry("9SYN777", "stolen", "26-2", "US-CA")]
    ),
    "hotlists.withdraw": lambda it: it.hub.hotlists.withdraw(ACTOR, "wanted", PLATE, "US-CA", "it is found"),
    "publishing.publish": lambda it: it.hub.publishing.publish(ACTOR, "wanted", "feed"),
    "publishing.verify": lambda it: it.hub.publishing.verify(ACTOR, "wanted", "feed"),
    "publishing.withdraw": lambda it: it.hub.publishing.withdraw(ACTOR, "wanted", "feed"),
    "search.find": lambda it: it.hub.search.find(ACTOR, Query(it.why, plates=(PLATE,))),
    "lookups.ask": lambda it: it.hub.lookups.ask(ACTOR, PLATE, it.why, since=CAPTURED - DAY, until=CAPTURED + DAY),
    "retention.purge": lambda it: it.hub.retention.purge(ACTOR),
    "canaries.add": lambda it: it.hub.canaries.add(ACTOR, "feed", PLATE, "patrol car 12"),
    "canaries.probe": lambda it: it.hub.canaries.probe(ACTOR),
    "canaries.remove": lambda it: it.hub.canaries.remove(ACTOR, 1, "the car is sold"),
    "holds.place": Place.place_hold,
    "holds.book": lambda it: it.hub.holds.book(ACTOR, it.hold, "E-26-7"),
    "reviews.reviewed": lambda it: it.hub.reviews.reviewed(ACTOR, it.hold, "open", it.hub.clock.now() + 200 * DAY),
    "reviews.classify": lambda it: two.classify(it.hub, ACTOR, it.hold, "felony", CAPTURED.date()),
    "reviews.expire": lambda it: it.hub.reviews.expire(ACTOR),
    "holds.release": lambda it: it.hub.holds.release(ACTOR, it.hold, "over"),
    "links.link": lambda it: it.hub.links.link(ACTOR, [it.id], "26-1", "robbery"),
    "links.unlink": lambda it: it.hub.links.unlink(ACTOR, [it.id], "26-1", "over"),
    "recompute.run": lambda it: it.hub.recompute.run(ACTOR),
    "notices.look": lambda it: it.hub.notices.look(ACTOR),
    "notices.send": lambda it: it.hub.notices.send(),
    "notices.run": lambda it: it.hub.notices.run(ACTOR),
    "notices.test": lambda it: it.hub.notices.test(ACTOR),
    "removals.remove": lambda it: it.hub.removals.remove(ACTOR, "feed", reads="keep", reason="the contract has ended"),
}
"""Everything that changes something, in an order in which each can be done."""

ELSEWHERE = {
    "approvals.propose": "services bring what takes two people: holds.place, reviews.classify",
    "approvals.approve": "carries out what services brought: holds.place, reviews.classify",
    "approvals.refuse": "ends what waits: a hold is released, as by holds.release",
    "approvals.withdraw": "ends what waits: a hold is released, as by holds.release",
    "approvals.lapse": "ends what waits: a hold is released, as by holds.release",
    "approvals.moot": "ends what waits about what is settled without it",
    "approvals.register": "names the service of an action, when the hub opens",
    "activate.carry_out": "another policy: what that does to reads that are kept is a decision to be signed",
    "orders.carry_out": "an order of a court, which ends reads",
    "reviews.carry_out": "the class of a case: reviews.classify",
    "activate.activate": "another policy: what that does to reads that are kept is a decision to be signed",
    "certificates.countersign": "a certificate: the reads are gone",
    "handover.document": "a certificate: the reads are gone",
    "reviews.disposed": "media that are booked: the reads are gone",
    "orders.destroy": "an order of a court, which ends reads",
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
    "connections": {"closed", "free", "kind", "list", "open"}, "changes": {"preview", "secrets_of"},
    "pausing": {"cost"},
    "health": {"all", "around", "of"}, "removals": {"certificate"}, "cameras": {"list"},
    "hotlists": {"changes", "in_force", "names", "watched"}, "search": {"covered"}, "intake": {"look"},
    "sync": {"window"}, "quarantine": {"groups", "show"},
    "analysis": {"co_travel", "pattern", "scenes", "timeline"}, "retention": {"preview"}, "ages": {"report"},
    "calendar": {"next"}, "reconciliation": {"run"}, "canaries": {"known"}, "certificates": {"list", "verify"},
    "handover": {"overdue", "waiting"}, "activate": {"check", "effect_of", "preview"},
    "approvals": {"attachment", "demand_person", "get", "list", "waiting"}, "recompute": {"effect"},
    "holds": {"bookings", "get", "list", "reads"}, "reviews": {"check", "due"},
    "orders": {"check", "file", "get", "list"},
    "notices": {"list", "waiting"},
    "standing": {"too_long"}, "one": {"picture", "show"}, "reparse": {"preview"}, "showing": {"of"},
}  # fmt: skip
BELOW = {"settings", "clock", "store", "images", "governing", "sources", "audit", "asking"}
"""What services stand on; nobody reaches a read's end through these but the services."""


@pytest.fixture
def place(settings: HubSettings, clock: SetClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    """A hub under Long Beach's manual with one read."""
    monkeypatch.setattr(accounts, "connector", lambda key, allowed=(): Asked)
    with ExitStack() as stack:
        hub = stack.enter_context(manuals.under(settings, clock, "long-beach"))
        folder = tmp_path / "feed"
        write_page(folder, 1, [record(1, PLATE, CAPTURED.isoformat(), camera="c1")])
        hub.connections.add(ACTOR, "feed", "asked", {"folder": str(folder)})
        assert hub.sync.run(ACTOR, "feed").stored == 1
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
    assert hub.search.find(ACTOR, Query(place.why, plates=(PLATE,))).rows == []
    hub.retention.purge(ACTOR)
    assert place.rows() == []


@pytest.mark.clause("long-beach 6.3.4 ¶1")
def test_a_link_and_a_released_hold_leave_the_twenty_four_months_as_they_were(place: Place, clock: SetClock) -> None:
    clock.advance(END - DAY - clock.now())
    place.hub.links.link(ACTOR, [place.id], "26-1")
    place.place_hold()
    clock.advance(DAY)
    place.hub.retention.purge(ACTOR)
    assert len(place.rows()) == 1  # the case has it, and nobody else sees it
    assert place.hub.search.find(ACTOR, Query(place.why, plates=(PLATE,))).rows == []
    with pytest.raises(NotFound):
        place.hub.links.link(ACTOR, [place.id], "26-2")
    place.hub.holds.release(ACTOR, place.hold, "no charge")
    place.hub.retention.purge(ACTOR)
    assert place.rows() == []


def test_every_public_call_of_every_service_is_one_of_these() -> None:
    named = {*CALLS, *ELSEWHERE, *(f"{service}.{one}" for service, names in LOOKING.items() for one in names)}
    real = {
        f"{service}.{name}"
        for service, kind in get_type_hints(Hub).items()
        if service not in BELOW
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }
    assert real == named
