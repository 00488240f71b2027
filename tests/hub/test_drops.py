"""A drop of very many files: each is taken once, by a row of its own, whatever it is called."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, event, text

from connectors.errors import AdminMustFix, BadFiles, VendorChanged
from connectors.places.folder import Folder as Place
from hub.clock import SetClock
from hub.connections.card import Card
from hub.people import Actor, Why
from hub.search.query import Query
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
        hub.connections.accounts.add(actor, "drop", "generic_csv", {"place": str(place), "map": MAP})

    def put(self, name: bytes, plate: str, written: datetime | None = None) -> None:
        path = os.fsencode(self.place / "reads") + b"/" + name
        at = self.clock.now() - HOUR
        with open(path, "wb") as file:
            file.write(f"Plate,When\n{plate},{at.isoformat()}\n".encode())
        os.utime(path, ((written or at).timestamp(),) * 2)

    def sync(self) -> Saved:
        return self.hub.ingest.sync.run(self.actor, "drop")

    def rows(self) -> dict[bytes, tuple[int, int | None]]:
        with self.hub.store.read() as connection:
            found = connection.execute(text("SELECT name, size, modified FROM taken_files")).all()
        return {bytes(row.name): (row.size, row.modified) for row in found}

    def outcomes(self) -> list[str]:
        with self.hub.store.read() as connection:
            return list(connection.scalars(text("SELECT outcome FROM runs")))

    def cards(self) -> list[Card]:
        return self.hub.connections.health.of("drop").cards

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
    assert folder.hub.connections.trials.run(folder.actor, "drop").pulled == 1
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
    folder.hub.connections.removals.remove(folder.actor, "drop", reads="keep", reason="the contract is over")
    assert folder.rows() == {}


def test_how_many_files_were_taken_is_shown(folder: Folder) -> None:
    folder.put(b"a.csv", "9SYN001")
    folder.sync()
    assert folder.hub.connections.showing.of("drop").files_taken == 1


@pytest.fixture
def beside_a_bad_one(folder: Folder) -> Folder:
    """A good file and one that has no column of plates."""
    folder.put(b"good.csv", "9SYN001")
    folder.put(b"bad.csv", "9SYN002")
    bad = folder.place / "reads" / "bad.csv"
    written = bad.stat().st_mtime
    bad.write_text("Number,When\n9SYN002,2026-06-01T08:00:00\n")
    os.utime(bad, (written, written))
    return folder


def test_a_file_that_cannot_be_taken_is_told_once_and_fails_no_run(beside_a_bad_one: Folder, clock: SetClock) -> None:
    folder = beside_a_bad_one
    with pytest.raises(VendorChanged, match=r"the file 'bad\.csv': the header lacks the column Plate"):
        folder.sync()
    assert set(folder.outcomes()) == {"done"}
    for number in (3, 4):
        clock.advance(HOUR)
        folder.put(b"good%d.csv" % number, f"9SYN00{number}")
        assert folder.sync().stored == 1
    assert set(folder.outcomes()) == {"done"}


def test_one_card_tells_of_it_until_it_goes_away(beside_a_bad_one: Folder, clock: SetClock) -> None:
    folder, bad = beside_a_bad_one, beside_a_bad_one.place / "reads" / "bad.csv"
    with pytest.raises(VendorChanged):
        folder.sync()
    clock.advance(HOUR)
    folder.sync()
    [card] = folder.cards()
    assert (card.code, card.title, card.needs_person) == ("bad_files", "1 file of drop cannot be taken", True)
    assert "bad.csv" in card.happened
    bad.unlink()
    clock.advance(HOUR)
    folder.sync()
    assert folder.cards() == []
    assert set(folder.rows()) == {b"good.csv"}


def test_a_file_that_was_mended_is_taken_and_one_that_is_bad_in_another_way_is_told(
    beside_a_bad_one: Folder, clock: SetClock
) -> None:
    folder = beside_a_bad_one
    with pytest.raises(VendorChanged):
        folder.sync()
    (folder.place / "reads" / "bad.csv").write_text("Plate,Number\n9SYN002,1\n")
    clock.advance(HOUR)
    with pytest.raises(VendorChanged, match="lacks the column When"):
        folder.sync()
    folder.put(b"bad.csv", "9SYN002", clock.now())
    clock.advance(HOUR)
    assert (folder.sync().stored, folder.cards()) == (1, [])


def test_what_a_drop_brought_is_no_hole_because_of_a_bad_file(beside_a_bad_one: Folder, actor: Actor) -> None:
    folder = beside_a_bad_one
    with pytest.raises(VendorChanged):
        folder.sync()
    why = Why("stolen_vehicle", "case of a stolen car", "26-1")
    [part] = folder.hub.search.reads.find(actor, Query(why, plates=("9SYN001",))).coverage
    assert (part.status, part.gaps) == ("included", [])


def test_a_file_that_may_not_be_read_pauses_no_connection(
    folder: Folder, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, plate in ((b"a.csv", "9SYN001"), (b"b.csv", "9SYN002")):
        folder.put(name, plate)
    read = Place.read

    def refusing(place: Place, where: str, file: str, most: int) -> bytes:
        if file == "a.csv":
            raise AdminMustFix("the file 'a.csv' may not be read by the user that runs alprhub")
        return read(place, where, file, most)

    monkeypatch.setattr(Place, "read", refusing)
    with pytest.raises(BadFiles, match=r"a\.csv' may not be read"):
        folder.sync()
    clock.advance(HOUR)
    assert folder.sync().pulled == 0
    assert folder.hub.connections.accounts.list()[0].state == "active"
    assert [card.code for card in folder.cards()] == ["bad_files"]
