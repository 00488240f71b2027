"""Rooms are made when they are first used, once; a hub says whether it can work."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

import pytest
from registries import PLAIN, Having
from services import services_of
from sqlalchemy import update

from hub import once
from hub.clock import SetClock
from hub.errors import AdminMustAct
from hub.once import made_once
from hub.people import Actor
from hub.settings import HubSettings
from hub.store import tables
from hub.wiring import Hub, open_hub

SOON: Final = 30
"""Seconds after which a test that waits for another thread has failed."""
LOADED = """
import sys
from pathlib import Path

from hub.settings import HubSettings
from hub.wiring import open_hub

with open_hub(HubSettings(data=Path(sys.argv[1]))) as hub:
    before = [name for name in ("hub.search.room", "hub.proofs.room", "hub.cases.room") if name in sys.modules]
    hub.search.reads
    after = [name for name in ("hub.search.room", "hub.proofs.room", "hub.cases.room") if name in sys.modules]
print(before, after)
"""


def test_a_room_that_nobody_enters_is_not_even_loaded(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", LOADED, str(tmp_path / "data")], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[] ['hub.search.room']"


def test_every_service_can_be_made_and_is_the_same_afterwards(opened: Hub) -> None:
    made = services_of(opened)
    assert len(made) > 40
    assert services_of(opened) == made


def test_threads_that_come_at_once_get_the_same_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one comes while the first one makes it."""
    making, second_came, made, got = threading.Event(), threading.Event(), list[object](), list[object]()

    class Told:
        """The lock, which says that a second one asks for it."""

        def __init__(self, lock: Any) -> None:
            self._lock = lock

        def __enter__(self) -> None:
            if making.is_set():
                second_came.set()
            self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()

    class Room:
        @made_once
        def service(self) -> object:
            """One, whose making is over when a second one has come."""
            if making.is_set():
                second_came.set()
            making.set()
            assert second_came.wait(SOON)
            made.append(object())
            return made[-1]

    monkeypatch.setattr(once, "_MAKING", Told(once._MAKING))
    room = Room()
    threads = [threading.Thread(target=lambda: got.append(room.service)) for _ in range(2)]
    threads[0].start()
    assert making.wait(SOON)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert got == made * 2


def test_what_is_made_once_is_made_once_for_each_owner() -> None:
    class Room:
        @made_once
        def service(self) -> object:
            """One."""
            return object()

    assert Room().service is not Room().service


def test_a_hub_that_can_work_says_nothing(opened: Hub, feed: Path) -> None:
    opened.ping()


def test_a_hub_whose_key_is_another_names_the_connection(opened: Hub, feed: Path) -> None:
    with opened.store.write() as connection:
        connection.execute(update(tables.connections).values(sealed_key="ffffffff"))
    with pytest.raises(AdminMustAct, match="the secrets of feed are sealed under the key ffffffff"):
        opened.ping()


def test_a_hub_whose_folder_takes_no_files_names_it(opened: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.rooms.os.access", lambda *_: False)
    with pytest.raises(AdminMustAct, match="takes no files") as refused:
        opened.ping()
    assert str(opened.settings.data) in str(refused.value)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_hub_whose_database_does_not_answer_raises_what_the_database_says(
    opened: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OSError("the server is away")

    monkeypatch.setattr(opened.store, "read", away)
    with pytest.raises(OSError, match="away"):
        opened.ping()


def test_a_hub_that_is_closed_can_be_closed_again(settings: HubSettings, clock: SetClock) -> None:
    with open_hub(settings, clock) as hub:
        hub.close()
        hub.close()


def test_the_registry_that_a_hub_is_opened_with_is_where_its_connectors_come_from(
    settings: HubSettings, clock: SetClock, tmp_path: Path
) -> None:
    (tmp_path / "feed").mkdir()
    with open_hub(settings, clock, registry=PLAIN) as hub:
        hub.connections.accounts.add(Actor("tester"), "feed", "plain", {"folder": str(tmp_path / "feed")})
    with open_hub(settings, clock, registry=Having()) as hub:
        (report,) = hub.connections.health.all()
        assert [card.code for card in report.cards] == ["no_connector"]
