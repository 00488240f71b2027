"""Long work: a terminal shows how far it is, a pipe hears nothing of it, and a signal ends it at the next piece."""

import io
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from rich.console import Console

from alprhub.cli import progress
from alprhub.sandbox import Service, World, flock_settings
from alprhub.sandbox.flock import flock_app
from connectors.vendors.motorola import MotorolaConnector
from hub.hotlists import lists
from hub.ingest import reparse as reparsing
from hub.ingest.intake import Intake
from hub.people import Actor
from hub.retention import purge as purging
from hub.search import export as exporting
from hub.search import formats
from hub.settings import HubSettings
from hub.wiring import open_hub

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal shows."""
    shown = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=shown, force_terminal=True, width=160))
    return shown


@pytest.fixture
def a_thousand(tmp_path: Path) -> Path:
    """A hot-list file."""
    file = tmp_path / "wanted.csv"
    rows = "".join(f"9SYN{number:03d},CA,stolen,26-{number}\n" for number in range(1000))
    file.write_text(f"plate,state,reason,case\n{rows}")
    return file


def signals(monkeypatch: pytest.MonkeyPatch, number: int, at: str, times: int = 1) -> None:
    """Send this process a signal when something of this name is told."""
    real = progress.Work.say

    def say(self: progress.Work, key: str, text: str, first: int = 0) -> None:
        if key == at:
            for _ in range(times):
                os.kill(os.getpid(), number)
                self._stop.wait(5)  # the main thread hears of it, whichever thread this is
        real(self, key, text, first)

    monkeypatch.setattr(progress.Work, "say", say)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_sync_that_is_stopped_says_what_is_kept_and_how_to_go_on(
    run: Any, joined: Any, sql: Any, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    real, keep, sent = MotorolaConnector.pull, Intake.keep, Event()

    def pull(self: Any, window: Any) -> Any:
        for page in real(self, window):
            yield page
            os.kill(os.getpid(), number)  # the next page is on its way
            sent.set()

    def keeping(self: Intake, *page: Any, **how: Any) -> Any:
        how["meanwhile"]()
        assert sent.wait(30)
        return keep(self, *page, **how)

    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    joined.export(("r1", "9SYN001", hour_ago), ("r2", "9SYN002", hour_ago))
    joined.export(("r3", "9SYN003", hour_ago), name="day-2.csv")
    joined.export(("r4", "9SYN004", hour_ago), name="day-3.csv")
    info = MotorolaConnector.info
    monkeypatch.setattr(MotorolaConnector, "info", replace(info, limits=replace(info.limits, page_size=1)))
    with monkeypatch.context() as patch:
        patch.setattr(MotorolaConnector, "pull", pull)
        patch.setattr(Intake, "keep", keeping)
        done = run("sync", "drop")
    assert done.code == code
    assert done.err == "stopped: 1 new read of drop kept; alprhub sync drop goes on from there\n"
    assert sql("SELECT outcome FROM runs") == [("stopped",)]
    assert run("sync", "drop", "--json").json()["stored"] == 3
    assert sql("SELECT count(*) FROM reads") == [(4,)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_an_import_that_is_stopped_leaves_the_list_as_it_was(
    run: Any, a_thousand: Path, sql: Any, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    monkeypatch.setattr(lists, "STEP", 100)
    signals(monkeypatch, number, "entries stored")
    done = run("hotlists", "import", "wanted", a_thousand)
    assert done.code == code
    assert done.err == f"stopped: nothing of {a_thousand} is imported and wanted is as it was; import it again\n"
    assert sql("SELECT count(*) FROM hotlist_entries") == [(0,)]
    assert sql("SELECT count(*) FROM hotlists") == [(0,)]


def test_a_purge_that_is_stopped_goes_on_and_certifies_each_read_once(
    run: Any, filled: Any, sql: Callable[[str], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sql("UPDATE reads SET expires_at = 1")
    monkeypatch.setattr(purging, "BATCH", 1)
    with monkeypatch.context() as patch:
        signals(patch, signal.SIGTERM, "reads removed")
        done = run("purge")
    assert (done.code, done.err) == (143, "stopped: 1 read removed and certified; alprhub purge goes on from there\n")
    assert run("purge", "--json").json() == {"purged": {"drop": 1}, "traces": "vacuum", "undelivered": None}
    assert sql("SELECT sum(reads) FROM certificates") == [(2,)]


def test_a_reparse_that_is_stopped_keeps_what_it_changed_and_the_next_does_the_rest(
    run: Any, filled: Any, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reparsing, "BATCH", 1)
    since = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0).isoformat()
    told = ("--set=captured_at_column=captured_at", "--set=plate_column=read_id")
    assert run("connections", "change", "drop", *told).code == 0
    with monkeypatch.context() as patch:
        signals(patch, signal.SIGTERM, "reads looked at")
        done = run("connections", "reparse", "drop", "--preview")
    assert (done.code, done.out) == (143, "")
    assert (
        done.err == "stopped: 1 read of drop looked at, nothing changed; alprhub connections reparse drop begins anew\n"
    )
    real = reparsing.Reparse.run
    with monkeypatch.context() as patch:

        def stopped(self: Any, *given: Any, **more: Any) -> Any:
            signals(patch, signal.SIGINT, "reads looked at")
            return real(self, *given, **more)

        patch.setattr(reparsing.Reparse, "run", stopped)
        done = run("connections", "reparse", "drop", "--since", since)
    assert (done.code, done.out) == (130, "")
    again = f"alprhub connections reparse drop --since {since}"
    assert done.err == f"stopped: 1 of 2 reads of drop say what they shall; {again} does the others\n"
    assert sql("SELECT plate FROM plates ORDER BY plate") == [("9SYN002",), ("R1",)]
    assert run(*again.split()[1:]).out.startswith("drop: changed 1 of 2 reads.\n")
    assert sql("SELECT plate FROM plates ORDER BY plate") == [("R1",), ("R2",)]


def test_a_terminal_shows_how_far_a_reparse_is(run: Any, filled: Any, screen: io.StringIO) -> None:
    told = ("--set=captured_at_column=captured_at", "--set=plate_column=read_id")
    assert run("connections", "change", "drop", *told).code == 0
    assert run("connections", "reparse", "drop").code == 0
    assert "2 reads looked at" in screen.getvalue()
    assert "2 of 2 reads looked at" in screen.getvalue()


def test_a_publishing_that_is_stopped_is_on_record_and_the_next_sends_what_is_left(
    run: Any, joined: Any, a_thousand: Path, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("hotlists", "import", "wanted", a_thousand).code == 0
    with monkeypatch.context() as patch:
        signals(patch, signal.SIGINT, "entries sent to drop")
        done = run("hotlists", "publish", "wanted")
    assert done.code == 130
    assert done.err == "stopped: wanted is proved at nobody; alprhub hotlists publish wanted sends what is left\n"
    assert sql("SELECT error, verified_at FROM publications") == [("somebody stopped it", None)]
    joined.load()
    run("hotlists", "publish", "wanted")
    joined.load()
    assert run("hotlists", "verify", "wanted").code == 0


def test_a_lookup_is_stopped_while_a_vendor_is_silent(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = flock_app(World(5, datetime.now(UTC), passes=200, vendors=("flock",)))
    with Service(app) as service:
        given = flock_settings(service.url) | {"requests_per_second": "1000"}
        words = [f"--set={key}={value}" for key, value in given.items()]
        assert run("connections", "add", "flock", "flock", *words, "--agency=Agency").code == 0
        app.state.flock.faults.slow = 60
        signals(monkeypatch, signal.SIGINT, "flock")
        why = ("--purpose", "stolen_vehicle", "--reason", "a stolen car, report 26-1", "--case", "26-1")
        done = run("lookup", "9SYN001", *why)
    assert done.code == 130
    assert done.err.startswith("stopped: what sources had sent by then is kept")


def test_an_export_that_is_stopped_leaves_no_file(
    run: Any, filled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = formats.encoded

    def encoded(*given: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return real(*given)

    monkeypatch.setattr(exporting, "encoded", encoded)
    out = tmp_path / "reads.csv"
    why = ("--purpose", "stolen_vehicle", "--reason", "a stolen car, report 26-1", "--case", "26-1")
    done = run("export", "9SYN001", "--out", out, *why)
    assert (done.code, done.err) == (143, f"stopped: {out} is not written; export it again\n")
    assert not list(tmp_path.glob("reads.csv*"))


def test_a_second_signal_ends_it_at_once(run: Any, a_thousand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signals(monkeypatch, signal.SIGINT, "entries checked", times=2)
    done = run("hotlists", "import", "wanted", a_thousand)
    assert (done.code, done.err.count("\n")) == (130, 1)


def test_signals_mean_what_they_meant_before_once_the_work_is_over(run: Any, a_thousand: Path) -> None:
    before = [signal.getsignal(number) for number, _ in SIGNALS]
    assert run("hotlists", "import", "wanted", a_thousand).code == 0
    assert [signal.getsignal(number) for number, _ in SIGNALS] == before


def test_a_terminal_shows_how_far_an_import_and_a_sync_are(
    run: Any, filled: Any, a_thousand: Path, screen: io.StringIO
) -> None:
    assert run("hotlists", "import", "wanted", a_thousand).out.startswith("wanted: 1000 added")
    assert "0 of 1,000 entries stored" in screen.getvalue()
    assert run("sync", "drop").code == 0
    assert "drop, " in screen.getvalue()
    assert "1 page, 0 records, 0 new" in screen.getvalue()


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_pipe_hears_nothing_of_it(run: Any, filled: Any, a_thousand: Path, options: tuple[str, ...]) -> None:
    for words in (("hotlists", "import", "wanted", a_thousand), ("sync", "drop"), ("purge",), ("pictures",)):
        done = run(*words, *options)
        assert (done.code, done.err) == (0, "")


def test_json_shows_nothing_on_a_terminal_either(run: Any, filled: Any, screen: io.StringIO) -> None:
    assert run("sync", "drop", "--json").json()["pulled"] == 0
    assert screen.getvalue() == ""


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (("plates", 1240, 100_002, 1240, 620.0), "1,240 of 100,002 plates, 13 h 43 min left at 2/s"),
        (("reads", 5000, None, 5000, 2.0), "5,000 reads"),
        (("entries stored", 0, 100_000, 0, 0.0), "0 of 100,000 entries stored"),
        (("entries stored", 90_000, 100_000, 50_000, 5.0), "90,000 of 100,000 entries stored, 1 s left at 10,000/s"),
        (("plates", 3, 3, 3, 9.0), "3 of 3 plates"),
    ],
)
def test_a_line_says_how_many_of_how_many_and_how_long_it_will_take(told: Any, line: str) -> None:
    assert progress.line(*told) == line


def test_an_import_warns_of_a_source_that_could_not_keep_up(run: Any, store: Path, a_thousand: Path) -> None:
    given = {**flock_settings("http://127.0.0.1:1"), "requests_per_second": 0.5}
    with open_hub(HubSettings(data=store)) as hub:
        hub.connections.accounts.add(Actor("tester"), "flock", "flock", given, check=False)
    said = run("hotlists", "import", "wanted", a_thousand).out
    assert "flock answers one plate at a time at 0.5 a second: 1,000 plates take 33 min 20 s a round" in said
    assert "it runs every 10 min. Put only what an active case watches on lists." in said
    (long,) = run("hotlists", "import", "wanted", a_thousand, "--json").json()["long_rounds"]
    assert (long["connection"], long["plates"], long["seconds"]) == ("flock", 1000, 2000.0)


def test_a_terminal_shows_what_is_waited_for_and_no_more_once_that_is_over(screen: io.StringIO) -> None:
    with progress.working(lambda _: "nothing is kept") as work:
        work.waits("vendor.example answered 503\x1b[2J", 4.2)
        work.sleep(0)
        assert not work._waiting
    assert "waiting: vendor.example answered 503" in screen.getvalue()
    assert "tried again in 4 s" in screen.getvalue()
    assert "503\x1b[2J" not in screen.getvalue()
    progress.say_wait("vendor.example is away", 0.2)
    assert "waiting: vendor.example is away; tried again in" in screen.getvalue()


def test_whoever_syncs_by_hand_is_told_soon_that_a_vendor_is_down(
    run: Any, joined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def pull(self: MotorolaConnector, window: Any) -> Any:
        seen.append(self.frame.waits)
        return iter(())

    monkeypatch.setattr(MotorolaConnector, "pull", pull)
    for words in (("sync", "drop"), ("backfill", "drop", "--since=2h"), ("connections", "dry-run", "drop")):
        run(*words)
    assert len(seen) == 3
    assert None not in seen
    with open_hub() as hub:
        hub.ingest.sync.run(Actor("jobs"), "drop")
    assert seen[-1] is None, "a schedule has patience"
