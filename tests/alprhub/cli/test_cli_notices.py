"""`alprhub notices`: what people were told, and whether it gets to them."""

import socket
from pathlib import Path
from typing import Any

import pytest


def test_a_test_goes_by_every_way_and_says_what_came_of_it(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ALPRHUB_NOTICE_SYSLOG", f"udp://127.0.0.1:{server.getsockname()[1]}")
        done = run("notices", "test")
        assert done.code == 0
        assert "UDP does not tell whether it arrived" in done.out
        assert b"This is a test" in server.recv(65536)
        monkeypatch.setenv("ALPRHUB_NOTICE_EMAIL_TO", "a@pd.example")
        done = run("notices", "test", "--json")
    assert done.code == 78
    assert [(one["way"], one["sent"]) for one in done.json()] == [("email", False), ("syslog", True)]
    assert "ALPRHUB_NOTICE_SMTP_HOST is not set" in done.json()[0]["said"]


def test_without_a_way_out_a_test_says_which_settings_make_one(run: Any) -> None:
    done = run("notices", "test")
    assert done.code == 78
    assert "set ALPRHUB_NOTICE_EMAIL_TO, ALPRHUB_NOTICE_WEBHOOK_URL or ALPRHUB_NOTICE_SYSLOG" in done.err
    assert run("notices", "test", "--json").json() == []


def test_what_was_told_is_listed_with_how_it_went_out(
    run: Any, filled: Any, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.people import Actor
    from hub.wiring import open_hub

    assert "nobody was told of anything yet" in run("notices", "list").out
    monkeypatch.setenv("ALPRHUB_NOTICE_SYSLOG", f"unix://{store / 'nobody-listens'}")
    filled.place.rename(filled.place.with_name("away"))
    assert run("sync", "drop").code == 78
    with open_hub() as hub:
        assert hub.notices.run(Actor("tester"))["failed"] == 1
    done = run("notices", "list")
    assert "drop is paused: the place that it takes files from is not there" in done.out
    assert "syslog waits: the syslog socket" in done.out
    (told,) = run("notices", "list", "--json").json()
    assert (told["code"], told["kind"], told["ways"][0]["sent_at"]) == ("place_missing", "begun", None)
    assert run("notices", "list", "--limit", "0").code == 2


def test_a_notice_names_the_agency_that_is_kept(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALPRHUB_AGENCY", raising=False)
    monkeypatch.delenv("ALPRHUB_PROFILE", raising=False)
    monkeypatch.setenv("ALPRHUB_DATA", str(tmp_path / "own"))
    assert run("init", "--agency", "Marisol Beach PD", "--profile", "hermosa-beach").code == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(10)
        monkeypatch.setenv("ALPRHUB_NOTICE_SYSLOG", f"udp://127.0.0.1:{heard.getsockname()[1]}")
        assert run("notices", "test").code == 0
        assert b"Marisol Beach PD" in heard.recv(65_535)
