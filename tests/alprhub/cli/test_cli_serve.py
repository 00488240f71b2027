"""`alprhub serve`: what it refuses before it listens."""

import socket
from pathlib import Path
from typing import Any

import pytest
import uvicorn


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "hub.example.org"])
def test_without_tls_it_listens_to_this_machine_alone(run: Any, host: str) -> None:
    done = run("serve", "--host", host)
    assert done.code == 65
    assert done.err.startswith(f"--host {host}: without TLS")
    assert "--behind-proxy" in done.err
    assert done.err.count("\n") == 1


def test_a_proxy_that_speaks_tls_is_named_by_an_option(run: Any) -> None:
    done = run("serve", "--host", "192.0.2.7", "--behind-proxy")
    assert "is no address of this machine" in done.err, "it went on to listen"


def test_a_certificate_needs_its_key_and_both_are_looked_at_first(run: Any, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    done = run("serve", "--certificate", tmp_path / "cert.pem")
    assert (done.code, done.err) == (65, "--certificate was given without --private-key: TLS needs both\n")
    done = run("serve", "--certificate", tmp_path / "cert.pem", "--private-key", tmp_path / "key.pem")
    assert done.err == f"--private-key: there is no file {tmp_path / 'key.pem'}\n"
    done = run("serve", "--certificate", tmp_path / "cert.pem", "--private-key", tmp_path / "cert.pem")
    assert "are no pair of PEM files" in done.err


def test_a_port_that_is_taken_is_named(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("serve", "--port", port)
    assert (done.code, done.err) == (
        65,
        f"--host 127.0.0.1 --port {port}: another program listens there already; end it, or name another --port\n",
    )
    assert "must be from 1 to 65535" in run("serve", "--port", "70000").err


def test_no_address_is_logged_since_it_may_end_in_a_cameras_secret(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[uvicorn.Config] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, **_: served.append(server.config))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert run("serve", "--port", port).code == 0
    (config,) = served
    assert config.access_log is False
    assert config.log_level == "warning"
