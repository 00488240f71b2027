"""What several vendors are sent goes to them side by side: one that is down keeps nothing from the others."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from plain import PlainConnector
from sqlalchemy import text

from connectors.contract import Delta, PushReport
from hub.hotlists.lists import NewEntry
from hub.jobs.beside import beside
from hub.jobs.jobs import Jobs
from hub.people import Actor
from hub.wiring import Hub

ACTOR = Actor("tester")
ENTRY = NewEntry("9SYN001", "stolen", "26-1", "US-CA")


class Silent:
    """The vendor `aa`, which takes nothing until the list `wanted` has reached `feed`; or, asked to, for ever."""

    def __init__(self) -> None:
        self.others_are_done = threading.Event()
        self.asked = 0


@pytest.fixture
def silent(opened: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    (tmp_path / "aa").mkdir()
    opened.connections.accounts.add(ACTOR, "aa", "plain", {"folder": str(tmp_path / "aa")})
    opened.hotlists.lists.load(ACTOR, "wanted", [ENTRY])
    made, push = Silent(), PlainConnector.push

    def pushed(self: PlainConnector, delta: Delta) -> PushReport:
        if self.settings.folder.name == "aa":
            made.asked += 1
            assert made.others_are_done.wait(30), "the other vendor was kept waiting"
        elif delta.list_name == "wanted":
            made.others_are_done.set()
        return push(self, delta)

    monkeypatch.setattr(PlainConnector, "push", pushed)
    yield made
    made.others_are_done.set()


def test_a_vendor_that_does_not_answer_keeps_a_named_list_from_nobody(jobs: Jobs, silent: Silent) -> None:
    runs = jobs.run_all(ACTOR, [jobs.catalogue.publish("wanted", at) for at in ("aa", "feed")])
    assert [(run.subject, run.outcome) for run in runs] == [("wanted at aa", "done"), ("wanted at feed", "done")]


def test_lists_that_wait_for_one_vendor_take_no_other_vendors_place(
    opened: Hub, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.jobs.jobs.AT_ONCE", 2)
    for number in range(3):
        opened.hotlists.lists.load(ACTOR, f"another-{number}", [ENTRY])
    jobs = Jobs(opened, "tests")
    tasks = [jobs.catalogue.publish(name, "aa") for name in ("another-0", "another-1", "another-2")]
    runs = jobs.run_all(ACTOR, [*tasks, jobs.catalogue.publish("wanted", "feed")])
    assert [run.outcome for run in runs] == ["done"] * 4  # nor was any told that somebody else is publishing


def test_one_that_cannot_be_opened_and_one_that_is_taken_keep_no_list_from_the_others(
    jobs: Jobs, opened: Hub, tmp_path: Path
) -> None:
    opened.hotlists.lists.load(ACTOR, "wanted", [ENTRY])
    for name in ("aa", "bb"):
        (tmp_path / name).mkdir()
        opened.connections.accounts.add(ACTOR, name, "plain", {"folder": str(tmp_path / name)})
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET sealed_key = 'lost' WHERE name = 'aa'"))
    ident = next(account.id for account in opened.connections.accounts.list() if account.name == "bb")
    with opened.store.lease(f"publish-{ident}"):
        runs = jobs.run_all(ACTOR, [jobs.catalogue.publish("wanted", at) for at in ("aa", "bb", "feed")])
    assert [run.outcome for run in runs] == ["unproved", "unproved", "done"]
    assert "cannot be opened" in (runs[0].error or "")
    assert "somebody else" in (runs[1].error or "")


def test_what_goes_wrong_with_one_is_its_own_answer() -> None:
    def work(number: int) -> int:
        if number == 1:
            raise ValueError("one")
        return number

    first, second, third = beside([0, 1, 2], work)
    assert (first, third) == (0, 2)
    assert isinstance(second, ValueError)


def test_no_more_are_done_at_a_time_than_one_process_may_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.jobs.beside.AT_ONCE", 2)
    going, most, lock = [0], [0], threading.Lock()

    def work(_: int) -> None:
        with lock:
            going[0] += 1
            most[0] = max(most[0], going[0])
        threading.Event().wait(0.02)
        with lock:
            going[0] -= 1

    beside(list(range(6)), work)
    assert 1 <= most[0] <= 2


def test_a_process_that_ends_waits_for_no_vendor() -> None:
    assert beside([0], lambda _: threading.current_thread().daemon) == [True]
