"""Flows: a few lines each around the hub, and nothing personal on Prefect's side of the door."""

import contextvars
import inspect
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from plain import PlainConnector, record, write_page

import flows.canary as canary_module
import flows.holds as holds_module
import flows.publish as publish_module
import flows.purge as purge_module
import flows.recompute as recompute_module
import flows.reconcile as reconcile_module
import flows.sync as sync_module
from connectors.contract import Limits, Page, Window
from connectors.errors import TryAgain
from flows.deployments import deployments
from flows.door import FlowFailed, lend, the_hub
from hub.audit.record import Actor
from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.wiring import Hub

AT = "2026-06-01T11:{:02d}:00Z"
ACTOR = Actor("tester")
MARK = "9SYNXQ7"
ALL = {
    name: thing
    for module in (
        *(sync_module, publish_module, purge_module, reconcile_module, canary_module, recompute_module),
        holds_module,
    )
    for name, thing in vars(module).items()
    if type(thing).__name__ == "Flow"
}


@pytest.fixture
def lent(opened: Hub) -> Iterator[Hub]:
    with lend(opened):
        yield opened


def test_every_flow_is_looked_at_here() -> None:
    retention = {"purge", "recompute", "holds", "reconcile", "canary"}
    assert set(ALL) == {"sync", "read_cameras", "publish", "verify"} | retention


@pytest.mark.parametrize("name", ALL)
def test_no_flow_keeps_its_result(name: str) -> None:
    assert ALL[name].persist_result is False


@pytest.mark.parametrize("name", ALL)
def test_a_flow_is_told_names_and_times_and_nothing_else(name: str) -> None:
    allowed = {"connection", "connections", "hotlist", "since", "until"}
    assert set(inspect.signature(ALL[name].fn).parameters) <= allowed


def test_a_sync_gives_counts(lent: Hub, feed: Path) -> None:
    write_page(feed, 1, [*(record(n, f"9SYN{n:03d}", AT.format(n)) for n in range(3)), {"id": "bad"}])
    counts = {"stored": 3, "duplicates": 0, "quarantined": 1, "born_expired": 0, "hits": 0, "wanted_images": 0}
    assert sync_module.sync.fn("feed") == {"pulled": 4, **counts}
    assert sync_module.sync.fn("feed")["duplicates"] == 3


def test_a_sync_keeps_to_its_window(lent: Hub, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    windows: list[Window] = []

    def pull(self: PlainConnector, window: Window) -> Iterator[Page]:
        windows.append(window)
        yield Page([], {"until": window.until.isoformat()})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    since, until = clock.now() - timedelta(days=2), clock.now() - timedelta(days=1)
    sync_module.sync.fn("feed", since, until)
    sync_module.sync.fn("feed")
    assert (windows[0].since, windows[0].until) == (since, until)
    assert (windows[1].since, windows[1].until) == (until - PlainConnector.info.look_back, clock.now())


def test_reading_cameras_gives_counts(lent: Hub, feed: Path) -> None:
    write_page(feed, 1, [record(1, "9SYN001", AT.format(1))])
    assert sync_module.read_cameras.fn("feed")["stored"] == 1


def test_publishing_and_verifying_give_counts_a_connection(lent: Hub, feed: Path) -> None:
    lent.hotlists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    proved = {"connection": "feed", "removed": 0, "verified": True, "proof": "read_back", "missing": 0, "unexpected": 0}
    assert publish_module.publish.fn("wanted") == [{**proved, "added": 1, "error": False}]
    assert publish_module.verify.fn("wanted", ["feed"]) == [{**proved, "added": 0, "error": False}]
    lent.connections.pause(ACTOR, "feed", "contract ended")
    assert publish_module.publish.fn("wanted") == []


def test_what_a_vendor_says_to_a_push_stays_in_the_hub(lent: Hub, feed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise TryAgain("no room for 9SYN001")

    lent.hotlists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    monkeypatch.setattr(PlainConnector, "push", refuse)
    (row,) = publish_module.publish.fn("wanted")
    assert (row["verified"], row["error"]) == (False, True)
    assert lent.audit.events(1)[0]["detail"]["error"] == "no room for 9SYN001"


def test_the_purge_gives_counts_a_connection(lent: Hub, feed: Path, clock: SetClock) -> None:
    write_page(feed, 1, [record(1, "9SYN001", AT.format(1)), record(2, "9SYN002", AT.format(2))])
    sync_module.sync.fn("feed")
    assert purge_module.purge.fn() == {"feed": 0}
    clock.advance(timedelta(days=31))
    assert purge_module.purge.fn() == {"feed": 2}


def test_reconciling_and_probing_give_counts(lent: Hub, feed: Path) -> None:
    write_page(feed, 1, [record(1, "9SYN001", AT.format(1))])
    sync_module.sync.fn("feed")
    assert reconcile_module.reconcile.fn() == {"days": 1, "differences": 0, "unconfirmed": 0}
    assert canary_module.canary.fn() == {}


def test_two_syncs_of_one_connection_never_overlap(lent: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def pull(self: PlainConnector, window: Window) -> Iterator[Page]:
        begun.set()
        assert go_on.wait(30)
        yield Page([], {"until": window.until.isoformat()})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    first = threading.Thread(target=contextvars.copy_context().run, args=(sync_module.sync.fn, "feed"))
    first.start()
    try:
        assert begun.wait(30)
        for other in (sync_module.sync, sync_module.read_cameras):
            with pytest.raises(FlowFailed, match="Busy: "):
                other.fn("feed")
    finally:
        go_on.set()
        first.join()
    assert sync_module.sync.fn("feed")["pulled"] == 0


@pytest.mark.parametrize(
    ("run", "kind"),
    [
        (lambda: sync_module.sync.fn("nobody"), "NotFound"),
        (lambda: publish_module.publish.fn("nobody's"), "NotFound"),
        (lambda: sync_module.sync.fn("feed", until=None, since="2030"), "TypeError"),
    ],
)
def test_a_failure_leaves_by_its_class_alone(lent: Hub, run: Callable[[], Any], kind: str) -> None:
    with pytest.raises(FlowFailed, match=kind) as failed:
        run()
    assert failed.value.__suppress_context__
    assert "nobody'" not in str(failed.value)


def test_outside_a_loan_a_flow_opens_the_hub_of_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPRHUB_DATA", str(tmp_path / "own"))
    assert purge_module.purge.fn() == {}
    assert (tmp_path / "own" / "alprhub.sqlite3").is_file()
    with the_hub() as hub:
        assert hub.settings.data == tmp_path / "own"


def test_a_hub_that_cannot_be_opened_is_a_failed_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ALPRHUB_DATA", str(tmp_path / "file"))
    with pytest.raises(FlowFailed, match="AdminMustAct: "):
        purge_module.purge.fn()


def test_every_active_connection_and_every_list_has_its_deployments(lent: Hub, tmp_path: Path) -> None:
    lent.connections.add(ACTOR, "gate", "native", {"source": str(tmp_path)}, check=False)
    lent.connections.add(ACTOR, "bell", "unifi", {"webhook_secret": "synthetic-secret"}, check=False)  # only sends
    lent.connections.add(ACTOR, "old", "plain", {"folder": str(tmp_path)})
    lent.connections.pause(ACTOR, "old", "contract ended")
    lent.connections.schedule(ACTOR, "feed", timedelta(minutes=3))
    lent.hotlists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    made = {one.name: one for one in deployments()}
    assert {name: (one.flow_name, one.parameters) for name, one in made.items()} == {
        "feed": ("sync", {"connection": "feed"}),
        "gate": ("read_cameras", {"connection": "gate"}),
        "publish-wanted": ("publish", {"hotlist": "wanted"}),
        "verify-wanted": ("verify", {"hotlist": "wanted"}),
        "purge": ("purge", {}),
        "recompute": ("recompute", {}),
        "holds": ("holds", {}),
        "reconcile": ("reconcile", {}),
        "canary": ("canary", {}),
        "months": ("months", {}),
    }
    assert {name: _when(one) for name, one in made.items()} == {
        "feed": timedelta(minutes=3),
        "gate": Limits().every,
        "publish-wanted": "5 * * * *",
        "verify-wanted": "35 * * * *",
        "purge": "0 * * * *",
        "recompute": "*/15 * * * *",
        "holds": "50 * * * *",
        "reconcile": "40 3 * * *",
        "canary": "50 4 * * 1",
        "months": "20 3 * * *",
    }
    nights = {name: one.schedules[0].schedule.timezone for name, one in made.items() if " 3 " in str(_when(one))}
    assert nights == dict.fromkeys(("months", "reconcile"), "America/Los_Angeles")  # as the agency's policy says
    assert (made["feed"].concurrency_limit, made["gate"].concurrency_limit) == (1, 1)


def _when(deployment: Any) -> Any:
    (planned,) = deployment.schedules
    return getattr(planned.schedule, "interval", None) or planned.schedule.cron


def test_a_list_may_have_any_name(lent: Hub) -> None:
    lent.hotlists.load(ACTOR, "stolen / plates & more", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    lent.hotlists.load(ACTOR, "stolen - plates - more", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    assert len({one.name for one in deployments() if one.parameters}) == 5


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
    }
    command = [sys.executable, str(Path(__file__).with_name("prefect_for_real.py")), str(folder), MARK]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**clean, **talkative}, timeout=150)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return Played(told["told"], told["runs"], home, done.stderr)


@pytest.mark.timeout(180)
def test_flows_run_on_a_real_server(played: Played) -> None:
    told = played.told
    assert (told["sync"]["stored"], told["sync"]["quarantined"], told["sync"]["hits"]) == (1, 1, 1)
    assert told["read_cameras"]["duplicates"] == 1
    assert told["purge"] == {"feed": 0}
    assert [(row["verified"], row["error"]) for row in (*told["publish"], *told["verify"])] == [
        (True, False),
        (False, True),
    ]
    assert told["down"] == "FlowFailed: TryAgain: the hub's own record of this run says more"
    assert told["broken"].startswith("FlowFailed: OperationalError in ")


def test_the_hub_knows_how_each_run_ended(played: Played) -> None:
    assert played.runs == [
        ["done", None],
        ["done", None],
        ["TryAgain", f"the vendor is down over {MARK}"],
        ["OperationalError", None],
    ]


def test_no_plate_and_no_vendors_word_is_in_anything_prefect_keeps(played: Played) -> None:
    kept = {path: path.read_bytes() for path in played.home.rglob("*") if path.is_file()}
    assert any(b"sync-feed" in content for content in kept.values())  # it is the right place to look
    assert [str(path) for path, content in kept.items() if MARK.encode() in content] == []
    assert MARK not in json.dumps(played.told)


def test_no_plate_and_no_vendors_word_is_in_what_prefect_logs(played: Played) -> None:
    assert "FlowFailed" in played.log
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
