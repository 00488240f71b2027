"""Flows: a few lines each around the hub, and nothing personal on Prefect's side of the door."""

import contextvars
import inspect
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from plain import PlainConnector, record, write_page

import flows.publish as publish_module
import flows.sync as sync_module
import flows.upkeep as upkeep_module
from connectors.contract import Limits, Page, Window
from connectors.errors import TryAgain
from flows.deployments import deployments
from flows.door import FlowFailed, lend, the_hub
from hub.clock import SetClock
from hub.errors import NotFound
from hub.hotlists.lists import NewEntry
from hub.jobs.jobs import Jobs
from hub.jobs.record import JobRuns
from hub.people import Actor
from hub.wiring import Hub

AT = "2026-06-01T11:{:02d}:00Z"
ACTOR = Actor("tester")
MARK = "9SYNXQ7"
UPKEEP = {"purge", "recompute", "holds", "reconcile", "canary", "months", "tidy", "vacuum", "pictures", "notices",
          "checkpoint", "audit"}  # fmt: skip
ALL = {
    name: thing
    for module in (sync_module, publish_module, upkeep_module)
    for name, thing in vars(module).items()
    if type(thing).__name__ == "Flow"
}


@pytest.fixture
def lent(opened: Hub) -> Iterator[Hub]:
    with lend(opened):
        yield opened


def test_every_flow_is_looked_at_here() -> None:
    assert set(ALL) == {"sync", "publish", "verify"} | UPKEEP


@pytest.mark.parametrize("name", ALL)
def test_no_flow_keeps_its_result(name: str) -> None:
    assert ALL[name].persist_result is False


@pytest.mark.parametrize("name", ALL)
def test_a_flow_is_told_names_and_times_and_nothing_else(name: str) -> None:
    allowed = {"connections", "hotlists", "since", "until"}
    assert set(inspect.signature(ALL[name].fn).parameters) <= allowed


def counts(state: Any) -> dict[str, int]:
    """The counts of a flow that ended well."""
    assert state.is_completed(), state.message
    return dict(state.data)


def test_a_sync_gives_counts(lent: Hub, feed: Path) -> None:
    write_page(feed, 1, [*(record(n, f"9SYN{n:03d}", AT.format(n)) for n in range(3)), {"id": "bad"}])
    told = {"stored": 3, "duplicates": 0, "quarantined": 1, "born_expired": 0, "hits": 0, "wanted_images": 0}
    assert {"pulled": 4, **told}.items() <= counts(sync_module.sync.fn(["feed"])).items()
    assert counts(sync_module.sync.fn(["feed"]))["duplicates"] == 3


def test_a_sync_keeps_to_its_window(lent: Hub, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    windows: list[Window] = []

    def pull(self: PlainConnector, window: Window) -> Iterator[Page]:
        windows.append(window)
        yield Page([], {"until": window.until.isoformat()})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    since, until = clock.now() - timedelta(days=2), clock.now() - timedelta(days=1)
    sync_module.sync.fn(["feed"], since, until)
    sync_module.sync.fn(["feed"])
    assert (windows[0].since, windows[0].until) == (since, until)
    assert (windows[1].since, windows[1].until) == (until - PlainConnector.info.look_back, clock.now())


def test_a_scheduled_sync_asks_whose_turn_it_is(lent: Hub, feed: Path, clock: SetClock) -> None:
    write_page(feed, 1, [record(1, "9SYN001", AT.format(1))])
    assert counts(sync_module.sync.fn())["stored"] == 1
    assert (again := sync_module.sync.fn()).message == "nothing was due"
    assert counts(again) == {}
    clock.advance(Limits().every)
    assert counts(sync_module.sync.fn())["duplicates"] == 1


def test_what_is_paused_added_or_changed_needs_no_restart(lent: Hub, feed: Path, clock: SetClock) -> None:
    sync_module.sync.fn()
    lent.connections.accounts.pause(ACTOR, "feed", "contract ended")
    clock.advance(timedelta(hours=1))
    assert sync_module.sync.fn().message == "nothing was due"
    lent.connections.accounts.add(ACTOR, "second", "plain", {"folder": str(feed)})
    lent.connections.accounts.schedule(ACTOR, "second", timedelta(minutes=1))
    assert counts(sync_module.sync.fn())["pulled"] == 0
    clock.advance(timedelta(minutes=1))
    assert counts(sync_module.sync.fn())["pulled"] == 0


def test_publishing_and_verifying_give_counts(lent: Hub, feed: Path, clock: SetClock) -> None:
    lent.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    clock.advance(timedelta(seconds=1))
    proved = {"added": 1, "removed": 0, "missing": 0, "unexpected": 0}
    assert counts(publish_module.publish.fn()) == proved
    assert counts(publish_module.verify.fn(["wanted"], ["feed"])) == {**proved, "added": 0}
    assert publish_module.publish.fn().message == "nothing was due"
    lent.connections.accounts.pause(ACTOR, "feed", "contract ended")
    assert counts(publish_module.publish.fn(["wanted"])) == {}


def test_a_publish_that_is_not_proved_is_not_green(lent: Hub, feed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise TryAgain("no room for 9SYN001")

    lent.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    monkeypatch.setattr(PlainConnector, "push", refuse)
    state = publish_module.publish.fn()
    assert state.is_failed()
    assert "wanted at feed (not proved)" in state.message
    assert "9SYN001" not in state.message  # what a vendor says stays in the hub
    assert lent.audit.events(1)[0]["detail"]["error"] == "no room for 9SYN001"


def test_a_vendor_that_is_down_is_named_and_hides_no_other(
    lent: Hub, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(feed, 1, [record(1, "9SYN001", AT.format(1))])
    lent.connections.accounts.add(ACTOR, "second", "plain", {"folder": str(feed)})
    pull = PlainConnector.pull

    def down(self: PlainConnector, window: Window) -> Iterator[Page]:
        if threading.current_thread().name == "pull-second":
            raise TryAgain("nobody may see 9SYN001")
        yield from pull(self, window)

    monkeypatch.setattr(PlainConnector, "pull", down)
    state = sync_module.sync.fn()
    assert state.is_failed()
    assert state.message.startswith("second (failed): ")
    assert "1 new" in state.message
    assert "9SYN001" not in state.message


def test_the_purge_gives_counts_a_connection(lent: Hub, feed: Path, clock: SetClock) -> None:
    write_page(feed, 1, [record(1, "9SYN001", AT.format(1)), record(2, "9SYN002", AT.format(2))])
    sync_module.sync.fn()
    assert counts(upkeep_module.purge.fn()) == {"feed": 0}
    clock.advance(timedelta(days=31))
    assert counts(upkeep_module.purge.fn()) == {"feed": 2}


@pytest.mark.parametrize("name", sorted(UPKEEP))
def test_what_the_hub_does_for_itself_is_done_once_a_turn_whoever_looks(lent: Hub, name: str) -> None:
    (done,) = Jobs(lent, "the loop").run_due(ACTOR, name)
    assert done.outcome == "done"
    assert ALL[name].fn().message == "nothing was due"
    assert len(JobRuns(lent.store, lent.clock).newest(9, job=name)) == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("reconcile", {"days": 0, "differences": 0, "unconfirmed": 0}),
        ("canary", {}),
        ("months", {"changed": 0}),
        ("tidy", {"forgotten": 0}),
        ("vacuum", {"megabytes": 0}),
        ("recompute", {}),
        ("checkpoint", {"handed_over": 0, "undelivered": 0}),
        ("audit", {"faults": 0}),
    ],
)
def test_upkeep_gives_counts(lent: Hub, name: str, told: dict[str, int]) -> None:
    assert told.items() <= counts(ALL[name].fn()).items()


def test_two_syncs_of_one_connection_never_overlap(lent: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def pull(self: PlainConnector, window: Window) -> Iterator[Page]:
        begun.set()
        assert go_on.wait(30)
        yield Page([], {"until": window.until.isoformat()})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    first = threading.Thread(target=contextvars.copy_context().run, args=(sync_module.sync.fn, ["feed"]))
    first.start()
    try:
        assert begun.wait(30)
        assert counts(sync_module.sync.fn(["feed"])) == {}
        assert sync_module.sync.fn().message == "nothing was due"
    finally:
        go_on.set()
        first.join()
    assert counts(sync_module.sync.fn(["feed"]))["pulled"] == 0


def test_what_is_not_there_is_named_as_failed(lent: Hub) -> None:
    assert "nobody (failed)" in sync_module.sync.fn(["nobody"]).message
    assert "nobody's at feed (failed)" in publish_module.publish.fn(["nobody's"]).message


def test_a_failure_of_the_hub_leaves_without_its_text(lent: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("row of 9SYN001")

    monkeypatch.setattr(type(lent.hotlists.lists), "changes", broken)
    with pytest.raises(FlowFailed, match="a defect of the hub at broken") as failed:
        publish_module.publish.fn()
    assert failed.value.__suppress_context__
    assert "9SYN001" not in str(failed.value)


@pytest.mark.parametrize("refusal", [TryAgain("row of 9SYN001"), NotFound("row of 9SYN001")])
def test_what_the_hub_refuses_leaves_without_its_text_and_is_no_defect(
    lent: Hub, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise refusal

    monkeypatch.setattr(type(lent.hotlists.lists), "changes", refuse)
    with pytest.raises(FlowFailed) as failed:
        publish_module.publish.fn()
    assert str(failed.value) == "the hub refused: its own record and `alprhub connections health` say more"


def test_outside_a_loan_a_flow_opens_the_hub_of_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPRHUB_DATA", str(tmp_path / "own"))
    with pytest.raises(FlowFailed, match=r"there is no hub in .* yet: alprhub init"):  # nobody has said whose hub it is
        upkeep_module.purge.fn()
    monkeypatch.setenv("ALPRHUB_AGENCY", "Marisol Beach PD")
    monkeypatch.setenv("ALPRHUB_PROFILE", "hermosa-beach")
    assert counts(upkeep_module.purge.fn()) == {}
    assert (tmp_path / "own" / "alprhub.sqlite3").is_file()
    with the_hub() as hub:
        assert hub.settings.data == tmp_path / "own"


def test_a_hub_that_cannot_be_opened_is_a_failed_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ALPRHUB_DATA", str(tmp_path / "file"))
    with pytest.raises(FlowFailed, match="is a file, and a folder is needed"):
        upkeep_module.purge.fn()


def test_a_changed_list_goes_out_at_the_next_look(lent: Hub, feed: Path, clock: SetClock) -> None:
    lent.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    publish_module.publish.fn()
    clock.advance(timedelta(seconds=10))
    lent.hotlists.lists.withdraw(ACTOR, "wanted", "9SYN001", None, "recovered")
    clock.advance(timedelta(seconds=10))
    assert counts(publish_module.publish.fn())["removed"] == 1
    assert publish_module.publish.fn().message == "nothing was due"


def test_one_deployment_a_job(lent: Hub) -> None:
    made = {one.flow_name: one for one in deployments()}
    assert set(made) == {flow.name for flow in ALL.values()}
    assert {name: _when(one) for name, one in made.items()} == {
        "sync": timedelta(minutes=1),
        "publish": timedelta(minutes=1),
        "verify": timedelta(minutes=5),
        "notices": timedelta(minutes=1),
        "pictures": timedelta(minutes=5),
        "holds": timedelta(hours=1),
        "purge": timedelta(hours=1),
        "recompute": timedelta(minutes=15),
        "checkpoint": timedelta(hours=1),
        "tidy": "50 2 * * *",
        "vacuum": "5 3 * * *",
        "months": "20 3 * * *",
        "reconcile": "40 3 * * *",
        "audit": "20 4 * * *",
        "canary": "50 4 * * 1",
    }
    nights = {
        made[name].schedules[0].schedule.timezone
        for name in ("tidy", "vacuum", "months", "reconcile", "audit", "canary")
    }
    assert nights == {"America/Los_Angeles"}  # as the agency's policy says
    assert all(one.tags == ["alprhub"] and one.description and not one.parameters for one in made.values())
    assert {one.work_pool_name for one in deployments("alprhub")} == {"alprhub"}


def _when(deployment: Any) -> Any:
    (planned,) = deployment.schedules
    return getattr(planned.schedule, "interval", None) or planned.schedule.cron


@dataclass(frozen=True)
class Played:
    """What flows on a real server left behind."""

    told: dict[str, Any]
    runs: list[list[str | None]]
    home: Path
    log: str


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Every flow, in every way it can end, on a Prefect server that keeps and logs as much as it can."""
    folder = tmp_path_factory.mktemp("played")
    home = folder / "prefect"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ALPRHUB_"))}
    talkative = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_TO_API_ENABLED": "true",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
        "PYTHONPATH": str(Path(__file__).parents[1] / "support"),
        "ALPRHUB_DECISIONS": os.environ["ALPRHUB_DECISIONS"],
    }
    command = [sys.executable, str(Path(__file__).with_name("prefect_for_real.py")), str(folder), MARK]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**clean, **talkative}, timeout=150)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return Played(told["told"], told["runs"], home, done.stderr)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_flows_run_on_a_real_server(played: Played) -> None:
    told = played.told
    assert (told["sync"]["stored"], told["sync"]["quarantined"], told["sync"]["hits"]) == (1, 1, 1)
    assert told["again"]["duplicates"] == 1
    assert told["purge"] == {"feed": 0}
    assert told["publish"]["added"] == 1
    assert told["verify"].startswith("FailedRun: wanted at feed (not proved): `alprhub runs --bad` says why")
    assert told["down"].startswith("FailedRun: feed (failed): ")
    assert told["broken"].startswith("FailedRun: feed (failed): ")


@pytest.mark.slow
def test_the_hub_knows_how_each_run_ended(played: Played) -> None:
    assert played.runs == [
        ["done", None],
        ["done", None],
        ["TryAgain", f"the vendor is down over {MARK}"],
        ["OperationalError", None],
    ]


@pytest.mark.slow
def test_no_plate_and_no_vendors_word_is_in_anything_prefect_keeps(played: Played) -> None:
    kept = {path: path.read_bytes() for path in played.home.rglob("*") if path.is_file()}
    assert any(b"feed (failed)" in content for content in kept.values())  # it is the right place to look
    assert [str(path) for path, content in kept.items() if MARK.encode() in content] == []
    assert MARK not in json.dumps(played.told)


@pytest.mark.slow
def test_no_plate_and_no_vendors_word_is_in_what_prefect_logs(played: Played) -> None:
    assert "feed (failed)" in played.log
    assert [line for line in played.log.splitlines() if MARK in line] == []


def test_prefect_reports_to_nobody() -> None:
    code = "import flows, os; print(os.environ['DO_NOT_TRACK'], os.environ['PREFECT_SERVER_ANALYTICS_ENABLED'])"
    clean = {
        name: value for name, value in os.environ.items() if name not in ("DO_NOT_TRACK",) and "PREFECT" not in name
    }
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=clean)
    assert done.stdout.split() == ["1", "false"]


def test_the_command_line_starts_without_what_only_some_commands_need() -> None:
    heavy = "prefect", "cv2", "onnxruntime", "boto3", "paramiko", "PIL", "fastapi"
    code = f"import sys, alprhub.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
