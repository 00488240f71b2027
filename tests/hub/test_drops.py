"""A drop of very many files: each is taken once, by a row of its own, whatever it is called."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, event, text

from connectors.errors import VendorChanged
from hub.clock import SetClock
from hub.people import Actor
from hub.store.page import Saved
from hub.wiring import Hub

HOUR = timedelta(hours=1)
MAP = {"plate": "Plate", "captured_at": {"path": "When", "zone": "UTC"}, "camera_id": "=mast-1"}
LATIN = b"caf\xe9.csv"


class Folder:
    """The folder of a drop, and a hub that takes from it."""

    def __init__(self, hub: Hub, actor: Actor, clock: SetClock, place: Path) -> None:
        self.hub, self.actor, self.clock, self.place = hub, actor, clock, place
        (place / "reads").mkdir(parents=True)
        hub.connections.add(actor, "drop", "generic_csv", {"place": str(place), "map": MAP})

    def put(self, name: bytes, plate: str, written: datetime | None = None) -> None:
        path = os.fsencode(self.place / "reads") + b"/" + name
        at = self.clock.now() - HOUR
        with open(path, "wb") as file:
            file.write(f"Plate,When\n{plate},{at.isoformat()}\n".encode())
        os.utime(path, ((written or at).timestamp(),) * 2)

    def sync(self) -> Saved:
        return self.hub.sync.run(self.actor, "drop")

    def rows(self) -> dict[bytes, tuple[int, int | None]]:
        with self.hub.store.read() as connection:
            found = connection.execute(text("SELECT name, size, modified FROM taken_files")).all()
        return {bytes(row.name): (row.size, row.modified) for row in found}

    def checkpoint(self) -> Any:
        with self.hub.store.read() as connection:
            return msgspec.json.decode(connection.scalar(text("SELECT checkpoint FROM connections")) or "{}")


@pytest.fixture
def folder(opened: Hub, actor: Actor, clock: SetClock, tmp_path: Path) -> Folder:
    return Folder(opened, actor, clock, tmp_path / "place")


def test_a_file_is_taken_once_and_forgotten_when_it_left(folder: Folder, clock: SetClock) -> None:
    folder.put(b"a.csv", "9SYN001")
    folder.put(b"b.csv", "9SYN002")
    assert (folder.sync().stored, set(folder.rows())) == (2, {b"a.csv", b"b.csv"})
    clock.advance(HOUR)
    assert folder.sync().pulled == 0
    (folder.place / "reads" / "a.csv").unlink()
    folder.put(b"b.csv", "9SYN003")
    clock.advance(HOUR)
    assert (folder.sync().stored, set(folder.rows())) == (1, {b"b.csv"})
    assert folder.checkpoint() == {"waiting": {}}


def test_a_name_that_is_not_utf_8_neither_stops_the_drop_nor_is_lost(folder: Folder, clock: SetClock) -> None:
    folder.put(LATIN, "9SYN001")
    folder.put(b"later.csv", "9SYN002")
    assert (folder.sync().stored, set(folder.rows())) == (2, {LATIN, b"later.csv"})
    clock.advance(HOUR)
    assert folder.sync().pulled == 0
    folder.put(LATIN, "9SYN003")
    os.utime(os.fsencode(folder.place / "reads") + b"/" + LATIN, (clock.now().timestamp(),) * 2)
    folder.sync()
    assert set(folder.checkpoint()["waiting"]) == {r"caf\xe9.csv"}
    clock.advance(HOUR)
    assert folder.sync().stored == 1


def test_what_is_wrong_with_such_a_file_is_told_by_its_name(folder: Folder) -> None:
    folder.put(LATIN, "9SYN001")
    Path(os.fsdecode(os.fsencode(folder.place / "reads") + b"/" + LATIN)).write_text("Number\nx\n")
    os.utime(os.fsencode(folder.place / "reads") + b"/" + LATIN, ((folder.clock.now() - HOUR).timestamp(),) * 2)
    with pytest.raises(VendorChanged, match=r"caf\\\\xe9\.csv"):
        folder.sync()


def test_a_pipe_with_the_name_of_an_export_is_not_waited_for(folder: Folder) -> None:
    os.mkfifo(folder.place / "reads" / "x.csv")
    folder.put(b"y.csv", "9SYN001")
    assert folder.sync().stored == 1


def test_what_a_drop_writes_grows_with_its_files_and_not_with_their_square(folder: Folder) -> None:
    written = [0]

    def count(_c: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "taken_files" in statement or "UPDATE connections SET checkpoint" in statement:
            written[0] += len(repr(parameters))

    def bytes_for(files: int) -> int:
        for number in range(files):
            folder.put(b"%d-%d.csv" % (files, number), "9SYN001")
        written[0] = 0
        folder.sync()
        return written[0]

    event.listen(folder.hub.store._writer, "before_cursor_execute", count)
    few, many = bytes_for(50), bytes_for(400)
    assert many < 400 * 250
    assert few * 6 < many < few * 10


def test_a_page_that_is_not_kept_has_taken_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.put(b"a.csv", "9SYN001")
    with monkeypatch.context() as broken:
        broken.setattr("hub.store.saving.keep_refused", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            folder.sync()
    assert folder.rows() == {}
    folder.clock.advance(HOUR)
    assert folder.sync().stored == 1


def test_a_trial_asks_for_what_was_not_taken_and_remembers_nothing(folder: Folder, clock: SetClock) -> None:
    folder.put(b"a.csv", "9SYN001")
    folder.sync()
    folder.put(b"b.csv", "9SYN002")
    clock.advance(HOUR)
    assert folder.hub.trials.run(folder.actor, "drop").pulled == 1
    assert set(folder.rows()) == {b"a.csv"}


def test_a_file_whose_time_was_not_remembered_is_known_by_its_size_and_then_by_its_time(
    folder: Folder, clock: SetClock
) -> None:
    folder.put(b"a.csv", "9SYN001")
    folder.sync()
    with folder.hub.store.write() as connection:
        connection.execute(text("UPDATE taken_files SET modified = NULL"))
    clock.advance(HOUR)
    assert folder.sync().pulled == 0
    folder.put(b"a.csv", "9SYN002")
    clock.advance(HOUR)
    assert folder.sync().stored == 1


def test_the_names_of_files_go_with_their_connection(folder: Folder) -> None:
    folder.put(b"a.csv", "9SYN001")
    folder.sync()
    folder.hub.removals.remove(folder.actor, "drop", reads="keep", reason="the contract is over")
    assert folder.rows() == {}


def test_how_many_files_were_taken_is_shown(folder: Folder) -> None:
    folder.put(b"a.csv", "9SYN001")
    folder.sync()
    assert folder.hub.showing.of("drop").files_taken == 1
