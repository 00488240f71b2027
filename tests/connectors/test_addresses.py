"""Hosts that a vendor's answer names must lead outside."""

import socket
from datetime import UTC, datetime
from typing import Any

import httpcore
import pytest

from connectors.addresses import public_address
from connectors.contract import Frame
from connectors.errors import AdminMustFix, TryAgain
from connectors.http import Http


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(None, None, None, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_public_address_is_given_as_it_was_found(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    answering(monkeypatch, address)
    assert public_address("pictures.example", 443) == address


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "::", "ff02::1"),
    ],
)
def test_one_address_inside_is_enough_to_refuse_a_host(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    answering(monkeypatch, "93.184.215.14", address)
    with pytest.raises(AdminMustFix, match=r"pictures\.example"):
        public_address("pictures.example", 443)


def test_a_host_without_an_address_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: Any, **__: Any) -> Any:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(TryAgain):
        public_address("pictures.example", 443)


def test_a_picture_of_another_host_is_asked_for_at_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def connect(_self: Any, host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        raise httpcore.ConnectError

    answering(monkeypatch, "93.184.215.14")
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    for url in ("/reads", "https://eu.pictures.example/1.jpg"):
        with pytest.raises(TryAgain):
            Http("https://vendor.example", patient(), allow=("pictures.example",)).get(url)
    assert set(asked) == {"vendor.example", "93.184.215.14"}


@pytest.mark.parametrize("url", ["https://pictures.example/1.jpg", "https://169.254.169.254.pictures.example/"])
def test_a_picture_of_a_host_inside_is_never_connected_to(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    answering(monkeypatch, "169.254.169.254")
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", lambda *_, **__: pytest.fail("it was connected to"))
    vendor = Http("https://vendor.example", patient(), allow=("pictures.example",))
    with pytest.raises(AdminMustFix, match="leads into a private network"):
        vendor.get(url)


def patient() -> Frame:
    """A frame in which nobody waits for a second try."""

    class Now:
        def now(self) -> datetime:
            return datetime(2026, 6, 1, tzinfo=UTC)

    def stop(_: float) -> None:
        raise TryAgain("nobody waits")

    return Frame(Now(), stop)
