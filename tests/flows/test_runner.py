"""A runner stays: a server that goes away, for however long, ends it no more than a hub that is not there yet."""

import logging
import signal
import threading
from datetime import timedelta
from unittest.mock import Mock

import httpx
import pytest
from prefect.exceptions import TerminationSignal

from flows import runner
from flows.quiet import quiet


class Server:
    """A server that is there or not, by a plan; every wait moves on in it."""

    def __init__(self, *there: bool) -> None:
        self.plan = list(there)

    def answers(self, _: str) -> bool:
        return self.plan.pop(0) if self.plan else True


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of the runner, none of which takes time; nobody looks at the server beside it."""
    found: list[float] = []
    monkeypatch.setattr(runner.Absence, "watch", lambda *_: None)
    monkeypatch.setattr(runner.time, "sleep", found.append)
    return found


def _runs(monkeypatch: pytest.MonkeyPatch, *ends: BaseException | None) -> list[int]:
    """`serve` whose runs end so, one after the other; gives the list of runs."""
    left, begun = list(ends), []

    def served(*_: object) -> None:
        begun.append(len(begun))
        print("Traceback: pages of it")  # noqa: T201 - as Prefect does
        if (end := left.pop(0)) is not None:
            raise end

    monkeypatch.setattr(runner.asyncio, "run", served)
    monkeypatch.setattr(runner, "aserve", lambda *_, **__: None)
    return begun


def test_a_server_that_is_away_is_waited_for_and_said_once(
    monkeypatch: pytest.MonkeyPatch, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    begun = _runs(monkeypatch, ExceptionGroup("a group", [RuntimeError("Service exceeded error threshold.")]), None)
    monkeypatch.setattr(runner, "answers", Server(True, *[False] * 200, True).answers)
    with caplog.at_level(logging.WARNING):
        runner.serve(lambda _: [])
    assert begun == [0, 1]
    said = [record.getMessage() for record in caplog.records]
    assert sum("gives no answer; waiting for it" in line for line in said) == 1
    assert sum("answers again" in line for line in said) == 1
    assert sum("Service exceeded error threshold" in line for line in said) == 1


def test_pages_of_tracebacks_are_not_shown(
    monkeypatch: pytest.MonkeyPatch, waits: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    _runs(monkeypatch, RuntimeError("gone"), None)
    monkeypatch.setattr(runner, "answers", Server().answers)
    runner.serve(lambda _: [])
    assert "Traceback" not in capsys.readouterr().out


def test_what_is_logged_of_a_server_that_is_away_is_one_line_each(
    monkeypatch: pytest.MonkeyPatch, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    _runs(monkeypatch, None)
    monkeypatch.setattr(runner, "answers", Server().answers)
    runner.serve(lambda _: [])
    away = ExceptionGroup("two", [RuntimeError("Failed to reach API at http://127.0.0.1:4200/api/")])
    for raised in (ConnectionRefusedError(111, "refused"), httpx.ConnectError("refused"), away):
        for name in ("prefect.engine", "prefect.FlowRunSuspendingObserver", "prefect.runner", "asyncio"):
            try:
                try:
                    raise raised
                except Exception as cause:
                    raise RuntimeError("polling failed") from cause
            except RuntimeError:
                logging.getLogger(name).exception("it is away")
    said = [record for record in caplog.records if record.getMessage().startswith("it is away")]
    assert len(said) == 12
    assert {(record.exc_info, record.getMessage()) for record in said} == {
        (None, "it is away (Prefect's server gives no answer)")
    }


def test_what_watches_the_servers_pages_ends_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    quiet()
    for name, said in (
        ("prefect.FlowRunCancellingObserver", "Cancellation polling task failed."),
        ("asyncio", "Exception in callback FlowRunSuspendingObserver._handle_polling_task_done()"),
    ):
        try:
            raise RuntimeError("Service exceeded error threshold.")
        except RuntimeError:
            logging.getLogger(name).exception(said)
    assert [(record.getMessage()[:20], record.exc_info) for record in caplog.records] == [
        ("Cancellation polling", None), ("Exception in callbac", None),
    ]  # fmt: skip


def test_an_error_that_is_no_absence_keeps_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    quiet()
    for name in ("prefect.engine", "alprhub.jobs"):
        try:
            raise KeyError("x") if name.startswith("prefect") else ConnectionRefusedError(111, "a vendor")
        except (KeyError, OSError):
            logging.getLogger(name).exception("a defect")
    assert all(record.exc_info for record in caplog.records)


def test_an_absence_that_no_runner_dies_of_is_said_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    over = Mock(spec=threading.Event, wait=Mock(side_effect=[False] * 4 + [True]))
    monkeypatch.setattr(runner, "answers", Server(True, False, False, True).answers)
    with caplog.at_level(logging.WARNING):
        runner.Absence().watch(over)
    said = [record.getMessage() for record in caplog.records]
    assert ["gives no answer" in line for line in said] == [True, False]
    assert "answers again" in said[1]


def test_it_waits_longer_each_time_and_never_for_long(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    begun = _runs(monkeypatch, *[RuntimeError("no agency yet")] * 9, None)
    monkeypatch.setattr(runner, "answers", Server().answers)
    runner.serve(lambda _: [])
    assert len(begun) == 10
    assert waits == sorted(waits)
    assert waits[-1] == runner.LONGEST.total_seconds()


def test_a_runner_that_stayed_for_a_while_is_started_again_soon(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    _runs(monkeypatch, *[RuntimeError("gone")] * 4, None)
    monkeypatch.setattr(runner, "answers", Server().answers)
    monkeypatch.setattr(runner, "STAYED", timedelta(seconds=-1))
    runner.serve(lambda _: [])
    assert waits == [runner.SHORTEST.total_seconds()] * 4


@pytest.mark.parametrize("how", [KeyboardInterrupt(), TerminationSignal(signal.SIGTERM)])
def test_whoever_tells_it_to_end_is_heard(
    monkeypatch: pytest.MonkeyPatch, waits: list[float], how: BaseException
) -> None:
    begun = _runs(monkeypatch, how, None)
    monkeypatch.setattr(runner, "answers", Server().answers)
    runner.serve(lambda _: [])
    assert begun == [0]


def test_stopping_one_runner_pauses_nothing_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr(runner, "aserve", lambda *_, **options: given.update(options))
    monkeypatch.setattr(runner.asyncio, "run", lambda _: None)
    monkeypatch.setattr(runner, "answers", Server().answers)
    runner.serve(lambda _: [])
    assert given["pause_on_shutdown"] is False
