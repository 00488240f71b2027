"""Whatever happens in whatever order: what is over is seen by nobody, what is held stays, and all of it adds up."""

import tempfile
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
import two
import yaml
from effort import tries
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from plain import record, write_page
from registries import PLAIN
from sqlalchemy import text

from hub.cases.holds import NewHold
from hub.clock import SetClock
from hub.errors import PolicyRefused
from hub.people import Actor, Why
from hub.policy.decisions import Decision
from hub.search.query import Query
from hub.settings import HubSettings
from hub.wiring import open_hub

pytestmark = pytest.mark.slow

ACTOR = Actor("tester")
WHY = Why("stolen_vehicle", "report of a stolen car", "26-1")
BEGIN = datetime(2026, 6, 1, 12, tzinfo=UTC)
LIFE = timedelta(days=30)


class Keeping(RuleBasedStateMachine):
    """A hub beside what it must have kept: the end of every read that was stored, by its id, and who holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.feed = Path(self.folder.name) / "feed"
        self.clock = SetClock(BEGIN)
        self.open()
        self.life = LIFE
        self.lives = [(BEGIN, LIFE, False)]
        self.pages = self.policies = 0
        self.captured: dict[str, datetime] = {}
        self.ends: dict[str, datetime] = {}
        self.holds: dict[int, set[str]] = {}
        self.purged = 0

    def open(self) -> None:
        self.opened = open_hub(HubSettings(data=Path(self.folder.name) / "data"), self.clock, registry=PLAIN)
        self.hub = self.opened.__enter__()

    @initialize()
    def join(self) -> None:
        self.feed.mkdir()
        self.hub.connections.accounts.add(ACTOR, "feed", "plain", {"folder": str(self.feed)})

    @rule(ages=st.lists(st.integers(0, 35), min_size=1, max_size=3))
    def save(self, ages: list[int]) -> None:
        now, records = self.clock.now(), []
        for age in ages:
            number, captured = self.pages * 10 + len(records), now - timedelta(days=age, minutes=len(records))
            records.append(record(number, f"9SYN{number}", captured.isoformat()))
            self.captured[f"r{number}"] = captured
        write_page(self.feed, self.pages, records)
        self.pages += 1
        self.replay()

    @rule()
    def replay(self) -> None:
        """The vendor gives all that it ever had; what is not here, and was promised to live on, is kept."""
        for one, captured in self.captured.items():
            if one not in self.ends and (end := self.promised(captured)) > self.clock.now():
                self.ends[one] = end
        self.hub.ingest.sync.run(ACTOR, "feed", BEGIN - timedelta(days=40), self.clock.now())

    def promised(self, captured: datetime) -> datetime:
        """The end of a read that comes now: the least that was promised since its capture, and since the hub began."""
        ends, collected = list[datetime](), max(captured, BEGIN)
        for (since, life, signed), until in zip(self.lives, [*self.lives[1:], None], strict=True):
            if until is not None and until[0] <= collected:
                continue
            if ends and ends[-1] <= since:
                break
            ends.append(captured + life if signed or not ends else min(ends[-1], captured + life))
        return min(ends[-1], captured + self.life)

    @rule(hours=st.integers(1, 24 * 20))
    def wait(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @rule()
    def purge(self) -> None:
        over = {one for one in self.here() if self.ends[one] <= self.clock.now() and one not in self.held()}
        assert self.hub.retention.expired.purge(ACTOR) == {"feed": len(over)}
        self.purged += len(over)
        for one in over:
            del self.ends[one]

    @precondition(lambda self: self.visible())
    @rule(kind=st.sampled_from(["evidence", "litigation", "discovery"]), by_question=st.booleans(), data=st.data())
    def hold(self, kind: str, by_question: bool, data: st.DataObject) -> None:
        chosen = data.draw(st.sets(st.sampled_from(sorted(self.visible())), min_size=1))
        new = NewHold(kind, "26-1", "needed in court", self.clock.now() + LIFE)
        if by_question:
            plates = tuple(f"9SYN{one[1:]}" for one in chosen)
            made = two.place(self.hub, ACTOR, new, Query(WHY, plates=plates))
        else:
            made = two.place(self.hub, ACTOR, new, reads=[self.rows()[one] for one in chosen])
        self.holds[made.id] = chosen

    @precondition(lambda self: self.held() & self.visible())
    @rule()
    def hold_again(self) -> None:
        """What somebody holds is held for another case too."""
        both = self.held() & self.visible()
        new = NewHold("discovery", "26-4", "asked for", self.clock.now() + LIFE)
        self.holds[two.place(self.hub, ACTOR, new, reads=[self.rows()[one] for one in both]).id] = both

    @precondition(lambda self: self.here())
    @rule(data=st.data(), ordered=st.booleans())
    def hold_late(self, data: st.DataObject, ordered: bool) -> None:
        one = data.draw(st.sampled_from(sorted(self.here())))
        new = NewHold("court_order", "26-2", "ordered", self.clock.now() + LIFE)
        if ordered:
            self.holds[two.place(self.hub, ACTOR, new, reads=[self.rows()[one]]).id] = {one}
        elif one not in self.visible():
            late = NewHold("evidence", "26-2", "late", self.clock.now() + LIFE)
            with pytest.raises(PolicyRefused):
                two.place(self.hub, ACTOR, late, reads=[self.rows()[one]])

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        hold = data.draw(st.sampled_from(sorted(self.holds)))
        del self.holds[hold]
        self.hub.cases.holds.release(ACTOR, hold, "over", booking="E-26-7", resolved="settled")

    @precondition(lambda self: self.visible())
    @rule(data=st.data())
    def link(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(sorted(self.visible())))
        assert self.hub.cases.links.link(ACTOR, [self.rows()[one]], "26-3").changed == 0

    @rule(days=st.sampled_from([20, 25, 30, 35]), signed=st.booleans())
    def another_policy(self, days: int, signed: bool) -> None:
        """Sooner ends are for what is kept too; later ones only where that is signed, and for nothing that is over."""
        now, life = self.clock.now(), timedelta(days=days)
        self.policies += 1
        data = yaml.safe_load(files("hub.policy").joinpath("profiles/hermosa-beach.yaml").read_text("utf-8"))
        for one in data["retention"]["rules"]:
            if one["match"].get("vendor") == "flock":
                one["max"]["dur"] = f"P{days}D"
                one["note"] = f"the {self.policies}th policy"
        file = Path(self.folder.name) / f"{self.policies}.yaml"
        file.write_text(yaml.safe_dump(data), "utf-8")
        decision = Decision(
            settles="lengthening", answer="what is kept too", decided_by="A. Chief", title="Chief", decided_at=now,
            why="the council has decided it",
        )  # fmt: skip
        two.activate(self.hub, ACTOR, str(file), "the council wants it so", [decision] if signed else [])
        self.hub.retention.recompute.run(ACTOR)
        for one, end in self.ends.items():
            if end > now:
                self.ends[one] = self.captured[one] + life if signed else min(end, self.captured[one] + life)
        self.life = life
        self.lives.append((now, life, signed))

    @rule()
    def begin_again(self) -> None:
        """The process ends, and another opens."""
        self.opened.__exit__(None, None, None)
        self.open()

    @invariant()
    def nothing_is_seen_past_its_end(self) -> None:
        found = self.hub.search.reads.find(ACTOR, Query(WHY, since=BEGIN - timedelta(days=99), limit=1000)).rows
        assert {f"r{row.plate[4:]}" for row in found} == self.visible()

    @invariant()
    def what_is_kept_and_what_is_held_is_what_should_be(self) -> None:
        assert set(self.rows()) == self.here()
        with self.hub.store.read() as connection:
            flags = connection.scalars(text("SELECT vendor_read_id FROM reads WHERE held")).all()
        assert set(flags) == self.held()

    @invariant()
    def holders_see_what_they_hold(self) -> None:
        for hold, reads in self.holds.items():
            page = self.hub.cases.holds.reads(ACTOR, hold, WHY, limit=1000)
            assert {f"r{row.plate[4:]}" for row in page.rows} == reads

    @invariant()
    def every_purged_read_is_in_one_certificate_and_every_day_adds_up(self) -> None:
        with self.hub.store.read() as connection:
            certified = connection.scalar(text("SELECT coalesce(sum(reads), 0) FROM certificates"))
        assert certified == self.purged
        self.hub.retention.certificates.verify()
        assert self.hub.proofs.reconciliation.run(ACTOR).differences == []

    def rows(self) -> dict[str, int]:
        """The ids of the reads that are in the store."""
        with self.hub.store.read() as connection:
            return {row.vendor_read_id: row.id for row in connection.execute(text("SELECT * FROM reads"))}

    def here(self) -> set[str]:
        return set(self.ends)

    def visible(self) -> set[str]:
        return {one for one, end in self.ends.items() if end > self.clock.now()}

    def held(self) -> set[str]:
        return {one for reads in self.holds.values() for one in reads}

    def teardown(self) -> None:
        self.opened.__exit__(None, None, None)
        self.folder.cleanup()


TestKeeping = Keeping.TestCase
TestKeeping.settings = settings(
    max_examples=tries(4, 8),
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
