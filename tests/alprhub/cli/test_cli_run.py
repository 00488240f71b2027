"""The schedules from the command line: `alprhub run` in a process of its own, and what `runs` says of it."""

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.hotlists.lists import NewEntry
from hub.jobs.record import JobRuns
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import open_hub

ALPRHUB = Path(sys.executable).with_name("alprhub")


def _wait(process: subprocess.Popen[str], log: Path, said: str) -> None:
    deadline = time.monotonic() + 90
    while said not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


@pytest.mark.timeout(150)
@pytest.mark.parametrize("signum", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_the_schedules_run_in_one_process_until_told_to_end(
    run: Any, joined: Any, tmp_path: Path, signum: signal.Signals
) -> None:
    joined.export(("r1", "9SYN001", (datetime.now(UTC) - timedelta(hours=1)).isoformat()))
    log = tmp_path / "said"
    with log.open("w") as out:
        process = subprocess.Popen([ALPRHUB, "run"], stdout=out, stderr=out, text=True, env=dict(os.environ))
    try:
        _wait(process, log, "sync drop: ")
        process.send_signal(signum)
        assert process.wait(60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    said = log.read_text()
    assert said.startswith("schedules run for 1 connection and 0 hot lists. What ran: alprhub runs. Ctrl-C ends it.")
    assert "ended" in said
    assert "Traceback" not in said
    rows = run("runs", "--json").json()
    assert {"sync", "purge", "reconcile"} <= {row["job"] for row in rows}
    assert {row["outcome"] for row in rows} == {"done"}


def test_nothing_ran_yet(run: Any) -> None:
    assert run("runs").out == "nothing ran yet: `alprhub run` starts the schedules\n"
    assert run("runs", "--bad").out == "no run went badly\n"


def test_a_job_or_a_connection_that_nobody_has_is_told_with_those_that_there_are(run: Any, joined: Any) -> None:
    for words, said in (
        (("--job", "snyc"), "there is no job called 'snyc'; did you mean 'sync'?"),
        (("--connection", "dorp"), "there is no connection called 'dorp'; did you mean 'drop'?"),
    ):
        done = run("runs", *words)
        assert (done.code, done.out) == (66, "")
        assert done.err.startswith(said)
    for words in (("--job", "backfill"), ("--connection", "drop")):
        assert (run("runs", *words).code, run("runs", *words).out) == (0, "no such run\n")


def test_runs_say_when_how_long_what_came_of_it_and_what_went_wrong(run: Any, store: Path) -> None:
    with open_hub(HubSettings(data=store)) as hub:
        hub.hotlists.lists.load(Actor("tester"), "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
        record = JobRuns(hub.store, hub.clock)
        for job, subject, outcome, counts, error in (
            ("sync", "gate", "done", {"pulled": 1240, "stored": 1200, "hits": 0}, None),
            ("publish", "wanted at gate", "unproved", {"missing": 1}, "the vendor's copy differs from ours"),
            ("sync", "pier", "failed", {}, "the key was refused"),
            ("purge", "", "done", {"gate": 12, "pier": 1}, None),
        ):
            entry = record.begin(job, subject, "alprhub run")
            assert entry is not None
            entry.end(outcome, counts, error)  # type: ignore[arg-type]
    everything = run("runs").out
    assert "sync gate" in everything
    assert "1,240 came, 1,200 new" in everything
    assert "12 reads of gate, 1 read of pier" in everything
    assert "not proved" in everything
    assert " PST" in everything or " PDT" in everything
    bad = run("runs", "--bad").out
    assert "the key was refused" in bad
    assert "sync gate" not in bad
    only = run("runs", "--connection", "gate", "--json").json()
    assert {row["subject"] for row in only} == {"gate", "wanted at gate"}
    assert [row["job"] for row in run("runs", "--job", "sync", "--json").json()] == ["sync", "sync"]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_runner_without_an_address_says_how_to_get_one(
    run: Any, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    done = subprocess.run([ALPRHUB, "prefect", command], capture_output=True, text=True, env=clean, check=False)
    assert done.returncode == 78
    assert "alprhub prefect server" in done.stdout
    assert "export PREFECT_API_URL=" in done.stdout


def test_what_people_run_by_hand_is_on_the_same_record(run: Any, joined: Any, store: Path, tmp_path: Path) -> None:
    listed = tmp_path / "wanted.csv"
    listed.write_text("plate,reason,case,state\n9SYN001,stolen,26-1,CA\n")
    assert run("hotlists", "import", "wanted", listed).code == 0
    joined.export(("r1", "9SYN001", (datetime.now(UTC) - timedelta(hours=1)).isoformat()))
    assert run("sync", "drop").code == 0
    assert run("sync", "nobody").code == 66
    assert run("backfill", "drop", "--since", "2h").code == 0
    assert run("sync", "drop", "--since", "2h").code == 0
    assert run("hotlists", "publish", "wanted").code == 75
    assert run("hotlists", "verify", "wanted").code == 75
    assert run("purge").code == 0
    joined.place.rename(joined.place.with_name("away"))
    assert run("sync", "drop").code == 78
    rows = [(row["job"], row["subject"], row["outcome"]) for row in run("runs", "--json").json()]
    assert rows == [
        ("sync", "drop", "failed"),
        ("purge", "", "done"),
        ("verify", "wanted at drop", "unproved"),
        ("publish", "wanted at drop", "unproved"),
        ("backfill", "drop", "done"),
        ("backfill", "drop", "done"),
        ("sync", "drop", "done"),
    ]
    newest, *_, oldest = run("runs", "--json").json()
    assert (oldest["counts"]["stored"], oldest["runner"].partition(" (")[0]) == (1, "by hand")
    assert "folder" in newest["error"]


def test_a_run_of_the_schedules_under_way_is_told_as_busy_by_its_lease(run: Any, joined: Any, store: Path) -> None:
    with open_hub(HubSettings(data=store)) as hub:
        record = JobRuns(hub.store, hub.clock)
        entry = record.begin("sync", "drop", "alprhub run")
        assert entry is not None
        ident = hub.connections.accounts.list()[0].id
        with hub.store.lease(f"sync-{ident}", "drop is being synced"):
            assert run("sync", "drop").code == 75
        entry.end("done")
        assert [one.outcome for one in record.newest(9)] == ["done"]


@pytest.mark.parametrize("command", ["serve", "worker"])
@pytest.mark.parametrize(
    "said",
    [
        "127.0.0.1:4200/api",
        "http://127.0.0.1:4200",
        "127.0.0.1:4200",
        "ftp://127.0.0.1:4200/",
        "http://127.0.0.1:4200/api/",
    ],
)
def test_an_address_that_can_never_answer_is_refused_with_the_right_one(
    run: Any, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    from flows import runner

    monkeypatch.setattr(runner, "api", lambda: said)
    monkeypatch.setattr(runner, "pages", lambda: "http://127.0.0.1:4200")
    done = run("prefect", command)
    assert done.code == 78
    assert repr(said) in done.out
    assert "export PREFECT_API_URL=http://127.0.0.1:4200/api\n" in done.out


@pytest.mark.parametrize(
    "said", ["http://127.0.0.1:4200/api", "https://prefect.example/api", "https://api.prefect.cloud/api/accounts/1"]
)
def test_an_address_that_may_answer_is_waited_for_and_no_contact_is_claimed(
    run: Any, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    from flows import runner

    monkeypatch.setattr(runner, "api", lambda: said)
    monkeypatch.setattr(runner, "pages", lambda: "http://127.0.0.1:4200")
    monkeypatch.setattr(runner, "serve", lambda: None)
    done = run("prefect", "serve")
    assert done.code == 0
    assert f"will run for the server at {said}" in done.out


def test_a_prefect_server_whose_port_is_taken_is_refused_in_words(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("prefect", "server", "--port", port)
    assert done.code == 65
    assert done.err.startswith(
        f"--host 127.0.0.1 --port {port}: another program listens there already; end it, or name"
    )


@pytest.mark.parametrize("command", ["runs", "notices list", "retention certificates"])
@pytest.mark.parametrize("limit", ["1001", "99999999999999999999"])
def test_no_list_is_longer_than_a_page_may_be(run: Any, command: str, limit: str) -> None:
    assert run(*command.split(), "--limit", "1000").code == 0
    refused = run(*command.split(), "--limit", limit)
    assert refused.code == 2
    assert "less than or equal to 1000" in " ".join(refused.err.split())
    assert "Traceback" not in refused.err
