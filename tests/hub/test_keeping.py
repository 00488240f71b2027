"""What lies in the spool is kept; what cannot be kept now waits, says so once, and hinders nobody else."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import migrated
import msgspec
import pytest
from plain import PlainConnector, record
from registries import Having
from sqlalchemy import text

from connectors.contract import Document, Request
from hub.clock import SetClock
from hub.ingest.inbox import Inbox
from hub.ingest.receivers import Paused
from hub.people import Actor
from hub.settings import HubSettings
from hub.store.instant import to_micros
from hub.store.spool import Pushed, Spool
from hub.wiring import Hub, open_hub

AT = "2026-06-01T11:00:0{}Z"
KEY = {"x-key": "plain-secret-key"}


class Other(PlainConnector):
    """Another vendor's."""


@pytest.fixture
def settings(tmp_path: Path, migrated_file: Path) -> HubSettings:
    """SQLite alone: what is tested here asks the database for nothing of its own."""
    migrated.seed(tmp_path / "data", migrated_file)
    return HubSettings(data=tmp_path / "data")


@pytest.fixture
def registry() -> Having:
    """The connectors that this process has: `plain` and `other`."""
    return Having(plain=PlainConnector, other=Other)


@pytest.fixture
def absent(registry: Having) -> set[str]:
    """Connectors that this process does not have; `plain` and `other` are there until a test says else."""
    return registry.absent


@pytest.fixture
def opened(settings: HubSettings, clock: SetClock, registry: Having, actor: Actor, tmp_path: Path) -> Iterator[Hub]:
    """A hub with the connections `feed` and `door`, of two vendors."""
    with open_hub(settings, clock, registry=registry) as hub:
        for name, key in (("feed", "plain"), ("door", "other")):
            hub.connections.accounts.add(actor, name, key, {"folder": str(tmp_path)})
        yield hub


@pytest.fixture
def lying(opened: Hub) -> Callable[..., Path]:
    """Lets a batch lie in the spool: pairs of a connection and the number of its read."""
    idents = {account.name: account.id for account in opened.connections.accounts.list()}
    folder = opened.settings.data / "inbox"
    folder.mkdir(exist_ok=True)

    def lie(number: int, *pushes: tuple[str, int]) -> Path:
        at = to_micros(opened.clock.now())
        batch = [
            Pushed(name, idents.get(name, 99), at, "application/json", msgspec.json.encode([read(one)]))
            for name, one in pushes
        ]
        path = folder / f"{number:016d}.batch"
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(msgspec.msgpack.encode(batch))
        return unfinished.rename(path)  # whole, as the spool gives a batch its name: somebody may be looking

    return lie


@pytest.fixture
def inbox(opened: Hub) -> Iterator[Inbox]:
    spool = Spool(opened.settings.data / "inbox", reserve=0)
    yield Inbox(
        spool,
        opened.audit,
        opened.clock,
        opened.ingest.intake,
        opened.ingest.pictures,
        opened.connections.accounts,
    )
    spool.close()


def read(number: int) -> dict[str, Any]:
    return record(number, f"9SYN{number:03d}", AT.format(number % 10))


def plates(hub: Hub) -> list[str]:
    with hub.store.read() as connection:
        return list(connection.scalars(text("SELECT plate_raw FROM reads ORDER BY plate_raw")))


def dropped(hub: Hub) -> int:
    return sum(event["action"] == "reads.receive" for event in hub.audit.events())


def kept(inbox: Inbox) -> int:
    """How many reads are kept now, whatever cannot be."""
    try:
        return inbox.keep().stored
    except Exception:
        return -1


def waiting(hub: Hub) -> list[str]:
    decode = msgspec.msgpack.Decoder(list[Pushed]).decode
    files = sorted((hub.settings.data / "inbox").glob("*.batch"))
    return [pushed.connection for file in files for pushed in decode(file.read_bytes())]


def test_what_a_connection_pushed_waits_while_its_connector_is_absent_and_others_do_not(
    opened: Hub, lying: Callable[..., Path], inbox: Inbox, absent: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    lying(0, ("door", 1), ("feed", 2))
    lying(1, ("feed", 3), ("door", 4))
    absent.add("other")
    for _ in range(3):
        assert kept(inbox) == -1
    assert plates(opened) == ["9SYN002", "9SYN003"]
    assert (waiting(opened), dropped(opened)) == (["door", "door"], 0)
    (line,) = [one for one in caplog.messages if "door" in one]
    assert line == (
        "what door pushed waits on the disk, since it cannot be kept now: there is no connector called 'other'"
    )
    absent.clear()
    assert kept(inbox) == 2
    assert (len(plates(opened)), waiting(opened)) == (4, [])
    assert "what door pushed is kept again" in caplog.messages


def test_what_a_connection_pushed_waits_while_it_cannot_be_opened_and_others_do_not(
    opened: Hub, lying: Callable[..., Path], inbox: Inbox
) -> None:
    lying(0, ("door", 1), ("feed", 2), ("door", 3))
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET settings = '{}' WHERE name = 'door'"))
    assert kept(inbox) == -1
    assert (plates(opened), waiting(opened)) == (["9SYN002"], ["door", "door"])


def test_what_was_pushed_to_a_connection_that_the_database_does_not_know_waits(
    opened: Hub, lying: Callable[..., Path], inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    lying(0, ("elsewhere", 1), ("feed", 2))
    assert kept(inbox) == -1
    assert (plates(opened), waiting(opened), dropped(opened)) == (["9SYN002"], ["elsewhere"], 0)
    (line,) = [one for one in caplog.messages if "elsewhere" in one]
    assert "does not know the connection elsewhere" in line


def test_a_push_whose_connector_is_absent_is_to_be_sent_again(opened: Hub, inbox: Inbox, absent: set[str]) -> None:
    absent.add("other")
    with pytest.raises(Paused):
        inbox.take("door", Request(KEY, Document(msgspec.json.encode([read(1)]))))


@pytest.mark.parametrize(
    "damage", [b"\xc1", b"\x91\x95\xa2\xff\xfe\x01\x00\xa0\xc4\x00"], ids=["no message", "no UTF-8"]
)
def test_a_damaged_batch_is_set_aside_and_holds_up_no_other(
    opened: Hub, lying: Callable[..., Path], inbox: Inbox, damage: bytes
) -> None:
    lying(0, ("feed", 1)).write_bytes(damage)
    lying(1, ("feed", 2))
    (opened.settings.data / "inbox" / "zzz.batch").write_bytes(damage)
    assert kept(inbox) == -1
    assert (plates(opened), waiting(opened)) == (["9SYN002"], [])
    assert len(list((opened.settings.data / "inbox").glob("*.broken"))) == 2


def test_a_push_that_arrives_does_not_try_again_all_that_waits(
    opened: Hub, lying: Callable[..., Path], inbox: Inbox, absent: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lying(0, ("door", 1))
    absent.add("other")
    assert kept(inbox) == -1
    batches, whole = list[str](), Spool.read

    def reading(spool: Spool, batch: Path) -> list[Pushed]:
        batches.append(batch.stem)
        return whole(spool, batch)

    monkeypatch.setattr(Spool, "read", reading)
    second = lying(1, ("feed", 2))
    assert inbox._keeping.keep(again=False).stored == 1
    assert (batches, inbox._keeping.waits) == ([second.stem], True)
    assert kept(inbox) == -1
    assert batches[1:] == [first.stem]


def test_a_batch_that_cannot_be_taken_from_the_disk_is_kept_once(
    opened: Hub, lying: Callable[..., Path], inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lying(0, ("feed", 1))
    with monkeypatch.context() as patch:

        def refused(_: Path, missing_ok: bool = False) -> None:
            raise OSError(errno.EROFS, "read-only")

        patch.setattr(Path, "unlink", refused)
        assert kept(inbox) == -1
    assert inbox.keep().duplicates == 1
    assert (plates(opened), waiting(opened)) == (["9SYN001"], [])


def test_an_end_keeps_what_was_taken(opened: Hub, lying: Callable[..., Path]) -> None:
    with opened.ingest.receiving():
        for number in range(3):
            lying(number, ("feed", number))  # nobody is told of it
    assert (len(plates(opened)), waiting(opened)) == (3, [])


def test_an_end_does_not_wait_for_ever_for_a_database_that_gives_no_answer(
    opened: Hub, lying: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen, asked = Event(), Event()

    def take(*_: Any, **__: Any) -> Any:
        asked.set()
        frozen.wait(60)
        raise OSError(errno.EIO, "it ended")

    monkeypatch.setattr(opened.ingest.intake, "take", take)
    lying(0, ("feed", 1))
    spool = Spool(opened.settings.data / "inbox", reserve=0)
    inbox = Inbox(
        spool,
        opened.audit,
        opened.clock,
        opened.ingest.intake,
        opened.ingest.pictures,
        opened.connections.accounts,
    )
    inbox.start()
    assert asked.wait(60)
    inbox.stop(within=0.01)
    assert waiting(opened) == ["feed"]
    frozen.set()
    for thread in inbox._threads:
        thread.join(60)
    spool.close()
